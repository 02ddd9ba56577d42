"""What becomes of mail that was accepted: restarts, retries, outcomes in the log, reloads, and a second server."""

import contextlib
import json
import re
import sqlite3
import subprocess

import pytest

from harness.scenes import content, delivered, id_of
from harness.server import Server, binary
from harness.smtp import message
from harness.waiting import wait_until

QUICK = {"queue": {"retry": {"first": "200ms", "factor": 1.0, "max": "1s"}}}
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def obstruct(server, user="alice", domain="example.test"):
    """Puts a file where the mailbox should be, so that it can't be written, by root neither."""
    path = server.maildir_path(domain, user)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("not a folder")
    return path


def send(server, recipients=("alice@example.test",), text=None, **options):
    with server.client() as client:
        client.ehlo()
        return id_of(client.deliver(text or message(), recipients, **options))


# --- kept, whatever happens ----------------------------------------------------------------------------


def test_mail_that_waits_is_there_after_a_kill(make_server):
    server = make_server(**QUICK)
    path = obstruct(server)
    name = send(server)
    server.wait_log(event="deferred", id=name)
    server.kill()
    path.unlink()
    server.start()
    mail = delivered(server, name)
    assert content(mail) == message().replace(b"\r\n", b"\n")


def test_mail_that_was_acknowledged_just_before_a_kill_is_delivered(make_server):
    server = make_server(**QUICK)
    names = []
    with server.client() as client:
        client.ehlo()
        for _ in range(20):
            names.append(id_of(client.deliver(message())))
        server.kill()
    server.start()
    for name in names:
        delivered(server, name)


def test_mail_that_waits_is_there_after_a_stop(make_server):
    server = make_server(**QUICK)
    path = obstruct(server)
    name = send(server)
    server.wait_log(event="deferred", id=name)
    server.stop()
    path.unlink()
    server.start()
    delivered(server, name)


def test_a_message_under_way_at_a_kill_was_not_acknowledged_and_vanishes(make_server):
    server = make_server()
    with server.client() as client:
        client.ehlo()
        client.mail()
        client.rcpt()
        client.cmd("DATA", 354)
        client.send(message() + b"x" * 998 + b"\r\n" * 600000)
        server.kill()
    server.start()
    store = server.wait_log(event="store", count=2)
    assert (store["messages"], store["quarantined"]) == ("0", "0")
    name = send(server)
    delivered(server, name)
    assert len(server.maildir("example.test", "alice")) == 1


def test_mail_is_delivered_when_its_mailbox_can_be_written_again(make_server):
    server = make_server(**QUICK)
    path = obstruct(server)
    name = send(server)
    line = server.wait_log(event="deferred", id=name)
    assert (line["to"], line["relay"], line["dsn"]) == ("alice@example.test", "maildir", "4.3.5")
    assert line["reply"] == "451 4.3.5 mailbox misconfigured"
    assert re.fullmatch(TIME, line["next"])
    server.wait_log(event="deferred", id=name, count=2)
    path.unlink()
    delivered(server, name)
    assert server.wait_log(event="delivered", id=name)["dsn"] == "2.0.0"


def test_one_mailbox_that_fails_holds_up_no_other(make_server):
    server = make_server(**QUICK)
    path = obstruct(server)
    name = send(server, ["alice@example.test", "bob@example.test"])
    delivered(server, name, "bob")
    server.wait_log(event="deferred", id=name, to="alice@example.test")
    path.unlink()
    delivered(server, name)
    assert len(server.maildir("example.test", "bob")) == 1


def test_a_mailbox_over_quota_is_tried_again_and_takes_mail_when_there_is_room(make_server):
    server = make_server(**QUICK, delivery={"quota": "4KiB"})
    first = send(server, text=message("x" * 70 + "\r\n" + "y" * 3000 + "\r\n"))
    delivered(server, first)
    second = send(server, text=message("z" * 3000 + "\r\n"))
    line = server.wait_log(event="deferred", id=second)
    assert (line["dsn"], line["reply"]) == ("4.2.2", "452 4.2.2 mailbox full")
    for path in (server.maildir_path("example.test", "alice") / "new").iterdir():
        path.unlink()
    delivered(server, second)


def test_mail_that_can_not_be_delivered_in_time_fails(make_server):
    server = make_server(queue={"retry": {"first": "100ms", "max": "200ms"}, "expire": "1s"})
    obstruct(server)
    name = send(server)
    line = server.wait_log(event="failed", id=name)
    assert line["dsn"] == "4.4.7"
    assert line["reply"].startswith("451 4.4.7 delivery time expired; last: 451 4.3.5 mailbox misconfigured")


