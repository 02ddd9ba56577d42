"""Clients that people use, each as it comes: what they send arrives octet by octet.

What a client does to a message before it sends it, by its own manual, is done to the expectation too:
all of them end the last line, msmtp takes LF line ends, swaks (unless told --no-data-fixup) stuffs the dots itself.
"""

import email
import email.policy
import smtplib
import subprocess

import pytest

from harness.peers import have
from harness.smtp import stuffed

from interop import bodies

CLIENT_SECONDS = 60
CASES = [(size, True) for size in (*bodies.SIZES, bodies.LARGEST)] + [(5000, False), (bodies.MIB, False)]
SIZES = pytest.mark.parametrize("size, eight_bit", CASES)
SENDER, RECIPIENT = "sender@client.test", "alice@example.test"


def run(*command, stdin=None):
    """Runs a client to its end; it must say that it succeeded."""
    assert have(command[0]), f"{command[0]} is not installed"
    done = subprocess.run([*map(str, command)], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=CLIENT_SECONDS, check=False)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stdout[-2000:]!r}"
    return done.stdout


class TestSwaks:
    def swaks(self, server, *options, to=RECIPIENT, listener=0):
        host, port = server.address(listener)
        return run("swaks", "--server", host, "--port", port, "--ehlo", "client.test", "--from", SENDER, "--to", to,
                   "--suppress-data", *options)

    @SIZES
    def test_octets_as_they_are(self, server, tmp_path, token, arrived, same, size, eight_bit):
        wire = bodies.message(token, bodies.body(size, eight_bit))
        (tmp_path / "data").write_bytes(stuffed(wire).removesuffix(b"\r\n"))
        self.swaks(server, "--no-data-fixup", "--data", f"@{tmp_path}/data")
        same(arrived(token), bodies.stored(wire))

    @pytest.mark.parametrize("pipeline", [[], ["--pipeline"]], ids=["step by step", "pipelined"])
    def test_its_own_message_with_dots_and_octets(self, server, token, arrived, pipeline):
        text = ".\n..\nÄ in Latin-1: \N{LATIN SMALL LETTER E WITH ACUTE}\n.a\n"
        said = self.swaks(server, *pipeline, "--header", f"Subject: {token}", "--body", text)
        # Its template ends in "%BODY%\n", and a message that ends in "\n" gets another one.
        assert arrived(token).endswith(f"\n\n{text}\n\n".encode()), said

    def test_several_recipients_pipelined(self, server, token, arrived):
        self.swaks(server, "--pipeline", "--header", f"Subject: {token}", to=f"{RECIPIENT},bob@example.test")
        assert arrived(token, "alice") == arrived(token, "bob")

    def test_lmtp(self, server, token, arrived):
        self.swaks(server, "--protocol", "LMTP", "--header", f"Subject: {token}", to=f"{RECIPIENT},bob@example.test",
                   listener=1)
        assert arrived(token, "alice") == arrived(token, "bob")


class TestCurl:
    def curl(self, server, *options, sender=SENDER, recipient=RECIPIENT):
        return run("curl", "--silent", "--show-error", "--max-time", CLIENT_SECONDS, "--mail-from", sender,
                   "--mail-rcpt", recipient, "--url", f"smtp://127.0.0.1:{server.port}/client.test", *options)

    @SIZES
    def test_upload_of_a_file(self, server, tmp_path, token, arrived, same, size, eight_bit):
        wire = bodies.message(token, bodies.body(size, eight_bit))
        (tmp_path / "mail").write_bytes(wire)
        self.curl(server, "--upload-file", tmp_path / "mail")
        same(arrived(token), bodies.stored(wire))

    def test_line_ends_of_a_unix_file(self, server, tmp_path, token, arrived, same):
        wire = bodies.message(token, bodies.body(5000, eight_bit=True))
        (tmp_path / "mail").write_bytes(bodies.stored(wire))
        self.curl(server, "--crlf", "--upload-file", tmp_path / "mail")
        same(arrived(token), bodies.stored(wire))

    def test_mime_that_it_makes_itself(self, server, tmp_path, token, arrived):
        """8-bit text, and a file in base64."""
        text, octets = "Grüße\r\n.\r\n..\r\n", bytes(range(256)) * 1000
        (tmp_path / "text").write_bytes(text.encode())
        (tmp_path / "file").write_bytes(octets)
        self.curl(server, "--form", f"=<{tmp_path}/text;type=text/plain; charset=utf-8;encoder=8bit", "--form",
                  f"file=@{tmp_path}/file;encoder=base64", "--header", f"Subject: {token}")
        parts = list(email.message_from_bytes(arrived(token), policy=email.policy.default).iter_parts())
        assert [part.get_content_disposition() for part in parts] == [None, "attachment"]
        assert parts[0].get_payload(decode=True) == text.replace("\r\n", "\n").encode()
        assert parts[1].get_payload(decode=True) == octets

    def test_smtputf8(self, server, tmp_path, token, arrived, same):
        wire = bodies.message(token, b"text\r\n", "jürgen@bücher.test", "søren@client.test")
        (tmp_path / "mail").write_bytes(wire)
        self.curl(server, "--upload-file", tmp_path / "mail", sender="søren@client.test",
                  recipient="jürgen@bücher.test")
        same(arrived(token, "jürgen", "xn--bcher-kva.test"), bodies.stored(wire))
        server.wait_log(event="accepted", proto="UTF8SMTP", **{"from": "søren@client.test"})


