"""`postrider trace`: what happened to a message, told from the timeline."""

import datetime
import json
import re
import subprocess

import pytest

from harness.control import queue
from harness.ports import free_port
from harness.scenes import id_of, settled
from harness.server import binary
from harness.smtp import message
from harness.tools import run, trace
from harness.waiting import wait_until

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def server(make_server):
    """alice has a mailbox, info is alice and bob, and nobody listens where dead.test goes."""
    return make_server(
        networks=["127.0.0.0/8"],
        domain=[{"name": "example.test", "kind": "local", "users": ["alice", "bob"],
                 "aliases": {"info": ["alice", "bob"]}}],
        route=[{"domain": "dead.test", "via": f"smtp://127.0.0.1:{free_port()}"}])


def send(server, *recipients, sender="sender@client.test"):
    with server.client() as client:
        client.ehlo()
        return id_of(client.deliver(message(), recipients, sender))


def wait_trace(server, name, kind, count=1):
    """The events of the message, once `count` are of this kind: they are in the file within a second."""
    def found():
        shown = subprocess.run([str(binary()), "trace", name, "--json", "--config", str(server.config_path)],
                               capture_output=True, text=True, timeout=20, check=False)
        events = [json.loads(line) for line in shown.stdout.splitlines()]
        return events if sum(event["event"] == kind for event in events) >= count else None
    return wait_until(found, 15, f"{count} events {kind} of {name}")


def test_a_delivered_message_is_told_from_its_acceptance_to_its_end(server):
    name = send(server, "alice@example.test")
    settled(server, name)
    events = wait_trace(server, name, "ended")
    assert [event["event"] for event in events] == ["accepted", "ended"]
    accepted, ended = events
    assert accepted["id"] == name and re.fullmatch(TIME, accepted["at"])
    assert accepted["facts"]["from"] == "sender@client.test"
    assert accepted["facts"]["client"] == "127.0.0.1"
    assert accepted["facts"]["helo"] == "client.test"
    assert isinstance(accepted["facts"].get("decision", []), list)
    assert ended["recipient"] == 0 and ended["last"] is True
    assert ended["facts"]["to"] == "alice@example.test" and ended["facts"]["state"] == "delivered"


def test_a_person_reads_it_line_by_line(server):
    name = send(server, "info@example.test")
    settled(server, name, "alice")
    settled(server, name, "bob")
    wait_trace(server, name, "ended", 2)
    said, _ = run(server, "trace", name)
    lines = said.splitlines()
    assert lines[0] == f"message {name}"
    assert re.fullmatch(rf"{TIME} +\+0ms  accepted from <sender@client\.test>", lines[1])
    assert "client 127.0.0.1 (" in lines[2] and "HELO client.test" in lines[2]
    assert "info@example.test is an alias of alice@example.test, bob@example.test" in said
    assert re.search(rf"{TIME} +\+\S+  bob@example\.test delivered: 250", said)
    assert lines[-1] == "  no recipient is open any more"


def test_an_attempt_that_failed_says_where_and_why_and_when_it_goes_on(server):
    name = send(server, "carol@dead.test")
    events = wait_trace(server, name, "deferred")
    attempt = next(event for event in events if event["event"] == "attempt")
    assert "127.0.0.1" in attempt["facts"]["address"]
    assert attempt["facts"]["result"]
    deferred = next(event for event in events if event["event"] == "deferred")
    assert re.match(r"\d{4}-", deferred["facts"]["next"])
    said, _ = run(server, "trace", name)
    assert "attempt at " in said and f"next try at {deferred['facts']['next']}" in said
    assert re.search(rf"recipient 0: carol@dead\.test waits, next try at {TIME}, after 1 attempt", said)


