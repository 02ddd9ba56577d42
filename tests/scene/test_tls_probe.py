"""`postrider tls probe`: what it tells of a server."""

import json

import pytest

from harness.certificates import server_context
from harness.sink import Sink
from harness.tools import run


@pytest.fixture
def server(make_server, authority):
    return make_server(start=False, delivery={"tls_ca": str(authority.pem), "ip": "only-ipv4"})


def test_a_good_server_is_told_with_its_versions_and_certificate(server, authority):
    certificate = authority.issue("localhost", "mx.there.test")
    with Sink(("127.0.0.1", 0), tls=server_context(certificate)) as sink:
        said = json.loads(run(server, "tls", "probe", f"localhost:{sink.port}", "--json")[0])
        assert said["server"] == f"localhost[127.0.0.1]:{sink.port}" and said["offered"] is True
        assert [(each["version"], each["taken"]) for each in said["versions"]] == [
            ("TLSv1.3", True), ("TLSv1.2", True), ("TLSv1.1", False), ("TLSv1.0", False)]
        own = said["chain"][0]
        assert own["names"] == ["localhost", "mx.there.test"] and own["sha256"] == certificate.fingerprint()
        assert (said["trusted"], said["named"], said["key"]) == (True, True, "EC 256")
        assert said["policies"] == {"none": "goes in clear", "may": "goes with TLSv1.3", "encrypt": "goes with TLSv1.3",
                                    "verify": "goes with TLSv1.3, verified"}
        people = run(server, "tls", "probe", f"localhost:{sink.port}", "--name", "other.test")[0]
        assert "mail waits: the certificate is for another name" in people and "EC 256" in people


def test_a_server_without_tls_is_told(server):
    with Sink(("127.0.0.1", 0)) as sink:
        said = json.loads(run(server, "tls", "probe", f"127.0.0.1:{sink.port}", "--json", code=1)[0])
    assert said["offered"] is False
    assert said["policies"]["may"] == "goes in clear"
    assert said["policies"]["encrypt"] == "waits: the server does not offer TLS"


def test_an_expired_certificate_is_told(server, authority):
    with Sink(("127.0.0.1", 0), tls=server_context(authority.issue("localhost", days=(-9, -2)))) as sink:
        said = json.loads(run(server, "tls", "probe", f"localhost:{sink.port}", "--json")[0])
    assert said["trusted"] is False and said["distrust"] == "certificate has expired"
    assert said["policies"]["verify"] == "waits: the certificate is not trusted: certificate has expired"


def test_who_does_not_answer_is_told(server):
    said, _ = run(server, "tls", "probe", "127.0.0.1:1", code=1)
    assert "no answer: Connection refused" in said
