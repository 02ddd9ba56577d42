"""`postrider resolve ADDRESS`: what would happen to mail for it, asked without a server."""

import json
import re
import subprocess

import pytest

from harness.control import queue
from harness.dns import SERVFAIL, FakeDns
from harness.server import Server, binary
from harness.tools import run

RECORDS = {
    "out.test": {"MX": ["20 b.mx.test", "10 a.mx.test"]},
    "a.mx.test": {"A": ["192.0.2.1"]},
    "b.mx.test": {"A": ["192.0.2.2"]},
    "null.test": {"MX": ["0 ."]},
    "broken.test": SERVFAIL,
    "hub.test": {"A": ["192.0.2.9"]},
}
CONFIG = {
    "domain": [{"name": "example.test", "users": ["alice", "bob"],
                "aliases": {"info": ["alice", "carol@out.test"]}},
               {"name": "relayed.test", "kind": "relay", "recipients": ["dora"]}],
    "route": [{"domain": "relayed.test", "via": "smtp://hub.test:2600", "concurrency": 2, "max_per_minute": 30},
              {"domain": "store.test", "via": "lmtp:/run/lmtp.sock"},
              {"domain": "program.test", "via": "pipe:/bin/cat", "user": "nobody", "time_limit": "90s"},
              {"domain": "held.test", "via": "hold"},
              {"domain": "gone.test", "via": "discard"}],
    "delivery": {"concurrency": 7, "quota": "5MiB", "ip": "only-ipv4", "timeouts": {"connect": "9s"}},
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """ask(address, *options): exit code and what it printed."""
    with FakeDns(RECORDS) as dns:
        server = Server(tmp_path_factory.mktemp("resolve"), {**CONFIG, "dns": {"servers": [dns.server]}})

        def run(address, *options):
            done = subprocess.run([str(binary()), "resolve", address, "--config", str(server.config_path), *options],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=70)
            return done.returncode, done.stdout.decode(), done.stderr.decode()
        yield run


@pytest.fixture(scope="module")
def explain(ask):
    def run(address, code=0):
        got, printed, complaint = ask(address, "--json")
        assert got == code, printed + complaint
        return json.loads(printed)
    return run


def test_an_alias_is_followed_to_a_mailbox_and_to_another_server(explain):
    answer = explain("info@example.test")
    assert answer["standing"] == "local"
    here, there = sorted(answer["targets"], key=lambda one: one["address"])
    assert here["address"] == "alice@example.test" and here["alias"] == "info@example.test"
    assert here["site"] == "local" and here["via"].endswith("/mail/example.test/alice")
    assert (here["concurrency"], here["max_per_minute"], here["quota"]) == (2000, 0, 5 << 20)
    assert "suspended" not in here and "suspended" not in there  # no server runs that could know
    assert there["address"] == "carol@out.test" and there["via"] == "mx"
    assert there["site"] == "a.mx.test,b.mx.test"
    assert (there["concurrency"], there["max_per_minute"]) == (7, 0)
    assert [(host["preference"], host["host"], host["address"], host["port"]) for host in there["hosts"]] == [
        (10, "a.mx.test", "192.0.2.1", 25), (20, "b.mx.test", "192.0.2.2", 25)]
    assert there["timeouts"]["connect"] == "9s" and there["timeouts"]["data_end"] == "10m"


def test_a_running_server_says_what_holds_it_up(make_server):
    server = make_server(route=[{"domain": "far.test", "via": "smtp://127.0.0.1:2"},
                                {"domain": ".sub.test", "via": "smtp://127.0.0.1:3"}])

    def suspended(address):
        said, _ = run(server, "resolve", address, "--json")
        return [target["suspended"] and target["suspended"]["reason"] for target in json.loads(said)["targets"]]
    assert suspended("x@far.test") == suspended("alice@example.test") == [None]
    queue(server, "suspend", "--site", "smtp://127.0.0.1:2", "--reason", "one")
    queue(server, "suspend", "--domain", ".sub.test", "--reason", "two")
    assert (suspended("x@far.test"), suspended("x@a.sub.test"), suspended("alice@example.test")) == (
        ["one"], ["two"], [None])
    queue(server, "suspend", "--all", "--for", "2h", "--reason", "three")
    assert suspended("alice@example.test") == ["three"]
    assert re.search(r"\n  suspended   until 20\S+ \S+ UTC: three\n", run(server, "resolve", "alice@example.test")[0])


def test_a_route_is_named_with_its_limits(explain):
    [target] = explain("dora@relayed.test")["targets"]
    assert target["route"] == "relayed.test" and target["via"] == "smtp://hub.test:2600"
    assert target["site"] == "smtp://hub.test:2600 (route relayed.test)"
    assert (target["concurrency"], target["max_per_minute"]) == (2, 30)
    assert [(host["address"], host["port"]) for host in target["hosts"]] == [("192.0.2.9", 2600)]


def test_sockets_and_programs(explain):
    [store] = explain("x@store.test")["targets"]
    assert store["hosts"] == [{"socket": "/run/lmtp.sock"}] and store["site"] == "lmtp:/run/lmtp.sock"
    [program] = explain("x@program.test")["targets"]
    assert program["site"] == "pipe:/bin/cat" and program["time_limit"] == "90s"


@pytest.mark.parametrize("domain, via", [("held.test", "hold"), ("gone.test", "discard")])
def test_what_goes_nowhere(explain, domain, via):
    assert [target["via"] for target in explain(f"x@{domain}")["targets"]] == [via]


@pytest.mark.parametrize("address, action, code, dsn", [
    ("x@null.test", "failed", 556, "5.1.10"),
    ("x@nowhere.test", "failed", 550, "5.1.2"),
    ("x@broken.test", "deferred", 451, "4.4.3"),
])
def test_a_failure_is_told_in_words(explain, ask, address, action, code, dsn):
    [target] = explain(address, 1)["targets"]
    failure = target["failure"]
    assert (failure["action"], failure["code"], failure["dsn"]) == (action, code, dsn)
    got, printed, _ = ask(address)
    assert got == 1 and f"{code} {dsn} " in printed and address in printed


def test_nobody_here(explain):
    answer = explain("nobody@example.test", 1)
    assert answer["standing"] == "unknown" and answer["failure"]["dsn"] == "5.1.1"


def test_people_can_read_it(ask):
    code, printed, _ = ask("info@example.test")
    assert code == 0
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert "carol@out.test (by info@example.test)" in lines
    assert "site a.mx.test,b.mx.test" in lines
    assert "limits 7 messages at a time, no bound a minute" in lines
    assert "limits 2,000 messages at a time, no bound a minute" in lines and "quota 5.0 MiB" in lines
    assert "hosts 10 a.mx.test[192.0.2.1]:25" in lines and "20 b.mx.test[192.0.2.2]:25" in lines


def test_what_is_no_address_is_said(ask):
    code, printed, complaint = ask("no address")
    assert code == 2 and not printed and "no address" in complaint
