"""A fake DNS server on loopback, from a dict."""

import threading

import dnslib
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from harness.ports import free_port
from harness.waiting import POLL_SECONDS

# Instead of a name's records: this answer, for every type.
SERVFAIL = "SERVFAIL"
REFUSED = "REFUSED"
NXDOMAIN = "NXDOMAIN"
TIMEOUT = "TIMEOUT"  # no answer at all
_RCODES = {SERVFAIL: dnslib.RCODE.SERVFAIL, REFUSED: dnslib.RCODE.REFUSED, NXDOMAIN: dnslib.RCODE.NXDOMAIN}


class FakeDns(BaseResolver):
    """Answers over UDP and TCP from `records`, which may be changed while it runs.

        {"example.test": {"MX": ["10 mx.example.test"], "A": ["127.0.0.2"], "TXT": ["v=spf1 -all"]},
         "alias.test":   {"CNAME": ["example.test"]},
         "broken.test":  SERVFAIL, "slow.test": {"A": TIMEOUT, "AAAA": []}}

    Names are compared without case. A name that isn't there is NXDOMAIN (unless something is below it), a
    type that isn't there an empty answer; both come with a SOA, so that they may be cached for `ttl` seconds.
    """

    def __init__(self, records, address="127.0.0.1", port=None, ttl=60):
        self.records, self.ttl = records, ttl
        self.silent = False  # no answer at all, to any question
        self.queries = []  # (name, type) of each question, in order
        self.address, self.port = address, port or free_port(address)
        self._lock = threading.Lock()
        quiet = DNSLogger(logf=lambda _: None)
        self._servers = [DNSServer(self, address=address, port=self.port, tcp=tcp, logger=quiet)
                         for tcp in (False, True)]
        for server in self._servers:
            threading.Thread(target=server.server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    @property
    def server(self):
        """As `[dns] servers` wants it: address@port."""
        return f"{self.address}@{self.port}"

    def stop(self):
        for server in self._servers:
            server.server.shutdown()
            server.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def resolve(self, request, handler):
        name, kind = _name(request.q.qname), dnslib.QTYPE[request.q.qtype]
        with self._lock:
            self.queries.append((name, kind))
        if self.silent:
            raise dnslib.DNSError("told not to answer")
        reply = request.reply(ra=1, aa=0)
        self._fill(reply, name, kind, depth=0)
        return reply

    def _fill(self, reply, name, kind, depth):
        table = {_name(key): value for key, value in self.records.items()}
        found = table.get(name)
        if isinstance(found, dict):
            found = found.get(kind, found.get("CNAME", []))
        if found == TIMEOUT:
            raise dnslib.DNSError("told not to answer")
        if isinstance(found, str):
            reply.header.rcode = _RCODES[found]
        elif found:
            cname = kind not in table[name]
            for text in found:
                reply.add_answer(*dnslib.RR.fromZone(self._zone_line(name, "CNAME" if cname else kind, text)))
            if cname and depth < 8 and _name(found[0]) in table:
                self._fill(reply, _name(found[0]), kind, depth + 1)
        else:
            if found is None and not any(key.endswith("." + name) for key in table):
                reply.header.rcode = dnslib.RCODE.NXDOMAIN
            reply.add_auth(*dnslib.RR.fromZone(
                f"{name.rpartition('.')[2]}. {self.ttl} SOA ns.invalid. root.invalid. 1 60 60 60 {self.ttl}"))

    def _zone_line(self, name, kind, text):
        if kind == "TXT" and not text.startswith('"'):
            # A string of a TXT record holds at most 255 octets (RFC 1035 3.3).
            text = " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))
        if kind in ("MX", "CNAME", "PTR", "NS") and not text.endswith("."):
            text += "."
        return f"{name}. {self.ttl} {kind} {text}"


def _name(name):
    return str(name).rstrip(".").lower()
