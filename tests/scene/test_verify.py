"""`postrider verify`: what is found in a message, why, and what its sender would have to change."""

import json
import re
import resource
import subprocess

import dkim
import pytest

from harness.dns import SERVFAIL, FakeDns
from harness.scenes import id_of
from harness.server import Server, binary

MESSAGE = (b"From: Alice <alice@good.test>\nTo: bob@example.test\nSubject: Lunch\nDate: Fri, 11 Jul 2003 21:00:37 -0700\n"
           b"Message-ID: <1@good.test>\n\nHi.\n\nJoe.\n")
CLIENT = ("--ip", "192.0.2.1", "--helo", "mail.good.test", "--from", "alice@good.test")


def crlf(message):
    return message.replace(b"\n", b"\r\n")


class Key:
    """An RSA key of good.test, with its record."""

    name = "s1._domainkey.good.test"

    def __init__(self, folder):
        self._pem = folder / "key.pem"
        self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self._pem)
        public = self._openssl("pkey", "-in", self._pem, "-pubout").decode()
        self.record = "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])

    def sign(self, message):
        message = crlf(message)
        return dkim.sign(message, b"s1", b"good.test", self._pem.read_bytes(), canonicalize=(b"relaxed", b"relaxed")) + message

    @staticmethod
    def _openssl(*arguments):
        return subprocess.run(["openssl", *arguments], capture_output=True, timeout=60, check=True).stdout


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return Key(tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="module")
def records(key):
    return {
        "good.test": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"], "MX": ["10 mail.good.test"]},
        "mail.good.test": {"A": ["192.0.2.1"], "TXT": ["v=spf1 a -all"]},
        "1.2.0.192.in-addr.arpa": {"PTR": ["mail.good.test"]},
        key.name: {"TXT": [key.record]},
        "_dmarc.good.test": {"TXT": ["v=DMARC1; p=reject"]},
        "many.test": {"TXT": ["v=spf1 " + " ".join(f"a:a{i}.many.test" for i in range(11)) + " -all"]},
        **{f"a{i}.many.test": {"A": ["192.0.2.99"]} for i in range(11)},
        "silent.test": SERVFAIL,
        "_dmarc.silent.test": SERVFAIL,
        "127.in-addr.arpa": {},
    }


@pytest.fixture(scope="module")
def dns(records):
    with FakeDns(records) as dns:
        yield dns


@pytest.fixture(scope="module")
def config(dns, tmp_path_factory):
    return Server(tmp_path_factory.mktemp("verify"), {"dns": {"servers": [dns.server]}}).config_path


@pytest.fixture
def verify(config):
    """verify(message, *options, code=0): what it printed, by standard input."""
    def run(message, *options, code=0):
        done = subprocess.run([str(binary()), "verify", "-", "--config", str(config), *options], input=message,
                              capture_output=True, timeout=70, check=False)
        assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
        return done.stdout.decode() or done.stderr.decode()
    return run


@pytest.fixture
def found(verify):
    return lambda message, *options, code=0: json.loads(verify(message, "--json", *options, code=code))


def test_a_message_that_is_what_it_says_needs_nothing(found, verify, key):
    report = found(key.sign(MESSAGE), *CLIENT)
    assert report["from"] == ["good.test"] and report["client"] == "192.0.2.1"
    assert report["iprev"]["result"] == report["spf"]["helo"]["result"] == "pass"
    assert report["spf"]["mail_from"]["result"] == report["dmarc"]["result"] == "pass"
    assert [one["result"] for one in report["dkim"]] == ["pass"] and report["dkim"][0]["key_bits"] == 2048
    assert report["advice"] == [] and report["arc"]["result"] == "none"
    said = {(one["type"], one["name"]): one["records"] for one in report["dns"]}
    assert said["TXT", key.name] == [key.record] and said["PTR", "192.0.2.1"] == ["mail.good.test"]
    text = verify(key.sign(MESSAGE), *CLIENT)
    assert re.search(r"^DMARC +pass +DKIM of good.test and SPF of good.test are aligned with good.test$", text, re.M)
    assert "Nothing has to be changed." in text and f'"{key.record}"' in text


def test_line_ends_and_a_mailbox_line_make_no_difference(found, key):
    signed = key.sign(MESSAGE)
    for message in (signed, signed.replace(b"\r\n", b"\n"), b"From alice Fri Jul 11 21:00:37 2003\n" + signed):
        report = found(message, *CLIENT)
        assert report["dkim"][0]["result"] == "pass" and report["size"] == len(signed)


def test_a_forgery_is_told_with_the_reasons(verify):
    text = verify(MESSAGE, "--ip", "192.0.2.66", "--helo", "x.test", "--from", "alice@good.test", code=3)
    assert re.search(r"^SPF +fail +192.0.2.66 matches -all of good.test$", text, re.M)
    assert re.search(r"^DMARC +fail ", text, re.M) and "wants such mail refused (p=reject)" in text
    assert "What the sender would have to change" in text
    flat = " ".join(text.split())
    assert 'add "ip4:192.0.2.66" (or the include that its provider names) to the SPF record of good.test' in flat


