"""One server for all tests of a module, and the ways to see what became of a message."""

import itertools
import pathlib

import pytest

from harness.scenes import content
from harness.server import Server
from harness.waiting import wait_until

CONFIG = {
    "networks": ["127.0.0.0/8"],
    "listener": [{"mode": "mx"}, {"mode": "lmtp"}],
    "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob"]},
               {"name": "bücher.test", "kind": "local", "users": ["jürgen"]},
               {"name": "held.test", "kind": "local", "users": ["alice"]}],
    "route": [{"domain": "held.test", "via": "hold"}],
}
# 50 MiB through a relay, on a machine that does other things too.
ARRIVAL_SECONDS = 60
_tokens = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), CONFIG).start()
    yield server
    server.finish()


@pytest.fixture
def token():
    """A word that no other message has."""
    return f"token{next(_tokens):06d}"


@pytest.fixture
def arrived(server):
    """arrived(token, user="alice", domain="example.test") -> that message without our own trace fields.

    The file is removed, so that it is not looked at again.
    """
    def wait(token, user="alice", domain="example.test"):
        new = pathlib.Path(server.maildir_path(domain, user)) / "new"

        def found():
            for path in new.iterdir() if new.is_dir() else ():
                with open(path, "rb") as file:
                    if f"Subject: {token}\n".encode() in file.read(8192):
                        return path
            return None
        path = wait_until(found, ARRIVAL_SECONDS, lambda: f"{token}; the log ends:\n{server.log_tail(20)}")
        octets = path.read_bytes()
        path.unlink()
        return content(octets)
    return wait


def same(got, wanted):
    """Asserts equality, and says where two long messages part."""
    if got == wanted:
        return
    place = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b), min(len(got), len(wanted)))
    around = slice(max(0, place - 40), place + 40)
    pytest.fail(f"octet {place} of {len(got)} (wanted {len(wanted)}): {got[around]!r} is not {wanted[around]!r}",
                pytrace=False)


@pytest.fixture(name="same")
def same_fixture():
    return same
