"""No message can be hidden in another: content ends at CRLF.CRLF alone, and a bare CR or LF is refused."""

import pytest

from harness.scenes import delivered, send_in_drops
from harness.smtp import message

EVIL = (b"MAIL FROM:<evil@client.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
        b"From: evil@client.test\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n")
# What some server, some time, took for the end of the data.
FALSE_ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r", b"\r.\n", b"\r\n.\r\r\n",
              b"\r\r\n.\n", b"\r\n\r.\r\n", b"\r\n.\n\r\n", b"\n\n.\r\n", b"\r\r.\r\r"]


def assert_nothing_smuggled(server, client):
    """The session is as it should be after one refused message, and the other mail is nowhere."""
    client.cmd("NOOP", 250)
    client.deliver(message(Subject="honest"), ["bob@example.test"])
    delivered(server, client.deliver(message(Subject="honest"), ["bob@example.test"]), "bob")
    assert not any(b"evil" in mail for mail in server.maildir("example.test", "bob"))
    assert not any(b"smuggled" in mail for mail in server.maildir("example.test", "alice"))
    assert not any(line.get("from") == "evil@client.test" for line in server.log_lines())


@pytest.mark.parametrize("how", ["in one segment", "in drops"])
@pytest.mark.parametrize("end", FALSE_ENDS, ids=repr)
def test_a_false_end_of_data_is_refused_with_one_reply_and_hides_no_mail(server, transaction, end, how):
    transaction.cmd("DATA", 354)
    sent = message("innocent") + end + EVIL
    transaction.send(sent) if how == "in one segment" else send_in_drops(transaction, sent)
    transaction.expect(554, "5.6.0")
    assert_nothing_smuggled(server, transaction)


@pytest.mark.parametrize("end", FALSE_ENDS, ids=repr)
def test_a_false_end_of_data_ends_nothing(server, transaction, end):
    transaction.cmd("DATA", 354)
    transaction.send(message("innocent") + end)
    # A reply now would be one too many: the real end is still to come.
    assert transaction.silent_for(0.1)
    transaction.send(b"\r\n.\r\n")
    transaction.expect(554, "5.6.0")
    transaction.cmd("NOOP", 250)


@pytest.mark.parametrize("end", FALSE_ENDS, ids=repr)
def test_a_false_end_is_no_end_at_the_very_start_of_the_data_either(transaction, end):
    transaction.cmd("DATA", 354)
    transaction.send(end + b"\r\n.\r\n")
    transaction.expect(554, "5.6.0")
    transaction.cmd("NOOP", 250)


@pytest.mark.parametrize("end", FALSE_ENDS, ids=repr)
def test_a_false_end_is_refused_in_a_helo_session(server, client, end):
    client.cmd("HELO client.test", 250)
    client.mail()
    client.rcpt()
    client.cmd("DATA", 354)
    client.send(message("innocent") + end + b"QUIT\r\n\r\n.\r\n")
    client.expect(554, "5.6.0")
    client.cmd("NOOP", 250)


def test_the_reply_says_what_is_wrong(transaction):
    transaction.cmd("DATA", 354)
    transaction.send(message("a") + b"b\nc\r\n.\r\n")
    assert transaction.read_reply().text == "5.6.0 bare LF in the message: lines end with CRLF"
    transaction.mail()
    transaction.rcpt()
    transaction.cmd("DATA", 354)
    transaction.send(message("a") + b"b\rc\r\n.\r\n")
    assert transaction.read_reply().text == "5.6.0 bare CR in the message: lines end with CRLF"


@pytest.mark.parametrize("where", [b"Subject: a\nX: b\r\n\r\n", b"\nSubject: a\r\n\r\n", b"Subject: a\r\n\r\nb\n"])
def test_a_bare_lf_is_refused_wherever_it_is(transaction, where):
    transaction.cmd("DATA", 354)
    transaction.send(where + b"\r\n.\r\n")
    transaction.expect(554, "5.6.0")


def test_the_true_end_is_an_end_wherever_the_segments_are_cut(server, session):
    end = b"\r\n.\r\n"
    for cut in range(1, len(end)):
        session.mail()
        session.rcpt()
        session.cmd("DATA", 354)
        session.send(b"Subject: x\r\n\r\nbody" + end[:cut])
        session.send(end[cut:])
        session.expect(250)


# --- commands ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [b"NOOP\n", b"\n", b"QUIT\n", b"MAIL FROM:<evil@client.test>\n", b"DATA\n",
                                  b"RSET\nMAIL FROM:<evil@client.test>\r\n", b"NOOP\nNOOP\r\n"])
def test_a_command_with_a_bare_lf_is_refused_and_ends_the_session(session, line):
    session.send(line)
    reply = session.expect(554, "5.6.0")
    assert reply.text == "5.6.0 bare LF in a command: lines end with CRLF"
    assert session.read_until_close() == b""


def test_a_hello_with_a_bare_lf_is_refused(client):
    client.send(b"EHLO client.test\n")
    client.expect(554, "5.6.0")
    assert client.read_until_close() == b""


def test_nothing_behind_a_command_with_a_bare_lf_is_done(server, session):
    session.send(b"NOOP\n" + EVIL)
    session.expect(554, "5.6.0")
    assert session.read_until_close() == b""
    assert not any(line.get("from") == "evil@client.test" for line in server.log_lines())


def test_a_line_feed_between_a_chunk_and_the_next_command_is_no_end_of_the_chunk(transaction):
    transaction.send(b"BDAT 12\r\nSubject: x\r\n\nBDAT 0 LAST\r\n")
    transaction.expect(250)
    transaction.expect(554, "5.6.0")
    assert transaction.read_until_close() == b""
