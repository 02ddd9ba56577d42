"""The control socket itself: who may use it, and what it says to what it does not understand."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

import pytest

from harness.control import Control, queue, socket_path
from harness.waiting import wait_until

NOBODY = 65534


@pytest.fixture
def control(server):
    with Control(socket_path(server)) as control:
        yield control


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def fault(answer):
    assert list(answer) == ["error"] and answer["error"]["permanent"]
    return f"{answer['error']['code']} {answer['error']['text']}"


def test_only_its_owner_may_open_it(server):
    path = socket_path(server)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert stat.S_ISSOCK(path.stat().st_mode)


def test_it_goes_when_the_server_stops(make_server):
    server = make_server()
    assert socket_path(server).exists()
    server.stop()
    assert not socket_path(server).exists()


def test_one_that_a_killed_server_left_is_replaced(make_server):
    server = make_server()
    server.kill()
    assert socket_path(server).exists()
    server.start()
    assert queue(server, "suspend") == "Nothing is suspended.\n"


def test_one_that_belongs_to_another_server_is_left_alone(make_server, tmp_path):
    first = make_server(runtime_dir=str(tmp_path / "run"))
    second = make_server(start=False, runtime_dir=str(tmp_path / "run"))
    second.start(ready=False)
    assert second.wait_exit() == 1
    assert "another server answers there" in second.wait_log(event="cannot_start")["why"]
    assert queue(first, "suspend") == "Nothing is suspended.\n"


def test_its_path_may_be_long(make_server, tmp_path):
    server = make_server(data_dir=str(tmp_path / ("x" * 200)))
    assert len(str(socket_path(server))) > 107
    assert queue(server, "suspend") == "Nothing is suspended.\n"


def test_another_user_is_refused_even_if_the_file_lets_him_in(make_server):
    # Every folder above it can be entered by all, and is not the server's.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postrider-control.", dir="/tmp"))
    try:
        folder.chmod(0o755)
        server = make_server(runtime_dir=str(folder))
        connect = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1]); "
                   "print(s.makefile().readline())")

        def as_nobody():
            return subprocess.run([sys.executable, "-c", connect, str(folder / "control")], user=NOBODY, group=NOBODY,
                                  extra_groups=[], capture_output=True, text=True, timeout=30, check=False)
        assert "PermissionError" in as_nobody().stderr
        (folder / "control").chmod(0o666)
        assert fault(json.loads(as_nobody().stdout)) == "5.7.0 only root and the server's own user may control it"
        assert server.wait_log(event="control_refused")["why"] == "another user"
    finally:
        shutil.rmtree(folder)


def test_a_folder_where_others_may_write_is_refused(make_server, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o777)
    server = make_server(start=False, runtime_dir=str(folder))
    server.start(ready=False)
    assert server.wait_exit() == 1
    assert "others may write in the folder" in server.wait_log(event="cannot_start")["why"]


def test_each_request_is_answered_in_turn(control):
    control.socket.sendall(b'{"do":"sites"}\n{"do":"suspensions"}\n{"do":"list"}\n')
    assert [control.hear() for _ in range(3)] == [{"sites": []}, {"suspensions": []}, {"rows": [], "next": None}]


@pytest.mark.parametrize("request_line, said", [
    (b"list\n", "5.5.2 no JSON: "),
    (b"\n", "5.5.2 no JSON: "),
    (b"\xff\xfe\n", "5.5.2 no JSON: "),
    (b"[" * 5000 + b"\n", "5.5.2 no JSON: "),
    (b"[]\n", "5.5.2 a request is a JSON object"),
    (b"{}\n", '5.5.4 "do" is missing'),
    (b'{"do":"shutdown"}\n', '5.5.4 "do" is none of list, '),
    (b'{"do":"list","limit":0}\n', '5.5.4 "limit" is no number from 1 to 1000'),
    (b'{"do":"list","selection":{"sender":"a@b@c"}}\n', '5.5.4 selection: "sender": '),
    (b'{"do":"change","change":"remove"}\n', "5.5.4 nothing is selected; "),
    (b'{"do":"show","message":"0000000000001"}\n', "5.1.0 there is no message 0000000000001 in the queue")],
    ids=lambda value: None)
def test_a_bad_request_gets_a_clear_error_and_the_next_one_its_answer(control, request_line, said):
    assert fault(control.say(request_line)).startswith(said)
    assert control.say({"do": "sites"}) == {"sites": []}


def test_a_request_that_has_no_end_is_cut_off(control):
    assert fault(control.say(b'{"do":"' + b"x" * (1 << 20))) == "5.5.4 a request has at most 1 MiB"
    assert control.hear() is None


def test_the_seventeenth_connection_is_refused(server):
    path, held = socket_path(server), []

    def let_in():
        """One that was closed just now still counts for a moment."""
        control = Control(path)
        held.append(control)
        try:
            return control.say({"do": "sites"}) == {"sites": []}
        except OSError:
            return False
    try:
        for _ in range(16):
            wait_until(let_in, 10, "a free place")
        with Control(path) as late:
            answer = late.hear()
            assert (answer["error"]["code"], answer["error"]["permanent"]) == ("4.3.2", False)
        assert queue(server, "list", code=1) == \
            "postrider queue list: too many control connections; try again later\n"
    finally:
        for control in held:
            control.close()


def test_a_stop_does_not_wait_for_connections(make_server):
    server = make_server()
    with Control(socket_path(server)) as idle, Control(socket_path(server)) as half:
        idle.say({"do": "sites"})
        half.socket.sendall(b'{"do":')
        server.stop()
        assert idle.hear() is None and half.hear() is None


def test_it_is_not_handed_on_to_programs(server):
    unix = [line.split() for line in pathlib.Path(f"/proc/{server.pid}/net/unix").read_text().splitlines()]
    # 00010000: it listens; connections bear its name too.
    inode, = [fields[6] for fields in unix if fields[3] == "00010000" and fields[-1] == str(socket_path(server))]
    entry, = [entry for entry in pathlib.Path(f"/proc/{server.pid}/fd").iterdir()
              if os.readlink(entry) == f"socket:[{inode}]"]
    flags = (pathlib.Path(f"/proc/{server.pid}/fdinfo") / entry.name).read_text()
    assert int(flags.split("flags:")[1].split()[0], 8) & os.O_CLOEXEC
