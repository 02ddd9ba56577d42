"""What senders ask for with MAIL: FUTURERELEASE (RFC 4865), DELIVERBY (RFC 2852), MT-PRIORITY (RFC 6710)."""

import contextlib
import datetime
import email
import email.policy
import re

import pytest

from harness.control import queue, queue_json
from harness.ports import free_port
from harness.scenes import content, id_of
from harness.sink import EHLO, Sink
from harness.smtp import message
from harness.tools import trace
from harness.waiting import wait_until

ALL = ["futurerelease", "deliverby", "mt-priority"]


@pytest.fixture
def out(make_server):
    """out(config, **of_the_sink): a server that offers all, and the next hop of out.test; nobody is at dead.test."""
    with contextlib.ExitStack() as stack:
        def make(config=None, **options):
            sink = stack.enter_context(Sink(("127.0.0.1", 0), **options))
            return make_server(**{
                "networks": ["127.0.0.0/8"],
                "listener": [{"mode": "mx", "extensions": ALL}],
                "extensions": {"min_deliver_by": "1s"},
                "queue": {"retry": {"first": "200ms", "factor": 1.0, "max": "400ms"}},
                "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob"]}],
                "route": [{"domain": "out.test", "via": f"smtp://127.0.0.1:{sink.port}", "concurrency": 1},
                          {"domain": "dead.test", "via": f"smtp://127.0.0.1:{free_port()}"}],
                **(config or {})}), sink
        yield make


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def send(server, recipient, mail, rcpt=""):
    with server.client() as client:
        client.ehlo()
        client.mail("alice@example.test", mail)
        client.rcpt(recipient, rcpt)
        return id_of(client.data(message()))


def notification(server):
    """The first for alice: (fields of the message, fields of its recipient, the original's fields)."""
    new = server.maildir_path("example.test", "alice") / "new"
    octets = wait_until(lambda: next(iter(new.iterdir())).read_bytes() if new.is_dir() and any(new.iterdir()) else None,
                        20, server.log_tail)
    mail = email.message_from_bytes(content(octets), policy=email.policy.default)
    parts = list(mail.iter_parts())
    fields, recipient = parts[1].get_payload()[:2]
    return fields, recipient, parts[2].get_content()


def test_only_a_listener_that_is_told_so_offers_them_and_holding_only_to_who_may_relay(make_server):
    server = make_server(networks=["127.0.0.1"], listener=[
        {"mode": "mx"},
        {"mode": "mx", "extensions": ALL}],
        extensions={"max_hold": "1d", "min_deliver_by": "5m", "priority_policy": "mixer"})
    with server.client(0) as client:
        offered = client.ehlo()
        assert not {"FUTURERELEASE", "DELIVERBY", "MT-PRIORITY"} & set(offered)
        for wish in ("HOLDFOR=60", "BY=120;N", "MT-PRIORITY=0"):
            client.cmd(f"MAIL FROM:<a@client.test> {wish}", 555, "5.5.4")
    with server.client(1, source="127.0.0.9") as client:
        offered = client.ehlo()
        assert "FUTURERELEASE" not in offered
        client.cmd("MAIL FROM:<a@client.test> HOLDFOR=60", 555, "5.5.4")
    with server.client(1) as client:
        text = client.cmd("EHLO client.test", 250).text
        assert "\nDELIVERBY 300\nMT-PRIORITY MIXER\n" in text
        most, until = re.search(r"\nFUTURERELEASE (\d+) (\S+)\n", text).groups()
        assert most == "86400"
        assert 86300 < (time_of(until) - now()).total_seconds() <= 86400


def test_wishes_that_make_no_sense_are_refused(out):
    server, _ = out()
    with server.client() as client:
        client.ehlo()
        for wish in ("HOLDFOR", "HOLDFOR=0", "HOLDFOR=x", "HOLDFOR=99999999", "HOLDUNTIL=2001-01-01T00:00:00Z",
                     "HOLDUNTIL=2999-01-01T00:00:00Z", "HOLDUNTIL=soon", "HOLDFOR=60 HOLDUNTIL=2999-01-01T00:00:00Z",
                     "BY=60", "BY=0;R", "BY=-1;R", "BY=60;Q", "HOLDFOR=60 BY=60;R", "HOLDFOR=61 BY=60;N",
                     "MT-PRIORITY=10", "MT-PRIORITY=-0"):
            client.cmd(f"MAIL FROM:<a@client.test> {wish}", 501, "5.5.4")
        client.cmd("MAIL FROM:<a@client.test> HOLDFOR=60 BY=61;NT MT-PRIORITY=-9", 250, "2.1.0")


