"""What the running server can't do any more, and that it says so."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness.kernel import check, let_in, require_landlock, require_seccomp, status
from harness.server import binary
from harness.smtp import message
from harness.control import queue

# A build with sanitizers can't be confined.
pytestmark = pytest.mark.release_only

NOBODY = 65534
HELLO = message(Subject="hello")


def deliver(server, *recipients):
    with server.client() as client:
        client.ehlo()
        client.deliver(HELLO, recipients)


def away(folder):
    return {"domain": "away.test", "via": f"maildir:{folder}/{{user}}"}


def test_every_thread_is_the_user_with_one_capability_and_a_filter(make_stepped_down):
    require_seccomp()
    server = make_stepped_down().start()
    tasks = os.listdir(f"/proc/{server.pid}/task")
    assert len(tasks) > 5
    for task in tasks:
        of = status(server.pid, task)
        assert (of["Uid"].split(), of["Gid"].split()) == ([str(NOBODY)] * 4, [str(NOBODY)] * 4)
        assert set(of["Groups"].split()) <= {str(NOBODY)}
        assert (of["CapPrm"], of["CapEff"]) == ("0000000000000400",) * 2  # CAP_NET_BIND_SERVICE
        assert (of["CapInh"], of["CapBnd"], of["CapAmb"]) == ("0" * 16,) * 3
        assert (of["NoNewPrivs"], of["Seccomp"]) == ("1", "2")


def test_one_that_stays_root_keeps_only_the_capabilities_that_mail_needs(make_server):
    server = make_server()
    ours = int(status("self")["CapPrm"], 16)
    assert int(status(server.pid)["CapEff"], 16) == ours & 0x4eb
    assert status(server.pid)["CapBnd"] == "0" * 16
    server.wait_log(event="confined", user="root",
                    capabilities="chown,dac_override,fowner,kill,setgid,setuid,net_bind_service")


def test_a_line_at_the_start_says_what_holds(make_stepped_down):
    require_landlock()
    require_seccomp()
    server = make_stepped_down().start()
    server.wait_log(event="confined", user="nobody", capabilities="net_bind_service",
                    seccomp=re.compile(r"^on \(1\d\d calls allowed\)$"), landlock=re.compile(r"^on \(ABI \d+\)$"))


def test_mail_and_tools_work_under_it(make_stepped_down):
    server = make_stepped_down().start()
    deliver(server, "alice@example.test", "bob@example.test")
    assert len(server.wait_mail("example.test", "alice")) == 1
    assert server.maildir_path("example.test", "alice").stat().st_uid == NOBODY
    assert queue(server, "suspend") == "Nothing is suspended.\n"
    server.restart()
    deliver(server, "alice@example.test")
    assert len(server.wait_mail("example.test", "alice", n=2)) == 2


def test_each_part_can_be_turned_off(make_server):
    server = make_server(sandbox={"seccomp": False, "landlock": False})
    assert (status(server.pid)["Seccomp"], status(server.pid)["NoNewPrivs"]) == (status("self")["Seccomp"], "1")
    server.wait_log(event="confined", seccomp="off (by the configuration)", landlock="off (by the configuration)")


@pytest.mark.parametrize("landlock", [True, False])
def test_a_link_to_a_folder_outside_leads_nowhere(make_server, open_folder, landlock):
    require_landlock()
    outside = open_folder("outside")
    server = make_server(start=False, sandbox={"landlock": landlock})
    (server.data_dir / "mail").mkdir(parents=True)
    (server.data_dir / "mail" / "example.test").symlink_to(outside)
    server.start()
    deliver(server, "alice@example.test")
    if landlock:
        server.wait_log(event="deferred", to="alice@example.test")
        assert list(outside.iterdir()) == []
        assert "Permission denied" in server.log_text()
    else:
        server.wait_log(event="delivered", to="alice@example.test")
        assert len(list((outside / "alice" / "new").iterdir())) == 1


def test_mailboxes_elsewhere_can_be_reached_when_they_were_named_at_the_start(make_stepped_down, open_folder):
    folder = open_folder("elsewhere") / "mail"
    server = make_stepped_down(networks=["127.0.0.1"], route=[away(folder)])
    folder.parent.chmod(0o755)  # only root may make it
    server.start()
    deliver(server, "dora@away.test")
    server.wait_log(event="delivered", to="dora@away.test")
    assert (folder / "dora" / "new").is_dir() and folder.stat().st_uid == NOBODY


def test_a_reload_that_leads_outside_is_refused_and_a_restart_takes_it(make_server, open_folder):
    require_landlock()
    outside = open_folder("outside")
    server = make_server(networks=["127.0.0.1"])
    server.change({"route": [away(outside)]})
    server.reload()
    fault = server.wait_log(event="config_fault")["fault"]
    assert fault == (f"{server.config_path}: route.via {outside} is outside of the folders that the server can reach; "
                     "restart the server: what confines it was set at its start")
    server.wait_log(event="reload_refused")
    server.restart()
    deliver(server, "dora@away.test")
    server.wait_log(event="delivered", to="dora@away.test")


def test_a_reload_within_the_folders_is_taken(make_server):
    server = make_server(networks=["127.0.0.1"])
    server.change({"route": [away(server.data_dir / "away")]})
    server.reload()
    server.wait_log(event="reloaded")
    deliver(server, "dora@away.test")
    server.wait_log(event="delivered", to="dora@away.test")


def test_a_file_that_an_editor_has_replaced_is_read_again(make_stepped_down):
    server = make_stepped_down().start()
    new = server.config_path.with_name("new")
    new.write_text(server.config_path.read_text().replace('"bob"', '"carol"'))
    new.chmod(0o644)
    new.rename(server.config_path)
    server.reload()
    server.wait_log(event="reloaded")
    deliver(server, "carol@example.test")
    server.wait_mail("example.test", "carol")


def test_the_first_program_needs_a_restart(make_server, tmp_path):
    require_seccomp()
    program = let_in(tmp_path) / "store"
    program.write_text("#!/bin/sh\ncat > /tmp/postrider-program-mail\n")
    program.chmod(0o755)
    route = {"domain": "program.test", "via": f"pipe:{program}", "user": "nobody"}
    server = make_server(networks=["127.0.0.1"])
    server.change({"route": [route]})
    server.reload()
    assert "it can't start any; restart the server" in server.wait_log(event="config_fault")["fault"]
    server.wait_log(event="reload_refused")


def test_programs_run_free_and_the_start_says_what_that_costs(make_server, tmp_path):
    require_landlock()
    require_seccomp()
    folder = let_in(tmp_path) / "out"
    folder.mkdir()
    folder.chmod(0o777)
    program = tmp_path / "store"
    program.write_text(f"#!/bin/sh\ncat > {folder}/mail; grep -E 'NoNewPrivs|CapEff|CapPrm' /proc/self/status > {folder}/status\n"
                       f"/usr/bin/python3 -c 'import os; os.system(\"true\")' && echo good > {folder}/python\n")
    program.chmod(0o755)
    server = make_server(networks=["127.0.0.1"],
                         route=[{"domain": "program.test", "via": f"pipe:{program}", "user": "nobody"}])
    server.wait_log(event="confined", seccomp=re.compile(r"^on \(\d\d calls refused, as there are pipe routes\)$"),
                    landlock="off (there are pipe routes)")
    deliver(server, "dora@program.test")
    server.wait_log(event="delivered", to="dora@program.test")
    assert b"Subject: hello" in (folder / "mail").read_bytes()
    assert (folder / "python").read_text() == "good\n"
    assert re.findall(r"\w+", (folder / "status").read_text()) == ["CapPrm", "0" * 16, "CapEff", "0" * 16, "NoNewPrivs", "1"]


def test_check_names_what_the_user_can_not_use_with_the_mend(make_stepped_down, open_folder):
    mail, anchors = open_folder("mail"), open_folder("keys") / "root.key"
    mail.chmod(0o755)
    anchors.write_text(". IN DS 20326 8 2 00\n")
    anchors.chmod(0o600)
    server = make_stepped_down(delivery={"mailbox": f"maildir:{mail}/{{domain}}/{{user}}"},
                               dns={"trust_anchors": str(anchors)})
    code, said = check(server)
    assert (code, said.splitlines()) == (1, [
        f"{server.config_path}: user nobody can't write in delivery.mailbox {mail}: Permission denied; "
        f"chown -R nobody: {mail}",
        f"{server.config_path}: user nobody can't read dns.trust_anchors {anchors}: Permission denied; "
        f"chgrp nogroup {anchors} && chmod g+r {anchors}"])
    shutil.chown(mail, "nobody")
    shutil.chown(anchors, group="nogroup")
    anchors.chmod(0o640)
    code, said = check(server)
    assert code == 0 and said.endswith(f"{server.config_path}: good\n")


def test_a_data_dir_of_another_user_stops_the_start_with_the_mend(make_stepped_down):
    server = make_stepped_down()
    server.data_dir.mkdir()
    server.start(ready=False)
    assert server.wait_exit() == 1
    assert server.wait_log(event="cannot_start")["why"].endswith(
        f"user nobody can't write in data_dir {server.data_dir}: Permission denied; chown -R nobody: {server.data_dir}")
    shutil.chown(server.data_dir, "nobody")
    server.start()


def test_a_user_that_is_not_there_is_named(make_server):
    server = make_server(start=False, user="no-such-user")
    assert check(server) == (1, f"{server.config_path}: no such user: no-such-user; see getent passwd\n")
    server.start(ready=False)
    assert server.wait_exit() == 1
    server.wait_log(event="cannot_start", why="no such user: no-such-user")


def test_a_copy_is_made_and_put_back_by_a_confined_server(make_stepped_down, tmp_path):
    server = make_stepped_down().start()
    deliver(server, "alice@example.test")
    server.wait_mail("example.test", "alice")
    copy = pathlib.Path(tmp_path) / "copy"
    done = subprocess.run([str(binary()), "backup", str(copy), "--config", str(server.config_path)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout
    server.stop()
    shutil.rmtree(server.data_dir)
    done = subprocess.run([str(binary()), "restore", str(copy), "--config", str(server.config_path)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout
    assert (server.data_dir.stat().st_uid, server.data_dir.stat().st_mode & 0o777) == (NOBODY, 0o711)
    server.start()
    deliver(server, "bob@example.test")
    server.wait_mail("example.test", "bob")
