"""The harness itself: what it writes and reads is what the tests believe it is."""

import socket
import tomllib

import dnslib
import pytest

from harness import dns, logfmt, smtp, toml
from harness.certificates import Authority


def test_an_authority_keeps_all_its_certificates(tmp_path):
    authority = Authority(tmp_path)
    issued = [authority.issue("mx.test") for _ in range(17)]
    seen = [each.pem.read_bytes() for each in issued]
    issued += [authority.issue("mx.test") for _ in range(17)]
    assert [each.pem.read_bytes() for each in issued[:17]] == seen


def test_what_is_written_as_toml_is_read_back():
    config = {"hostname": "mx \"q\" \\ é \t", "networks": [], "size": 5, "share": 0.5, "on": True,
              "listener": [{"address": "[::1]:25", "limits": {"odd key": [1, [2]]}}, {"mode": "lmtp"}],
              "queue": {"retry": {"first": "1m", "max": "4h"}}}
    assert tomllib.loads(toml.dumps(config)) == config


def test_merging_goes_into_tables_replaces_lists_and_removes_by_none():
    base = {"a": {"b": 1, "c": 2}, "list": [1, 2], "gone": 1}
    assert toml.merge(base, {"a": {"b": 3}, "list": [4], "gone": None}) == {"a": {"b": 3, "c": 2}, "list": [4]}
    assert base == {"a": {"b": 1, "c": 2}, "list": [1, 2], "gone": 1}


@pytest.mark.parametrize("line, fields", [
    ('event=ready listener=127.0.0.1:25', {"event": "ready", "listener": "127.0.0.1:25"}),
    (r'reply="550 5.1.1 \"no\" a\\b\n\x01" from=', {"reply": '550 5.1.1 "no" a\\b\n\x01', "from": ""}),
    ('oops id=1 it broke', {"id": "1", "": "oops it broke"}),
    ('{"event": "ready", "port": 25, "tls": false}', {"event": "ready", "port": "25", "tls": "false"}),
])
def test_a_log_line_is_read_in_both_formats(line, fields):
    assert logfmt.parse(line) == fields


@pytest.mark.parametrize("message, sent", [
    (b"", b".\r\n"), (b"a\r\n", b"a\r\n.\r\n"), (b"a", b"a\r\n.\r\n"), (b".\r\n..\r\n", b"..\r\n...\r\n.\r\n"),
    (b"a.\r\n.b\r\n", b"a.\r\n..b\r\n.\r\n"), (b"\n.\n\r.\r\n", b"\n.\n\r.\r\n.\r\n"),
])
def test_dots_are_stuffed_after_crlf_only(message, sent):
    assert smtp.stuffed(message) == sent


class TestClient:
    @pytest.fixture
    def pair(self):
        """A client, and the other end of its connection."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with smtp.Client(*listener.getsockname(), timeout=2) as client:
                with listener.accept()[0] as other:
                    yield client, other

    def test_reads_replies_of_several_lines_and_keeps_what_follows(self, pair):
        client, other = pair
        other.sendall(b"250-mx.test\r\n250-SIZE 100\r\n250 PIPELINING\r\n550 5.1.1 no\r\n221\r\n")
        assert client.read_reply().lines == ["mx.test", "SIZE 100", "PIPELINING"]
        assert client.expect(550, "5.1.1").text == "5.1.1 no"
        assert client.expect(221).enhanced is None

    def test_another_code_than_the_expected_fails(self, pair):
        client, other = pair
        other.sendall(b"250 2.0.0 ok\r\n250 2.0.0 ok\r\n")
        with pytest.raises(AssertionError, match="expected 550, got 250"):
            client.expect(550)
        with pytest.raises(AssertionError, match="expected 2.1.0, got 250"):
            client.expect(250, "2.1.0")

    def test_a_close_where_a_reply_is_due_fails(self, pair):
        client, other = pair
        other.sendall(b"250 o")
        other.close()
        with pytest.raises(smtp.Closed, match="250 o"):
            client.read_reply()

    def test_no_wait_is_without_end(self, pair):
        with pytest.raises(TimeoutError):
            pair[0].read_reply(timeout=0.05)
        assert pair[0].silent_for(0.05)


class TestFakeDns:
    RECORDS = {"example.test": {"MX": ["10 mx.example.test"], "TXT": ["v=spf1 " + "x" * 300]},
               "alias.test": {"CNAME": ["example.test"]}, "a.b.test": {"A": ["192.0.2.1"]},
               "broken.test": dns.SERVFAIL, "slow.test": {"A": dns.TIMEOUT}}

    def ask(self, server, name, kind, tcp=False):
        question = dnslib.DNSRecord.question(name, kind)
        return dnslib.DNSRecord.parse(question.send(server.address, server.port, tcp=tcp, timeout=0.5))

    @pytest.mark.parametrize("tcp", [False, True])
    def test_answers_what_it_was_told(self, make_dns, tcp):
        server = make_dns(self.RECORDS)
        assert [str(one.rdata) for one in self.ask(server, "Example.TEST", "MX", tcp).rr] == ["10 mx.example.test."]
        assert [dnslib.QTYPE[one.rtype] for one in self.ask(server, "alias.test", "TXT", tcp).rr] == ["CNAME", "TXT"]
        assert server.queries == [("example.test", "MX"), ("alias.test", "TXT")]

    @pytest.mark.parametrize("name, kind, code", [("example.test", "AAAA", "NOERROR"), ("b.test", "A", "NOERROR"),
                                                  ("gone.test", "A", "NXDOMAIN"), ("broken.test", "A", "SERVFAIL")])
    def test_has_the_code_for_what_is_not_there(self, make_dns, name, kind, code):
        reply = self.ask(make_dns(self.RECORDS), name, kind)
        assert dnslib.RCODE[reply.header.rcode] == code and not reply.rr

    def test_keeps_silent_when_told(self, make_dns):
        with pytest.raises(TimeoutError):
            self.ask(make_dns(self.RECORDS), "slow.test", "A")
