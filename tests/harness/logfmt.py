"""Reads the server's log: logfmt (key=value key="two words") or one JSON object a line."""

import json
import re

_PAIR = re.compile(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|\S*)')
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_NAMED = {"n": "\n", "r": "\r", "t": "\t"}


def parse(line):
    """One line as a dict of strings; what is no key=value pair is under the key "" (the free text)."""
    line = line.strip()
    if line.startswith("{"):
        return {key: _plain(value) for key, value in json.loads(line).items()}
    fields = {key: _unquote(value) for key, value in _PAIR.findall(line)}
    text = " ".join(_PAIR.sub("", line).split())
    return {**fields, "": text} if text else fields


def _plain(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _unquote(value):
    if not value.startswith('"'):
        return value
    return _ESCAPE.sub(
        lambda m: chr(int(m[1][1:], 16)) if len(m[1]) > 1 else _NAMED.get(m[1], m[1]), value[1:-1])
