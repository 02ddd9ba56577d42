"""What senders are told: failures, delays and successes; and when nobody is told anything (RFC 3461, RFC 3464)."""

import contextlib
import email
import email.policy

import pytest

from harness.scenes import content, id_of
from harness.sink import EHLO, Sink
from harness.smtp import message
from harness.toml import merge
from harness.waiting import wait_until

WITHOUT_DSN = tuple(keyword for keyword in EHLO if keyword != "DSN")
CONFIG = {
    "networks": ["127.0.0.0/8"],
    "queue": {"retry": {"first": "200ms", "factor": 1.0, "max": "400ms"}},
    "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob", "carol"],
                "aliases": {"one": ["far@out.test"], "team": ["bob", "carol"], "boss": ["alice"]}}],
}


@pytest.fixture
def out(make_server):
    """out(overrides, **of_the_sink): a server, and the next hop of out.test."""
    with contextlib.ExitStack() as stack:
        def make(overrides=None, **options):
            sink = stack.enter_context(Sink(("127.0.0.1", 0), **options))
            route = {"route": [{"domain": "out.test", "via": f"smtp://127.0.0.1:{sink.port}"}]}
            return make_server(**merge(merge(CONFIG, route), overrides or {})), sink
        yield make


def send(server, recipient, params="", sender="alice@example.test", text=None, mail=""):
    with server.client() as client:
        client.ehlo()
        client.mail(sender, mail)
        client.rcpt(recipient, params)
        return id_of(client.data(text or message(Message_ID="<original@client.test>")))


class Notification:
    """One that arrived: `fields` of the message as a whole, `recipients` those of each; `text`, and `parts`."""

    def __init__(self, octets):
        self.mail = email.message_from_bytes(content(octets), policy=email.policy.default)
        self.octets = octets
        assert self.mail.get_content_type() == "multipart/report"
        assert self.mail.get_param("report-type") == "delivery-status"
        assert [part.defects for part in self.mail.walk() if part.defects] == []
        self.parts = list(self.mail.iter_parts())
        self.text = self.parts[0].get_content()
        blocks = self.parts[1].get_payload()
        self.fields, self.recipients = blocks[0], blocks[1:]
        assert len(self.recipients) > 0


def notifications(server, user="alice", count=1):
    """Those in the user's mailbox, once there are so many."""
    new = server.maildir_path("example.test", user) / "new"

    def found():
        mails = [path.read_bytes() for path in sorted(new.iterdir())] if new.is_dir() else []
        mails = [mail for mail in mails if b"multipart/report" in mail]
        return mails if len(mails) >= count else None
    mails = wait_until(found, 20, lambda: f"{count} notifications; the log ends:\n{server.log_tail()}")
    assert len(mails) == count
    return [Notification(mail) for mail in mails]


def nobody_is_told(server, name):
    """The message has its end, and no notification was written."""
    wait_until(lambda: [line for line in server.log_lines() if line.get("id") == name
                        and line["event"] in ("failed", "delivered", "relayed")], 20, server.log_tail)
    # What comes later is told later: another message shows that the queue has passed this one.
    send(server, "bob@example.test", "NOTIFY=SUCCESS", sender="carol@example.test")
    notifications(server, "carol")
    assert not [line for line in server.log_lines() if line["event"] == "notified" and line["id"] == name]


# --- failures ------------------------------------------------------------------------------------------


def test_a_refused_recipient_comes_back_with_the_words_of_the_other_server(out):
    server, _ = out(replies={"RCPT:no@out.test": "550 5.1.1 nobody of that name"})
    name = send(server, "no@out.test", "ORCPT=rfc822;No+2Bx@out.test", mail="ENVID=QQ+2B314 RET=FULL")
    told = notifications(server)[0]
    assert told.octets.startswith(b"Return-Path: <>\n")
    assert told.mail["From"].addresses[0].addr_spec == "MAILER-DAEMON@mx.test"
    assert (told.mail["To"], told.mail["Auto-Submitted"]) == ("alice@example.test", "auto-replied")
    assert told.mail["References"] == told.mail["In-Reply-To"] == "<original@client.test>"
    assert told.mail["Message-ID"] and told.mail["Date"] and told.mail["Subject"]
    assert "nobody of that name" in told.text and "<no@out.test>" in told.text
    assert told.fields["Reporting-MTA"] == "dns; mx.test"
    assert told.fields["Original-Envelope-Id"] == "QQ+314"
    assert told.fields["Arrival-Date"]
    recipient = told.recipients[0]
    assert recipient["Original-Recipient"] == "rfc822; No+x@out.test"
    assert recipient["Final-Recipient"] == "rfc822; no@out.test"
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 nobody of that name"
    assert recipient["Remote-MTA"].startswith("dns; ")
    assert recipient["Final-Log-ID"] == name
    assert told.parts[2].get_content_type() == "message/rfc822"
    assert told.parts[2].get_content()["Subject"] == "test"
    line = server.wait_log(event="notified", id=name)
    assert (line["to"], line["of"], line["recipients"]) == ("alice@example.test", "failure", "1")
    server.wait_log(event="delivered", id=line["by"])


