"""DMARC reports: what was judged is counted, reported to who asks for it and agrees, and read by who gets it."""

import gzip
import json
import shutil
import sqlite3
import subprocess

import pytest

from harness.dkim import sign_with, signatures, verdicts
from harness.internet import Internet
from harness.scenes import client_from, id_of
from harness.server import binary
from harness.sink import Sink
from harness.smtp import message
from harness.tools import run
from harness.waiting import wait_until

# Who reports, who is reported to, and who sends mail in that one's name: rightly, and not.
HERE, THERE = "127.0.2.1", "127.0.2.2"
GOOD, EVIL = "192.0.2.10", "192.0.2.66"
PROXY = "127.0.0.1"
ZONES = {
    "here.test": {"@": ["MX 10 mx", f'TXT "v=spf1 ip4:{HERE} -all"'], "mx": [f"A {HERE}"],
                  "_dmarc": ['TXT "v=DMARC1; p=none"']},
    "there.test": {
        "@": ["MX 10 mx", f'TXT "v=spf1 ip4:{GOOD} -all"'], "mx": [f"A {THERE}"],
        "_dmarc": ['TXT "v=DMARC1; p=reject; '
                   'rua=mailto:reports@there.test!10m,mailto:spy@third.test,mailto:r@agrees.test"'],
    },
    "small.test": {"@": ["MX 10 mx.there.test."],
                   "_dmarc": ['TXT "v=DMARC1; p=none; rua=mailto:reports@small.test!1k"']},
    "silent.test": {"_dmarc": ['TXT "v=DMARC1; p=none"']},
    "third.test": {"@": ["MX 10 mx.there.test."]},
    "agrees.test": {"@": ["MX 10 mx.there.test."], "there.test._report._dmarc": ['TXT "v=DMARC1"']},
}
QUEUE = {"retry": {"first": "300ms", "factor": 1.0, "max": "1s"}, "expire": "1h"}
# Made 2 days older, a report is due whatever the hour is.
AGE = "UPDATE seen_day SET day=day-2; UPDATE seen_row SET day=day-2;"


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    with Internet(tmp_path_factory.mktemp("internet"), ZONES) as internet:
        yield internet


@pytest.fixture
def here(internet, make_server):
    """here(**dmarc): the server that judges and reports."""
    return lambda **dmarc: make_server(
        hostname="mx.here.test", dns={"servers": [internet.server]}, queue=QUEUE,
        authentication={"check": True}, listener=[{"address": f"{HERE}:25", "xclient": [PROXY]}],
        domain=[{"name": "here.test", "users": ["alice"]}],
        route=[{"domain": "*", "via": "mx", "source": HERE}],
        dmarc={"send_reports": True, "contact": "dmarc@here.test", "organization": "Here & Co", **dmarc})


@pytest.fixture
def there(internet, make_server):
    """The server that gets reports."""
    return make_server(
        hostname="mx.there.test", dns={"servers": [internet.server]}, queue=QUEUE,
        authentication={"check": True}, listener=[{"address": f"{THERE}:25", "xclient": [PROXY]}],
        domain=[{"name": "there.test", "users": ["joe", "reports"]}, {"name": "agrees.test", "users": ["r"]},
                {"name": "small.test", "users": ["reports"]}, {"name": "third.test", "users": ["spy"]}],
        dmarc={"report_address": "reports@there.test"})


def bring(server, client, domain, code=250, **fields):
    """A mail of joe@domain, from a server at this address."""
    with client_from(server, client) as smtp:
        smtp.mail(f"joe@{domain}")
        smtp.rcpt("alice@here.test")
        smtp.data(message(From=f"<joe@{domain}>", **fields), code)


def outgoing(server):
    """What is known of each report to others, by domain."""
    rows = json.loads(run(server, "dmarc", "outgoing", "--json")[0])["outgoing"]
    return {row["domain"]: row for row in rows}


def counted(server, messages):
    """Waits until so many messages have been written down."""
    wait_until(lambda: sum(row["messages"] for row in outgoing(server).values()) == messages, 10,
               f"{messages} messages to be counted")


def let_days_pass(server):
    server.stop()
    with sqlite3.connect(server.data_dir / "reports" / "reports.db") as database:
        database.executescript(AGE)
    database.close()
    server.start()


