"""Mail that goes out, to servers that others wrote: every octet arrives, and what they say is understood."""

import contextlib
import os
import re

import pytest

from harness.peers import Dovecot, Exim, OpenSmtpd, Postfix, SmtpSink
from harness.scenes import id_of
from harness.server import Server
from harness.sink import Drip, Drop, Hang, Reset, Sink, Split
from harness.smtp import message
from harness.waiting import wait_until
from interop import bodies

SENDER = "alice@example.test"
TRACE = re.compile(rb"(?:(?:Received|Return-Path|Delivered-To): [^\n]*\n(?:[ \t][^\n]*\n)*)+")
QUICK = {"retry": {"first": "300ms", "factor": 1.0, "max": "1s"}, "expire": "1h"}
# Short where a peer that says nothing is to be given up, and long beside what a busy machine takes.
TIMEOUTS = {"connect": "2s", "greeting": "1s", "command": "1s", "data_start": "1s", "data_block": "2s",
            "data_end": "1s"}
SECONDS = 60


def config(routes, **more):
    return {"networks": ["127.0.0.0/8"], "queue": QUICK,
            "domain": [{"name": "example.test", "kind": "local", "users": ["alice", "bob"]}],
            "route": [{"domain": domain, "via": via} for domain, via in routes.items()], **more}


def submit(server, wire, *recipients, sender=SENDER, params="BODY=8BITMIME"):
    with server.client(timeout=60) as client:
        client.ehlo()
        return id_of(client.deliver(wire, recipients, sender, params))


def without_trace(content):
    return TRACE.sub(b"", content.replace(b"\r\n", b"\n"), count=1)


class TestOctets:
    """Bodies of every odd kind, through another server into a sink behind it."""

    @pytest.fixture(scope="class")
    def sink(self):
        with Sink(("127.0.0.1", 0)) as sink:
            yield sink

    @pytest.fixture(scope="class", params=["postfix", "exim", "opensmtpd", "sink", "sink-data"])
    def route(self, request, sink, tmp_path_factory):
        folder = tmp_path_factory.mktemp(request.param)
        with contextlib.ExitStack() as stack:
            if request.param == "postfix":
                peer = Postfix(folder, {"relayhost": f"[127.0.0.1]:{sink.port}"})
            elif request.param == "exim":
                peer = Exim.relay_to(folder, "127.0.0.1", sink.port)
            elif request.param == "opensmtpd":
                peer = OpenSmtpd(folder, sink.port)
            else:
                ehlo = ("PIPELINING", "8BITMIME") if request.param == "sink-data" else ("CHUNKING", "8BITMIME")
                yield Sink(("127.0.0.1", 0), ehlo=ehlo), request.param
                return
            yield stack.enter_context(peer), request.param

    @pytest.fixture(scope="class")
    def server(self, route, tmp_path_factory):
        folder = tmp_path_factory.mktemp("server")
        server = Server(folder, config({"out.test": f"smtp://127.0.0.1:{route[0].port}"})).start()
        yield server
        server.finish()

    @pytest.mark.parametrize("size", [*bodies.SIZES, 20 * bodies.MIB])
    def test_what_was_given_arrives(self, server, route, sink, token, same, size):
        peer, name = route
        end = peer if isinstance(peer, Sink) else sink
        wire = bodies.message(token, bodies.body(size, eight_bit=True), "bob@out.test", SENDER)
        submit(server, wire, "bob@out.test")

        def arrived():
            return next((each for each in end.messages if f"Subject: {token}\r\n".encode() in each.content), None)
        taken = wait_until(arrived, SECONDS, lambda: f"{token} behind {name}; the log ends:\n{server.log_tail(20)}")
        end.messages.remove(taken)
        assert taken.sender == SENDER and taken.recipients == ["bob@out.test"]
        same(without_trace(taken.content), bodies.stored(wire))


class TestDovecot:
    """Mailboxes behind LMTP."""

    USERS = [f"user{i}@box.test" for i in range(5)]

    @pytest.fixture(scope="class")
    def dovecot(self, tmp_path_factory):
        with Dovecot(tmp_path_factory.mktemp("dovecot"), self.USERS) as dovecot:
            yield dovecot

    @pytest.fixture(params=["tcp", "unix"])
    def server(self, request, dovecot, make_server):
        via = f"lmtp://127.0.0.1:{dovecot.port}" if request.param == "tcp" else f"lmtp:{dovecot.socket}"
        return make_server(**config({"box.test": via}))

    def test_every_recipient_gets_the_same_octets(self, dovecot, server, token, same):
        wire = bodies.message(token, bodies.body(5000, eight_bit=True))
        submit(server, wire, *self.USERS)
        for user in self.USERS:
            assert server.wait_log(event="delivered", to=user)["dsn"].startswith("2.")
            [file] = [path for path in dovecot.messages(user) if token.encode() in path.read_bytes()]
            same(without_trace(file.read_bytes()), bodies.stored(wire))

    def test_who_does_not_exist_there_fails_alone(self, dovecot, server, token):
        submit(server, bodies.message(token, b"x\r\n"), self.USERS[0], "nobody@box.test")
        server.wait_log(event="delivered", to=self.USERS[0])
        assert server.wait_log(event="failed", to="nobody@box.test")["dsn"] == "5.1.1"
        server.wait_mail("example.test", "alice")


