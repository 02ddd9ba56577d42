"""Logging in with tokens: OAUTHBEARER and XOAUTH2, by the provider's keys and by its introspection."""

import base64
import json
import time

import pytest

from harness.identity import IdentityProvider
from harness.sasl import add_accounts, b64, bearer, xoauth2

ALICE = "alice@users.test"
IN_CLEAR = {"without_tls_on_loopback": True}


@pytest.fixture
def provider(tmp_path):
    provider = IdentityProvider(tmp_path)
    yield provider
    provider.stop()


@pytest.fixture
def make_token_server(make_server):
    def make(oauth):
        server = make_server(start=False, listener=[{"mode": "submission"}], auth={**IN_CLEAR, "oauth": oauth})
        add_accounts(server, "alice", "bob")
        return server.start()
    return make


@pytest.fixture
def by_keys(make_token_server, provider):
    return make_token_server({"jwks": f"{provider.url}/keys", "issuer": provider.ISSUER, "audience": provider.AUDIENCE})


@pytest.fixture
def by_introspection(make_token_server, provider):
    return make_token_server({"introspection": f"{provider.url}/introspect", "client_id": "mail",
                              "client_secret": "s3cret"})


def login(server, mechanism, response):
    """The code of the reply that ends the exchange; a 334 is answered as its mechanism wants it."""
    with server.client() as client:
        assert mechanism in client.ehlo()["AUTH"].split()
        reply = client.cmd(f"AUTH {mechanism} {response}")
        if reply.code == 334:
            assert json.loads(base64.b64decode(reply.text))["status"] in ("invalid_token", "401")
            reply = client.cmd(b64("\x01") if mechanism == "OAUTHBEARER" else "")
        return reply.code


def test_a_signed_token_logs_in(by_keys, provider):
    token = provider.token(ALICE)
    assert login(by_keys, "OAUTHBEARER", bearer(ALICE, token)) == 235
    assert login(by_keys, "XOAUTH2", xoauth2(ALICE, token)) == 235
    assert by_keys.wait_log(event="logged_in", mechanism="XOAUTH2")["account"] == ALICE
    assert provider.asked == ["/keys"], "the keys are kept"


@pytest.mark.parametrize("change", [
    {"iss": "https://other.test"}, {"aud": "web"}, {"exp": int(time.time()) - 600}, {"nbf": int(time.time()) + 600},
    {"email": "bob@users.test"}, {"email": "nobody@users.test"}, {"email_verified": False}, {"exp": None}])
def test_a_token_of_another_kind_is_refused(by_keys, provider, change):
    assert login(by_keys, "OAUTHBEARER", bearer(ALICE, provider.token(**{"email": ALICE, **change}))) == 535


def test_a_token_that_was_changed_is_refused(by_keys, provider):
    header, payload, signature = provider.token("bob@users.test").split(".")
    forged = base64.urlsafe_b64decode(payload + "==").replace(b"bob@", b"alice@")
    payload = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
    assert login(by_keys, "OAUTHBEARER", bearer(ALICE, f"{header}.{payload}.{signature}")) == 535


def test_keys_that_cant_be_had_put_logins_off(by_keys, provider):
    provider.status = 503
    assert login(by_keys, "OAUTHBEARER", bearer(ALICE, provider.token(ALICE))) == 454
    by_keys.wait_log(event="jwks_not_fetched")


def test_a_token_that_is_active_logs_in(by_introspection, provider):
    provider.tokens["good/token"] = {"active": True, "email": ALICE, "exp": int(time.time()) + 600}
    assert login(by_introspection, "OAUTHBEARER", bearer(ALICE, "good/token")) == 235
    assert login(by_introspection, "XOAUTH2", xoauth2(ALICE, "good/token")) == 235
    assert provider.asked == ["/introspect"], "the answer is kept"
    assert login(by_introspection, "OAUTHBEARER", bearer("bob@users.test", "good/token")) == 535
    assert login(by_introspection, "OAUTHBEARER", bearer(ALICE, "unknown")) == 535


def test_a_provider_that_fails_puts_logins_off(by_introspection, provider):
    provider.status = 500
    assert login(by_introspection, "OAUTHBEARER", bearer(ALICE, "token")) == 454
    provider.stop()
    assert login(by_introspection, "OAUTHBEARER", bearer(ALICE, "token")) == 454


def test_without_a_provider_no_token_is_taken(make_server):
    server = make_server(listener=[{"mode": "submission"}], auth=IN_CLEAR)
    with server.client() as client:
        assert client.ehlo()["AUTH"] == "PLAIN LOGIN"
        client.cmd("AUTH OAUTHBEARER " + bearer(ALICE, "token"), 504, "5.5.4")
