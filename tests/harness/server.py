"""One Postrider in a private folder: started, watched, stopped, killed."""

import atexit
import os
import pathlib
import re
import signal
import subprocess

from harness import logfmt, toml
from harness.ports import free_port
from harness.smtp import Client
from harness.waiting import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 20
STOP_SECONDS = 20

DEFAULT_CONFIG = {
    "hostname": "mx.test",
    "networks": [],
    "threads": 2,  # whatever the machine: what two of them share is to be tested
    "authentication": {"check": False},  # there is no DNS, unless a test brings one
    "listener": [{}],
    "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob"]}],
}
DEFAULT_LISTENER = {"mode": "mx", "tls": "none"}

# What a log may never hold, whatever the test did.
BUGS = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|\baborted\b|Assertion .* failed"
                  r"|terminate called")


def binary():
    """The program under test: $POSTRIDER_BIN, else the release build."""
    path = pathlib.Path(os.environ.get("POSTRIDER_BIN") or ROOT / "build/release/postrider").resolve()
    assert path.exists(), f"{path} is not there; build it: cmake --preset release && cmake --build --preset release"
    return path


class Server:
    """A server of its own, with its folder, ports, log and mailboxes.

    `overrides` are laid onto DEFAULT_CONFIG (see toml.merge). `listener` is a list of dicts; each gets
    mode "mx", tls "none" and a free port on 127.0.0.1 where it doesn't say otherwise (an address without
    a port, "127.0.0.3" or "[::1]", gets one too). `wrap` is put before the command line and must exec in
    place, so that the pid is the server's: ["prlimit", "--nofile=64"], ["strace", "-D", "-f", "-o", "F"].
    `program` is another binary than binary().
    """

    def __init__(self, folder, overrides=None, wrap=(), env=None, program=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config_path = self.folder / "postrider.toml"
        self.log_path = self.folder / "log"
        self.wrap, self.env = list(wrap), dict(env or {})
        self.program = str(program or binary())
        self.process = None
        self._log_start = 0
        self._may_be_gone = True
        config = toml.merge(DEFAULT_CONFIG, overrides or {})
        config.setdefault("data_dir", str(self.folder / "data"))
        config["listener"] = [_with_address({**DEFAULT_LISTENER, **one}) for one in config["listener"]]
        self.configure(config)
        atexit.register(self._kill_quietly)

    # --- configuration -------------------------------------------------------------------------------

    def configure(self, config):
        """Writes `config` (whole) as the file; a running server sees it at reload()."""
        self.config = config
        self.config_path.write_text(toml.dumps(config), encoding="utf-8")

    def change(self, overrides):
        """Lays `overrides` onto the present configuration and writes it."""
        self.configure(toml.merge(self.config, overrides))

    @property
    def data_dir(self):
        return pathlib.Path(self.config["data_dir"])

    def address(self, listener=0):
        """(host, port) of the listener with this index."""
        host, _, port = self.config["listener"][listener]["address"].rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def port(self):
        return self.address()[1]

    # --- life ----------------------------------------------------------------------------------------

    @property
    def pid(self):
        return self.process.pid

    def start(self, ready=True):
        """Starts the server and waits for "ready"; with ready=False it only starts it."""
        assert self.process is None or self.process.poll() is not None, "already running"
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrap, self.program, "serve", "--config", str(self.config_path)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=self.folder, env={**os.environ, **self.env})
        self._may_be_gone = not ready
        if ready:
            wait_until(self._ready_or_gone, START_SECONDS, lambda: f"ready; the log:\n{self.log_text()}")
            assert self.running(), f"ended at start with {self.process.poll()}; the log:\n{self.log_text()}"
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM; the server must end with exit code 0 in time."""
        assert self.running(), f"not running any more; the log ends:\n{self.log_tail()}"
        self.process.send_signal(signal.SIGTERM)
        code = self.wait_exit(STOP_SECONDS)
        assert code == 0, f"SIGTERM ended it with {code}; the log ends:\n{self.log_tail()}"

    def kill(self):
        """SIGKILL, as a crash."""
        self._may_be_gone = True
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def wait_exit(self, timeout=STOP_SECONDS):
        """Waits until the server ended by itself (or by a signal sent before) and returns its exit code."""
        self._may_be_gone = True
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s; the log ends:\n{self.log_tail()}") from None

    def restart(self):
        if self.running():
            self.stop()
        return self.start()

    def reload(self):
        """SIGHUP; wait_log() for what the server says of it."""
        self.process.send_signal(signal.SIGHUP)

    def finish(self):
        """After a test: the server has not crashed, stops cleanly, and its log tells of no bug."""
        if self.process is None:
            return
        try:
            if self.running():
                self.stop()
            else:
                assert self._may_be_gone, f"ended with {self.process.poll()}; the log ends:\n{self.log_tail()}"
        finally:
            self._kill_quietly()
        bug = BUGS.search(self.log_text())
        assert not bug, f"{bug[0]!r} in the log:\n{self.log_text()[max(0, bug.start() - 500):bug.start() + 6000]}"

    # --- what it says --------------------------------------------------------------------------------

    def log_text(self):
        """The whole log, of all starts."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def log_tail(self, lines=60):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def log_lines(self):
        """The log's whole lines as dicts (see logfmt.parse)."""
        return [logfmt.parse(line) for line in self.log_text().splitlines(keepends=True)
                if line.endswith("\n") and line.strip()]

    def wait_log(self, timeout=10, count=1, after=0, **fields):
        """Waits until `count` log lines have all `fields`, from line number `after` on; returns the last of them.

        A field's value is compared as a string; a compiled regex is searched.
        """
        def found():
            matching = [line for line in self.log_lines()[after:] if _has(line, fields)]
            return matching[count - 1] if len(matching) >= count else None
        return wait_until(found, timeout, lambda: f"a log line with {fields}; the log ends:\n{self.log_tail()}")

    def cpu_seconds(self):
        """Processor time that all its threads have used so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self):
        """Resident memory in bytes, now."""
        return self._status_kib("VmRSS") * 1024

    def peak_rss(self):
        return self._status_kib("VmHWM") * 1024

    # --- mail ----------------------------------------------------------------------------------------

    def client(self, listener=0, source=None, timeout=10, greeting=True, tls=None, server_name="mx.test"):
        """A connection to one of its listeners; with greeting=True the 220 has been read and checked.

        `tls` is the context for a listener whose TLS is implicit."""
        client = Client(*self.address(listener), source=source, timeout=timeout)
        if tls:
            client.wrap(tls, server_name)
        if greeting:
            client.expect(220)
        return client

    def maildir_path(self, domain, user):
        return self.data_dir / "mail" / domain / user

    def maildir(self, domain, user):
        """The messages in new/, as bytes, in the order of their names."""
        new = self.maildir_path(domain, user) / "new"
        return [path.read_bytes() for path in sorted(new.iterdir())] if new.is_dir() else []

    def wait_mail(self, domain, user, n=1, timeout=20):
        """Waits until new/ holds at least `n` messages and returns them all."""
        new = self.maildir_path(domain, user) / "new"
        wait_until(lambda: new.is_dir() and len(list(new.iterdir())) >= n, timeout,
                   lambda: f"{n} messages for {user}@{domain}, there are {len(self.maildir(domain, user))}; "
                           f"the log ends:\n{self.log_tail()}")
        return self.maildir(domain, user)

    # --- inside --------------------------------------------------------------------------------------

    def _ready_or_gone(self):
        if not self.running():
            return True
        with open(self.log_path, "rb") as log:
            log.seek(self._log_start)
            return re.search(rb"\bready\b.*\n", log.read())

    def _status_kib(self, key):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", status, re.MULTILINE)[1])

    def _kill_quietly(self):
        if self.running():
            self.kill()


def _with_address(listener):
    address = listener.get("address", "127.0.0.1")
    if not re.search(r"[^:]:\d+$", address) or (address.count(":") > 1 and not re.search(r"\]:\d+$", address)):
        address = f"{address}:{free_port(address.strip('[]'))}"
    return {**listener, "address": address}


def _has(line, fields):
    for key, wanted in fields.items():
        value = line.get(key)
        if value is None or not (wanted.search(value) if isinstance(wanted, re.Pattern) else value == str(wanted)):
            return False
    return True
