"""SMTP dialogs and connections that others wrote, spoken to a live server."""

import ast
import operator
import pathlib
import re

import pytest

from harness import vectors as vector_folders
from harness.certificates import client_context
from harness.sasl import add_accounts
from harness.scenes import content
from harness.smtp import Client, Closed, message
from harness.waiting import wait_until

CONFIG = {
    "hostname": "testserver",
    "limits": {"message_size": "1MiB", "errors": 20},
    "domain": [{"name": "testserver", "kind": "local", "users": ["user"]}],
}

# They log in, under TLS.
LOG_IN = {"auth_multi_dialog", "auth_too_many_failures"}
# Expectations in all the others; a script that is lost, or read wrongly, changes the sum.
EXPECTATIONS = 114
# 521 is for hosts that take no mail at all (RFC 7504 3); a message with a bad line end is refused with 554. A mechanism
# that is not there is a 504 (RFC 4954 4); 534 is for one that is too weak.
HOUSE_CODES = {521: 554, 534: 504}


def scripts():
    folder = vector_folders.folder("dialogs-chasquid")
    return sorted(folder.glob("*.cmy")) if folder else []


RUN = [path for path in scripts() if path.stem not in LOG_IN]


# --- dialogs -------------------------------------------------------------------------------------------


class Dialog:
    """Runs one script: "c -> " sends a line, "c ~> " octets, "c <- " and "c <~ " expect a reply, "c <... " reads on."""

    def __init__(self, address, tls=None):
        self.address, self.tls, self.client, self.expectations = address, tls, None, 0

    def run(self, script):
        for line in script.read_bytes().decode("utf-8").splitlines():
            if line.startswith("c "):
                self.step(line)
        self.client.close()
        return self.expectations

    def step(self, line):
        if line.startswith("c tcp_connect"):
            self.client = Client(*self.address)
        elif line.startswith("c tls_connect"):
            self.client = Client(*self.address).wrap(self.tls)
        elif line == "c close":
            self.client.close()
        elif line.startswith("c ->"):
            self.client.send(line[5:].encode() + b"\r\n")
        elif line.startswith("c ~>"):
            self.client.send(octets(line[5:]))
        elif line.startswith("c <..."):
            self.expect_code(int(line.split()[2][:3]), line)
        else:
            assert line.startswith(("c <-", "c <~")), f"unknown step: {line}"
            self.expect_code(int(line[5:8]), line)

    def expect_code(self, code, line):
        self.expectations += 1
        reply = self.client.read_reply()
        assert reply.code == HOUSE_CODES.get(code, code), f"{line}: {reply}"


def octets(expression):
    """The value of an expression of strings, numbers, + and *, as octets."""
    operators = {ast.Mult: operator.mul, ast.Add: operator.add}

    def value(node):
        if isinstance(node, ast.BinOp):
            return operators[type(node.op)](value(node.left), value(node.right))
        assert isinstance(node, ast.Constant), ast.dump(node)
        return node.value
    return value(ast.parse(expression, mode="eval").body).encode("latin-1")


@pytest.mark.parametrize("script", RUN or [None], ids=lambda path: path and path.stem)
def test_a_dialog_gets_the_codes_that_it_expects(server, vectors, script):
    vectors("dialogs-chasquid")
    before = len(server.maildir("testserver", "user"))
    Dialog(server.address()).run(script)
    wanted = pathlib.Path(f"{script}.verify")
    if wanted.exists():
        wait_until(lambda: len(server.maildir("testserver", "user")) > before, 10, "the mail of the dialog")
        assert wanted.read_bytes() in [content(mail) for mail in server.maildir("testserver", "user")]


@pytest.mark.parametrize("name", sorted(LOG_IN))
def test_a_dialog_that_logs_in_gets_the_codes_that_it_expects(make_server, authority, vectors, name):
    certificate = authority.issue("mx.test")
    server = make_server(start=False, hostname="testserver", domain=[], listener=[{"mode": "submission", "tls": "implicit"}],
                         tls={"certificate": str(certificate.pem), "key": str(certificate.key)})
    add_accounts(server, "user", domain="testserver", password="secretpassword")
    server.start()
    Dialog(server.address(), client_context(trusting=authority)).run(vectors("dialogs-chasquid") / f"{name}.cmy")


def test_no_dialog_and_no_expectation_is_lost(vectors):
    names = {path.stem for path in vectors("dialogs-chasquid").glob("*.cmy")}
    assert LOG_IN < names
    assert len(names) == len(RUN) + len(LOG_IN) == 17
    found = sum(len(re.findall(r"^c <", path.read_text("utf-8"), re.MULTILINE)) for path in scripts())
    assert found == EXPECTATIONS


# --- connections ---------------------------------------------------------------------------------------

_ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v"}


def go_bytes(text):
    """The octets of a Go string literal, without its quotes."""
    def one(found):
        escape = found[1]
        if escape[0] == "x":
            return bytes([int(escape[1:], 16)])
        if escape[0] in "uU":
            return chr(int(escape[1:], 16)).encode()
        if escape[0].isdigit():
            return bytes([int(escape, 8)])
        return _ESCAPES.get(escape, escape.encode())
    pieces = re.split(r"(\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[0-7]{3}|.))", text)
    return b"".join(one(re.match(r"\\(.*)", piece, re.DOTALL)) if piece.startswith("\\") else piece.encode()
                    for piece in pieces)


def inputs(folder):
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found = re.search(r'\[\]byte\("(.*)"\)', path.read_text("utf-8"))
        assert found, f"{path} is no input"
        yield path.name, go_bytes(found[1])


def assert_ends_well(client, name):
    """All that the server says until it closes is replies."""
    client.half_close()
    said = client.read_until_close()
    assert re.fullmatch(rb"(?:[2345]\d\d[ -][^\r\n]*\r\n)*", said), f"{name}: {said!r}"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["as they are", "with CRLF"])
def test_every_connection_ends_with_replies_and_a_close(server, vectors, line_end):
    count = 0
    for name, sent in inputs(vectors("fuzz-chasquid") / "smtpsrv"):
        with server.client() as client:
            client.send(sent.replace(b"\n", line_end))
            assert_ends_well(client, name)
        count += 1
    assert count == 11
    with server.client() as client:
        client.ehlo()
        client.deliver(message(), ["user@testserver"])


def test_every_connection_that_waits_for_its_replies_ends_well(server, vectors):
    for name, sent in inputs(vectors("fuzz-chasquid") / "smtpsrv"):
        with server.client() as client:
            in_data = False
            for line in sent.split(b"\n"):
                try:
                    client.send(line + b"\r\n")
                    if in_data and line != b".":
                        continue
                    in_data = client.read_reply().code == 354
                except (Closed, OSError):  # after QUIT; all replies were read
                    break
            else:
                client.half_close()
                rest = client.read_until_close()
                assert re.fullmatch(rb"(?:[245]\d\d[ -][^\r\n]*\r\n)*", rest), f"{name}: {rest!r}"
