"""Addresses as MAIL and RCPT write them: quotes, literals, routes, lengths, and UTF-8 in all its places."""

import pytest

from harness.scenes import delivered, id_of, received, split_trace
from harness.smtp import message

LONGEST_LOCAL = "l" * 64
# 254 octets with a local part of one octet.
LONGEST_DOMAIN = ".".join(["d" * 63, "e" * 63, "f" * 63, "g" * 60])
CONFIG = {
    "postmaster": "alice@example.test",
    "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "jürgen", LONGEST_LOCAL]},
               {"name": "catch.test", "kind": "local", "users": ["bob"], "catch_all": "bob@catch.test"},
               {"name": "bücher.test", "kind": "local", "users": ["info"]}],
}


def said(reply):
    return f"{reply.code} {reply.text}"


# --- the local part ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path, name", [
    ('"alice"@example.test', "alice@example.test"),
    (r'"al\ice"@example.test', "alice@example.test"),
    ("ALICE@EXAMPLE.TEST", "ALICE@EXAMPLE.TEST"),
])
def test_quotes_backslashes_and_case_make_no_other_mailbox(server, session, path, name):
    session.mail()
    reply = session.rcpt(path)
    assert reply.text.lower() == f"2.1.5 <{name}> recipient ok".lower()
    delivered(server, session.data(message()))


def test_a_quoted_local_part_may_hold_what_an_atom_may_not(server, session):
    session.mail('"odd@>sender, \\"x\\""@client.test')
    assert session.rcpt('"john @> doe"@catch.test').text == '2.1.5 <"john @> doe"@catch.test> recipient ok'
    mail = delivered(server, session.data(message()), "bob", "catch.test")
    assert split_trace(mail)[:2] == (b'Return-Path: <"odd@>sender, \\"x\\""@client.test>\n',
                                     b"Delivered-To: bob@catch.test\n")
    assert 'for <"john @> doe"@catch.test>;' in received(mail)


@pytest.mark.parametrize("local", ['"alice', 'al"ice', '"a""b"', '"a"b', "a..b", ".a", "a.", "", "a b", "a,b", "a:b",
                                   "a[b", "a(c)", '"a\tb"', '"a\x7f"'])
def test_a_malformed_local_part_is_refused(session, local):
    assert session.cmd(f"MAIL FROM:<{local}@client.test>", 501).enhanced in ("5.1.7", "5.5.2")
    session.mail()
    assert session.cmd(f"RCPT TO:<{local}@example.test>", 501).enhanced in ("5.1.3", "5.5.2")


@pytest.mark.parametrize("local", ["a!b#c$d%e&f'g*h+i-j/k=l?m^n_o`p{q|r}s~t", "o'neill", "a=b", "user+detail", "1", "-"])
def test_every_atom_is_good_for_a_sender(session, local):
    assert said(session.cmd(f"MAIL FROM:<{local}@client.test>")) == f"250 2.1.0 <{local}@client.test> sender ok"


def test_a_local_part_of_64_octets_is_taken_and_one_more_is_not(server, session):
    session.mail(LONGEST_LOCAL + "@client.test")
    session.rcpt(LONGEST_LOCAL + "@example.test")
    delivered(server, session.data(message()), LONGEST_LOCAL)
    session.cmd(f"MAIL FROM:<{LONGEST_LOCAL}l@client.test>", 501, "5.1.7")
    session.mail()
    session.cmd(f"RCPT TO:<{LONGEST_LOCAL}l@example.test>", 501, "5.1.3")


# --- the domain ----------------------------------------------------------------------------------------


def test_a_path_of_256_octets_is_taken_and_one_more_is_not(session):
    assert len(f"<ab@{LONGEST_DOMAIN}>") == 257
    session.mail("a@" + LONGEST_DOMAIN)
    session.cmd(f"RCPT TO:<a@{LONGEST_DOMAIN}>", 550, "5.7.1")
    session.cmd(f"RCPT TO:<ab@{LONGEST_DOMAIN}>", 501, "5.1.3")
    session.cmd("RSET", 250)
    session.cmd(f"MAIL FROM:<ab@{LONGEST_DOMAIN}>", 501, "5.1.7")


def test_a_label_of_63_octets_is_taken_and_one_more_is_not(session):
    session.cmd(f"MAIL FROM:<a@{'d' * 64}.test>", 501, "5.1.8")
    session.mail(f"a@{'d' * 63}.test")
    session.cmd(f"RCPT TO:<a@{'d' * 63}.test>", 550, "5.7.1")
    session.cmd(f"RCPT TO:<a@{'d' * 64}.test>", 501, "5.1.2")


@pytest.mark.parametrize("domain", ["-a.test", "a-.test", "a..test", ".test", "test.", "a_b.test", "a b.test", "a@b.test",
                                    "xn--.test", "xn--a.test", "a,b"])
def test_a_malformed_domain_is_refused(session, domain):
    assert session.cmd(f"MAIL FROM:<a@{domain}>", 501).enhanced in ("5.1.7", "5.1.8")
    session.mail()
    assert session.cmd(f"RCPT TO:<a@{domain}>", 501).enhanced in ("5.1.2", "5.1.3")


@pytest.mark.parametrize("literal", ["[192.0.2.1]", "[IPv6:2001:db8::1]", "[IPv6:::1]", "[ipv6:::ffff:192.0.2.1]"])
def test_an_address_literal_may_stand_for_a_domain(session, literal):
    session.mail(f"sender@{literal}")
    session.cmd(f"RCPT TO:<alice@{literal}>", 550)


