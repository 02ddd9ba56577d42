"""Every command: what it is answered, in which order it may come, and what it leaves behind."""

import pytest

from harness.scenes import delivered
from harness.smtp import message

CONFIG = {"listener": [{}, {"mode": "lmtp"}]}

CAPABILITIES = ["PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN",
                "LIMITS RCPTMAX=1000", "HELP"]


def said(reply):
    return f"{reply.code} {reply.text}"


# --- the greeting and who says hello -------------------------------------------------------------------


def test_the_greeting_names_the_host(server):
    with server.client(greeting=False) as client:
        assert said(client.read_reply()) == "220 mx.test ESMTP Postrider"


def test_helo_is_answered_with_the_host_name_alone(client):
    assert said(client.cmd("HELO client.test")) == "250 mx.test"


def test_ehlo_announces_its_extensions_and_help_last(client):
    assert client.cmd("EHLO client.test", 250).lines == ["mx.test greets client.test", *CAPABILITIES]


def test_the_size_and_the_limits_that_ehlo_announces_are_the_settings(make_server):
    server = make_server(limits={"message_size": "1MiB", "recipients": 200})
    with server.client() as client:
        capabilities = client.ehlo()
        assert (capabilities["SIZE"], capabilities["LIMITS"]) == ("1048576", "RCPTMAX=200")


@pytest.mark.parametrize("name", ["client.test", "[127.0.0.1]", "[IPv6:2001:db8::1]", "laptop", "under_score.test",
                                  "-", "x" * 255])
def test_any_word_is_good_enough_a_name_for_helo_and_ehlo(server, name):
    with server.client() as client:
        client.cmd(f"HELO {name}", 250)
        assert client.cmd(f"EHLO {name}", 250).lines[0] == f"mx.test greets {name}"


@pytest.mark.parametrize("line", ["HELO", "EHLO", "HELO ", "EHLO   ", "EHLO " + "x" * 256])
def test_helo_and_ehlo_without_a_name_or_with_an_endless_one_are_refused(client, line):
    client.cmd(line, 501, "5.5.4")
    client.cmd("MAIL FROM:<sender@client.test>", 503, "5.5.1")


@pytest.mark.parametrize("line", ["LHLO client.test", "lhlo client.test"])
def test_lhlo_is_refused_where_smtp_is_spoken(client, line):
    assert said(client.cmd(line)) == "500 5.5.1 this is SMTP: say EHLO"


def test_lmtp_has_a_greeting_of_its_own_and_takes_lhlo_only(server):
    with server.client(listener=1, greeting=False) as client:
        assert said(client.read_reply()) == "220 mx.test LMTP Postrider"
        for verb in ("HELO", "EHLO"):
            assert said(client.cmd(f"{verb} client.test")) == "500 5.5.1 this is LMTP: say LHLO"
        client.cmd("MAIL FROM:<sender@client.test>", 503, "5.5.1")
        assert client.cmd("LHLO client.test", 250).lines == ["mx.test greets client.test", *CAPABILITIES]
        client.mail()


# --- one command, one answer ---------------------------------------------------------------------------


@pytest.mark.parametrize("line, answer", [
    ("NOOP", "250 2.0.0 ok"),
    ("NOOP what ever", "250 2.0.0 ok"),
    ("RSET", "250 2.0.0 ok"),
    ("VRFY alice", "252 2.0.0 can't verify; send mail and see"),
    ("VRFY <nobody@example.test>", "252 2.0.0 can't verify; send mail and see"),
    ("VRFY", "501 5.5.4 An argument is missing"),
    ("EXPN list", "502 5.5.1 EXPN is not available here"),
    ("STARTTLS", "502 5.5.1 STARTTLS is not available here"),
    ("AUTH PLAIN AGEAYg==", "503 5.5.1 AUTH is not available here"),
    ("XCLIENT ADDR=192.0.2.1", "550 5.7.0 XCLIENT is not for this client"),
    ("MAIL FROM:<sender@client.test>", "250 2.1.0 <sender@client.test> sender ok"),
    ("MAIL FROM:<>", "250 2.1.0 <> sender ok"),
    ("", "500 5.5.2 Syntax error: no command"),
    ("WHATISTHIS", "500 5.5.1 Unknown command"),
    ("MAILFROM:<sender@client.test>", "500 5.5.1 Unknown command"),
    ("SEND FROM:<sender@client.test>", "500 5.5.1 Unknown command"),
    ("TURN", "500 5.5.1 Unknown command"),
    ("\u20ac", "500 5.5.1 Unknown command"),
])
def test_a_command_is_answered_word_by_word(session, line, answer):
    assert said(session.cmd(line)) == answer


