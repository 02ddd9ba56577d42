"""What a message's octets become: dots, chunks, trace fields, and every reason to refuse them."""

import os
import re

import pytest

from harness.scenes import content, delivered, id_of, received, send_in_drops, split_trace
from harness.smtp import message, stuffed

KIB = 1024
SMALL = 64 * KIB
CONFIG = {"listener": [{}, {"mode": "lmtp"}, {"address": "[::1]"}]}
# Server settings that make every limit cheap to reach.
NARROW = {"limits": {"message_size": SMALL, "header_size": "16KiB", "line_length": 1000}}
DATE = r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"


@pytest.fixture
def narrow(make_server):
    """A session with a server of narrow limits; `.server` is that server."""
    server = make_server(**NARROW)
    with server.client() as client:
        client.ehlo()
        client.server = server
        yield client


def sized(octets):
    """A message of exactly so many octets, in lines of 100 at most."""
    head = b"Subject: size\r\n\r\n"
    body = octets - len(head)
    lines, rest = divmod(body, 100)
    if rest < 2:
        lines, rest = lines - 1, rest + 100
    whole = head + (b"x" * 98 + b"\r\n") * lines + b"y" * (rest - 2) + b"\r\n"
    assert len(whole) == octets
    return whole


# --- trace fields --------------------------------------------------------------------------------------


def test_a_delivered_mail_begins_with_exact_trace_fields(server, session):
    reply = session.deliver(message())
    return_path, delivered_to, trace, body = split_trace(delivered(server, reply))
    assert return_path == b"Return-Path: <sender@client.test>\n"
    assert delivered_to == b"Delivered-To: alice@example.test\n"
    assert re.fullmatch(rf"Received: from client\.test \(\[127\.0\.0\.1\]\)\n"
                        rf"\tby mx\.test \(Postrider\) with ESMTP id {id_of(reply)}\n"
                        rf"\tfor <alice@example\.test>;\n\t{DATE}\n", trace.decode())
    assert body == message().replace(b"\r\n", b"\n")


def test_one_id_is_in_the_reply_the_log_and_the_trace(server, session):
    before = len(server.log_lines())
    name = id_of(session.deliver(message()))
    accepted = server.wait_log(after=before, event="accepted", id=name)
    done = server.wait_log(after=before, event="delivered", id=name)
    assert f"id {name} " in received(delivered(server, name))
    assert (accepted["from"], accepted["size"], accepted["recipients"]) == ("sender@client.test", str(len(message())), "1")
    assert (accepted["client"], accepted["helo"], accepted["proto"]) == ("127.0.0.1", "client.test", "ESMTP")
    assert done["to"] == "alice@example.test"


def test_the_date_of_the_trace_is_now(server, session):
    import email.utils
    import time
    before = time.time()
    trace = received(delivered(server, session.deliver(message())))
    stamp = email.utils.parsedate_to_datetime(trace.rpartition("; ")[2]).timestamp()
    assert int(before) <= stamp <= time.time()


def test_for_is_left_out_where_there_is_more_than_one_recipient(server, session):
    reply = session.deliver(message(), ["alice@example.test", "bob@example.test"])
    for user in ("alice", "bob"):
        mail = delivered(server, reply, user)
        assert f"id {id_of(reply)};" in received(mail)
        assert split_trace(mail)[1] == f"Delivered-To: {user}@example.test\n".encode()


def test_for_names_the_recipient_as_the_client_wrote_it(server, session):
    trace = received(delivered(server, session.deliver(message(), ["Alice+Lists@Example.Test"])))
    assert re.search(r"for <Alice\+Lists@[Ee]xample\.[Tt]est>;", trace)


@pytest.mark.parametrize("hello, protocol", [("HELO", "SMTP"), ("EHLO", "ESMTP")])
def test_with_tells_which_hello_was_said(server, client, hello, protocol):
    client.cmd(f"{hello} client.test", 250)
    assert f" with {protocol} id " in received(delivered(server, client.deliver(message())))


def test_with_says_lmtp_and_its_utf8_form(server):
    with server.client(listener=1) as client:
        client.lhlo()
        assert " with LMTP id " in received(delivered(server, client.deliver(message())))
        assert " with UTF8LMTP id " in received(delivered(server, client.deliver(message(), params="SMTPUTF8")))


def test_an_ipv6_client_is_written_as_a_literal(server):
    with server.client(listener=2) as client:
        client.ehlo()
        assert received(delivered(server, client.deliver(message()))).startswith(
            "from client.test ([IPv6:::1]) by mx.test ")