@pytest.mark.parametrize("literal", ["[192.0.2]", "[192.0.2.256]", "[192.0.2.1", "[2001:db8::1]", "[IPv6:192.0.2.1]",
                                     "[IPv6:1::2::3]", "[IPv6:g::]", "[]", "[tag:x]", "192.0.2.1]"])
def test_a_malformed_address_literal_is_refused(session, literal):
    assert session.cmd(f"MAIL FROM:<a@{literal}>", 501).enhanced in ("5.1.7", "5.1.8")
    session.mail()
    assert session.cmd(f"RCPT TO:<a@{literal}>", 501).enhanced in ("5.1.2", "5.1.3")


# --- routes, postmaster, the null sender ---------------------------------------------------------------


def test_a_source_route_is_accepted_and_dropped(server, session):
    assert said(session.cmd("MAIL FROM:<@one.test,@two.test:sender@client.test>")) \
        == "250 2.1.0 <sender@client.test> sender ok"
    assert said(session.cmd("RCPT TO:<@one.test:alice@example.test>")) == "250 2.1.5 <alice@example.test> recipient ok"
    mail = delivered(server, session.data(message()))
    assert split_trace(mail)[0] == b"Return-Path: <sender@client.test>\n"
    assert b"one.test" not in mail


@pytest.mark.parametrize("route", ["@one.test", "@one.test,", "@one.test@two.test:", "@:", "@one.test,two.test:",
                                   "@-one.test:"])
def test_a_malformed_source_route_is_refused(session, route):
    session.mail()
    assert session.cmd(f"RCPT TO:<{route}alice@example.test>", 501).enhanced in ("5.1.2", "5.1.3")


@pytest.mark.parametrize("path", ["<postmaster>", "<Postmaster>", "<POSTMASTER>", "postmaster"])
def test_postmaster_needs_no_domain(server, session, path):
    session.mail()
    assert said(session.cmd(f"RCPT TO:{path}")) == "250 2.1.5 <postmaster> recipient ok"
    delivered(server, session.data(message()))


@pytest.mark.parametrize("literal", ["[127.0.0.1]"])
def test_postmaster_is_reached_at_the_servers_own_address_literal(server, session, literal):
    session.mail()
    session.rcpt(f"postmaster@{literal}")
    delivered(server, session.data(message()))


def test_the_null_sender_is_written_as_an_empty_return_path(server, session):
    assert said(session.cmd("MAIL FROM:<>")) == "250 2.1.0 <> sender ok"
    session.rcpt()
    assert split_trace(delivered(server, session.data(message())))[0] == b"Return-Path: <>\n"


# --- UTF-8 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["jürgen@client.test", "sender@bücher.test", '"j ü"@client.test'])
def test_utf8_in_the_senders_path_needs_smtputf8(session, path):
    session.cmd(f"MAIL FROM:<{path}>", 550, "5.6.7")
    session.mail(path, "SMTPUTF8")


@pytest.mark.parametrize("path", ["jürgen@example.test", "info@bücher.test"])
def test_utf8_in_a_recipients_path_needs_a_transaction_with_smtputf8(session, path):
    session.mail()
    session.cmd(f"RCPT TO:<{path}>", 550, "5.6.7")
    session.cmd("RSET", 250)
    session.mail(params="SMTPUTF8")
    assert session.rcpt(path).text == f"2.1.5 <{path}> recipient ok"


def test_after_helo_there_is_no_utf8(client):
    client.cmd("HELO client.test", 250)
    client.cmd("MAIL FROM:<jürgen@client.test>", 550, "5.6.7")
    client.cmd("MAIL FROM:<sender@client.test> SMTPUTF8", 555, "5.5.4")


@pytest.mark.parametrize("octets", [b"j\xfcrgen@client.test", b"\xc0\xaf@client.test", b"a@b\xff.test"])
def test_octets_that_are_no_utf8_are_refused(session, octets):
    session.cmd(b"MAIL FROM:<" + octets + b"> SMTPUTF8", 501)


def test_mail_between_utf8_addresses_is_delivered_and_says_so_in_its_trace(server, session):
    session.mail("grün@bücher.test", "SMTPUTF8 BODY=8BITMIME")
    session.rcpt("jürgen@example.test")
    reply = session.data(message("Grüße\r\n", Subject="Grüße"))
    mail = delivered(server, reply, "jürgen")
    assert split_trace(mail)[:2] == ("Return-Path: <grün@bücher.test>\n".encode(),
                                     "Delivered-To: jürgen@example.test\n".encode())
    assert f"with UTF8SMTP id {id_of(reply)} for <jürgen@example.test>;" in received(mail)


@pytest.mark.parametrize("path, parameters", [("info@bücher.test", "SMTPUTF8"), ("info@BÜCHER.test", "SMTPUTF8"),
                                              ("info@xn--bcher-kva.test", ""), ("info@XN--BCHER-KVA.TEST", ""),
                                              ("info@xn--bcher-kva.test", "SMTPUTF8")])
def test_one_domain_is_reached_by_its_u_label_and_by_its_a_label(server, session, path, parameters):
    session.mail(params=parameters)
    session.rcpt(path)
    delivered(server, session.data(message()), "info", "xn--bcher-kva.test")


def test_an_unknown_user_of_an_idn_domain_is_refused_either_way(session):
    session.mail(params="SMTPUTF8")
    session.cmd("RCPT TO:<nobody@bücher.test>", 550, "5.1.1")
    session.cmd("RCPT TO:<nobody@xn--bcher-kva.test>", 550, "5.1.1")
