"""A 250 at the end of the data comes after a sync that returned: seen from outside, in a trace of the system calls."""

import pytest

from crash import shim, trace
from harness.smtp import message

TRACE = """\
11 recvmsg(9<TCP:[1.2.3.4:25->1.2.3.4:999]>, {...iov_base="x\\r\\n.\\r\\n"...}, 0) = 300
12 pwrite64(7</d/spool/spool.db-wal>, "..."..., 4096, 0 <unfinished ...>
11 recvmsg(9<TCP:[1.2.3.4:25->1.2.3.4:999]>, {...}, 0) = -1 EAGAIN (Resource temporarily unavailable)
12 <... pwrite64 resumed>) = 4096
12 fdatasync(7</d/spool/spool.db-wal> <unfinished ...>
13 fdatasync(8</d/mail/x>) = 0
12 <... fdatasync resumed>) = 0
11 sendmsg(9<TCP:[1.2.3.4:25->1.2.3.4:999]>, {...iov_base="250 2.0.0 queued as 0123456789abc\\r\\n"...}, 0) = 35
""".splitlines()


def run_session(make_server, folder, options=()):
    """The lines of the trace of a server that took two messages on one connection, by DATA and by BDAT."""
    output = folder / "trace"
    server = make_server(wrap=[*trace.STRACE, str(output), *options])
    with server.client() as client:
        client.ehlo()
        client.deliver(message("first\r\n"))
        client.mail()
        client.rcpt()
        client.bdat(message("second\r\n"), last=True)
        client.quit()
    server.wait_mail("example.test", "alice", n=2)
    server.stop()
    return output.read_text("utf-8", "replace").splitlines(), server.data_dir / "spool"


def test_each_250_follows_a_returned_sync_of_what_was_written(make_server, tmp_path):
    lines, spool = run_session(make_server, tmp_path)
    assert sum("250 2.0.0 queued" in line for line in lines) == 2
    assert trace.why_not_durable(lines, spool) is None


def test_a_server_whose_syncs_do_nothing_is_found_out(make_server, tmp_path):
    """The check can fail: with fsync and fdatasync preloaded away no call of them reaches the kernel."""
    lines, spool = run_session(make_server, tmp_path, ["-E", f"LD_PRELOAD={shim.no_sync(tmp_path)}"])
    assert "was not synced" in trace.why_not_durable(lines, spool)


class TestTheTraceItself:
    def test_a_sync_between_data_and_answer_is_seen(self):
        assert trace.why_not_durable(TRACE, "/d/spool") is None

    def test_lines_of_several_threads_are_joined(self):
        sync = next(call for call in trace.calls(TRACE) if call.name == "fdatasync")
        assert (sync.begin, sync.end, sync.result) == (4, 6, 0)

    @pytest.mark.parametrize("order, missing", [
        ([0, 1, 3, 7], "not synced"),                  # no sync at all
        ([0, 1, 3, 5, 7], "not synced"),               # another file's
        ([0, 1, 3, 4, 7, 6], "not synced"),            # begun, and back after the answer
        ([1, 3, 4, 6, 0, 7], "nothing was written"),   # before the last data came
        ([0, 4, 6, 1, 3, 7], "not synced"),            # before the write
        ([1, 3, 4, 6, 7], "no data"),
        ([0, 1, 3, 4, 6], "no 250"),
    ])
    def test_a_sync_at_the_wrong_time_is_none(self, order, missing):
        assert missing in trace.why_not_durable([TRACE[i] for i in order], "/d/spool")

    def test_a_sync_that_failed_is_none(self):
        lines = [line.replace("fdatasync resumed>) = 0", "fdatasync resumed>) = -1 EIO (Input/output error)")
                 for line in TRACE]
        assert "not synced" in trace.why_not_durable(lines, "/d/spool")
