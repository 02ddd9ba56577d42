"""Bounds and deadlines: how many, how long, how slow, and how the server says that it is enough."""

import contextlib
import pathlib
import resource
import signal
import socket
import threading

import pytest

from harness.scenes import content, delivered, id_of, paused, send_in_drops
from harness.smtp import Client, Closed, message, stuffed
from harness.waiting import wait_until

MIB = 1 << 20


@pytest.fixture
def limited(make_server):
    """limited(**sections) -> a session with a server of its own, after EHLO; `.server` is that server."""
    clients = []

    def make(**sections):
        server = make_server(**sections)
        client = server.client()
        clients.append(client)
        client.ehlo()
        client.server = server
        return client
    yield make
    for client in clients:
        client.close()


def assert_timed_out(client, timeout=5):
    reply = client.expect(421, "4.4.2", timeout)
    assert reply.text == "4.4.2 mx.test timeout, closing the connection"
    assert client.read_until_close() == b""


# --- how many ------------------------------------------------------------------------------------------


def test_recipients_above_the_limit_are_put_off_and_the_others_get_their_mail(limited):
    client = limited(limits={"recipients": 100},
                     domain=[{"name": "example.test", "kind": "local", "users": [f"u{n}" for n in range(101)]}])
    client.mail()
    for number in range(100):
        client.rcpt(f"u{number}@example.test")
    for _ in range(2):
        client.cmd("RCPT TO:<u100@example.test>", 452, "4.5.3")
    reply = client.data(message())
    for number in (0, 99):
        delivered(client.server, reply, f"u{number}")
    assert client.server.maildir("example.test", "u100") == []
    client.mail()
    client.rcpt("u100@example.test")


def test_refused_recipients_do_not_count(limited):
    client = limited(limits={"recipients": 100, "errors": 1000})
    client.mail()
    for _ in range(150):
        client.cmd("RCPT TO:<nobody@example.test>", 550)
    client.rcpt()


def test_too_many_errors_end_the_session(limited):
    client = limited(limits={"errors": 3})
    for _ in range(3):
        client.cmd("WHATISTHIS", 500)
    reply = client.cmd("WHATISTHIS", 421, "4.7.0")
    assert reply.text == "4.7.0 mx.test too many errors, closing the connection"
    assert client.read_until_close() == b""


def test_refused_recipients_are_errors(limited):
    client = limited(limits={"errors": 3})
    client.mail()
    for _ in range(3):
        client.cmd("RCPT TO:<nobody@example.test>", 550)
    client.cmd("RCPT TO:<nobody@example.test>", 421, "4.7.0")


def test_too_many_commands_end_the_session(limited):
    client = limited(limits={"commands": 10})
    for _ in range(9):  # EHLO was the first
        client.cmd("NOOP", 250)
    client.send(b"WHATISTHIS\r\n")
    reply = client.expect(421, "4.7.0")
    assert reply.text == "4.7.0 mx.test too many commands, closing the connection"
    assert client.read_until_close() == b""


def test_a_message_that_was_taken_is_said_to_be_even_if_it_was_one_command_too_many(limited):
    client = limited(limits={"commands": 10})
    for _ in range(6):
        client.cmd("NOOP", 250)
    # The greeting and EHLO, MAIL and RCPT, and DATA, which counts once and at its end, are the other five.
    client.mail()
    client.rcpt()
    client.cmd("DATA", 354)
    client.send(stuffed(message()))
    reply = client.read_reply()
    assert reply.code == 250
    delivered(client.server, reply)
    with contextlib.suppress(Closed):
        client.expect(421)


def test_connections_in_all_are_bounded_and_a_place_is_given_back(make_server):
    server = make_server(limits={"connections": 3})
    clients = [server.client(source=f"127.0.0.{n}") for n in (11, 12, 13)]
    with server.client(source="127.0.0.14", greeting=False) as refused:
        reply = refused.expect(421, "4.3.2")
        assert reply.text == "4.3.2 mx.test too many connections, try again later"
        assert refused.read_until_close() == b""
    line = server.wait_log(event="too_many_connections")
    assert (line["client"], line["limit"]) == ("127.0.0.14", "3")
    clients.pop().quit()
    wait_until(lambda: admitted(server), 5, "a place to become free")
    for client in clients:
        client.close()


def admitted(server, source=None):
    with server.client(source=source, greeting=False) as client:
        return client.read_reply().code == 220


def test_connections_of_one_address_are_bounded_and_others_are_served(make_server):
    server = make_server(limits={"connections_per_client": 2})
    clients = [server.client(), server.client()]
    with server.client(greeting=False) as refused:
        reply = refused.expect(421, "4.7.0")
        assert reply.text == "4.7.0 mx.test too many connections from your address"
        assert refused.read_until_close() == b""
    assert admitted(server, "127.0.0.2")
    clients.pop().reset()
    wait_until(lambda: admitted(server), 5, "a place to become free")
    clients.pop().close()


