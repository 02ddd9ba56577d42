"""`postrider backup` and `postrider restore`: the queue goes to another place and nothing is missing."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

import pytest

from harness.control import queue
from harness.ports import free_port
from harness.scenes import id_of, settled
from harness.server import binary
from harness.sink import Sink
from harness.smtp import message
from harness.tools import run, trace
from harness.waiting import wait_until

NOBODY = 65534


@pytest.fixture
def server(make_server):
    """Nobody listens where dead.test goes."""
    return make_server(networks=["127.0.0.0/8"],
                       route=[{"domain": "dead.test", "via": f"smtp://127.0.0.1:{free_port()}"}])


def send(server, *recipients):
    with server.client() as client:
        client.ehlo()
        return id_of(client.deliver(message(), recipients))


def queued(server):
    """{id: state} of what is in the queue, read from the file."""
    said, _ = run(server, "queue", "list", "--offline", "--json", "--limit", "0")
    rows = [json.loads(line) for line in said.splitlines()]
    return {row["id"]: row["state"] for row in rows}


def wait_trace(server, name):
    """What happens is in the timeline's file within a second."""
    def known():
        done = subprocess.run([str(binary()), "trace", name, "--config", str(server.config_path)],
                              capture_output=True, timeout=20, check=False)
        return done.returncode == 0
    wait_until(known, 10, f"events of {name}")


def lose_everything(server):
    server.stop()
    shutil.rmtree(server.data_dir)


def test_what_was_accepted_before_the_backup_is_in_it_while_mail_comes_and_goes(server, tmp_path):
    before = [send(server, "carol@dead.test") for _ in range(20)]
    wait_trace(server, before[0])
    stop = threading.Event()

    def go_on():
        while not stop.is_set():
            send(server, "alice@example.test", "dave@dead.test")
    sender = threading.Thread(target=go_on)
    sender.start()
    try:
        said, _ = run(server, "backup", tmp_path / "copy")
    finally:
        stop.set()
        sender.join()
    assert "Mailboxes are plain files and are not in it" in said
    manifest = json.loads((tmp_path / "copy/manifest.json").read_text())
    assert manifest["messages"] >= 20 and manifest["timeline"] is True
    assert (tmp_path / "copy/postrider.toml").read_text() == server.config_path.read_text()
    lose_everything(server)
    said, _ = run(server, "restore", tmp_path / "copy")
    assert f"{manifest['messages']} messages with " in said
    assert set(before) <= set(queued(server))
    server.start()
    kinds = [event["event"] for event in trace(server, before[0])]
    assert kinds[0] == "accepted"
    assert "lost" in kinds  # what happened between the backup and now is in no timeline


def test_held_mail_waits_for_an_operator(server, tmp_path):
    name = send(server, "carol@dead.test")
    run(server, "backup", tmp_path / "copy")
    lose_everything(server)
    said, _ = run(server, "restore", tmp_path / "copy", "--hold")
    assert "What waits is held" in said
    assert queued(server) == {name: "held"}


def test_an_end_of_which_nobody_was_told_is_told_when_it_is_released(make_server, tmp_path):
    """The server is killed in the second in which it gathers what else the sender is to be told."""
    with Sink(("127.0.0.1", free_port()), replies={"RCPT": "550 5.1.1 unknown"}) as sink:
        server = make_server(networks=["127.0.0.0/8"],
                             route=[{"domain": "far.test", "via": f"smtp://127.0.0.1:{sink.port}"}])
        with server.client() as client:
            client.ehlo()
            name = id_of(client.deliver(message(), ["x@far.test"], "alice@example.test"))
        server.wait_log(event="failed", id=name)
        server.kill()
    assert queued(server) == {name: "untold"}
    run(server, "backup", tmp_path / "copy")
    shutil.rmtree(server.data_dir)
    said, _ = run(server, "restore", tmp_path / "copy")
    assert "1 recipient had an end already, of which the sender is told as soon as the server runs" in said
    shutil.rmtree(server.data_dir)
    said, _ = run(server, "restore", tmp_path / "copy", "--hold")
    assert "1 recipient among them had an end already, of which the sender is told when it is released" in said
    assert queued(server) == {name: "held"}
    server.start()
    server.wait_log(event="ready")
    other = send(server, "bob@example.test")
    settled(server, other, "bob")
    assert queued(server) == {name: "held"} and not server.maildir("example.test", "alice")
    run(server, "queue", "release", name)
    assert b"5.1.1 unknown" in server.wait_mail("example.test", "alice")[0]
    server.wait_log(event="delivered", to="alice@example.test")
    assert "nothing in the queue" in queue(server, "list", code=1)


