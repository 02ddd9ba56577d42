"""`postrider domain`, `account`, `alias` and `directory`, beside a server that runs, and without one."""

import json
import os
import pty
import re
import stat
import subprocess

import pytest

from harness.server import binary
from harness.smtp import message
from harness.tools import run

PASSWORD_HASH = "{BLF-CRYPT}$2y$05$8rPGfTliRGG58vUiLJkacOs8CFFFRxYD6xI6LfNzPCHR9cfd5kTqy"
SECONDS_UNTIL_SEEN = 10  # far above the second that is promised: the machine may be busy


@pytest.fixture
def server(make_server):
    """One for each: what is added stays."""
    return make_server()


def say(server, *arguments, code=0, stdin=""):
    """(standard output, standard error) of `postrider ARGUMENTS`."""
    done = subprocess.run([str(binary()), *map(str, arguments), "--config", str(server.config_path)], input=stdin,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout, done.stderr


def objects(server, *arguments):
    return [json.loads(line) for line in say(server, *arguments, "--json")[0].splitlines()]


def generation(server):
    """The number of the last change that the server knows."""
    seen = [int(line["generation"]) for line in server.log_lines() if line.get("event") == "directory_changed"]
    return seen[-1] if seen else 0


def change(server, *arguments, stdin=""):
    """Says it, and waits until the server has seen it."""
    before = len(server.log_lines())
    said = say(server, *arguments, stdin=stdin)
    server.wait_log(timeout=SECONDS_UNTIL_SEEN, after=before, event="directory_changed")
    return said


def rcpt(server, address, code, dsn=None):
    with server.client() as client:
        client.ehlo()
        client.mail("sender@client.test")
        client.cmd(f"RCPT TO:<{address}>", code, *([dsn] if dsn else []))


def test_what_is_added_takes_mail_within_a_second_without_a_restart(server):
    rcpt(server, "carol@new.test", 550, "5.7.1")
    change(server, "domain", "add", "new.test")
    rcpt(server, "carol@new.test", 550, "5.1.1")
    change(server, "account", "add", "carol@new.test", "--no-password")
    change(server, "alias", "add", "info@new.test", "carol", "alice@example.test")
    with server.client() as client:
        client.ehlo()
        client.deliver(message(), ["info@new.test"], "sender@client.test")
    assert len(server.wait_mail("new.test", "carol")) == 1
    assert len(server.wait_mail("example.test", "alice")) == 1
    change(server, "alias", "remove", "info@new.test")
    rcpt(server, "info@new.test", 550, "5.1.1")
    rcpt(server, "carol@new.test", 250)


def test_the_change_is_seen_within_a_second(server):
    import time
    say(server, "domain", "add", "new.test")
    end = time.monotonic() + 1.0
    server.wait_log(timeout=SECONDS_UNTIL_SEEN, event="directory_changed", generation=1)
    # On a machine that is free it takes half a second at most; a busy one may be late to look.
    assert time.monotonic() < end + 2.0


def test_what_was_set_up_before_the_start_is_there(make_server):
    server = make_server(start=False)
    say(server, "domain", "add", "new.test")
    say(server, "account", "add", "carol@new.test", "--no-password")
    server.start()
    rcpt(server, "carol@new.test", 250)
    assert stat.S_IMODE((server.data_dir / "directory.db").stat().st_mode) == 0o600


def test_what_is_disabled_is_refused_and_mail_that_is_on_its_way_still_comes(server):
    change(server, "domain", "add", "new.test")
    change(server, "account", "add", "carol@new.test", "--no-password")
    change(server, "account", "set", "carol@new.test", "--state", "disabled")
    rcpt(server, "carol@new.test", 550, "5.2.1")
    change(server, "account", "set", "carol@new.test", "--state", "no-login")
    rcpt(server, "carol@new.test", 250)
    change(server, "domain", "set", "new.test", "--state", "disabled")
    rcpt(server, "carol@new.test", 550, "5.2.1")


def test_catch_all_and_separator_are_of_the_domain(server):
    change(server, "domain", "add", "new.test", "--separator", "-")
    change(server, "account", "add", "carol@new.test", "--no-password")
    rcpt(server, "carol-lists@new.test", 250)
    rcpt(server, "carol+lists@new.test", 550, "5.1.1")
    change(server, "domain", "set", "new.test", "--catch-all", "carol")
    rcpt(server, "anybody@new.test", 250)
    change(server, "domain", "set", "new.test", "--no-catch-all")
    rcpt(server, "anybody@new.test", 550, "5.1.1")


def test_mail_for_an_account_that_went_meanwhile_does_not_leave_the_house(make_server):
    server = make_server(queue={"retry": {"first": "100ms"}})
    change(server, "domain", "add", "new.test")
    change(server, "account", "add", "carol@new.test", "--no-password")
    path = server.maildir_path("new.test", "carol")
    path.parent.mkdir(parents=True)
    path.write_text("not a folder")
    with server.client() as client:
        client.ehlo()
        client.deliver(message(), ["carol@new.test"], "")
    server.wait_log(event=re.compile("deferred"), to="carol@new.test")
    change(server, "account", "remove", "carol@new.test")
    ended = server.wait_log(event=re.compile("failed|bounced"), to="carol@new.test")
    assert "no such mailbox" in str(ended)


def test_it_says_what_is_wrong_and_changes_nothing(server):
    say(server, "domain", "add", "new.test")
    say(server, "account", "add", "carol@new.test", "--no-password")
    say(server, "alias", "add", "info@new.test", "carol")
    faults = [
        (("domain", "add", "new.test"), 1, "there is a domain new.test already"),
        (("domain", "add", "example.test"), 1, "the domain example.test is in the configuration too, which goes first"),
        (("domain", "add", "no domain"), 2, "DOMAIN: "),
        (("domain", "remove", "other.test"), 1, "there is no domain other.test; postrider domain add makes one"),
        (("domain", "remove", "new.test"), 1, "with it would go:\n  the account carol@new.test\n  the alias info@new.test"),
        (("account", "add", "carol@new.test", "--no-password"), 1, "there is an account carol@new.test already"),
        (("account", "add", "info@new.test", "--no-password"), 1, "info@new.test is an alias already"),
        (("account", "add", "x@example.test", "--no-password"), 1, "example.test is a domain of the configuration ("),
        (("account", "add", "x@other.test", "--no-password"), 1, "there is no domain other.test"),
        (("account", "add", "x@new.test", "--hash", "secret"), 2, "--hash: not a password hash of a scheme that is taken"),
        (("account", "add", "x@new.test", "--no-password", "--quota", "much"), 2, "--quota: "),
        (("account", "set", "info@new.test", "--quota", "none"), 1, "info@new.test is an alias; an account is needed"),
        (("account", "remove", "carol@new.test"), 1, "since these lead there:\n  info@new.test"),
        (("account", "app-password", "remove", "carol@new.test", "phone"), 1, 'carol@new.test has no app password "phone"'),
        (("alias", "add", "x@new.test", "gone"), 1, "an alias leads to gone@new.test, who is not there"),
        (("alias", "set", "info@new.test", "info"), 1, "aliases lead in a circle"),
        (("alias", "set", "info@new.test", "--remove", "carol"), 1, "then it would lead to nobody"),
        (("directory", "import", "nowhere.toml"), 1, "nowhere.toml"),
    ]
    before = say(server, "directory", "export")[0]
    for arguments, code, words in faults:
        assert words in say(server, *arguments, code=code)[1], arguments
    assert say(server, "directory", "export")[0] == before


def test_force_takes_what_goes_out_of_the_aliases(server):
    say(server, "domain", "add", "new.test")
    for name in ("carol", "dan"):
        say(server, "account", "add", f"{name}@new.test", "--no-password")
    say(server, "alias", "add", "both@new.test", "carol", "dan")
    say(server, "alias", "add", "one@new.test", "carol")
    say(server, "account", "remove", "carol@new.test", "--force")
    assert [(one["alias"], one["to"]) for one in objects(server, "alias", "list", "new.test")] == [
        ("both@new.test", ["dan@new.test"])]
    say(server, "domain", "remove", "new.test", "--force")
    assert [one["domain"] for one in objects(server, "domain", "list")] == ["example.test"]


def test_each_thing_is_shown_as_json(server):
    say(server, "domain", "add", "new.test", "--separator", "-", "--state", "no-login")
    [added] = objects(server, "account", "add", "carol@new.test", "--no-password", "--quota", "1GiB", "--messages-per-hour",
                      "5", "--send-as", "Boss@else.test", "--send-as", "@own.test", "--scram")
    assert added == {"account": "carol@new.test", "state": "enabled", "scram": True, "quota": 1 << 30,
                     "messages_per_hour": 5, "messages_per_day": 0, "recipients_per_hour": 0, "recipients_per_day": 0,
                     "send_as": ["@own.test", "boss@else.test"], "done": "added"}
    [shown] = objects(server, "account", "show", "carol@new.test")
    assert shown["addresses"] == ["carol@new.test", "@own.test", "boss@else.test"]
    assert (shown["password"], shown["app_passwords"], shown["from"]) == (False, 0, "directory")
    [domain] = objects(server, "domain", "show", "new.test")
    assert domain == {"domain": "new.test", "kind": "local", "state": "no-login", "separator": "-", "catch_all": None,
                      "accounts": 1, "aliases": 0, "from": "directory"}
    assert [one["from"] for one in objects(server, "account", "list")] == ["configuration", "configuration", "directory"]
    assert "carol@new.test" in say(server, "account", "list")[0]


def test_an_app_password_is_shown_once(server):
    say(server, "domain", "add", "new.test")
    say(server, "account", "add", "carol@new.test", "--stdin", stdin="correct horse\n")
    [made] = objects(server, "account", "app-password", "add", "carol@new.test", "phone")
    assert re.fullmatch(r"([0-9a-z]{5}-){4}[0-9a-z]{6}", made["password"])
    out, err = say(server, "account", "app-password", "add", "carol@new.test", "laptop")
    assert re.fullmatch(r"([0-9a-z]{5}-){4}[0-9a-z]{6}\n", out) and "not shown again" in err
    [laptop, phone] = objects(server, "account", "app-password", "list", "carol@new.test")
    assert (laptop["app_password"], phone["app_password"], phone["last_used"]) == ("laptop", "phone", None)
    stored = (server.data_dir / "directory.db").read_bytes() + (server.data_dir / "directory.db-wal").read_bytes()
    assert made["password"].replace("-", "").encode() not in stored and b"correct horse" not in stored
    say(server, "account", "app-password", "remove", "carol@new.test", "phone")
    assert len(objects(server, "account", "app-password", "list", "carol@new.test")) == 1


def terminal(server, *arguments, answers):
    """Runs it at a terminal of its own; (exit code, what the terminal showed)."""
    pid, screen = pty.fork()
    if pid == 0:
        os.execv(str(binary()), [str(binary()), *arguments, "--config", str(server.config_path)])
    shown = b""
    answers = list(answers)
    while True:
        try:
            piece = os.read(screen, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if answers and shown.rstrip().endswith((b"password:", b"again:")):
            os.write(screen, answers.pop(0))
            shown += b"\n"
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(screen)
    return code, shown.decode()


def test_a_password_is_asked_for_twice_and_not_echoed(server):
    say(server, "domain", "add", "new.test")
    say(server, "account", "add", "carol@new.test", "--no-password")
    code, shown = terminal(server, "account", "passwd", "carol@new.test", answers=[b"pa55word\n", b"pa55word\n"])
    assert code == 0 and "pa55word" not in shown and "the password is changed" in shown
    assert objects(server, "account", "show", "carol@new.test")[0]["password"]
    code, shown = terminal(server, "account", "passwd", "carol@new.test", answers=[b"one\n", b"two\n"])
    assert code == 1 and "the two differ; nothing was changed" in shown
    code, shown = terminal(server, "account", "passwd", "carol@new.test", answers=[b"one\x03\n"])
    assert code == 1 and "nothing was changed" in shown


@pytest.fixture
def filled(server):
    say(server, "domain", "add", "new.test", "--catch-all", "x@else.test")
    say(server, "domain", "add", "far.test", "--kind", "relay", "--recipient", "dora")
    say(server, "account", "add", "carol@new.test", "--hash", PASSWORD_HASH, "--quota", "5MiB")
    say(server, "account", "app-password", "add", "carol@new.test", 'the "new" phone')
    say(server, "alias", "add", "info@new.test", "carol", "y@else.test")
    return server


def test_an_export_is_imported_without_a_difference(filled, tmp_path):
    for more in ((), ("--with-credentials",)):
        text = say(filled, "directory", "export", *more)[0]
        assert (PASSWORD_HASH in text) == bool(more)
        file = tmp_path / "directory.toml"
        file.write_text(text)
        assert say(filled, "directory", "import", file, "--dry-run")[0] == "No difference.\n"
        assert say(filled, "directory", "import", file, "--yes")[0] == "No difference.\n"


def test_an_import_elsewhere_makes_the_same_directory(filled, make_server, tmp_path):
    other = make_server(start=False)
    text = say(filled, "directory", "export", "--with-credentials")[0]
    out = say(other, "directory", "import", "-", "--yes", stdin=text)[0]
    assert "+ account carol@new.test\n    quota: default -> 5MiB\n" in out and out.endswith("4 changes made.\n")
    assert say(other, "directory", "export", "--with-credentials")[0] == text


def test_an_import_shows_what_it_would_change_and_asks(filled, tmp_path):
    text = say(filled, "directory", "export")[0]
    file = tmp_path / "directory.toml"
    file.write_text(text.replace('quota = "5MiB"', 'quota = "6MiB"').replace('["carol@new.test", "y@else.test"]', '["carol@new.test"]'))
    differences = ("~ account carol@new.test\n    quota: 5MiB -> 6MiB\n~ alias info@new.test\n"
                   "    to: carol@new.test, y@else.test -> carol@new.test\n")
    assert say(filled, "directory", "import", file, "--dry-run")[0] == differences
    out, err = say(filled, "directory", "import", file, code=2)
    assert out == differences and "say --yes, or --dry-run" in err
    assert say(filled, "directory", "export")[0] == text
    assert change(filled, "directory", "import", file, "--yes")[0] == differences + "2 changes made.\n"
    assert [one["name"] for one in objects(filled, "directory", "import", file, "--dry-run")] == []
    # The password was no part of the file, and is still there.
    assert objects(filled, "account", "show", "carol@new.test")[0]["password"]


def test_a_file_with_faults_is_refused_with_their_places(filled, tmp_path):
    file = tmp_path / "directory.toml"
    file.write_text('format = 1\n[[domain]]\nname = "new.test"\n[[alias]]\naddress = "x@new.test"\n')
    assert f"{file}:4:1: an alias that leads to nobody" in say(filled, "directory", "import", file, "--yes", code=1)[1]


def test_check_warns_of_a_domain_that_both_have(filled):
    config = dict(filled.config)
    config["domain"] = [*config["domain"], {"name": "new.test", "users": ["xaver"]}]
    filled.configure(config)
    out, err = run(filled, "check")
    assert out.endswith(": good\n")
    assert "warning: the domain new.test is in the configuration too, which goes first" in err
    filled.reload()
    filled.wait_log(event="reloaded")
    rcpt(filled, "carol@new.test", 550, "5.1.1")
    rcpt(filled, "xaver@new.test", 250)


def test_a_newer_database_stops_the_start_with_a_clear_line(make_server):
    server = make_server(start=False)
    say(server, "domain", "add", "new.test")
    subprocess.run(["python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version=9')",
                    str(server.data_dir / "directory.db")], check=True)
    server.start(ready=False)
    assert server.wait_exit() == 1
    assert "has format 9, and this postrider knows formats up to 1" in server.log_text()
    assert "has format 9" in say(server, "account", "list", code=1)[1]


def test_many_accounts_are_quick(server):
    text = 'format = 1\n[[domain]]\nname = "big.test"\n' + "".join(
        f'[[account]]\naddress = "u{i}@big.test"\n' for i in range(10000))
    change(server, "directory", "import", "-", "--yes", stdin=text)
    rcpt(server, "u9999@big.test", 250)
    rcpt(server, "u10000@big.test", 550, "5.1.1")


def test_a_backup_has_the_directory(filled, make_server, tmp_path):
    run(filled, "backup", tmp_path / "saved")
    other = make_server(start=False)
    run(other, "restore", tmp_path / "saved")
    assert (say(other, "directory", "export", "--with-credentials")[0]
            == say(filled, "directory", "export", "--with-credentials")[0])
    assert stat.S_IMODE((other.data_dir / "directory.db").stat().st_mode) == 0o600
