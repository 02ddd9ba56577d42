"""A mail server that the tests are: it takes mail, remembers every octet, and misbehaves as it is told.

    with Sink(("127.0.1.1", 25)) as sink:                 # takes all
    Sink(address, replies={"RCPT": ["450 4.2.1 later", None]})   # first RCPT of all refused, then as usual
    Sink(address, faults={"DATA": Drop()})

`replies` maps a verb, "greeting", "end" (of the data) or "RCPT:bob@x.test" to a reply or a list of them, one for each time
(the last one stays; None is the usual one). A reply may be bytes, which are sent as they are. `faults` maps the same names to
what is done instead of a plain answer: Drop, Reset, Hang, Drip, Split, or a callable (sink, connection, reply bytes), which
may return what it said instead.
"""

import contextlib
import socket
import struct
import threading

from harness.waiting import wait_until

EHLO = ("PIPELINING", "SIZE 52428800", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING", "SMTPUTF8", "DSN")
USUAL = {"EHLO": None, "LHLO": None, "HELO": "250 sink.test", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok",
         "DATA": "354 go on", "RSET": "250 2.0.0 ok", "NOOP": "250 2.0.0 ok", "QUIT": "221 2.0.0 bye",
         "BDAT": "250 2.0.0 ok", "end": "250 2.0.0 taken", "greeting": "220 sink.test ESMTP"}
# Longer than any test waits for its server.
HANG_SECONDS = 60


class Drop:
    """The connection is closed, without a word or after `said`."""

    def __init__(self, said=b""):
        self.said = said

    def __call__(self, sink, connection, reply):
        connection.sendall(self.said)
        raise ConnectionAbortedError


class Reset(Drop):
    """The same by RST."""

    def __call__(self, sink, connection, reply):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().__call__(sink, connection, reply)


class Hang:
    """Nothing is said any more, until the client goes or the sink stops."""

    def __call__(self, sink, connection, reply):
        connection.settimeout(HANG_SECONDS)
        with contextlib.suppress(OSError):
            while connection.recv(65536):
                pass
        raise ConnectionAbortedError


class Split:
    """The reply in single octets, each in a segment of its own."""

    def __call__(self, sink, connection, reply):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in reply:
            connection.sendall(bytes([octet]))


class Drip:
    """An octet a `seconds`, for ever: a tarpit."""

    def __init__(self, seconds=0.1):
        self.seconds = seconds

    def __call__(self, sink, connection, reply):
        stopped = sink.stopped
        while not stopped.wait(self.seconds):
            connection.sendall(b"2")
        raise ConnectionAbortedError


class Message:
    """What was taken: `sender` and `recipients` as the paths with their parameters, `content` undotted."""

    def __init__(self, mail, rcpts, content, connection):
        self.mail, self.rcpts, self.content, self.connection = mail, rcpts, content, connection

    @property
    def recipients(self):
        return [rcpt[rcpt.find("<") + 1:rcpt.find(">")] for rcpt in self.rcpts]

    @property
    def sender(self):
        return self.mail[self.mail.find("<") + 1:self.mail.find(">")]


class Sink:
    """`address` is (host, port), or a path for a Unix socket. `lmtp`: speaks LMTP, a reply for each recipient.

    `tls`: a server's ssl.SSLContext; then STARTTLS is offered, and `secured` has a (version, resumed) for each handshake."""

    def __init__(self, address, replies=None, faults=None, ehlo=EHLO, lmtp=False, tls=None):
        self.tls, self.secured = tls, []
        self.replies, self.faults, self.ehlo, self.lmtp = dict(replies or {}), dict(faults or {}), ehlo, lmtp
        self.messages, self.commands, self.connections, self.clients = [], [], 0, []
        self.stopped = threading.Event()
        self._asked = {}
        self._lock = threading.Lock()
        self._open = set()
        if isinstance(address, tuple):
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self._listener = socket.create_server(address, family=family, backlog=200)
            self.address = self._listener.getsockname()[:2]
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(address))
            self._listener.listen(200)
            self.address = str(address)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self.address[1]

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait(self, count=1, seconds=20):
        """Until so many messages were taken; the messages."""
        wait_until(lambda: len(self.messages) >= count, seconds,
                   lambda: f"{count} messages, there are {len(self.messages)}; commands: {self.commands[-30:]}")
        return self.messages

    def said(self, verb):
        """The command lines with this verb."""
        return [line for line in list(self.commands) if line.upper().startswith(verb)]

    def _accept(self):
        while True:
            try:
                connection, client = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.connections += 1
                self.clients.append(client)
                number = self.connections
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        connection.settimeout(HANG_SECONDS)
        try:
            with connection, connection.makefile("rb") as stream:
                self._talk(_Talk(self, connection, stream, number))
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)

    @staticmethod
    def _talk(talk):
        talk.answer("greeting")
        while line := talk.line():
            talk.handle(line)

    def next_reply(self, *names):
        """What is said to the first of these names that has anything, and what is done instead."""
        with self._lock:
            for name in names:
                reply = self.replies.get(name)
                if isinstance(reply, list):
                    at = self._asked.get(name, 0)
                    self._asked[name] = at + 1
                    reply = reply[min(at, len(reply) - 1)]
                fault = self.faults.get(name)
                if reply is not None or fault is not None:
                    return reply, fault
        return None, None


