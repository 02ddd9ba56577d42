"""DMARC failure reports: of single messages, at once, to who asks for them; where a setting says so, and no more than it says."""

import email
import email.policy
import json

import pytest

from harness.dkim import sign_with, signatures, verdicts
from harness.internet import Internet
from harness.scenes import client_from
from harness.sink import Sink
from harness.smtp import message
from harness.tools import run

# Who reports, who is reported to, and who sends mail in that one's name: rightly, and not.
HERE, THERE = "127.0.2.1", "127.0.2.2"
GOOD, EVIL = "192.0.2.10", "192.0.2.66"
PROXY = "127.0.0.1"
SPF = f"v=spf1 ip4:{GOOD} -all"


def asking(record):
    """A zone with this DMARC record, whose mail goes to mx.there.test."""
    return {"@": ["MX 10 mx.there.test.", f'TXT "{SPF}"'], "_dmarc": [f'TXT "v=DMARC1; p=none; {record}"']}


ZONES = {
    "here.test": {"@": ["MX 10 mx"], "mx": [f"A {HERE}"]},
    "there.test": {"@": ["MX 10 mx", f'TXT "{SPF}"'], "mx": [f"A {THERE}"],
                   "_dmarc": ['TXT "v=DMARC1; p=reject; ruf=mailto:failures@there.test"']},
    "last.test": asking("ruf=mailto:failures@last.test"),
    "dkim.test": asking("fo=d; ruf=mailto:failures@dkim.test"),
    "spf.test": asking("fo=s; ruf=mailto:failures@spf.test"),
    "outside.test": asking("ruf=mailto:spy@third.test"),
    "third.test": {"@": ["MX 10 mx.there.test."]},
}
# Its key is nowhere.
BROKEN = "v=1; a=rsa-sha256; d={}; s=none; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    with Internet(tmp_path_factory.mktemp("internet"), ZONES) as internet:
        yield internet


@pytest.fixture
def here(internet, make_server):
    """here(**dmarc): the server that judges and reports."""
    return lambda **dmarc: make_server(
        hostname="mx.here.test", dns={"servers": [internet.server]}, authentication={"check": True},
        listener=[{"address": f"{HERE}:25", "xclient": [PROXY]}],
        domain=[{"name": "here.test", "users": ["alice"]}],
        route=[{"domain": "*", "via": "mx", "source": HERE}],
        dmarc={"failure_reports": True, "contact": "dmarc@here.test", "organization": "Here & Co", **dmarc})


@pytest.fixture
def there(internet, make_server):
    """The server that gets reports."""
    return make_server(
        hostname="mx.there.test", dns={"servers": [internet.server]}, listener=[{"address": f"{THERE}:25"}],
        domain=[{"name": "third.test", "users": ["spy"]}]
        + [{"name": f"{name}.test", "users": ["failures"]} for name in ("there", "last", "dkim", "spf")],
        dmarc={"report_address": "failures@there.test"})


def bring(server, client, domain, code=250, sender=None, **fields):
    """A mail of joe@domain, from a server at this address."""
    with client_from(server, client) as smtp:
        smtp.mail(f"joe@{domain}" if sender is None else sender)
        smtp.rcpt("alice@here.test")
        smtp.data(message("this is secret\r\n", From=f"<joe@{domain}>", **fields), code)


def ends(server):
    """How each failure report ended, in order: (domain, what, result)."""
    return [(line["domain"], line["what"], line["result"]) for line in server.log_lines()
            if line.get("event") == "dmarc_failure_report"]


def all_told(server):
    """Reports go out one after the other: when this last one has, all before it have."""
    bring(server, EVIL, "last.test")
    server.wait_log(event="dmarc_failure_report", domain="last.test")
    return ends(server)[:-1]