SOFT = ("CONNECT", "EHLO HELO", "MAIL", "RCPT", "DATA", ".")


class TestSmtpSink:
    @pytest.fixture
    def against(self, tmp_path, make_server):
        """against(*options): a server whose mail for out.test goes to an smtp-sink with these."""
        with contextlib.ExitStack() as stack:
            def make(*options, **settings):
                sink = stack.enter_context(SmtpSink(tmp_path / "sink", *options))
                via = f"{'lmtp' if '-L' in options else 'smtp'}://127.0.0.1:{sink.port}"
                return make_server(**config({"out.test": via}, **{"delivery": {"timeouts": TIMEOUTS}, **settings}))
            yield make

    @pytest.mark.parametrize("options", [[], ["-e"], ["-p"], ["-E"], ["-8"], ["-N"], ["-P"], ["-L"], ["-L", "-p"]], ids=str)
    def test_takes_what_it_is_given(self, against, options):
        server = against(*options)
        submit(server, message(), "bob@out.test", "eve@out.test")
        for recipient in ("bob@out.test", "eve@out.test"):
            server.wait_log(event="delivered" if "-L" in options else "relayed", to=recipient)

    @pytest.mark.parametrize("step", SOFT)
    @pytest.mark.parametrize("kind", ["-r", "-Q", "-q"], ids=["says 4xx", "says 421 and goes", "goes without a word"])
    def test_a_no_for_now_keeps_the_mail(self, against, kind, step):
        server = against(kind, step)
        name = submit(server, message(), "bob@out.test")
        line = server.wait_log(event="deferred", to="bob@out.test", id=name, count=2)
        assert line["dsn"].startswith("4."), line
        assert not [line for line in server.log_lines() if line.get("event") in ("failed", "relayed")]

    @pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "."])
    def test_a_no_for_good_is_told_to_the_sender(self, against, step):
        server = against("-f", step)
        submit(server, message(), "bob@out.test")
        assert server.wait_log(event="failed", to="bob@out.test")["dsn"].startswith("5.")
        [told] = server.wait_mail("example.test", "alice")
        assert b"Action: failed" in told

    @pytest.mark.parametrize("step", ["CONNECT", "EHLO HELO"])
    def test_a_server_that_wants_no_mail_at_all_is_tried_again(self, against, step):
        """Greeting and EHLO say nothing of the recipient: the server may be better tomorrow, or the next one."""
        server = against("-f", step)
        submit(server, message(), "bob@out.test")
        server.wait_log(event="deferred", to="bob@out.test", count=2)

    @pytest.mark.parametrize("options", [["-W", ".:1"], ["-w", "1"], ["-H", "1", "-T", "1024"]],
                             ids=["end of data", "DATA", "window shut"])
    def test_a_slow_server_is_waited_for(self, against, options):
        server = against(*options, delivery={"timeouts": {"data_start": "20s", "data_end": "20s"}})
        submit(server, message(("x" * 70 + "\r\n") * 5000), "bob@out.test")
        server.wait_log(event="relayed", to="bob@out.test")

    @pytest.mark.parametrize("delay", ["0", "1"])
    def test_a_no_in_the_middle_of_the_content_is_told_to_the_sender(self, against, delay):
        """It reads no more, and the content is more than what lies between us: the client stands."""
        server = against("-A", delay)
        submit(server, message(("x" * 70 + "\r\n") * 150_000), "bob@out.test")
        assert server.wait_log(event="failed", to="bob@out.test", timeout=30)["reply"].startswith("550 ")

    @pytest.mark.parametrize("options, event, dsn", [(["-b", "450 4.7.9 come back", "-r", "RCPT"], "deferred", "4.7.9"),
                                                     (["-B", "554 5.7.9 not you", "-f", "."], "failed", "5.7.9")],
                             ids=["for now", "for good"])
    def test_its_words_are_logged(self, against, options, event, dsn):
        server = against(*options)
        submit(server, message(), "bob@out.test")
        line = server.wait_log(event=event, to="bob@out.test")
        assert line["dsn"] == dsn and options[1].split(" ", 2)[2] in line["reply"]

    def test_mail_waits_for_a_server_that_ended(self, against):
        server = against("-M", "2")
        for _ in range(3):  # It counts what it likes.
            name = submit(server, message(), "bob@out.test")
            line = wait_until(lambda id=name: next((line for line in server.log_lines() if line.get("id") == id
                                                    and line.get("event") in ("relayed", "deferred")), None),
                              20, server.log_tail)
            if line["event"] == "deferred":
                break
        assert line["event"] == "deferred" and line["dsn"].startswith("4.4."), line

    @pytest.mark.parametrize("options, event", [(["-f", "."], "failed"), (["-f", "RCPT"], "failed"), (["-r", "."], "deferred"),
                                                (["-Q", "DATA"], "deferred"), (["-q", "."], "deferred")], ids=str)
    def test_by_lmtp_faults_mean_the_same(self, against, options, event):
        server = against("-L", *options)
        submit(server, message(), "bob@out.test", "eve@out.test")
        for recipient in ("bob@out.test", "eve@out.test"):
            assert server.wait_log(event=event, to=recipient)["dsn"][0] == ("5" if event == "failed" else "4")


