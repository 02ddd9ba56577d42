"""What no honest client does: the server stays up, keeps its bounds, and goes on serving."""

import resource
import signal
import socket

import pytest

from harness.nexthop import NextHop
from harness.scenes import paused
from harness.smtp import Client

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
    with server.client() as many, server.client() as other:
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
