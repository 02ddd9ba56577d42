"""What several scenes need: a mail by its id, its trace fields, a server that is held still, bytes in drops."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import struct

from harness.waiting import wait_until

ID = r"[0-9a-z]{13}"
# Where tcpi_data_segs_in stands in struct tcp_info (linux/tcp.h).
_DATA_SEGMENTS_IN = 152


def id_of(reply):
    """The id in the reply to the end of the data."""
    found = re.fullmatch(rf"2\.0\.0 queued as ({ID})", reply.text)
    assert found, f"no id in {reply}"
    return found[1]


@contextlib.contextmanager
def client_from(server, address, helo="mx.client.test", listener=0, **hello):
    """A session of a client at this address, which a proxy brings by XCLIENT; it has said hello."""
    with server.client(listener) as smtp:
        smtp.ehlo("proxy.test", **hello)
        smtp.cmd(f"XCLIENT ADDR={address} NAME=[UNAVAILABLE]", 220)
        smtp.ehlo(helo, **hello)
        yield smtp


def delivered(server, reply, user="alice", domain="example.test", timeout=20):
    """The file that the message with this reply (or id) became in the user's Maildir, once it is there."""
    wanted = reply if isinstance(reply, str) else id_of(reply)
    pattern = re.compile(rb"\bid " + wanted.encode() + rb"\b")
    new = server.maildir_path(domain, user) / "new"
    seen = set()

    def found():
        for path in set(new.iterdir()) - seen if new.is_dir() else ():
            seen.add(path)
            with path.open("rb") as file:
                if pattern.search(file.read(4096)):  # the Received field is at the top
                    return path.read_bytes()
        return None
    return wait_until(found, timeout, lambda: f"{wanted} for {user}@{domain}; the log ends:\n{server.log_tail()}")


def settled(server, reply, user="alice", domain="example.test"):
    """The same, once the queue has let go of it too: a file is there some milliseconds before."""
    file = delivered(server, reply, user, domain)
    wanted = reply if isinstance(reply, str) else id_of(reply)
    server.wait_log(event="delivered", id=wanted, to=f"{user}@{domain}")
    return file


def split_trace(mail):
    """(Return-Path, Delivered-To, Received: each whole, with its LF; what the client sent, with LF line ends)."""
    found = re.match(rb"(Return-Path:[^\n]*\n)(Delivered-To:[^\n]*\n)(Received:[^\n]*\n(?:[ \t][^\n]*\n)*)", mail)
    assert found, f"not the three trace fields at the top: {mail[:600]!r}"
    return found[1], found[2], found[3], mail[found.end():]


def received(mail):
    """The words of our Received field, unfolded: "from … by … with … id … for …; date"."""
    return re.sub(r"\s+", " ", split_trace(mail)[2].decode()).removeprefix("Received: ").strip()


def content(mail):
    """What the client sent, with LF line ends."""
    return split_trace(mail)[3]


@contextlib.contextmanager
def paused(server):
    """The server is stopped (SIGSTOP) inside: what is sent and connected now, it finds all at once."""
    os.kill(server.pid, signal.SIGSTOP)

    def stopped():
        states = [stat.read_text().rpartition(")")[2].split()[0]
                  for stat in pathlib.Path(f"/proc/{server.pid}/task").glob("*/stat")]
        return all(state in "tT" for state in states)
    try:
        wait_until(stopped, 5, "the server's threads to stop")
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def data_segments(client):
    """TCP segments with data that came from the server so far. It has Nagle off: one for each (small) write."""
    info = client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("I", info, _DATA_SEGMENTS_IN)[0]


def send_in_drops(client, data):
    """Each octet in a segment of its own."""
    for octet in data:
        client.send(bytes([octet]))
