"""Who sent it: SPF, DKIM, DMARC, ARC and iprev of what strangers bring, and what becomes of it by that."""

import base64
import re
import subprocess
import time

import dkim
import pytest

from harness.dns import SERVFAIL, TIMEOUT
from harness.internet import Internet
from harness.scenes import client_from, delivered, id_of, settled
from harness.server import binary
from harness.smtp import message
from harness.tools import run
from harness.waiting import wait_until

# Servers of strangers, whom XCLIENT names.
GOOD, EVIL, FORWARDER, LIST = "192.0.2.10", "192.0.2.66", "192.0.2.20", "192.0.2.30"
PROXY = "127.0.0.1"
CONFIG = {
    "authentication": {"check": True},
    "listener": [{"xclient": [PROXY]}, {"mode": "lmtp", "xclient": [PROXY]}],
}


class Key:
    """A DKIM key: its DNS record, and signatures and seals by it. (dkimpy seals by RSA alone.)"""

    def __init__(self, domain):
        self.pem = _openssl("genrsa", "2048")
        public = _openssl("rsa", "-pubout", "-outform", "DER", key=self.pem)
        self.domain, self.name = domain.encode(), f"s._domainkey.{domain}"
        self.record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"

    def sign(self, mail):
        return dkim.sign(mail, b"s", self.domain, self.pem, canonicalize=(b"relaxed", b"relaxed"),
                         include_headers=[b"From", b"Subject"]) + mail

    def seal(self, mail, results):
        """A list's ARC set above the mail, with what it has found out."""
        found = b"Authentication-Results: %s; %s\r\n" % (self.domain, results)
        fields = dkim.arc_sign(found + mail, b"s", self.domain, self.pem, self.domain,
                               include_headers=[b"From", b"Subject"])
        return b"".join(fields) + mail


def _openssl(*words, key=b""):
    return subprocess.run(["openssl", *words], input=key, capture_output=True, check=True).stdout


GOOD_KEY, LIST_KEY, EVIL_KEY = Key("good.test"), Key("lists.test"), Key("evil.test")


def records():
    return {
        "good.test": {"TXT": [f"v=spf1 ip4:{GOOD} -all"]},
        "mx.good.test": {"A": [GOOD], "TXT": ["v=spf1 a -all"]},
        "10.2.0.192.in-addr.arpa": {"PTR": ["mx.good.test"]},
        "_dmarc.good.test": {"TXT": ["v=DMARC1; p=reject"]},
        GOOD_KEY.name: {"TXT": [GOOD_KEY.record]},
        "soft.test": {"TXT": ["v=spf1 -all"]},
        "_dmarc.soft.test": {"TXT": ["v=DMARC1; p=quarantine"]},
        "forwarder.test": {"TXT": [f"v=spf1 ip4:{FORWARDER} -all"]},
        "out.forwarder.test": {"A": [FORWARDER]},
        "20.2.0.192.in-addr.arpa": {"PTR": ["out.forwarder.test"]},
        "lists.test": {"TXT": [f"v=spf1 ip4:{LIST} -all"]},
        LIST_KEY.name: {"TXT": [LIST_KEY.record]},
        EVIL_KEY.name: {"TXT": [EVIL_KEY.record]},
        "evil.test": {"TXT": ["v=spf1 +all"]},
    }


@pytest.fixture
def house(make_dns, make_server):
    """house(**overrides): a server that checks, on a DNS of its own: house.dns."""
    def make(**overrides):
        make.dns = make_dns(records())
        config = {**CONFIG, "dns": {"servers": [make.dns.server]}, **overrides}
        config["authentication"] = {"check": True, **overrides.get("authentication", {})}
        return make_server(**config)
    return make


def zones():
    """The same as zones of a real name server."""
    made = {}
    for name, kinds in records().items():
        zone = ".".join(name.split(".")[-5 if name.endswith(".arpa") else -2:])
        owner = name.removesuffix(zone).rstrip(".") or "@"
        for kind, values in kinds.items():
            for value in values:
                if kind == "TXT":
                    value = " ".join(f'"{value[at:at + 255]}"' for at in range(0, len(value), 255))
                made.setdefault(zone, {}).setdefault(owner, []).append(f"{kind} {value}{'.' * (kind == 'PTR')}")
    return made


@pytest.fixture(scope="module")
def signed_zones(tmp_path_factory):
    with Internet(tmp_path_factory.mktemp("signed"), zones(), signed=True) as internet:
        yield internet


