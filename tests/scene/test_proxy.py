"""PROXY headers and XCLIENT: who the client really is, told by those whose word counts."""

import ipaddress
import struct

import pytest

from harness.scenes import delivered, received
from harness.smtp import Client, message

PROXY, XCLIENT, OTHER = "127.0.0.7", "127.0.0.8", "127.0.0.9"
CONFIG = {
    "networks": ["203.0.113.0/24", "2001:db8:1::/48", "127.0.0.44"],
    "listener": [{"proxy_protocol": [PROXY], "xclient": [XCLIENT]}, {"address": "[::]", "xclient": ["127.0.0.8"]},
                 {"mode": "lmtp", "proxy_protocol": [PROXY], "xclient": [XCLIENT]}],
    "route": [{"domain": "far.test", "via": "discard"}],
    "access": {"deny_clients": ["198.51.100.66"]},
}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source, destination="192.0.2.2", command=0x21, ports=(4711, 25), tail=b""):
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    body = source.packed + destination.packed + struct.pack("!HH", *ports) + tail
    family = 0x11 if source.version == 4 else 0x21
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


def through_proxy(server, header, listener=0):
    client = server.client(listener=listener, source=PROXY, greeting=False)
    client.send(header)
    return client


def may_relay(client, sender="sender@client.test"):
    client.mail(sender)
    return client.cmd("RCPT TO:<someone@far.test>").code == 250


# --- PROXY ---------------------------------------------------------------------------------------------

HEADERS = [
    (b"PROXY TCP4 203.0.113.9 192.0.2.2 4711 25\r\n", "[203.0.113.9]", True),
    (b"PROXY TCP4 198.51.100.9 192.0.2.2 4711 25\r\n", "[198.51.100.9]", False),
    (b"PROXY TCP6 2001:db8:1::9 2001:db8::2 4711 25\r\n", "[IPv6:2001:db8:1::9]", True),
    (b"PROXY TCP6 2001:db8:2::9 2001:db8::2 4711 25\r\n", "[IPv6:2001:db8:2::9]", False),
    (b"PROXY TCP6 ::ffff:203.0.113.9 ::ffff:192.0.2.2 4711 25\r\n", "[203.0.113.9]", True),
    (b"PROXY UNKNOWN\r\n", "[127.0.0.7]", False),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "[127.0.0.7]", False),
    (v2("203.0.113.9"), "[203.0.113.9]", True),
    (v2("198.51.100.9"), "[198.51.100.9]", False),
    (v2("2001:db8:1::9", "2001:db8::2"), "[IPv6:2001:db8:1::9]", True),
    (v2("::ffff:203.0.113.9", "::ffff:192.0.2.2"), "[203.0.113.9]", True),
    (v2("203.0.113.9", tail=b"\x04\0\x03abc"), "[203.0.113.9]", True),
    (v2("203.0.113.9", command=0x20), "[127.0.0.7]", False),
    (SIGNATURE + b"\x20\0\0\0", "[127.0.0.7]", False),
]


@pytest.mark.parametrize("header, literal, relays", HEADERS, ids=lambda value: repr(value)[:50])
def test_a_listed_proxy_tells_who_the_client_is(server, header, literal, relays):
    with through_proxy(server, header) as client:
        client.expect(220)
        client.ehlo()
        assert received(delivered(server, client.deliver(message()))).startswith(f"from client.test ({literal}) by ")
        assert may_relay(client) == relays


@pytest.mark.parametrize("header", [HEADERS[0][0], HEADERS[7][0]], ids=["v1", "v2"])
def test_a_header_may_come_octet_by_octet(server, header):
    with server.client(source=PROXY, greeting=False) as client:
        for octet in header:
            client.send(bytes([octet]))
        client.expect(220)


def test_the_clients_own_address_and_not_the_proxys_is_in_the_log(server):
    before = len(server.log_lines())
    with through_proxy(server, HEADERS[0][0]) as client:
        client.expect(220)
        client.ehlo()
        client.deliver(message())
    assert server.wait_log(after=before, event="accepted")["client"] == "203.0.113.9"


