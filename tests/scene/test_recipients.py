"""Who is taken for a recipient, where their mail goes, and who may send to whom."""

import pytest

from harness.nexthop import NextHop
from harness.ports import free_port
from harness.scenes import delivered, id_of, split_trace
from harness.smtp import message

TRUSTED, STRANGER = "127.0.0.5", "127.0.0.6"
CONFIG = {
    "networks": ["127.0.0.5"],
    "postmaster": "alice@example.test",
    "domain": [
        {"name": "example.test", "kind": "local", "users": ["alice", "bob"], "aliases": {
            "info": ["alice@example.test", "bob@example.test"],
            "all": ["info@example.test", "carol@minus.test"],
            "twice": ["alice@example.test", "info@example.test"],
            "outside": ["friend@elsewhere.test"],
            "mixed": ["alice@example.test", "friend@elsewhere.test"],
        }},
        {"name": "minus.test", "kind": "local", "users": ["carol"], "separator": "-"},
        {"name": "plain.test", "kind": "local", "users": ["dave"], "separator": ""},
        {"name": "catch.test", "kind": "local", "users": ["erin"], "catch_all": "erin@catch.test"},
        {"name": "listed.test", "kind": "relay", "recipients": ["frank"]},
    ],
    "route": [{"domain": "elsewhere.test", "via": "discard"}, {"domain": "listed.test", "via": "hold"},
              {"domain": "far.test", "via": "discard"}],
}


@pytest.fixture
def mail_from(session):
    session.mail()
    return session


def refused(client, recipient, enhanced="5.1.1", code=550):
    return client.cmd(f"RCPT TO:<{recipient}>", code, enhanced)


# --- mailboxes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipient, user, domain", [
    ("alice@example.test", "alice", "example.test"),
    ("BOB@Example.TEST", "bob", "example.test"),
    ("alice+lists@example.test", "alice", "example.test"),
    ("alice+a+b@example.test", "alice", "example.test"),
    ("alice+@example.test", "alice", "example.test"),
    ("carol-lists@minus.test", "carol", "minus.test"),
    ("dave@plain.test", "dave", "plain.test"),
    ("anyone@catch.test", "erin", "catch.test"),
    ("anyone+detail@catch.test", "erin", "catch.test"),
])
def test_mail_reaches_the_mailbox_that_the_address_names(server, mail_from, recipient, user, domain):
    mail_from.rcpt(recipient)
    delivered(server, mail_from.data(message()), user, domain)


@pytest.mark.parametrize("recipient", ["nobody@example.test", "nobody+detail@example.test", "+alice@example.test",
                                       "alice-lists@example.test", "carol+lists@minus.test", "dave+x@plain.test",
                                       "alice@plain.test"])
def test_nobody_is_refused_with_550(mail_from, recipient):
    refused(mail_from, recipient)


def test_a_refused_recipient_spoils_nothing_for_the_others(server, mail_from):
    mail_from.rcpt("alice@example.test")
    refused(mail_from, "nobody@example.test")
    mail_from.rcpt("bob@example.test")
    reply = mail_from.data(message())
    delivered(server, reply)
    delivered(server, reply, "bob")


@pytest.mark.parametrize("name", ["postmaster", "Postmaster", "POSTMASTER", "abuse", "Abuse"])
@pytest.mark.parametrize("domain", ["example.test", "minus.test", "plain.test", "catch.test"])
def test_postmaster_and_abuse_are_there_in_every_local_domain(server, mail_from, name, domain):
    mail_from.rcpt(f"{name}@{domain}")
    delivered(server, mail_from.data(message()))


def test_without_the_setting_a_domain_has_a_postmaster_all_the_same(make_server):
    server = make_server(domain=[
        {"name": "example.test", "kind": "local", "users": ["alice"]},
        {"name": "other.test", "kind": "local", "users": ["bob"], "aliases": {"abuse": ["bob@other.test"]}}])
    with server.client() as client:
        client.ehlo()
        delivered(server, client.deliver(message(), ["Postmaster@example.test"]), "postmaster")
        delivered(server, client.deliver(message(), ["abuse@other.test"]), "bob", "other.test")
        client.mail()
        client.cmd("RCPT TO:<postmaster>", 250)
        delivered(server, client.data(message()), "postmaster")


