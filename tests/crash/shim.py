"""The library that makes syncs do nothing (no_sync.c), compiled when a test needs it."""

import pathlib
import subprocess


def no_sync(folder):
    """What to preload: its path."""
    library = pathlib.Path(folder) / "no_sync.so"
    subprocess.run(["clang-19", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library,
                    pathlib.Path(__file__).with_name("no_sync.c")], check=True, timeout=60)
    return str(library)