def test_a_bounce_that_can_not_be_delivered_tells_nobody(make_server):
    server = make_server(queue={"retry": {"first": "100ms", "max": "200ms"}, "expire": "1s"})
    obstruct(server)
    name = send(server, sender="")
    assert server.wait_log(event="failed", id=name)["told"] == "nobody"


def test_a_record_that_can_not_be_read_is_put_aside_and_stops_nobody(make_server):
    server = make_server(**QUICK)
    path = obstruct(server)
    names = [send(server) for _ in range(3)]
    for name in names:
        server.wait_log(event="deferred", id=name)
    server.kill()
    path.unlink()
    with spool(server) as database:
        database.execute("UPDATE message SET envelope = x'00ff00ff' WHERE id = (SELECT min(id) FROM message)")
    server.start()
    for name in names[1:]:
        delivered(server, name)
    wait_until(lambda: quarantined(server), 10, "the record in quarantine")
    server.wait_log(event="quarantined", id=names[0])
    server.restart()
    assert server.wait_log(event="store", count=3)["quarantined"] == "1"
    assert len(server.maildir("example.test", "alice")) == 2


def spool(server):
    """The spool's database, closed again at the end."""
    return contextlib.closing(sqlite3.connect(server.data_dir / "spool" / "spool.db", isolation_level=None))


def quarantined(server):
    with spool(server) as database:
        return database.execute("SELECT count(*) FROM quarantine").fetchone()[0]


def test_a_spool_of_a_newer_format_is_refused_with_a_clear_line(make_server):
    server = make_server()
    server.stop()
    with spool(server) as database:
        database.execute("PRAGMA user_version = 999")
    server.start(ready=False)
    assert server.wait_exit() == 1
    assert "has format 999" in server.wait_log(event="cannot_start")["why"]


def test_below_the_space_that_must_stay_free_mail_is_put_off(make_server):
    server = make_server(queue={"min_free": "1TiB"})
    with server.client() as client:
        client.ehlo()
        client.cmd("MAIL FROM:<sender@client.test>", 452, "4.3.1")
        client.cmd("NOOP", 250)


# --- one log line per outcome --------------------------------------------------------------------------

OUTCOME = ["id", "from", "to", "relay", "delay", "dsn", "reply"]
ROUTES = {"networks": ["127.0.0.1"], "route": [{"domain": "void.test", "via": "discard"},
                                               {"domain": "wait.test", "via": "hold"}]}
ALL_WAYS = ["alice@example.test", "bob@example.test", "x@void.test", "x@wait.test"]
EVENTS = {"alice@example.test": ("deferred", "maildir", "4.3.5"), "bob@example.test": ("delivered", "maildir", "2.0.0"),
          "x@void.test": ("discarded", "discard", "2.0.0")}


def test_each_outcome_is_one_line_of_logfmt(make_server):
    server = make_server(**ROUTES)
    obstruct(server)
    name = send(server, ALL_WAYS)
    for recipient, (event, relay, dsn) in EVENTS.items():
        line = server.wait_log(event=event, id=name, to=recipient)
        assert (line["from"], line["relay"], line["dsn"]) == ("sender@client.test", relay, dsn)
        assert re.fullmatch(r"\d+\.\d{3}", line["delay"])
        assert line["reply"].startswith(f"{'451' if event == 'deferred' else '250'} {dsn} ")
    assert server.wait_log(event="held", id=name)["to"] == "x@wait.test"
    raw = next(line for line in server.log_text().splitlines() if "event=delivered" in line)
    assert re.fullmatch(
        rf'ts={TIME} level=info event=delivered id={name} from=sender@client\.test to=bob@example\.test '
        rf'relay=maildir delay=\d+\.\d{{3}} dsn=2\.0\.0 reply="250 2\.0\.0 delivered"( detail=\S+)?', raw), raw


def test_each_outcome_is_one_line_of_json_where_a_setting_says_so(make_server):
    server = make_server(**ROUTES, log={"format": "json"})
    obstruct(server)
    name = send(server, ALL_WAYS)
    for recipient, (event, relay, dsn) in EVENTS.items():
        server.wait_log(event=event, id=name, to=recipient)
    lines = [json.loads(line) for line in server.log_text().splitlines()]
    for recipient, (event, relay, dsn) in EVENTS.items():
        line, = [line for line in lines if line["event"] == event and line["to"] == recipient]
        assert set(OUTCOME) <= set(line)
        assert (line["id"], line["from"], line["relay"], line["dsn"]) == (name, "sender@client.test", relay, dsn)
        assert re.fullmatch(TIME, line["ts"])


