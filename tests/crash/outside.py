"""The rest of the world in a trial: a server that takes, puts off, refuses and drops mail, and what its senders hear."""

import collections
import email
import re
import threading

from crash.ledger import digest
from harness.sink import EHLO, Drop, Reset, Sink

DOMAIN = "out.test"
GOOD = [f"good{i}@{DOMAIN}" for i in range(5)]
BAD = [f"bad{i}@{DOMAIN}" for i in range(2)]
SLOW = "slow@slow.test"  # is put off until relent(): long enough for its senders to be warned
WARN_AFTER = "500ms"
TEAM = "team@example.test"  # an alias of TEAM_USERS
TEAM_USERS = ["team0", "team1"]
SENDER = "sender"  # of the messages that go out; a mailbox here, where notifications come
_TOKEN = re.compile(rb"^X-Token: (\S+)\r?$", re.MULTILINE)
_RECEIVED = re.compile(rb"Received: [^\n]*\n(?:[ \t][^\n]*\n)*")


def _not_now(sink, connection, reply):
    said = b"451 4.3.2 not now\r\n"
    connection.sendall(said)
    return said


class Outside:
    """A Sink in moods. `taken`: (token, recipient) -> how often it was taken, each time whole."""

    def __init__(self, source):
        self._source, self._lock = source, threading.Lock()
        self.taken = collections.Counter()
        self.faults = []
        self.ledger = None
        # Without DSN: what is to be told of success is told by the server under trial.
        self.sink = Sink(("127.0.0.1", 0), ehlo=[word for word in EHLO if word != "DSN"], replies={
            **{f"RCPT:{bad}": "550 5.1.1 nobody" for bad in BAD}, f"RCPT:{SLOW}": "451 4.2.0 later"})
        self.sink.messages = self  # instead of a list that grows
        self.sink.faults = self

    @property
    def port(self):
        return self.sink.port

    def stop(self):
        self.sink.stop()

    def relent(self):
        self.sink.replies.pop(f"RCPT:{SLOW}")

    # --- what the sink sees as its faults ---------------------------------------------------------------

    def get(self, step):
        """Now and then: nothing said, a reset, or a no for now."""
        with self._lock:
            kind = self._source.random()
            if step not in ("greeting", "MAIL", "DATA", "end", "BDAT") or kind > 0.06:
                return None
            if kind < 0.02:
                return Drop()
            if kind < 0.04:
                return Reset()
            return _not_now

    # --- what the sink sees as its list of messages -------------------------------------------------------

    def append(self, message):
        token = _TOKEN.search(message.content)
        entry = token and self.ledger.entries.get(token[1].decode())
        with self._lock:
            if not entry:
                self.faults.append(f"outside: {len(message.content)} octets, nobody sent it: {message.content[:200]!r}")
            elif digest(_RECEIVED.sub(b"", message.content, count=1).replace(b"\r\n", b"\n")) != entry.digest:
                self.faults.append(f"outside: not what was sent as {token[1]!r}")
            else:
                for recipient in message.recipients:
                    self.taken[token[1].decode(), recipient] += 1


class Notices:
    """The notifications in the senders' mailbox: (token, recipient, action) -> the Message-IDs of those that tell of it."""

    def __init__(self, folder):
        self.told = collections.defaultdict(set)
        self.faults = []
        for path in sorted((folder / "example.test" / SENDER / "new").glob("*")):
            octets = path.read_bytes()
            token = _TOKEN.search(octets)
            mail = email.message_from_bytes(octets)
            told = [(part["Final-Recipient"].partition(";")[2].strip(), part["Action"].strip())
                    for report in mail.walk() if report.get_content_type() == "message/delivery-status"
                    for part in report.get_payload() if part["Final-Recipient"]]
            if not token or not told:
                self.faults.append(f"{path}: tells of nothing: {octets[:300]!r}")
            for recipient, action in told:
                self.told[token and token[1].decode(), recipient, action].add(mail["Message-ID"])

    def count(self):
        """action -> how many were told of it."""
        return collections.Counter(action for (_, _, action), ids in self.told.items() for _ in ids)


def due(entry):
    """(recipient, action) of all that the message's sender must hear."""
    for recipient in entry.remote:
        if recipient in BAD:
            yield recipient, "failed"
        if recipient == SLOW:
            yield recipient, "delayed"
    for recipient in entry.success:
        yield recipient, ("relayed" if recipient in entry.remote else
                          "expanded" if recipient == TEAM else "delivered")


def judge(ledger, outside, notices, log_lines):
    """(what is lost, what is wrong) of mail that went out, and of what senders were to hear."""
    lost, faults = [], outside.faults + notices.faults
    expected = set()
    for token, entry in ledger.acknowledged().items():
        for recipient in entry.remote:
            if recipient not in BAD and not outside.taken[token, recipient]:
                lost.append(f"{token} for {recipient}, acknowledged as {entry.id}, did not go out")
        for recipient, action in due(entry):
            expected.add((token, recipient, action))
            if not notices.told.get((token, recipient, action)):
                lost.append(f"{token}, {entry.id}: its sender did not hear that {recipient} is {action}")
    acknowledged = ledger.acknowledged()
    for (token, recipient, action), ids in notices.told.items():
        # Any may be delayed while the server is down, but is so once; one that was not acknowledged may have been taken.
        if action != "delayed" and token in acknowledged and (token, recipient, action) not in expected:
            faults.append(f"{token}: its sender heard, and should not, that {recipient} is {action}: {ids}")
        if len(ids) > 1:
            faults.append(f"{token}: told {len(ids)} times that {recipient} is {action}: {ids}")
    ends = collections.Counter((line["id"], line["to"]) for line in log_lines
                               if line.get("event") in ("relayed", "failed") and line["to"].endswith(DOMAIN))
    faults += [f"{message} for {recipient}: {count} ends in the log" for (message, recipient), count in ends.items()
               if count > 1]
    return lost, faults