@pytest.fixture(params=["fake DNS", "signed zones"])
def any_house(request, house):
    """`house`, or the same on signed zones, of which the server has the keys."""
    if request.param == "fake DNS":
        return house
    internet = request.getfixturevalue("signed_zones")
    return lambda **overrides: house(
        **{"dns": {"servers": [internet.server], "trust_anchors": str(internet.trust_anchors)}, **overrides})


def bring(server, mail, client=GOOD, sender="joe@good.test", helo="mx.good.test", how="data", listener=0):
    """The reply to the end of the data, from a server at this address."""
    hello = {"verb": "LHLO"} if listener else {}
    with client_from(server, client, helo, listener, **hello) as smtp:
        smtp.mail(sender)
        smtp.rcpt()
        if how == "bdat":
            half = len(mail) // 2
            smtp.bdat(mail[:half])
            return smtp.bdat(mail[half:], last=True, code=None)
        return smtp.data(mail, code=None)


def author(domain="good.test", **fields):
    return message(From=f"<joe@{domain}>", Subject="Lunch", **fields)


def results(mail):
    """Of our Authentication-Results: {"dmarc": ["pass (p=reject dis=none) ..."], ...}; it stands on top of Received."""
    text = mail.decode()
    top = re.match(r"Return-Path:[^\n]*\nDelivered-To:[^\n]*\nAuthentication-Results: mx\.test;\n"
                   r"((?:[ \t][^\n]*\n)+)(?:X-Spam-Flag: YES\n)?Received:", text)
    assert top, text[:1500]
    found = {}
    for one in re.sub(r"\s+", " ", top[1]).strip().split("; "):
        method, _, rest = one.strip().partition("=")
        found.setdefault(method, []).append(rest.rstrip(";"))
    return found


def junk(server, count=1):
    new = server.maildir_path("example.test", "alice") / ".Junk" / "new"
    wait_until(lambda: new.is_dir() and len(list(new.iterdir())) >= count, 20, "mail in the folder for junk")
    return [path.read_bytes() for path in new.iterdir()]


@pytest.mark.parametrize("how", ["data", "bdat"])
def test_mail_that_is_what_it_says_passes(any_house, how):
    server = any_house()
    reply = bring(server, GOOD_KEY.sign(author()), how=how)
    assert reply.code == 250, reply
    found = results(delivered(server, reply))
    assert found["dmarc"] == ["pass (p=reject dis=none) header.from=good.test policy.dmarc=reject"]
    assert found["dkim"][0].startswith("pass (2048-bit key) header.d=good.test header.i=@good.test header.s=s")
    assert found["spf"] == ["pass smtp.mailfrom=joe@good.test", "pass smtp.helo=mx.good.test"]
    assert found["arc"] == ["none"]
    assert found["iprev"] == [f"pass (mx.good.test) policy.iprev={GOOD}"]


def test_each_message_of_a_session_is_judged_by_who_sent_it(house):
    server = house()
    with client_from(server, GOOD, "mx.good.test") as smtp:
        for sender, spf in (("joe@good.test", "pass"), ("bounce-1@good.test", "pass"), ("joe@soft.test", "fail"),
                            ("ann@good.test", "pass"), ("", "pass")):
            smtp.mail(sender)
            smtp.rcpt()
            found = results(delivered(server, smtp.data(GOOD_KEY.sign(author()))))
            assert found["spf"][-1] == "pass smtp.helo=mx.good.test"
            assert not sender or found["spf"][0].startswith(spf) and found["spf"][0].endswith(f"smtp.mailfrom={sender}")
            assert found["iprev"] == [f"pass (mx.good.test) policy.iprev={GOOD}"]
            assert found["dmarc"][0].startswith("pass")


def test_what_was_found_out_holds_no_longer_than_the_dns_says(house):
    server = house()
    house.dns.ttl = 0
    with client_from(server, GOOD, "mx.good.test") as smtp:
        for record, spf in ((f"v=spf1 ip4:{GOOD} -all", "pass"), ("v=spf1 ~all", "softfail"), (f"v=spf1 ip4:{GOOD}", "pass")):
            house.dns.records["good.test"]["TXT"] = [record]
            smtp.mail("joe@good.test")
            smtp.rcpt()
            found = results(delivered(server, smtp.data(GOOD_KEY.sign(author()))))
            assert found["spf"][0].startswith(spf), found


def test_a_forgery_is_refused_with_the_name_of_whom_it_wrongs(any_house):
    server = any_house()
    reply = bring(server, author(), EVIL, "me@evil.test", "mx.evil.test")
    assert (reply.code, reply.enhanced) == (550, "5.7.1"), reply
    assert "good.test wants such mail refused (p=reject)" in reply.text
    # A signature of one's own is not the author's.
    reply = bring(server, EVIL_KEY.sign(author()), EVIL, "me@evil.test", "mx.evil.test")
    assert reply.code == 550 and "evil.test" in reply.text, reply
    changed = GOOD_KEY.sign(author()).replace(b"Hello", b"Pay me")
    assert bring(server, changed, EVIL, "me@evil.test", "mx.evil.test").code == 550
    assert not server.maildir("example.test", "alice")


