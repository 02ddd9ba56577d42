"""A fake Internet: domains with their own addresses on 127.0.0.0/8, told by real name servers (NSD has the zones,
Unbound resolves), and mail servers on port 25.

    with Internet(folder, {"one.test": {"@": ["MX 10 mx"], "mx": ["A 127.0.1.1"]},
                           "broken.test": SERVFAIL, "silent.test": TIMEOUT}) as internet:
        make_server(dns={"servers": [internet.server]})

With `signed` each zone is signed (DNSSEC) by a key of its own, which `trust_anchors` has, for `[dns] trust_anchors`.

A zone is a dict from names (relative to the zone, "@" is the zone itself) to records as a zone file has them. What is
in no zone does not exist. For use inside tools/in_namespace (root; port 25).
"""

import pathlib
import socket
import subprocess

from harness.peers import STOP_SECONDS, environment, program
from harness.ports import free_port
from harness.waiting import wait_until

SERVFAIL = "SERVFAIL"  # a zone whose server has no data
TIMEOUT = "TIMEOUT"    # a zone whose server never answers
START_SECONDS = 20

_NSD = """\
server:
  ip-address: 127.0.0.54
  port: {port}
  username: ""
  chroot: ""
  server-count: 1
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
remote-control:
  control-enable: no
"""
_UNBOUND = """\
server:
  interface: 127.0.0.1
  port: {port}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  num-threads: 1
  module-config: "{modules}"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  root-hints: ""
  local-zone: "test." nodefault
  local-zone: "2.0.192.in-addr.arpa." nodefault
  outbound-msg-retry: 2
  infra-cache-min-rtt: 50
  so-reuseport: no
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: 127.0.0.54@{nsd}
"""
_ZONE = """\
$ORIGIN {name}.
$TTL {ttl}
@ SOA ns hostmaster 1 3600 600 86400 {ttl}
@ NS ns
ns A 127.0.0.54
"""


class Internet:
    """`zones` as above; `server` is what `[dns] servers` wants."""

    def __init__(self, folder, zones, ttl=1, signed=False):
        self.folder = pathlib.Path(folder)
        self.trust_anchors = self.folder / "trust-anchors"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._nsd_port, self._port = free_port("127.0.0.54"), free_port("127.0.0.1")
        self._processes = []
        # Held and never read: who is asked there does not answer.
        self._silence = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._silence.bind(("127.0.0.55", 0))
        nsd, unbound = _NSD.format(port=self._nsd_port, folder=self.folder), ""
        # The root that this Internet has: without it nothing could be said not to exist.
        for name, zone in {"": {}, **zones}.items():
            if zone == TIMEOUT:
                unbound += f'stub-zone:\n  name: "{name}."\n  stub-addr: 127.0.0.55@{self._silence.getsockname()[1]}\n'
                continue
            file = self.folder / f"{name or 'root'}.zone"
            if zone != SERVFAIL:
                file.write_text(_zone(name, zone, ttl), encoding="utf-8")
                if signed and name:
                    self._sign(name, file)
            nsd += f'zone:\n  name: "{name}."\n  zonefile: "{file}"\n'
            if name:
                unbound += f'stub-zone:\n  name: "{name}."\n  stub-addr: 127.0.0.54@{self._nsd_port}\n'
        (self.folder / "nsd.conf").write_text(nsd)
        unbound = _UNBOUND.format(port=self._port, folder=self.folder, nsd=self._nsd_port,
                                  modules="validator iterator" if signed else "iterator") + unbound
        (self.folder / "unbound.conf").write_text(unbound)

    def _sign(self, name, file):
        """Its resolver has no anchor: it hands the signatures on, and who asks it has to judge them."""
        key = self._call("ldns-keygen", "-a", "ECDSAP256SHA256", name)
        self._call("ldns-signzone", "-f", file, file, key)
        with open(self.trust_anchors, "ab") as anchors:
            anchors.write((self.folder / f"{key}.key").read_bytes())

    def _call(self, *words):
        return subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True).stdout.strip()

    def spoil(self, name, old, new):
        """After it was signed, and before it is served: another text in the zone, whose signature then is none."""
        file = self.folder / f"{name}.zone"
        text = file.read_text()
        assert old in text, text
        file.write_text(text.replace(old, new))

    @property
    def server(self):
        return f"127.0.0.1@{self._port}"

    def start(self):
        self._run("nsd", "/usr/sbin/nsd", "-d", "-c", self.folder / "nsd.conf", answers=("127.0.0.54", self._nsd_port))
        self._run("unbound", "/usr/sbin/unbound", "-d", "-c", self.folder / "unbound.conf",
                  answers=("127.0.0.1", self._port))
        return self

    def stop(self):
        for process in self._processes:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
        self._silence.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _run(self, name, path, *arguments, answers):
        log = self.folder / f"{name}.log"
        with open(log, "ab") as output:
            process = subprocess.Popen([program(path), *arguments], stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, env=environment(), start_new_session=True)
        self._processes.append(process)

        def ready():
            assert process.poll() is None, f"{name} ended at start:\n{log.read_text('utf-8', 'replace')}"
            try:
                socket.create_connection(answers, 1).close()
                return True
            except OSError:
                return False
        wait_until(ready, START_SECONDS, lambda: f"{name} to listen:\n{log.read_text('utf-8', 'replace')}")


def _zone(name, records, ttl):
    lines = [_ZONE.format(name=name, ttl=ttl)]
    if not name:
        lines = [lines[0].replace("$ORIGIN ..", "$ORIGIN .")]
    return "".join(lines) + "".join(f"{owner} {record}\n" for owner, each in records.items() for record in each)
