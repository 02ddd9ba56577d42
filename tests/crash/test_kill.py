"""Ten kills; by hand more of them: tests/crash/kill.py."""

import random

import pytest

from crash import kill, outside
from crash.ledger import Ledger, Mailboxes, Verdict

CONTENT = b"From: <a@client.test>\r\nX-Token: t0.0\r\n\r\nbody\r\n"
TOP = b"Return-Path: <a@client.test>\nDelivered-To: user1@example.test\nReceived: from x\n by mx.test; now\n"
WHOLE = TOP + CONTENT.replace(b"\r\n", b"\n")


@pytest.mark.deadline(180)
def test_ten_kills_lose_nothing_that_was_acknowledged(tmp_path):
    verdict = kill.run(tmp_path, kills=10, seed=10, say=print)
    assert verdict.acknowledged > 100, f"hardly any load: {verdict}"


class TestWhatSendersMustHear:
    """judge() of one message, and the notifications in a mailbox."""

    def judge(self, folder, told, remote=(), success=()):
        """`told`: (recipient, action) of each notification."""
        ledger = Ledger()
        ledger.attempt("t0.0", ["user1"], CONTENT, remote, success)
        ledger.acknowledge("t0.0", "0123456789abc")
        new = folder / "example.test" / outside.SENDER / "new"
        new.mkdir(parents=True)
        for i, (recipient, action) in enumerate(told):
            (new / str(i)).write_text(
                f"Message-ID: <{i}@x>\nContent-Type: multipart/report; boundary=b\n\n"
                f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
                f"Final-Recipient: rfc822; {recipient}\nAction: {action}\n\n"
                f"--b\nContent-Type: text/rfc822-headers\n\nX-Token: t0.0\n\n--b--\n")
        world = outside.Outside(random.Random(0))
        world.stop()
        world.taken.update({("t0.0", recipient): 1 for recipient in remote})
        return outside.judge(ledger, world, outside.Notices(folder), [])

    CASES = {"failed": (outside.BAD[0], [outside.BAD[0]], []), "delayed": (outside.SLOW, [outside.SLOW], []),
             "relayed": (outside.GOOD[0], [outside.GOOD[0]], [outside.GOOD[0]]),
             "delivered": ("user1@example.test", [], ["user1@example.test"]),
             "expanded": (outside.TEAM, [], [outside.TEAM])}

    @pytest.mark.parametrize("action", CASES)
    def test_each_is_to_be_told_once(self, tmp_path, action):
        recipient, remote, success = self.CASES[action]
        assert self.judge(tmp_path / "once", [(recipient, action)], remote, success) == ([], [])
        lost, faults = self.judge(tmp_path / "never", [], remote, success)
        assert faults == [] and lost == [f"t0.0, 0123456789abc: its sender did not hear that {recipient} is {action}"]
        lost, faults = self.judge(tmp_path / "twice", [(recipient, action)] * 2, remote, success)
        assert lost == [] and "told 2 times" in faults[0]

    def test_what_nobody_asked_for_is_a_fault_but_a_delay_is_none(self, tmp_path):
        assert "should not" in self.judge(tmp_path / "one", [("user1@example.test", "delivered")])[1][0]
        assert self.judge(tmp_path / "two", [("user1@example.test", "delayed")]) == ([], [])


class TestTheVerdictItself:
    """The trial is worth what its verdict sees."""

    def judge(self, folder, files, logged=(), acknowledged=True, gone=()):
        """`files`: (process, octets) each, in user1's new/; `logged`: places of those with a line in the log.

        `gone`: paths that have a line and no file.
        """
        ledger = Ledger()
        ledger.attempt("t0.0", ["user1"], CONTENT)
        if acknowledged:
            ledger.acknowledge("t0.0", "0123456789abc")
        new = folder / "example.test/user1/new"
        new.mkdir(parents=True)
        paths = []
        for i, (process, octets) in enumerate(files):
            paths.append(new / f"1763.M00000{i}P{process}Q{i}.mx.test,S=1,W=1")
            paths[-1].write_bytes(octets)
        lines = [{"event": "delivered", "detail": str(path)} for path in [*(paths[i] for i in logged), *gone]]
        return Verdict(ledger, Mailboxes(folder, ledger).scan(), lines)

    def test_one_whole_copy_is_well(self, tmp_path):
        self.judge(tmp_path, [(1, WHOLE)], logged=[0]).check()

    def test_what_was_not_acknowledged_may_be_missing(self, tmp_path):
        self.judge(tmp_path, [], acknowledged=False).check()

    def test_what_was_acknowledged_may_not(self, tmp_path):
        verdict = self.judge(tmp_path, [])
        assert verdict.lost == ["t0.0 for user1, acknowledged as 0123456789abc"]
        with pytest.raises(AssertionError, match="lost 1"):
            verdict.check()

    @pytest.mark.parametrize("octets", [b"", WHOLE[:-1], WHOLE[:20], WHOLE.replace(b"body", b"b\0dy"),
                                        WHOLE.replace(b"user1", b"user2"), WHOLE.replace(b"t0.0", b"t0.1")])
    def test_a_torn_or_foreign_file_is_a_fault_acknowledged_or_not(self, tmp_path, octets):
        verdict = self.judge(tmp_path, [(1, octets)], acknowledged=False)
        assert len(verdict.faults) == 1
        with pytest.raises(AssertionError):
            verdict.check()

    def test_a_second_copy_is_well_after_one_that_was_in_flight(self, tmp_path):
        verdict = self.judge(tmp_path, [(1, WHOLE), (2, WHOLE)], logged=[1])
        assert (verdict.duplicates, verdict.in_flight) == (1, 1)
        verdict.check()

    def test_a_second_copy_after_a_recorded_one_is_a_fault(self, tmp_path):
        with pytest.raises(AssertionError, match="delivered again"):
            self.judge(tmp_path, [(1, WHOLE), (2, WHOLE)], logged=[0]).check()

    def test_two_copies_from_one_process_are_a_fault(self, tmp_path):
        with pytest.raises(AssertionError, match="twice from one process"):
            self.judge(tmp_path, [(1, WHOLE), (1, WHOLE)], logged=[1]).check()

    def test_a_delivery_that_was_recorded_and_is_gone_is_a_fault(self, tmp_path):
        with pytest.raises(AssertionError, match="and gone"):
            self.judge(tmp_path, [(1, WHOLE)], logged=[0], gone=["/mail/new/1"]).check()