# --- aliases -------------------------------------------------------------------------------------------


def test_an_alias_reaches_all_its_targets(server, mail_from):
    mail_from.rcpt("info@example.test")
    reply = mail_from.data(message())
    for user in ("alice", "bob"):
        assert split_trace(delivered(server, reply, user))[1] == f"Delivered-To: {user}@example.test\n".encode()


def test_a_nested_alias_reaches_the_ends(server, mail_from):
    mail_from.rcpt("All@example.test")
    reply = mail_from.data(message())
    delivered(server, reply)
    delivered(server, reply, "bob")
    delivered(server, reply, "carol", "minus.test")


def test_two_ways_to_one_mailbox_are_one_delivery(server, mail_from):
    before = len(server.log_lines())
    mail_from.rcpt("twice@example.test")
    mail_from.rcpt("alice@example.test")
    name = id_of(mail_from.data(message()))
    server.wait_log(after=before, event="delivered", id=name, to="bob@example.test")
    server.wait_log(after=before, event="delivered", id=name, to="alice@example.test")
    done = [line["to"] for line in server.log_lines()[before:]
            if line.get("event") == "delivered" and line["id"] == name]
    assert sorted(done) == ["alice@example.test", "bob@example.test"]


def test_an_alias_may_lead_out_and_a_stranger_may_use_it(server, mail_from):
    before = len(server.log_lines())
    mail_from.rcpt("mixed@example.test")
    reply = mail_from.data(message())
    delivered(server, reply)
    line = server.wait_log(after=before, event="discarded", id=id_of(reply))
    assert (line["to"], line["orig_to"]) == ("friend@elsewhere.test", "mixed@example.test")


# --- relaying ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipient", ["someone@far.test", "alice@sub.example.test", "someone@[192.0.2.1]",
                                       "alice%example.test@far.test", "@example.test:someone@far.test"])
def test_a_stranger_may_not_relay(mail_from, recipient):
    refused(mail_from, recipient, "5.7.1")


def test_a_listed_network_may_relay(server):
    before = len(server.log_lines())
    with server.client(source=TRUSTED) as client:
        client.ehlo()
        reply = client.deliver(message(), ["someone@far.test"])
    line = server.wait_log(after=before, event="discarded", id=id_of(reply))
    assert line["to"] == "someone@far.test"


def test_a_network_that_is_not_listed_may_not(server):
    with server.client(source=STRANGER) as client:
        client.ehlo()
        client.mail("alice@example.test")
        refused(client, "someone@far.test", "5.7.1")


def test_an_unknown_local_user_is_refused_for_a_listed_network_too(server):
    with server.client(source=TRUSTED) as client:
        client.ehlo()
        client.mail()
        refused(client, "nobody@example.test")


def test_a_domain_that_is_relayed_takes_who_is_on_its_list(server, mail_from):
    before = len(server.log_lines())
    refused(mail_from, "grace@listed.test")
    mail_from.rcpt("Frank@listed.test")
    reply = mail_from.data(message())
    server.wait_log(after=before, event="held", id=id_of(reply))


# --- the next hop is asked -----------------------------------------------------------------------------


@pytest.fixture
def asking(make_server):
    """(server, next hop): asked.test is relayed, and its next hop knows its recipients."""
    with NextHop({"nobody@asked.test": "550 5.1.1 there is no such user", "later@asked.test": "450 4.2.1 later",
                  "gone@asked.test": "551 5.1.6 gone"}) as hop:
        server = make_server(domain=[{"name": "asked.test", "kind": "relay"}], timeouts={"probe": "3s"},
                             route=[{"domain": "asked.test", "via": f"smtp://127.0.0.1:{hop.port}"}])
        yield server, hop


def test_the_next_hop_says_who_exists(asking):
    server, hop = asking
    with server.client() as client:
        client.ehlo()
        client.mail()
        client.rcpt("someone@asked.test")
        refused(client, "nobody@asked.test")
        refused(client, "gone@asked.test")
        client.cmd("RCPT TO:<later@asked.test>", 450, "4.2.1")
    assert "MAIL FROM:<>" in [line.split(" SIZE")[0].strip() for line in hop.commands]
    assert not any(line.upper().startswith(("DATA", "BDAT")) for line in hop.commands)


