"""Subcommands of the program that work on a server's configuration: `postrider trace`, `backup`, `restore`."""

import json
import subprocess

from harness.server import binary


def run(server, command, *arguments, code=0, seconds=60):
    """(standard output, standard error) of `postrider COMMAND ARGUMENTS`, which ends with `code`."""
    done = subprocess.run([str(binary()), command, *map(str, arguments), "--config", str(server.config_path)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)
    said = f"{command} {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
    assert done.returncode == code, said
    return done.stdout, done.stderr


def trace(server, *arguments):
    """The events that `trace --json` prints."""
    return [json.loads(line) for line in run(server, "trace", "--json", *arguments)[0].splitlines()]