def test_a_signature_that_leaves_room_to_append_counts_as_far_as_nobody_did(house):
    server = house()
    mail = author()
    signed = dkim.sign(mail, b"s", b"good.test", GOOD_KEY.pem, canonicalize=(b"relaxed", b"relaxed"),
                       include_headers=[b"From", b"Subject"], length=True) + mail
    assert b" l=" in signed
    reply = bring(server, signed, FORWARDER, "srs@forwarder.test", "out.forwarder.test")
    assert results(delivered(server, reply))["dmarc"][0].startswith("pass")
    server.change({"dmarc": {"policy": "none"}})
    server.reload()
    server.wait_log(event="reloaded")
    reply = bring(server, signed + b"Pay me.\r\n", EVIL, "me@evil.test", "mx.evil.test")
    found = results(delivered(server, reply))
    assert found["dkim"][0].startswith('policy (2048-bit key) reason="l= leaves the last 9 octets of the body unsigned"')
    assert found["dmarc"][0].startswith("fail (p=reject dis=none)")


def test_a_misaligned_sender_is_taken_where_no_policy_says_otherwise(any_house):
    server = any_house()
    reply = bring(server, author("evil.test"), EVIL, "me@evil.test", "mx.evil.test")
    assert results(delivered(server, reply))["dmarc"] == ["none header.from=evil.test"]


def test_what_is_forwarded_as_it_was_passes_by_its_signature(any_house):
    server = any_house()
    reply = bring(server, GOOD_KEY.sign(author()), FORWARDER, "srs@forwarder.test", "out.forwarder.test")
    found = results(delivered(server, reply))
    assert found["dmarc"][0].startswith("pass")
    assert found["spf"][0] == "pass smtp.mailfrom=srs@forwarder.test"


def test_a_listed_forwarder_may_bring_what_fails(house):
    server = house(authentication={"forwarders": ["forwarder.test"]})
    reply = bring(server, author(), FORWARDER, "srs@forwarder.test", "out.forwarder.test")
    assert results(delivered(server, reply))["dmarc"][0].startswith("fail (p=reject dis=none)")
    assert bring(server, author(), EVIL, "me@evil.test", "out.forwarder.test").code == 550, "a HELO proves nothing"


def test_a_trusted_list_may_change_what_it_sends_on(any_house):
    server = any_house(authentication={"trusted_arc": ["lists.test"]})
    changed = GOOD_KEY.sign(author()).replace(b"Hello", b"[list] Hello")
    reply = bring(server, changed, LIST, "bounces@lists.test", "lists.test")
    assert reply.code == 550, reply
    sealed = LIST_KEY.seal(changed, b"dmarc=pass header.from=good.test")
    reply = bring(server, sealed, LIST, "bounces@lists.test", "lists.test")
    assert reply.code == 250, reply
    found = results(delivered(server, reply))
    assert found["arc"][0].startswith("pass") and found["dmarc"][0].startswith("fail (p=reject dis=none)")
    failed = LIST_KEY.seal(changed, b"dmarc=fail header.from=good.test")
    assert bring(server, failed, LIST, "bounces@lists.test", "lists.test").code == 550
    stranger = EVIL_KEY.seal(changed, b"dmarc=pass header.from=good.test")
    assert bring(server, stranger, EVIL, "me@evil.test", "mx.evil.test").code == 550


def test_quarantine_is_the_folder_for_junk_with_a_mark(any_house):
    server = any_house()
    reply = bring(server, author("soft.test"), EVIL, "me@evil.test", "mx.evil.test")
    mail = junk(server)[0]
    assert reply.code == 250 and id_of(reply).encode() in mail
    assert results(mail)["dmarc"][0].startswith("fail (p=quarantine dis=quarantine)")
    assert b"\nX-Spam-Flag: YES\n" in mail
    assert not server.maildir("example.test", "alice"), "nothing in the inbox"


def test_a_record_whose_signature_is_none_counts_as_not_read(tmp_path, house):
    internet = Internet(tmp_path / "spoilt", zones(), signed=True)
    internet.spoil("good.test", "-all", "+all")
    with internet:
        server = house(dns={"servers": [internet.server], "trust_anchors": str(internet.trust_anchors)})
        reply = bring(server, author(), EVIL)
        assert (reply.code, reply.enhanced) == (451, "4.7.24"), reply
        assert bring(server, GOOD_KEY.sign(author()), EVIL).code == 250, "by its signature, which is proven"