def test_a_day_of_mail_is_reported_and_read_back(here, there):
    server = here()
    bring(server, GOOD, "there.test")
    bring(server, GOOD, "there.test")
    bring(server, EVIL, "there.test", 550)
    bring(server, EVIL, "silent.test")
    counted(server, 3)
    let_days_pass(server)
    there.wait_log(event="delivered", to="reports@there.test", relay="dmarc-reports")
    told = json.loads(run(there, "dmarc", "reports", "--json")[0])
    [report] = told["reports"]
    assert (report["domain"], report["organization"], report["email"]) == ("there.test", "Here & Co", "dmarc@here.test")
    assert (report["messages"], report["passed"], report["records"]) == (3, 2, 2)
    assert (report["proof"], report["proven_by"]) == ("passed", "here.test")
    good, evil = told["senders"]
    assert (good["source"], good["messages"], good["passed"], good["spf_aligned"]) == (GOOD, 2, 2, 2)
    assert (evil["source"], evil["messages"], evil["passed"], evil["rejected"]) == (EVIL, 1, 0, 1)
    assert there.maildir("there.test", "reports") == []
    text = run(there, "dmarc", "reports")[0]
    assert "there.test: 3 messages, 67 % passed DMARC" in text and "1 rejected" in text
    # Who reports once does so no second time.
    server.restart()
    assert outgoing(server)["there.test"]["state"] == "sent"
    assert len([line for line in server.log_lines() if line.get("event") == "dmarc_report"]) == 1


def test_a_report_is_signed_in_the_name_of_its_contact(make_dns, make_server):
    dns = make_dns({"_dmarc.there.test": {"TXT": ["v=DMARC1; p=none; rua=mailto:r@there.test"]}}, ttl=0)
    with Sink(("127.0.0.1", 0)) as far:
        server = make_server(
            hostname="mx.here.test", dns={"servers": [dns.server]}, authentication={"check": True},
            listener=[{"address": f"{HERE}:25", "xclient": [PROXY]}],
            domain=[{"name": "here.test", "users": ["alice"]}],
            route=[{"domain": "there.test", "via": f"smtp://127.0.0.1:{far.port}"}],
            dmarc={"send_reports": True, "contact": "dmarc@here.test"})
        sign_with(server, dns, "here.test")
        bring(server, EVIL, "there.test")
        counted(server, 1)
        let_days_pass(server)
        content = far.wait(1)[0].content
        assert verdicts(content, dns.records) == [True, True]
        assert {one["d"] for one in signatures(content)} == {"here.test"}


def test_only_who_agrees_gets_reports_of_others(here, there):
    server = here()
    bring(server, GOOD, "there.test")
    counted(server, 1)
    let_days_pass(server)
    [mail] = there.wait_mail("agrees.test", "r")
    assert b"Subject: Report Domain: there.test\r\n".replace(b"\r", b"") in mail.replace(b"\r", b"")
    row = outgoing(server)["there.test"]
    assert row["state"] == "sent"
    assert "spy@third.test: there.test._report._dmarc.third.test: nxdomain" in row["note"]
    assert there.maildir("third.test", "spy") == []


def test_a_report_that_is_larger_than_they_take_is_not_sent(here, there):
    server = here()
    bring(server, GOOD, "small.test")
    counted(server, 1)
    let_days_pass(server)
    row = wait_until(lambda: outgoing(server)["small.test"]["state"] != "open" and outgoing(server)["small.test"], 10,
                     "the report to be judged")
    assert row["state"] == "unwanted"
    assert "reports@small.test: takes 1024 octets" in row["note"]
    assert there.maildir("small.test", "reports") == []


def test_reports_are_not_sent_where_nobody_has_turned_them_on(here, there):
    server = here(send_reports=False)
    bring(server, GOOD, "there.test")
    counted(server, 1)
    let_days_pass(server)
    # What is looked for is looked for at the start.
    server.stop()
    assert outgoing(server)["there.test"]["state"] == "open"


def test_reports_are_not_answered_by_reports(here):
    server = here()
    bring(server, GOOD, "there.test", Subject="Report Domain: here.test Submitter: there.test")
    bring(server, EVIL, "there.test", 550, Subject="Report Domain: here.test Submitter: there.test")
    counted(server, 1)
    [row] = outgoing(server).values()
    assert row["rows"] == 1


def told_of(server, ident):
    """All that the timeline says of a message; it is in the file a second later."""
    done = subprocess.run([str(binary()), "trace", ident, "--json", "--config", str(server.config_path)],
                          capture_output=True, text=True, timeout=20, check=False)
    return done.stdout


def test_what_is_no_report_is_delivered_and_the_timeline_says_why(there):
    with there.client() as client:
        client.ehlo()
        ident = id_of(client.deliver(message(Subject="hello"), ["reports@there.test"], "joe@client.test"))
    there.wait_mail("there.test", "reports")
    why = "no report to be stored: there is no report in the message; delivered as mail"
    wait_until(lambda: why in told_of(there, ident), 10, "the timeline to say why")


REPORT = """<feedback><report_metadata><org_name>example\x1b[31m.org</org_name><email>r@example.org</email>
<report_id>{id}</report_id><date_range><begin>1700000000</begin><end>{end}</end></date_range></report_metadata>
<policy_published><domain>there.test</domain><p>none</p></policy_published><record><row>
<source_ip>2001:db8::5</source_ip><count>5</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim>
<spf>fail</spf></policy_evaluated></row><identifiers><header_from>there.test</header_from></identifiers>
<auth_results/></record></feedback>
"""


