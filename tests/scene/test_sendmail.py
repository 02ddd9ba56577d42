"""`postrider sendmail`: mail of programs on this machine, to a server that is there, or comes back."""

import email
import email.policy
import os
import re
import socket
import subprocess

import pytest

from harness.control import queue, queue_json
from harness.scenes import content, paused, received
from harness.sendmail import NOBODY
from harness.server import binary
from harness.sink import Sink
from harness.toml import merge
from harness.waiting import wait_until

CONFIG = {
    "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob"]},
               {"name": "mx.test", "kind": "local", "users": ["carol"], "aliases": {"root": ["alice@example.test"]}}],
}


@pytest.fixture
def serve(make_server, sendmail):
    """serve(start=True, **overrides): a server that `sendmail` uses."""
    def make(start=True, **overrides):
        server = make_server(start=False, **merge(merge(CONFIG, sendmail.overrides()), overrides))
        sendmail.use(server)
        return server.start() if start else server
    return make


@pytest.fixture
def server(serve):
    return serve()


def only(server, user="alice", domain="example.test"):
    mails = server.wait_mail(domain, user)
    assert len(mails) == 1
    return mails[0]


def header(mail):
    return email.message_from_bytes(content(mail), policy=email.policy.default)


def told(server, name):
    """What `postrider trace` says of it; events are in its file within a second."""
    return subprocess.run([str(binary()), "trace", name, "--config", str(server.config_path)], capture_output=True,
                          text=True, timeout=20, check=False).stdout


def submit_socket(sendmail):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(sendmail.submit / "socket"))
    return connection


class TestAMessage:
    def test_of_cron_gets_hosts_and_what_is_missing(self, server, sendmail):
        sendmail("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root",
                 text="From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\n10%\r20%\n.\nend\n")
        mail = only(server)
        assert mail.startswith(b"Return-Path: <root@mx.test>\n")
        assert re.fullmatch(r"by mx\.test \(Postrider, from userid 0\) with ESMTP id \w{13} for <root@mx\.test>; .*",
                            received(mail))
        assert content(mail).startswith(b"From: root@mx.test (Cron Daemon)\nTo: root@mx.test\nSubject: Cron\nDate: ")
        assert re.search(rb"\nMessage-ID: <[0-9a-f]{32}@mx\.test>\n\n10%\n20%\n\.\nend\n$", content(mail))

    def test_is_for_the_header_and_the_command_line_and_bcc_is_removed(self, server, sendmail):
        sendmail("-t", "-i", "-fwww@shop.test", "bob@example.test",
                 text="To: Alice <alice@example.test>\nBcc: carol@mx.test,\n root\nSubject: x\n\nbody\n")
        for domain, user in (("example.test", "alice"), ("example.test", "bob"), ("mx.test", "carol")):
            mail = only(server, user, domain)
            assert mail.startswith(b"Return-Path: <www@shop.test>\n")
            assert header(mail)["Bcc"] is None and b"carol" not in content(mail)
            assert header(mail)["From"] == "www@shop.test"

    def test_of_any_user_says_whose_it_is(self, server, sendmail):
        sendmail("alice@example.test", text="Subject: x\n\nbody\n", uid=NOBODY)
        mail = only(server)
        assert mail.startswith(b"Return-Path: <nobody@mx.test>\n")
        assert header(mail)["From"] in ("nobody@mx.test", "nobody <nobody@mx.test>")
        assert "(Postrider, from userid 65534)" in received(mail)
        line = server.wait_log(event="accepted")
        assert (line["client"], line["listener"]) == ("uid 65534", "submit")
        wait_until(lambda: "submitted by a program of nobody (uid 65534)" in told(server, line["id"]), 10,
                   "the timeline to name the user")

    def test_without_a_header_gets_one(self, server, sendmail):
        sendmail("-F", "Jürgen, B.", "alice@example.test", text="hello\nworld\n")
        assert re.fullmatch(rb"From: =\?utf-8\?q\?J=C3=BCrgen=2C=20B=2E\?= <root@mx.test>\nDate: [^\n]+\nMessage-ID: [^\n]+\n\n"
                            rb"hello\nworld\n", content(only(server)))

    def test_ends_at_a_lone_dot(self, server, sendmail):
        sendmail("alice@example.test", text="Subject: x\n\none\n.\ntwo\n")
        assert content(only(server)).endswith(b"\n\none\n")

    @pytest.mark.parametrize("null", ["", "<>"])
    def test_may_have_the_null_sender(self, server, sendmail, null):
        sendmail("-f", null, "alice@example.test", text="Subject: x\n\n")
        assert only(server).startswith(b"Return-Path: <>\n")

    def test_sent_on_goes_to_the_new_recipients(self, server, sendmail):
        sendmail("-t", text="Resent-To: bob@example.test\nTo: alice@example.test\nFrom: a@b.test\nDate: x\n\nbody\n")
        mail = only(server, "bob")
        assert header(mail)["Resent-From"].startswith("root") and "Resent-Date" in header(mail)
        assert server.maildir("example.test", "alice") == []

    def test_to_more_recipients_than_others_may_have_is_one_message(self, server, sendmail):
        many = ", ".join(f"alice+{number}@example.test" for number in range(1500))
        sendmail("-t", text=f"Bcc: {many}\nSubject: x\n\nbody\n")
        assert server.wait_log(event="accepted")["recipients"] == "1500"
        sendmail("-t", text="To: a" + ", a" * 10000 + "\n\n", code=65)