def test_quarantine_outlives_the_end_of_the_server(house):
    server = house(route=[{"domain": "example.test", "via": "hold"}])
    reply = bring(server, author("soft.test"), EVIL, "me@evil.test", "mx.evil.test")
    server.kill()
    server.change({"route": None})
    server.start()
    run(server, "queue", "release", id_of(reply))
    assert b"X-Spam-Flag: YES" in junk(server)[0]


@pytest.mark.parametrize("policy, code", [("quarantine", 250), ("none", 250), ("apply", 550)])
def test_the_setting_says_how_far_a_policy_goes(house, policy, code):
    server = house(dmarc={"policy": policy})
    reply = bring(server, author(), EVIL, "me@evil.test", "mx.evil.test")
    assert reply.code == code, reply
    if policy == "quarantine":
        assert results(junk(server)[0])["dmarc"][0].startswith("fail (p=reject dis=quarantine)")
    if policy == "none":
        assert results(delivered(server, reply))["dmarc"][0].startswith("fail (p=reject dis=none)")


def test_a_key_that_can_not_be_read_is_asked_for_again_later(house):
    server = house()
    house.dns.records[GOOD_KEY.name] = SERVFAIL
    reply = bring(server, GOOD_KEY.sign(author()), FORWARDER, "srs@forwarder.test", "out.forwarder.test")
    assert (reply.code, reply.enhanced) == (451, "4.7.5"), reply
    # A stranger's silence is no excuse.
    house.dns.records[EVIL_KEY.name] = SERVFAIL
    reply = bring(server, EVIL_KEY.sign(author()), EVIL, "me@evil.test", "mx.evil.test")
    assert reply.code == 550, reply


def test_undecided_mail_is_taken_where_the_setting_says_so(house):
    server = house(authentication={"undecided": "accept"})
    house.dns.records["good.test"] = SERVFAIL
    reply = bring(server, author())
    assert results(delivered(server, reply))["spf"][0].startswith("temperror reason=")


def test_a_dns_that_does_not_answer_costs_no_more_than_the_deadline(house):
    server = house(authentication={"timeout": "1s"})
    for name in list(house.dns.records):
        house.dns.records[name] = {kind: TIMEOUT for kind in ("A", "AAAA", "TXT", "PTR", "MX")}
    house.dns.records["silent.test"] = house.dns.records["_dmarc.silent.test"] = {"TXT": TIMEOUT}
    start = time.monotonic()
    reply = bring(server, author("silent.test"), sender="joe@silent.test")
    assert reply.code == 250, reply
    assert time.monotonic() - start < 4
    found = results(delivered(server, reply))
    assert found["dmarc"][0].startswith("temperror") and found["spf"][0].startswith("temperror")
    assert found["iprev"][0].startswith("temperror")


def test_where_no_name_server_answers_only_the_first_wait_for_it(house):
    server = house(authentication={"timeout": "2s"})

    def brought(number, within):
        domain, start = f"d{number}.test", time.monotonic()
        reply = bring(server, author(domain), f"192.0.2.{100 + number}", f"joe@{domain}", f"mx.{domain}")
        assert reply.code == 250 and time.monotonic() - start < within, (reply, number)
        return reply

    house.dns.silent = True
    brought(0, 4)
    brought(1, 4)
    server.wait_log(event="dns_silent")
    start = time.monotonic()
    replies = [brought(number, 1) for number in range(2, 12)]
    assert time.monotonic() - start < 2
    found = results(delivered(server, replies[-1]))
    assert found["dmarc"][0].startswith('temperror reason="') and found["spf"][0].startswith("temperror")
    printed, _ = run(server, "metrics")
    assert "postrider_dns_silent 1\n" in printed

    house.dns.silent = False
    known = GOOD_KEY.sign(author())
    wait_until(lambda: results(delivered(server, bring(server, known)))["dmarc"][0].startswith("pass"), 30,
               "results that are right")
    server.wait_log(event="dns_answers")
    printed, _ = run(server, "metrics")
    assert "postrider_dns_silent 0\n" in printed


