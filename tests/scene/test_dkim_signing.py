"""Mail that leaves in our name is signed (DKIM): whose, by which keys, in which form. Each signature is judged by dkimpy and by our
own code; both have to agree."""

import stat
import subprocess

import dkim
import pytest

from harness.dkim import keys, records, sign_with, signatures, verdicts
from harness.kernel import check
from harness.scenes import delivered, id_of
from harness.server import binary
from harness.sink import Sink
from harness.smtp import message
from harness.tools import run
from harness.waiting import wait_until

STRANGER = "127.0.9.9"  # in no listed network


@pytest.fixture
def dns(make_dns):
    return make_dns({"foreign.test": {"MX": ["10 mx.foreign.test"]}}, ttl=0)


@pytest.fixture
def far():
    """Where all mail for other domains goes."""
    with Sink(("127.0.0.1", 0)) as sink:
        yield sink


@pytest.fixture
def house(make_server, dns, far):
    """house(**overrides): a server for example.test."""
    def make(**overrides):
        return make_server(**{
            "hostname": "mx.example.test", "networks": ["127.0.0.1"], "dns": {"servers": [dns.server]},
            "route": [{"domain": name, "via": f"smtp://127.0.0.1:{far.port}"} for name in ("far.test", "there.test")],
            "domain": [{"name": "example.test", "users": ["alice", "bob"],
                        "aliases": {"info": ["carol@far.test"]}}], **overrides})
    return make


def send(server, text, recipient="carol@far.test", sender="alice@example.test", source="127.0.0.1"):
    with server.client(source=source) as client:
        client.ehlo()
        return id_of(client.deliver(text, [recipient], sender))


def sent(server, far, text, **how):
    """What the next server got of it."""
    seen = len(far.messages)
    send(server, text, **how)
    return far.wait(seen + 1)[seen].content


def ours(**fields):
    return message(**{"From": "Alice <alice@example.test>", "To": "carol@far.test", **fields})


def told(server, *command):
    """What it prints, whatever it ends with."""
    return subprocess.run([str(binary()), *command, "--config", str(server.config_path)], capture_output=True, text=True,
                          timeout=60, check=False).stdout


def wait_decision(server, name, wanted):
    """The timeline says it within a second."""
    wait_until(lambda: f"decided: {wanted}" in told(server, "trace", name), 15, f"{wanted!r} in the timeline")


def test_mail_of_our_users_is_signed_by_both_keys_once_the_dns_has_them(house, dns, far):
    server = house()
    assert signatures(sent(server, far, ours())) == []
    made = sign_with(server, dns, "example.test")
    assert [key["algorithm"] for key in made] == ["rsa-sha256", "ed25519-sha256"]
    content = sent(server, far, ours())
    found = signatures(content)
    assert {(one["a"], one["s"]) for one in found} == {(key["algorithm"], key["selector"]) for key in made}
    assert all(one["d"] == "example.test" and one["c"] == "relaxed/relaxed" for one in found)
    assert verdicts(content, dns.records) == [True, True]
    # Received is above, and not signed.
    assert content.startswith(b"Received: ") and "received" not in found[0]["h"].lower()
    assert verdicts(content.replace(b"Subject: test", b"Subject: another"), dns.records) == [False, False]


def test_the_edited_form_is_signed(house, dns, far):
    server = house(submission={"repair_line_ends": True},
                   listener=[{"mode": "mx"}, {"mode": "mx", "xclient": ["127.0.0.1"]}])
    sign_with(server, dns, "example.test")
    with server.client(1) as client:
        client.cmd("XCLIENT LOGIN=alice@example.test", 220)
        client.ehlo()
        client.deliver(b"From: alice@example.test\r\nBcc: secret@far.test\r\nSubject: x\r\n\r\nOne  line \r\n\r\n\r\n",
                       ["carol@far.test"], "alice@example.test")
    content = far.wait()[0].content
    assert b"Bcc" not in content and b"\r\nDate: " in content and b"\r\nMessage-ID: " in content
    assert verdicts(content, dns.records) == [True, True]
    assert verdicts(content.replace(b"\r\nDate: ", b"\r\nDate: Mon, "), dns.records) == [False, False]


@pytest.mark.parametrize("name", ["large", "chunks", "no body", "no blank line", "eight bits", "dots"])
def test_however_it_comes_the_signature_is_of_what_was_taken(house, dns, far, name):
    server = house()
    sign_with(server, dns, "example.test")
    text = {"large": ours(body="Line  with text. \r\n" * 200_000), "chunks": ours(body="one\r\ntwo\r\n" * 9999),
            "no body": ours(body=""), "no blank line": ours(body="")[:-2],
            "eight bits": ours(body=bytes(range(128, 256)) + b"\r\n"), "dots": ours(body=".\r\n..\r\n.x\r\n")}[name]
    with server.client() as client:
        client.ehlo()
        client.mail("alice@example.test", "BODY=8BITMIME" if name == "eight bits" else "")
        client.rcpt("carol@far.test")
        if name == "chunks":
            for at in range(0, len(text), 7001):
                last = at + 7001 >= len(text)
                piece = text[at:at + 7001]
                client.send(f"BDAT {len(piece)}{' LAST' if last else ''}\r\n".encode() + piece)
                client.expect(250)
        else:
            client.data(text)
    assert verdicts(far.wait()[0].content, dns.records) == [True, True]


