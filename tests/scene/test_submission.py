"""Mail from our own users: under which names it may go, how much of it, and what is added, taken out and mended."""

import re

import pytest

from harness.sasl import add_accounts, plain, say
from harness.scenes import delivered, id_of
from harness.smtp import message
from harness.waiting import wait_until

ALICE, BOB = "alice@users.test", "bob@users.test"
ALLOWED = "alice@users.test may send as alice@users.test, sales@users.test"


def said(reply):
    return f"{reply.code} {reply.text}"


@pytest.fixture
def make_submission_server(make_server):
    def make(*options, **overrides):
        server = make_server(start=False, listener=[{"mode": "submission"}, {}],
                             auth={"mechanisms": ["PLAIN"], "without_tls_on_loopback": True}, **overrides)
        add_accounts(server, "alice", "bob")
        say(server, "alias", "add", "sales@users.test", ALICE)
        if options:
            say(server, "account", "set", ALICE, *options)
        return server.start()
    return make


@pytest.fixture
def submission_server(make_submission_server):
    return make_submission_server()


def logged_in(server, user=ALICE):
    client = server.client()
    client.ehlo()
    client.cmd("AUTH PLAIN " + plain(user), 235)
    return client


def send(client, content, sender=ALICE, to=BOB):
    """The last reply, and the message as bob got it."""
    client.cmd(f"MAIL FROM:<{sender}>", 250)
    client.cmd(f"RCPT TO:<{to}>", 250)
    client.cmd("DATA", 354)
    client.send(content + b"\r\n.\r\n")
    return client.read_reply()


def own(user=ALICE):
    return message(From=user)[:-2]


def fields(text):
    """The header, a list of (name, value) with folds undone."""
    header = text.decode().replace("\r\n", "\n").partition("\n\n")[0]
    return [tuple(part.strip() for part in line.split(":", 1)) for line in re.sub(r"\n[ \t]+", " ", header).split("\n")]


def arrived(server, reply):
    assert reply.code == 250, reply
    return delivered(server, reply, "bob", "users.test")


def test_nobody_sends_before_he_has_logged_in(submission_server):
    client = submission_server.client()
    client.ehlo()
    assert said(client.cmd(f"MAIL FROM:<{ALICE}>")).startswith("530 5.7.0 ")


def test_the_sender_must_be_an_address_of_the_account(submission_server):
    client = logged_in(submission_server)
    assert said(client.cmd(f"MAIL FROM:<{BOB}>")) == f"553 5.7.1 <{BOB}> is not allowed; {ALLOWED}"
    client.cmd("MAIL FROM:<alice+lists@users.test>", 250)
    client.cmd("RSET", 250)
    client.cmd("MAIL FROM:<sales@users.test>", 250)
    client.cmd("RSET", 250)
    client.cmd("MAIL FROM:<>", 250)


def test_from_must_be_an_address_of_the_account(submission_server):
    client = logged_in(submission_server)
    refused = send(client, b"From: Bob <bob@users.test>\r\nSubject: x\r\n\r\nx")
    assert said(refused) == f"550 5.7.1 From: {BOB} is not allowed; {ALLOWED}"
    reply = send(client, b"From: Sales <sales@users.test>\r\nSubject: x\r\n\r\nx")
    names = [name for name, _ in fields(arrived(submission_server, reply))]
    assert "Sender" not in names


def test_who_may_send_as_another_is_named_as_sender(make_submission_server):
    server = make_submission_server("--send-as", "boss@users.test")
    client = logged_in(server)
    reply = send(client, b"From: boss@users.test\r\nSubject: x\r\n\r\nx", sender="boss@users.test")
    assert ("Sender", ALICE) in fields(arrived(server, reply))