def test_dead_zones_silence_nobody(house):
    server = house(authentication={"timeout": "2s"})
    for number in range(3):
        for name in (domain := f"dead{number}.test", f"mx.{domain}", f"_dmarc.{domain}", "66.2.0.192.in-addr.arpa"):
            house.dns.records[name] = {kind: TIMEOUT for kind in ("A", "AAAA", "TXT", "PTR", "MX")}
        reply = bring(server, author(domain), EVIL, f"me@{domain}", f"mx.{domain}")
        assert results(delivered(server, reply))["dmarc"][0].startswith("temperror")
        reply = bring(server, GOOD_KEY.sign(author()))
        assert results(delivered(server, reply))["dmarc"][0].startswith("pass")
    assert any(name.startswith("alive-") for name, _ in house.dns.queries), "there was doubt"
    assert "dns_silent" not in server.log_tail(1000)


def test_twenty_kilobytes_of_signatures_ask_no_more_than_they_may(house):
    server = house()
    many = b"".join(b"DKIM-Signature: v=1; a=rsa-sha256; d=d%d.test; s=s; h=From; bh=YWJj; b=ZGVm\r\n" % i
                    for i in range(300))
    before = len(house.dns.queries)
    reply = bring(server, many + author())
    assert reply.code == 250, reply
    assert len(results(delivered(server, reply))["dkim"]) == 16
    assert len(house.dns.queries) - before < 80


def test_what_others_wrote_in_our_name_is_removed(house):
    server = house()
    forged = (b"Authentication-Results: mx.test; dmarc=pass header.from=bank.test\r\n"
              b"authentication-results : MX.Test/1;\r\n spf=pass smtp.mailfrom=bank.test\r\n"
              b"Authentication-Results: other.test; spf=pass smtp.mailfrom=x.test\r\n")
    mail = delivered(server, bring(server, forged + author()))
    assert mail.lower().count(b"authentication-results") == 2, mail.decode()
    assert b"bank.test" not in mail and b"other.test; spf=pass" in mail
    assert results(mail)["dmarc"][0].startswith("pass")


def test_trusted_mail_is_not_checked_but_what_is_forged_goes_from_it_too(house):
    server = house(networks=["192.0.2.0/24"])
    asked = len(house.dns.queries)
    mail = delivered(server, bring(server, b"Authentication-Results: mx.test; dmarc=pass\r\n" + author(), EVIL))
    assert b"uthentication-Results" not in mail
    assert len(house.dns.queries) == asked


def test_lmtp_is_not_checked_but_what_is_forged_goes_from_it_too(house):
    server = house()
    reply = bring(server, b"Authentication-Results: mx.test; dmarc=pass\r\n" + author(), EVIL, listener=1)
    assert reply.code == 250, reply
    assert b"uthentication-Results" not in delivered(server, reply)


def test_spf_alone_refuses_only_by_setting(house):
    server = house()
    bounce = message(From="<mailer@nobody.test>")
    assert bring(server, bounce, EVIL, "joe@soft.test").code == 250
    server.change({"authentication": {"refuse_spf_fail": True}})
    server.reload()
    server.wait_log(event="reloaded")
    reply = bring(server, bounce, EVIL, "joe@soft.test")
    assert (reply.code, reply.enhanced) == (550, "5.7.23"), reply


def told(server, name):
    done = subprocess.run([str(binary()), "trace", name, "--config", str(server.config_path)], capture_output=True,
                          text=True, timeout=60, check=False)
    return done.stdout if done.returncode == 0 else None


def test_the_timeline_tells_what_was_found_and_why(house):
    server = house()
    reply = bring(server, GOOD_KEY.sign(author()))
    settled(server, reply)
    said = wait_until(lambda: told(server, id_of(reply)), 20, "the timeline, which is written once a second")
    for line in ("dmarc=pass (good.test): DKIM of good.test and SPF of good.test are aligned with good.test; "
                 "good.test has p=reject", "dkim=pass (d=good.test, s=s, rsa-sha256, 2048 bits", "arc=none",
                 f"spf=pass (MAIL FROM good.test): {GOOD} matches ip4:{GOOD} of good.test",
                 f"iprev=pass: {GOOD} is mx.good.test"):
        assert line in said, said


def test_the_metrics_count_what_was_found_and_done(house):
    server = house()
    bring(server, author())
    bring(server, EVIL_KEY.sign(author()), EVIL, "me@evil.test", "mx.evil.test")
    printed, _ = run(server, "metrics")
    for line in ('authentication_total{method="dmarc",result="pass"} 1', 'authentication_total{method="dmarc",result="fail"} 1',
                 'authentication_total{method="dkim",result="none"} 1', 'authentication_total{method="dkim",result="pass"} 1',
                 'authentication_total{method="spf",result="pass"} 2', 'authentication_total{method="arc",result="none"} 2',
                 'authentication_total{method="iprev",result="permerror"} 1', 'dmarc_total{disposition="reject"} 1'):
        assert f"postrider_{line}\n" in printed, line