def test_what_a_stranger_sends_in_our_name_is_never_signed(house, dns, far):
    server = house()
    sign_with(server, dns, "example.test")
    send(server, ours(), recipient="info@example.test", source=STRANGER)
    assert signatures(far.wait()[0].content) == []
    send(server, ours(), recipient="bob@example.test", source=STRANGER)
    assert signatures(server.wait_mail("example.test", "bob")[0]) == []


def test_mail_of_others_that_goes_on_keeps_its_signature_and_gets_none_of_ours(house, dns, far):
    server = house()
    made = sign_with(server, dns, "example.test")
    # Another server's key: one that was made here, under its own name.
    theirs = (server.data_dir / "dkim" / f"{made[0]['name']}.pem").read_bytes()
    dns.records["s1._domainkey.foreign.test"] = {"TXT": [made[0]["value"]]}
    text = message(From="eve@foreign.test", To="info@example.test")
    text = dkim.sign(text, b"s1", b"foreign.test", theirs, canonicalize=(b"simple", b"simple")) + text
    content = sent(server, far, text, recipient="info@example.test", sender="eve@foreign.test", source=STRANGER)
    assert [one["d"] for one in signatures(content)] == ["foreign.test"]
    assert verdicts(content, dns.records) == [True]


def test_a_notification_is_signed_in_the_name_that_stands_in_its_from(house, dns, far):
    far.replies["RCPT"] = ["550 5.1.1 nobody here", "250 ok"]
    server = house()
    sign_with(server, dns, "example.test")
    send(server, message(From="dora@there.test"), sender="dora@there.test")
    [notification] = far.wait()
    assert notification.sender == "" and b"From: Mail Delivery System <MAILER-DAEMON@mx.example.test>" in notification.content
    assert {one["d"] for one in signatures(notification.content)} == {"example.test"}
    assert verdicts(notification.content, dns.records) == [True, True]


def test_mail_of_local_programs_is_signed_by_the_socket_and_from_the_drop_folder(house, dns, far, sendmail):
    server = house(**sendmail.overrides())
    sendmail.use(server)
    sign_with(server, dns, "example.test")
    sendmail("carol@far.test", text="From: alice@example.test\nSubject: by the socket\n\nHello\n")
    assert verdicts(far.wait()[0].content, dns.records) == [True, True]
    server.stop()
    sendmail("carol@far.test", text="From: alice@example.test\nSubject: dropped\n\nHello\n")
    assert sendmail.dropped()
    server.start()
    content = far.wait(2)[1].content
    assert b"Subject: dropped" in content and verdicts(content, dns.records) == [True, True]


def test_the_timeline_and_the_metrics_tell_who_signed(house, dns, far):
    server = house(http={"address": "127.0.0.1:0"})
    made = sign_with(server, dns, "example.test")
    name = send(server, ours())
    wait_decision(server, name, f"signed for example.test with s={made[0]['selector']}, s={made[1]['selector']}")
    name = send(server, message(From="dora@there.test"))
    wait_decision(server, name, "not signed: there.test has no key here")
    name = send(server, b"words, and no header\r\n")
    wait_decision(server, name, "not signed: where its body begins can be read in two ways")
    shown = run(server, "metrics")[0]
    for line in ('postrider_dkim_messages_total{result="signed"} 1', 'postrider_dkim_messages_total{result="no_key"} 1',
                 'postrider_dkim_messages_total{result="unreadable"} 1', "postrider_dkim_keys 2", "postrider_dkim_key_faults 0"):
        assert line in shown, line


def test_settings_turn_it_off_for_all_or_for_one_domain_while_it_runs(house, dns, far):
    server = house()
    sign_with(server, dns, "example.test")
    for setting, count in (({"except": ["example.test"]}, 0), ({"sign": False, "except": []}, 0),
                           ({"sign": True, "headers": ["X-Mine"], "expire": "30d"}, 2)):
        before = len(server.log_lines())
        server.change({"dkim": setting})
        server.reload()
        server.wait_log(event="reloaded", after=before)
        content = sent(server, far, ours(X_Mine="1"))
        assert len(signatures(content)) == count, setting
    one = signatures(content)[0]
    assert int(one["x"]) - int(one["t"]) == 30 * 86400 and "X-Mine" in one["h"].split(":")
    assert verdicts(content, dns.records) == [True, True]