class TestAnotherServer:
    @pytest.fixture
    def sink(self, serve):
        with Sink(("127.0.0.1", 0)) as sink:
            serve(route=[{"domain": "out.test", "via": f"smtp://127.0.0.1:{sink.port}"}])
            yield sink

    def test_is_told_of_the_reports_that_are_wanted(self, sink, sendmail):
        sendmail("-N", "success,delay", "-R", "hdrs", "-V", "order+207", "eve@out.test", text="Subject: x\n\nbody\n")
        [mail] = sink.wait()
        assert "RET=HDRS" in mail.mail and "ENVID=order+207" in mail.mail and "8BITMIME" not in mail.mail
        assert "NOTIFY=SUCCESS,DELAY" in mail.rcpts[0]

    def test_is_told_of_8_bit_octets_and_of_utf8(self, sink, sendmail):
        sendmail("eve@out.test", text="Subject: x\n\nÄ\n")
        sendmail("eve@out.test", text="Subject: Ä\n\nx\n")
        sendmail("jürgen@out.test", text="Subject: x\n\nx\n")
        first, second, third = sink.wait(3)
        assert "BODY=8BITMIME" in first.mail and "SMTPUTF8" not in first.mail
        assert "SMTPUTF8" in second.mail
        assert "SMTPUTF8" in third.mail


class TestARefusal:
    def test_of_every_recipient_is_told_at_once(self, server, sendmail):
        _, said = sendmail("who@example.test", text="Subject: x\n\n", code=67)
        assert said == "sendmail: 550 5.1.1 <who@example.test>: no such mailbox here\n"
        assert sendmail.dropped() == []

    def test_of_one_recipient_is_reported_to_the_sender(self, server, sendmail):
        sendmail("-f", "bob@example.test", "alice@example.test", "who@example.test", text="Subject: x\n\nbody\n")
        assert content(only(server)).endswith(b"\n\nbody\n")
        report = header(only(server, "bob"))
        assert report.get_content_type() == "multipart/report"
        assert "who@example.test" in report.as_string()
        sendmail.wait_collected()

    @pytest.mark.parametrize("arguments, text, code", [
        ((), "x\n", 64),
        (("-t",), "Subject: x\n\n", 64),
        (("-Z", "alice@example.test"), "", 64),
        (("-N", "often", "alice@example.test"), "", 64),
        (("-bd",), "", 64),
        (("two words",), "x\n", 65),
        (("-f", "a b", "alice@example.test"), "x\n", 65),
        (("-t",), "To: no address here\n\n", 65),
        (("alice@example.test",), "Subject: x\n\n" + "x" * (1 << 17), 65),
        (("-f", "eve@denied.test", "alice@example.test"), "Subject: x\n\n", 77),
        (("-q30m",), "", 0),
        (("-I",), "", 0),
    ])
    def test_has_a_code_of_its_own(self, serve, sendmail, arguments, text, code):
        server = serve(limits={"message_size": "64KiB"}, access={"deny_senders": ["denied.test"]})
        _, said = sendmail(*arguments, text=text, code=code)
        assert (said == "") == (code == 0)
        assert sendmail.dropped() == [] and server.maildir("example.test", "alice") == []

    def test_of_a_message_that_can_not_be_read(self, server, sendmail):
        done = subprocess.run(["sh", "-c", f"{sendmail.wrapper} alice@example.test <&- 2>&-"], check=False, timeout=20)
        assert done.returncode == 74

    def test_of_a_configuration_with_faults_or_that_is_not_there(self, serve, sendmail):
        serve()
        sendmail("-C", "/nowhere.toml", "alice@example.test", text="x\n", code=78, config=False)
        sendmail.config.write_text("colour = 1\n" + sendmail.config.read_text())
        _, said = sendmail("alice@example.test", text="x\n", code=78)
        assert re.fullmatch(r'sendmail: \S+/postrider\.toml:1:1: unknown key "colour"; .*\n', said)

    def test_of_users_who_are_not_listed(self, serve, sendmail):
        server = serve(submit={"allow": "listed", "users": ["daemon"]})
        _, said = sendmail("alice@example.test", text="x\n", uid=NOBODY, code=77)
        assert said == "sendmail: 554 5.7.1 nobody may not send mail from this machine\n"
        sendmail("alice@example.test", text="x\n", uid=1)
        sendmail("alice@example.test", text="x\n", uid=0)
        server.wait_mail("example.test", "alice", 2)
        server.stop()
        sendmail("alice@example.test", text="x\n", uid=NOBODY)
        server.start()
        server.wait_log(event="submission_set_aside", uid=NOBODY)
        assert len(server.maildir("example.test", "alice")) == 2

    def test_of_everybody(self, serve, sendmail):
        serve(submit={"allow": "nobody"})
        assert not sendmail.submit.exists()
        _, said = sendmail("alice@example.test", text="x\n", code=75)
        assert "no server at" in said and "can't leave the message" in said