def test_a_report_whose_mail_does_not_pass_is_marked(there):
    """Anybody may send one: here it is in the name of here.test, from a server that is not its."""
    said = REPORT.replace("\x1b", "").format(id="forged", end=4000000000)
    with client_from(there, EVIL) as smtp:
        smtp.mail("dmarc@here.test")
        smtp.rcpt("reports@there.test")
        smtp.data(message(said.replace("\n", "\r\n"), From="<dmarc@here.test>", Content_Type="text/xml",
                          Authentication_Results="mx.there.test; dmarc=pass header.from=here.test"))
    there.wait_log(event="delivered", to="reports@there.test", relay="dmarc-reports")
    told = json.loads(run(there, "dmarc", "reports", "--json")[0])
    [report], [sender] = told["reports"], told["senders"]
    assert (report["report_id"], report["proof"], report["proven_by"]) == ("forged", "unproven", "")
    assert (sender["messages"], sender["unproven"]) == (5, 5)
    text = run(there, "dmarc", "reports")[0]
    assert "1 report of 1 receiver, 1 unproven)" in text and text.rstrip().endswith("5 unproven")
    assert "unproven" in run(there, "dmarc", "reports", "--each")[0].splitlines()[-1]


def test_a_backup_has_what_was_reported_and_what_is_to_be(here, there, tmp_path):
    server = here()
    bring(server, GOOD, "there.test")
    bring(server, EVIL, "there.test", 550)
    counted(server, 2)
    file = tmp_path / "r.xml"
    file.write_text(REPORT.replace("\x1b", "").format(id=1, end=4000000000))
    run(server, "dmarc", "import", file)
    said, why = run(server, "backup", tmp_path / "copy")
    assert "the DMARC reports, " in said and not why
    assert json.loads((tmp_path / "copy/manifest.json").read_text())["reports"] is True
    assert (tmp_path / "copy/reports/reports.db").stat().st_mode & 0o777 == 0o600
    server.stop()
    shutil.rmtree(server.data_dir)
    run(server, "restore", tmp_path / "copy")
    row = outgoing(server)["there.test"]
    assert (row["state"], row["rows"], row["messages"]) == ("open", 2, 2)
    [report] = json.loads(run(server, "dmarc", "reports", "--json")[0])["reports"]
    assert (report["report_id"], report["messages"], report["proof"]) == ("1", 5, "imported")
    # A second time it stays as it is, since there is one.
    shutil.rmtree(server.data_dir / "spool")
    assert "The DMARC reports that are in place were left as they are." in run(server, "restore", tmp_path / "copy")[0]
    server.start()
    let_days_pass(server)
    there.wait_log(event="delivered", to="reports@there.test", relay="dmarc-reports")
    assert json.loads(run(there, "dmarc", "reports", "--json")[0])["reports"][0]["messages"] == 2


def test_a_damaged_database_of_reports_keeps_no_mail_out_of_a_backup(here, tmp_path):
    server = here()
    server.stop()
    (server.data_dir / "reports/reports.db").write_bytes(b"\xff" * 8192)
    said, why = run(server, "backup", tmp_path / "copy")
    assert why.startswith("without the DMARC reports: ") and "the DMARC reports" not in said
    assert json.loads((tmp_path / "copy/manifest.json").read_text())["reports"] is False
    (server.data_dir / "reports/reports.db").unlink()
    # Nor out of what is restored.
    server.restart()
    server.stop()
    run(server, "backup", tmp_path / "whole")
    (tmp_path / "whole/reports/reports.db").write_bytes(b"\xff" * 8192)
    shutil.rmtree(server.data_dir)
    assert "without the DMARC reports: " in run(server, "restore", tmp_path / "whole")[1]
    server.start()


def test_files_are_imported_once(there, tmp_path):
    plain, packed, bad = (tmp_path / name for name in ("a.xml", "b.xml.gz", "c.xml"))
    plain.write_text(REPORT.replace("\x1b", "").format(id=1, end=4000000000))
    packed.write_bytes(gzip.compress(plain.read_bytes().replace(b">1<", b">2<")))
    bad.write_text(REPORT.format(id=3, end=4000000000))
    said, faults = run(there, "dmarc", "import", plain, packed, bad, plain, code=1)
    assert said.count("1 record") == 4 - 1 and said.count("known already") == 1
    assert "c.xml: no well-formed XML" in faults
    senders = json.loads(run(there, "dmarc", "reports", "--domain", "there.test", "--json")[0])["senders"]
    assert [(one["source"], one["messages"], one["dkim_aligned"]) for one in senders] == [("2001:db8::5", 10, 10)]
    each = run(there, "dmarc", "reports", "--each")[0]
    assert each.count("there.test") == 3  # the line above, and two reports


def test_nothing_here_is_an_answer_too(there):
    done = subprocess.run([str(binary()), "dmarc", "reports", "--config", str(there.config_path)],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and "no report since 30d" in done.stderr
    assert "neither a span" in run(there, "dmarc", "reports", "--since", "soon", code=2)[1]
