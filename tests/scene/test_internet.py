"""The way out, on a fake Internet: whom the DNS names, in which order, and what becomes of mail for nobody."""

import itertools
import re

import pytest

from harness.internet import SERVFAIL, TIMEOUT, Internet
from harness.scenes import id_of
from harness.sink import Sink
from harness.smtp import message
from harness.toml import merge
from harness.waiting import wait_until

# Addresses of servers; what is not listened on refuses connections.
ONE, TWO, THREE, DEAD, OURS = "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.99", "127.0.2.1"
SIX = "2001:db8::1"
ZONES = {
    "plain.test": {"@": ["MX 10 mx"], "mx": [f"A {ONE}"]},
    "order.test": {"@": ["MX 20 second", "MX 10 first"], "first": [f"A {ONE}"], "second": [f"A {TWO}"]},
    "equal.test": {"@": ["MX 10 a", "MX 10 b"], "a": [f"A {ONE}"], "b": [f"A {TWO}"]},
    "fallback.test": {"@": ["MX 10 dead", "MX 20 alive"], "dead": [f"A {DEAD}"], "alive": [f"A {TWO}"]},
    "noaddress.test": {"@": ["MX 10 nowhere", "MX 20 alive"], "alive": [f"A {TWO}"]},
    "alldead.test": {"@": ["MX 10 dead"], "dead": [f"A {DEAD}"]},
    "implicit.test": {"@": [f"A {ONE}"]},
    "null.test": {"@": ["MX 0 ."]},
    "nothing.test": {"@": ["TXT none"]},
    "alias.test": {"@": ["TXT none"], "www": ["CNAME target"], "target": ["MX 10 mx"], "mx": [f"A {ONE}"]},
    "mxalias.test": {"@": ["MX 10 name"], "name": ["CNAME real"], "real": [f"A {ONE}"]},
    "ownname.test": {"@": ["MX 10 mx.test."]},
    "ownaddress.test": {"@": ["MX 10 other"], "other": [f"A {OURS}"]},
    "backup.test": {"@": ["MX 10 primary", "MX 20 mx.test.", "MX 30 worse"], "primary": [f"A {ONE}"],
                    "worse": [f"A {TWO}"]},
    "primaryself.test": {"@": ["MX 10 mx.test.", "MX 20 other"], "other": [f"A {TWO}"]},
    "six.test": {"@": ["MX 10 mx"], "mx": [f"AAAA {SIX}"]},
    "both.test": {"@": ["MX 10 mx"], "mx": [f"AAAA {SIX}", f"A {ONE}"]},
    "deadsix.test": {"@": ["MX 10 mx"], "mx": ["AAAA 2001:db8::99", f"A {ONE}"]},
    "halfbroken.test": {"@": ["MX 10 mx.broken.test.", "MX 20 alive"], "alive": [f"A {TWO}"]},
    "broken.test": SERVFAIL,
    "silent.test": TIMEOUT,
    # The server's own name.
    "mx.test": {"@": [f"A {OURS}"]},
}
CONFIG = {
    "networks": ["127.0.0.0/8"],
    "listener": [{"address": f"{OURS}:25"}],
    "queue": {"retry": {"first": "300ms", "factor": 1.0, "max": "1s"}, "expire": "1h"},
    "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob"]}],
}


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    with Internet(tmp_path_factory.mktemp("internet"), ZONES) as internet:
        yield internet


@pytest.fixture
def out(internet, make_server):
    """out(**overrides): a server on this Internet."""
    return lambda **overrides: make_server(**merge({**CONFIG, "dns": {"servers": [internet.server]}}, overrides))


def send(server, *recipients, sender="alice@example.test", text=None):
    with server.client() as client:
        client.ehlo()
        return id_of(client.deliver(text or message(), recipients, sender))


def relayed(server, recipient, relay=None):
    line = server.wait_log(event="relayed", to=recipient)
    if relay:
        assert line["relay"].startswith(relay) or f"[{relay}]:25" in line["relay"], line
    return line


def failed(server, recipient, dsn):
    line = server.wait_log(event="failed", to=recipient)
    assert line["dsn"] == dsn, line
    return line


def deferred(server, recipient, dsn):
    line = server.wait_log(event="deferred", to=recipient)
    assert re.fullmatch(dsn, line["dsn"]), line
    return line