def test_only_the_headers_come_back_where_the_sender_wants_no_more(out):
    server, _ = out(replies={"RCPT": "550 5.1.1 no"})
    send(server, "no@out.test", mail="RET=HDRS", text=message("SECRET\r\n"))
    told = notifications(server)[0]
    assert told.parts[2].get_content_type() == "text/rfc822-headers"
    assert b"Subject: test" in told.octets and b"SECRET" not in told.octets


def test_a_large_message_comes_back_with_50_kib_of_its_body(out):
    server, _ = out(replies={"RCPT": "550 5.1.1 no"})
    line = "x" * 78 + "\r\n"
    send(server, "no@out.test", text=message(line * 5000))
    told = notifications(server)[0]
    body = told.parts[2].get_content().get_payload()
    assert 50 * 1024 - 80 < len(body) * 80 // 79 <= 50 * 1024
    assert "Its beginning is attached" in told.text


def test_of_several_recipients_one_notification_tells_of_those_that_failed(out):
    server, _ = out(replies={"RCPT:no@out.test": "550 5.1.1 no", "RCPT:nor@out.test": "552 5.2.2 full"})
    with server.client() as client:
        client.ehlo()
        client.deliver(message(), ["no@out.test", "yes@out.test", "nor@out.test"], "alice@example.test")
    told = notifications(server)[0]
    assert {each["Final-Recipient"]: each["Status"] for each in told.recipients} == {
        "rfc822; no@out.test": "5.1.1", "rfc822; nor@out.test": "5.2.2"}


def test_mail_that_expires_comes_back(out):
    server, _ = out({"queue": {"expire": "1s"}}, replies={"RCPT": "450 4.2.0 greylisted"})
    send(server, "slow@out.test")
    recipient = notifications(server)[0].recipients[0]
    assert (recipient["Action"], recipient["Status"]) == ("failed", "4.4.7")
    assert "greylisted" in recipient["Diagnostic-Code"]


@pytest.mark.parametrize("notify", ["NOTIFY=NEVER", "NOTIFY=SUCCESS", "NOTIFY=DELAY"])
def test_a_failure_is_not_told_to_who_does_not_want_to_hear_of_it(out, notify):
    server, _ = out(replies={"RCPT": "550 5.1.1 no"})
    name = send(server, "no@out.test", notify)
    assert server.wait_log(event="failed", id=name)["told"] == "nobody"
    nobody_is_told(server, name)


def test_a_bounce_is_never_answered(out):
    server, _ = out(replies={"RCPT": "550 5.1.1 no"})
    name = send(server, "no@out.test", sender="")
    assert server.wait_log(event="failed", id=name)["told"] == "nobody"
    nobody_is_told(server, name)


def test_a_notification_that_can_not_be_delivered_ends_in_the_log(out):
    server, sink = out(replies={"RCPT": "550 5.1.1 no"})
    name = send(server, "no@out.test", sender="nobody@out.test")
    notice = server.wait_log(event="notified", id=name)["by"]
    line = server.wait_log(event="failed", id=notice)
    assert (line["to"], line["from"], line["told"]) == ("nobody@out.test", "", "nobody")
    nobody_is_told(server, notice)
    assert [line for line in sink.said("MAIL") if line.startswith("MAIL FROM:<>")]


def test_a_sender_who_is_an_alias_of_ours_is_told_too(out):
    server, _ = out(replies={"RCPT": "550 5.1.1 no"})
    send(server, "no@out.test", sender="boss@example.test")
    assert notifications(server)[0].mail["To"] == "boss@example.test"


def test_the_sender_is_told_after_a_kill(out):
    server, sink = out({"queue": {"expire": "1h"}}, replies={"RCPT": "450 4.2.0 later"})
    name = send(server, "no@out.test")
    server.wait_log(event="deferred", id=name)
    server.kill()
    sink.replies["RCPT"] = "550 5.1.1 no"
    server.start()
    assert notifications(server)[0].recipients[0]["Status"] == "5.1.1"


def test_octets_above_127_come_back_as_they_are(out):
    server, _ = out(replies={"RCPT": "550 5.1.1 no"})
    send(server, "no@out.test", mail="BODY=8BITMIME", text=message("gr\u00fc\u00dfe\r\n"))
    told = notifications(server)[0]
    assert told.mail["Content-Transfer-Encoding"] == "8bit"
    assert told.parts[2]["Content-Transfer-Encoding"] == "8bit"
    assert "gr\u00fc\u00dfe".encode() in told.octets


def test_an_international_recipient_is_named_in_utf_8(out):
    server, _ = out(replies={"RCPT": "550 5.1.1 no"})
    send(server, "j\u00fc@out.test", mail="SMTPUTF8", text=message(Subject="h\u00e9"))
    mail = email.message_from_bytes(content((server_mail := wait_for_mail(server))), policy=email.policy.default)
    assert [part.get_content_type() for part in mail.iter_parts()] == [
        "text/plain", "message/global-delivery-status", "message/global"]
    assert "Final-Recipient: utf-8; j\u00fc@out.test".encode() in server_mail


