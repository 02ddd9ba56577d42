"""What monitoring reads: GET /metrics, and `postrider metrics`; docs/metrics.md has a row for each name."""

import contextlib
import http.client
import re
import socket

import pytest

from harness.certificates import client_context
from harness.ports import free_port
from harness.sasl import PASSWORD, add_accounts, plain
from harness.scenes import settled
from harness.server import ROOT
from harness.smtp import message
from harness.tools import run
from harness.waiting import wait_until

LINE = re.compile(r'^(\w+)(?:\{(.*)\})? ([-+0-9.eInf]+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
# Of each label: what a stranger says must never be one, and this is all that there is.
KNOWN_LABELS = {"mode", "limit", "kind", "reason", "version", "cipher", "mechanism", "result", "state", "courier",
                "outcome", "of", "pool", "le", "method", "disposition"}
MOST_SERIES = 400


@pytest.fixture
def make(make_server):
    """make(**overrides): a server, and the port of its metrics."""
    def start(**overrides):
        port = free_port()
        return make_server(http={"address": f"127.0.0.1:{port}"}, networks=["127.0.0.0/8"], **overrides), port
    return start


def get(port, path="/metrics", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read().decode()


def parse(text):
    """{(name, frozenset of labels): value}"""
    series = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        found = LINE.match(line)
        assert found, line
        key = (found[1], frozenset(LABEL.findall(found[2] or "")))
        assert key not in series, f"twice: {line}"
        series[key] = float(found[3])
    return series


def value(series, name, **labels):
    return series[(name, frozenset(labels.items()))]


def families(text):
    return {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE ")}


def test_every_metric_stands_in_the_manual_and_the_manual_names_no_other(make):
    _, port = make()
    shown = families(get(port)[1])
    manual = (ROOT / "docs/metrics.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", manual, re.MULTILINE))
    assert rows == shown
    for name, kind in shown.items():
        assert (kind == "counter") == name.endswith("_total"), name


def test_what_happens_is_counted(make):
    server, port = make()
    before = parse(get(port)[1])
    with server.client() as client:
        client.ehlo()
        settled(server, client.deliver(message(body="x" * 1000 + "\r\n"), ["alice@example.test", "bob@example.test"]))
        client.mail()
        client.cmd("RCPT TO:<nobody@example.test>", 550)
        during = parse(get(port)[1])
    assert value(during, "postrider_connections_open", mode="mx") == 1

    def counted():
        after = parse(get(port)[1])
        return after if value(after, "postrider_outcomes_total", outcome="delivered") == 2 \
            and value(after, "postrider_queue_messages") == 0 \
            and value(after, "postrider_connections_open", mode="mx") == 0 else None
    after = wait_until(counted, 10, "both to be counted")
    grown = {(name, dict(labels).get("mode") or dict(labels).get("reason")): after[name, labels] - before[name, labels]
             for name, labels in after if after[name, labels] != before[name, labels]}
    assert grown["postrider_connections_total", "mx"] == 1
    assert grown["postrider_messages_accepted_total", "mx"] == 1
    assert grown["postrider_recipients_accepted_total", "mx"] == 2
    assert 1000 < grown["postrider_message_bytes_accepted_total", "mx"] < 1500
    assert grown["postrider_refusals_total", "address"] == 1
    assert value(after, "postrider_attempts_total", courier="mailbox", outcome="delivered") == 2
    assert value(after, "postrider_commit_sync_seconds_count") > 0
    assert value(after, "postrider_commit_seconds_sum") >= value(after, "postrider_commit_sync_seconds_sum") > 0
    assert value(after, "postrider_commit_jobs_total") >= value(after, "postrider_commit_seconds_count")


def test_what_waits_is_shown_by_its_state(make):
    server, port = make(route=[{"domain": "held.test", "via": "hold"},
                               {"domain": "dead.test", "via": f"smtp://127.0.0.1:{free_port()}"}])

    def states():
        series = parse(get(port)[1])
        return [value(series, "postrider_queue_recipients", state=state) for state in ("waiting", "held", "untold")]
    with server.client() as client:
        client.ehlo()
        client.deliver(message(), ["a@held.test", "b@held.test", "c@dead.test"])
    wait_until(lambda: states() == [1, 2, 0], 10, lambda: f"one to wait and two to be held: {states()}")
    run(server, "queue", "remove", "--domain", "held.test", "--yes")
    wait_until(lambda: states() == [1, 0, 0], 10, lambda: f"one to wait: {states()}")
    run(server, "queue", "hold", "--all")
    wait_until(lambda: states() == [0, 1, 0], 10, lambda: f"one to be held: {states()}")
    server.restart()
    assert states() == [0, 1, 0]


def test_logins_and_tls_are_counted(make, authority):
    certificate = authority.issue("mx.test")
    server, port = make(listener=[{"mode": "submission", "tls": "starttls"}],
                        tls={"certificate": str(certificate.pem), "key": str(certificate.key)})
    add_accounts(server, "carol")
    with server.client() as client:
        client.ehlo()
        client.starttls(client_context(trusting=authority))
        client.ehlo()
        client.cmd("AUTH PLAIN " + plain("carol@users.test", "wrong"), 535)
        client.cmd("AUTH PLAIN " + plain("carol@users.test", PASSWORD), 235)
    series = parse(get(port)[1])
    assert value(series, "postrider_logins_total", mechanism="PLAIN", result="failed") == 1
    assert value(series, "postrider_logins_total", mechanism="PLAIN", result="ok") == 1
    assert value(series, "postrider_tls_in_total", version="TLSv1.3") == 1
    assert sum(number for (name, _), number in series.items() if name == "postrider_tls_in_ciphers_total") == 1
    assert value(series, "postrider_tls_in_failed_total") == 0


def test_what_strangers_say_makes_no_series(make):
    server, port = make(limits={"errors": 100})
    before = parse(get(port)[1])
    with server.client() as client:
        client.ehlo("evil\"} 1")
        for number in range(50):
            client.cmd(f"X{number}")
            client.cmd(f"MAIL FROM:<{number}@{number}.test>")
            client.cmd(f"RCPT TO:<{number}@example.test>")
            client.cmd("RSET")
    after = parse(get(port)[1])
    assert set(after) == set(before) and len(after) < MOST_SERIES
    assert {name for _, labels in after for name, _ in labels} <= KNOWN_LABELS


def test_the_tool_prints_the_same(make):
    server, port = make()
    printed, _ = run(server, "metrics")
    assert set(parse(printed)) == set(parse(get(port)[1]))


def test_only_metrics_is_there_and_only_to_be_read(make):
    _, port = make()
    answer, text = get(port)
    assert answer.status == 200 and answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    head, nothing = get(port, method="HEAD")
    assert head.status == 200 and nothing == ""
    assert abs(int(head.getheader("Content-Length")) - len(text)) < 200
    for path in ("/", "/metrics/", "/metrics?x=1", "/../metrics", "/control"):
        assert get(port, path)[0].status == 404, path
    post, _ = get(port, method="POST")
    assert post.status == 405 and post.getheader("Allow") == "GET, HEAD"
    assert get(port, Host="rebound.example")[0].status == 421
    for host in (f"localhost:{port}", "127.0.0.1", f"[::1]:{port}"):
        assert get(port, Host=host)[0].status == 200


@pytest.mark.parametrize("said", [b"EHLO x\r\n\r\n", b"GET /metrics\r\n\r\n", b"\0\1\2\r\n\r\n",
                                  b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 10000 + b"\r\n\r\n"],
                         ids=["SMTP", "HTTP/0.9", "no text", "a long header"])
def test_what_is_no_request_is_refused(make, said):
    _, port = make()
    with socket.create_connection(("127.0.0.1", port), 15) as client:
        client.sendall(said)
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert get(port)[0].status == 200


def test_clients_that_say_nothing_neither_stay_nor_keep_others_out_for_long(make):
    _, port = make()
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 15)) for _ in range(16)]
        with socket.create_connection(("127.0.0.1", port), 15) as one_more:
            assert one_more.recv(100) == b""  # at once: there is no place
        assert all(client.recv(100) == b"" for client in silent)  # after 10 s
    assert get(port)[0].status == 200


def test_an_address_that_others_reach_is_refused(make_server):
    server = make_server(start=False, http={"address": "0.0.0.0:9325"})
    printed, complaint = run(server, "check", code=1)
    assert "can be reached from other machines" in printed + complaint
