"""Where the test vectors that others wrote are: $POSTRIDER_VECTORS, else shared/vectors beside the checkout."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def folder(name):
    """The folder of this name, or None where the vectors are missing."""
    path = pathlib.Path(os.environ.get("POSTRIDER_VECTORS") or ROOT.parent / "shared/vectors") / name
    return path if path.is_dir() else None
