"""STARTTLS with Postfix and Exim, each way; Exim's TLS is GnuTLS."""

import os
import pwd
import shutil

import pytest

from harness.peers import Exim, Postfix
from harness.scenes import id_of
from harness.server import Server
from harness.sink import Sink
from interop import bodies

SENDER, RECIPIENT = "sender@client.test", "alice@example.test"


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("localhost", "mx.test", kind="rsa")


@pytest.fixture(scope="module")
def server(authority, certificate, tmp_path_factory):
    """What the peers send to, with STARTTLS."""
    server = Server(tmp_path_factory.mktemp("server"), {
        "networks": ["127.0.0.0/8"], "listener": [{"tls": "starttls"}],
        "tls": {"certificate": str(certificate.pem), "key": str(certificate.key)},
        "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob"]}]}).start()
    yield server
    server.finish()


def readable(path, folder, user):
    """A copy that the peer's user may read."""
    copy = shutil.copy(path, folder)
    os.chown(copy, *pwd.getpwnam(user)[2:4])
    return copy


def submit(peer, wire):
    with peer.client(timeout=60) as client:
        client.ehlo()
        client.deliver(wire, [RECIPIENT], SENDER, "BODY=8BITMIME")


@pytest.fixture(params=["postfix", "exim"])
def sender(request, server, authority, tmp_path):
    """A peer that sends all it gets to `server`, and only by TLS that it has verified."""
    folder = tmp_path / "peer"
    if request.param == "postfix":
        main = {"relayhost": f"[localhost]:{server.port}", "smtp_tls_security_level": "verify",
                "smtp_tls_CAfile": authority.pem, "smtp_tls_loglevel": "1", "inet_protocols": "ipv4"}
        peer = Postfix(folder, main)
    else:
        folder.mkdir()
        trusted = readable(authority.pem, folder, "Debian-exim")
        peer = Exim.relay_to(folder, "127.0.0.1", server.port)
        text = peer.conf.read_text().replace("  hosts_avoid_tls = *\n",
                                             f"  hosts_require_tls = *\n  tls_verify_certificates = {trusted}\n"
                                             "  tls_verify_cert_hostnames =\n  tls_verify_hosts = *\n")
        peer.conf.write_text(text)
    with peer:
        yield peer


@pytest.mark.parametrize("size", [5000, bodies.MIB])
def test_they_send_by_tls(sender, server, token, arrived, same, size):
    wire = bodies.message(token, bodies.body(size, eight_bit=True))
    before = len(server.log_lines())
    submit(sender, wire)
    assert arrived(token).endswith(bodies.stored(wire))
    line = server.wait_log(event="accepted", proto="ESMTPS", after=before)
    assert line["tls"].startswith("TLSv1.3 TLS_")


@pytest.fixture(params=["good"])
def shown(request, certificate, authority):
    """The certificate that a receiving peer has."""
    return {"good": lambda: certificate,
            "expired": lambda: authority.issue("localhost", kind="rsa", days=(-20, -1)),
            "of another name": lambda: authority.issue("elsewhere.test", kind="rsa")}[request.param]()


@pytest.fixture(params=["postfix", "exim"])
def receiver(request, shown, tmp_path):
    """(a peer that takes mail by TLS only and hands it to a sink, the sink)"""
    folder = tmp_path / "peer"
    folder.mkdir()
    with Sink(("127.0.0.1", 0)) as sink:
        if request.param == "postfix":
            peer = Postfix(folder, {"relayhost": f"[127.0.0.1]:{sink.port}", "smtpd_tls_security_level": "encrypt",
                                    "smtpd_tls_cert_file": shutil.copy(shown.pem, folder),
                                    "smtpd_tls_key_file": shutil.copy(shown.key, folder)})
        else:
            pem, key = (readable(path, folder, "Debian-exim") for path in (shown.pem, shown.key))
            peer = Exim.relay_to(folder, "127.0.0.1", sink.port)
            text = peer.conf.read_text().replace("tls_advertise_hosts =\n", "tls_advertise_hosts = *\n"
                                                 f"tls_certificate = {pem}\ntls_privatekey = {key}\n")
            peer.conf.write_text(text)
        with peer:
            yield peer, sink


@pytest.mark.parametrize("level", ["may", "encrypt", "verify"])
def test_we_send_by_tls(receiver, authority, make_server, token, level):
    peer, sink = receiver
    ours, name = send_out(make_server, authority, peer, token, level)
    ours.wait_log(event="relayed", id=name)
    line = ours.wait_log(event="tls", policy=level, certificate="good")
    assert line["tls"].startswith("TLSv1.3 TLS_")
    assert f"Subject: {token}\r\n".encode() in sink.wait()[0].content


@pytest.mark.parametrize("shown", ["expired", "of another name"], indirect=True)
@pytest.mark.parametrize("level", ["may", "encrypt", "verify"])
def test_a_certificate_that_is_no_good_stops_only_what_is_to_be_verified(receiver, authority, make_server, token, level):
    peer, sink = receiver
    ours, name = send_out(make_server, authority, peer, token, level)
    if level == "verify":
        assert "certificate" in ours.wait_log(event="deferred", id=name)["reply"]
        assert not sink.messages
    else:
        ours.wait_log(event="relayed", id=name)
        ours.wait_log(event="tls", policy=level)


def send_out(make_server, authority, peer, token, level):
    """(a server of ours, the id of the message that it has for the peer)"""
    ours = make_server(networks=["127.0.0.0/8"], delivery={"tls_ca": str(authority.pem), "ip": "only-ipv4"},
                       queue={"retry": {"first": "300ms", "factor": 1.0, "max": "1s"}},
                       route=[{"domain": "out.test", "via": f"smtp://localhost:{peer.port}", "tls": level}])
    wire = bodies.message(token, bodies.body(5000, eight_bit=True), "bob@out.test", SENDER)
    with ours.client() as client:
        client.ehlo()
        return ours, id_of(client.deliver(wire, ["bob@out.test"], SENDER, "BODY=8BITMIME"))