class _Talk:
    """One connection."""

    def __init__(self, sink, connection, stream, number):
        self.sink, self.connection, self.stream, self.number = sink, connection, stream, number
        self.under_tls = False
        self._forget()

    def _forget(self):
        self.mail, self.rcpts, self.content = None, [], b""

    def line(self):
        raw = self.stream.readline()
        if not raw:
            return None
        line = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
        self.sink.commands.append(line)
        return line

    def answer(self, *names, usual=None):
        """Says it; whether it was a yes."""
        reply, fault = self.sink.next_reply(*names)
        reply = reply or usual or USUAL[names[-1]]
        raw = reply if isinstance(reply, bytes) else reply.encode("utf-8", "surrogateescape") + b"\r\n"
        if fault:
            raw = fault(self.sink, self.connection, raw) or raw
        else:
            self.connection.sendall(raw)
        if raw[:3] == b"421":
            raise ConnectionAbortedError
        return raw[:1] in b"23"

    def handle(self, line):
        verb = line.split(" ")[0].upper().split(":")[0]
        if verb in ("EHLO", "LHLO"):
            lines = ["sink.test", *self.sink.ehlo]
            if self.sink.tls and not self.under_tls:
                lines.append("STARTTLS")
            self.answer(verb, usual="\r\n".join(f"250{'-' if i + 1 < len(lines) else ' '}{each}"
                                                for i, each in enumerate(lines)))
        elif verb == "MAIL":
            self._forget()
            if self.answer("MAIL"):
                self.mail = line
        elif verb == "RCPT":
            if self.answer("RCPT:" + line[line.find("<") + 1:line.find(">")], "RCPT"):
                self.rcpts.append(line)
        elif verb == "DATA":
            usual = "554 5.5.1 no recipients" if not self.rcpts else USUAL["DATA"]
            if self.answer("DATA", usual=usual):
                self._data()
        elif verb == "BDAT":
            self._chunk(line)
        elif verb == "STARTTLS" and self.sink.tls:
            if self.answer("STARTTLS", usual="220 2.0.0 go ahead"):
                self._secure()
        elif verb in USUAL:
            self.answer(verb)
            if verb == "RSET":
                self._forget()
            if verb == "QUIT":
                raise ConnectionAbortedError
        else:
            self.connection.sendall(b"500 5.5.1 what?\r\n")

    def _secure(self):
        self.connection = self.sink.tls.wrap_socket(self.connection, server_side=True)
        self.stream = self.connection.makefile("rb")
        self.under_tls = True
        self.sink.secured.append((self.connection.version(), self.connection.session_reused))
        self._forget()

    def _data(self):
        lines = []
        while (line := self.stream.readline()) != b".\r\n":
            if not line:
                raise ConnectionAbortedError
            lines.append(line[1:] if line.startswith(b".") else line)
        self.content = b"".join(lines)
        self._end()

    def _chunk(self, line):
        words = line.split()
        size = int(words[1])
        chunk = self.stream.read(size)
        if len(chunk) < size:
            raise ConnectionAbortedError
        if not self.rcpts:
            self.answer("BDAT", usual="503 5.5.1 no recipients")
            return
        self.content += chunk
        if len(words) > 2 and words[2].upper() == "LAST":
            self._end()
        else:
            self.answer("BDAT")

    def _end(self):
        """A reply for all, in LMTP for each. RFC 2033 4.2"""
        mail, rcpts, content = self.mail, self.rcpts, self.content
        self._forget()
        if not self.sink.lmtp:
            if self.answer("end"):
                self.sink.messages.append(Message(mail, rcpts, content, self.number))
            return
        taken = [rcpt for rcpt in rcpts if self.answer(f"end:{rcpt[rcpt.find('<') + 1:rcpt.find('>')]}", "end")]
        if taken:
            self.sink.messages.append(Message(mail, taken, content, self.number))
