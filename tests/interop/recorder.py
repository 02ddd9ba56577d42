"""A proxy that writes down what a client says to the server."""

import contextlib
import re
import socket
import threading

# Of each connection; the commands stand in front of the content.
KEPT = 64 << 10
_COMMAND = re.compile(rb"^(?:EHLO|MAIL|RCPT|DATA|BDAT|RSET|QUIT)\b[^\r\n]*", re.MULTILINE | re.IGNORECASE)


class Recorder:
    """Forwards connections to `target`, a (host, port); `port` is where it listens, on 127.0.0.1."""

    def __init__(self, target):
        self.target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.sessions = []  # of each connection what the client wrote, piece by piece
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def commands(self):
        """All command lines of all connections, in order."""
        return [line.decode() for client in list(self.sessions) for line in _COMMAND.findall(b"".join(client))]

    def forget(self):
        self.sessions.clear()

    def pieces(self):
        """What the client wrote, as it came in: pipelined commands are one piece."""
        return [piece for client in list(self.sessions) for piece in client]

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.target, 10)
            except OSError:
                return
            said = []
            self.sessions.append(said)
            for source, sink, kept in ((client, server, said), (server, client, None)):
                threading.Thread(target=_forward, args=(source, sink, kept), daemon=True).start()


def _forward(source, sink, kept):
    left = 0 if kept is None else KEPT
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            if left > 0:
                kept.append(piece[:left])
                left -= len(kept[-1])
            sink.sendall(piece)
    for each, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            each.shutdown(how)