def test_mail_is_held_until_its_time_and_everybody_can_see_that(out):
    server, sink = out()
    name = send(server, "far@out.test", "HOLDFOR=3")
    row = queue_json(server, "list")[0]
    shown = queue_json(server, "show", name)[0]
    assert row["due"] == shown["hold_until"] == shown["recipients"][0]["until"]
    assert shown["recipients"][0]["why"] == "its sender asked that it is not sent before then (FUTURERELEASE)"
    assert "Not before" in queue(server, "show", name)
    assert not sink.messages
    taken = sink.wait()[0]
    assert now() >= time_of(shown["hold_until"])
    assert "HOLD" not in taken.mail
    wait_until(lambda: "relayed" in str(trace(server, name)), 20, server.log_tail)
    assert f"hold: its sender asked that it is not sent before {shown['hold_until']}" in str(trace(server, name))


def test_mail_that_is_late_comes_back(out):
    server, _ = out()
    send(server, "far@dead.test", "BY=2;R ENVID=late")
    fields, recipient, _ = notification(server)
    assert fields["Original-Envelope-Id"] == "late" and fields["Deliver-By-Date"]
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.4.7")
    assert "as its sender wanted; last: 451" in re.sub(r"\s+", " ", recipient["Diagnostic-Code"])


def test_of_mail_that_is_late_the_sender_is_told_and_it_goes_on(out):
    server, _ = out()
    name = send(server, "far@dead.test", "BY=1;N", "NOTIFY=FAILURE")
    fields, recipient, _ = notification(server)
    assert fields["Deliver-By-Date"]
    assert (recipient["Action"], recipient["Status"]) == ("delayed", "4.4.7")
    assert queue_json(server, "show", name)[0]["recipients"][0]["state"] == "waiting"


def test_the_next_server_is_told_what_it_understands(out):
    server, sink = out(ehlo=(*EHLO, "DELIVERBY 5", "MT-PRIORITY"))
    send(server, "far@out.test", "BY=120;R MT-PRIORITY=-3")
    taken = sink.wait()[0]
    assert re.search(r" BY=1(20|1\d);R MT-PRIORITY=-3$", taken.mail), taken.mail
    assert re.search(rb"for <far@out.test>\s+PRIORITY -3;", taken.content)
    send(server, "far@out.test", "BY=4;R")
    _, recipient, _ = notification(server)
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.4.7")


def test_mail_to_come_back_when_late_is_not_given_to_a_server_that_can_not_see_to_that(out):
    server, sink = out()
    send(server, "far@out.test", "BY=120;R")
    _, recipient, _ = notification(server)
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.4.7")
    assert not sink.messages


@pytest.mark.parametrize("ehlo, wish", [(EHLO, "BY=120;N"), ((*EHLO, "DELIVERBY"), "BY=120;RT")])
def test_the_sender_hears_that_it_was_passed_on(out, ehlo, wish):
    server, sink = out(ehlo=ehlo)
    send(server, "far@out.test", wish, "NOTIFY=FAILURE")
    _, recipient, _ = notification(server)
    assert recipient["Action"] == "relayed"
    assert len(sink.wait()) == 1


def test_a_stranger_gets_no_priority_and_is_told_so(out):
    server, _ = out({"networks": ["127.0.0.1"]})
    with server.client(source="127.0.0.9") as client:
        client.ehlo()
        text = "0 is the new priority: more is only for users of this server"
        assert client.cmd("MAIL FROM:<a@client.test> MT-PRIORITY=4", 250, "2.3.6").text == f"2.3.6 {text}"
        client.rcpt("bob@example.test")
        assert re.fullmatch(rf"2\.3\.6 {re.escape(text)}; queued as \w{{13}}", client.data(message()).text)
    server.wait_mail("example.test", "bob")
    assert b"PRIORITY" not in server.maildir("example.test", "bob")[0]


def test_urgent_mail_goes_first(out):
    server, sink = out()
    queue(server, "suspend", "--all")
    for number, priority in enumerate((0, -5, 3, 9, 3)):
        send(server, f"p{number}@out.test", f"MT-PRIORITY={priority}")
    queue(server, "resume", "--all")
    assert [taken.recipients[0] for taken in sink.wait(5)] == [f"p{n}@out.test" for n in (3, 2, 4, 0, 1)]
