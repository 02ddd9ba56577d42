"""LMTP (RFC 2033): the same server, one reply for each recipient."""

import pytest

from harness.scenes import delivered, id_of
from harness.smtp import message, stuffed

CONFIG = {"listener": [{"mode": "lmtp"}]}
BOTH = ["alice@example.test", "bob@example.test"]
LOOP = b"Delivered-To: alice@example.test\r\n" + message()


@pytest.fixture
def lmtp(client):
    client.lhlo()
    return client


def begin(client, recipients):
    client.mail()
    for recipient in recipients:
        client.rcpt(recipient)


def test_each_recipient_gets_a_reply_after_the_data(server, lmtp):
    begin(lmtp, BOTH)
    replies = lmtp.data(message(), replies=2)
    assert [reply.code for reply in replies] == [250, 250]
    assert id_of(replies[0]) == id_of(replies[1])
    for user in ("alice", "bob"):
        delivered(server, replies[0], user)
    lmtp.cmd("NOOP", 250)


def test_each_recipient_gets_a_reply_after_the_last_chunk(server, lmtp):
    begin(lmtp, BOTH)
    lmtp.bdat(message()[:10])
    lmtp.send(b"BDAT %d LAST\r\n" % len(message()[10:]) + message()[10:])
    replies = [lmtp.expect(250), lmtp.expect(250)]
    for user in ("alice", "bob"):
        delivered(server, replies[0], user)
    lmtp.cmd("NOOP", 250)


def test_a_recipient_that_was_refused_gets_no_reply_after_the_data(server, lmtp):
    lmtp.mail()
    lmtp.rcpt("alice@example.test")
    lmtp.cmd("RCPT TO:<nobody@example.test>", 550, "5.1.1")
    delivered(server, lmtp.data(message()))
    lmtp.cmd("NOOP", 250)


def test_one_recipient_named_twice_gets_two_replies(server, lmtp):
    begin(lmtp, ["alice@example.test", "alice@example.test"])
    replies = lmtp.data(message(), replies=2)
    assert [reply.code for reply in replies] == [250, 250]
    delivered(server, replies[0])
    lmtp.cmd("NOOP", 250)


def test_a_recipient_may_be_refused_alone_at_the_end_of_the_data(server, lmtp):
    before = len(server.log_lines())
    begin(lmtp, ["bob@example.test", "alice@example.test"])
    replies = lmtp.data(LOOP, replies=2)
    assert [(reply.code, reply.enhanced) for reply in replies] == [(250, "2.0.0"), (554, "5.4.6")]
    delivered(server, replies[0], "bob")
    # The client knows, so that nobody else is to be told.
    assert not any(line.get("event") == "failed" for line in server.log_lines()[before:])


def test_where_all_are_refused_nothing_is_queued(server, lmtp):
    before = len(server.log_lines())
    begin(lmtp, ["alice@example.test", "alice@example.test"])
    assert [reply.code for reply in lmtp.data(LOOP, replies=2)] == [554, 554]
    lmtp.cmd("NOOP", 250)
    assert not any(line.get("event") == "accepted" for line in server.log_lines()[before:])


def test_a_bad_message_is_refused_once_for_each_recipient(lmtp):
    begin(lmtp, BOTH)
    lmtp.cmd("DATA", 354)
    lmtp.send(message() + b"bare\nlf\r\n.\r\n")
    lmtp.expect(554, "5.6.0")
    lmtp.expect(554, "5.6.0")
    lmtp.cmd("NOOP", 250)


def test_data_without_a_recipient_has_one_reply_only(lmtp):
    lmtp.mail()
    lmtp.cmd("RCPT TO:<nobody@example.test>", 550)
    lmtp.cmd("DATA", 503, "5.5.1")
    lmtp.cmd("NOOP", 250)


def test_lmtp_may_be_pipelined(server, lmtp):
    lmtp.send(b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
    assert [lmtp.read_reply().code for _ in range(4)] == [250, 250, 250, 354]
    lmtp.send(stuffed(message()) + b"QUIT\r\n")
    assert [lmtp.read_reply().code for _ in range(3)] == [250, 250, 221]


def test_the_limit_of_commands_does_not_mix_into_the_recipients_replies(make_server):
    server = make_server(listener=[{"mode": "lmtp"}], limits={"commands": 10})
    recipients = [f"alice+{number}@example.test" for number in range(7)]  # the tenth command is the last of them
    with server.client() as client:
        client.lhlo()
        begin(client, recipients)
        replies = client.data(message(), replies=len(recipients))
        assert [reply.code for reply in replies] == [250] * len(recipients)
        client.expect(421, "4.7.0")
        assert client.read_until_close() == b""


def test_a_message_that_is_refused_for_all_is_one_error(make_server):
    server = make_server(listener=[{"mode": "lmtp"}], limits={"errors": 2})
    with server.client() as client:
        client.lhlo()
        begin(client, BOTH + BOTH)
        assert [reply.code for reply in client.data(message("bare\nlf\r\n"), replies=4)] == [554] * 4
        client.cmd("NOOP", 250)
