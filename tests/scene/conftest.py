"""In the scenes `server` is one server for all tests of a module, made from the module's CONFIG.

Tests that change, stop or exhaust a server, or want other settings, take `make_server` instead.
"""

import contextlib

import pytest

from harness.kernel import let_in
from harness.sendmail import Sendmail
from harness.server import Server
from harness.sink import Sink


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


@pytest.fixture
def make_stepped_down(make_server, tmp_path):
    """make_server for a server that becomes nobody; it is not started yet."""
    def make(**overrides):
        let_in(tmp_path)
        server = make_server(start=False, user="nobody", **overrides)
        let_in(server.folder)
        server.config_path.chmod(0o644)
        return server
    return make


@pytest.fixture
def open_folder(tmp_path):
    """open_folder(name) -> a folder outside of the server's, where everybody may write."""
    def make(name):
        folder = let_in(tmp_path) / name
        folder.mkdir()
        folder.chmod(0o777)
        return folder
    return make


@pytest.fixture
def sinks():
    """sinks(address, ...): a mail server on port 25 of each."""
    with contextlib.ExitStack() as stack:
        yield lambda *addresses, **options: [stack.enter_context(Sink((address, 25), **options))
                                             for address in addresses]


@pytest.fixture
def sendmail():
    """`postrider sendmail` under the names that programs call."""
    program = Sendmail()
    yield program
    program.remove()


def pytest_make_parametrize_id(val):
    """Short names for long values, which are told apart by their size."""
    if isinstance(val, (str, bytes)) and len(val) > 60:
        return f"{val[:30]!r}... of {len(val)}"
    return None
