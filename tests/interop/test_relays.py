"""Postfix and Exim in front of us: what they were given arrives, with nothing but their Received field on top."""

import contextlib
import re
import sqlite3

import pytest

from harness.peers import Exim, Postfix
from interop import bodies
from interop.recorder import Recorder



def sizes(largest):
    cases = [(size, True) for size in (*bodies.SIZES, largest)] + [(5000, False), (bodies.MIB, False)]
    return pytest.mark.parametrize("size, eight_bit", cases)


SENDER, RECIPIENT = "sender@client.test", "alice@example.test"
_RECEIVED = re.compile(rb"Received: [^\n]*\n(?:[ \t][^\n]*\n)*")


@pytest.fixture(scope="module")
def recorder(server):
    with Recorder(server.address()) as recorder:
        yield recorder


@pytest.fixture(autouse=True)
def recorded(recorder):
    """Each test sees its own commands only."""
    recorder.forget()
    return recorder


@pytest.fixture(scope="module")
def postfix(recorder, tmp_path_factory):
    # postdrop, which sendmail runs, must find its libraries, too.
    main = {"relayhost": f"[127.0.0.1]:{recorder.port}", "export_environment": "TZ MAIL_CONFIG LANG LD_LIBRARY_PATH"}
    with Postfix(tmp_path_factory.mktemp("postfix"), main) as postfix:
        yield postfix