def test_mail_goes_to_the_host_that_the_mx_record_names(out, sinks):
    [sink] = sinks(ONE)
    server = out()
    name = send(server, "bob@plain.test")
    [taken] = sink.wait()
    assert taken.sender == "alice@example.test" and taken.recipients == ["bob@plain.test"]
    assert relayed(server, "bob@plain.test", ONE)["id"] == name
    assert sink.said("EHLO") == ["EHLO mx.test"]


def test_the_lowest_preference_comes_first(out, sinks):
    first, second = sinks(ONE, TWO)
    server = out()
    for _ in range(5):
        send(server, "bob@order.test")
    first.wait(5)
    assert not second.messages


def test_equal_preferences_share_the_load(out, sinks):
    one, two = sinks(ONE, TWO)
    # One connection a message, or the first would be kept for all.
    server = out(delivery={"messages_per_connection": 1})
    for _ in range(40):
        send(server, "bob@equal.test")
    for _ in range(40):
        server.wait_log(event="relayed", to="bob@equal.test", count=40)
    assert len(one.messages) + len(two.messages) == 40
    assert one.messages and two.messages


@pytest.mark.parametrize("domain", ["fallback.test", "noaddress.test", "halfbroken.test"])
def test_the_next_host_is_tried_where_one_can_not_be_reached(out, sinks, domain):
    [alive] = sinks(TWO)
    server = out()
    send(server, f"bob@{domain}")
    alive.wait()
    relayed(server, f"bob@{domain}", TWO)


@pytest.mark.parametrize("greeting", ["421 4.3.2 not now", "554 5.3.2 go away"])
def test_the_next_host_is_tried_where_one_greets_with_a_no(out, sinks, greeting):
    sinks(ONE, replies={"greeting": greeting})
    [second] = sinks(TWO)
    server = out()
    send(server, "bob@order.test")
    second.wait()


def test_a_domain_without_mx_is_its_own_host(out, sinks):
    [sink] = sinks(ONE)
    send(out(), "bob@implicit.test")
    sink.wait()


def test_a_null_mx_is_a_no_for_good_and_the_sender_is_told(out):
    server = out()
    send(server, "bob@null.test")
    failed(server, "bob@null.test", "5.1.10")
    [told] = server.wait_mail("example.test", "alice")
    assert b"5.1.10" in told and b"multipart/report" in told


def test_a_domain_that_does_not_exist_fails_for_good(out):
    server = out()
    send(server, "bob@nowhere.test")
    failed(server, "bob@nowhere.test", "5.1.2")
    server.wait_mail("example.test", "alice")


def test_a_domain_with_neither_mx_nor_address_fails_for_good(out):
    server = out()
    send(server, "bob@nothing.test")
    assert server.wait_log(event="failed", to="bob@nothing.test")["dsn"] in ("5.4.4", "5.1.2")


@pytest.mark.parametrize("recipient", ["bob@www.alias.test", "bob@mxalias.test"])
def test_aliases_in_the_dns_are_followed(out, sinks, recipient):
    [sink] = sinks(ONE)
    send(out(), recipient)
    assert sink.wait()[0].recipients == [recipient]


@pytest.mark.parametrize("domain", ["ownname.test", "ownaddress.test", "primaryself.test"])
def test_mail_that_would_come_back_to_us_fails_as_a_loop(out, sinks, domain):
    [other] = sinks(TWO)
    server = out()
    send(server, f"bob@{domain}")
    failed(server, f"bob@{domain}", "5.4.6")
    assert not other.connections


def test_a_backup_mx_hands_on_to_those_that_are_preferred_to_it(out, sinks):
    primary, worse = sinks(ONE, TWO)
    server = out(domain=[{"name": "example.test", "users": ["alice", "bob"]},
                         {"name": "backup.test", "kind": "relay", "recipients": ["bob"]}])
    send(server, "bob@backup.test")
    primary.wait()
    assert not worse.connections


def test_a_backup_mx_waits_for_the_primary_and_never_asks_those_behind_it(out, sinks):
    [worse] = sinks(TWO)
    server = out(domain=[{"name": "example.test", "users": ["alice", "bob"]},
                         {"name": "backup.test", "kind": "relay", "recipients": ["bob"]}])
    send(server, "bob@backup.test")
    deferred(server, "bob@backup.test", r"4\.4\.\d")
    assert not worse.connections
    with Sink((ONE, 25)) as primary:
        primary.wait()