def test_a_senders_strange_words_can_not_forge_a_log_line(make_server):
    server = make_server()
    with server.client() as client:
        client.ehlo("x\"event=delivered")
        client.mail('"a event=delivered id=1 \\" b"@client.test')
        client.rcpt()
        name = id_of(client.data(message()))
    server.wait_log(event="delivered", id=name)
    lines = [line for line in server.log_lines() if line.get("event") == "delivered"]
    assert [line["id"] for line in lines] == [name]


# --- start and reload ----------------------------------------------------------------------------------


def test_the_effective_settings_are_logged_at_start(server):
    settings, store = server.wait_log(event="settings"), server.wait_log(event="store")
    assert (settings["hostname"], settings["data_dir"]) == ("mx.test", str(server.data_dir))
    assert settings["message_size"] == str(50 << 20)
    described = dict(pair.split("=") for pair in store["settings"].split())
    assert (described["journal_mode"].lower(), described["synchronous"].upper()) == ("wal", "FULL")


def test_a_reload_brings_new_users_at_once(make_server):
    server = make_server()
    with server.client() as client:
        client.ehlo()
        client.mail()
        client.cmd("RCPT TO:<dora@example.test>", 550, "5.1.1")
        client.cmd("RSET", 250)
        server.change({"domain": [{"name": "example.test", "kind": "local", "users": ["dora"]}]})
        server.reload()
        server.wait_log(event="reloaded")
        # In the next transaction of a session that was open already, and in a new one.
        name = id_of(client.deliver(message(), ["dora@example.test"]))
        delivered(server, name, "dora")
        client.mail()
        client.cmd("RCPT TO:<alice@example.test>", 550, "5.1.1")
    delivered(server, send(server, ["dora@example.test"]), "dora")


def test_a_transaction_that_is_open_at_a_reload_keeps_its_settings(make_server):
    server = make_server()
    with server.client() as client:
        client.ehlo()
        client.mail()
        server.change({"domain": [{"name": "example.test", "kind": "local", "users": ["dora"]}]})
        server.reload()
        server.wait_log(event="reloaded")
        client.rcpt("alice@example.test")
        client.cmd("RCPT TO:<dora@example.test>", 550, "5.1.1")


@pytest.mark.parametrize("text, what", [("hostname = [", r":\d+:\d+: "), ('hostname = "a..b"\n', r":1:12?: "),
                                        ("unheard_of = 1\n", "unheard_of")])
def test_a_reload_of_a_bad_file_changes_nothing_and_says_so(make_server, text, what):
    server = make_server()
    good = server.config_path.read_text()
    server.config_path.write_text(text + ("" if "[" in text else good.replace("hostname", "#hostname", 1)))
    server.reload()
    fault = server.wait_log(event="config_fault", fault=re.compile(what))
    assert fault["fault"].startswith(str(server.config_path) + ":")
    assert int(server.wait_log(event="reload_refused")["faults"]) >= 1
    delivered(server, send(server))
    server.config_path.write_text(good)
    server.reload()
    server.wait_log(event="reloaded")


def test_what_needs_a_restart_is_named_at_a_reload(make_server):
    server = make_server()
    server.change({"log": {"format": "json"}, "threads": 1})
    server.reload()
    server.wait_log(event="needs_restart", key="threads")
    server.wait_log(event="needs_restart", key="log.format")
    server.wait_log(event="reloaded")


# --- one server for one spool and one port -------------------------------------------------------------


def start_second(first, tmp_path, **overrides):
    """(exit code, what it says) of another server that is started beside the first."""
    second = Server(tmp_path / "second", overrides)
    done = subprocess.run([binary(), "serve", "--config", second.config_path], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=20, check=False, text=True)
    return done.returncode, done.stdout


def test_a_second_server_on_the_same_data_is_refused(make_server, tmp_path):
    server = make_server()
    code, said = start_second(server, tmp_path, data_dir=str(server.data_dir))
    assert code == 1
    assert re.search(rf"event=cannot_start why=\"another server works on {server.data_dir}/spool ", said), said
    delivered(server, send(server))


def test_a_second_server_on_the_same_port_is_refused(make_server, tmp_path):
    server = make_server()
    code, said = start_second(server, tmp_path, listener=[{"address": f"127.0.0.1:{server.port}"}])
    assert code == 1
    assert re.search(rf"event=cannot_start why=\"can't listen on \S*127\.0\.0\.1\S*:{server.port}: ", said), said
    delivered(server, send(server))


def test_a_bad_file_keeps_the_server_from_starting_and_says_where(tmp_path):
    second = Server(tmp_path / "bad", {})
    second.config_path.write_text('hostname = "mx.test"\nnetworks = 3\n')
    done = subprocess.run([binary(), "serve", "--config", second.config_path], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=20, check=False, text=True)
    assert done.returncode == 1
    assert f"{second.config_path}:2:" in done.stdout