@pytest.mark.parametrize("name", ["a(b", "a)b\\", "[127.0.0.1]", "x" * 255, "a;b,c:d"])
def test_no_hello_can_break_the_received_field(server, client, name):
    client.ehlo(name)
    trace = received(delivered(server, client.deliver(message())))
    assert re.fullmatch(rf"from \S+ \(\[127\.0\.0\.1\]\) by mx\.test \(Postrider\) with ESMTP id \w{{13}} "
                        rf"for <alice@example\.test>; {DATE}", trace)


def test_the_file_is_named_by_the_convention_and_says_its_size(server, session):
    reply = session.deliver(message("one\r\ntwo\r\n"))
    mail = delivered(server, reply)
    maildir = server.maildir_path("example.test", "alice")
    path, = [path for path in (maildir / "new").iterdir() if path.stat().st_size == len(mail)
             and path.read_bytes() == mail]
    stored, wire = re.fullmatch(r"\d{10}\.M\d+P\d+Q\d+\.mx\.test,S=(\d+),W=(\d+)", path.name).groups()
    assert (int(stored), int(wire)) == (len(mail), len(mail) + mail.count(b"\n"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in maildir.iterdir() if one.is_dir()) == ["cur", "new", "tmp"]
    assert list((maildir / "tmp").iterdir()) == []


# --- byte for byte -------------------------------------------------------------------------------------

BODIES = {
    "one octet": b"x\r\n",
    "nothing": b"",
    "empty lines": b"\r\n\r\n\r\n",
    "dots": b".\r\n..\r\n...\r\n.x\r\n..x\r\nx.\r\n.",
    "dots and empty lines": b"\r\n.\r\n\r\n.\r\n\r\n",
    "every octet but CR and LF": bytes(octet for octet in range(256) if octet not in b"\r\n") * 3 + b"\r\n",
    "NUL": b"a\0b\0\r\n\0.\r\n",
    "a line of 998": b"x" * 998 + b"\r\n",
    "a line of 100000": b"x" * 100000 + b"\r\n",
    "what looks like an mbox": b"From me\r\n>From you\r\n",
    "what looks like commands": b"QUIT\r\nRSET\r\nDATA\r\n",
    "a block's edge": b"".join(b"y" * n + b"\r\n." for n in range(55, 75)) + b"\r\n",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_message_is_delivered_byte_for_byte_by_data(server, session, name):
    sent = b"Subject: bytes\r\n\r\n" + BODIES[name]
    sent += b"" if sent.endswith(b"\r\n") else b"\r\n"
    mail = delivered(server, session.deliver(sent))
    assert content(mail) == sent.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("name", BODIES)
def test_a_message_is_delivered_byte_for_byte_by_bdat(server, transaction, name):
    sent = b"Subject: bytes\r\n\r\n" + BODIES[name]
    assert content(delivered(server, transaction.bdat(sent, last=True))) == sent.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"no header at all\r\n", b".\r\n", b"Subject: only\r\n"])
def test_a_message_without_header_or_body_is_taken_as_it_is(server, session, sent):
    assert content(delivered(server, session.deliver(sent))) == sent.replace(b"\r\n", b"\n")


def test_dots_may_come_in_segments_of_one_octet(server, transaction):
    sent = message(BODIES["dots"] + b"\r\n")
    transaction.cmd("DATA", 354)
    send_in_drops(transaction, stuffed(sent))
    assert content(delivered(server, transaction.expect(250))) == sent.replace(b"\r\n", b"\n")


def test_a_dot_that_was_not_doubled_is_taken_away(server, transaction):
    transaction.cmd("DATA", 354)
    transaction.send(b"Subject: x\r\n\r\n.a\r\n..b\r\n.\r\n")
    assert content(delivered(server, transaction.expect(250))) == b"Subject: x\n\na\n.b\n"


@pytest.mark.deadline(300)
def test_a_message_of_50_mib_is_delivered_byte_for_byte_and_one_octet_more_is_refused(server, session):
    # Random letters in lines: nothing that could be compressed, repeated or lost without notice.
    noise = os.urandom(3 << 20).hex().encode()
    lines = b"\r\n".join(noise[at:at + 998] for at in range(0, len(noise), 998)) + b"\r\n"
    limit = 50 << 20
    whole = (b"Subject: big\r\n\r\n" + lines * 9)[:limit - 4].replace(b"\r", b"").replace(b"\n", b"\r\n")
    whole = whole[:limit - 4].rstrip(b"\r\n")
    whole += b"z" * (limit - 2 - len(whole)) + b"\r\n"
    assert len(whole) == limit
    session.timeout = 120
    session.mail(params=f"SIZE={limit}")
    session.rcpt()
    mail = delivered(server, session.data(whole), timeout=60)
    assert content(mail) == whole.replace(b"\r\n", b"\n")
    session.mail()
    session.rcpt()
    session.data(b"X" + whole, code=552)
    session.cmd(f"MAIL FROM:<sender@client.test> SIZE={limit + 1}", 552, "5.3.4")