def test_the_connections_are_clamped_to_the_descriptor_limit_and_the_log_says_so(make_server):
    server = make_server(wrap=["prlimit", "--nofile=1000:1000"])
    line = server.wait_log(event="connections_clamped")
    assert (line["level"], line["configured"], line["descriptors"]) == ("warning", "20000", "1000")
    assert 0 < int(line["connections"]) < 1000
    assert server.wait_log(event="settings")["connections"] == line["connections"]


def test_where_the_limit_fits_nothing_is_clamped(make_server):
    server = make_server(wrap=["prlimit", "--nofile=1000:1000"], limits={"connections": 10})
    assert server.wait_log(event="settings")["connections"] == "10"
    assert "connections_clamped" not in server.log_text()


def test_out_of_descriptors_is_said_and_passes(make_server):
    server = make_server()
    open_now = [int(path.name) for path in pathlib.Path(f"/proc/{server.pid}/fd").iterdir()]
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (max(open_now) + 9, hard))
    clients = []
    while True:
        client = server.client(greeting=False)
        clients.append(client)
        reply = client.read_reply()
        if reply.code != 220:
            break
        assert len(clients) < 90, "it never runs out of descriptors"
    assert len(clients) > 1
    assert (reply.code, reply.text) == (421, "4.3.2 mx.test too many connections, try again later")
    assert client.read_until_close() == b""
    server.wait_log(event="out_of_descriptors")
    # Nothing to do is nothing done: waiting for a descriptor must not keep a processor busy. What the start left to do may take a while.
    def rests():
        before = server.cpu_seconds()
        assert clients[0].silent_for(0.5)
        return server.cpu_seconds() - before < 0.05
    assert any(rests() for _ in range(10))
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (hard, hard))
    for client in clients:
        client.close()
    with server.client() as client:
        client.ehlo()
        delivered(server, client.deliver(message()))


# --- how long ------------------------------------------------------------------------------------------


def test_a_client_that_says_nothing_after_the_greeting_is_sent_away(make_server):
    server = make_server(timeouts={"command": "300ms"})
    with server.client() as client:
        assert_timed_out(client)


def test_half_a_command_is_no_command(limited):
    client = limited(timeouts={"command": "300ms"})
    client.send(b"MAIL FROM:<send")
    assert_timed_out(client)


def test_a_client_that_stops_inside_the_data_is_sent_away_and_leaves_no_mail(limited):
    client = limited(timeouts={"data_block": "300ms"})
    client.mail()
    client.rcpt()
    client.cmd("DATA", 354)
    client.send(b"Subject: half\r\n\r\nhalf")
    assert_timed_out(client)
    assert client.server.maildir("example.test", "alice") == []


def test_a_client_that_stops_inside_a_chunk_is_sent_away(limited):
    client = limited(timeouts={"data_block": "300ms"})
    client.mail()
    client.rcpt()
    client.send(b"BDAT 100\r\nSubject: half")
    assert_timed_out(client)


def test_the_time_for_commands_and_the_time_for_data_are_two(limited):
    client = limited(timeouts={"command": "20s", "data_block": "300ms"})
    client.mail()
    client.rcpt()
    assert client.silent_for(0.5)
    client.cmd("DATA", 354)
    assert_timed_out(client)


def test_a_transaction_has_a_time_of_its_own(limited):
    client = limited(timeouts={"transaction": "500ms"})
    client.mail()
    client.rcpt()
    assert_timed_out(client)


def test_a_trickle_of_data_does_not_stretch_the_transaction(limited):
    client = limited(timeouts={"transaction": "600ms", "data_block": "20s"})
    client.mail()
    client.rcpt()
    client.cmd("DATA", 354)
    with contextlib.suppress(OSError):
        for _ in range(100):
            client.send(b"x")
            if not client.silent_for(0.05):
                break
    assert_timed_out(client)


def test_outside_of_a_transaction_its_time_does_not_run(limited):
    client = limited(timeouts={"transaction": "200ms"})
    assert client.silent_for(0.4)
    delivered(client.server, client.deliver(message()))
    assert client.silent_for(0.4)
    client.cmd("NOOP", 250)


def test_a_session_has_an_end_however_busy_it_is(limited):
    client = limited(timeouts={"session": "700ms"}, limits={"commands": 1000000})
    while True:
        reply = client.cmd("NOOP", (250, 421))
        if reply.code == 421 or not client.silent_for(0.02):
            break
    if reply.code != 421:
        reply = client.expect(421)
    assert reply.enhanced == "4.4.2"
    assert client.read_until_close() == b""


def test_a_client_that_never_reads_is_cut_off(limited):
    client = limited(timeouts={"command": "500ms"}, limits={"commands": 1000000})
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        for _ in range(1000):
            client.send(b"HELP\r\n" * 5000)
    with client.server.client() as other:
        other.ehlo()


def test_shutting_down_is_said_to_those_who_wait(make_server):
    server = make_server()
    with server.client() as client:
        client.ehlo()
        server.stop()
        reply = client.expect(421, "4.3.2")
        assert reply.text == "4.3.2 mx.test is shutting down, try again later"
        assert client.read_until_close() == b""


