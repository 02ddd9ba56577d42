"""Many commands in one segment, and clients that don't wait where they must."""

import time

import pytest

from harness.scenes import content, data_segments, delivered, paused
from harness.smtp import Client, message, stuffed

EARLY = "5.5.0 you must wait for my reply before you go on"
DELAY_SECONDS = 0.4
CONFIG = {"listener": [{}, {"greeting_delay": f"{int(DELAY_SECONDS * 1000)}ms"}]}


def assert_sent_away(client):
    """The next reply is the refusal of early talk, and the last."""
    reply = client.read_reply()
    assert (reply.code, reply.text) == (554, EARLY)
    assert client.read_until_close() == b""


# --- allowed -------------------------------------------------------------------------------------------


def test_replies_to_commands_of_one_segment_leave_in_one_write(session):
    commands = ["MAIL FROM:<sender@client.test>", "RCPT TO:<alice@example.test>", "RCPT TO:<nobody@example.test>",
                "RCPT TO:<bob@example.test>", "NOOP", "WHATISTHIS", "VRFY x", "HELP", "RSET"] * 3
    before = data_segments(session)
    codes = [reply.code for reply in session.pipeline(*commands)]
    assert codes == [250, 250, 550, 250, 250, 500, 252, 214, 250] * 3
    assert data_segments(session) - before == 1


def test_a_whole_transaction_needs_two_writes(server, session):
    before = data_segments(session)
    session.send(b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n")
    assert [session.read_reply().code for _ in range(3)] == [250, 250, 354]
    assert data_segments(session) - before == 1
    session.send(stuffed(message()) + b"QUIT\r\n")
    reply = session.expect(250)
    session.expect(221)
    assert session.read_until_close() == b""
    delivered(server, reply)


def test_the_next_transaction_may_follow_the_data_at_once(server, session):
    whole = b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
    session.send(whole)
    assert [session.read_reply().code for _ in range(3)] == [250, 250, 354]
    session.send(stuffed(message("first\r\n")) + whole)
    replies = [session.read_reply() for _ in range(4)]
    assert [reply.code for reply in replies] == [250, 250, 250, 354]
    session.send(stuffed(message("second\r\n")) + b"NOOP\r\n")
    second = session.expect(250)
    session.expect(250)
    assert content(delivered(server, replies[0])).endswith(b"\n\nfirst\n")
    assert content(delivered(server, second)).endswith(b"\n\nsecond\n")


def test_replies_keep_the_order_of_their_commands(session):
    senders = [f"s{number}@client.test" for number in range(500)]
    replies = session.pipeline(*[line for sender in senders for line in (f"MAIL FROM:<{sender}>", "RSET")])
    assert [reply.text for reply in replies[::2]] == [f"2.1.0 <{sender}> sender ok" for sender in senders]


def test_a_group_may_be_cut_anywhere(session):
    group = b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<alice@example.test>\r\nRSET\r\n"
    for cut in range(1, len(group)):
        session.send(group[:cut])
        session.send(group[cut:])
        assert [session.read_reply().code for _ in range(3)] == [250, 250, 250]


def test_refused_data_leaves_the_rest_of_the_dialog_in_step(session):
    session.send(b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n")
    assert [session.read_reply().code for _ in range(3)] == [250, 550, 503]
    session.cmd("NOOP", 250)


# --- not allowed ---------------------------------------------------------------------------------------


def test_a_client_that_talks_before_the_greeting_is_refused(server):
    with paused(server):
        client = Client(*server.address())
        client.send(b"EHLO client.test\r\n")
    with client:
        assert_sent_away(client)


def test_where_the_greeting_is_delayed_who_talks_meanwhile_is_refused_at_once(server):
    with server.client(listener=1, greeting=False) as client:
        begin = time.monotonic()
        client.send(b"E")
        assert_sent_away(client)
        assert time.monotonic() - begin < DELAY_SECONDS + 5


def test_where_the_greeting_is_delayed_who_waits_is_greeted(server):
    begin = time.monotonic()
    with server.client(listener=1) as client:
        assert time.monotonic() - begin >= DELAY_SECONDS
        client.ehlo()
        delivered(server, client.deliver(message()))


def test_who_leaves_before_a_delayed_greeting_gets_none(server):
    with server.client(listener=1, greeting=False) as client:
        client.half_close()
        assert client.read_until_close() == b""


def test_a_client_that_sends_content_before_354_is_refused(server, transaction):
    before = len(server.log_lines())
    transaction.send(b"DATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n")
    assert_sent_away(transaction)
    line = server.wait_log(after=before, event="refused", command="early talk")
    assert (line["code"], line["dsn"]) == ("554", "5.5.0")
    assert not any(line.get("event") == "accepted" for line in server.log_lines()[before:])


@pytest.mark.parametrize("hello", ["EHLO", "HELO"])
def test_a_client_that_goes_on_before_hello_is_answered_is_refused(client, hello):
    client.send(f"{hello} client.test\r\nMAIL FROM:<sender@client.test>\r\n".encode())
    assert_sent_away(client)


def test_before_ehlo_nothing_may_be_pipelined(client):
    client.send(b"NOOP\r\nNOOP\r\n")
    assert_sent_away(client)


@pytest.mark.parametrize("group", [b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<alice@example.test>\r\n",
                                   b"NOOP\r\nN", b"RSET\r\n\r\n", b"QUIT\r\nNOOP\r\n"])
def test_in_a_helo_session_nothing_may_be_pipelined(client, group):
    client.cmd("HELO client.test", 250)
    client.send(group)
    assert_sent_away(client)


def test_the_replies_before_an_early_talk_are_still_given(session):
    session.send(b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nearly\r\n.\r\n")
    session.expect(250)
    session.expect(250)
    assert_sent_away(session)


def test_a_second_ehlo_in_the_middle_of_a_group_is_refused(session):
    session.send(b"NOOP\r\nEHLO client.test\r\nNOOP\r\n")
    session.expect(250)
    assert_sent_away(session)