class TestMsmtp:
    def msmtp(self, server, stdin, *options, listener=0, recipients=(RECIPIENT,)):
        host, port = server.address(listener)
        return run("msmtp", f"--host={host}", f"--port={port}", "--domain=client.test", f"--from={SENDER}",
                   "--auth=off", "--tls=off", f"--timeout={CLIENT_SECONDS}", *options, "--", *recipients, stdin=stdin)

    @SIZES
    def test_mail_from_standard_input(self, server, token, arrived, same, size, eight_bit):
        wire = bodies.message(token, bodies.body(size, eight_bit))
        self.msmtp(server, wire.replace(b"\r\n", b"\n"))
        same(arrived(token), bodies.stored(wire))

    def test_lmtp(self, server, token, arrived, same):
        wire = bodies.message(token, bodies.body(5000, eight_bit=True))
        self.msmtp(server, bodies.stored(wire), "--protocol=lmtp", listener=1,
                   recipients=(RECIPIENT, "bob@example.test"))
        for user in ("alice", "bob"):
            same(arrived(token, user), bodies.stored(wire))

    def test_dsn_parameters(self, server, token, arrived, same):
        wire = bodies.message(token, b"text\r\n")
        self.msmtp(server, bodies.stored(wire), "--dsn-notify=failure,delay", "--dsn-return=headers")
        same(arrived(token), bodies.stored(wire))


class TestSmtplib:
    @pytest.fixture
    def smtp(self, server):
        with smtplib.SMTP(*server.address(), local_hostname="client.test", timeout=CLIENT_SECONDS) as smtp:
            yield smtp

    @SIZES
    @pytest.mark.parametrize("options", [["BODY=8BITMIME"], []], ids=["8BITMIME", "undeclared"])
    def test_octets(self, smtp, token, arrived, same, size, eight_bit, options):
        wire = bodies.message(token, bodies.body(size, eight_bit))
        assert smtp.sendmail(SENDER, [RECIPIENT], wire, mail_options=options) == {}
        same(arrived(token), bodies.stored(wire))

    def test_no_end_to_the_last_line(self, smtp, token, arrived, same):
        wire = bodies.message(token, bodies.body(5000, eight_bit=True).removesuffix(b"\r\n"))
        smtp.sendmail(SENDER, [RECIPIENT], wire)
        same(arrived(token), bodies.stored(wire))

    def test_smtputf8(self, server, smtp, token, arrived, same):
        wire = bodies.message(token, "Grüße\r\n".encode(), "jürgen@bücher.test", "żaba@client.test")
        smtp.sendmail("żaba@client.test", ["jürgen@bücher.test"], wire, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        same(arrived(token, "jürgen", "xn--bcher-kva.test"), bodies.stored(wire))
        server.wait_log(event="accepted", proto="UTF8SMTP", **{"from": "żaba@client.test"})

    def test_a_refused_recipient_is_told_apart(self, smtp, token, arrived):
        wire = bodies.message(token, b"text\r\n")
        refused = smtp.sendmail(SENDER, [RECIPIENT, "nobody@example.test"], wire)
        assert list(refused) == ["nobody@example.test"] and refused["nobody@example.test"][0] == 550
        arrived(token)

    def test_lmtp(self, server, token, arrived, same):
        wire = bodies.message(token, bodies.body(bodies.MIB, eight_bit=True))
        with smtplib.LMTP(*server.address(1), local_hostname="client.test", timeout=CLIENT_SECONDS) as lmtp:
            assert lmtp.sendmail(SENDER, [RECIPIENT], wire, mail_options=["BODY=8BITMIME"]) == {}
        same(arrived(token), bodies.stored(wire))
        server.wait_log(event="accepted", proto="LMTP")