def test_the_next_hops_answer_is_remembered(asking):
    server, hop = asking
    for _ in range(3):
        with server.client() as client:
            client.ehlo()
            client.mail()
            client.rcpt("someone@asked.test")
            refused(client, "nobody@asked.test")
    assert (hop.rcpts("someone@asked.test"), hop.rcpts("nobody@asked.test")) == (1, 1)


def test_while_the_next_hop_is_down_its_recipients_are_told_to_come_again(make_server):
    server = make_server(domain=[{"name": "asked.test", "kind": "relay"}], timeouts={"probe": "3s"},
                         route=[{"domain": "asked.test", "via": f"smtp://127.0.0.1:{free_port()}"}])
    with server.client() as client:
        client.ehlo()
        client.mail()
        client.cmd("RCPT TO:<someone@asked.test>", 450)
        client.cmd("NOOP", 250)


def test_a_next_hop_that_greets_with_a_refusal_is_as_good_as_down(make_server):
    with NextHop(greeting="554 no service here") as hop:
        server = make_server(domain=[{"name": "asked.test", "kind": "relay"}], timeouts={"probe": "3s"},
                             route=[{"domain": "asked.test", "via": f"smtp://127.0.0.1:{hop.port}"}])
        with server.client() as client:
            client.ehlo()
            client.mail()
            client.cmd("RCPT TO:<someone@asked.test>", 450)


def test_pipelined_recipients_are_asked_for_and_answered_in_order(asking):
    server, _ = asking
    with server.client() as client:
        client.ehlo()
        replies = client.pipeline("MAIL FROM:<sender@client.test>", "RCPT TO:<a@asked.test>",
                                  "RCPT TO:<nobody@asked.test>", "RCPT TO:<b@asked.test>", "NOOP")
        assert [reply.code for reply in replies] == [250, 250, 550, 250, 250]


# --- allowed and denied --------------------------------------------------------------------------------


@pytest.fixture
def guarded(make_server):
    return make_server(
        networks=["127.0.0.71"],
        domain=[{"name": "example.test", "kind": "local", "users": ["alice", "bob", "carol"]}],
        access={"deny_clients": ["127.0.0.64/28"], "allow_clients": ["127.0.0.65", "127.0.0.71"],
                "deny_senders": ["spam.test", ".spam.test", "bad@mixed.test"],
                "allow_senders": ["good@spam.test"],
                "deny_recipients": ["bob@example.test", ".sub.test"], "allow_recipients": ["carol@example.test"]})


def test_a_denied_client_is_told_and_let_go(guarded):
    with guarded.client(source="127.0.0.66", greeting=False) as client:
        client.expect(554, "5.7.1")
        assert client.read_until_close() == b""


@pytest.mark.parametrize("source", ["127.0.0.65", "127.0.0.63", "127.0.0.80"])
def test_a_client_that_is_allowed_or_not_denied_is_served(guarded, source):
    with guarded.client(source=source) as client:
        client.ehlo()


@pytest.mark.parametrize("sender, code", [
    ("any@spam.test", 550), ("any@SPAM.TEST", 550), ("any@deep.sub.spam.test", 550), ("good@spam.test", 250),
    ("GOOD@spam.test", 250), ("good@sub.spam.test", 550), ("bad@mixed.test", 550), ("Bad@mixed.test", 550),
    ("other@mixed.test", 250), ("any@notspam.test", 250), ("", 250)])
def test_denied_senders_are_refused_and_allowed_ones_go_first(guarded, sender, code):
    with guarded.client() as client:
        client.ehlo()
        client.cmd(f"MAIL FROM:<{sender}>", code, "5.7.1" if code == 550 else "2.1.0")


def test_a_denied_recipient_is_refused_and_the_others_are_not(guarded):
    with guarded.client() as client:
        client.ehlo()
        client.mail()
        refused(client, "bob@example.test", "5.7.1")
        refused(client, "BOB@example.test", "5.7.1")
        client.rcpt("alice@example.test")
        client.rcpt("carol@example.test")


def test_a_denied_recipient_is_refused_for_a_listed_network_too(guarded):
    with guarded.client(source="127.0.0.71") as client:
        client.ehlo()
        client.mail()
        client.rcpt("any@far.test")
        refused(client, "any@deep.sub.test", "5.7.1")
