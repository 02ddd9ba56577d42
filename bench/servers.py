"""The servers that are compared: a private Postfix, Postrider, and the sink alone; with one interface.

name · about (version and sync setting) · port · account · start() · stop() · empty(): after it nothing is queued, and
nothing in the mailbox.
"""

import os
import pathlib
import re
import socket
import subprocess

from harness import peers
from harness.control import Control, socket_path
from harness.server import START_SECONDS, Server
from harness.waiting import wait_until
from meter import Account

MAILBOX_ID = 64999
# In the namespace's own /run, in memory: what smtp-sink counts and Postfix logs is not on the disk that is measured.
MEMORY = pathlib.Path("/run/postrider-bench")
ADMIN_SECONDS = 300
POSTFIX = {
    # POSTFIX_MAIN hurries for the tests; these are Postfix's defaults.
    "minimal_backoff_time": "300s", "queue_run_delay": "300s",
    "in_flow_delay": "0s", "virtual_mailbox_limit": "0",
    "virtual_mailbox_domains": "mailbox.test", "virtual_mailbox_maps": "static:user/",
    "virtual_uid_maps": f"static:{MAILBOX_ID}", "virtual_gid_maps": f"static:{MAILBOX_ID}",
}
POSTRIDER = {
    "hostname": "mx.test", "networks": ["127.0.0.0/8"], "log": {"level": "warning"},
    "domain": [{"name": "mailbox.test", "users": ["user"]}],
}


class Measured:
    """What all peers do with their account."""

    def start(self):
        super().start()
        self.account.root = self.process.pid
        return self

    def stop(self):
        super().stop()
        self.account.close()

    def empty(self):
        pass


class Sink(Measured, peers.SmtpSink):
    """smtp-sink, where relayed mail ends; it is a server of its own for the ceiling: smtp-source into smtp-sink."""

    name, about = "ceiling", "smtp-source → smtp-sink"

    def __init__(self, folder):
        super().__init__(folder, "-c")
        self.account = Account(f"sink-{self.port}")
        MEMORY.mkdir(exist_ok=True)
        self.counter = MEMORY / f"sink-{self.port}"

    def command(self):
        counted = ["/bin/sh", "-c", f'exec "$@" > {self.counter}', "sh"]
        return [*self.account.wrap(), *counted, *super().command()]

    def count(self):
        """Messages so far; smtp-sink -c writes "sess=… quit=… mesg=…" again and again, with no line ends."""
        with open(self.counter, "rb") as file:
            file.seek(max(0, self.counter.stat().st_size - 200))
            return int((re.findall(rb"mesg=(\d+)\r", file.read()) or [0])[-1])


class OpensslServer(Measured, peers.Peer):
    """openssl s_server, which sends each line back reversed: what a TLS session costs that does nothing else."""

    name, about = "openssl", "openssl s_server"

    def __init__(self, folder, certificate):
        super().__init__(folder)
        self.certificate = certificate
        self.account = Account(f"openssl-{self.port}")

    def command(self):
        return [*self.account.wrap(), "openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", self.certificate.pem,
                "-key", self.certificate.key, "-rev", "-quiet"]


class Postfix(Measured, peers.Postfix):
    name = "Postfix"

    def __init__(self, folder, main):
        MEMORY.mkdir(exist_ok=True)
        self.mailbox = pathlib.Path(folder) / "mail/user/new"
        super().__init__(folder, {**POSTFIX, "virtual_mailbox_base": pathlib.Path(folder) / "mail",
                                  "maillog_file": MEMORY / "maillog", **main})
        for name in ("", "cur", "new", "tmp"):
            path = pathlib.Path(folder) / "mail/user" / name
            path.mkdir(parents=True, exist_ok=True)
            os.chown(path, MAILBOX_ID, MAILBOX_ID)
        version = self.run("/usr/sbin/postconf", "-c", self.conf, "-h", "mail_version").decode().strip()
        self.about = f"Postfix {version} (fsync per message)"
        self.account = Account(f"postfix-{self.port}")

    def command(self):
        return [*self.account.wrap(), *super().command()]

    def empty(self):
        self.run("/usr/sbin/postsuper", "-c", self.conf, "-d", "ALL")
        set_aside(self.mailbox)


class Postrider(Server):
    def __init__(self, name, folder, program, config):
        self.account = Account(f"{name.lower()}-{os.path.basename(folder)}")
        super().__init__(folder, {**POSTRIDER, **config}, wrap=self.account.wrap(), program=program)
        self.name, self.emptied = name, ["--all"]
        self.mailbox = self.maildir_path("mailbox.test", "user") / "new"
        version = subprocess.check_output([self.program, "--version"], text=True).split()[-1]
        self.about = f"{name} {version} (SQLite WAL, synchronous=FULL, group commit)"

    def start(self):
        super().start(ready=False)  # "ready" is no warning
        wait_until(self._answers, START_SECONDS, lambda: f"{self.name} to answer; the log:\n{self.log_text()}")
        self.account.root = self.pid
        return self

    def _answers(self):
        try:
            socket.create_connection(self.address(), 1).close()
            Control(socket_path(self)).close()
            return True
        except OSError:
            assert self.running(), f"{self.name} ended at start; the log:\n{self.log_text()}"
            return False

    def stop(self):
        super().stop()
        self.account.close()

    def empty(self):
        # What leaves by itself between the list and the change counts as left alone.
        wait_until(self._is_emptied, ADMIN_SECONDS, lambda: f"{self.name}'s queue to be empty")
        set_aside(self.mailbox)

    def _is_emptied(self):
        command = [self.program, "queue", "remove", *self.emptied, "--yes", "--config", self.config_path]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ADMIN_SECONDS,
                              check=False)
        return done.returncode == 0 or "nothing in the queue matches" in done.stderr


def set_aside(folder):
    """Its files go into a folder beside it, until the scenario ends. Removed, they would slow the next run in proportion
    to their number: ext4 without a journal looks past each inode that was freed in the last minute, for each that it
    gives out."""
    if folder.is_dir():
        aside = folder.parent.parent / "aside"
        aside.mkdir(exist_ok=True)
        for entry in os.scandir(folder):
            os.rename(entry, aside / entry.name)
