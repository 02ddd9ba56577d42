"""TLS on the way out: what the policy wants, and what the next server gives."""

import re
import ssl
import subprocess

import pytest

from harness.certificates import Authority, server_context
from harness.scenes import id_of
from harness.sink import Drop, Sink
from harness.smtp import message
from harness.toml import merge
from harness.waiting import wait_until

QUICK = {"networks": ["127.0.0.0/8"], "queue": {"retry": {"first": "300ms", "factor": 1.0, "max": "1s"}}}


@pytest.fixture(scope="module")
def good(authority):
    return authority.issue("localhost", "sink.test")


@pytest.fixture
def relay(make_server, authority):
    """relay(sink, **route): a server that sends mail for there.test to this sink, by the name of localhost."""
    def make(sink, delivery=None, **route):
        route = {"domain": "there.test", "via": f"smtp://localhost:{sink.port}", **route}
        return make_server(**merge(QUICK, {"route": [route], "delivery": {"tls_ca": str(authority.pem), "ip": "only-ipv4",
                                                                          **(delivery or {})}}))
    return make


def send(server, recipient="bob@there.test"):
    with server.client() as client:
        client.ehlo()
        return id_of(client.deliver(message(), [recipient]))


def sink_with(certificate, **options):
    return Sink(("127.0.0.1", 0), tls=server_context(certificate), **options)


def test_tls_is_used_where_it_is_offered_whatever_the_certificate(relay, authority):
    with sink_with(authority.issue("wrong.test", days=(-9, -2))) as sink:
        server = relay(sink)
        name = send(server)
        sink.wait()
        assert sink.secured == [("TLSv1.3", False)]
        assert sink.tls.names == ["localhost"]
        assert [line.split()[0] for line in sink.commands[:4]] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]
        line = server.wait_log(event="tls", policy="may")
        assert line["tls"].startswith("TLSv1.3 TLS_") and line["certificate"] == "certificate has expired"
        server.wait_log(event="relayed", id=name)


def test_without_an_offer_mail_goes_in_clear_where_it_may(relay):
    with Sink(("127.0.0.1", 0)) as sink:
        send(relay(sink))
        sink.wait()
        assert sink.said("STARTTLS") == []


def test_none_asks_for_no_tls(relay, good):
    with sink_with(good) as sink:
        send(relay(sink, tls="none"))
        sink.wait()
        assert sink.secured == []


def deferred(server, name, code):
    line = server.wait_log(event="deferred", id=name)
    assert line["dsn"] == code, line
    return line["reply"]


@pytest.mark.parametrize("level", ["encrypt", "verify"])
def test_mail_waits_where_tls_is_wanted_and_not_offered(relay, level):
    with Sink(("127.0.0.1", 0)) as sink:
        server = relay(sink, tls=level)
        said = deferred(server, send(server), "4.7.4")
        assert "the server does not offer TLS, and route there.test wants it" in said
        assert sink.said("MAIL") == []


def test_encrypt_takes_any_certificate(relay, authority):
    with sink_with(authority.issue("wrong.test", days=(-9, -2))) as sink:
        send(relay(sink, tls="encrypt"))
        sink.wait()
        assert len(sink.secured) == 1


def test_verify_takes_a_certificate_for_the_server_of_the_route(relay, good):
    with sink_with(good) as sink:
        server = relay(sink, tls="verify")
        send(server)
        sink.wait()
        server.wait_log(event="tls", policy="verify", certificate="good")


@pytest.mark.parametrize("names, taken", [("sink.test", True), (["no.test", ".test"], True), ("other.test", False)])
def test_verify_looks_for_the_names_that_the_route_has(relay, good, names, taken):
    with sink_with(good) as sink:
        server = relay(sink, tls="verify", tls_names=names)
        name = send(server)
        if taken:
            sink.wait()
            return
        said = deferred(server, name, "4.7.5")
        assert "it is for localhost, sink.test and not for other.test" in said
        assert sink.said("MAIL") == []


def test_verify_takes_no_expired_certificate_and_none_of_a_stranger(relay, authority, tmp_path):
    stranger = Authority(tmp_path / "stranger", "Stranger")
    for certificate, why in ((authority.issue("localhost", days=(-9, -2)), "certificate has expired"),
                             (stranger.issue("localhost"), "unable to get local issuer certificate")):
        with sink_with(certificate) as sink:
            server = relay(sink, tls="verify")
            assert why in deferred(server, send(server), "4.7.5")
            assert sink.said("MAIL") == []


def garbage(_sink, connection, _reply):
    """220, and then what is no TLS."""
    connection.sendall(b"220 2.0.0 go ahead\r\n")
    connection.recv(65536)
    connection.sendall(b"this is no handshake\r\n" * 10)
    raise ConnectionAbortedError