def test_a_denied_client_is_denied_behind_a_proxy_too(server):
    with through_proxy(server, b"PROXY TCP4 198.51.100.66 192.0.2.2 4711 25\r\n") as client:
        client.expect(554, "5.7.1")
        assert client.read_until_close() == b""


def test_behind_the_header_the_client_must_wait_for_its_greeting(server):
    with through_proxy(server, HEADERS[0][0] + b"EHLO client.test\r\n") as client:
        client.expect(554, "5.5.0")
        assert client.read_until_close() == b""


@pytest.mark.parametrize("header", [
    b"EHLO client.test\r\n", b"PROXY TCP4 203.0.113.9\r\n", b"PROXY TCP4 203.0.113.999 192.0.2.2 1 2\r\n",
    b"PROXY TCP4 ::1 ::2 1 2\r\n", b"PROXY TCP4 203.0.113.9 192.0.2.2 99999 25\r\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.2 4711 25\n", b"PROXY UDP4 203.0.113.9 192.0.2.2 4711 25\r\n",
    b"PROXY TCP4 " + b"1" * 200 + b"\r\n", v2("203.0.113.9", command=0x22), v2("203.0.113.9")[:14] + b"\0\x04abcd",
    SIGNATURE + b"\x21\x12\0\x0c" + b"x" * 12, SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 5000], ids=lambda h: repr(h)[:40])
def test_a_malformed_header_ends_the_connection_without_a_word(server, header):
    before = len(server.log_lines())
    with through_proxy(server, header) as client:
        assert client.read_until_close() == b""
    assert server.wait_log(after=before, event="bad_proxy_header")["client"] == PROXY


def test_who_is_not_listed_is_greeted_and_has_no_such_command(server):
    with server.client(source=OTHER) as client:
        client.cmd("PROXY TCP4 203.0.113.9 192.0.2.2 4711 25", 500, "5.5.1")
        client.ehlo()
        assert not may_relay(client)


def test_a_second_header_is_an_unknown_command(server):
    with through_proxy(server, HEADERS[1][0]) as client:
        client.expect(220)
        client.cmd("PROXY TCP4 203.0.113.9 192.0.2.2 4711 25", 500, "5.5.1")
        client.ehlo()
        assert not may_relay(client)


def test_lmtp_takes_a_header_too(server):
    with through_proxy(server, HEADERS[0][0], listener=2) as client:
        client.expect(220)
        client.lhlo()
        assert may_relay(client)


def test_a_proxys_connections_are_its_clients_and_not_its_own(make_server):
    server = make_server(limits={"connections_per_client": 2}, listener=[{"proxy_protocol": [PROXY]}])
    clients = []
    for number in range(4):
        clients.append(through_proxy(server, f"PROXY TCP4 203.0.113.{number} 192.0.2.2 4711 25\r\n".encode()))
        clients[-1].expect(220)
    for client in clients:
        client.close()


# --- XCLIENT -------------------------------------------------------------------------------------------


@pytest.fixture
def trusted(server):
    with server.client(source=XCLIENT) as client:
        yield client


def test_xclient_is_announced_to_whom_it_is_for(server, trusted):
    assert trusted.ehlo()["XCLIENT"] == "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"
    with server.client(source=OTHER) as client:
        assert "XCLIENT" not in client.ehlo()
        client.cmd("XCLIENT ADDR=203.0.113.9", 550, "5.7.0")
        assert not may_relay(client)


def test_xclient_begins_the_session_anew_as_another_client(server, trusted):
    trusted.ehlo()
    assert not may_relay(trusted)
    trusted.cmd("RSET", 250)
    assert trusted.cmd("XCLIENT NAME=spike.test ADDR=203.0.113.9 PORT=4711", 220).text == "mx.test ESMTP Postrider"
    trusted.cmd("MAIL FROM:<sender@client.test>", 503, "5.5.1")
    trusted.ehlo("spike")
    trace = received(delivered(server, trusted.deliver(message())))
    assert trace.startswith("from spike (spike.test [203.0.113.9]) by mx.test ")
    assert may_relay(trusted)


@pytest.mark.parametrize("address, literal", [("IPV6:2001:db8:1::9", "[IPv6:2001:db8:1::9]"),
                                              ("ipv6:2001:db8:1::9", "[IPv6:2001:db8:1::9]"),
                                              ("IPV6:::ffff:203.0.113.9", "[203.0.113.9]")])