def test_what_a_list_did_to_a_signed_message_is_named(found, key):
    report = found(key.sign(MESSAGE) + b"-- \r\nThe list\r\n", "--ip", "192.0.2.66", "--helo", "x.test", "--from",
                   "list@x.test", code=3)
    assert report["dkim"][0]["reason"] == "the body has changed" and report["dkim"][0]["appended_octets"] == 14
    needed = {one["about"]: one["text"] for one in report["advice"] if one["needed"]}
    assert "On the way 14 octets were appended to the body" in needed["DKIM 1"]
    assert "The signature of good.test (DKIM 1) would do if it passed." in needed["DMARC"]


def test_what_is_not_known_is_not_checked_and_said(found, verify, key):
    report = found(key.sign(MESSAGE))
    assert "client" not in report and "iprev" not in report and report["spf"] == {}
    assert report["dmarc"]["result"] == "pass"
    assert {one["name"] for one in report["dns"]} == {key.name, "_dmarc.good.test"}
    text = verify(key.sign(MESSAGE), "--ip", "192.0.2.1")
    assert re.search(r"^iprev +pass ", text, re.M)
    assert re.search(r"^HELO +not checked +what it said in HELO is not known \(--helo\)$", text, re.M)
    assert re.search(r"^SPF +not checked +what it said in MAIL FROM is not known \(--from\)$", text, re.M)
    # What the message says of itself is nothing to go by.
    forged = b"Return-Path: <alice@good.test>\nReceived: from mail.good.test ([192.0.2.1]) by y.test; z\n" + MESSAGE
    assert "client" not in found(forged, code=3)


def test_the_null_sender_is_judged_by_helo(found):
    report = found(MESSAGE, "--ip", "192.0.2.1", "--helo", "mail.good.test", "--from", "<>")
    assert report["spf"]["mail_from"]["domain"] == "mail.good.test" and report["dmarc"]["spf_aligned"] == "mail.good.test"


@pytest.mark.parametrize("author, code, result", [
    (b"alice@good.test", 3, "fail"), (b"nobody@nodmarc.test", 4, "none"), (b"x@silent.test", 75, "temperror"),
    (b"nobody", 3, "permerror"),
])
def test_the_exit_code_tells_the_result_of_dmarc(found, author, code, result):
    report = found(MESSAGE.replace(b"alice@good.test", author), code=code)
    assert report["dmarc"]["result"] == result


def test_records_that_ask_too_much_are_errors_with_a_way_out(found):
    report = found(MESSAGE, "--ip", "192.0.2.66", "--helo", "x.test", "--from", "a@many.test", code=3)
    assert report["spf"]["mail_from"]["result"] == "permerror" and len(report["spf"]["mail_from"]["steps"]) == 11
    assert any("at most 10 of its terms" in one["text"] for one in report["advice"])


def test_what_can_not_be_read_or_was_said_wrongly_is_refused(config, verify, tmp_path):
    def run(*arguments):
        done = subprocess.run([str(binary()), "verify", *map(str, arguments)], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=20, check=False)
        return done.returncode, done.stderr.decode()
    assert run() == run("-", "--id", "x") and run()[0] == 2
    assert run(tmp_path / "missing") == (1, f"postrider verify: {tmp_path / 'missing'}: it can't be read\n")
    assert run(tmp_path)[0] == 1
    assert run("-", "--ip", "192.0.2.256", "--config", config)[0] == run("-", "--from", "a b", "--config", config)[0] == 2
    assert run("--id", "01hx3v5t0c001", "--config", config)[0] == 1
    assert "has more than 1.0 MiB" in verify(b"X: " + b"x" * (2 << 20), code=1)


@pytest.mark.release_only  # measures memory
def test_a_large_message_streams_through(config, key, tmp_path):
    file = tmp_path / "large"
    file.write_bytes(key.sign(MESSAGE + b"x" * 75 + b"\n" + (b"y" * 76 + b"\n") * 700_000))
    assert file.stat().st_size > 50 << 20
    done = subprocess.run([str(binary()), "verify", str(file), "--config", str(config), "--json"], capture_output=True,
                          timeout=60, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (160 << 20, 160 << 20)))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["dkim"][0]["result"] == "pass"


def test_a_message_in_the_queue_and_in_a_mailbox_is_known_by_its_envelope(make_server, dns, key):
    server = make_server(dns={"servers": [dns.server]}, route=[{"domain": "held.test", "via": "hold"}],
                         networks=["127.0.0.0/8"])

    def look(*arguments, code=0):
        done = subprocess.run([str(binary()), "verify", *arguments, "--config", str(server.config_path), "--json"],
                              capture_output=True, timeout=60, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    with server.client() as client:
        client.ehlo("mail.good.test")
        id_ = id_of(client.deliver(key.sign(MESSAGE), ["x@held.test"], "alice@good.test"))
        client.deliver(key.sign(MESSAGE), ["alice@example.test"], "alice@good.test")
    report = look("--id", id_)
    assert (report["client"], report["helo"], report["mail_from"]) == ("127.0.0.1", "mail.good.test", "alice@good.test")
    assert report["spf"]["mail_from"]["result"] == "fail" and report["dkim"][0]["result"] == "pass"
    server.wait_mail("example.test", "alice")
    (file,) = (server.maildir_path("example.test", "alice") / "new").iterdir()
    report = look(str(file))
    assert (report["client"], report["helo"], report["mail_from"]) == ("127.0.0.1", "mail.good.test", "alice@good.test")
    assert report["dkim"][0]["result"] == "pass" and "topmost Received field" in report["notes"][0]
