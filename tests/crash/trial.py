"""What the trials by kill and by power cut share: a server under load, and what became of the mail."""

import contextlib
import os
import pathlib
import random
import sqlite3
import sys
import tempfile

from crash.ledger import Ledger, Mailboxes, Verdict
from crash.load import DOMAIN, USERS, Load
from crash import outside
from crash.outside import SENDER, Notices, Outside
from harness.server import Server
from harness.waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = {
    "networks": ["127.0.0.0/8"],
    "domain": [{"name": DOMAIN, "kind": "local", "users": [*USERS, *outside.TEAM_USERS, SENDER],
                "aliases": {"team": outside.TEAM_USERS}}],
    "queue": {"retry": {"first": "200ms", "factor": 1.0, "max": "200ms"}, "min_free": "16MiB",
              "warn_after": outside.WARN_AFTER},
}
# What is left when the load ends is delivered within this time; it is some thousand messages.
DRAIN_SECONDS = 120
# Who is to be warned is so within this time of WARN_AFTER. Whom a crash has lost is waited for in vain, and missed by the
# verdict.
WARN_SECONDS = 15


class Trial:
    """A server (not yet started) in `folder`, its ledger, its load, its mailboxes.

    `data_dir` may lie on another file system; the log and the configuration are in `folder`.
    """

    def __init__(self, folder, seed, data_dir=None, overrides=None, **server_options):
        config = {**CONFIG, **(overrides or {})}
        if data_dir:
            config["data_dir"] = str(data_dir)
        self.outside = Outside(random.Random(seed))
        config["route"] = [{"domain": domain, "via": f"smtp://127.0.0.1:{self.outside.port}"}
                           for domain in (outside.DOMAIN, outside.SLOW.rpartition("@")[2])]
        self.server = Server(folder, config, **server_options)
        self.ledger = self.outside.ledger = Ledger()
        self.load = Load(self.server.address(), self.ledger, seed, remote=[*outside.GOOD, *outside.BAD])
        self.mailboxes = Mailboxes(self.server.data_dir / "mail", self.ledger, without=[SENDER])

    def in_spool(self):
        """Messages that the spool still holds."""
        return messages_in_spool(self.server.data_dir)

    def drain(self):
        """With the server running and the load ended: until the spool is empty. Then the server is stopped.

        What is slow stays until nothing else is left, and then for as long as it takes its senders to be warned.
        """
        self._until_few_are_left(lambda: others_in_spool(self.server.data_dir))
        with contextlib.suppress(AssertionError):
            wait_until(self._all_are_warned, WARN_SECONDS, "warnings")
        self.outside.relent()
        self._until_few_are_left(self.in_spool)
        self.server.stop()
        self.outside.stop()

    def _all_are_warned(self):
        told = Notices(self.server.data_dir / "mail").told
        return all(told.get((token, outside.SLOW, "delayed")) for token, entry in self.ledger.acknowledged().items()
                   if outside.SLOW in entry.remote)

    def _until_few_are_left(self, count):
        wait_until(lambda: count() == 0, DRAIN_SECONDS,
                   lambda: f"an empty spool; {count()} are left; the log ends:\n{self.server.log_tail()}")

    def verdict(self):
        """Of a server that does not run, from every file in new/, read once more."""
        lines = self.server.log_lines()
        verdict = Verdict(self.ledger, self.mailboxes.scan(again=True), lines)
        notices = Notices(self.server.data_dir / "mail")
        lost, faults = outside.judge(self.ledger, self.outside, notices, lines)
        verdict.told = notices.count()
        verdict.lost += lost
        verdict.faults += faults
        return verdict


def messages_in_spool(data_dir):
    """Committed messages that are not yet finished (docs/spool-format.md), read beside a running server."""
    return _number(data_dir, "SELECT count(*) FROM message")


def others_in_spool(data_dir):
    """Open recipients that are not slow."""
    return _number(data_dir, "SELECT count(*) FROM recipient WHERE domain <> 'slow.test'")


def _number(data_dir, question):
    with contextlib.closing(sqlite3.connect(f"file:{data_dir}/spool/spool.db?mode=ro", uri=True)) as database:
        return database.execute(question).fetchone()[0]


def by_hand(main):
    """Runs main() inside tools/in_namespace, with a private folder; its AssertionError is exit code 1."""
    if os.environ.get("POSTRIDER_IN_NAMESPACE") != "1":
        environment = {**os.environ, "POSTRIDER_IN_NAMESPACE": "1"}
        os.execve(ROOT / "tools/in_namespace", ["in_namespace", sys.executable, "-B", *sys.argv], environment)
    with tempfile.TemporaryDirectory(prefix="postrider-crash.") as folder:
        try:
            main(pathlib.Path(folder))
        except AssertionError as fault:
            sys.exit(f"FAILED: {fault}")