@pytest.fixture(scope="module", params=[True, False], ids=["CHUNKING", "DATA"])
def exim(request, recorder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exim")
    with Exim.relay_to(folder, "127.0.0.1", recorder.port, chunking=request.param) as exim:
        exim.chunking = request.param
        yield exim


@pytest.fixture
def relayed(arrived, same):
    """relayed(token, wire, ...): what arrived is one Received field of the relay and the message as it was given."""
    def check(token, wire, **where):
        got = arrived(token, **where)
        top = _RECEIVED.match(got)
        assert top, f"no Received field of the relay: {got[:300]!r}"
        same(got[top.end():], bodies.stored(wire))
    return check


def submit(peer, wire, recipients=(RECIPIENT,), sender=SENDER, params="BODY=8BITMIME"):
    """By SMTP."""
    with peer.client(timeout=60) as client:
        client.ehlo()
        client.deliver(wire, recipients, sender, params)
        client.quit()


class TestPostfix:
    @sizes(bodies.LARGEST_OF_POSTFIX)
    def test_octets_given_by_smtp(self, postfix, token, relayed, size, eight_bit):
        wire = bodies.message(token, bodies.body(size, eight_bit))
        submit(postfix, wire)
        relayed(token, wire)

    @pytest.mark.parametrize("size", [1, 998, 5000, bodies.MIB])
    def test_octets_given_by_sendmail(self, postfix, token, relayed, size):
        wire = bodies.message(token, bodies.body(size, eight_bit=True))
        postfix.run("/usr/sbin/sendmail", "-C", postfix.conf, "-i", "-B", "8BITMIME", "-f", SENDER, RECIPIENT,
                    stdin=bodies.stored(wire))
        relayed(token, wire)

    def test_pipelines_and_declares_what_we_announce(self, postfix, recorder, token, relayed):
        wire = bodies.message(token, bodies.body(5000, eight_bit=True))
        submit(postfix, wire, [RECIPIENT, "bob@example.test"])
        for user in ("alice", "bob"):
            relayed(token, wire, user=user)
        mail, *recipients = [line for line in recorder.commands() if line.startswith(("MAIL", "RCPT"))]
        assert re.fullmatch(r"MAIL FROM:<sender@client\.test> SIZE=\d+ BODY=8BITMIME", mail)
        assert len(recipients) == 2
        assert any(piece.startswith(b"MAIL") and piece.endswith(b"\r\nDATA\r\n") for piece in recorder.pieces()), (
            f"not pipelined: {recorder.pieces()[:6]}")

    def test_hands_on_the_parameters_of_dsn(self, server, postfix, recorder, token):
        wire = bodies.message(token, b"text\r\n")
        with postfix.client() as client:
            client.ehlo()
            client.mail(SENDER, "RET=HDRS ENVID=QQ+2B314159")
            client.rcpt("alice@held.test", "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Alice+2Btag@elsewhere.test")
            client.data(wire)
        server.wait_log(event="held", to="alice@held.test")
        commands = recorder.commands()
        assert any(re.fullmatch(r"MAIL FROM:.* ENVID=QQ\+2B314159 RET=HDRS", line) for line in commands), commands
        assert "RCPT TO:<alice@held.test> ORCPT=rfc822;Alice+2Btag@elsewhere.test NOTIFY=SUCCESS,DELAY" in commands
        # And they are kept, decoded: what a notification will be written from.
        with contextlib.closing(sqlite3.connect(f"file:{server.data_dir}/spool/spool.db?mode=ro", uri=True)) as spool:
            envelopes = b"".join(row[0] for row in spool.execute("SELECT envelope FROM message"))
        assert b"QQ+314159" in envelopes and b"Alice+tag@elsewhere.test" in envelopes

    def test_smtputf8_addresses(self, server, postfix, recorder, token, relayed):
        wire = bodies.message(token, "Grüße\r\n".encode(), "jürgen@bücher.test", "żaba@client.test")
        submit(postfix, wire, ["jürgen@bücher.test"], "żaba@client.test", "SMTPUTF8 BODY=8BITMIME")
        relayed(token, wire, user="jürgen", domain="xn--bcher-kva.test")
        assert any(re.fullmatch(r"MAIL FROM:<żaba@client\.test> .*SMTPUTF8", line) for line in recorder.commands())
        server.wait_log(event="accepted", proto="UTF8SMTP", helo="postfix.test")

    def test_a_null_sender(self, postfix, token, relayed):
        wire = bodies.message(token, b"text\r\n")
        submit(postfix, wire, sender="")
        relayed(token, wire)

    def test_a_recipient_we_refuse_is_bounced_by_it_at_once(self, postfix, token, arrived):
        """Our 550 5.1.1 is understood: the sender, who lives here, has the notification."""
        submit(postfix, bodies.message(token, b"text\r\n"), ["nobody@example.test"], sender="bob@example.test")
        bounce = arrived("Undelivered Mail Returned to Sender", user="bob")
        assert b"Status: 5.1.1\n" in bounce and b"no such" in bounce.lower(), bounce.decode("utf-8", "replace")


class TestExim:
    @sizes(bodies.LARGEST)
    def test_octets(self, exim, recorder, token, relayed, size, eight_bit):
        wire = bodies.message(token, bodies.body(size, eight_bit))
        submit(exim, wire)
        relayed(token, wire)
        verbs = {line.split(" ")[0] for line in recorder.commands()}
        assert ("BDAT" in verbs, "DATA" in verbs) == (exim.chunking, not exim.chunking)

    def test_pipelines(self, exim, recorder, token, relayed):
        wire = bodies.message(token, bodies.body(5000, eight_bit=True))
        submit(exim, wire, [RECIPIENT, "bob@example.test"])
        for user in ("alice", "bob"):
            relayed(token, wire, user=user)
        content = b"\r\nBDAT " if exim.chunking else b"\r\nDATA\r\n"
        assert any(piece.startswith(b"MAIL") and content in piece for piece in recorder.pieces()), (
            f"not pipelined: {recorder.pieces()[:6]}")

    def test_octets_given_by_chunks(self, exim, token, relayed):
        wire = bodies.message(token, bodies.body(bodies.MIB, eight_bit=True))
        with exim.client() as client:
            client.ehlo()
            client.mail(SENDER, "BODY=8BITMIME")
            client.rcpt(RECIPIENT)
            client.bdat(wire[:12345])
            client.bdat(wire[12345:], last=True)
        relayed(token, wire)

    def test_smtputf8_addresses(self, server, exim, token, relayed):
        wire = bodies.message(token, "Grüße\r\n".encode(), "jürgen@bücher.test", "żaba@client.test")
        submit(exim, wire, ["jürgen@bücher.test"], "żaba@client.test", "SMTPUTF8 BODY=8BITMIME")
        relayed(token, wire, user="jürgen", domain="xn--bcher-kva.test")
        server.wait_log(event="accepted", proto="UTF8SMTP", helo="exim.test")
