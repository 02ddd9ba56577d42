"""Mail that an alias sends on to another domain: as whose it goes, and how what comes back finds the sender (SRS)."""

import contextlib
import datetime
import hashlib
import hmac
import json
import re
import sqlite3
import subprocess
import time

import pytest

from harness.control import queue
from harness.internet import Internet
from harness.scenes import id_of
from harness.server import binary
from harness.smtp import message
from harness.toml import merge
from harness.waiting import wait_until

# The sender's server, that of those whom the alias leads to, and two forwarders.
SENDERS, FAR, OURS, THEIRS = "127.0.1.1", "127.0.1.2", "127.0.2.1", "127.0.2.2"
ZONES = {
    "one.test": {"@": ["MX 10 mx"], "mx": [f"A {SENDERS}"]},
    "far.test": {"@": ["MX 10 mx"], "mx": [f"A {FAR}"]},
    "example.test": {"@": ["MX 10 mx.test."]},
    "other.test": {"@": ["MX 10 mx"], "mx": [f"A {THEIRS}"]},
    "mx.test": {"@": [f"A {OURS}"]},
}
CONFIG = {
    "networks": ["127.0.0.0/8"],
    "listener": [{"address": f"{OURS}:25"}],
    "queue": {"retry": {"first": "300ms", "factor": 1.0, "max": "1s"}, "expire": "1h"},
    "domain": [{"name": "example.test", "users": ["bob"],
                "aliases": {"info": ["carol@far.test"], "team": ["carol@far.test", "bob"],
                            "ping": ["ping@other.test"]}}],
}
STRANGER = "127.0.9.9"  # in no listed network
SECRET_OCTETS = 32


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    with Internet(tmp_path_factory.mktemp("internet"), ZONES) as internet:
        yield internet


@pytest.fixture
def house(internet, make_server):
    """house(**overrides): our server on this Internet."""
    return lambda **overrides: make_server(
        **merge({**CONFIG, "networks": ["127.0.0.1"], "dns": {"servers": [internet.server]}}, overrides))


def send(server, *recipients, sender="eve@one.test", source=STRANGER):
    with server.client(source=source) as client:
        client.ehlo()
        return id_of(client.deliver(message(From="<eve@one.test>"), recipients, sender))


def forwarded(server, far, recipient="info@example.test", sender="eve@one.test"):
    """As whose mail from `sender` came to `far`."""
    seen = len(far.messages)
    send(server, recipient, sender=sender)
    return far.wait(seen + 1)[seen].sender


def refusal(server, recipient, sender=""):
    """What RCPT for it is answered to a stranger."""
    with server.client(source=STRANGER) as client:
        client.ehlo()
        client.mail(sender)
        return client.cmd(f"RCPT TO:<{recipient}>")


def is_empty(server):
    with contextlib.suppress(AssertionError):
        return "nothing in the queue" in queue(server, "list", code=1)
    return False


def ask(server, *arguments):
    """(exit code, what it printed)"""
    done = subprocess.run([str(binary()), *arguments, "--config", str(server.config_path)],
                          capture_output=True, text=True, timeout=70, check=False)
    return done.returncode, done.stdout


def secrets(server):
    with contextlib.closing(sqlite3.connect(server.data_dir / "directory.db")) as database:
        return [bytes(secret) for (secret,) in
                database.execute("SELECT value FROM meta WHERE key GLOB 'srs_secret_*' ORDER BY key DESC")]


def change_secrets(server, statement, *values):
    """While it is stopped."""
    with contextlib.closing(sqlite3.connect(server.data_dir / "directory.db")) as database, database:
        assert database.execute(statement, values).rowcount > 0


