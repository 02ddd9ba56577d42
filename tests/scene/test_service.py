"""As a service: what the server tells its supervisor, and sockets that it is given."""

import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile

import pytest

from harness.control import queue
from harness.ports import free_port
from harness.smtp import Client, message

# Plays systemd: binds what its first argument lists, and becomes the server, which finds them from descriptor 3 on.
# "udp:" in front makes a datagram socket.
GIVE = """
import fcntl, os, socket, sys
made = []
for text in sys.argv[1].split(","):
    kind = socket.SOCK_DGRAM if text.startswith("udp:") else socket.SOCK_STREAM
    where = text.removeprefix("udp:")
    if where.startswith("/"):
        one = socket.socket(socket.AF_UNIX, kind)
        one.bind(where)
    else:
        host, _, port = where.rpartition(":")
        host = host.strip("[]")
        one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
        if host == "::":
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.bind((host, int(port)))
    if kind == socket.SOCK_STREAM:
        one.listen(16)
    made.append(fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100))
for number, descriptor in enumerate(made, 3):
    os.dup2(descriptor, number, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(made))}
os.execv(sys.argv[2], sys.argv[2:])
"""


class Supervisor:
    """Hears what a service tells by sd_notify(3)."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.path = self.folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))

    def hear(self, seconds=10):
        self._socket.settimeout(seconds)
        return self._socket.recv(4096).decode()

    def stop(self):
        self._socket.close()
        shutil.rmtree(self.folder)


@pytest.fixture
def supervisor():
    supervisor = Supervisor()
    yield supervisor
    supervisor.stop()


def given(*addresses):
    return [sys.executable, "-c", GIVE, ",".join(map(str, addresses))]


def listening_sockets(port):
    tables = [pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for table in tables for line in table)


def deliver(host, port):
    with Client(host, port) as client:
        client.expect(220)
        client.ehlo()
        client.deliver(message(Subject="hello"))


def test_the_supervisor_hears_of_start_reload_and_end(make_server, supervisor):
    server = make_server(start=False, env={"NOTIFY_SOCKET": str(supervisor.path)})
    server.start(ready=False)
    listening = f"READY=1\nSTATUS=listening on 127.0.0.1:{server.port}"
    assert supervisor.hear() == listening
    deliver("127.0.0.1", server.port)
    server.reload()
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reading the configuration", supervisor.hear())
    assert supervisor.hear() == listening
    server.config_path.write_text("nonsense")
    server.reload()
    assert supervisor.hear().startswith("RELOADING=1\n")
    assert supervisor.hear() == listening, "a refused file leaves a server that is ready"
    server.wait_log(event="reload_refused")
    server.process.send_signal(signal.SIGTERM)
    assert supervisor.hear() == "STOPPING=1\nSTATUS=stopping"
    assert server.wait_exit() == 0


def test_the_supervisor_hears_that_it_is_alive_as_often_as_it_wants(make_server, supervisor):
    server = make_server(env={"NOTIFY_SOCKET": str(supervisor.path), "WATCHDOG_USEC": "300000"})
    assert supervisor.hear().startswith("READY=1")
    assert [supervisor.hear() for _ in range(4)] == ["WATCHDOG=1"] * 4
    server.reload()
    heard = [supervisor.hear().split("\n")[0] for _ in range(6)]
    assert "RELOADING=1" in heard and "READY=1" in heard and "WATCHDOG=1" in heard


class Stopped:
    """One thread of a process that stands still, held by ptrace(2)."""
    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, pid, name):
        tasks = pathlib.Path(f"/proc/{pid}/task")
        self.task = next(int(task.name) for task in tasks.iterdir() if (task / "comm").read_text() == f"{name}\n")
        self._libc = ctypes.CDLL(None, use_errno=True)

    def _trace(self, request):
        assert self._libc.ptrace(request, self.task, None, None) == 0, ctypes.get_errno()

    def __enter__(self):
        self._trace(self.SEIZE)
        self._trace(self.INTERRUPT)
        os.waitpid(self.task, self.WALL)

    def __exit__(self, *_):
        self._trace(self.DETACH)


def test_the_supervisor_hears_nothing_while_a_thread_stands_still(make_server, supervisor):
    server = make_server(env={"NOTIFY_SOCKET": str(supervisor.path), "WATCHDOG_USEC": "300000"})
    assert supervisor.hear().startswith("READY=1")
    assert supervisor.hear() == "WATCHDOG=1"
    with Stopped(server.pid, "smtp"):
        with pytest.raises(TimeoutError):
            for _ in range(10):
                supervisor.hear(seconds=1)
    assert supervisor.hear() == "WATCHDOG=1"


def test_sockets_of_the_supervisor_serve_instead_of_our_own(make_server):
    four, six = free_port(), free_port("::1")
    server = make_server(wrap=given(f"127.0.0.1:{four}", f"[::1]:{six}"), threads=3,
                         listener=[{"address": f"127.0.0.1:{four}"}, {"address": f"[::1]:{six}"}])
    for host, port in (("127.0.0.1", four), ("::1", six)):
        assert listening_sockets(port) == 1, "each thread would have one of its own"
        for _ in range(6):
            deliver(host, port)
    server.wait_mail("example.test", "alice", n=12)


def test_one_for_all_addresses_takes_ipv4_too(make_server):
    port = free_port()
    server = make_server(wrap=given(f"[::]:{port}"), listener=[{"address": f"[::]:{port}"}])
    deliver("127.0.0.1", port)
    assert "client=127.0.0.1" in server.log_text()


def test_the_control_socket_may_be_given_too_and_is_left_in_place(make_server):
    folder = pathlib.Path(tempfile.mkdtemp())
    server = make_server(start=False, runtime_dir=str(folder))
    server.wrap = given(folder / "control")
    server.start()
    assert queue(server, "suspend") == "Nothing is suspended.\n"
    server.stop()
    assert (folder / "control").is_socket()
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind, trouble", [("", ""), ("udp:", ": it is no stream socket")])
def test_a_socket_that_no_listener_has_stops_the_start(make_server, kind, trouble):
    port = free_port()
    server = make_server(start=False)
    server.wrap = given(f"127.0.0.1:{server.port}", f"{kind}127.0.0.1:{port}")
    server.start(ready=False)
    assert server.wait_exit() == 1
    server.wait_log(event="cannot_start",
                    why=f"a socket was passed that no [[listener]] has, nor is the control socket (descriptor 4: "
                        f"127.0.0.1:{port}{trouble}); take it out of the .socket unit, or add the listener")
