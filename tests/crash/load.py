"""Parallel clients that send as fast as they are answered, through any crash of the server."""

import contextlib
import itertools
import random
import re
import socket
import threading
import time

from crash.outside import BAD, SENDER, SLOW, TEAM, TEAM_USERS
from harness.smtp import Client, stuffed

USERS = [f"user{i}" for i in range(20)]
DOMAIN = "example.test"
LINE = 64  # octets of each line of a body, CRLF included
_QUEUED = re.compile(r"2\.0\.0 queued as ([0-9a-z]{13})")
# Between two attempts to connect; the server is down for some of them.
_RETRY_SECONDS = 0.02
# Longer than anything a live server does here; a killed one resets its connections at once.
_TIMEOUT = 20


def body_pool(seed, octets=1 << 20):
    """Lines of LINE octets: 8-bit ones, some with a dot in front."""
    source = random.Random(seed)
    octet = bytes(c for c in range(32, 256) if c != 127)
    lines = []
    for _ in range(octets // LINE):
        line = bytes(source.choices(octet, k=LINE - 2))
        lines.append((b"." + line[1:] if source.random() < 0.05 else line) + b"\r\n")
    return b"".join(lines)


class Load:
    """`clients` threads, each with its own random numbers; everything they do is in the ledger."""

    def __init__(self, address, ledger, seed=0, clients=8, largest=1 << 20, remote=()):
        self.address, self.ledger, self.seed, self.largest = address, ledger, seed, largest
        self._remote = list(remote)  # addresses elsewhere, which some of the mail is for
        self.refused = []  # replies that were neither 250 nor 354
        self._pool = body_pool(seed)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(clients)]

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def stop(self):
        """Each client ends with the transaction it is in."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * _TIMEOUT)
            assert not thread.is_alive(), "a client hangs"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _run(self, number):
        source = random.Random(f"{self.seed}/{number}")
        tokens = (f"t{number}.{i}" for i in itertools.count())
        while not self._stop.is_set():
            # A crash shows as a closed, reset or refused connection.
            with contextlib.suppress(OSError, AssertionError):
                with Client(*self.address, timeout=_TIMEOUT) as client:
                    client.expect(220)
                    client.ehlo()
                    while not self._stop.is_set() and source.random() < 0.98:
                        self._converse(client, source, tokens)
                    continue
            time.sleep(_RETRY_SECONDS)

    def _converse(self, client, source, tokens):
        """One message by DATA, or one to three of them by BDAT in one write."""
        if source.random() < 0.5:
            self._data(client, *self._message(source, next(tokens)))
        else:
            self._chunks(client, source, [self._message(source, next(tokens)) for _ in range(source.choice((1, 1, 3)))])

    def _message(self, source, token):
        kind = source.random()
        most = min(self.largest, 8 << 10 if kind < 0.7 else 128 << 10 if kind < 0.95 else 1 << 20)
        size = source.randint(1 << 10, most) // LINE * LINE
        start = source.randint(0, (len(self._pool) - size) // LINE) * LINE
        recipients = source.sample(USERS, source.choice((1, 1, 2, 4)))
        remote = source.sample(self._remote, source.choice((1, 2))) if self._remote and source.random() < 0.4 else []
        if self._remote and source.random() < 0.02:
            remote.append(SLOW)
        paths = [f"{user}@{DOMAIN}" for user in recipients] + remote
        if self._remote and source.random() < 0.05:
            recipients += TEAM_USERS
            paths.append(TEAM)
        # What is refused or late has notifications of its own.
        success = [path for path in paths if self._remote and path not in (*BAD, SLOW) and source.random() < 0.05]
        content = (f"From: <{SENDER}@{DOMAIN}>\r\nSubject: load\r\nX-Token: {token}\r\n\r\n".encode()
                   + self._pool[start:start + size])
        self.ledger.attempt(token, recipients, content, remote, success)
        return token, [f"<{path}>" + " NOTIFY=SUCCESS" * (path in success) for path in paths], content

    def _envelope(self, recipients):
        # Here, where notifications can come.
        return [f"MAIL FROM:<{SENDER}@{DOMAIN}> BODY=8BITMIME", *(f"RCPT TO:{each}" for each in recipients)]

    def _data(self, client, token, recipients, content):
        *replies, go_on = client.pipeline(*self._envelope(recipients), "DATA")
        self._check(client, *replies)
        if go_on.code != 354:
            self._refuse(client, go_on)
        client.send(stuffed(content))
        self._settle(client, token)

    def _chunks(self, client, source, messages):
        """All of the transactions in one write; BDAT is answered chunk by chunk."""
        output, awaited = b"", []
        for token, recipients, content in messages:
            cuts = sorted(source.sample(range(len(content)), source.randint(0, 3)))
            chunks = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)])]
            output += "".join(line + "\r\n" for line in self._envelope(recipients)).encode()
            for i, chunk in enumerate(chunks):
                output += b"BDAT %d%s\r\n" % (len(chunk), b" LAST" if i == len(chunks) - 1 else b"") + chunk
            awaited.append((token, len(recipients) + len(chunks)))
        client.send(output)
        for token, replies in awaited:
            self._check(client, *(client.read_reply() for _ in range(replies)))
            self._settle(client, token)

    def _check(self, client, *replies):
        for reply in replies:
            if reply.code != 250:
                self._refuse(client, reply)

    def _settle(self, client, token):
        reply = client.read_reply()
        queued = _QUEUED.fullmatch(reply.text) if reply.code == 250 else None
        if not queued:
            self._refuse(client, reply)
        self.ledger.acknowledge(token, queued[1])

    def _refuse(self, client, reply):
        self.refused.append(str(reply))
        with contextlib.suppress(OSError):
            client.socket.shutdown(socket.SHUT_RDWR)
        raise ConnectionError(f"refused: {reply}")
