"""STARTTLS and implicit TLS, as clients see them."""

import concurrent.futures
import re
import shutil
import ssl
import subprocess

import pytest

from harness import vectors as vector_folders
from harness.certificates import client_context, fingerprint
from harness.scenes import delivered, id_of, received
from harness.smtp import Client, Closed, message
from harness.waiting import wait_until

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def ec(authority):
    return authority.issue("mx.test", kind="ec")


@pytest.fixture(scope="module")
def rsa(authority):
    return authority.issue("mx.test", kind="rsa")


@pytest.fixture
def make_tls_server(make_server):
    """Listener 0 has STARTTLS, listener 1 implicit TLS; with these certificates."""
    def make(*certificates, listener=({"tls": "starttls"}, {"tls": "implicit"}), tls=None, **overrides):
        files = {"certificate": [str(one.pem) for one in certificates], "key": [str(one.key) for one in certificates]}
        return make_server(listener=list(listener), tls={**files, **(tls or {})}, **overrides)
    return make


@pytest.fixture
def tls_server(make_tls_server, ec, rsa):
    return make_tls_server(rsa, ec)


def shown(client):
    """The fingerprint of the certificate that the server has shown."""
    return fingerprint(client.socket.getpeercert(binary_form=True))


# --- the dialog ----------------------------------------------------------------------------------------


def test_starttls_is_offered_once_and_the_mail_says_what_it_came_by(tls_server, authority):
    with tls_server.client() as client:
        assert "STARTTLS" in client.ehlo()
        client.starttls(client_context(trusting=authority, oldest=TLS13))
        assert "STARTTLS" not in client.ehlo()
        client.cmd("STARTTLS", 503, "5.5.1")
        reply = client.deliver(message())
        client.quit()
    words = received(delivered(tls_server, reply))
    cipher = re.search(r"with ESMTPS \(TLSv1\.3\) id \w+ tls (TLS_\w+) for <alice@example\.test>;", words)
    assert cipher, words
    line = tls_server.wait_log(event="accepted", id=id_of(reply), proto="ESMTPS")
    assert line["tls"] == f"TLSv1.3 {cipher[1]}"


def test_implicit_tls_greets_under_tls(tls_server, authority):
    with tls_server.client(1, tls=client_context(trusting=authority, newest=TLS12)) as client:
        assert "STARTTLS" not in client.ehlo()
        reply = client.deliver(message())
    assert re.search(r"with ESMTPS \(TLSv1\.2\) id \w+ tls TLS_ECDHE_\w+ for", received(delivered(tls_server, reply)))


def test_without_tls_nothing_of_it_is_said(make_tls_server, ec):
    server = make_tls_server(ec, listener=[{"tls": "none"}])
    with server.client() as client:
        assert "STARTTLS" not in client.ehlo()
        client.cmd("STARTTLS", 502, "5.5.1")
        reply = client.deliver(message())
    assert "tls" not in received(delivered(server, reply))


def test_lmtp_under_tls_is_lmtps(make_tls_server, ec, authority):
    server = make_tls_server(ec, listener=[{"mode": "lmtp", "tls": "starttls"}])
    with server.client() as client:
        assert "STARTTLS" in client.lhlo()
        client.starttls(client_context(trusting=authority))
        client.lhlo()
        reply = client.deliver(message())
    assert " with LMTPS (TLSv1." in received(delivered(server, reply))


def test_the_session_after_starttls_is_a_new_one(tls_server, authority):
    with tls_server.client() as client:
        client.ehlo("before.test")
        client.starttls(client_context(trusting=authority))
        client.cmd("MAIL FROM:<sender@client.test>", 503, "5.5.1")
        client.cmd("EHLO after.test", 250)
        reply = client.deliver(message())
    assert received(delivered(tls_server, reply)).startswith("from after.test ")


def test_starttls_inside_a_transaction_is_refused_and_the_mail_goes_on(tls_server):
    with tls_server.client() as client:
        client.ehlo()
        client.mail()
        client.cmd("STARTTLS", 501, "5.5.1")
        client.rcpt()
        reply = client.data(message())
    delivered(tls_server, reply)


