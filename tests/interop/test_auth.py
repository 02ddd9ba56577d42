"""Clients that people use, logging in: each with the mechanisms that it has."""

import json
import smtplib
import subprocess

import pytest

from harness.certificates import client_context
from harness.peers import Postfix, have, peers_folder
from harness.sasl import PASSWORD, add_accounts
from harness.smtp import message
from harness.waiting import wait_until

ALICE = "alice@users.test"
CLIENT_SECONDS = 60
STARTTLS, IMPLICIT = range(2)


@pytest.fixture
def submission(make_server, authority):
    certificate = authority.issue("mx.test", "localhost")  # gsasl looks for what it connects to
    mechanisms = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]
    server = make_server(start=False, auth={"mechanisms": mechanisms},
                         listener=[{"mode": "submission", "tls": "starttls"}, {"mode": "submission", "tls": "implicit"}],
                         tls={"certificate": str(certificate.pem), "key": str(certificate.key)})
    add_accounts(server, "alice")
    return server.start()


def run(*command, stdin=b"", code=0):
    assert have(command[0]), f"{command[0]} is not installed"
    done = subprocess.run([*map(str, command)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=CLIENT_SECONDS, check=False)
    assert (done.returncode == 0) == (code == 0), f"{command[0]} ended with {done.returncode}: {done.stdout[-3000:]!r}"
    return done.stdout


def logged_in(server, mechanism):
    line = server.wait_log(event="logged_in", mechanism=mechanism)
    assert line["account"] == ALICE and line["tls"].startswith("TLSv1.")


class TestGsasl:
    def gsasl(self, server, authority, mechanism, password=PASSWORD, code=0):
        # One that could bind the login to TLS, and does not where the server offers it, has been lied to. RFC 5802 6
        unbound = ["--no-cb"] if mechanism == "SCRAM-SHA-256" else []
        return run("gsasl", *unbound, "--smtp", f"--connect=localhost:{server.port}", "--hostname=mx.test",
                   f"--mechanism={mechanism}", f"--authentication-id={ALICE}", f"--password={password}",
                   f"--x509-ca-file={authority.pem}", "--no-client-first", code=code)

    @pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"])
    def test_logs_in(self, submission, authority, mechanism):
        self.gsasl(submission, authority, mechanism)
        logged_in(submission, mechanism)

    def test_is_refused_with_a_wrong_password(self, submission, authority):
        self.gsasl(submission, authority, "SCRAM-SHA-256-PLUS", "wrong", code=1)
        submission.wait_log(event="login_failed", mechanism="SCRAM-SHA-256-PLUS")


class TestMsmtp:
    @pytest.mark.parametrize("mechanism", ["scram-sha-256", "plain", "login"])
    def test_logs_in(self, submission, authority, mechanism):
        run("msmtp", "--host=127.0.0.1", f"--port={submission.port}", "--domain=client.test", f"--from={ALICE}",
            f"--auth={mechanism}", f"--user={ALICE}", f"--passwordeval=echo {PASSWORD}", "--tls=on",
            f"--tls-trust-file={authority.pem}", "--tls-host-override=mx.test", "--", ALICE,
            stdin=message(From=ALICE).replace(b"\r\n", b"\n"))
        logged_in(submission, mechanism.upper())
        submission.wait_log(event="accepted", proto="ESMTPSA")


class TestCurl:
    def curl(self, server, authority, tmp_path, *options, scheme="smtp", listener=STARTTLS):
        (tmp_path / "mail").write_bytes(message(From=ALICE))
        port = server.address(listener)[1]
        run("curl", "--silent", "--show-error", "--max-time", CLIENT_SECONDS, "--ssl-reqd", "--cacert", authority.pem,
            "--resolve", f"mx.test:{port}:127.0.0.1", "--user", f"{ALICE}:{PASSWORD}", "--mail-from", ALICE, "--mail-rcpt",
            ALICE, "--upload-file", tmp_path / "mail", "--url", f"{scheme}://mx.test:{port}/client.test", *options)

    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
    @pytest.mark.parametrize("initial", [[], ["--sasl-ir"]], ids=["asked", "at once"])
    def test_logs_in(self, submission, authority, tmp_path, mechanism, initial):
        self.curl(submission, authority, tmp_path, "--login-options", f"AUTH={mechanism}", *initial)
        logged_in(submission, mechanism)

    def test_logs_in_under_implicit_tls(self, submission, authority, tmp_path):
        self.curl(submission, authority, tmp_path, "--login-options", "AUTH=PLAIN", scheme="smtps", listener=IMPLICIT)
        logged_in(submission, "PLAIN")
        submission.wait_log(event="accepted", proto="ESMTPSA")


class TestSwaks:
    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
    def test_logs_in(self, submission, mechanism):
        run("swaks", "--server", "127.0.0.1", "--port", submission.port, "--ehlo", "client.test", "--from", ALICE, "--to",
            ALICE, "--tls", "--auth", mechanism, "--auth-user", ALICE, "--auth-password", PASSWORD)
        logged_in(submission, mechanism)


class TestSmtplib:
    def test_logs_in(self, submission, authority):
        context = client_context(trusting=authority)
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", submission.port, local_hostname="client.test", timeout=CLIENT_SECONDS) as smtp:
            smtp.starttls(context=context)
            smtp.login(ALICE, PASSWORD)
            assert smtp.sendmail(ALICE, [ALICE], message(From=ALICE)) == {}
        logged_in(submission, "PLAIN")
        with smtplib.SMTP("127.0.0.1", submission.port, local_hostname="client.test", timeout=CLIENT_SECONDS) as smtp:
            smtp.starttls(context=context)
            with pytest.raises(smtplib.SMTPAuthenticationError):
                smtp.login(ALICE, "wrong")


class TestMutt:
    @pytest.mark.parametrize("listener", [STARTTLS, IMPLICIT], ids=["STARTTLS", "implicit"])
    @pytest.mark.parametrize("mechanism", ["scram-sha-256", "plain", "login"])
    def test_logs_in(self, submission, authority, tmp_path, mechanism, listener):
        scheme, port = "smtps" if listener == IMPLICIT else "smtp", submission.address(listener)[1]
        (tmp_path / "muttrc").write_text(
            f'set from="{ALICE}"\nset use_envelope_from=yes\nset copy=no\nset ssl_force_tls=yes\n'
            f'set ssl_ca_certificates_file="{authority.pem}"\n'
            f'set certificate_file="{authority.pem}"\nset smtp_url="{scheme}://{ALICE}@localhost:{port}/"\n'
            f'set smtp_pass="{PASSWORD}"\nset smtp_authenticators="{mechanism}"\n')
        run("env", f"HOME={tmp_path}", "LC_ALL=C.UTF-8", "mutt", "-n", "-F", tmp_path / "muttrc", "-s", "by mutt", "--", ALICE,
            stdin="Grüße\n".encode())
        logged_in(submission, mechanism.upper())
        submission.wait_log(event="accepted", proto="ESMTPSA")


class TestNodemailer:
    SEND = """
        const { createTransport } = require(process.argv[1])
        createTransport(JSON.parse(process.argv[2])).sendMail(JSON.parse(process.argv[3]))
          .then(sent => console.log(sent.response), error => { console.error(error); process.exitCode = 1 })"""

    def nodemailer(self, server, authority, code=0, listener=STARTTLS, mechanism=None, password=PASSWORD):
        # Not localhost: it resolves no name where the machine has nothing but loopback.
        transport = {"host": "127.0.0.1", "port": server.address(listener)[1], "name": "client.test",
                     "secure": listener == IMPLICIT, "requireTLS": True,
                     "tls": {"ca": authority.pem.read_text(), "servername": "localhost"}, "authMethod": mechanism,
                     "auth": {"user": ALICE, "pass": password}}
        mail = {"from": f"Älice <{ALICE}>", "to": ALICE, "subject": "über Node", "html": "<b>bold</b>",
                "attachments": [{"filename": "a.bin", "content": "octets"}]}
        return run("node", "-e", self.SEND, peers_folder() / "usr/share/nodejs/nodemailer",
                   json.dumps({key: value for key, value in transport.items() if value is not None}), json.dumps(mail), code=code)

    @pytest.mark.parametrize("listener", [STARTTLS, IMPLICIT], ids=["STARTTLS", "implicit"])
    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
    def test_logs_in(self, submission, authority, mechanism, listener):
        said = self.nodemailer(submission, authority, listener=listener, mechanism=mechanism)
        assert said.startswith(b"250 2.0.0 ")
        logged_in(submission, mechanism)
        submission.wait_log(event="accepted", proto="ESMTPSA")

    def test_chooses_a_mechanism_by_itself(self, submission, authority):
        self.nodemailer(submission, authority)
        submission.wait_log(event="accepted", proto="ESMTPSA")

    def test_is_told_that_the_password_is_wrong(self, submission, authority):
        said = self.nodemailer(submission, authority, code=1, password="wrong")
        assert b"EAUTH" in said and b"535 5.7.8" in said


class TestPostfix:
    def postfix(self, server, authority, folder, mechanism):
        host = f"[localhost]:{server.port}"
        return Postfix(folder, {
            "relayhost": host, "inet_protocols": "ipv4", "smtp_tls_security_level": "verify",
            "smtp_tls_CAfile": authority.pem, "smtp_sasl_auth_enable": "yes",
            "smtp_sasl_password_maps": f"inline:{{ {{ {host} = {ALICE}:{PASSWORD} }} }}",
            "smtp_sasl_security_options": "noanonymous", "smtp_sasl_mechanism_filter": mechanism})

    def submit(self, peer):
        with peer.client(timeout=CLIENT_SECONDS) as client:
            client.ehlo()
            client.deliver(message(From=ALICE), [ALICE], ALICE)

    @pytest.mark.parametrize("mechanism", ["plain", "login"])
    def test_logs_in_to_hand_its_mail_on(self, submission, authority, tmp_path, mechanism):
        with self.postfix(submission, authority, tmp_path / "peer", mechanism) as peer:
            self.submit(peer)
            logged_in(submission, mechanism.upper())
            submission.wait_log(event="accepted", proto="ESMTPSA")

    def test_has_a_library_that_finds_our_scram_too_much_work(self, submission, authority, tmp_path):
        # As docs/config.md says: Cyrus SASL gives up above 65,536 iterations.
        with self.postfix(submission, authority, tmp_path / "peer", "scram-sha-256") as peer:
            self.submit(peer)
            wait_until(lambda: "iteration-count is too big" in peer.log_text(), CLIENT_SECONDS, peer.log_text)