# --- chunks --------------------------------------------------------------------------------------------


def test_chunks_of_one_octet_make_one_message(server, transaction):
    sent = message("abc\r\n.\r\n")
    for octet in sent:
        reply = transaction.bdat(bytes([octet]))
        assert (reply.code, reply.text) == (250, "2.0.0 1 octets taken")
    assert content(delivered(server, transaction.bdat(b"", last=True))) == sent.replace(b"\r\n", b"\n")


def test_a_chunk_that_looks_like_the_end_of_data_is_content(server, transaction):
    sent = b"Subject: x\r\n\r\na\r\n.\r\nb\r\n.\r\n"
    assert content(delivered(server, transaction.bdat(sent, last=True))) == sent.replace(b"\r\n", b"\n")


def test_a_whole_transaction_with_its_chunks_may_come_in_one_segment(server, session):
    session.send(b"MAIL FROM:<sender@client.test>\r\nRCPT TO:<alice@example.test>\r\nBDAT 12\r\nSubject: x\r\n"
                 b"BDAT 5\r\n\r\na\r\nBDAT 3 LAST\r\nb\r\nNOOP\r\n")
    codes = [session.read_reply() for _ in range(6)]
    assert [reply.code for reply in codes] == [250] * 6
    assert content(delivered(server, codes[4])) == b"Subject: x\n\na\nb\n"


def test_a_cr_at_the_end_of_a_chunk_finds_its_lf_in_the_next(server, transaction):
    for chunk in (b"Subject: x\r", b"\n\r", b"\nbody\r", b"\n"):
        transaction.bdat(chunk)
    assert content(delivered(server, transaction.bdat(b"", last=True))) == b"Subject: x\n\nbody\n"


@pytest.mark.parametrize("chunks", [[b"Subject: x\r\n\r\nbare\nlf\r\n"], [b"Subject: x\r\n\r\nbare\rcr\r\n"],
                                    [b"Subject: x\r\n\r\ncr at the end\r"], [b"Subject: x\r\n\r\na\r", b"b\r\n"],
                                    [b"Subject: x\r\n\r\na", b"\nb\r\n"]])
def test_a_bare_cr_or_lf_is_refused_in_chunks_too(transaction, chunks):
    for chunk in chunks[:-1]:
        transaction.bdat(chunk, code=None)
    reply = transaction.bdat(chunks[-1], last=True, code=None)
    assert reply.code in (554, 503)
    transaction.cmd("RSET", 250)
    transaction.deliver(message())


def test_a_bare_lf_in_a_single_last_chunk_is_554(transaction):
    reply = transaction.bdat(b"Subject: x\r\n\r\nbare\nlf\r\n", last=True, code=554)
    assert reply.enhanced == "5.6.0"


def test_a_chunk_that_spoils_the_message_is_refused_at_once_and_so_are_those_that_follow(server, transaction):
    transaction.send(b"BDAT 12\r\nSubject: x\r\nBDAT 3\r\na\nbBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\n")
    transaction.expect(250)
    transaction.expect(554, "5.6.0")
    transaction.expect(503, "5.5.1")
    transaction.expect(503, "5.5.1")
    transaction.cmd("RSET", 250)
    delivered(server, transaction.deliver(message()))


def test_data_after_a_chunk_is_refused_and_the_chunks_stay(server, transaction):
    transaction.bdat(b"Subject: x\r\n\r\n")
    transaction.cmd("DATA", 503, "5.5.1")
    assert content(delivered(server, transaction.bdat(b"body\r\n", last=True))) == b"Subject: x\n\nbody\n"


@pytest.mark.parametrize("line", ["RCPT TO:<bob@example.test>", "MAIL FROM:<other@client.test>"])
def test_the_envelope_is_closed_when_a_chunk_has_come(server, transaction, line):
    transaction.bdat(b"Subject: x\r\n\r\n")
    transaction.cmd(line, 503, "5.5.1")
    delivered(server, transaction.bdat(b"body\r\n", last=True))