class TestWhileTheServerIsAway:
    def test_mail_is_dropped_and_collected_at_the_next_start(self, server, sendmail):
        server.stop()
        sendmail("-V", "e1", "-f", "bob", "-t", uid=NOBODY,
                 text="To: root\nBcc: carol\nFrom: nobody\n\nÄ\n.x\n")
        [name] = sendmail.dropped()
        status = (sendmail.submit / "drop" / name).stat()
        assert re.fullmatch(r"[0-9a-f]{32}\.mail", name) and status.st_uid == NOBODY
        server.start()
        mail = only(server)
        assert mail.startswith(b"Return-Path: <bob@mx.test>\n")
        assert re.fullmatch(r"by mx\.test \(Postrider, from userid 65534\) id \w{13}; .*", received(mail))
        assert re.fullmatch(rb"To: root@mx\.test\nFrom: nobody@mx\.test\nDate: [^\n]+\nMessage-ID: <\w+@mx\.test>\n\n"
                            rb"\xc3\x84\n\.x\n", content(mail))
        assert only(server, "carol", "mx.test")
        sendmail.wait_collected()
        assert server.wait_log(event="accepted")["client"] == "uid 65534"

    def test_others_can_neither_see_nor_take_what_was_dropped(self, server, sendmail):
        server.stop()
        sendmail("alice@example.test", text="x\n")
        drop = sendmail.submit / "drop"
        [name] = sendmail.dropped()
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        for command in (["ls", drop], ["rm", "-f", drop / name], ["mv", drop / name, drop / "x"], ["ls", sendmail.submit]):
            assert subprocess.run([*as_nobody, *map(str, command)], capture_output=True, check=False).returncode != 0
        assert sendmail.dropped() == [name]

    def test_a_server_without_root_collects_it_too(self, serve, sendmail):
        server = serve(user="daemon")
        server.stop()
        sendmail("alice@example.test", text="x\n", uid=NOBODY)
        [name] = sendmail.dropped()
        closed = sendmail.submit / "drop/closed.mail"
        closed.write_bytes((sendmail.submit / "drop" / name).read_bytes())
        closed.chmod(0)
        server.start()
        assert b"(Postrider, from userid 65534)" in only(server)
        sendmail.wait_collected()
        assert sendmail.aside() == ["closed.mail"]
        assert server.wait_log(event="submission_set_aside")["why"].startswith("unreadable: ")

    def test_recipients_that_are_refused_are_reported(self, server, sendmail):
        server.stop()
        sendmail("-f", "bob@example.test", "who@example.test", text="Subject: x\n\n")
        sendmail("-f", "<>", "who@example.test", text="Subject: x\n\n")
        server.start()
        assert "who@example.test" in header(only(server, "bob")).as_string()
        assert server.wait_log(event="failed", told="nobody")["to"] == "who@example.test"
        sendmail.wait_collected()

    def test_it_is_dropped_where_there_are_too_many_connections_and_collected_at_once(self, serve, sendmail):
        server = serve(submit={"connections_per_user": 1})
        with submit_socket(sendmail) as held:
            assert held.recv(4096).startswith(b"220 ")
            sendmail("alice@example.test", text="Subject: x\n\n")
            assert "id" in server.wait_log(event="accepted", proto="drop")
            server.wait_log(event="too_many_connections", client="uid 0")
            sendmail("alice@example.test", text="Subject: x\n\n", uid=NOBODY)
            server.wait_log(event="accepted", proto="ESMTP", client="uid 65534")
        server.wait_mail("example.test", "alice", 2)

    @pytest.mark.release_only
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_nothing_is_lost_where_the_server_is_killed_as_it_removes_a_file(self, serve, sendmail, moment):
        server = serve(start=False, route=[{"domain": "held.test", "via": "hold"}])
        server.start()
        server.stop()
        senders = [f"sender{number}@mx.test" for number in range(6)]
        for sender in senders:
            sendmail("-f", sender, "eve@held.test", text="Subject: x\n\n")
        plain = server.wrap
        # The mail must be durable when its file goes, and may come twice where it stays.
        how = "signal=SIGKILL:when=3" if moment == "before" else "delay_exit=2000000"
        server.wrap = ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=unlinkat", "-e", f"inject=unlinkat:{how}"]
        for _ in range(2):
            there = len(sendmail.dropped())
            server.start(ready=False)
            if moment == "after":
                wait_until(lambda: len(sendmail.dropped()) < there, 20, "a file to go")  # noqa: B023
                server.kill()
            assert server.wait_exit() == -9
            assert sendmail.dropped()
        server.wrap = plain
        server.start()
        sendmail.wait_collected()
        found = [row["sender"] for row in queue_json(server, "list")]
        assert set(found) == set(senders)
        assert len(found) <= len(senders) + 2, "one more for each time that it was killed, at the most"
        assert sendmail.aside() == []

    def test_no_folder_to_leave_it_in_is_a_temporary_failure(self, serve, sendmail):
        serve(start=False)
        _, said = sendmail("alice@example.test", text="x\n", code=75)
        assert said.count("\n") == 1 and "No such file" in said

    @pytest.mark.deadline(60)
    def test_a_server_that_is_held_still_is_not_waited_for_long(self, server, sendmail):
        with paused(server):
            sendmail("alice@example.test", text="Subject: x\n\n")
            assert len(sendmail.dropped()) == 1
        sendmail.wait_collected()
        assert only(server)


