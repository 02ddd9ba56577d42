"""Four power cuts; by hand more of them: tests/crash/power.py."""

import pytest

from crash import power, shim
from crash.disk import Disk
from harness.smtp import message, stuffed


@pytest.mark.deadline(180)
def test_power_cuts_lose_nothing_that_was_acknowledged(tmp_path):
    verdict = power.run(tmp_path, cuts=4, seed=4, say=print)
    assert verdict.acknowledged > 50, f"hardly any load: {verdict}"
    verdict.check()


@pytest.mark.deadline(180)
def test_a_server_whose_syncs_do_nothing_is_found_out(tmp_path):
    """The trial can fail: the same cuts, and a library that forgets every sync."""
    verdict = power.run(tmp_path, cuts=2, seed=4, say=print, env={"LD_PRELOAD": shim.no_sync(tmp_path)})
    assert verdict.lost, f"nothing was synced, and nothing is missed: {verdict}"
    with pytest.raises(AssertionError, match="lost"):
        verdict.check()


@pytest.mark.deadline(60)
def test_a_dead_disk_is_answered_with_451_and_the_server_leaves_for_its_supervisor(tmp_path, make_server):
    with Disk(tmp_path / "disk", 1024) as disk:
        server = make_server(data_dir=str(disk.mount / "data"))
        with server.client() as before, server.client() as after:
            before.ehlo()
            before.mail()
            before.rcpt()
            before.cmd("DATA", 354)
            disk.cut()
            before.send(stuffed(message()))
            before.expect(451, "4.3.0")
            after.ehlo()
            assert after.cmd("MAIL FROM:<sender@client.test>", 451).enhanced == "4.3.0"
            assert server.running()
            # 10 s for the sessions to hear it, and EX_TEMPFAIL for the supervisor.
            assert server.wait_exit(20) == 75
        assert not server.maildir("example.test", "alice")