def test_broken_tls_is_gone_around_once_and_remembered_where_mail_may_go_in_clear(relay, good):
    with sink_with(good, faults={"STARTTLS": garbage}) as sink:
        server = relay(sink, delivery={"timeouts": {"idle": "0s"}})
        first = send(server)
        sink.wait(1)
        server.wait_log(event="tls_failed", policy="may")
        server.wait_log(event="relayed", id=first)
        assert sink.connections == 2
        send(server)
        sink.wait(2)
        assert sink.connections == 3 and len(sink.said("STARTTLS")) == 1


@pytest.mark.parametrize("level", ["encrypt", "verify"])
def test_broken_tls_makes_mail_wait_where_it_is_wanted(relay, good, level):
    with sink_with(good, faults={"STARTTLS": garbage}) as sink:
        server = relay(sink, tls=level)
        assert "TLS with the server failed" in deferred(server, send(server), "4.7.5")
        assert sink.said("MAIL") == []


def test_octets_in_clear_behind_the_220_are_an_attack(relay, good):
    injected = b"220 2.0.0 go ahead\r\n250-sink.test\r\n250 SIZE 1\r\n"
    with sink_with(good, faults={"STARTTLS": Drop(injected)}) as sink:
        server = relay(sink, tls="encrypt")
        assert "octets in clear behind the reply to STARTTLS" in deferred(server, send(server), "4.7.5")
        assert sink.said("MAIL") == []


def test_a_refused_starttls_is_no_reason_to_go_where_mail_may_go_in_clear(relay, good):
    with sink_with(good, replies={"STARTTLS": "454 4.7.0 not now"}) as sink:
        server = relay(sink)
        send(server)
        sink.wait()
        assert sink.connections == 1 and sink.secured == []
        server.change({"route": [{**server.config["route"][0], "tls": "encrypt"}]})
        server.reload()
        server.wait_log(event="reloaded")
        assert "454 4.7.0 not now" in deferred(server, send(server), "4.7.4")


def test_a_silent_handshake_has_its_deadline(relay, good):
    def silent(sink, connection, _reply):
        connection.sendall(b"220 2.0.0 go ahead\r\n")
        sink.stopped.wait(30)
        raise ConnectionAbortedError
    with sink_with(good, faults={"STARTTLS": silent}) as sink:
        server = relay(sink, delivery={"timeouts": {"tls_handshake": "300ms"}}, tls="encrypt")
        assert "time ran out" in deferred(server, send(server), "4.7.5")


def test_a_session_is_resumed_at_the_next_connection(relay, good):
    with sink_with(good) as sink:
        server = relay(sink, delivery={"timeouts": {"idle": "0s"}})
        for count in (1, 2, 3):
            name = send(server)
            sink.wait(count)
            server.wait_log(event="relayed", id=name)
        assert [resumed for _, resumed in sink.secured] == [False, True, True]


def test_a_connection_in_clear_is_not_used_for_mail_that_wants_tls(make_server, authority, good):
    with sink_with(good) as sink:
        via = f"smtp://localhost:{sink.port}"
        server = make_server(**merge(QUICK, {
            "delivery": {"tls_ca": str(authority.pem), "ip": "only-ipv4", "timeouts": {"idle": "1m"}},
            "route": [{"domain": "clear.test", "via": via, "tls": "none"}, {"domain": "secret.test", "via": via, "tls": "encrypt"}]}))
        for recipient in ("bob@clear.test", "bob@secret.test", "bob@clear.test", "bob@secret.test"):
            name = send(server, recipient)
            server.wait_log(event="relayed", id=name)
        clear, secret, *again = [one.connection for one in sink.messages]
        assert clear != secret and again == [clear, secret]
        assert len(sink.secured) == 1


def test_lmtp_is_secured_too(make_server, authority, good):
    with sink_with(good, lmtp=True) as sink:
        server = make_server(**merge(QUICK, {"delivery": {"tls_ca": str(authority.pem), "ip": "only-ipv4"},
                                             "route": [{"domain": "there.test", "via": f"lmtp://localhost:{sink.port}",
                                                        "tls": "verify"}]}))
        send(server)
        sink.wait()
        assert len(sink.secured) == 1


def test_only_tls_1_2_is_good_enough(relay, good):
    context = server_context(good, newest=ssl.TLSVersion.TLSv1_2)
    with Sink(("127.0.0.1", 0), tls=context) as sink:
        send(relay(sink, tls="verify"))
        sink.wait()
        assert sink.secured[0][0] == "TLSv1.2"


def test_the_timeline_tells_what_was_negotiated(relay, good):
    with sink_with(good, replies={"RCPT": ["450 4.2.1 later", None]}) as sink:
        server = relay(sink, tls="verify")
        name = send(server)
        sink.wait()
        def told():
            # It is in the file within a second.
            done = subprocess.run([server.program, "trace", name, "--config", server.config_path], capture_output=True,
                                  text=True, timeout=20, check=False)
            return done.stdout if done.stdout.count("TLSv1.3 TLS_") >= 3 else None
        text = wait_until(told, 10, "both attempts in the timeline")
        assert re.search(r"TLSv1\.3 TLS_\w+, verified", text), text
        assert "| C: STARTTLS" in text and "[TLSv1.3 TLS_" in text