def test_what_xclient_said_in_clear_is_forgotten(make_tls_server, ec, authority):
    server = make_tls_server(ec, listener=[{"tls": "starttls", "xclient": ["127.0.0.1"]}])
    with server.client() as client:
        client.ehlo()
        client.cmd("XCLIENT ADDR=192.0.2.9 NAME=evil.test LOGIN=alice", 220)
        client.ehlo()
        client.starttls(client_context(trusting=authority))
        client.ehlo()
        reply = client.deliver(message())
    assert "([127.0.0.1])" in received(delivered(server, reply))


def test_a_proxy_header_stands_in_clear_before_the_handshake(make_tls_server, ec, authority):
    server = make_tls_server(ec, listener=[{"tls": "implicit", "proxy_protocol": ["127.0.0.1"]}])
    with server.client(greeting=False) as client:
        client.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 1234 465\r\n")
        client.wrap(client_context(trusting=authority))
        client.expect(220)
        client.ehlo()
        reply = client.deliver(message())
    assert "([192.0.2.7])" in received(delivered(server, reply))


# --- attacks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [b"MAIL FROM:<evil@client.test>\r\n", b"\r\n", b"x", b"EHLO x\r\nRCPT TO:<alice@example.test>\r\n"])
def test_plaintext_behind_starttls_ends_the_connection(tls_server, behind):
    with tls_server.client() as client:
        client.ehlo()
        client.send(b"STARTTLS\r\n" + behind)
        client.expect(451, "4.5.0")
        assert client.read_until_close() == b""
    tls_server.wait_log(event="refused", command="STARTTLS", code=451)


def test_plaintext_instead_of_a_handshake_is_no_command(tls_server):
    with tls_server.client() as client:
        client.ehlo()
        client.cmd("STARTTLS", 220)
        client.send(b"MAIL FROM:<evil@client.test>\r\nQUIT\r\n")
        said = client.read_until_close()
        # An alert of TLS at most: nothing that reads as a reply.
        assert not said or said[0] == 0x15, said
    tls_server.wait_log(event="tls_failed", client="127.0.0.1")


def test_a_handshake_has_its_deadline(make_tls_server, ec):
    server = make_tls_server(ec, timeouts={"tls_handshake": "300ms"})
    for listener in (0, 1):
        with server.client(listener, greeting=listener == 0) as client:
            if listener == 0:
                client.cmd("STARTTLS", 220)
            client.send(b"\x16\x03\x01")
            assert client.read_until_close(5) == b""
    server.wait_log(event="tls_failed", reason="it took too long", count=2)


def test_too_many_handshakes_are_put_off(make_tls_server, ec, authority):
    server = make_tls_server(ec, limits={"tls_handshakes": 1})
    with server.client() as first, server.client() as second:
        first.cmd("STARTTLS", 220)
        second.cmd("STARTTLS", 454, "4.7.0")
        with server.client(1, greeting=False) as third:
            assert third.read_until_close() == b""
        first.wrap(client_context(trusting=authority))
        first.ehlo()
        second.starttls(client_context(trusting=authority))
        second.ehlo()


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(tls_server, version):
    host, port = tls_server.address(1)
    said = subprocess.run(["openssl", "s_client", "-connect", f"{host}:{port}", version, "-cipher", "ALL:@SECLEVEL=0"],
                          input=b"", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False).stdout
    assert b"alert protocol version" in said, said
    tls_server.wait_log(event="tls_failed", reason="unsupported protocol")


