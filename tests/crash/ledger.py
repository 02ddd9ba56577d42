"""What was acknowledged, and what is in the mailboxes: the two that no crash may make differ."""

import collections
import hashlib
import pathlib
import re
import threading

# The three trace fields that stand above what the client sent, and the token in its header.
_TOP = re.compile(rb"Return-Path:[^\n]*\nDelivered-To: ([^\n]*)\nReceived:[^\n]*\n(?:[ \t][^\n]*\n)*")
_TOKEN = re.compile(rb"^X-Token: (\S+)\n", re.MULTILINE)
# "1763.M000123P4711Q5.mx.test,S=1234,W=1260": P is the process that wrote it.
_PROCESS = re.compile(r"\.M\d+P(\d+)Q\d+\.")
# What there is to read of a file before its content is of interest.
_TOP_BYTES = 8192


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Entry:
    """One message that a client tried to send; `id` is what the 250 said, None where there was no 250."""

    def __init__(self, recipients, content, remote=(), success=()):
        self.recipients = tuple(recipients)
        self.remote = tuple(remote)  # whole addresses, of other servers
        self.success = tuple(success)  # whole addresses: of these the sender asked to hear when they have it
        self.digest = digest(content.replace(b"\r\n", b"\n"))
        self.id = None


class Ledger:
    """Every message by its token. Any thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self.entries = {}

    def attempt(self, token, recipients, content, remote=(), success=()):
        """To be called before the first octet leaves; content is what the client sends, CRLF line ends."""
        entry = Entry(recipients, content, remote, success)
        with self._lock:
            self.entries[token] = entry
        return entry

    def acknowledge(self, token, message_id):
        with self._lock:
            self.entries[token].id = message_id

    def acknowledged(self):
        """token -> entry, of all that got their 250 so far."""
        with self._lock:
            return {token: entry for token, entry in self.entries.items() if entry.id is not None}


class Mail:
    """A file in new/: whose it is, its token, the process that wrote it, and what is wrong with it (or None)."""

    def __init__(self, path, ledger):
        self.path = str(path)
        self.user, self.domain = path.parts[-3], path.parts[-4]
        self.process = int(_PROCESS.search(path.name)[1])
        self.token = None
        self.fault = self._fault(path.read_bytes(), ledger)

    def _fault(self, octets, ledger):
        top = _TOP.match(octets[:_TOP_BYTES])
        if not top:
            return f"{self.path}: {len(octets)} octets, not the trace fields on top: {octets[:200]!r}"
        if top[1].decode() != f"{self.user}@{self.domain}":
            return f"{self.path}: delivered to {top[1]!r}"
        token = _TOKEN.search(octets, top.end(), top.end() + _TOP_BYTES)
        entry = token and ledger.entries.get(token[1].decode())
        if not entry:
            return f"{self.path}: {len(octets)} octets, nobody sent it"
        self.token = token[1].decode()
        if digest(octets[top.end():]) != entry.digest:
            return f"{self.path}: {len(octets)} octets, not what was sent as {self.token}"
        if self.user not in entry.recipients:
            return f"{self.path}: {self.token} was not sent to {self.user}"
        return None


class Mailboxes:
    """Every file in new/ below `root` (but of the users `without`), read whole and compared with the ledger."""

    def __init__(self, root, ledger, without=()):
        self.root, self.ledger, self.without = pathlib.Path(root), ledger, without
        self.mails = {}  # path -> Mail

    def scan(self, again=False):
        """Reads what is new there; again=True: everything, and what is gone is forgotten."""
        found = {str(path): path for path in self.root.glob("*/*/new/*")
                 if path.parts[-3] not in self.without}
        known = {} if again else self.mails
        self.mails = {name: known.get(name) or Mail(path, self.ledger) for name, path in found.items()}
        return self

    def faults(self):
        return [mail.fault for mail in self.mails.values() if mail.fault]

    def copies(self):
        """(token, user) -> its files."""
        copies = collections.defaultdict(list)
        for mail in self.mails.values():
            if not mail.fault:
                copies[mail.token, mail.user].append(mail)
        return copies


class Verdict:
    """What a trial came to, from the ledger, the mailboxes and the log lines of all starts.

    The server writes "delivered" with the file's path after the outcome is synced. A file without such a line
    was in flight when the server died: it may come again. One with it never may.
    """

    def __init__(self, ledger, mailboxes, log_lines):
        acknowledged = ledger.acknowledged()
        copies = mailboxes.copies()
        logged = {line["detail"] for line in log_lines if line.get("event") == "delivered" and "detail" in line}
        self.acknowledged = len(acknowledged)
        self.recipients = sum(len(entry.recipients) for entry in acknowledged.values())
        self.lost = [f"{token} for {user}, acknowledged as {entry.id}" for token, entry in acknowledged.items()
                     for user in entry.recipients if (token, user) not in copies]
        self.duplicates = sum(len(mails) - 1 for mails in copies.values())
        self.in_flight = sum(path not in logged for path in mailboxes.mails)
        self.told = {}  # action -> how many of its recipients senders heard of
        self.faults = mailboxes.faults()
        self.faults += [f"logged as delivered, and gone: {path}" for path in logged - mailboxes.mails.keys()
                        if pathlib.Path(path).parts[-3] not in mailboxes.without]
        for (token, user), mails in copies.items():
            self.faults += _faults_of_copies(f"{token} for {user}", mails, logged)

    def __str__(self):
        return (f"acknowledged {self.acknowledged} messages for {self.recipients} recipients, lost {len(self.lost)}, "
                f"duplicates {self.duplicates} (deliveries in flight at a crash: {self.in_flight}), "
                f"senders told of {', '.join(f'{n} {action}' for action, n in sorted(self.told.items())) or 'nobody'}, "
                f"faults {len(self.faults)}")

    def check(self):
        assert not self.lost, f"{self}\nlost:\n" + "\n".join(self.lost[:20])
        assert not self.faults, f"{self}\n" + "\n".join(self.faults[:20])
        # Each second copy needs a first one whose outcome died with the server.
        assert self.duplicates <= self.in_flight, str(self)


def _faults_of_copies(name, mails, logged):
    """One copy of a process; none after the one whose outcome is recorded."""
    mails = sorted(mails, key=lambda mail: mail.process)
    if len({mail.process for mail in mails}) < len(mails):
        yield f"{name}: twice from one process: {[mail.path for mail in mails]}"
    for mail in mails[:-1]:
        if mail.path in logged:
            yield f"{name}: recorded, and delivered again: {[mail.path for mail in mails]}"
