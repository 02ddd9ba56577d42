"""What no honest client does: the server stays up, keeps its bounds, and goes on serving."""

import resource
import signal
import socket

import pytest

from harness.certificates import client_context
from harness.nexthop import NextHop
from harness.sasl import add_accounts
from harness.scenes import delivered, paused
from harness.server import Server
from harness.smtp import Client, message

# Refusals that are spoken and drained at a time: kPoliteRefusals in src/receive/server.cpp.
POLITE_REFUSALS = 128


@pytest.fixture
def many_descriptors():
    """As many as this process may have: some systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_connections_that_are_reset_before_they_are_refused_do_no_harm(make_server, many_descriptors):
    server = make_server(limits={"connections_per_client": 1}, threads=1)
    host, port = server.address()
    with server.client() as first:
        refused = [Client(host, port) for _ in range(POLITE_REFUSALS + 1)]
        with paused(server):
            for _ in range(50):
                Client(host, port).reset()
        with Client(host, port) as last:  # they are accepted in the order in which they came
            last.expect(421, "4.7.0")
        for client in refused:
            client.close()
        first.ehlo()


def test_a_client_that_never_reads_is_cut_off_after_a_probe_that_outlasted_its_deadline(make_server):
    with NextHop(greeting="220-still thinking") as hop:
        server = make_server(domain=[{"name": "asked.test", "kind": "relay"}], limits={"commands": 1000000},
                             timeouts={"command": "200ms", "probe": "300ms"},
                             route=[{"domain": "asked.test", "via": f"smtp://127.0.0.1:{hop.port}"}])
        client = Client(*server.address())
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.expect(220)
        client.ehlo()
        client.mail()
        # Many of them in one read, so that the replies which nobody takes come after a probe.
        with pytest.raises((ConnectionResetError, BrokenPipeError)):  # and not TimeoutError
            for number in range(1000):
                client.send(b"RCPT TO:<user%d@asked.test>\r\n" % number + b"HELP\r\n" * 2000)


def test_a_users_signal_from_elsewhere_is_no_broken_store(make_server):
    server = make_server()
    server.process.send_signal(signal.SIGUSR1)
    server.stop()


def test_recipients_with_many_targets_in_one_write_do_not_keep_the_thread(make_server):
    users = [f"user{number}" for number in range(1000)]
    team = {"team": [f"{user}@example.test" for user in users]}
    server = make_server(threads=1, domain=[{"name": "example.test", "users": users, "aliases": team}])
    with server.client(timeout=60) as many, server.client() as other:  # a million addresses; with sanitizers they take a while
        many.ehlo()
        many.mail()
        with paused(server):
            many.send(b"".join(b"RCPT TO:<team+%d@example.test>\r\n" % number for number in range(1000)))
            other.send(b"NOOP\r\n")
        other.expect(250)
        many.silent_for(0.001)  # takes all that has come
        assert many.buffer.count(b"\r\n") < 1000
        for _ in range(1000):
            many.expect(250)


# --- slower than anybody is -----------------------------------------------------------------------------

MX, SUBMISSION, SECURE, PROXIED = range(4)
DRIP_SECONDS = 0.001
# What each state is ended by: 500 ms for a line or a handshake, 1 s for a whole transaction, 5 s for a PROXY header.
SLOW = {"before its first command": (MX, [], b"EHLO " + b"x" * 500),
        "in a command": (MX, ["EHLO client.test"], b"NOOP " + b"x" * 500),
        "after MAIL": (MX, ["EHLO client.test", "MAIL FROM:<a@b.test>"], b"RCPT TO:<" + b"x" * 500),
        "in DATA": (MX, ["EHLO client.test", "MAIL FROM:<a@b.test>", "RCPT TO:<alice@example.test>", "DATA"], b"x" * 900),
        "in a chunk": (MX, ["EHLO client.test", "MAIL FROM:<a@b.test>", "RCPT TO:<alice@example.test>"],
                       b"BDAT 900 LAST\r\n" + b"x" * 900),
        "in AUTH": (SECURE, ["EHLO client.test", "AUTH PLAIN"], b"QUFB" * 200),
        "in a handshake": (SUBMISSION, ["EHLO client.test", "STARTTLS"], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + b"x" * 500),
        "in a PROXY header": (PROXIED, None, b"PROXY TCP4 192.0.2.1 " + b"1" * 500)}


@pytest.mark.parametrize("state", SLOW)
def test_who_sends_an_octet_now_and_then_is_cut_off_while_others_are_served(make_server, authority, state):
    certificate = authority.issue("mx.test")
    listener, said, drops = SLOW[state]
    server = make_server(
        listener=[{"mode": "mx"}, {"mode": "submission", "tls": "starttls"}, {"mode": "submission", "tls": "implicit"},
                  {"mode": "mx", "proxy_protocol": ["127.0.0.0/8"]}],
        tls={"certificate": str(certificate.pem), "key": str(certificate.key)}, limits={"connections_per_client": 100},
        timeouts={"command": "500ms", "data_block": "500ms", "transaction": "1s", "tls_handshake": "500ms"})
    slow = [slow_client(server, listener, said) for _ in range(20)]
    for octet in drops:
        for client in slow[:]:
            if drip(client, octet):
                slow.remove(client)
        if not slow:
            break
    assert not slow, f"{len(slow)} of 20 are still there after {len(drops)} octets"
    with server.client() as client:
        client.ehlo()
        delivered(server, client.deliver(message()))


def slow_client(server, listener, said):
    client = Client(*server.address(listener))
    if listener == SECURE:
        client.wrap(client_context())
    if said is not None:
        client.expect(220)
        for line in said:
            client.cmd(line)
    return client


def drip(client, octet):
    """Sends one octet. True when the server has hung up, with 421 or, in a handshake, a TLS alert or nothing."""
    try:
        client.send(bytes([octet]))
        if client.silent_for(DRIP_SECONDS):
            return False
        heard = client.read_until_close()
    except OSError:  # also TLS's own
        heard = b""
    assert not heard or heard.startswith((b"421 4.4.2 ", b"\x15\x03")), heard
    return True


# --- the forms by which nmap's smtp-open-relay looks for an open relay -----------------------------------

OUTSIDE, SERVER, ADDRESS = "nmap.test", "mx.test", "[127.0.0.1]"
TO = f"relaytest@{OUTSIDE}"
FORMS = [("", TO), (TO, TO), (f"antispam@{SERVER}", TO), (f"antispam@{ADDRESS}", TO),
         *((f"antispam@{ADDRESS}", form) for form in (
             f"relaytest%{OUTSIDE}@{ADDRESS}", f"relaytest%{OUTSIDE}@{SERVER}", f'"{TO}"', f'"relaytest%{OUTSIDE}"',
             f"{TO}@{ADDRESS}", f'"{TO}"@{ADDRESS}', f"{TO}@{SERVER}", f"@{ADDRESS}:{TO}", f"@{SERVER}:{TO}",
             f"{OUTSIDE}!relaytest", f"{OUTSIDE}!relaytest@{ADDRESS}", f"{OUTSIDE}!relaytest@{SERVER}"))]


@pytest.fixture(scope="module")
def closed(authority, tmp_path_factory):
    certificate = authority.issue("mx.test")
    server = Server(tmp_path_factory.mktemp("closed"), {
        "networks": [], "listener": [{"mode": "mx"}, {"mode": "submission", "tls": "starttls"}],
        "tls": {"certificate": str(certificate.pem), "key": str(certificate.key)}, "limits": {"errors": 1000},
        "domain": [{"name": "example.test", "users": ["alice"]}, {"name": SERVER, "users": ["alice"]}],
        "route": [{"domain": OUTSIDE, "via": "discard"}]})
    server.start()
    yield server
    server.finish()


@pytest.mark.parametrize("listener", ["mx", "submission"])
@pytest.mark.parametrize("form", range(16))
def test_no_form_of_an_address_relays_for_a_stranger(closed, form, listener):
    sender, recipient = FORMS[form]
    with closed.client(0 if listener == "mx" else 1) as client:
        client.ehlo()
        if client.cmd(f"MAIL FROM:<{sender}>").code == 250:
            refused = client.cmd(f"RCPT TO:<{recipient}>")
            assert refused.code in (501, 550, 553, 554), refused
            assert client.cmd("DATA").code in (503, 554)
    assert not [line for line in closed.log_lines() if "event=accepted" in line]