def test_a_message_under_way_at_a_shutdown_is_finished_first(make_server):
    server = make_server()
    with server.client() as client:
        client.ehlo()
        client.mail()
        client.rcpt()
        client.cmd("DATA", 354)
        client.send(message("begun\r\n"))
        server.process.send_signal(signal.SIGTERM)
        server.wait_log(event="stopping")
        client.send(b"and finished\r\n.\r\n")
        reply = client.expect(250)
        client.expect(421, "4.3.2")
        assert client.read_until_close() == b""
    assert server.wait_exit() == 0
    server.start()
    assert content(delivered(server, reply)).endswith(b"begun\nand finished\n")


def test_while_shutting_down_nobody_else_is_let_in(make_server):
    server = make_server()
    with server.client() as client:
        client.ehlo()
        client.mail()
        client.rcpt()
        client.cmd("DATA", 354)
        server.process.send_signal(signal.SIGTERM)
        server.wait_log(event="stopping")
        wait_until(lambda: not can_connect(server), 5, "the listener to close")
    assert server.wait_exit() == 0


def can_connect(server):
    try:
        with socket.create_connection(server.address(), 5):
            return True
    except OSError:
        return False


# --- how slow ------------------------------------------------------------------------------------------


def test_a_client_that_sends_octet_by_octet_is_served(limited):
    client = limited()
    for line, code in [("EHLO client.test", 250), ("MAIL FROM:<sender@client.test>", 250),
                       ("RCPT TO:<alice@example.test>", 250), ("DATA", 354)]:
        send_in_drops(client, line.encode() + b"\r\n")
        client.expect(code)
    send_in_drops(client, stuffed(message(".dots\r\n..\r\n")))
    mail = delivered(client.server, client.expect(250))
    assert content(mail) == message(".dots\r\n..\r\n").replace(b"\r\n", b"\n")
    send_in_drops(client, b"QUIT\r\n")
    client.expect(221)


def test_slow_clients_do_not_keep_others_waiting(make_server):
    server = make_server(limits={"connections_per_client": 1000})
    slow = [server.client() for _ in range(200)]
    for client in slow:
        client.send(b"EHLO client.te")
    with server.client() as client:
        client.ehlo()
        delivered(server, client.deliver(message()))
    for client in slow:
        client.send(b"st\r\n")
        client.expect(250)
        client.close()


# --- the last word -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [b"NOOP\n", b"NOOP \0\r\n", b"x" * 3000 + b"\r\n", b"GET / HTTP/1.1\r\n",
                                   b"DATA\r\n" * 5, b"NOOP\r\nEHLO x\r\nNOOP\r\n"])
def test_a_refusal_that_closes_is_readable_by_a_client_that_keeps_sending(make_server, cause):
    server = make_server(limits={"errors": 3})
    with server.client() as client:
        client.ehlo()
        with paused(server):
            client.send(cause + b"y" * 90 * 1024)
        heard = client.read_until_close()
        assert_still_read(client)
        assert heard.rpartition(b"\r\n")[0].rpartition(b"\r\n")[2].startswith((b"554 ", b"421 ", b"502 "))


def assert_still_read(client):
    """What is sent now is read away: were the server gone, it would be answered with a reset, which with other
    systems takes away the words that the client has not yet read."""
    for _ in range(20):
        client.socket.send(b"z" * 100)
    assert client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_too_many_connections_is_readable_by_a_client_that_talks_at_once(make_server):
    server = make_server(limits={"connections": 1})
    with server.client():
        with paused(server):
            refused = Client(*server.address())
            refused.send(b"EHLO client.test\r\n")
        with refused:
            refused.expect(421, "4.3.2")
            assert refused.read_until_close() == b""
            assert_still_read(refused)


# --- memory --------------------------------------------------------------------------------------------


@pytest.mark.release_only
@pytest.mark.deadline(300)
def test_20_messages_of_50_mib_in_parallel_hold_at_most_4_mib_of_memory_each(make_server):
    # hold: so that the peak is the receiving side's alone.
    server = make_server(route=[{"domain": "example.test", "via": "hold"}])
    count, piece = 20, (b"x" * 98 + b"\r\n") * 5242  # a hundred of them are just below 50 MiB
    before = server.rss()
    barrier = threading.Barrier(count)
    replies, faults = [], []

    def send_one():
        try:
            with server.client(timeout=240) as client:
                client.ehlo()
                client.mail()
                client.rcpt()
                client.cmd("DATA", 354)
                client.send(b"Subject: big\r\n\r\n")
                barrier.wait(30)
                for _ in range(100):
                    client.send(piece)
                # All are open, with all their octets sent, before the first may end.
                barrier.wait(240)
                client.send(b".\r\n")
                replies.append(id_of(client.expect(250)))
        except Exception as fault:  # told in the main thread
            faults.append(fault)
            barrier.abort()

    threads = [threading.Thread(target=send_one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(250)
    assert not faults
    assert len(set(replies)) == count
    assert (server.peak_rss() - before) / count <= 4 * MIB