def test_a_forged_message_is_told_of_at_once_and_exactly_once(here, there):
    server = here()
    bring(server, GOOD, "there.test")
    bring(server, EVIL, "there.test", 550, Subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=")
    assert all_told(server) == [("there.test", "dmarc", "sent")]
    there.wait_log(event="delivered", to="failures@there.test")
    [raw] = there.maildir("there.test", "failures")
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Return-Path"] == "<>"
    assert mail["From"] == "Here & Co <dmarc@here.test>" and mail["To"] == "failures@there.test"
    assert mail["Subject"] == "Failure Report Domain: there.test Submitter: mx.here.test"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/report" and mail["Content-Type"].params["report-type"] == "feedback-report"
    words, fields, header = mail.get_payload()
    assert [part.get_content_type() for part in (words, fields, header)] == \
        ["text/plain", "message/feedback-report", "text/rfc822-headers"]
    # Python's reader takes any message/* for a message.
    report = fields.get_payload()[0]
    assert dict(report.items()) == {
        "Feedback-Type": "auth-failure", "User-Agent": report["User-Agent"], "Version": "1", "Auth-Failure": "dmarc",
        "Authentication-Results": report["Authentication-Results"], "Identity-Alignment": "dkim, spf",
        "Delivery-Result": "reject", "Arrival-Date": report["Arrival-Date"], "Source-IP": EVIL,
        "Reporting-MTA": "dns; mx.here.test", "Original-Mail-From": "<joe@there.test>",
        "Reported-Domain": "there.test", "SPF-DNS": f'txt : there.test : "{SPF}"'}
    assert report["User-Agent"].startswith("Postrider/")
    assert report["Authentication-Results"].startswith("mx.here.test;")
    for result in ("dmarc=fail (p=reject dis=reject)", "dkim=none", "spf=fail", f"policy.iprev={EVIL}"):
        assert result in report["Authentication-Results"]
    assert "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=" in header.get_payload() and "secret" not in raw.decode()
    # What we write, we read.
    [read] = json.loads(run(there, "dmarc", "reports", "--failures", "--json")[0])["failures"]
    assert (read["domain"], read["source"], read["what"], read["mail_from"]) == \
        ("there.test", EVIL, "dmarc", "<joe@there.test>")


def test_nobody_is_told_where_it_is_off_and_turning_it_on_needs_no_restart(here, there):
    server = here(failure_reports=False)
    bring(server, EVIL, "there.test", 550)
    server.change({"dmarc": {"failure_reports": True}})
    server.reload()
    server.wait_log(event="reloaded")
    assert all_told(server) == []
    there.wait_mail("last.test", "failures")
    assert there.maildir("there.test", "failures") == []


def test_fo_says_which_failures_are_told_of(here, there):
    server = here()
    broken = {"DKIM_Signature": BROKEN.format("dkim.test")}
    bring(server, GOOD, "dkim.test")
    bring(server, EVIL, "dkim.test")
    bring(server, GOOD, "dkim.test", **broken)
    bring(server, GOOD, "spf.test", DKIM_Signature=BROKEN.format("spf.test"))
    bring(server, EVIL, "spf.test")
    assert all_told(server) == [("dkim.test", "signature", "sent"), ("spf.test", "spf", "sent")]
    [mail] = there.wait_mail("dkim.test", "failures")
    for field in (b"Auth-Failure: signature", b"Identity-Alignment: dkim", b"DKIM-Domain: dkim.test",
                  b"DKIM-Identity: @dkim.test", b"DKIM-Selector: none", b"Delivery-Result: delivered"):
        assert b"\n" + field + b"\n" in mail
    assert len(there.wait_mail("spf.test", "failures")) == 1


def test_only_who_agrees_is_told_of_the_mail_of_others(here, there):
    server = here()
    bring(server, EVIL, "outside.test")
    assert all_told(server) == [("outside.test", "dmarc", "unwanted")]
    line = server.wait_log(event="dmarc_failure_report", domain="outside.test")
    assert line["to"] == "spy@third.test: outside.test._report._dmarc.third.test: nxdomain"
    there.wait_mail("last.test", "failures")
    assert there.maildir("third.test", "spy") == []


def test_a_flood_is_told_of_no_more_than_the_setting_says(here, there):
    server = here(failure_reports_per_day=2)
    for _ in range(5):
        bring(server, EVIL, "there.test", 550)
    assert all_told(server) == [("there.test", "dmarc", "sent")] * 2
    server.restart()
    bring(server, EVIL, "there.test", 550)
    bring(server, EVIL, "spf.test")
    server.wait_log(event="dmarc_failure_report", domain="spf.test")
    assert ends(server)[-2:] == [("there.test", "dmarc", "bounded"), ("spf.test", "spf", "sent")]
    there.wait_mail("spf.test", "failures")
    assert len(there.maildir("there.test", "failures")) == 2


def test_reports_and_bounces_are_told_of_to_nobody(here, there):
    server = here()
    bring(server, EVIL, "there.test", 550, Subject="Report Domain: here.test Submitter: there.test")
    bring(server, EVIL, "there.test", 550, Content_Type="multipart/report; report-type=feedback-report; boundary=b")
    bring(server, EVIL, "there.test", 550, sender="",
          Content_Type="multipart/report; report-type=delivery-status; boundary=b")
    assert all_told(server) == []
    there.wait_mail("last.test", "failures")
    assert there.maildir("there.test", "failures") == []


def test_a_failure_report_is_signed_in_the_name_of_its_contact(make_dns, make_server):
    dns = make_dns({"_dmarc.there.test": {"TXT": ["v=DMARC1; p=none; ruf=mailto:f@there.test"]}}, ttl=0)
    with Sink(("127.0.0.1", 0)) as far:
        server = make_server(
            hostname="mx.here.test", dns={"servers": [dns.server]}, authentication={"check": True},
            listener=[{"address": f"{HERE}:25", "xclient": [PROXY]}],
            domain=[{"name": "here.test", "users": ["alice"]}],
            route=[{"domain": "there.test", "via": f"smtp://127.0.0.1:{far.port}"}],
            dmarc={"failure_reports": True, "contact": "dmarc@here.test"})
        sign_with(server, dns, "here.test")
        bring(server, EVIL, "there.test")
        report = far.wait(1)[0]
        assert report.sender == "" and verdicts(report.content, dns.records) == [True, True]
        assert {one["d"] for one in signatures(report.content)} == {"here.test"}
