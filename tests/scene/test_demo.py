"""`postrider demo`: what a newcomer sees first."""

import contextlib
import json
import pathlib
import smtplib
import ssl
import subprocess
import urllib.request

from harness.dkim import records, signatures, verdicts
from harness.ports import free_port
from harness.sasl import Scram
from harness.server import binary
from harness.smtp import Client, message
from harness.waiting import wait_until

SMTP, SUBMISSION, SUBMISSIONS, HTTP = 25, 87, 65, 80
START_SECONDS = 30


class Demo:
    """`postrider demo` in `folder`."""

    def __init__(self, folder):
        self.folder, self.base = pathlib.Path(folder), free_port()
        self.log = self.folder.parent / "demo.log"

    @contextlib.contextmanager
    def running(self):
        with open(self.log, "wb") as log:
            process = subprocess.Popen([binary(), "demo", "--dir", self.folder, "--port-base", str(self.base)],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(lambda: "event=ready" in self.said() or process.poll() is not None, START_SECONDS, self.said)
            assert process.poll() is None, self.said()
            yield self
        finally:
            process.terminate()
            code = process.wait(30)
        assert code == 0, self.said()

    def said(self):
        return self.log.read_text()

    def context(self):
        return ssl.create_default_context(cafile=self.folder / "ca.pem")

    def tell(self, *command):
        done = subprocess.run([binary(), *command, "--json", "--config", self.folder / "postrider.toml"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def mail(self, user, count=1):
        new = self.folder / "data/mail/demo.test" / user / "new"
        wait_until(lambda: new.is_dir() and len(list(new.iterdir())) >= count, START_SECONDS, self.said)
        return [path.read_text() for path in sorted(new.iterdir())]

    def port(self, offset):
        return self.base + offset


def test_alice_submits_over_tls_that_is_verified_logged_in_by_scram(tmp_path):
    with Demo(tmp_path / "demo").running() as demo, Client("127.0.0.1", demo.port(SUBMISSION)) as client:
        client.expect(220)
        client.ehlo()
        client.starttls(demo.context(), "localhost")
        client.ehlo()
        assert Scram(client, "alice@demo.test", "postrider").login().code == 235
        client.deliver(message(From="alice@demo.test"), ["info@demo.test"], "alice@demo.test")
        for user in ("alice", "bob"):
            assert "with ESMTPSA (TLSv1.3)" in demo.mail(user)[0]
        # The mailbox has LF line ends, and two fields on top that came after the signature.
        content = demo.mail("bob")[0].replace("\n", "\r\n").encode()
        assert verdicts(content, records(*demo.tell("dkim", "list", "--no-dns"))) == [True, True]
        assert {one["d"] for one in signatures(content)} == {"demo.test"}


def test_implicit_tls_and_mail_from_outside_are_there_too(tmp_path):
    with Demo(tmp_path / "demo").running() as demo:
        with smtplib.SMTP_SSL("127.0.0.1", demo.port(SUBMISSIONS), context=demo.context(), timeout=30) as submissions:
            submissions.login("bob@demo.test", "postrider")
            submissions.sendmail("bob@demo.test", ["alice@demo.test"], message(From="bob@demo.test"))
        with smtplib.SMTP("127.0.0.1", demo.port(SMTP), timeout=30) as smtp:
            smtp.starttls(context=demo.context())
            smtp.sendmail("carol@elsewhere.test", ["alice@demo.test"], message())
        assert len(demo.mail("alice", 2)) == 2


def test_a_second_start_keeps_what_was_changed(tmp_path):
    demo = Demo(tmp_path / "demo")
    with demo.running():
        demo.tell("account", "add", "carol@demo.test", "--no-password")
    before = (demo.folder / "ca.pem").read_bytes()
    with demo.running():
        assert {one["account"] for one in demo.tell("account", "list")} == {f"{name}@demo.test"
                                                                            for name in ("alice", "bob", "carol")}
    assert (demo.folder / "ca.pem").read_bytes() == before


def test_its_metrics_are_shown(tmp_path):
    with Demo(tmp_path / "demo").running() as demo:
        shown = urllib.request.urlopen(f"http://127.0.0.1:{demo.port(HTTP)}/metrics", timeout=30).read().decode()
        assert "\npostrider_" in shown


def test_the_keys_are_closed_to_others(tmp_path):
    with Demo(tmp_path / "demo").running() as demo:
        assert (demo.folder / "key.pem").stat().st_mode & 0o777 == 0o600
        assert (demo.folder / "data/directory.db").stat().st_mode & 0o777 == 0o600
