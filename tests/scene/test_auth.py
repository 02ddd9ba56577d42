"""Logging in: each mechanism, when it may be used, who is told what, and what slows down who guesses."""

import base64
import concurrent.futures
import pathlib
import re
import time

import pytest

from harness.certificates import client_context
from harness.sasl import PASSWORD, Scram, add_accounts, b64, plain, say
from harness.scenes import delivered, id_of, received
from harness.smtp import Client, message

ALICE, BOB = "alice@users.test", "bob@users.test"
REFUSED = "535 5.7.8 authentication credentials invalid"
STARTTLS, IMPLICIT, MX, PROXIED = range(4)


def said(reply):
    return f"{reply.code} {reply.text}"


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("mx.test")


@pytest.fixture
def make_auth_server(make_server, authority, certificate):
    def make(auth=None, **overrides):
        listeners = [{"mode": "submission", "tls": "starttls"}, {"mode": "submission", "tls": "implicit"}, {},
                     {"mode": "submission", "tls": "starttls", "proxy_protocol": ["127.0.0.0/8"]}]
        mechanisms = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"]
        server = make_server(start=False, listener=listeners, auth={"mechanisms": mechanisms, **(auth or {})},
                             tls={"certificate": str(certificate.pem), "key": str(certificate.key),
                                  "client_ca": str(authority.pem)}, **overrides)
        add_accounts(server, "alice", "bob")
        return server.start()
    return make


@pytest.fixture
def auth_server(make_auth_server):
    return make_auth_server()


@pytest.fixture
def secure(authority):
    """secure(server, ...) -> a client under TLS that has said EHLO; `source` is whom a PROXY header names."""
    open_clients = []

    def connect(server, listener=STARTTLS, source=None, certificate=None):
        if source:
            client = Client(*server.address(PROXIED))
            client.send(f"PROXY TCP4 {source} 127.0.0.1 4242 587\r\n".encode())
            client.expect(220)
        else:
            client = server.client(listener)
        open_clients.append(client)
        client.ehlo()
        client.starttls(client_context(trusting=authority, certificate=certificate))
        client.capabilities = client.ehlo()
        return client

    yield connect
    for client in open_clients:
        client.close()


# --- the mechanisms ------------------------------------------------------------------------------------


def test_auth_is_offered_under_tls_only(auth_server, secure):
    with auth_server.client() as client:
        assert "AUTH" not in client.ehlo()
        assert said(client.cmd(f"AUTH PLAIN {plain(ALICE)}")) == "538 5.7.11 logging in needs TLS"
    client = secure(auth_server)
    assert client.capabilities["AUTH"] == "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"
    with auth_server.client(MX) as client:
        assert "AUTH" not in client.ehlo()
        client.cmd(f"AUTH PLAIN {plain(ALICE)}", 503, "5.5.1")


def test_implicit_tls_offers_it_at_once(auth_server, authority):
    with auth_server.client(IMPLICIT, tls=client_context(trusting=authority)) as client:
        assert "PLAIN" in client.ehlo()["AUTH"].split()
        client.cmd(f"AUTH PLAIN {plain(ALICE)}", 235, "2.7.0")


def test_who_has_logged_in_may_relay_and_the_mail_says_so(auth_server, secure):
    client = secure(auth_server)
    client.cmd("MAIL FROM:<alice@users.test>", 530, "5.7.0")
    client.cmd(f"AUTH PLAIN {plain('Alice@Users.TEST')}", 235, "2.7.0")
    client.cmd(f"AUTH PLAIN {plain(ALICE)}", 503, "5.5.1")
    assert "AUTH" in client.ehlo()
    client.mail(ALICE, "AUTH=<>")
    client.rcpt("somebody@elsewhere.test")
    client.cmd("RSET", 250)
    reply = client.deliver(message(From=ALICE), [ALICE], sender=ALICE)
    assert " with ESMTPSA " in received(delivered(auth_server, reply, user="alice", domain="users.test"))
    auth_server.wait_log(event="accepted", id=id_of(reply), proto="ESMTPSA")
    line = auth_server.wait_log(event="logged_in", account=ALICE)
    assert (line["mechanism"], line["client"]) == ("PLAIN", "127.0.0.1") and line["tls"].startswith("TLSv1.3 ")


