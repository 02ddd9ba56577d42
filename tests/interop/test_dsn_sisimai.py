"""Our notifications, read by a program that reads those of eighty others: Sisimai (https://libsisimai.org)."""

import json
import subprocess

import pytest

from harness.scenes import content
from harness.sink import EHLO, Sink
from harness.smtp import message
from harness.toml import merge
from harness.waiting import wait_until

READ = r"""
use Sisimai; use JSON;
my $read = Sisimai->make($ARGV[0], delivered => 1) // [];
print JSON->new->encode([map {{
  recipient => $_->recipient->address, sender => $_->addresser->address, action => $_->action, reason => $_->reason,
  status => $_->deliverystatus, code => $_->replycode, words => $_->diagnosticcode, lhost => $_->lhost,
  rhost => $_->rhost, subject => $_->subject, type => $_->diagnostictype, messageid => $_->messageid }} @$read]);
"""
CONFIG = {
    "networks": ["127.0.0.0/8"],
    "queue": {"retry": {"first": "200ms", "factor": 1.0, "max": "400ms"}},
    "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob", "carol"],
                "aliases": {"team": ["bob", "carol"]}}],
}
# What the recipient's server says, and what Sisimai makes of it (its own tables call some of these filtered).
REFUSALS = [
    ("550 5.1.1 user unknown", "5.1.1", "userunknown"),
    ("552 5.2.2 mailbox full", "5.2.2", "mailboxfull"),
    ("550 5.2.1 mailbox disabled, not accepting messages", "5.2.1", "filtered"),
    ("552 5.3.4 message size exceeds fixed limit", "5.3.4", "mesgtoobig"),
    ("550 5.7.26 this mail fails DMARC", "5.7.26", "securityerror"),
    ("550 no such user here", "5.0.0", "filtered"),
    ("550-5.1.1 The email account that you tried to reach does not exist.\r\n550 5.1.1 Please check it.", "5.1.1",
     "userunknown"),
]


def sisimai(mail, folder):
    """What it reads in a message of a Maildir."""
    path = folder / "notification"
    path.write_bytes(mail)
    done = subprocess.run(["perl", "-e", READ, path], capture_output=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def told(make_server, tmp_path):
    """told(recipient, params, overrides, **of_the_next_hop) -> what Sisimai reads in the notification that alice gets."""
    sinks = []

    def tell(recipient, params="", overrides=None, **options):
        sinks.append(Sink(("127.0.0.1", 0), **options))
        route = {"route": [{"domain": "out.test", "via": f"smtp://127.0.0.1:{sinks[-1].port}"}]}
        server = make_server(**merge(merge(CONFIG, route), overrides or {}))
        with server.client() as client:
            client.ehlo()
            client.mail("alice@example.test")
            client.rcpt(recipient, params)
            client.data(message(Message_ID="<original@client.test>", From="alice@example.test"))
        new = server.maildir_path("example.test", "alice") / "new"
        mails = wait_until(lambda: list(new.iterdir()) if new.is_dir() else None, 20, server.log_tail)
        mail = mails[0].read_bytes()
        assert content(mail).startswith(b"From: Mail Delivery System <MAILER-DAEMON@mx.test>\n")
        read = sisimai(mail, tmp_path)
        assert len(read) == 1, mail
        assert (read[0]["recipient"], read[0]["sender"]) == (recipient, "alice@example.test")
        assert (read[0]["subject"], read[0]["messageid"]) == ("test", "original@client.test")
        return read[0]
    yield tell
    for sink in sinks:
        sink.stop()


@pytest.mark.parametrize("reply, status, reason", REFUSALS, ids=[each[0][:10].strip() for each in REFUSALS])
def test_refusals(told, reply, status, reason):
    read = told("no@out.test", replies={"RCPT": reply})
    assert (read["action"], read["status"], read["code"]) == ("failed", status, reply[:3])
    assert (read["reason"], read["type"], read["rhost"]) == (reason, "SMTP", "127.0.0.1"), read
    assert reply.split("\r\n")[0][10:30] in read["words"]


def test_a_refusal_of_the_content(told):
    read = told("no@out.test", replies={"end": "554 5.7.1 message refused as spam"})
    assert (read["action"], read["status"]) == ("failed", "5.7.1")
    assert read["reason"] in ("spamdetected", "policyviolation", "securityerror", "rejected")


def test_time_that_ran_out(told):
    read = told("slow@out.test", overrides={"queue": {"expire": "1s"}}, replies={"RCPT": "450 4.2.0 not now"})
    assert (read["action"], read["status"], read["reason"]) == ("failed", "4.4.7", "expired")


def test_a_delay(told):
    read = told("slow@out.test", overrides={"queue": {"warn_after": "1s"}}, replies={"RCPT": "450 4.2.0 not now"})
    assert (read["action"], read["status"], read["reason"]) == ("delayed", "4.2.0", "expired")


@pytest.mark.parametrize("recipient, action", [("bob@example.test", "delivered"), ("far@out.test", "relayed"),
                                               ("team@example.test", "expanded")])
def test_successes(told, recipient, action):
    read = told(recipient, "NOTIFY=SUCCESS", ehlo=tuple(each for each in EHLO if each != "DSN"))
    assert (read["action"], read["reason"]) == (action, "delivered")
    assert read["status"].startswith("2.")