def test_restored_mail_is_delivered(make_server, tmp_path):
    server = make_server(networks=["127.0.0.0/8"], route=[{"domain": "example.test", "via": "hold"}])
    name = send(server, "alice@example.test")
    server.wait_log(event="held")
    run(server, "backup", tmp_path / "copy")
    lose_everything(server)
    run(server, "restore", tmp_path / "copy")
    server.change({"route": []})
    server.start()
    run(server, "queue", "release", name)
    assert settled(server, name)


def test_nothing_is_restored_over_mail_or_beneath_a_server(server, tmp_path):
    name = send(server, "carol@dead.test")
    run(server, "backup", tmp_path / "copy")
    assert "another server works on" in run(server, "restore", tmp_path / "copy", code=1)[1]
    server.stop()
    assert "has mail in it" in run(server, "restore", tmp_path / "copy", code=1)[1]
    assert set(queued(server)) == {name}


def test_a_damaged_or_unfinished_backup_is_refused_and_leaves_nothing(server, tmp_path):
    send(server, "carol@dead.test")
    run(server, "backup", tmp_path / "copy")
    lose_everything(server)
    shutil.copytree(tmp_path / "copy", tmp_path / "unfinished")
    (tmp_path / "unfinished/manifest.json").unlink()
    assert "is not a complete backup" in run(server, "restore", tmp_path / "unfinished", code=1)[1]
    with (tmp_path / "copy/spool/spool.db").open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xff" * 4096)
    assert "is damaged" in run(server, "restore", tmp_path / "copy", code=1)[1]
    assert not (server.data_dir / "spool/spool.db").exists()


def test_a_refused_restore_leaves_no_configuration_and_no_folder(server, tmp_path):
    send(server, "carol@dead.test")
    run(server, "backup", tmp_path / "copy")
    lose_everything(server)
    text = server.config_path.read_text()
    server.config_path.unlink()
    manifest = tmp_path / "copy/manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "messages": 2}))
    assert "has 1 messages with 1 recipients, and the backup 2 with 1" in \
        run(server, "restore", tmp_path / "copy", code=1)[1]
    assert not server.config_path.exists() and not server.data_dir.exists()
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "messages": 1}))
    run(server, "restore", tmp_path / "copy")
    assert server.config_path.read_text() == text


def test_a_wal_without_its_database_is_set_aside(server, tmp_path):
    """A server was killed, and somebody removed its spool.db: what lies beside it belongs to no copy."""
    name = send(server, "carol@dead.test")
    run(server, "backup", tmp_path / "copy")
    other = send(server, "dave@dead.test")
    server.kill()
    spool = server.data_dir / "spool"
    kept = (spool / "spool.db-wal").read_bytes()
    (spool / "spool.db").unlink()
    said, _ = run(server, "restore", tmp_path / "copy")
    assert f"What an earlier database left is {spool}/spool.db-wal.left-over now." in said
    assert (spool / "spool.db-wal.left-over").read_bytes() == kept
    assert set(queued(server)) == {name} and other != name