def test_ipv6_is_spoken(out, sinks):
    [six] = sinks(SIX)
    server = out()
    send(server, "bob@six.test")
    six.wait()
    relayed(server, "bob@six.test", SIX)


@pytest.mark.parametrize("preference, first, second", [("prefer-ipv6", SIX, ONE), ("prefer-ipv4", ONE, SIX),
                                                       ("only-ipv4", ONE, SIX), ("only-ipv6", SIX, ONE)])
def test_the_setting_says_which_family_comes_first(out, sinks, preference, first, second):
    wanted, other = sinks(first, second)
    send(out(delivery={"ip": preference}), "bob@both.test")
    wanted.wait()
    assert not other.connections


def test_ipv4_is_taken_where_ipv6_does_not_answer(out, sinks):
    [four] = sinks(ONE)
    send(out(delivery={"timeouts": {"connect": "1s"}}), "bob@deadsix.test")
    four.wait()


def test_dns_failure_and_silence_are_for_now_only(out):
    server = out()
    send(server, "bob@broken.test")
    deferred(server, "bob@broken.test", r"4\.4\.3")
    send(server, "bob@silent.test")
    assert not [line for line in server.log_lines() if line.get("event") == "failed"]


def test_a_dead_host_is_tried_again_until_it_lives(out):
    server = out()
    send(server, "bob@alldead.test")
    deferred(server, "bob@alldead.test", r"4\.4\.1")
    with Sink((DEAD, 25)) as sink:
        sink.wait()
    relayed(server, "bob@alldead.test", DEAD)


def test_an_address_literal_needs_no_dns(out, sinks):
    [sink] = sinks(ONE)
    send(out(), f"bob@[{ONE}]")
    assert sink.wait()[0].recipients == [f"bob@[{ONE}]"]


def test_recipients_of_several_domains_each_go_their_way(out, sinks):
    one, two = sinks(ONE, TWO)
    server = out()
    send(server, "bob@plain.test", "eve@plain.test", "carl@fallback.test", "dora@null.test", "bob@example.test")
    assert one.wait()[0].recipients == ["bob@plain.test", "eve@plain.test"]
    assert two.wait()[0].recipients == ["carl@fallback.test"]
    server.wait_mail("example.test", "bob")
    failed(server, "dora@null.test", "5.1.10")


def test_one_site_takes_the_mail_of_its_domains_over_one_connection(out, sinks):
    [sink] = sinks(ONE)
    server = out()
    send(server, "bob@plain.test")
    relayed(server, "bob@plain.test")
    send(server, "bob@plain.test")
    sink.wait(2)
    assert sink.connections == 1


def test_a_domain_that_moves_to_another_host_takes_its_mail_with_it_and_no_one_elses(make_dns, make_server, sinks):
    one, two = sinks(ONE, TWO)
    dns = make_dns({"stays.test": {"MX": ["10 mx.shared.test"]}, "moves.test": {"MX": ["10 mx.shared.test"]},
                    "mx.shared.test": {"A": [ONE]}, "mx.moved.test": {"A": [TWO]}}, ttl=1)
    server = make_server(**CONFIG, dns={"servers": [dns.server]})
    for domain in ("moves.test", "stays.test"):
        send(server, f"bob@{domain}")
        relayed(server, f"bob@{domain}", ONE)
    assert one.connections == 1
    dns.records["moves.test"] = {"MX": ["10 mx.moved.test"]}
    numbers = itertools.count()

    # Which site the domain is stays known for a minute, and the connection to its host before is kept.
    def has_moved():
        to = f"bob{next(numbers)}@moves.test"
        send(server, to)
        return f"[{TWO}]:25" in relayed(server, to)["relay"]

    wait_until(has_moved, 10, "mail to go to the new host")
    for number in range(3):
        send(server, f"eve{number}@stays.test")
        relayed(server, f"eve{number}@stays.test", ONE)
    assert one.connections == 1 and two.connections == 1


def test_the_source_address_and_the_name_are_those_of_the_route(out, sinks):
    [sink] = sinks(ONE)
    server = out(route=[{"domain": "plain.test", "via": "mx", "source": "127.0.3.3", "helo": "out.example.test"}])
    send(server, "bob@plain.test")
    sink.wait()
    assert sink.clients[0][0] == "127.0.3.3"
    assert sink.said("EHLO") == ["EHLO out.example.test"]