def test_a_damaged_key_file_stops_nothing(house, dns, far):
    server = house()
    made = sign_with(server, dns, "example.test")
    file = server.data_dir / "dkim" / f"{made[0]['name']}.pem"
    good = file.read_bytes()
    file.write_bytes(good[:100])
    server.reload()
    assert str(file) in server.wait_log(event="dkim_key_fault")["why"]
    assert verdicts(sent(server, far, ours()), dns.records) == [True, True]
    # After a restart nobody knows it any more: the other one is left.
    server.restart()
    content = sent(server, far, ours())
    assert [one["s"] for one in signatures(content)] == [made[1]["selector"]]
    assert verdicts(content, dns.records) == [True]
    out, err = run(server, "dkim", "list", "--no-dns", code=1)
    assert "damaged" in out and str(made[0]["selector"]) in err and made[1]["selector"] in out
    code, said = check(server)
    assert code == 0 and f"warning: a DKIM key can't be used: {file}" in said
    before = len(server.log_lines())
    file.write_bytes(good)
    server.reload()
    server.wait_log(event="dkim_keys", after=before, keys=2)
    server.wait_log(event="dkim_keys_mended", after=before)
    assert verdicts(sent(server, far, ours()), dns.records) == [True, True]


def test_a_damaged_list_stops_nothing_while_the_server_runs(house, dns, far):
    server = house()
    sign_with(server, dns, "example.test")
    (server.data_dir / "dkim/example.test.toml").unlink()
    (server.data_dir / "dkim/example.test.toml").write_text("format = ")
    server.wait_log(event="dkim_key_fault")
    assert verdicts(sent(server, far, ours()), dns.records) == [True, True]


def test_keys_that_root_makes_are_the_servers_users_alone(make_stepped_down, dns, far):
    server = make_stepped_down(hostname="mx.example.test", networks=["127.0.0.1"], dns={"servers": [dns.server]},
                               route=[{"domain": "*", "via": f"smtp://127.0.0.1:{far.port}"}])
    server.start()
    sign_with(server, dns, "example.test")
    folder = server.data_dir / "dkim"
    files = [folder, *folder.iterdir()]
    assert {path.owner() for path in files} == {"nobody"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files[1:]} == {0o600}
    assert verdicts(sent(server, far, ours()), dns.records) == [True, True]


def test_check_warns_of_domains_whose_mail_is_not_signed(house, dns):
    server = house()
    code, said = check(server)
    assert code == 0 and "warning: mail is not signed (DKIM) where postrider dkim list has no key that signs:\n  example.test\n" in said
    sign_with(server, dns, "example.test")
    assert check(server) == (0, f"{server.config_path}: good\n")
    server.change({"hostname": "mx.there.test"})
    assert "notifications are not signed (DKIM): no key of mx.there.test" in check(server)[1]


def test_the_keys_are_in_a_backup(house, dns, far, tmp_path):
    server = house()
    made = sign_with(server, dns, "example.test")
    assert "the DKIM keys" in run(server, "backup", tmp_path / "backup")[0]
    server.stop()
    (server.data_dir / "dkim").rename(tmp_path / "lost")
    (server.data_dir / "spool").rename(tmp_path / "lost-spool")
    run(server, "restore", tmp_path / "backup")
    server.start()
    assert [one["selector"] for one in keys(server, "list", "--no-dns")] == [one["selector"] for one in made]
    assert verdicts(sent(server, far, ours()), records(*made)) == [True, True]


def test_what_an_alias_sends_on_is_sealed_where_that_is_wanted(house, dns, far):
    server = house(arc={"seal": True}, authentication={"check": True})
    sign_with(server, dns, "example.test", "--algorithm", "rsa")
    text = message(From="eve@one.test", To="info@example.test")
    content = sent(server, far, text, recipient="info@example.test", sender="eve@one.test", source=STRANGER)
    verdict, chain, _ = dkim.arc_verify(content, dnsfunc=lambda name, timeout=5: _text(dns, name))
    assert verdict == b"pass", content
    assert [one["as-domain"] for one in chain] == [b"example.test"]
    assert b"ARC-Authentication-Results: i=1; mx.example.test;\r\n\tdmarc=none" in content
    # Through it again: one more link of the chain, which is whole.
    content = sent(server, far, content, recipient="info@example.test", sender="eve@one.test", source=STRANGER)
    verdict, chain, _ = dkim.arc_verify(content, dnsfunc=lambda name, timeout=5: _text(dns, name))
    assert verdict == b"pass" and len(chain) == 2
    # What goes to nobody else is not sealed, and nothing is without the setting.
    id_ = send(server, text, recipient="alice@example.test", sender="eve@one.test", source=STRANGER)
    assert b"ARC-Seal" not in delivered(server, id_)
    server.change({"arc": {"seal": False}})
    server.reload()
    server.wait_log(event="reloaded")
    content = sent(server, far, text, recipient="info@example.test", sender="eve@one.test", source=STRANGER)
    assert b"ARC-Seal" not in content


def _text(dns, name):
    found = dns.records.get(name.decode().rstrip("."), {}).get("TXT")
    return found[0].encode() if found else None