@pytest.mark.parametrize("line", ["HELP", "help MAIL"])
def test_help_lists_the_commands(client, line):
    reply = client.cmd(line, 214, "2.0.0")
    assert {"MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "HELP", "VRFY"} <= set(reply.lines[0].split())


@pytest.mark.parametrize("line, code, enhanced", [
    ("MAIL", 500, "5.5.2"),
    ("MAIL FROM", 500, "5.5.2"),
    ("MAIL FROM:", 500, "5.5.2"),
    ("MAIL TO:<sender@client.test>", 500, "5.5.2"),
    ("MAIL <sender@client.test>", 500, "5.5.2"),
    ("MAIL FROM:<sender@client.test", 501, "5.5.2"),
    ("MAIL FROM:<sender@client.test>SIZE=1", 501, "5.5.2"),
    ("MAIL FROM:<sender>", 501, "5.1.7"),
    ("MAIL FROM:<@client.test>", 501, "5.1.7"),
    ("MAIL FROM:<a b@client.test>", 501, "5.1.7"),
    ("MAIL FROM:<sender@-client.test>", 501, "5.1.8"),
    ("MAIL FROM:<sender@client..test>", 501, "5.1.8"),
    ("MAIL FROM:<sender@xn--->", 501, "5.1.8"),
    ("MAIL FROM:<sender@client.test> SIZE", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> SIZE=", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> SIZE=x", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> SIZE=-1", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> SIZE=1 SIZE=1", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> BODY=16BIT", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> SMTPUTF8=YES", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> RET=SOME", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> ENVID=+GG", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> ENVID=" + "x" * 101, 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> =1", 501, "5.5.4"),
    ("MAIL FROM:<sender@client.test> NOTIFY=NEVER", 555, "5.5.4"),
    ("MAIL FROM:<sender@client.test> AUTH=<>", 555, "5.5.4"),
    ("MAIL FROM:<sender@client.test> UNHEARD-OF=1", 555, "5.5.4"),
    ("DATA now", 501, "5.5.4"),
    ("RSET now", 501, "5.5.4"),
    ("QUIT now", 501, "5.5.4"),
])
def test_a_command_that_is_written_badly_is_refused_and_the_session_goes_on(session, line, code, enhanced):
    session.cmd(line, code, enhanced)
    session.mail()


@pytest.mark.parametrize("line", ["BDAT", "BDAT x", "BDAT -1", "BDAT 1x",
                                  "BDAT 99999999999999999999999", "BDAT 0 FIRST", "BDAT 0 LAST LAST"])
def test_a_chunk_of_unknown_size_ends_the_session_since_its_octets_could_pass_for_commands(session, line):
    session.mail()
    session.rcpt()
    session.send(line.encode() + b"\r\nRSET\r\nNOOP\r\n")
    assert session.read_reply().code == 501
    assert session.read_until_close() == b""


@pytest.mark.parametrize("line, code, enhanced", [
    ("RCPT", 500, "5.5.2"),
    ("RCPT TO:", 500, "5.5.2"),
    ("RCPT FROM:<alice@example.test>", 500, "5.5.2"),
    ("RCPT TO:<alice@example.test", 501, "5.5.2"),
    ("RCPT TO:<>", 501, "5.1.3"),
    ("RCPT TO:<alice>", 501, "5.1.3"),
    ("RCPT TO:<alice@>", 501, "5.1.2"),
    ("RCPT TO:<.alice@example.test>", 501, "5.1.3"),
    ("RCPT TO:<alice@example_.test>", 501, "5.1.2"),
    ("RCPT TO:<alice@xn--->", 501, "5.1.2"),
    ("RCPT TO:<alice@example.test> NOTIFY", 501, "5.5.4"),
    ("RCPT TO:<alice@example.test> NOTIFY=NEVER,SUCCESS", 501, "5.5.4"),
    ("RCPT TO:<alice@example.test> NOTIFY=SOMETIMES", 501, "5.5.4"),
    ("RCPT TO:<alice@example.test> ORCPT=alice@example.test", 501, "5.5.4"),
    ("RCPT TO:<alice@example.test> ORCPT=rfc822;a+2", 501, "5.5.4"),
    ("RCPT TO:<alice@example.test> SIZE=1", 555, "5.5.4"),
])
def test_a_recipient_that_is_written_badly_is_refused_and_the_transaction_goes_on(session, line, code, enhanced):
    session.mail()
    session.cmd(line, code, enhanced)
    session.rcpt()


@pytest.mark.parametrize("parameters", ["SIZE=1000", "BODY=7BIT", "body=8bitmime", "SMTPUTF8", "RET=HDRS", "ret=full",
                                        "ENVID=QQ314159+2B", "SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x"])
def test_mail_takes_the_parameters_that_were_announced(session, parameters):
    session.mail(params=parameters)


@pytest.mark.parametrize("parameters", ["NOTIFY=NEVER", "NOTIFY=SUCCESS,FAILURE,DELAY", "notify=failure",
                                        "ORCPT=rfc822;Bob+20Roe@example.test", "NOTIFY=DELAY ORCPT=rfc822;a@b.test"])
def test_rcpt_takes_the_parameters_that_were_announced(session, parameters):
    session.mail()
    session.rcpt(params=parameters)


def test_binarymime_is_not_announced_and_not_taken(session):
    session.cmd("MAIL FROM:<sender@client.test> BODY=BINARYMIME", 555, "5.5.4")


def test_after_helo_no_parameter_is_known(client):
    client.cmd("HELO client.test", 250)
    client.cmd("MAIL FROM:<sender@client.test> SIZE=1", 555, "5.5.4")
    client.mail()
    client.cmd("RCPT TO:<alice@example.test> NOTIFY=NEVER", 555, "5.5.4")
    client.rcpt()


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title, str.swapcase])
def test_verbs_are_taken_in_any_case(client, change):
    for line, code in [("EHLO Client.test", 250), ("MAIL FROM:<", 250), ("RCPT TO:<", 250), ("NOOP", 250),
                       ("VRFY x", 252), ("HELP", 214), ("RSET", 250), ("BDAT 0 LAST", 503), ("DATA", 503),
                       ("EXPN x", 502), ("QUIT", 221)]:
        path = {"M": "sender@client.test>", "R": "alice@example.test>"}.get(line[0], "") if "<" in line else ""
        client.cmd(change(line) + path, code)


