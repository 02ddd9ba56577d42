"""Writes a dict as TOML: scalars first, then [tables] and [[arrays of tables]]; what is deeper stands inline."""

import json
import re


def dumps(config):
    scalars, tables = [], []
    for key, value in config.items():
        if isinstance(value, dict):
            tables.append(f"\n[{_key(key)}]\n" + _lines(value))
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            tables += [f"\n[[{_key(key)}]]\n" + _lines(item) for item in value]
        else:
            scalars.append(f"{_key(key)} = {_value(value)}\n")
    return "".join(scalars + tables)


def merge(base, over):
    """A new dict: `over` laid onto `base`; dicts are merged key by key, all else (lists too) is replaced.

    A value of None removes the key.
    """
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _lines(table):
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())


def _key(key):
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