def test_xclient_takes_ipv6_addresses(server, trusted, address, literal):
    trusted.cmd(f"XCLIENT ADDR={address}", 220)
    trusted.ehlo()
    assert received(delivered(server, trusted.deliver(message()))).startswith(f"from client.test ({literal}) ")
    assert may_relay(trusted)


def test_xclient_may_say_the_hello_for_the_client(server, trusted):
    trusted.cmd("XCLIENT ADDR=203.0.113.9 HELO=spike PROTO=ESMTP", 220)
    trace = received(delivered(server, trusted.deliver(message())))
    assert trace.startswith("from spike ([203.0.113.9]) by mx.test (Postrider) with ESMTP id ")


def test_xclient_may_be_said_again(trusted):
    trusted.cmd("XCLIENT ADDR=198.51.100.9", 220)
    trusted.ehlo()
    assert not may_relay(trusted)
    trusted.cmd("RSET", 250)
    trusted.cmd("XCLIENT ADDR=203.0.113.9", 220)
    trusted.ehlo()
    assert may_relay(trusted)


def test_what_is_unavailable_stays_unsaid(server, trusted):
    trusted.cmd("XCLIENT NAME=[UNAVAILABLE] ADDR=203.0.113.9 LOGIN=[TEMPUNAVAIL]", 220)
    trusted.ehlo()
    assert received(delivered(server, trusted.deliver(message()))).startswith("from client.test ([203.0.113.9]) by ")


def test_xclient_may_say_who_has_logged_in(trusted):
    trusted.cmd("XCLIENT ADDR=198.51.100.9 LOGIN=alice@example.test", 220)
    trusted.ehlo()
    assert may_relay(trusted, sender="alice@example.test")


def test_a_denied_client_is_denied_by_xclient_too(trusted):
    trusted.cmd("XCLIENT ADDR=198.51.100.66", 554, "5.7.1")
    assert trusted.read_until_close() == b""


def test_xclient_inside_a_transaction_is_refused(trusted):
    trusted.ehlo()
    trusted.mail()
    trusted.cmd("XCLIENT ADDR=203.0.113.9", 503, "5.5.1")
    trusted.rcpt()


@pytest.mark.parametrize("line", ["XCLIENT", "XCLIENT ADDR", "XCLIENT ADDR=", "XCLIENT ADDR=x", "XCLIENT ADDR=1.2.3",
                                  "XCLIENT PORT=x", "XCLIENT PORT=65536", "XCLIENT COLOUR=red",
                                  "XCLIENT ADDR=192.0.2.1 ADDR=192.0.2.1", "XCLIENT NAME=a+0Ab"])
def test_a_malformed_xclient_is_refused_and_changes_nothing(server, trusted, line):
    trusted.ehlo()
    trusted.cmd(line, 501, "5.5.4")
    assert received(delivered(server, trusted.deliver(message()))).startswith("from client.test ([127.0.0.8]) by ")


# --- IPv4 on an IPv6 listener --------------------------------------------------------------------------


def test_a_v4_mapped_client_counts_as_ipv4(server):
    before = len(server.log_lines())
    _, port = server.address(1)
    with Client("127.0.0.1", port, source="127.0.0.44") as client:
        client.expect(220)
        client.ehlo()
        assert received(delivered(server, client.deliver(message()))).startswith("from client.test ([127.0.0.44]) by ")
        assert may_relay(client)
    assert server.wait_log(after=before, event="accepted")["client"] == "127.0.0.44"


def test_a_v4_mapped_client_is_found_in_a_list_of_ipv4_addresses(server):
    _, port = server.address(1)
    with Client("127.0.0.1", port, source=XCLIENT) as client:
        client.expect(220)
        assert "XCLIENT" in client.ehlo()


def test_an_ipv6_client_of_the_same_listener_is_none(server):
    _, port = server.address(1)
    with Client("::1", port) as client:
        client.expect(220)
        client.ehlo()
        assert received(delivered(server, client.deliver(message()))).startswith("from client.test ([IPv6:::1]) by ")