@pytest.mark.parametrize("line", ["MAIL FROM: <sender@client.test>", "MAIL  FROM:<sender@client.test>",
                                  "MAIL FROM:sender@client.test", "MAIL FROM:<sender@client.test> ",
                                  "MAIL FROM:<sender@client.test>  SIZE=1   BODY=7BIT "])
def test_white_space_and_missing_brackets_are_tolerated(session, line):
    assert said(session.cmd(line)) == "250 2.1.0 <sender@client.test> sender ok"


# --- order ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["NOOP", "RSET", "VRFY x", "HELP", "EXPN x"])
def test_some_commands_need_no_hello(client, line):
    assert client.cmd(line).code != 503


def test_mail_needs_a_hello(client):
    assert said(client.cmd("MAIL FROM:<sender@client.test>")) == "503 5.5.1 say HELO or EHLO first"


@pytest.mark.parametrize("line", ["RCPT TO:<alice@example.test>", "DATA", "BDAT 0", "BDAT 0 LAST"])
def test_there_is_no_recipient_and_no_content_without_mail(session, line):
    assert said(session.cmd(line)) == "503 5.5.1 say MAIL first"


@pytest.mark.parametrize("line", ["DATA", "BDAT 0", "BDAT 0 LAST"])
def test_there_is_no_content_without_a_recipient(session, line):
    session.mail()
    session.cmd("RCPT TO:<nobody@example.test>", 550)
    assert said(session.cmd(line)) == "503 5.5.1 no valid recipients"


