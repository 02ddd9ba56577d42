"""Our SPF beside pyspf's and libspf2's, on records by chance: each difference has its reason here.

pyspf runs in this process, on a DNS that is a table; libspf2 in a program of ours (spf_libspf2.c), on its own table.
"""

import collections
import pathlib
import re
import subprocess

import pytest
import spf

from harness.server import binary
from interop.spf_records import generate

COUNT = 5000
SECONDS = 60

Case = collections.namedtuple("Case", "check records ours reason theirs words")


def of_pyspf(case):
    """Why pyspf differs, by the paragraph of RFC 7208; None where no reason is known."""
    if "Void lookup limit" in case.words:
        return "4.6.4 limits the terms that ask in vain; pyspf counts each exchange's address and each name of the client"
    if "has trivial recursion" in case.words:
        return "5.2: an include is evaluated when it is reached; pyspf refuses one of the sender's own domain wherever it stands"
    if re.search(r" (?!exp=|redirect=)\S+= MUST appear at most once", case.words):
        return "6: unknown modifiers are ignored however often they appear; pyspf refuses the second"
    if "Too many DNS lookups" in case.words and "redirect=" in case.records:
        return "4.6.4: terms that ask are counted; pyspf counts a redirect that is never followed, too"
    if re.search(r"REDIRECT=|EXP=", case.records):
        return "12: names are compared without case; pyspf knows these two in lower case only"
    return None


def of_libspf2(case):
    """Likewise of libspf2, which is of the time of RFC 4408."""
    if case.reason.startswith("more than 2 terms ask"):
        return "4.6.4: libspf2 has no limit of void look-ups"
    if case.reason.startswith("more than 10 terms"):
        return "4.6.4: the limit is for all records together; libspf2 has it for each"
    if "has more than 10 mail exchanges" in case.reason:
        return "4.6.4: that is a permerror; libspf2 looks at the first ten"
    if re.search(r"a domain must end in a dot|a % that is not followed|a prefix length", case.reason):
        return "7.1, 5.6: libspf2 does not look so closely"
    if re.search(r"ptr:\S*\.(\s|$)", case.records, re.IGNORECASE):
        return "7.3: a dot at the end is no part of the name; libspf2 compares it"
    if re.search(r"%\{[A-Z]\d*R", case.records):
        return "7.1: r in any case; libspf2 takes it in lower case only"
    if re.search(r"%\{l\d*r?[-+]+\}", case.records) and "." in case.check[2]:
        return "7.1: given delimiters stand in place of the dot; libspf2 splits at dots, too"
    return None


def reachable(zone, domain):
    """The records that a check of the domain may come to."""
    seen, waiting = {}, [domain]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen[name] = " ".join(zone.records.get(("TXT", name), []))
            waiting += re.findall(r"(?:include:|redirect=)(d\d+\.test)", seen[name].lower())
    return "\n".join(seen.values())


def answers(program, zone, checks):
    lines = [*zone.lines(), *("\t".join(("CHECK", *check)) for check in checks)]
    done = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=SECONDS, check=True)
    results = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(results) == len(checks), done.stderr
    return results


def compare(zone, checks, theirs, explain):
    """Asserts that the results are the same but for known reasons, and that these are a minority."""
    reasons, unknown = collections.Counter(), []
    ours = answers(binary().with_name("spf_answers"), zone, checks)
    for check, (result, _, reason), (other, words) in zip(checks, ours, theirs, strict=True):
        if result == other:
            continue
        case = Case(check, reachable(zone, check[3]), result, reason, other, words)
        why = explain(case)
        reasons[why] += 1
        if why is None:
            unknown.append(f"{case}\n")
    assert not unknown, f"{len(unknown)} differences without a known reason, such as\n" + "\n".join(unknown[:5])
    # A table that explained everything would hide our own faults.
    assert 0 < sum(reasons.values()) < len(checks) // 10, reasons
    return ours


@pytest.fixture
def pyspf(monkeypatch):
    """pyspf(zone, checks) -> (result, words) of each, with explanations as words of a fail."""
    def run(zone, checks):
        def look_up(name, kind, _tcp_fallback=True, timeout=0):
            del timeout
            name = name.lower().rstrip(".")
            found = zone.records.get((kind, name), [])
            if not found and name in zone.silent:
                raise spf.TempError("DNS timeout")
            return [((name, kind), (data.encode(),) if kind == "TXT" else data) for data in found]
        monkeypatch.setattr(spf, "DNSLookup", look_up)
        results = []
        for client, helo, local, domain in checks:
            query = spf.query(i=client, s=f"{local}@{domain}", h=helo, receiver="mx.example.net")
            query.set_default_explanation("")
            result, _, words = query.check()
            results.append((result, words))
        return results
    return run


def test_pyspf_comes_to_the_same_results_and_explanations(pyspf):
    zone, checks = generate(7208, COUNT)
    theirs = pyspf(zone, checks)
    ours = compare(zone, checks, theirs, of_pyspf)
    fails = [(mine, words) for check, (result, mine, _), (other, words) in zip(checks, ours, theirs, strict=True)
             if result == other == "fail" and "EXP=" not in reachable(zone, check[3])]
    # Nibbles of %{i} are in lower case in 7.4, in pyspf in upper case.
    assert [mine.lower() for mine, _ in fails] == [words.lower() for _, words in fails]
    assert sum(bool(mine) for mine, _ in fails) > COUNT // 200


def test_libspf2_comes_to_the_same_results(tmp_path):
    # libspf2 takes no prefix length 0 and no modifier with "." or "_" in its name.
    zone, checks = generate(4408, COUNT, without=["/0", "//0", "x.y-z_1"])
    program = tmp_path / "spf_libspf2"
    subprocess.run(["clang-19", "-O1", "-D_GNU_SOURCE", "-Wall", "-Werror", "-o", program,
                    pathlib.Path(__file__).with_name("spf_libspf2.c"), "-lspf2"], check=True, timeout=SECONDS)
    # A record that it can't read has no result.
    theirs = [(result.replace("(invalid)", "permerror"), words) for result, words in answers(program, zone, checks)]
    compare(zone, checks, theirs, of_libspf2)
