"""What one session did to its socket and to the disk, as strace -f -yy saw it."""

import re

# The calls that matter; the others would only make the server slow.
CALLS = "recvfrom,recvmsg,read,readv,sendto,sendmsg,write,writev,pwrite64,pwritev,fsync,fdatasync,syncfs"
STRACE = ["strace", "-D", "-f", "-yy", "-s", "64", "-e", f"trace={CALLS}", "-e", "signal=none", "-o"]

_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\()(?P<rest>.*)", re.DOTALL)
_UNFINISHED = " <unfinished ...>"
_RESULT = re.compile(r" = (-?\d+|\?)[^=]*$")
_READS = ("recvfrom", "recvmsg", "read", "readv")
_WRITES = ("sendto", "sendmsg", "write", "writev")
_SYNCS = ("fsync", "fdatasync", "syncfs")


class Call:
    """One system call: from line `begin` to line `end` of the trace, its text, and its result (None: none seen)."""

    def __init__(self, name, begin, text):
        self.name, self.begin, self.text = name, begin, text
        self.end = self.result = None

    def finish(self, line, text):
        self.text += text
        self.end = line
        found = _RESULT.search(text)
        self.result = int(found[1]) if found and found[1] != "?" else None

    def __repr__(self):
        return f"{self.begin}-{self.end} {self.name}({self.text}"


def calls(lines):
    """Every call of a trace, in the order of their beginnings; interrupted lines of several threads are joined."""
    found, open_calls = [], {}
    for number, line in enumerate(lines):
        parts = _LINE.match(line.rstrip("\n"))
        if not parts:
            continue  # signals and exits
        thread, rest = parts["thread"], parts["rest"]
        if parts["resumed"]:
            call = open_calls.pop(thread)
            assert call.name == parts["resumed"], f"line {number}: {call} was begun by {thread}"
            call.finish(number, rest)
            continue
        call = Call(parts["call"], number, "")
        found.append(call)
        if rest.endswith(_UNFINISHED):
            call.text = rest.removesuffix(_UNFINISHED)
            open_calls[thread] = call
        else:
            call.finish(number, rest)
    return found


def why_not_durable(lines, spool):
    """None where before each "250 2.0.0 queued" the spool was written and synced; else what is missing.

    Between the end of the last read of the session's socket and the beginning of the write that says 250, there
    must be a write to a file of the folder `spool`, and after that write has ended, the whole of a sync of
    the same file that returned 0.
    """
    trace = calls(lines)
    answers = [call for call in trace if call.name in _WRITES and "250 2.0.0 queued" in call.text]
    if not answers:
        return "no 250 2.0.0 queued"
    for answer in answers:
        socket = _descriptor(answer)
        reads = [call.end for call in trace if call.name in _READS and _descriptor(call) == socket and call.result
                 and call.result > 0 and call.end is not None and call.end < answer.begin]
        if not reads:
            return f"no data was read before {answer}"
        between = [call for call in trace if call.begin > reads[-1] and call.end is not None
                   and call.end < answer.begin and f"<{spool}/" in call.text]
        writes = [call for call in between if call.name.startswith("pwrite") and (call.result or 0) > 0]
        if not writes:
            return f"nothing was written to the spool before {answer}"
        last = writes[-1]
        if not any(sync.name in _SYNCS and sync.result == 0 and sync.begin > last.end
                   and _descriptor(sync) == _descriptor(last) for sync in between):
            return f"{last} was not synced before {answer}"
    return None


def _descriptor(call):
    """The first argument with what -yy says of it: 12<TCP:[127.0.0.1:25->127.0.0.1:4711]>, 7</spool/spool.db-wal>."""
    return re.split(r", |\)", call.text, maxsplit=1)[0]
