"""The postmaster's tools: `postrider queue ...` on a server's configuration, and its control socket without them."""

import contextlib
import json
import os
import socket
import subprocess

from harness.server import binary


def queue(server, *arguments, code=0, seconds=60):
    """What `postrider queue ARGUMENTS` prints; it ends with `code`. Where that is not 0, what it says as an error."""
    done = subprocess.run([str(binary()), "queue", *map(str, arguments), "--config", str(server.config_path)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == code, f"queue {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout if code == 0 else done.stderr


def queue_json(server, *arguments, code=0):
    """The objects that it prints with --json."""
    done = subprocess.run([str(binary()), "queue", *map(str, arguments), "--json", "--config", str(server.config_path)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, f"queue {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def socket_path(server):
    return server.data_dir / "run/control"


class Control:
    """A connection to a control socket, by the socket's folder, so that the path may be of any length."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        folder = os.open(path.parent, os.O_PATH)
        try:
            self.socket.connect(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        self.stream = self.socket.makefile("rb")

    def say(self, request):
        """Sends a request (an object, or bytes as they are) and returns the answer; None: closed."""
        raw = request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n"
        with contextlib.suppress(BrokenPipeError):  # a refusal was sent, and is still to be read
            self.socket.sendall(raw)
        return self.hear()

    def hear(self):
        with contextlib.suppress(ConnectionResetError):
            if line := self.stream.readline():
                return json.loads(line)
        return None

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
