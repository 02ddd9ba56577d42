"""Loopback ports that nobody uses."""

import itertools
import os
import socket

# Below 32768, where the kernel starts to hand out ports to outgoing connections.
_LOWEST, _HIGHEST = 20000, 32000
_next = itertools.count(os.getpid() * 37)


def free_port(address="127.0.0.1"):
    """A port that can be bound on `address` now, for TCP and for UDP; not given twice in a row."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(_HIGHEST - _LOWEST):
        port = _LOWEST + next(_next) % (_HIGHEST - _LOWEST)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(family, kind) as probe:
                    probe.bind((address, port))
            return port
        except OSError:
            continue
    raise AssertionError(f"no free port on {address}")