def made_by_hand(secret, sender, days_ago=0):
    """An SRS0 address, by the description in src/wire/srs/srs.hpp."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    day = (int(time.time()) // 86400 - days_ago) % 1024
    digest = hmac.new(secret, f"SRS0 {day} {sender.lower()}".encode(), hashlib.sha256).digest()
    bits = int.from_bytes(digest[:4], "big")
    characters = "".join(alphabet[bits >> shift & 31] for shift in range(25, -1, -5))
    local, domain = sender.rsplit("@", 1)
    return f"SRS0={characters}={alphabet[day // 32]}{alphabet[day % 32]}={domain}={local}@example.test"


def test_the_sender_is_rewritten_on_the_wire_and_what_comes_back_goes_to_him(house, sinks):
    origin, far = sinks(SENDERS, FAR)
    server = house()
    rewritten = forwarded(server, far)
    assert re.fullmatch(r"SRS0=[A-Z2-7]{6}=[A-Z2-7]{2}=one\.test=eve@example\.test", rewritten)
    assert b"From: <eve@one.test>\r\n" in far.messages[0].content
    # A bounce, from where carol's mail lives.
    send(server, rewritten, sender="")
    [bounce] = origin.wait()
    assert bounce.sender == "" and bounce.recipients == ["eve@one.test"]
    # Mailers on the way may have changed the case.
    send(server, rewritten.lower(), sender="")
    assert origin.wait(2)[1].recipients == ["eve@one.test"]


def test_the_sender_himself_is_told_by_us_of_what_did_not_go_on(house, sinks):
    [origin] = sinks(SENDERS)
    sinks(FAR, replies={"RCPT": "550 5.1.1 no carol here"})
    send(house(), "info@example.test")
    [notification] = origin.wait()
    assert notification.sender == "" and notification.recipients == ["eve@one.test"]
    assert b"550 5.1.1 no carol here" in notification.content
    assert b"SRS0" not in notification.content.split(b"message/rfc822")[0]


def test_the_null_sender_and_our_own_stay_as_they_are(house, sinks):
    [far] = sinks(FAR)
    server = house()
    assert forwarded(server, far, sender="") == ""
    assert forwarded(server, far, sender="bob@example.test") == "bob@example.test"


def test_recipients_of_one_message_go_with_senders_of_their_own(house, sinks):
    [far] = sinks(FAR)
    server = house(networks=["127.0.0.0/8"])
    send(server, "team@example.test", "dora@far.test")
    by_recipient = {one.recipients[0]: one.sender for one in far.wait(2)}
    assert by_recipient["dora@far.test"] == "eve@one.test"
    assert by_recipient["carol@far.test"].startswith("SRS0=")
    [mail] = server.wait_mail("example.test", "bob")
    assert b"Return-Path: <eve@one.test>" in mail


def test_what_nobody_here_made_is_refused(house, sinks):
    [far] = sinks(FAR)
    server = house()
    made = forwarded(server, far)
    changed = [made.replace("eve", "adam"), made.replace("one.test", "victim.test"),
               made[:5] + ("AAAAAA" if made[5:11] != "AAAAAA" else "BBBBBB") + made[11:],
               "SRS0=AAAAAA=AA=victim.test=adam@example.test", "SRS1=AAAAAAAA=victim.test==x@example.test",
               "SRS0=@example.test"]
    for one in changed:
        for sender in ("", "adam@victim.test"):
            said = refusal(server, one, sender)
            assert said.code == 550 and said.enhanced == "5.1.1", f"{one}: {said}"
            assert "this server made no such address" in said.text
    # Elsewhere it is a stranger's address like any other: nobody relays for it.
    assert refusal(server, made.replace("@example.test", "@far.test")).enhanced == "5.7.1"
    assert refusal(server, made).code == 250


def test_an_address_is_good_for_as_long_as_the_setting_says(house):
    server = house(srs={"max_age": "10d"})
    [secret] = secrets(server)
    assert len(secret) == SECRET_OCTETS
    assert refusal(server, made_by_hand(secret, "eve@one.test", days_ago=9)).code == 250
    said = refusal(server, made_by_hand(secret, "eve@one.test", days_ago=12))
    assert said.code == 550 and said.enhanced == "5.1.1" and "good for 10 days" in said.text


def test_a_new_secret_is_made_each_month_and_the_old_one_still_serves(house, sinks):
    [far] = sinks(FAR)
    server = house()
    made = forwarded(server, far)
    [first] = secrets(server)
    server.stop()
    month_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=31)
    change_secrets(server, "UPDATE meta SET key = ? WHERE key GLOB 'srs_secret_*'",
                   f"srs_secret_{int(month_ago.timestamp() * 1000)}")
    server.start()
    assert len(secrets(server)) == 2 and secrets(server)[1] == first
    assert refusal(server, made).code == 250
    assert forwarded(server, far) != made
    server.stop()
    change_secrets(server, "DELETE FROM meta WHERE value = ?", first)
    server.start()
    assert refusal(server, made).code == 550


def test_a_reply_with_a_sender_of_its_own_goes_on_like_other_forwarded_mail(house, sinks):
    origin, far = sinks(SENDERS, FAR)
    server = house()
    made = forwarded(server, far)
    send(server, made, sender="carol@far.test")
    [reply] = origin.wait()
    assert reply.recipients == ["eve@one.test"] and "=far.test=carol@example.test" in reply.sender


def test_a_sender_that_another_forwarder_rewrote_leads_back_to_that_one(house, sinks):
    theirs, far = sinks(THEIRS, FAR)
    server = house()
    once = "SRS0=nZ3r=2Y=one.test=eve@other.test"
    twice = forwarded(server, far, sender=once)
    assert re.fullmatch(r"SRS1=[A-Z2-7]{8}=other\.test==nZ3r=2Y=one\.test=eve@example\.test", twice)
    send(server, twice, sender="")
    [bounce] = theirs.wait()
    assert bounce.sender == "" and bounce.recipients == [once]
    # A second one behind it is left out.
    again = forwarded(server, far, sender="SRS1=abcd=other.test==nZ3r=2Y=one.test=eve@third.test")
    assert again == twice


def test_a_long_local_part_is_rewritten_and_taken_back(house, sinks):
    origin, far = sinks(SENDERS, FAR)
    server = house()
    sender = f"bounces+{'0123456789' * 5}=bob@one.test"
    made = forwarded(server, far, sender=sender)
    assert made.startswith("SRS0=") and made.index("@") > 64
    send(server, made, sender="")
    assert origin.wait()[0].recipients == [sender]


def test_a_setting_turns_it_off_and_another_names_the_domain(house, sinks):
    [far] = sinks(FAR)
    server = house(srs={"domain": "srs.example.test"})
    made = forwarded(server, far)
    assert made.endswith("@srs.example.test")
    assert refusal(server, made).code == 250
    server.change({"srs": {"rewrite": False}})
    server.reload()
    server.wait_log(event="reloaded")
    assert forwarded(server, far) == "eve@one.test"
    assert refusal(server, made).code == 250


def test_two_forwarders_that_point_at_each_other_do_not_loop(house, sinks):
    [origin] = sinks(SENDERS)
    ours = house(limits={"received_fields": 10})
    theirs = house(hostname="mx.other.test", listener=[{"address": f"{THEIRS}:25"}], networks=["127.0.0.1"],
                   domain=[{"name": "other.test", "aliases": {"ping": ["ping@example.test"]}}])
    send(ours, "ping@example.test")
    [notification] = origin.wait()
    assert notification.sender == "" and notification.recipients == ["eve@one.test"]
    assert b"the mail goes in a circle" in notification.content
    went = [line["from"] for server in (ours, theirs) for line in server.log_lines() if line.get("event") == "accepted"
            and line["from"].startswith("SRS")]
    assert went and all(len(sender) < 80 for sender in went), went
    for server in (ours, theirs):
        wait_until(lambda server=server: is_empty(server), 10, "the queue to be empty")
    assert len(origin.messages) == 1


def test_trace_and_resolve_say_what_was_rewritten(house, sinks):
    [far] = sinks(FAR)
    server = house()
    name = send(server, "info@example.test")
    made = far.wait()[0].sender

    def told():
        code, said = ask(server, "trace", name)
        return said if code == 0 and f"sent on as from <{made}>" in said else None
    assert "decided: forwarding: the sender is rewritten" in wait_until(told, 15, "the timeline")
    assert name in ask(server, "trace", made)[1]

    def resolve(address, code=0):
        got, said = ask(server, "resolve", address, "--json")
        assert got == code, said
        return json.loads(said)
    [target] = resolve("info@example.test")["targets"]
    assert target["address"] == "carol@far.test" and target["sender_rewritten_at"] == "example.test"
    back = resolve(made)
    assert back["standing"] == "returning"
    assert [one["address"] for one in back["targets"]] == ["eve@one.test"]
    assert "made no such address" in resolve(made.replace("eve", "adam"), code=1)["failure"]["text"]
    assert "SRS0=...@example.test" in ask(server, "resolve", "info@example.test")[1]