def wait_for_mail(server):
    new = server.maildir_path("example.test", "alice") / "new"
    return wait_until(lambda: [path.read_bytes() for path in new.iterdir()] if new.is_dir() else None, 20,
                      server.log_tail)[0]


# --- delays --------------------------------------------------------------------------------------------


def test_a_delay_is_told_once_with_the_time_until_which_it_is_tried(out):
    server, sink = out({"queue": {"warn_after": "1s", "expire": "1h"}}, replies={"RCPT": "450 4.2.0 greylisted"})
    name = send(server, "slow@out.test")
    told = notifications(server)[0]
    recipient = told.recipients[0]
    assert (recipient["Action"], recipient["Status"]) == ("delayed", "4.2.0")
    assert recipient["Will-Retry-Until"]
    assert "greylisted" in told.text and "keeps trying" in told.text
    assert server.wait_log(event="notified", id=name)["of"] == "delay"
    tries = len(sink.said("RCPT"))
    wait_until(lambda: len(sink.said("RCPT")) >= tries + 3, 20, "three more attempts")
    notifications(server, count=1)


def test_a_delay_is_not_told_to_who_does_not_want_to_hear_of_it(out):
    server, sink = out({"queue": {"warn_after": "500ms", "expire": "1h"}}, replies={"RCPT": "450 4.2.0 later"})
    name = send(server, "slow@out.test", "NOTIFY=FAILURE")
    wait_until(lambda: len(sink.said("RCPT")) >= 8, 20, "eight attempts")
    assert not [line for line in server.log_lines() if line["event"] == "notified"]
    sink.replies.clear()
    server.wait_log(event="relayed", id=name)


# --- successes -----------------------------------------------------------------------------------------


def test_delivery_into_a_mailbox_is_told_where_it_was_asked_for(out):
    server, _ = out()
    send(server, "bob@example.test", "NOTIFY=SUCCESS,FAILURE", mail="RET=FULL")
    told = notifications(server)[0]
    assert (told.recipients[0]["Action"], told.recipients[0]["Status"]) == ("delivered", "2.0.0")
    assert told.recipients[0]["Original-Recipient"] is None
    assert told.parts[2].get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize("notify", ["", "NOTIFY=FAILURE,DELAY", "NOTIFY=NEVER"])
def test_delivery_is_not_told_where_it_was_not_asked_for(out, notify):
    server, _ = out()
    nobody_is_told(server, send(server, "bob@example.test", notify))


def test_handing_on_to_a_server_without_dsn_is_told_as_relayed(out):
    server, sink = out(ehlo=WITHOUT_DSN)
    send(server, "far@out.test", "NOTIFY=SUCCESS ORCPT=rfc822;far@out.test", mail="ENVID=Q1 RET=HDRS")
    told = notifications(server)[0]
    assert told.recipients[0]["Action"] == "relayed"
    assert told.recipients[0]["Remote-MTA"].startswith("dns; ")
    taken = sink.wait()[0]
    assert "NOTIFY" not in taken.rcpts[0] and "ORCPT" not in taken.rcpts[0]
    assert "ENVID" not in taken.mail and "RET" not in taken.mail


def test_a_server_with_dsn_is_asked_to_tell_itself(out):
    server, sink = out()
    name = send(server, "far@out.test", "NOTIFY=SUCCESS ORCPT=rfc822;F+2Bar@out.test", mail="ENVID=Q+2B1 RET=HDRS")
    taken = sink.wait()[0]
    assert "NOTIFY=SUCCESS" in taken.rcpts[0] and "ORCPT=rfc822;F+2Bar@out.test" in taken.rcpts[0]
    assert "ENVID=Q+2B1" in taken.mail and "RET=HDRS" in taken.mail
    nobody_is_told(server, name)


# --- aliases -------------------------------------------------------------------------------------------


def test_an_alias_with_one_target_passes_the_wishes_on(out):
    server, sink = out()
    name = send(server, "one@example.test", "NOTIFY=SUCCESS,FAILURE")
    taken = sink.wait()[0]
    assert taken.recipients == ["far@out.test"]
    assert "NOTIFY=SUCCESS,FAILURE" in taken.rcpts[0] and "ORCPT=rfc822;one@example.test" in taken.rcpts[0]
    nobody_is_told(server, name)


def test_an_alias_with_several_targets_is_told_as_expanded(out):
    server, _ = out()
    name = send(server, "team@example.test", "NOTIFY=SUCCESS,FAILURE")
    told = notifications(server)[0]
    assert len(told.recipients) == 1
    assert told.recipients[0]["Final-Recipient"] == "rfc822; team@example.test"
    assert (told.recipients[0]["Action"], told.recipients[0]["Status"]) == ("expanded", "2.1.5")
    server.wait_log(event="delivered", id=name, count=2)
    assert b"bob@" not in told.octets and b"carol@" not in told.octets