def test_a_second_mail_is_refused_and_the_first_stays(server, transaction):
    transaction.cmd("MAIL FROM:<other@client.test>", 503, "5.5.1")
    mail = delivered(server, transaction.data(message()))
    assert mail.startswith(b"Return-Path: <sender@client.test>\n")


@pytest.mark.parametrize("line", ["EHLO client.test", "HELO client.test", "RSET"])
def test_a_transaction_ends_with(transaction, line):
    transaction.cmd(line, 250)
    transaction.cmd("RCPT TO:<alice@example.test>", 503, "5.5.1")
    transaction.cmd("DATA", 503, "5.5.1")
    transaction.mail()
    transaction.cmd("DATA", 503, "5.5.1")


@pytest.mark.parametrize("line", ["NOOP", "HELP", "VRFY x", "EXPN x", "WHATISTHIS", "MAIL FROM:<x@client.test>",
                                  "RCPT TO:<nobody@example.test>", "LHLO client.test", "EHLO", "RSET now"])
def test_a_transaction_outlives(server, transaction, line):
    transaction.cmd(line)
    delivered(server, transaction.data(message()))


def test_a_transaction_ends_with_its_message(server, session):
    session.deliver(message())
    session.cmd("RCPT TO:<alice@example.test>", 503, "5.5.1")
    session.cmd("DATA", 503, "5.5.1")
    delivered(server, session.deliver(message()))


def test_one_session_takes_many_messages_and_each_gets_an_id_of_its_own(session):
    ids = [session.deliver(message()).text.split()[-1] for _ in range(10)]
    assert len(set(ids)) == 10
    assert ids == sorted(ids)


def test_quit_is_answered_and_closes(client):
    assert said(client.quit()) == "221 2.0.0 mx.test closing the connection"


def test_what_follows_quit_is_not_done(server, session):
    session.send(b"QUIT\r\nMAIL FROM:<sender@client.test>\r\n")
    session.expect(221, "2.0.0")
    assert session.read_until_close() == b""


def test_the_end_of_the_clients_stream_ends_the_session(session):
    session.half_close()
    assert session.read_until_close() == b""


# --- lines ---------------------------------------------------------------------------------------------


def test_a_command_line_may_have_512_octets(client):
    assert said(client.cmd("NOOP " + "x" * 505)) == "250 2.0.0 ok"
    assert said(client.cmd("NOOP " + "x" * 506)) == "554 5.5.2 Command line too long"
    client.cmd("NOOP", 250)


def test_the_line_of_a_command_that_extensions_lengthen_may_have_2560_octets(session):
    line = "MAIL FROM:<sender@client.test>"
    session.cmd(line + " " * (2558 - len(line)), 250)


@pytest.mark.parametrize("line", [b"MAIL FROM:<>" + b" " * 2547 + b"\r\n", b"NOOP " + b"x" * 4000])
def test_a_longer_command_line_ends_the_session(client, line):
    client.send(line)
    assert said(client.read_reply()) == "554 5.5.2 command line too long"
    assert client.read_until_close() == b""


@pytest.mark.parametrize("line", [b"NOOP \0\r\n", b"NOOP x\ry\r\n", b"\r\r\n"])
def test_a_nul_or_a_bare_cr_in_a_command_ends_the_session(client, line):
    client.send(line)
    assert said(client.read_reply()) == "554 5.5.2 NUL or bare CR in a command"
    assert client.read_until_close() == b""


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST /evil HTTP/1.1", "CONNECT mx.test:25 HTTP/1.1",
                                  "OPTIONS * HTTP/1.1"])
def test_a_web_client_is_sent_away(client, line):
    client.cmd(line, 502, "5.7.0")
    assert client.read_until_close() == b""


def test_a_refusal_is_logged_with_all_that_tells_why(server, session):
    before = len(server.log_lines())
    session.mail()
    reply = session.cmd("RCPT TO:<nobody@example.test>", 550, "5.1.1")
    line = server.wait_log(after=before, event="refused", command="RCPT")
    assert (line["client"], line["helo"], line["code"], line["dsn"]) == ("127.0.0.1", "client.test", "550", "5.1.1")
    assert reply.text == f"5.1.1 {line['reply']}"
    assert line["listener"] == f"127.0.0.1:{server.port}"
