"""What this kernel can do, and what a process of another user can reach."""

import ctypes
import pathlib
import subprocess
import tempfile

import pytest

from harness.server import binary

_LANDLOCK_CREATE_RULESET = 444
_PR_GET_SECCOMP = 21


def require_landlock():
    """Skips the test where the kernel can't confine files."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1) < 2:
        pytest.skip("kernel without Landlock")


def require_seccomp():
    """Skips the test where the kernel can't confine system calls."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        pytest.skip("kernel without seccomp")


def check(server):
    """(exit code, what it said) of `postrider check`."""
    done = subprocess.run([str(binary()), "check", "--config", str(server.config_path)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
    return done.returncode, done.stdout.decode()


def let_in(folder):
    """Every user may go through the folders of the test to `folder`."""
    top = pathlib.Path(tempfile.gettempdir()).resolve()
    for path in (folder.resolve(), *folder.resolve().parents):
        if top in path.parents:
            path.chmod(path.stat().st_mode | 0o011)
    return folder


def status(pid, task=None):
    """/proc/PID/status as a dict of strings."""
    path = pathlib.Path(f"/proc/{pid}/task/{task}/status" if task else f"/proc/{pid}/status")
    return {key: value.strip() for key, _, value in (line.partition(":") for line in path.read_text().splitlines())}
