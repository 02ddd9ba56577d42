"""A confined server and what changes around it: certificates that are renewed, programs of other users."""

import os
import shutil
import stat
import subprocess

import pytest

from harness.certificates import client_context, fingerprint
from harness.kernel import check, let_in, require_landlock
from harness.sendmail import NOBODY
from harness.waiting import wait_until

# A build with sanitizers can't be confined.
pytestmark = pytest.mark.release_only


class Renamed:
    """Certificate and key under names that stay; a new one takes the place of the old one at once."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.pem, self.key = self.folder / "fullchain.pem", self.folder / "privkey.pem"

    def put(self, certificate):
        for new, name in ((certificate.pem, self.pem), (certificate.key, self.key)):
            made = shutil.copy(new, name.with_suffix(".new"))
            shutil.chown(made, group="nogroup")
            os.chmod(made, 0o640)
            os.rename(made, name)

    def tls(self):
        return {"certificate": str(self.pem), "key": str(self.key)}


class Certbot(Renamed):
    """live/mx.test/privkey.pem leads to ../../archive/mx.test/privkey1.pem, after a renewal to privkey2.pem."""

    def __init__(self, folder):
        super().__init__(folder / "live/mx.test")
        self.archive = folder / "archive/mx.test"
        self.archive.mkdir(parents=True)
        self._number = 0

    def put(self, certificate):
        self._number += 1
        for new, name in ((certificate.pem, self.pem), (certificate.key, self.key)):
            made = shutil.copy(new, self.archive / f"{name.stem}{self._number}.pem")
            shutil.chown(made, group="nogroup")
            os.chmod(made, 0o640)
            link = name.with_suffix(".new")
            link.symlink_to(os.path.join("../../archive/mx.test", os.path.basename(made)))
            os.rename(link, name)


@pytest.fixture
def make_tls_server(make_stepped_down):
    """make_tls_server(files) -> a server with implicit TLS by them; not started yet."""
    def make(files, **overrides):
        return make_stepped_down(listener=[{"tls": "implicit"}], tls=files.tls(), **overrides)
    return make


def shown(server):
    with server.client(tls=client_context()) as client:
        return fingerprint(client.socket.getpeercert(binary_form=True))


@pytest.mark.parametrize("layout", [Renamed, Certbot])
def test_a_renewed_certificate_can_be_read(make_tls_server, authority, tmp_path, layout):
    old, new = authority.issue("mx.test"), authority.issue("mx.test")
    files = layout(let_in(tmp_path) / "certificates")
    files.put(old)
    server = make_tls_server(files).start()
    assert shown(server) == old.fingerprint()
    files.put(new)
    server.reload()
    wait_until(lambda: shown(server) == new.fingerprint(), 20, "the new certificate")


def test_a_link_to_another_folder_needs_a_restart_and_the_log_says_so(make_tls_server, authority, tmp_path):
    require_landlock()
    old, new = authority.issue("mx.test"), authority.issue("mx.test")
    top = let_in(tmp_path)
    for name, certificate in (("v1", old), ("v2", new)):
        Renamed(top / name).put(certificate)
    files = Renamed(top / "current.d")
    files.pem, files.key = top / "current/fullchain.pem", top / "current/privkey.pem"
    (top / "current").symlink_to("v1")
    server = make_tls_server(files).start()
    (top / "next").symlink_to("v2")
    os.rename(top / "next", top / "current")
    server.reload()
    assert server.wait_log(event="tls_certificate_refused")["fault"].endswith(
        f"tls.certificate {files.pem} leads to {top}/v2/fullchain.pem, which is outside of the folders that the server can "
        "reach; restart the server: what confines it was set at its start")
    assert shown(server) == old.fingerprint()
    server.restart()
    assert shown(server) == new.fingerprint()


def test_a_reload_that_names_a_certificate_elsewhere_is_refused(make_tls_server, authority, tmp_path, open_folder):
    require_landlock()
    files, others = Renamed(let_in(tmp_path) / "certificates"), Renamed(open_folder("others") / "mx.test")
    files.put(authority.issue("mx.test")), others.put(authority.issue("mx.test"))
    server = make_tls_server(files).start()
    server.change({"tls": others.tls()})
    server.reload()
    fault = server.wait_log(event="config_fault")["fault"]
    assert f"tls.certificate {others.pem} is outside of the folders that the server can reach; restart" in fault
    server.wait_log(event="reload_refused")


def test_the_mends_that_check_names_make_certificates_of_certbot_readable(make_tls_server, authority, tmp_path):
    files = Certbot(let_in(tmp_path) / "letsencrypt")
    files.put(authority.issue("mx.test"))
    for path in (files.archive, *files.archive.iterdir()):
        os.chown(path, 0, 0)
    for closed in (files.folder.parent, files.archive.parent):
        closed.chmod(0o700)
    for key in files.archive.glob("privkey*"):
        key.chmod(0o600)
    for chain in files.archive.glob("fullchain*"):
        chain.chmod(0o644)
    server = make_tls_server(files)
    mends = []
    while (said := check(server))[0] != 0:
        fault, mend = said[1].splitlines()[0].split("; ", 1)
        assert "user nobody can't read tls." in fault and mend not in mends, said
        subprocess.run(mend, shell=True, check=True)
        mends.append(mend)
    assert mends == [f"chmod o+x {files.folder.parent}", f"chmod o+x {files.archive.parent}",
                     f"chgrp nogroup {files.key} && chmod g+r {files.key}"]
    server.start()


@pytest.fixture
def make_local_server(make_stepped_down, sendmail):
    """make_local_server() -> a server that becomes nobody and that `sendmail` uses; not started yet."""
    def make(**overrides):
        server = make_stepped_down(**{**sendmail.overrides(), **overrides})
        sendmail.use(server)
        return server
    return make


def test_programs_of_every_user_hand_in_mail_at_the_socket_and_in_the_drop_folder(make_local_server, sendmail):
    server = make_local_server().start()
    for number, uid in enumerate((0, NOBODY, 1, 12345), 1):
        sendmail("alice@example.test", text="Subject: socket\n\n", uid=uid)
        server.wait_log(event="accepted", client=f"uid {uid}")
        assert len(server.wait_mail("example.test", "alice", n=number)) == number
    for path in (server.data_dir, sendmail.submit, sendmail.submit / "drop", sendmail.submit / "socket"):
        assert path.stat().st_uid == NOBODY, path
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o711
    server.stop()
    for uid in (0, 1, 12345):
        sendmail("bob@example.test", text="Subject: drop\n\n", uid=uid)
    assert len(sendmail.dropped()) == 3
    server.start()
    sendmail.wait_collected()
    assert len(server.wait_mail("example.test", "bob", n=3)) == 3
    assert "submit_unreachable" not in server.log_text()


def test_a_submit_folder_elsewhere_is_made_for_the_user(make_local_server, sendmail):
    folder = sendmail.folder / "spool/submit"
    server = make_local_server(submit={"folder": str(folder)}).start()
    sendmail("alice@example.test", text="Subject: socket\n\n", uid=12345)
    server.wait_mail("example.test", "alice")
    assert (folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) == (NOBODY, 0o711)


def test_a_server_that_was_never_root_does_the_same(make_local_server, sendmail):
    server = make_local_server()
    server.program = str(sendmail.folder / "postrider")
    server.wrap = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    server.data_dir.mkdir()
    shutil.chown(server.data_dir, NOBODY)
    server.data_dir.chmod(0o711)
    server.start()
    server.wait_log(event="confined", user="nobody", capabilities="none")
    sendmail("alice@example.test", text="Subject: socket\n\n", uid=12345)
    server.wait_mail("example.test", "alice")