def test_renegotiation_is_refused(tls_server):
    host, port = tls_server.address(1)
    with subprocess.Popen(["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        try:
            said = b""
            while not said.endswith(b"220 mx.test ESMTP Postrider\r\n"):  # after it, nothing can cross the client's wish
                line = client.stdout.readline()
                assert line, said
                said += line
            said += client.communicate(b"R\n", timeout=20)[0]
        finally:
            client.kill()
    assert b"RENEGOTIATING" in said and b"no renegotiation" in said, said


def test_a_connection_that_is_cut_off_under_tls_leaves_no_mail(tls_server, authority):
    with tls_server.client() as client:
        client.ehlo()
        client.starttls(client_context(trusting=authority))
        client.ehlo()
        client.mail()
        client.rcpt()
        client.cmd("DATA", 354)
        client.send(b"Subject: cut\r\n\r\nhello\r\n")
    with tls_server.client() as client:
        client.ehlo()
        reply = client.deliver(message())
    delivered(tls_server, reply)
    assert len(tls_server.maildir("example.test", "alice")) == 1


# --- certificates --------------------------------------------------------------------------------------


def test_a_client_gets_the_kind_of_certificate_that_it_can_take(tls_server, ec, rsa):
    for wanted, ciphers in ((ec, "ECDHE-ECDSA-AES128-GCM-SHA256"), (rsa, "ECDHE-RSA-AES128-GCM-SHA256")):
        with tls_server.client(1, tls=client_context(newest=TLS12, ciphers=ciphers)) as client:
            assert shown(client) == wanted.fingerprint()


def test_a_client_gets_the_certificate_of_the_host_that_it_names(make_tls_server, authority, ec):
    other, wild = authority.issue("other.test", "third.test"), authority.issue("*.wild.test")
    server = make_tls_server(other, ec, wild)
    for name, wanted in (("mx.test", ec), ("other.test", other), ("THIRD.test", other), ("a.wild.test", wild),
                         ("unknown.test", ec), (None, ec)):
        with server.client(1, tls=client_context(), server_name=name) as client:
            assert shown(client) == wanted.fingerprint(), name


def test_a_renewed_certificate_is_seen_by_itself_and_no_session_drops(make_tls_server, authority, tmp_path):
    old, new = authority.issue("mx.test"), authority.issue("mx.test")
    live = type(old)(tmp_path / "live.pem", tmp_path / "live.key", old.names)
    shutil.copy(old.pem, live.pem), shutil.copy(old.key, live.key)
    server = make_tls_server(live)
    with server.client(1, tls=client_context(trusting=authority)) as standing:
        assert shown(standing) == old.fingerprint()
        shutil.copy(new.key, live.key), shutil.copy(new.pem, live.pem)
        wait_until(lambda: new.fingerprint() == _shown_now(server), 30, "the new certificate")
        standing.ehlo()
        standing.deliver(message())


def _shown_now(server):
    with server.client(1, tls=client_context()) as client:
        return shown(client)


def test_a_bad_certificate_at_a_reload_is_refused_and_the_old_one_stays(make_tls_server, authority, tmp_path):
    old, new = authority.issue("mx.test"), authority.issue("mx.test")
    live = type(old)(tmp_path / "live.pem", tmp_path / "live.key", old.names)
    shutil.copy(old.pem, live.pem), shutil.copy(old.key, live.key)
    server = make_tls_server(live)
    for bad, said in (((new.pem.read_bytes(), old.key.read_bytes()), "is not the key of the certificate in"),
                      ((b"rubbish", new.key.read_bytes()), "holds no certificate"),
                      ((new.pem.read_bytes(), b"rubbish"), "holds no private key"),
                      ((new.pem.read_bytes()[:-60] + b"\n", new.key.read_bytes()), "holds no certificate")):
        live.pem.write_bytes(bad[0]), live.key.write_bytes(bad[1])
        before = len(server.log_lines())
        server.reload()
        line = server.wait_log(event="tls_certificate_refused", after=before)
        assert said in line["fault"] and re.search(r"postrider\.toml:\d+:\d+: /", line["fault"]), line
        assert _shown_now(server) == old.fingerprint()
    shutil.copy(new.pem, live.pem), shutil.copy(new.key, live.key)
    before = len(server.log_lines())
    server.reload()
    server.wait_log(event="tls_certificate", file=str(live.pem), after=before)
    assert _shown_now(server) == new.fingerprint()


def test_reloads_under_load_drop_nobody(tls_server, authority):
    context = client_context(trusting=authority)

    def talk(_):
        for _ in range(10):
            with tls_server.client() as client:
                client.ehlo()
                client.starttls(context)
                client.ehlo()
                client.deliver(message())
                client.quit()
        return True
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        talks = [pool.submit(talk, number) for number in range(8)]
        for round_ in range(1, 11):
            before = len(tls_server.log_lines())
            tls_server.reload()
            tls_server.wait_log(event="reloaded", after=before)
        assert all(each.result() for each in talks)


def test_an_expired_certificate_is_told_and_used(make_tls_server, authority):
    old = authority.issue("mx.test", days=(-10, -1))
    server = make_tls_server(old)
    server.wait_log(event="tls_certificate", level="warning", fault=re.compile("it expired on"))
    assert _shown_now(server) == old.fingerprint()


def test_a_server_does_not_start_without_its_key(make_server, ec, tmp_path):
    server = make_server(start=False, listener=[{"tls": "starttls"}],
                         tls={"certificate": str(ec.pem), "key": str(tmp_path / "nothing")})
    server.start(ready=False)
    assert server.wait_exit() == 1
    why = server.wait_log(event="cannot_start")["why"]
    assert re.search(r"postrider\.toml:\d+:\d+: .*/nothing can't be read: No such file or directory; it must be", why)


# --- resumption ----------------------------------------------------------------------------------------


def _session(server, context, session=None):
    """(whether the session was resumed, the session that the next one may resume)"""
    client = Client(*server.address(1))
    client.wrap(context, session=session)
    with client:
        client.expect(220)  # the ticket of TLS 1.3 comes with what is read first
        return client.socket.session_reused, client.socket.session


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_ticket_is_taken_again_also_after_a_reload(tls_server, version):
    context = client_context(oldest=version, newest=version)
    resumed, session = _session(tls_server, context)
    assert not resumed
    resumed, session = _session(tls_server, context, session)
    assert resumed
    tls_server.reload()
    tls_server.wait_log(event="reloaded")
    assert _session(tls_server, context, session)[0]


def test_a_ticket_of_another_server_means_a_whole_handshake(make_tls_server, ec):
    context = client_context(newest=TLS12)
    _, session = _session(make_tls_server(ec), context)
    assert not _session(make_tls_server(ec), context, session)[0]


# --- clients' certificates -----------------------------------------------------------------------------


def test_a_client_may_show_a_certificate_and_need_not(make_tls_server, ec, authority):
    server = make_tls_server(ec, tls={"client_ca": str(authority.pem)})
    known = authority.issue("client.test", client=True, email="bob@client.test")
    for certificate in (known, None):
        with server.client(1, tls=client_context(trusting=authority, certificate=certificate)) as client:
            client.ehlo()
            client.deliver(message())
    line = server.wait_log(event="client_certificate", subject="CN = client.test")
    assert line["trusted"] == "yes"


def test_a_certificate_of_a_stranger_is_no_fault_and_not_trusted(make_tls_server, ec, authority, tmp_path):
    server = make_tls_server(ec, tls={"client_ca": str(authority.pem)})
    strange = type(authority)(tmp_path / "other", "Other").issue("evil.test", client=True)
    with server.client(1, tls=client_context(trusting=authority, certificate=strange)) as client:
        client.ehlo()
        client.deliver(message())
    line = server.wait_log(event="client_certificate", subject="CN = evil.test")
    assert line["trusted"] == "no" and "issuer" in line["reason"]


# --- check ---------------------------------------------------------------------------------------------


def _check(make_server, tls):
    server = make_server(start=False, listener=[{"tls": "starttls"}], tls=tls, dkim={"sign": False})
    done = subprocess.run([server.program, "check", "--config", server.config_path], stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE, timeout=20, check=False)
    return done.returncode, done.stderr.decode()


def test_check_tells_each_fault_of_a_certificate_with_its_place(make_server, authority, ec, tmp_path):
    other, expired = authority.issue("other.test"), authority.issue("mx.test", days=(-9, -2))
    (tmp_path / "rubbish").write_text("rubbish")
    for pem, key, said in ((ec.pem, other.key, r"8: \S+ is not the key of the certificate in \S+; name the key"),
                           (tmp_path / "rubbish", ec.key, r"15: \S+/rubbish holds no certificate: .*; it must be PEM"),
                           (ec.pem, tmp_path / "none", r"7: \S+/none can't be read: No such file .*; it must"),
                           (expired.pem, expired.key, r"15: \S+: it expired on 20\S+Z; renew it"),
                           (other.pem, other.key, r"15: no certificate is for the hostname, mx\.test; get one")):
        code, stderr = _check(make_server, {"certificate": str(pem), "key": str(key)})
        assert code == 1
        assert re.search(r"postrider\.toml:\d+:" + said.replace("8: ", "7: "), stderr), stderr
    assert _check(make_server, {"certificate": str(ec.pem), "key": str(ec.key)}) == (0, "")


# --- dialogs that others wrote -------------------------------------------------------------------------

# Not run, because they authenticate.
NEED_ACCOUNTS = {"authplain", "starttls_session_fixation"}
# Of another server without TLS.
JAMES = {"hostname": "mydomain.tld",
         "domain": [{"name": "mydomain.tld", "kind": "local", "users": ["bob", "starttls"]}]}


def james_scripts():
    folder = vector_folders.folder("dialogs-james")
    return sorted((folder / "smtp").glob("*.test")) if folder else []


RUN = [path for path in james_scripts() if path.stem not in NEED_ACCOUNTS]


def expected_replies(lines):
    """[(code, lines)] of consecutive "S:" lines: a reply ends with a line whose code is followed by a space."""
    replies, open_ = [], []
    for line in lines:
        open_.append(line)
        if line[3:4] == " ":
            replies.append((int(line[:3]), open_))
            open_ = []
    assert not open_, open_
    return replies


@pytest.mark.parametrize("script", RUN or [None], ids=lambda path: path and path.stem)
def test_a_dialog_of_james_gets_the_codes_that_it_expects(make_tls_server, ec, vectors, script):
    vectors("dialogs-james")
    listener = {} if script.stem == "helo" else {"tls": "starttls"}
    server = make_tls_server(ec, listener=[listener], **JAMES)
    steps = [line for line in script.read_text().splitlines() if line.strip()]
    wanted = expected_replies([line[3:] for line in steps if line.startswith("S:")])
    said = []
    with Client(*server.address()) as client:
        said.append(client.read_reply())
        in_data = False
        for line in steps:
            if not line.startswith("C:"):
                continue
            text = line[3:].replace("\\r\\n", "\r\n").removesuffix("\r\n").encode()
            client.send(text + b"\r\n")
            # Each waits for its reply, as EHLO has to be the last of a group (RFC 2920 3.1).
            if not in_data or text == b".":
                said.append(client.read_reply())
                in_data = said[-1].code == 354
    assert [reply.code for reply in said] == [code for code, _ in wanted]
    for reply, (_, lines) in zip(said, wanted):
        assert any("STARTTLS" in line for line in lines) <= ("STARTTLS" in reply.lines)


def test_no_dialog_of_james_is_lost(vectors):
    names = {path.stem for path in (vectors("dialogs-james") / "smtp").glob("*.test")}
    assert NEED_ACCOUNTS < names and len(names) == 8 and len(RUN) == 6


def test_swaks_speaks_tls_with_us(tls_server):
    host, port = tls_server.address()
    done = subprocess.run(["swaks", "--server", f"{host}:{port}", "--tls", "--from", "a@client.test", "--to", "alice@example.test",
                           "--helo", "client.test"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)
    assert done.returncode == 0, done.stdout.decode()
    tls_server.wait_log(event="accepted", proto="ESMTPS")


def test_a_client_that_closes_in_the_middle_is_no_trouble(tls_server, authority):
    with tls_server.client() as client:
        client.cmd("STARTTLS", 220)
    with pytest.raises((ssl.SSLError, Closed, OSError)), tls_server.client() as client:
        client.starttls(client_context(trusting=type(authority)(tls_server.folder / "other")))
    tls_server.wait_log(event="tls_failed", reason=re.compile("unknown ca|alert"))
    with tls_server.client() as client:
        client.ehlo()