@pytest.mark.parametrize("line", ["RSET", "EHLO client.test"])
def test_the_chunks_that_came_are_forgotten_after(server, transaction, line):
    transaction.bdat(b"Subject: forgotten\r\n\r\n")
    transaction.cmd(line, 250)
    transaction.cmd("BDAT 0 LAST", 503, "5.5.1")
    transaction.mail()
    transaction.rcpt()
    assert content(delivered(server, transaction.bdat(b"Subject: y\r\n\r\n", last=True))) == b"Subject: y\n\n"


def test_other_commands_may_come_between_chunks(server, transaction):
    transaction.bdat(b"Subject: x\r\n\r\n")
    transaction.cmd("NOOP", 250)
    transaction.cmd("WHATISTHIS", 500)
    assert content(delivered(server, transaction.bdat(b"", last=True))) == b"Subject: x\n\n"


def test_a_chunk_that_is_refused_is_read_and_all_that_follow_are_refused_until_rset(server, session):
    session.mail()
    session.cmd("RCPT TO:<nobody@example.test>", 550)
    # Were its octets taken for commands, QUIT would end the session.
    session.send(b"BDAT 6\r\nQUIT\r\n")
    session.expect(503, "5.5.1")
    session.rcpt()
    session.send(b"BDAT 6 LAST\r\nQUIT\r\n")
    session.expect(503, "5.5.1")
    session.cmd("RSET", 250)
    delivered(server, session.deliver(message()))


def test_a_chunk_without_a_transaction_is_read_and_refused_and_spoils_nothing(server, session):
    session.send(b"BDAT 6\r\nQUIT\r\nNOOP\r\n")
    session.expect(503, "5.5.1")
    session.expect(250)
    session.mail()
    session.rcpt()
    delivered(server, session.bdat(message(), last=True))


def test_a_message_that_was_cut_off_is_never_delivered(server, session):
    before = len(server.log_lines())
    session.mail()
    session.rcpt("bob@example.test")
    session.cmd("DATA", 354)
    session.send(b"Subject: half\r\n\r\nhalf a message\r\n")
    session.half_close()
    assert session.read_until_close() == b""
    with server.client() as other:
        other.ehlo()
        mail = other.deliver(message(Subject="whole"), ["bob@example.test"])
    delivered(server, mail, "bob")
    assert not any(b"half a message" in one for one in server.maildir("example.test", "bob"))
    accepted = [line for line in server.log_lines()[before:] if line.get("event") == "accepted"]
    assert len(accepted) == 1


# --- what is too much ----------------------------------------------------------------------------------


def test_the_size_that_mail_announces_is_judged_at_once(narrow):
    reply = narrow.cmd(f"MAIL FROM:<sender@client.test> SIZE={SMALL + 1}", 552, "5.3.4")
    assert reply.text == f"5.3.4 message too big: this server takes {SMALL} octets"
    narrow.cmd(f"MAIL FROM:<sender@client.test> SIZE={SMALL}", 250)


def test_a_message_of_exactly_the_limit_is_taken_and_one_octet_more_is_not(narrow):
    mail = delivered(narrow.server, narrow.deliver(sized(SMALL)))
    assert content(mail) == sized(SMALL).replace(b"\r\n", b"\n")
    narrow.mail()
    narrow.rcpt()
    assert narrow.data(sized(SMALL + 1), code=552).enhanced == "5.3.4"
    delivered(narrow.server, narrow.deliver(message()))


