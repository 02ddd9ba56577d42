"""A raw SMTP client: it sends exactly the bytes it is told to, and every wait has a deadline."""

import re
import socket
import time

TIMEOUT = 10


class Reply:
    """One reply: its code, and the text of each of its lines (without code and separator)."""

    def __init__(self, code, lines):
        self.code, self.lines = code, lines

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def enhanced(self):
        """The enhanced status code at the start of the text ("5.1.1"), or None."""
        found = re.match(r"[245]\.\d{1,3}\.\d{1,3}(?= |$)", self.lines[0])
        return found[0] if found else None

    def __repr__(self):
        return f"{self.code} {self.text!r}"


class Closed(AssertionError):
    """The server closed the connection where a reply was due; `rest` is what came before."""

    def __init__(self, rest):
        super().__init__(f"connection closed, after {rest!r}")
        self.rest = rest


class Client:
    """A connection. The greeting is not read: expect(220) does that. `timeout` holds for each operation."""

    def __init__(self, host, port, source=None, timeout=TIMEOUT):
        self.timeout = timeout
        self.buffer = b""
        self.socket = socket.create_connection((host, port), timeout, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def half_close(self):
        """Says that nothing more will be sent; the server's answers can still be read."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with a TCP reset instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    # --- TLS -----------------------------------------------------------------------------------------

    def wrap(self, context, server_name="mx.test", session=None):
        """The handshake; all that follows is under TLS."""
        self.socket.settimeout(self.timeout)
        self.socket = context.wrap_socket(self.socket, server_hostname=server_name, session=session)
        return self

    def starttls(self, context, server_name="mx.test"):
        """STARTTLS, 220 and the handshake; EHLO has to be said again."""
        self.cmd("STARTTLS", 220, "2.0.0")
        assert not self.buffer, f"said in clear behind the 220: {self.buffer!r}"
        return self.wrap(context, server_name)

    # --- bytes and replies ---------------------------------------------------------------------------

    def send(self, data):
        """Sends these bytes, all of them, as they are."""
        self.socket.settimeout(self.timeout)
        self.socket.sendall(data)

    def read_reply(self, timeout=None):
        """The next whole reply. Raises Closed, or TimeoutError at the deadline."""
        deadline = time.monotonic() + (timeout or self.timeout)
        lines = []
        while True:
            line = self._read_line(deadline)
            parts = re.fullmatch(rb"(\d{3})(?:([ -])(.*))?", line, re.DOTALL)
            assert parts, f"no reply line: {line!r}"
            lines.append((parts[3] or b"").decode("utf-8"))
            if parts[2] != b"-":
                return Reply(int(parts[1]), lines)

    def expect(self, code, enhanced=None, timeout=None):
        """Reads the next reply and checks its code (an int, or a tuple of them), and its enhanced code if given."""
        return _checked(self.read_reply(timeout), code, enhanced)

    def cmd(self, line, code=None, enhanced=None, timeout=None):
        """Sends one command (CRLF is added) and returns its reply, checked against `code` when given."""
        self.send((line.encode("utf-8") if isinstance(line, str) else line) + b"\r\n")
        reply = self.read_reply(timeout)
        return reply if code is None else _checked(reply, code, enhanced, line)

    def pipeline(self, *lines):
        """Sends all commands in one write, then returns their replies in order."""
        self.send(b"".join((line.encode("utf-8") if isinstance(line, str) else line) + b"\r\n" for line in lines))
        return [self.read_reply() for _ in lines]

    def read_until_close(self, timeout=None):
        """All bytes until the server closes (a reset counts as a close)."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while self._receive(deadline):
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def silent_for(self, seconds):
        """True when the server sends nothing (and does not close) for so long."""
        if self.buffer:
            return False
        try:
            self._receive(time.monotonic() + seconds)
        except TimeoutError:
            return True
        return False

    # --- whole steps ---------------------------------------------------------------------------------

    def ehlo(self, name="client.test", verb="EHLO"):
        """The announced capabilities: keyword (upper case) -> parameters."""
        reply = self.cmd(f"{verb} {name}", 250)
        return {line.split(" ")[0].upper(): line.partition(" ")[2] for line in reply.lines[1:]}

    def lhlo(self, name="client.test"):
        return self.ehlo(name, "LHLO")

    def mail(self, sender="sender@client.test", params="", code=250):
        return self.cmd(f"MAIL FROM:<{sender}> {params}".rstrip(), code)

    def rcpt(self, recipient="alice@example.test", params="", code=250):
        return self.cmd(f"RCPT TO:<{recipient}> {params}".rstrip(), code)

    def data(self, message, code=250, replies=1):
        """DATA, 354, the message with dots stuffed, CRLF.CRLF; the reply is checked when `code` is given.

        `message` is bytes with CRLF line ends, sent as they are. LMTP answers each recipient: with
        replies=N a list of N replies is returned, not checked.
        """
        self.cmd("DATA", 354)
        self.send(stuffed(message))
        if replies > 1:
            return [self.read_reply() for _ in range(replies)]
        reply = self.read_reply()
        return reply if code is None else _checked(reply, code, None, "end of data")

    def bdat(self, chunk, last=False, code=250):
        """One chunk (RFC 3030), as it is."""
        self.send(b"BDAT %d%s\r\n" % (len(chunk), b" LAST" if last else b"") + chunk)
        reply = self.read_reply()
        return reply if code is None else _checked(reply, code, None, "BDAT")

    def deliver(self, message, recipients=("alice@example.test",), sender="sender@client.test", params=""):
        """One whole transaction after EHLO; returns the reply to the end of data (a 250)."""
        self.mail(sender, params)
        for recipient in recipients:
            self.rcpt(recipient)
        return self.data(message)

    def quit(self):
        reply = self.cmd("QUIT", 221)
        assert self.read_until_close() == b""
        self.close()
        return reply

    # --- inside --------------------------------------------------------------------------------------

    def _read_line(self, deadline):
        while b"\r\n" not in self.buffer:
            if not self._receive(deadline):
                raise Closed(self.buffer)
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _receive(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no answer in time; so far {self.buffer!r}")
        self.socket.settimeout(left)
        try:
            received = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.buffer += received
        return bool(received)


def stuffed(message):
    """The message as it goes over the wire after 354, the final CRLF.CRLF included (RFC 5321 4.5.2)."""
    message = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
    return message + (b".\r\n" if not message or message.endswith(b"\r\n") else b"\r\n.\r\n")


def message(body="Hello.\r\n", **fields):
    """A small message with From, To, Subject and Date; fields are added or replaced (Message_ID="<a@b>")."""
    header = {"From": "sender@client.test", "To": "alice@example.test", "Subject": "test",
              "Date": "Thu, 01 Jan 2026 00:00:00 +0000"}
    header.update({name.replace("_", "-"): value for name, value in fields.items()})
    head = "".join(f"{name}: {value}\r\n" for name, value in header.items())
    return head.encode() + b"\r\n" + (body.encode() if isinstance(body, str) else body)


def _checked(reply, code, enhanced=None, after="expect"):
    codes = code if isinstance(code, tuple) else (code,)
    assert reply.code in codes, f"{after!r}: expected {code}, got {reply}"
    assert enhanced is None or reply.enhanced == enhanced, f"{after!r}: expected {enhanced}, got {reply}"
    return reply
