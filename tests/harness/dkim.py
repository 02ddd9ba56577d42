"""The keys that a server signs with, and what two verifiers make of its signatures: dkimpy, and this server's own code."""

import json
import re
import subprocess

import dkim

from harness.server import binary
from harness.tools import run


def keys(server, *arguments, code=0):
    """What `postrider dkim ARGUMENTS --json` says of keys, as dicts."""
    answers = [json.loads(line) for line in run(server, "dkim", *arguments, "--json", code=code)[0].splitlines()]
    return answers if arguments[0] == "list" else answers[0]["keys"]


def records(*all_keys):
    """For harness.dns.FakeDns."""
    return {key["name"]: {"TXT": [key["value"]]} for key in all_keys}


def sign_with(server, dns, domain, *arguments):
    """From now on the server signs for `domain`, and `dns` has the records."""
    made = keys(server, "add", domain, *arguments)
    dns.records.update(records(*made))
    before = len(server.log_lines())
    keys(server, "rotate", domain)
    if server.running():
        server.wait_log(event="dkim_keys", after=before)
    return made


def signatures(content):
    """The tags of each DKIM-Signature, from top to bottom."""
    header = content.partition(b"\r\n\r\n")[0] + b"\r\n"
    found = re.findall(rb"^DKIM-Signature:(.*\r\n(?:[ \t].*\r\n)*)", header, re.MULTILINE | re.IGNORECASE)
    return [dict(tag.strip().split("=", 1) for tag in re.sub(r"\s+", "", text.decode()).split(";") if tag)
            for text in found]


def verdicts(content, known):
    """Whether each signature is good, from top to bottom, as both verifiers see it. `known` is a FakeDns' records."""
    texts = {name: each["TXT"][0] for name, each in known.items() if isinstance(each, dict) and each.get("TXT")}
    verifier = dkim.DKIM(content)
    theirs = []
    for index in range(len(signatures(content))):
        try:
            theirs.append(verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: _answer(texts, name)))
        except dkim.DKIMException:
            theirs.append(False)
    said = subprocess.run([binary().parent / "dkim_trial", "verify", *(f"{name}={text}" for name, text in texts.items())],
                          input=content, capture_output=True, timeout=60, check=True).stdout.decode().splitlines()
    ours = [line == "pass" for line in said]
    assert ours == theirs, f"dkimpy says {theirs}, we say {said} of\n{content[:3000]!r}"
    return ours


def _answer(texts, name):
    text = texts.get(name.decode().rstrip("."))
    return text.encode() if text else None
