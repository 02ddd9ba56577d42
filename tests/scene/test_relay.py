"""Mail to a smart host or a mailbox server: what is said on the wire, and what becomes of each recipient."""

import pytest

from harness.scenes import id_of
from harness.sink import Drop, Sink
from harness.smtp import message
from harness.toml import merge
from harness.waiting import wait_until

QUICK = {"networks": ["127.0.0.0/8"], "queue": {"retry": {"first": "200ms", "factor": 1.0, "max": "1s"}}}


@pytest.fixture
def relay(make_server):
    """relay(sink, **overrides): a server that sends mail for there.test to this sink."""
    def make(sink, scheme="smtp", **overrides):
        to = f"lmtp:{sink.address}" if isinstance(sink.address, str) else f"{scheme}://127.0.0.1:{sink.port}"
        route = {"domain": "there.test", "via": to, **overrides.pop("route", {})}
        return make_server(**merge({**QUICK, "route": [route]}, overrides))
    return make


def send(server, *recipients, text=None, mail="", rcpt=""):
    with server.client() as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<sender@client.test>{mail}", 250)
        for recipient in recipients:
            client.cmd(f"RCPT TO:<{recipient}>{rcpt}", 250)
        return id_of(client.data(text or message()))


def test_the_message_arrives_as_it_came_below_one_received_field(relay):
    text = b"Subject: dots\r\n\r\n.one\r\n..two\r\n.\r\n\r\nthe end without a dot.\r\n"
    with Sink(("127.0.0.1", 0), ehlo=("PIPELINING",)) as sink:
        name = send(relay(sink), "bob@there.test", text=text)
        mail, = sink.wait()
        assert mail.content.endswith(text) and mail.content.startswith(b"Received: ")
        assert name.encode() in mail.content[:-len(text)]
        assert sink.commands[:4] == ["EHLO mx.test", "MAIL FROM:<sender@client.test>", "RCPT TO:<bob@there.test>", "DATA"]


def test_chunks_are_used_where_they_are_offered(relay):
    with Sink(("127.0.0.1", 0)) as sink:
        server = relay(sink)
        big = message(body=b"0123456789abcdef\r\n" * 40_000)
        send(server, "bob@there.test")
        send(server, "bob@there.test", text=big)
        first, second = sink.wait(2)
        assert first.content.endswith(message()) and second.content.endswith(big)
        assert any(not line.endswith("LAST") for line in sink.said("BDAT")) and not sink.said("DATA")


def test_each_recipient_has_its_own_end(relay):
    replies = {"RCPT:no@there.test": "550 5.1.1 no such user", "RCPT:later@there.test": ["450 4.2.1 later", None]}
    with Sink(("127.0.0.1", 0), replies=replies) as sink:
        server = relay(sink)
        name = send(server, "yes@there.test", "no@there.test", "later@there.test")
        server.wait_log(event="relayed", id=name, to="yes@there.test")
        server.wait_log(event="failed", id=name, to="no@there.test", dsn="5.1.1")
        server.wait_log(event="deferred", id=name, to="later@there.test", dsn="4.2.1")
        server.wait_log(event="relayed", id=name, to="later@there.test")
        assert [mail.recipients for mail in sink.wait(2)] == [["yes@there.test"], ["later@there.test"]]


def test_a_connection_that_drops_in_the_middle_is_tried_again(relay):
    with Sink(("127.0.0.1", 0), faults={"RCPT": Drop()}) as sink:
        server = relay(sink)
        name = send(server, "bob@there.test")
        server.wait_log(event="deferred", id=name, dsn="4.4.2")
        sink.faults.clear()
        server.wait_log(event="relayed", id=name)
        assert len(sink.messages) == 1


def test_the_next_message_goes_over_the_same_connection(relay):
    with Sink(("127.0.0.1", 0)) as sink:
        server = relay(sink)
        for _ in range(3):
            server.wait_log(event="relayed", id=send(server, "bob@there.test"))
        assert sink.connections == 1
        assert len(sink.said("EHLO")) == 1


def test_a_connection_is_left_with_quit_after_its_messages_and_its_time(relay):
    with Sink(("127.0.0.1", 0)) as sink:
        server = relay(sink, delivery={"messages_per_connection": 2, "timeouts": {"idle": "1s"}})
        for _ in range(3):
            server.wait_log(event="relayed", id=send(server, "bob@there.test"))
        wait_until(lambda: len(sink.said("QUIT")) == sink.connections >= 2, 10, lambda: str(sink.commands))


def test_what_the_server_announces_decides(relay):
    with Sink(("127.0.0.1", 0), ehlo=("PIPELINING", "SIZE 2000")) as sink:
        server = relay(sink)
        name = send(server, "bob@there.test", text=message(body=b"x" * 990 + b"\r\n" + b"y" * 990 + b"\r\n"))
        server.wait_log(event="failed", id=name, dsn="5.3.4")
        name = send(server, "bob@there.test", mail=" BODY=8BITMIME RET=HDRS ENVID=some", rcpt=" NOTIFY=FAILURE")
        server.wait_log(event="relayed", id=name)
        mail, = sink.wait()
        assert mail.mail.startswith("MAIL FROM:<sender@client.test> SIZE=") and "BODY" not in mail.mail
        assert mail.rcpts == ["RCPT TO:<bob@there.test>"]


def test_dsn_parameters_are_passed_on(relay):
    with Sink(("127.0.0.1", 0)) as sink:
        send(relay(sink), "bob@there.test", mail=" RET=HDRS ENVID=some+2Bid",
             rcpt=" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2B@x.test")
        mail, = sink.wait()
        assert mail.mail.endswith(" RET=HDRS ENVID=some+2Bid")
        assert mail.rcpts == ["RCPT TO:<bob@there.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2B@x.test"]


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_lmtp_answers_each_recipient(relay, tmp_path, kind):
    address = ("127.0.0.1", 0) if kind == "tcp" else str(tmp_path / "lmtp.sock")
    with Sink(address, lmtp=True, replies={"end:full@there.test": ["452 4.2.2 full", None]}) as sink:
        server = relay(sink, scheme="lmtp")
        name = send(server, "bob@there.test", "full@there.test")
        server.wait_log(event="delivered", id=name, to="bob@there.test")
        server.wait_log(event="deferred", id=name, to="full@there.test", dsn="4.2.2")
        server.wait_log(event="delivered", id=name, to="full@there.test")
        assert sink.said("LHLO") and not sink.said("EHLO")


def test_source_and_helo_are_the_routes(relay):
    with Sink(("127.0.0.1", 0)) as sink:
        send(relay(sink, route={"source": "127.0.0.9", "helo": "out.test"}), "bob@there.test")
        sink.wait()
        assert sink.clients[0][0] == "127.0.0.9"
        assert sink.commands[0] == "EHLO out.test"
