"""Fixtures of all tests that use the built server."""

import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import vectors as vector_folders  # noqa: E402
from harness.certificates import Authority  # noqa: E402
from harness.dns import FakeDns  # noqa: E402
from harness.server import Server  # noqa: E402

DEADLINE_SECONDS = 120


@pytest.fixture
def make_server(request, tmp_path):
    """make_server(**overrides) -> a started Server; wrap=, env= and start=False are the server's own.

    After the test each must have stayed alive (unless the test ended it), stops with exit code 0, and has
    no report of a sanitizer or an abort in its log.
    """
    servers = []

    def make(wrap=(), env=None, start=True, **overrides):
        server = Server(tmp_path / f"server{len(servers)}", overrides, wrap, env)
        servers.append(server)
        return server.start() if start else server

    yield make
    if any(report.failed for report in getattr(request.node, "reports", [])):
        for server in servers:
            print(f"--- the log of {server.folder.name} ends:\n{server.log_tail(100)}")
    faults = []
    for server in servers:
        try:
            server.finish()
        except AssertionError as fault:
            faults.append(str(fault))
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.fixture
def server(make_server):
    """A server with harness.server.DEFAULT_CONFIG."""
    return make_server()


@pytest.fixture
def client(server):
    """A connection to `server`; the greeting has been read, EHLO is not yet sent."""
    with server.client() as client:
        yield client


@pytest.fixture
def make_dns():
    """make_dns(records, address="127.0.0.1") -> a running FakeDns."""
    running = []

    def make(records, **options):
        running.append(FakeDns(records, **options))
        return running[-1]

    yield make
    for dns in running:
        dns.stop()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Who signs the certificates of the tests; each run has its own."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def vectors():
    """vectors(name) -> the folder of these vectors; skips the test where they are missing."""
    def find(name):
        found = vector_folders.folder(name)
        if found is None:
            pytest.skip(f"vectors missing: {name}")
        return found
    return find


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    item.reports = [*getattr(item, "reports", []), report]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """No test hangs: after its deadline it fails where it stands."""
    mark = item.get_closest_marker("deadline")
    seconds = mark.args[0] if mark else DEADLINE_SECONDS

    def overdue(_signal, _frame):
        pytest.fail(f"ran longer than its deadline of {seconds} s")

    before = signal.signal(signal.SIGALRM, overdue)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