class TestHostileFiles:
    def test_are_put_aside_or_removed_and_the_server_goes_on(self, server, sendmail):
        server.stop()
        sendmail("alice@example.test", text="Subject: good\n\n", uid=NOBODY)
        drop = sendmail.submit / "drop"
        [name] = sendmail.dropped()
        good = (drop / name).read_bytes()
        secret = sendmail.folder / "secret"
        secret.write_bytes(good)
        script = f"""
import os
os.chdir({str(drop)!r})
good = {good!r}
def put(name, octets):
    with open(name, "wb") as file:
        file.write(octets)
put("half.mail", good[:-20])
put("long.mail", good + b"x")
put("head.mail", b"postrider drop 1\\n" + b"to a\\n" * 100000)
put("rubbish.mail", os.urandom(100000))
put("empty.mail", b"")
put("alien", good)
put("words.mail", good.replace(b"to alice@example.test", b"to no address at all "))
put("bare.mail", good.replace(b"Subject: good\\r\\n", b"Subject: g\\n.\\r\\n\\n"))
put("tmp.half", good)
put("sparse.mail", good); os.truncate("sparse.mail", 1 << 40)
os.symlink({str(secret)!r}, "link.mail")
os.symlink("/dev/zero", "zero.mail")
os.mkfifo("pipe.mail")
os.mkdir("folder.mail")
os.mkdir("full.mail"); put("full.mail/x", b"x")
import socket; socket.socket(socket.AF_UNIX).bind("socket.mail")
"""
        subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "/usr/bin/python3", "-c", script],
                       check=True, timeout=20)
        os.link(secret, drop / "second.mail")
        server.start()
        assert header(only(server))["Subject"] == "good"
        wait_until(lambda: sendmail.dropped() == ["full.mail", "tmp.half"], 20,
                   lambda: f"what can't be removed to be left, there is {sendmail.dropped()}")
        kept = {"half.mail", "long.mail", "head.mail", "rubbish.mail", "empty.mail", "alien", "words.mail", "bare.mail",
                "sparse.mail", "second.mail"}
        assert kept <= set(sendmail.aside())
        assert not {"link.mail", "zero.mail", "pipe.mail", "folder.mail", "socket.mail"} & set(sendmail.aside())
        before = len(server.log_lines())
        sendmail("bob@example.test", text="Subject: later\n\n")
        assert header(only(server, "bob"))["Subject"] == "later"
        server.restart()
        server.wait_log(event="submissions_aside", after=before)


