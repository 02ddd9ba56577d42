"""Programs that send by sendmail(1), each as it comes, with `postrider sendmail` under that name."""

import email
import email.policy
import os
import subprocess

import pytest

from harness import peers
from harness.sendmail import Sendmail
from harness.server import Server
from interop.conftest import CONFIG
from harness.toml import merge

PROGRAM_SECONDS = 60


@pytest.fixture(scope="module")
def sendmail():
    program = Sendmail()
    yield program
    program.remove()


@pytest.fixture(scope="module")
def server(tmp_path_factory, sendmail):
    root = {"domain": [*CONFIG["domain"], {"name": "mx.test", "aliases": {"root": ["alice@example.test"]}}]}
    server = Server(tmp_path_factory.mktemp("server"), merge(merge(CONFIG, root), sendmail.overrides())).start()
    sendmail.use(server)
    yield server
    server.finish()


def run(*command, text=b"", env=None, cwd=None):
    done = subprocess.run([*map(str, command)], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=PROGRAM_SECONDS, env={**os.environ, **(env or {})}, cwd=cwd, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout[-2000:]!r}"


def parsed(octets):
    return email.message_from_bytes(octets, policy=email.policy.default)


def test_cron(sendmail, server, token, arrived):
    # What Debian's cron writes into `sendmail -i -FCronDaemon -B8BITMIME -oem root`.
    run(sendmail.wrapper, "-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root",
        text=f"From: root (Cron Daemon)\nTo: root\nSubject: {token}\nMIME-Version: 1.0\n"
             "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\n"
             ".\nÄ\n".encode())
    mail = parsed(arrived(token))
    assert mail["From"] == "root@mx.test (Cron Daemon)" or "root@mx.test" in mail["From"]
    assert mail.get_content() == ".\nÄ\n"


def test_php(sendmail, server, token, arrived, tmp_path):
    script = tmp_path / "mail.php"
    script.write_text(f"""<?php
        exit(mail("alice@example.test", "{token}", "body\n.\nmore",
                  ["From" => "shop@client.test", "Bcc" => "bob@example.test"], "-fshop@client.test") ? 0 : 1);""")
    run("php", "-n", "-d", f"sendmail_path={sendmail.wrapper} -t -i", script)
    mail = parsed(arrived(token))
    assert mail["From"] == "shop@client.test" and mail["Bcc"] is None and mail.get_content() == "body\n.\nmore\n"
    assert parsed(arrived(token, "bob"))["Bcc"] is None


def test_php_before_8_with_crlf_between_the_fields_that_it_adds(sendmail, server, token, arrived):
    run(sendmail.wrapper, "-t", "-i", text=f"To: alice@example.test\r\nSubject: {token}\r\n"
                                           "From: shop@client.test\nBcc: bob@example.test\r\n\nbody\r\r\n.\nmore\n".encode())
    assert arrived(token) == arrived(token, "bob")


def test_s_nail(sendmail, server, token, arrived):
    run("s-nail", "-n", "-S", f"mta={sendmail.wrapper}", "-S", "ttycharset=utf-8", "-r", "shop@client.test", "-s", token,
        "-c", "bob@example.test", "alice@example.test", text="Grüße\n.\n".encode(), env={"HOME": str(sendmail.folder)})
    mail = parsed(arrived(token))
    assert (mail["From"], mail["To"]) == ("shop@client.test", "alice@example.test")
    assert "Grüße" in mail.get_content()
    assert arrived(token, "bob")


def test_bsd_mailx(sendmail, server, token, arrived):
    (sendmail.folder / "mailrc").write_text(f"set sendmail={sendmail.wrapper}\n")
    run(peers.program("/usr/bin/bsd-mailx"), "-n", "-s", token, "-b", "bob@example.test", "alice@example.test",
        text=b"hello\n", env={"MAILRC": str(sendmail.folder / "mailrc"), "HOME": str(sendmail.folder)})
    mail = parsed(arrived(token))
    assert "root@mx.test" in mail["From"] and mail.get_content().strip() == "hello"
    assert mail["Bcc"] is None and arrived(token, "bob")


def test_mutt(sendmail, server, token, arrived):
    (sendmail.folder / "muttrc").write_text(
        f'set sendmail="{sendmail.wrapper} -oem -oi"\nset from="shop@client.test"\nset use_envelope_from=yes\n'
        f'set dsn_notify="failure,delay"\nset dsn_return=hdrs\nset copy=no\nset charset=utf-8\n')
    run("mutt", "-n", "-F", sendmail.folder / "muttrc", "-s", token, "-b", "bob@example.test", "--", "alice@example.test",
        text="Grüße\n.\n".encode(), env={"HOME": str(sendmail.folder), "LC_ALL": "C.UTF-8"})
    mail = parsed(arrived(token))
    assert mail["From"].endswith("shop@client.test") or "shop@client.test" in mail["From"]
    assert mail.get_content() == "Grüße\n.\n"
    assert mail["Bcc"] is None and arrived(token, "bob")


@pytest.fixture
def patch(sendmail, token):
    """A repository's last change as a file for git send-email."""
    repository = sendmail.folder / token
    repository.mkdir()
    git = ("git", "-c", "user.name=Bob Builder", "-c", "user.email=bob@client.test")
    run(*git, "init", "-q", ".", cwd=repository)
    (repository / "file").write_text(".\nFrom the start\n")
    run(*git, "add", "file", cwd=repository)
    run(*git, "commit", "-q", "-m", token, cwd=repository)
    run(*git, "format-patch", "-q", "--root", "--subject-prefix=", "-o", "out", cwd=repository)
    [file] = (repository / "out").iterdir()
    file.write_text(file.read_text().replace(f"Subject: [] {token}", f"Subject: {token}"))
    return file


@pytest.mark.parametrize("option", ["--smtp-server", "--sendmail-cmd"])
def test_git_send_email(sendmail, server, token, arrived, patch, option):
    run("git", "send-email", "--quiet", "--confirm=never", f"{option}={sendmail.wrapper}", "--from=bob@client.test",
        "--suppress-cc=all", "--envelope-sender=auto", "--to=alice@example.test", patch, cwd=patch.parent,
        env={"HOME": str(sendmail.folder), "GIT_CONFIG_NOSYSTEM": "1",
             "GIT_COMMITTER_NAME": "Bob", "GIT_COMMITTER_EMAIL": "bob@client.test",
             "GIT_AUTHOR_NAME": "Bob", "GIT_AUTHOR_EMAIL": "bob@client.test"})
    assert b"\n+.\n+From the start\n" in arrived(token)