def test_what_is_missing_is_added_and_hidden_recipients_are_taken_out(submission_server):
    client = logged_in(submission_server)
    reply = send(client, b"Subject: x\r\nBcc: secret@users.test,\r\n\tother@users.test\r\n\r\nx")
    got = dict(fields(arrived(submission_server, reply)))
    assert got["Message-ID"] == f"<{id_of(reply)}@mx.test>"
    assert got["From"] == ALICE
    assert re.fullmatch(r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000", got["Date"])
    assert "Bcc" not in got


def test_what_is_there_is_left_alone(submission_server):
    content = b"Message-ID: <a@b>\r\nDate: yesterday\r\nFrom: alice@users.test\r\nSubject: x\r\n\r\nx"
    reply = send(logged_in(submission_server), content)
    got = fields(arrived(submission_server, reply))
    assert [name for name, _ in got][-4:] == ["Message-ID", "Date", "From", "Subject"]


def test_octets_above_127_in_the_header_need_smtputf8(submission_server):
    client = logged_in(submission_server)
    content = "From: alice@users.test\r\nSubject: grüß\r\n\r\nx".encode()
    assert said(send(client, content)) == (
        "554 5.6.9 the header has octets above 127, and SMTPUTF8 was not asked for")
    client.cmd(f"MAIL FROM:<{ALICE}> SMTPUTF8", 250)
    client.cmd(f"RCPT TO:<{BOB}>", 250)
    client.cmd("DATA", 354)
    client.send(content + b"\r\n.\r\n")
    client.expect(250)


def test_an_account_sends_as_much_as_it_may_and_hears_until_when(make_submission_server):
    server = make_submission_server("--messages-per-hour", "2", "--recipients-per-day", "3")
    client = logged_in(server)
    assert send(client, own()).code == 250
    client.cmd(f"MAIL FROM:<{ALICE}>", 250)
    client.cmd(f"RCPT TO:<{BOB}>", 250)
    client.cmd(f"RCPT TO:<{ALICE}>", 250)
    recipients = said(client.cmd("RCPT TO:<sales@users.test>"))
    assert re.fullmatch(r"450 4\.7\.1 alice@users\.test may send 3 recipients within a day, and has; again at "
                        r"\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000", recipients)
    client.cmd("DATA", 354)
    client.send(own() + b"\r\n.\r\n")
    client.expect(250)
    assert said(client.cmd(f"MAIL FROM:<{ALICE}>")).startswith("450 4.7.1 alice@users.test may send 3 recipients")
    # The others are not held to it.
    assert send(logged_in(server, BOB), own(BOB), sender=BOB).code == 250


def test_who_was_disabled_since_sends_no_more(submission_server):
    client = logged_in(submission_server)
    say(submission_server, "account", "set", ALICE, "--state", "disabled")

    def refused():
        reply = client.cmd(f"MAIL FROM:<{ALICE}>")
        client.cmd("RSET", 250)
        return said(reply).startswith("550 5.7.1 alice@users.test may not send any more")

    wait_until(refused, 10, "the refusal")


def test_line_ends_are_mended_only_where_the_setting_says_so(make_submission_server):
    content = b"From: alice@users.test\nSubject: x\n\n..one\n.\ntwo\rthree\r\n"
    strict = make_submission_server()
    assert said(send(logged_in(strict), content)).startswith("554 5.6.0 bare LF")
    server = make_submission_server(submission={"repair_line_ends": True})
    assert arrived(server, send(logged_in(server), content)).endswith(b"\n\n.one\n\ntwo\nthree\n\n")
    # Strangers have to send it right.
    stranger = server.client(1)
    stranger.ehlo()
    assert said(send(stranger, content, sender="x@else.test")).startswith("554 5.6.0 bare LF")


def test_the_clients_address_is_left_out_where_the_setting_says_so(make_submission_server):
    server = make_submission_server(submission={"hide_client": True})
    mail = arrived(server, send(logged_in(server), own()))
    got = dict(fields(mail))
    assert got["Received"].startswith("by mx.test (Postrider) with ESMTPA id ")
    assert b"127.0.0.1" not in mail