def test_login_asks_twice(auth_server, secure):
    client = secure(auth_server)
    assert said(client.cmd("AUTH LOGIN")) == "334 " + b64("Username:")
    assert said(client.cmd(b64(ALICE))) == "334 " + b64("Password:")
    client.cmd(b64(PASSWORD), 235, "2.7.0")


def test_scram_proves_both_sides(auth_server, secure):
    assert Scram(secure(auth_server), ALICE).login().code == 235
    assert said(Scram(secure(auth_server), ALICE, "wrong").login()) == REFUSED
    assert said(Scram(secure(auth_server), "nobody@users.test").login()) == REFUSED


def test_scram_gives_a_stranger_the_same_salt_each_time(auth_server, secure):
    def offer(user):
        reply = secure(auth_server).cmd("AUTH SCRAM-SHA-256 " + b64(f"n,,n={user},r=abc"), 334)
        return base64.b64decode(reply.text).decode().split(",", 1)[1]
    assert offer("nobody@users.test") == offer("nobody@users.test") != offer("noone@users.test")
    assert offer("nobody@users.test").partition(",i=")[2] == offer(ALICE).partition(",i=")[2]


@pytest.mark.parametrize("header, mechanism", [
    ("p=tls-unique,,", "SCRAM-SHA-256-PLUS"), ("p=tls-server-end-point,,", "SCRAM-SHA-256-PLUS"),
    ("n,,", "SCRAM-SHA-256-PLUS"), ("y,,", "SCRAM-SHA-256"), ("p=tls-exporter,,", "SCRAM-SHA-256"),
    ("p=tls-exporter,,", "SCRAM-SHA-256-PLUS")])
def test_a_channel_binding_that_is_none_or_another_fails(auth_server, secure, header, mechanism):
    assert said(Scram(secure(auth_server), ALICE, header=header).login(mechanism)) == REFUSED


def test_a_client_certificate_logs_in(auth_server, secure, authority):
    alice = authority.issue("laptop.test", client=True, email=ALICE)
    client = secure(auth_server, certificate=alice)
    assert "EXTERNAL" in client.capabilities["AUTH"].split()
    client.cmd("AUTH EXTERNAL =", 235, "2.7.0")
    assert auth_server.wait_log(event="logged_in", mechanism="EXTERNAL")["account"] == ALICE
    secure(auth_server, certificate=alice).cmd("AUTH EXTERNAL " + b64(ALICE), 235, "2.7.0")
    assert said(secure(auth_server, certificate=alice).cmd("AUTH EXTERNAL " + b64(BOB))) == REFUSED
    stranger = authority.issue("laptop.test", client=True, email="nobody@users.test")
    assert said(secure(auth_server, certificate=stranger).cmd("AUTH EXTERNAL =")) == REFUSED


def test_an_app_password_logs_in_with_each_mechanism(auth_server, secure):
    shown = say(auth_server, "account", "app-password", "add", ALICE, "phone", "--json")
    password = re.search(r'"password":"([^"]+)"', shown)[1]
    secure(auth_server).cmd(f"AUTH PLAIN {plain(ALICE, password)}", 235)
    assert auth_server.wait_log(event="logged_in", app_password="phone")["account"] == ALICE


# --- who is told what ----------------------------------------------------------------------------------


def test_everybody_who_is_refused_is_told_the_same(auth_server, secure):
    say(auth_server, "account", "set", BOB, "--state", "disabled")
    for user, password in ((ALICE, "wrong"), ("nobody@users.test", PASSWORD), (BOB, PASSWORD), ("nonsense", "x")):
        assert said(secure(auth_server).cmd(f"AUTH PLAIN {plain(user, password)}")) == REFUSED
    reasons = {line["reason"] for line in auth_server.log_lines() if line.get("event") == "login_failed"}
    assert reasons == {"wrong credentials"}
    assert PASSWORD not in auth_server.log_text() and "wrong\n" not in auth_server.log_text()