STEPS = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "end"]
# Without CHUNKING, so that there is a DATA.
EXTENSIONS = ("PIPELINING", "8BITMIME")
CHUNKS = (*EXTENSIONS, "CHUNKING")
GARBAGE = {"no code": b"hello\r\n", "a code of two digits": b"25 ok\r\n", "a code above 599": b"799 what\r\n",
           "a positive code where a no belongs": b"199 x\r\n", "binary": bytes(range(256)) + b"\r\n",
           "no line end": b"2" * 70000, "changing codes": b"250-one\r\n450 two\r\n",
           "an endless reply": b"250-more\r\n" * 3000, "an empty line": b"\r\n", "a NUL": b"250 \0ok\r\n",
           "a bare LF": b"250 ok\n250 too much\n", "a telnet greeting": b"\xff\xfb\x01\r\n"}


def named(value):
    """A parameter, in the name of a test."""
    return {EXTENSIONS: "DATA", CHUNKS: "BDAT"}.get(value, value) if isinstance(value, (str, tuple)) else type(value).__name__


class TestHostile:
    """A server of our own that means no good. Mail is kept, told, or delivered; the server lives on."""

    @pytest.fixture
    def against(self, make_server):
        with contextlib.ExitStack() as stack:
            def make(**options):
                sink = stack.enter_context(Sink(("127.0.0.1", 0), **{"ehlo": EXTENSIONS, **options}))
                via = f"{'lmtp' if sink.lmtp else 'smtp'}://127.0.0.1:{sink.port}"
                server = make_server(**config({"out.test": via}, delivery={"timeouts": TIMEOUTS}))
                return server, sink
            yield make

    def kept(self, server, sink, name):
        """It was deferred, and goes out as soon as the other side is well again."""
        server.wait_log(event="deferred", to="bob@out.test", id=name, timeout=30)
        sink.faults.clear()
        sink.replies.clear()
        server.wait_log(event="delivered" if sink.lmtp else "relayed", to="bob@out.test", id=name, timeout=30)

    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize("fault", [Drop(), Drop(b"250-half"), Reset(), Hang(), Drip()],
                             ids=["drops", "drops in a reply", "resets", "hangs", "drips"])
    def test_is_outlived(self, against, step, fault):
        server, sink = against(faults={step: fault})
        self.kept(server, sink, submit(server, message(), "bob@out.test"))

    @pytest.mark.parametrize("fault, step", [(Drop(), "MAIL"), (Drop(), "RCPT"), (Drop(), "BDAT"), (Drop(), "end"),
                                             (Reset(), "BDAT"), (Reset(), "end"), (Hang(), "BDAT"), (Hang(), "end")], ids=named)
    def test_is_outlived_where_chunks_are_sent(self, against, step, fault):
        """One chunk with all that is before it, or, for BDAT, several."""
        server, sink = against(ehlo=CHUNKS, faults={step: fault})
        text = message(("x" * 70 + "\r\n") * (4000 if step == "BDAT" else 1))
        self.kept(server, sink, submit(server, text, "bob@out.test"))
        assert sink.said("BDAT") and not sink.said("DATA") and len(sink.messages[-1].content) > len(text)

    @pytest.mark.parametrize("fault, step, ehlo", [(Drop(), "MAIL", EXTENSIONS), (Drop(), "MAIL", CHUNKS),
                                                   (Hang(), "end", EXTENSIONS), (Drop(), "end", CHUNKS)], ids=named)
    def test_is_outlived_on_a_connection_that_was_kept(self, against, ehlo, step, fault):
        server, sink = against(ehlo=ehlo)
        server.wait_log(event="relayed", to="bob@out.test", id=submit(server, message(), "bob@out.test"))
        sink.faults[step] = fault
        name = submit(server, message(), "bob@out.test")
        wait_until(lambda: len(sink.said("MAIL")) > 1, 20, server.log_tail)
        assert sink.connections == 1 or (step, ehlo) == ("MAIL", EXTENSIONS)
        self.kept(server, sink, name)

    @pytest.mark.parametrize("fault, step", [(Drop(), "LHLO"), (Hang(), "RCPT"), (Drop(), "end"), (Hang(), "end")], ids=named)
    def test_is_outlived_by_lmtp(self, against, step, fault):
        server, sink = against(lmtp=True, faults={step: fault})
        self.kept(server, sink, submit(server, message(), "bob@out.test"))

    @pytest.mark.parametrize("reply", ["no code", "an endless reply"])
    @pytest.mark.parametrize("how", [{"ehlo": CHUNKS}, {"lmtp": True}], ids=["BDAT", "LMTP"])
    def test_that_talks_nonsense_at_the_end_is_not_believed(self, against, how, reply):
        server, sink = against(**how, replies={"end": GARBAGE[reply]})
        self.kept(server, sink, submit(server, message(), "bob@out.test"))

    @pytest.mark.parametrize("step", ["greeting", "RCPT", "end"])
    @pytest.mark.parametrize("reply", GARBAGE.values(), ids=GARBAGE)
    def test_that_talks_nonsense_is_not_believed(self, against, step, reply):
        server, sink = against(replies={step: reply})
        name = submit(server, message(), "bob@out.test")
        if b"250" in reply and step != "greeting" and reply in (GARBAGE["a NUL"], GARBAGE["a bare LF"]):
            # Sloppy, and yet a yes.
            wait_until(lambda: any(line.get("event") in ("relayed", "deferred") for line in server.log_lines()), 30,
                       lambda: server.log_tail())
            return
        self.kept(server, sink, name)

    @pytest.mark.parametrize("step", STEPS)
    def test_replies_in_single_octets_are_put_together(self, against, step):
        server, sink = against(faults={step: Split()})
        name = submit(server, message(), "bob@out.test")
        server.wait_log(event="relayed", to="bob@out.test", id=name)

    def test_glued_replies_are_taken_apart(self, against):
        """All replies of the pipelined group at once, before their commands were looked at."""
        def glue(sink, connection, reply):
            connection.sendall(reply + b"250 2.1.5 ok\r\n354 go on\r\n")
        server, sink = against(faults={"MAIL": glue, "RCPT": lambda *_: None, "DATA": lambda *_: None},
                               ehlo=("PIPELINING",))
        name = submit(server, message(), "bob@out.test")
        server.wait_log(event="relayed", to="bob@out.test", id=name)
        assert len(sink.messages) == 1

    def test_every_recipient_has_its_own_answer(self, against):
        server, sink = against(replies={"RCPT:no@out.test": "550 5.1.1 nobody", "RCPT:later@out.test": "450 4.2.1 full"})
        submit(server, message(), "yes@out.test", "no@out.test", "later@out.test")
        server.wait_log(event="relayed", to="yes@out.test")
        assert server.wait_log(event="failed", to="no@out.test")["dsn"] == "5.1.1"
        assert server.wait_log(event="deferred", to="later@out.test")["dsn"] == "4.2.1"
        assert sink.messages[0].recipients == ["yes@out.test"]
        sink.replies.clear()
        server.wait_log(event="relayed", to="later@out.test")
        assert sink.messages[1].recipients == ["later@out.test"]

    def test_a_reset_after_the_last_dot_may_repeat_and_never_lose(self, against):
        server, sink = against(faults={"end": Reset()})
        name = submit(server, message(), "bob@out.test")
        self.kept(server, sink, name)

    def test_a_hundred_bad_connections_leave_no_descriptor_behind(self, against):
        server, sink = against(replies={"greeting": "421 4.3.2 busy"})
        for _ in range(20):
            submit(server, message(), "bob@out.test")
        wait_until(lambda: sink.connections >= 30, 60, lambda: f"{sink.connections} connections")
        assert len(os.listdir(f"/proc/{server.pid}/fd")) < 100

    def test_a_hanging_server_does_not_hold_up_others(self, against, make_server):
        with Sink(("127.0.0.1", 0), faults={"MAIL": Hang()}) as bad, Sink(("127.0.0.1", 0)) as good:
            server = make_server(**config({"bad.test": f"smtp://127.0.0.1:{bad.port}",
                                           "good.test": f"smtp://127.0.0.1:{good.port}"}))
            for _ in range(200):
                submit(server, message(), "bob@bad.test")
            wait_until(lambda: bad.connections >= 5, 20, lambda: f"{bad.connections} connections")
            submit(server, message(), "bob@good.test")
            good.wait(1, 5)
