"""A full disk is foreseen: refused in time, nothing that was acknowledged lost, and no restart needed after it."""

import contextlib
import itertools
import pathlib
import random
import re

import pytest

from crash import outside
from crash.disk import Disk
from crash.ledger import Ledger, Mailboxes, Verdict
from crash.load import DOMAIN, LINE, USERS, body_pool
from harness.smtp import Client, stuffed
from harness.waiting import wait_until

MIB = 1 << 20
POOL = body_pool(seed=5)
# More messages than fit on any disk here.
MANY = 2000
# Long enough that what waits doesn't wear the small disk with its own attempts.
RETRY = {"first": "2s", "factor": 1.0, "max": "2s"}
# From free space to the first 250: the spool asks the file system at most each 100 ms.
RECOVERY_SECONDS = 10


class Sender:
    """One connection; what it sends is in the ledger."""

    def __init__(self, server):
        self.client, self.ledger = Client(*server.address()), Ledger()
        self.client.expect(220)
        self.client.ehlo()
        self.count = itertools.count()

    def send(self, size=64 << 10, user=USERS[0], remote=None):
        """(step, reply) of the first refusal, or of the 250 at the end; the transaction is over after it.

        `remote`: an address elsewhere, instead of the user; then the sender is one who can be told.
        """
        token = f"t{next(self.count)}"
        sender = f"{outside.SENDER}@{DOMAIN}" if remote else "a@client.test"
        content = f"From: <{sender}>\r\nX-Token: {token}\r\n\r\n".encode() + POOL[:size // LINE * LINE]
        self.ledger.attempt(token, [] if remote else [user], content, [remote] if remote else [])
        for step, command in (("MAIL", f"MAIL FROM:<{sender}> BODY=8BITMIME"),
                              ("RCPT", f"RCPT TO:<{remote or f'{user}@{DOMAIN}'}>"), ("DATA", "DATA")):
            reply = self.client.cmd(command)
            if reply.code not in (250, 354):
                self.client.cmd("RSET", 250)
                return step, reply
        self.client.send(stuffed(content))
        reply = self.client.read_reply()
        if reply.code == 250:
            self.ledger.acknowledge(token, reply.text.rpartition(" ")[2])
        return "content", reply

    def fill(self, size=64 << 10, user=USERS[0]):
        """Sends until refused: (how many were taken, step, reply)."""
        for taken in range(MANY):
            step, reply = self.send(size, user)
            if reply.code != 250:
                return taken, step, reply
        raise AssertionError(f"{MANY} messages, and still no refusal")

    def resumes(self):
        """Whether one more message is taken within RECOVERY_SECONDS, asking again and again."""
        wait_until(lambda: self.send()[1].code == 250, RECOVERY_SECONDS, "a 250 after there was space again")


def config(data_dir, mailboxes, **queue):
    return {"data_dir": str(data_dir), "queue": {"retry": RETRY, **queue},
            "domain": [{"name": DOMAIN, "kind": "local", "users": USERS}],
            "delivery": {"mailbox": f"maildir:{mailboxes}/{{domain}}/{{user}}"}}


@contextlib.contextmanager
def closed(mailboxes):
    """Nothing can be delivered inside: a file is where the folder of the domain's mailboxes should be."""
    domain = pathlib.Path(mailboxes) / DOMAIN
    domain.write_bytes(b"")
    try:
        yield
    finally:
        domain.unlink()


def all_arrive(server, sender, mailboxes, timeout=40, without=()):
    """Every acknowledged message is in its mailbox, once and whole; the server is stopped."""
    boxes = Mailboxes(mailboxes, sender.ledger, without)

    def verdict():
        return Verdict(sender.ledger, boxes.scan(), server.log_lines())
    wait_until(lambda: not verdict().lost, timeout,
               lambda: f"all mail; {verdict()}; the log ends:\n{server.log_tail()}")
    sender.client.close()
    server.stop()
    boxes.scan(again=True)
    verdict().check()
    assert verdict().duplicates == 0


def ballast(disk, mebibytes):
    """A file that can be taken away when space is wanted."""
    path = disk.mount / "ballast"
    with open(path, "wb") as file:
        for _ in range(mebibytes):
            file.write(bytes(MIB))
    return path


def test_below_min_free_mail_gets_452_and_goes_on_by_itself_when_there_is_space(tmp_path, make_server):
    mailboxes = tmp_path / "mail"
    with Disk(tmp_path / "disk", 64) as disk:
        server = make_server(**config(disk.mount / "data", mailboxes, min_free="16MiB"))
        sender = Sender(server)
        with closed(mailboxes):
            weight = ballast(disk, 20)
            taken, step, reply = sender.fill()
            assert taken > 10
            # At DATA where the file system was asked anew between the two.
            assert step in ("MAIL", "DATA")
            assert (reply.code, reply.enhanced) == (452, "4.3.1")
            assert disk.free_bytes() < 17 * MIB
            # Below the bound it stays so, and what is still free stays free.
            step, reply = sender.send()
            assert (step, reply.code, reply.enhanced) == ("MAIL", 452, "4.3.1")
            assert disk.free_bytes() > 8 * MIB
            weight.unlink()
            sender.resumes()
        all_arrive(server, sender, mailboxes)


def test_a_mail_too_big_for_what_is_free_is_refused_by_its_size(tmp_path, make_server):
    with Disk(tmp_path / "disk", 64) as disk:
        server = make_server(**config(disk.mount / "data", tmp_path / "mail", min_free="32MiB"))
        with server.client() as client:
            client.ehlo()
            reply = client.cmd(f"MAIL FROM:<a@client.test> SIZE={40 * MIB}", 452)
            assert reply.enhanced == "4.3.1"
            client.mail("a@client.test", f"SIZE={MIB}")


def test_writes_that_fail_for_want_of_space_are_452_and_lose_nothing(tmp_path, make_server):
    """min_free = 0: here SQLite itself meets ENOSPC."""
    mailboxes = tmp_path / "mail"
    with Disk(tmp_path / "disk", 48) as disk:
        server = make_server(**config(disk.mount / "data", mailboxes, min_free="0"))
        sender = Sender(server)
        with closed(mailboxes):
            weight = ballast(disk, 24)
            taken, step, reply = sender.fill()
            assert taken > 10
            assert (step, reply.code, reply.enhanced) == ("content", 452, "4.3.1")
            for _ in range(5):
                reply = sender.send(size=1 * MIB - LINE)[1]
                assert (reply.code, reply.enhanced) == (452, "4.3.1")
            weight.unlink()
            sender.resumes()
            # Before anything else eats the space the WAL is moved into the file, for which there must be room: where
            # it only grew, neither could be written any more at the next full disk.
            database = disk.mount / "data/spool/spool.db"
            wait_until(lambda: sender.send(1 << 10)[1].code == 250 and database.stat().st_size > taken * (64 << 10),
                       RECOVERY_SECONDS, lambda: f"{database.stat().st_size} octets to be {taken} messages of 64 KiB")
        all_arrive(server, sender, mailboxes)
        assert "store_broken" not in server.log_text()


def choke(disk):
    """A file that takes all that is free."""
    path = disk.mount / "choke"
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return path


def test_mail_that_goes_out_waits_for_space_and_each_sender_is_told_once(tmp_path, make_server):
    """First not even what became of an attempt can be written, then no notification can."""
    mailboxes = tmp_path / "mail"
    world = outside.Outside(random.Random(1))
    refusals = dict(world.sink.replies)
    world.sink.replies.update({f"RCPT:{each}": "451 4.2.0 later" for each in outside.GOOD + outside.BAD})
    with Disk(tmp_path / "disk", 48) as disk, world.sink:
        settings = config(disk.mount / "data", mailboxes, min_free="16MiB",
                          retry={"first": "1s", "factor": 1.0, "max": "1s"})
        settings["domain"][0]["users"] = [*USERS, outside.SENDER]
        server = make_server(**settings, networks=["127.0.0.0/8"], route=[
            {"domain": outside.DOMAIN, "via": f"smtp://127.0.0.1:{world.port}"}])
        sender = Sender(server)
        world.ledger = sender.ledger
        weight = ballast(disk, 20)
        turns = itertools.cycle([*outside.BAD, *outside.GOOD])
        for _ in range(MANY):
            if sender.send(remote=next(turns))[1].code != 250:
                break
        assert len(sender.ledger.acknowledged()) > 10
        rest = choke(disk)
        server.wait_log(event="record_failed")
        world.sink.replies = refusals
        rest.unlink()
        server.wait_log(event="telling_failed")
        weight.unlink()
        sender.resumes()

        def verdict():
            return outside.judge(sender.ledger, world, outside.Notices(mailboxes), server.log_lines())
        wait_until(lambda: not verdict()[0], 40, lambda: f"all mail; {verdict()}; the log ends:\n{server.log_tail()}")
        all_arrive(server, sender, mailboxes, without=[outside.SENDER])
        assert verdict() == ([], [])


def test_a_restart_on_a_full_disk_loses_nothing(tmp_path, make_server):
    mailboxes = tmp_path / "mail"
    with Disk(tmp_path / "disk", 48) as disk:
        server = make_server(**config(disk.mount / "data", mailboxes, min_free="0"))
        sender = Sender(server)
        with closed(mailboxes):
            weight = ballast(disk, 24)
            sender.fill()
            server.kill()
            server.start()
            weight.unlink()
        sender.client.close()
        after = Sender(server)
        after.count, after.ledger = sender.count, sender.ledger
        after.resumes()
        all_arrive(server, after, mailboxes)


def test_mailboxes_on_a_full_disk_wait_and_get_all_of_it_later(tmp_path, make_server):
    with Disk(tmp_path / "disk", 16) as disk:
        server = make_server(**config(tmp_path / "data", disk.mount / "mail", min_free="1MiB"))
        sender = Sender(server)
        weight = ballast(disk, 9)
        for _ in range(40):
            assert sender.send(size=256 << 10)[1].code == 250
        server.wait_log(event="deferred", dsn="4.3.1")
        assert all(mail.fault is None for mail in Mailboxes(disk.mount / "mail", sender.ledger).scan().mails.values())
        weight.unlink()
        all_arrive(server, sender, disk.mount / "mail")


@pytest.mark.parametrize("where", ["mailboxes", "spool"])
def test_no_inodes_left(tmp_path, make_server, where):
    """The file system has bytes but no inode: mailboxes are deferred (4.3.1), the spool refuses at MAIL."""
    with Disk(tmp_path / "disk", 64, mkfs=("-N", "128")) as disk:
        on_disk, elsewhere = disk.mount / where, tmp_path / "elsewhere"
        data, mailboxes = (elsewhere, on_disk) if where == "mailboxes" else (on_disk, elsewhere)
        server = make_server(**config(data, mailboxes, min_free="1MiB", min_free_inodes=20))
        sender = Sender(server)
        assert sender.send(size=1 << 10)[1].code == 250
        server.wait_log(event="delivered")
        files = [disk.mount / f"file{i}" for i in range(disk.free_inodes())]
        for file in files:
            file.touch()
        if where == "mailboxes":
            for _ in range(10):
                assert sender.send(size=1 << 10)[1].code == 250
            server.wait_log(event="deferred", dsn="4.3.1")
        else:
            def refused():
                step, reply = sender.send(size=1 << 10)
                return (step, reply.code, reply.enhanced) == ("MAIL", 452, "4.3.1")
            wait_until(refused, RECOVERY_SECONDS, "452 4.3.1 at MAIL")
        for file in files:
            file.unlink()
        sender.resumes()
        all_arrive(server, sender, mailboxes)