def test_an_exchange_may_be_cancelled(auth_server, secure):
    client = secure(auth_server)
    client.cmd("AUTH PLAIN", 334)
    client.cmd("*", 501, "5.7.0")
    client.cmd(f"AUTH PLAIN {plain(ALICE)}", 235)


def test_the_third_failure_ends_the_session(auth_server, secure):
    client = secure(auth_server)
    for _ in range(2):
        client.cmd("AUTH PLAIN something", 501, "5.5.2")
    client.cmd("AUTH PLAIN something", 421, "4.7.0")
    assert client.read_until_close() == b""


# --- who guesses ---------------------------------------------------------------------------------------


def guess(secure, server, user, source, password="wrong"):
    return secure(server, source=source).cmd(f"AUTH PLAIN {plain(user, password)}")


def test_who_guesses_is_locked_out_and_let_in_again_by_the_operator(make_auth_server, secure):
    server = make_auth_server(auth={"account_failures": 3})
    assert guess(secure, server, ALICE, "203.0.113.9", PASSWORD).code == 235
    for _ in range(3):
        assert said(guess(secure, server, ALICE, "192.0.2.1")) == REFUSED
    assert server.wait_log(event="login_failed", locked="yes")["login"] == ALICE
    assert said(guess(secure, server, ALICE, "192.0.2.1")) == "421 4.7.0 too many failed logins, try again later"
    assert guess(secure, server, ALICE, "198.51.100.1", PASSWORD).code == 421
    assert guess(secure, server, BOB, "192.0.2.1", PASSWORD).code == 235
    assert guess(secure, server, ALICE, "203.0.113.9", PASSWORD).code == 235, "it has just logged in"
    assert secure(server).cmd(f"AUTH PLAIN {plain(ALICE)}").code == 235, "loopback is never locked out"
    assert ALICE in say(server, "ban", "list")
    say(server, "ban", "clear", ALICE)
    assert "Nobody is locked out" in say(server, "ban", "list")
    assert guess(secure, server, ALICE, "198.51.100.1", PASSWORD).code == 235


def test_a_network_that_tries_many_accounts_is_locked_out(make_auth_server, secure):
    server = make_auth_server(auth={"network_failures": 3, "never_locked": ["198.51.100.0/24"]})
    for number in range(3):
        assert guess(secure, server, f"user{number}@users.test", f"192.0.2.{number}").code == 535
        assert guess(secure, server, f"user{number}@users.test", "198.51.100.1").code == 535
    assert guess(secure, server, ALICE, "192.0.2.200", PASSWORD).code == 421
    assert guess(secure, server, ALICE, "198.51.100.1", PASSWORD).code == 235
    assert "192.0.2.0/24" in say(server, "ban", "list")


def test_the_fourth_guess_has_to_wait(auth_server, secure):
    for _ in range(3):
        assert guess(secure, auth_server, ALICE, "192.0.2.1").code == 535
    began = time.monotonic()
    assert guess(secure, auth_server, ALICE, "192.0.2.1").code == 535
    assert time.monotonic() - began >= 0.5


@pytest.mark.release_only
def test_a_flood_of_logins_stops_no_mail_and_eats_no_memory(make_auth_server, secure):
    server = make_auth_server(auth={"patience": "2s", "network_failures": 1000000, "account_failures": 1000000})
    clients = [secure(server) for _ in range(60)]
    for client in clients:
        client.send(f"AUTH PLAIN {plain(ALICE, 'wrong')}\r\n".encode())
    with server.client(MX) as client:
        client.ehlo()
        began = time.monotonic()
        for _ in range(20):
            client.deliver(message(), ["alice@example.test"])
        took = time.monotonic() - began
    peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{server.pid}/status").read_text("ascii"))[1])
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        codes = list(pool.map(lambda each: each.read_reply(timeout=30).code, clients))
    assert set(codes) <= {535, 454} and 535 in codes and 454 in codes, codes
    assert took < 10, "mail waits for logins"
    assert peak < 400 * 1024, "more than two hashes at a time"