def test_a_damaged_timeline_does_not_keep_the_mail_out_of_a_backup(server, tmp_path):
    name = send(server, "carol@dead.test")
    wait_trace(server, name)
    server.stop()
    with (server.data_dir / "timeline/timeline.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 16 * 4096)
    said, why = run(server, "backup", tmp_path / "copy")
    assert why.startswith("without the timeline: ")
    assert "1 message with 1 open recipient, the directory, the DMARC reports, the configuration." in said
    assert json.loads((tmp_path / "copy/manifest.json").read_text())["timeline"] is False
    shutil.rmtree(server.data_dir)
    run(server, "restore", tmp_path / "copy")
    assert set(queued(server)) == {name}


def test_a_backup_goes_only_into_a_new_or_empty_folder(server, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/mine").write_text("precious")
    assert "and not empty" in run(server, "backup", tmp_path / "copy", code=1)[1]
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["mine"]
    server.stop()
    run(server, "backup", tmp_path / "other")


@pytest.fixture
def foreign(server, tmp_path):
    """The folder of a server that has stopped: nobody's, and empty; the copy of what it had is in tmp_path/"copy"."""
    if os.geteuid() != 0:
        pytest.skip("only root leaves root")
    name = send(server, "carol@dead.test")
    wait_trace(server, name)
    run(server, "backup", tmp_path / "copy")
    lose_everything(server)
    # Every folder above it can be entered by all.
    above = pathlib.Path(tempfile.mkdtemp(prefix="postrider-backup.", dir="/tmp"))
    above.chmod(0o755)
    server.change({"data_dir": str(above / "data")})
    server.data_dir.mkdir(mode=0o700)
    os.chown(server.data_dir, NOBODY, NOBODY)
    yield server
    shutil.rmtree(above)


def strangers(folder):
    """What lies in it and is not nobody's."""
    return [path for path in folder.rglob("*") if (path.lstat().st_uid, path.lstat().st_gid) != (NOBODY, NOBODY)]


def test_root_restores_as_the_owner_of_the_folder(foreign, tmp_path):
    assert "1 message with 1 open recipient" in run(foreign, "restore", tmp_path / "copy")[0]
    files = {path.name for path in foreign.data_dir.rglob("*")}
    assert {"spool", "spool.db", "lock", "timeline", "timeline.db"} <= files
    assert strangers(foreign.data_dir) == []


def test_the_owner_of_the_folder_leads_root_nowhere(foreign, tmp_path):
    target = foreign.data_dir.parent / "roots"
    target.mkdir(mode=0o755)
    victim = target / "victim"
    victim.write_text("precious")
    victim.chmod(0o644)
    spool = foreign.data_dir / "spool"
    spool.symlink_to(target)
    assert "/spool/lock" in run(foreign, "restore", tmp_path / "copy", code=1)[1]
    spool.unlink()
    spool.mkdir()
    os.chown(spool, NOBODY, NOBODY)
    (spool / "lock").symlink_to(target / "lock")
    assert "lock is a link" in run(foreign, "restore", tmp_path / "copy", code=1)[1]
    (spool / "lock").unlink()
    (spool / "spool.db").symlink_to(target / "spool.db")
    (spool / "spool.db.restored").symlink_to(victim)
    run(foreign, "restore", tmp_path / "copy")
    assert [path.name for path in target.iterdir()] == ["victim"]
    assert victim.read_text() == "precious" and victim.stat().st_mode & 0o777 == 0o644
    assert strangers(foreign.data_dir) == []


def test_a_refused_restore_leaves_the_server_its_folder(foreign, tmp_path):
    with (tmp_path / "copy/spool/spool.db").open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xff" * 4096)
    assert "is damaged" in run(foreign, "restore", tmp_path / "copy", code=1)[1]
    assert list(foreign.data_dir.iterdir()) == []
    assert (foreign.data_dir.stat().st_uid, foreign.data_dir.stat().st_gid) == (NOBODY, NOBODY)


def test_the_configuration_comes_back_where_root_alone_may_write(foreign, tmp_path):
    text = foreign.config_path.read_text()
    (tmp_path / "copy/postrider.toml").write_text(text)
    foreign.config_path.unlink()
    assert f"The configuration is {foreign.config_path}." in run(foreign, "restore", tmp_path / "copy")[0]
    assert foreign.config_path.read_text() == text
    assert foreign.config_path.stat().st_uid == 0
    assert strangers(foreign.data_dir) == []