class TestSmtp:
    def test_by_a_program_that_ends_lines_with_lf(self, server, sendmail):
        out, _ = sendmail("-bs", uid=NOBODY, text="EHLO here\nMAIL FROM:<a@b.test>\nRCPT TO:<alice@example.test>\nDATA\n")
        assert out.startswith("220 mx.test ESMTP Postrider\r\n") and "\r\n354 " in out
        with subprocess.Popen([sendmail.folder / "sendmail", "-C", sendmail.config, "-bs"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as program:
            def say(line):
                program.stdin.write(line + b"\n")
                program.stdin.flush()

            def hear():
                while (line := program.stdout.readline())[3:4] == b"-":
                    pass
                return line
            assert hear().startswith(b"220 ")
            for line in (b"EHLO here", b"MAIL FROM:<a@b.test>", b"RCPT TO:<far@away.test>", b"RCPT TO:<alice@example.test>"):
                say(line)
                assert hear().startswith(b"250")
            say(b"DATA")
            assert hear().startswith(b"354")
            say(b"Subject: by hand\n\n..dot\n.")
            assert hear().startswith(b"250 2.0.0 queued as ")
            say(b"QUIT")
            assert hear().startswith(b"221")
            assert program.wait(10) == 0
        got = content(only(server))
        assert got.endswith(b"\nSubject: by hand\n\n.dot\n")
        assert [line.partition(b":")[0] for line in got.split(b"\n")[:3]] == [b"Date", b"From", b"Message-ID"]

    def test_without_a_server_says_421(self, server, sendmail):
        server.stop()
        out, _ = sendmail("-bs", text="QUIT\r\n", code=75)
        assert out == "421 4.3.2 the mail server is away, try again later\r\n"


class TestTheQueue:
    def test_is_listed_as_mailq_does(self, serve, sendmail):
        server = serve(route=[{"domain": "held.test", "via": "hold"}])
        assert sendmail(name="mailq")[0] == "Mail queue is empty\n"
        sendmail("a@held.test", "b@held.test", text="Subject: x\n\n")
        wait_until(lambda: sendmail(name="mailq")[0].count("held for an operator") == 2, 10, "it to be held")
        out, _ = sendmail(name="mailq")
        assert re.fullmatch(r"-Queue ID[^\n]*\n\w{13}! +\d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  root@mx\.test\n"
                            r"(?: +\(451 4\.7\.0 held for an operator\)\n +[ab]@held\.test\n){2}\n-- 1 Kbytes in 1 Request\.\n", out)
        assert sendmail("-bp")[0] == out
        name = re.search(r"(\w{13})!", out)[1]
        assert "a program of root (uid 0) on this machine" in queue(server, "show", name)
        server.stop()
        assert sendmail("-bp")[0] == out

    def test_is_not_for_everybody(self, server, sendmail):
        _, said = sendmail(name="mailq", uid=NOBODY, code=77)
        assert said == "sendmail: only root and the mail server's own user may see the queue\n"
        sendmail("-q", uid=NOBODY, code=69)

    def test_is_run_by_q(self, serve, sendmail):
        with Sink(("127.0.0.1", 0), replies={"RCPT": ["450 4.2.1 later", None]}) as sink:
            serve(route=[{"domain": "out.test", "via": f"smtp://127.0.0.1:{sink.port}"}])
            sendmail("eve@out.test", text="Subject: x\n\n")
            wait_until(lambda: sink.said("RCPT"), 10, "a first attempt")
            wait_until(lambda: "later" in sendmail("-bp")[0], 10, "it to fail")
            sendmail("-q")
            assert sink.wait()

    def test_has_no_aliases_to_make_anew(self, server, sendmail):
        out, _ = sendmail(name="newaliases")
        assert out == f"nothing to do: aliases stand in {sendmail.config}, which the server reads at SIGHUP\n"
