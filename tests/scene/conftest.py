"""In the scenes `server` is one server for all tests of a module, made from the module's CONFIG.

Tests that change, stop or exhaust a server, or want other settings, take `make_server` instead.
"""

import pytest

from harness.server import Server


@pytest.fixture(scope="module")
def module_server(request, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("module"), getattr(request.module, "CONFIG", {}))
    server.start()
    yield server
    server.finish()


@pytest.fixture
def server(request, module_server):
    yield module_server
    if any(report.failed for report in getattr(request.node, "reports", [])):
        print(f"--- the log ends:\n{module_server.log_tail(40)}")
    assert module_server.running(), f"the server is gone; its log ends:\n{module_server.log_tail()}"


@pytest.fixture
def session(client):
    """`client` after EHLO."""
    client.ehlo()
    return client


@pytest.fixture
def transaction(session):
    """`client` after EHLO, MAIL FROM:<sender@client.test> and RCPT TO:<alice@example.test>."""
    session.mail()
    session.rcpt()
    return session


def pytest_make_parametrize_id(val):
    """Short names for long values, which are told apart by their size."""
    if isinstance(val, (str, bytes)) and len(val) > 60:
        return f"{val[:30]!r}... of {len(val)}"
    return None