def test_an_address_shows_its_messages_newest_first_and_says_how_many_more(server):
    names = [send(server, "alice@example.test", sender="Many@Client.test") for _ in range(23)]
    other = send(server, "alice@example.test", sender="other@client.test")
    wait_trace(server, names[-1], "ended")
    wait_trace(server, other, "ended")
    said, _ = run(server, "trace", "<many@client.test>")
    assert re.findall(r"^message (\S+)$", said, re.MULTILINE) == names[::-1][:20]
    assert said.rstrip().endswith("3 older messages not shown; --limit 0 shows all, --since narrows")
    assert run(server, "trace", "many@client.test", "--limit", "0")[0].count("\nmessage ") == 22
    shown = {event["id"] for event in trace(server, "alice@example.test")}
    assert shown == {*names, other}  # scripts get all
    assert {event["id"] for event in trace(server, "alice@example.test", "--limit", "2")} == {other, names[-1]}
    assert trace(server, "other@client.test", "--since", "1h")[0]["id"] == other
    _, why = run(server, "trace", "other@client.test", "--since", "2100-01-01", code=1)
    assert "no message from or to other@client.test" in why


def test_since_means_when_it_happened_and_not_when_the_message_came(server):
    name = send(server, "carol@dead.test", sender="early@client.test")
    wait_trace(server, name, "deferred")
    since = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)).replace(microsecond=0)
    since = since.strftime("%Y-%m-%dT%H:%M:%S")
    assert run(server, "trace", name, "--since", since, code=1)[1] == \
        f"Nothing has happened to {name} since {since}.000Z.\n"
    _, why = run(server, "trace", "early@client.test", "--since", since, code=1)
    assert "is in the timeline with anything that happened since then" in why
    wait_until(lambda: datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") > since, 5, since)
    queue(server, "hold", name)
    wait_trace(server, name, "changed")
    for what in (name, "early@client.test", "carol@dead.test"):
        assert "changed" in [event["event"] for event in trace(server, what, "--since", since)]
        assert "accepted" not in [event["event"] for event in trace(server, what, "--since", since)]


def test_it_works_with_the_server_stopped(server):
    name = send(server, "alice@example.test", "carol@dead.test")
    wait_trace(server, name, "deferred")
    server.stop()
    said, _ = run(server, "trace", name)
    assert "alice@example.test delivered" in said
    assert "carol@dead.test waits" in said
    server.start()
    assert trace(server, name)[0]["event"] == "accepted"


def test_what_is_not_known_is_said_plainly(server):
    unknown = "0" * 12 + "1"
    assert run(server, "trace", unknown, code=1)[1] == f"No message {unknown} is in the timeline or the queue.\n"
    assert "neither a message id" in run(server, "trace", "hello", code=2)[1]
    assert "no message from or to nobody@example.test" in run(server, "trace", "nobody@example.test", code=1)[1]
    assert "--since yesterday: neither" in run(server, "trace", unknown, "--since", "yesterday", code=2)[1]


def test_follow_ends_with_the_last_recipient(server):
    name = send(server, "alice@example.test", "bob@example.test")
    said, _ = run(server, "trace", name, "--follow", seconds=30)
    assert "alice@example.test delivered" in said and "bob@example.test delivered" in said
    assert said.splitlines()[-1] == "  no recipient is open any more"


def test_follow_shows_what_comes(server):
    name = send(server, "carol@dead.test")
    wait_trace(server, name, "deferred")
    with subprocess.Popen([str(binary()), "trace", name, "--follow", "--json", "--config", str(server.config_path)],
                          stdout=subprocess.PIPE, text=True) as following:
        kinds = []
        while "deferred" not in kinds:
            kinds.append(json.loads(following.stdout.readline())["event"])
        queue(server, "remove", name, "--yes")
        kinds += [json.loads(line)["event"] for line in following.stdout]
        assert following.wait(30) == 0
    assert "changed" in kinds or "ended" in kinds


def test_a_crash_is_marked(server):
    name = send(server, "carol@dead.test")
    wait_trace(server, name, "deferred")
    server.kill()
    server.start()
    said, _ = run(server, "trace", name)
    assert "the server had not been stopped cleanly: what happened since " in said
    assert any(event["event"] == "lost" for event in trace(server, name))
