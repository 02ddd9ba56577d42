"""SPF records by chance, with the zone that they speak of and who sends: for comparing implementations."""

import ipaddress
import random

CLIENTS = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "203.0.113.200", "2001:db8::1", "2001:db8:1:2::77"]
HELOS = ["mail.hosts.test", "h3.hosts.test", "client.test", "no-such.test"]
LOCALS = ["alice", "strong-bad", "a.b+c", "x_y=z"]
HOSTS = [f"h{i}.hosts.test" for i in range(12)]
MX_DOMAINS = [f"m{i}.mx.test" for i in range(6)]
MACROS = ["%{d}", "%{d2}", "%{o}", "%{h}", "%{l}", "%{l1r-}", "%{lr+-}", "%{ir}", "%{i}", "%{v}", "%{dr}", "%{d1r}", "%{L}",
          "%{s}", "%{p}"]


class Zone:
    """Records by (type, name), and names that give no answer."""

    def __init__(self):
        self.records, self.silent = {}, set()

    def add(self, kind, name, data):
        self.records.setdefault((kind, name), []).append(data)

    def exists(self, name):
        return any(each == name for _, each in self.records)

    def lines(self):
        """As spf_answers reads them."""
        for (kind, name), every in self.records.items():
            for data in every:
                words = data if isinstance(data, tuple) else (data,)
                yield "\t".join([kind, name, *map(str, words)])
        yield from (f"SILENT\t{name}" for name in self.silent)


def surroundings():
    """The hosts, exchanges, clients' names and lists that the records speak of."""
    zone = Zone()
    for i, host in enumerate(HOSTS):
        if i % 4 != 3:
            zone.add("A", host, CLIENTS[i % 4] if i < 4 else f"198.51.100.{i}")
        if i % 3 == 0:
            zone.add("AAAA", host, CLIENTS[4 + i % 2] if i < 4 else f"2001:db8:f::{i}")
    zone.add("A", "mail.hosts.test", "192.0.2.77")
    for domain, exchanges in zip(MX_DOMAINS, ([0], [4, 5], [3, 4, 8], [], range(10), range(11))):
        for i in exchanges:
            zone.add("MX", domain, (i, HOSTS[i % len(HOSTS)]))
    zone.add("MX", MX_DOMAINS[3], (0, "gone.hosts.test"))
    for client in CLIENTS:
        reverse = ipaddress.ip_address(client).reverse_pointer
        name = f"client.{'six' if ':' in client else 'four'}.test"
        zone.add("PTR", reverse, name)
        if client != CLIENTS[1]:
            zone.add("AAAA" if ":" in client else "A", name, client)
        zone.add("A", f"{client}.list.test", "127.0.0.2")
    for local in LOCALS:
        zone.add("A", f"{local}.users.test", "127.0.0.2")
    zone.add("TXT", "why.test", "%{s} may not send from %{i}: %{d} %{h}")
    zone.add("TXT", "odd-why.test", "%{x}")
    zone.silent.add("silent.test")
    return zone


class Writer:
    """Writes records; the same for the same seed. `without`: pieces of text that they don't have."""

    def __init__(self, seed, count, without):
        self.random, self.count, self.without = random.Random(seed), count, without

    def choice(self, texts):
        return self.random.choice([text for text in texts if not any(each in text for each in self.without)])

    def record(self):
        terms = [self.term() for _ in range(self.random.choice([0, 1, 1, 2, 2, 3, 4, 6, 12]))]
        if self.random.random() < 0.7:
            terms.append(self.choice(["-all", "~all", "?all", "all", "+all"]))
        elif self.random.random() < 0.6:
            terms.append(f"redirect={self.other()}")
        if self.random.random() < 0.3:
            terms.insert(self.random.randrange(len(terms) + 1), f"exp={self.choice(['why.test', 'odd-why.test', 'gone.test'])}")
        text = "v=spf1 " + (" " * self.random.choice([1, 1, 1, 2])).join(terms)
        return self.damaged(text) if self.random.random() < 0.12 else text

    def term(self):
        qualifier = self.choice(["", "", "", "+", "-", "~", "?"])
        kind = self.choice(["a", "a", "mx", "mx", "ptr", "ip4", "ip4", "ip6", "exists", "include", "include", "unknown"])
        if kind == "unknown":
            return self.choice(["op=pra", "x.y-z_1=%{d}/a:b", "default=-all", "ra=postmaster"])
        return qualifier + getattr(self, kind)()

    def a(self):
        return "a" + self.of([*HOSTS, "gone.test", "silent.test"], 0.8) + self.cidr()

    def mx(self):
        return "mx" + self.of(MX_DOMAINS, 0.9) + self.cidr()

    def ptr(self):
        return "ptr" + self.of(["four.test", "test", "six.test", "hosts.test"], 0.7)

    def of(self, domains, share):
        if self.random.random() > share:
            return ""
        domain = self.choice(domains)
        return ":" + (domain if "." in domain else f"x.{domain}") + self.choice(["", "", "."])

    def cidr(self):
        return self.choice(["", "", "", "/24", "/0", "//64", "/24//32", "/32", "//128", "/16//0"])

    def ip4(self):
        return f"ip4:{self.choice(CLIENTS[:4] + ['10.1.2.3'])}{self.choice(['', '/24', '/0', '/32', '/31', '/8'])}"

    def ip6(self):
        return f"ip6:{self.choice([*CLIENTS[4:], '::1', 'fe80::'])}{self.choice(['', '/64', '/0', '/128', '/127', '/32'])}"

    def exists(self):
        macros = "".join(f"{self.choice(MACROS)}." for _ in range(self.random.choice([0, 1, 1, 2])))
        return "exists:" + self.choice([f"{macros}list.test", f"{macros}users.test", "%{i}.list.test", "%{l}.users.test",
                                               f"{macros}hosts.test", "h1.hosts.test", "gone.test"])

    def include(self):
        return f"include:{self.other()}"

    def other(self):
        return self.choice([f"d{self.random.randrange(self.count)}.test"] * 8 + ["gone.test", "%{o}", "silent.test"])

    def damaged(self, text):
        at = self.random.randrange(7, len(text) + 1)
        return self.choice([
            text[:at] + text[at + 1:],
            text[:at] + self.choice(":/=%{}.-+ 0a~_[]@") + text[at:],
            text[:at] + text[at - 1:],
            text.upper(),
        ])


def generate(seed, count, without=()):
    """-> zone, checks as (client, helo, local part, domain)."""
    zone, writer = surroundings(), Writer(seed, count, without)
    checks = []
    for i in range(count):
        domain = f"d{i}.test"
        zone.add("TXT", domain, writer.record())
        if writer.random.random() < 0.5:
            zone.add("A", domain, writer.random.choice(CLIENTS[:4]))
        if writer.random.random() < 0.3:
            zone.add("MX", domain, (10, writer.random.choice(HOSTS)))
        checks.append((writer.random.choice(CLIENTS), writer.random.choice(HELOS), writer.random.choice(LOCALS), domain))
    return zone, checks