def test_dots_for_transparency_do_not_count_in_the_size(narrow):
    body = b".\r\n" * ((SMALL - 17) // 3)
    delivered(narrow.server, narrow.deliver(b"Subject: dots\r\n\r\n" + body))


def test_a_message_in_chunks_is_held_to_the_same_limit(narrow):
    whole = sized(SMALL)
    for sent, code in ((whole, 250), (b"X" + whole, 552)):
        for last in (True, False):
            narrow.mail()
            narrow.rcpt()
            half = len(sent) // 2
            narrow.bdat(sent[:half])
            narrow.bdat(sent[half:], last=last, code=code)
            narrow.cmd("RSET", 250)


@pytest.mark.parametrize("line", ["BDAT 131073", "BDAT 4294967296 LAST", "BDAT 18446744073709551615"])
def test_a_chunk_that_could_never_be_taken_ends_the_session(narrow, line):
    narrow.mail()
    narrow.rcpt()
    narrow.cmd(line, 552, "5.3.4")
    assert narrow.read_until_close() == b""


def test_a_client_that_goes_on_far_beyond_the_limit_is_cut_off(narrow):
    narrow.mail()
    narrow.rcpt()
    narrow.cmd("DATA", 354)
    try:
        narrow.send(b"Subject: endless\r\n\r\n" + (b"x" * 98 + b"\r\n") * 20000)
    except OSError:
        pass  # the server has closed before all was sent
    narrow.expect(552, "5.3.4")
    assert narrow.read_until_close() == b""


def test_a_header_that_is_too_large_is_refused(narrow):
    field = b"X-Padding: " + b"x" * 87 + b"\r\n"
    for count, code in ((160, 250), (170, 554)):
        narrow.mail()
        narrow.rcpt()
        reply = narrow.data(field * count + b"\r\nbody\r\n", code=code)
        assert reply.enhanced == ("2.0.0" if code == 250 else "5.6.0")


def test_a_line_that_is_too_long_is_refused(narrow):
    for octets, code in ((1000, 250), (1001, 554)):
        narrow.mail()
        narrow.rcpt()
        reply = narrow.data(b"Subject: x\r\n\r\n" + b"x" * octets + b"\r\n", code=code)
        assert reply.enhanced == ("2.0.0" if code == 250 else "5.6.0")


# --- what is malformed, and what goes round in circles -------------------------------------------------


@pytest.mark.parametrize("header", [b"Subject: x\r\nBad header\r\n", b"Subject: x\r\nBad Name: y\r\n",
                                    b"Subject: x\r\n: y\r\n", b"Subject: x\r\nT\xc3\xb6: y\r\n"])
def test_half_a_header_is_refused(transaction, header):
    assert transaction.data(header + b"\r\nbody\r\n", code=554).enhanced == "5.6.0"
    transaction.deliver(message())


def test_a_header_may_be_folded_and_in_utf8(server, session):
    sent = "Subject: Grüße\r\n aus\r\n\tÖsterreich\r\n\r\nx\r\n".encode()
    assert content(delivered(server, session.deliver(sent))) == sent.replace(b"\r\n", b"\n")


def test_a_message_with_100_received_fields_is_taken_and_with_one_more_it_is_a_loop(server, session):
    field = b"Received: from a.test by b.test; Thu, 01 Jan 2026 00:00:00 +0000\r\n"
    delivered(server, session.deliver(field * 100 + message()))
    session.mail()
    session.rcpt()
    assert session.data(field * 101 + message(), code=554).enhanced == "5.4.6"


def test_received_in_the_body_or_in_another_fields_name_is_no_hop(server, session):
    line = b"Received: from a.test by b.test\r\n"
    delivered(server, session.deliver(b"X-" + b"X-".join([line] * 101) + message(line * 101)))


@pytest.mark.parametrize("name", ["Delivered-To: alice@example.test", "delivered-to:  ALICE@example.test "])
def test_a_message_that_was_delivered_to_its_recipient_before_is_a_loop(transaction, name):
    assert transaction.data(name.encode() + b"\r\n" + message(), code=554).enhanced == "5.4.6"


def test_a_message_that_was_delivered_to_another_is_none(server, session):
    delivered(server, session.deliver(b"Delivered-To: carol@example.test\r\n" + message()))


@pytest.mark.parametrize("recipients", [["alice@example.test", "bob@example.test"],
                                        ["bob@example.test", "alice@example.test"]])
def test_only_the_recipient_that_was_delivered_to_before_fails(server, session, recipients):
    before = len(server.log_lines())
    reply = session.deliver(b"Delivered-To: alice@example.test\r\n" + message(), recipients)
    delivered(server, reply, "bob")
    line = server.wait_log(after=before, event="failed", id=id_of(reply), to="alice@example.test")
    assert line["dsn"] == "5.4.6"
    assert not any(id_of(reply).encode() in mail for mail in server.maildir("example.test", "alice"))


@pytest.mark.parametrize("sender, left", [("", "0"), ("sender@client.test", "1")])
def test_who_fails_alone_stays_in_the_queue_only_where_somebody_is_to_be_told(make_server, sender, left):
    server = make_server()
    with server.client() as client:
        client.ehlo()
        reply = client.deliver(b"Delivered-To: alice@example.test\r\n" + message(),
                               ["alice@example.test", "bob@example.test"], sender=sender)
    delivered(server, reply, "bob")
    line = server.wait_log(event="failed", id=id_of(reply), to="alice@example.test")
    assert line.get("told") == ("nobody" if left == "0" else None)
    server.wait_log(event="delivered", id=id_of(reply))
    server.restart()
    assert server.wait_log(event="store", count=2)["recipients"] == left
