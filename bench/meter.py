"""What a server costs: processor time and memory of its processes, bytes and flushes of the disk under it."""

import contextlib
import os
import pathlib
import time

from harness.waiting import wait_until

CPUACCT = pathlib.Path("/sys/fs/cgroup/cpuacct/postrider-bench")
SECTOR = 512
END_SECONDS = 20


class Account:
    """The processes of one server: a cpuacct cgroup (v1) of its own, or, where there is none, its process tree.

    A tree forgets a process that ended and whose parent ended before waiting for it; a cgroup forgets nothing.
    """

    def __init__(self, name):
        self.root = None  # the first process's pid, once it runs; only the tree needs it
        self.group = CPUACCT / f"{name}-{time.monotonic_ns()}"
        try:
            CPUACCT.mkdir(exist_ok=True)
            self.group.mkdir()
        except OSError:
            self.group = None

    @staticmethod
    def sweep():
        """Removes what runs that were ended from outside have left."""
        for group in CPUACCT.glob("*/"):
            with contextlib.suppress(OSError):  # in use
                group.rmdir()

    def wrap(self):
        """What is put before the server's command line, and execs in place."""
        if not self.group:
            return []
        return ["/bin/sh", "-c", f'echo $$ > {self.group}/cgroup.procs && exec "$@"', "sh"]

    def close(self):
        """After the server was told to end."""
        if self.group:
            wait_until(lambda: not self.pids(), END_SECONDS, f"all processes in {self.group} to end")
            self.group.rmdir()

    def pids(self):
        if self.group:
            return [int(pid) for pid in (self.group / "cgroup.procs").read_text().split()]
        return [self.root, *descendants(self.root)]

    def cpu(self):
        """Seconds of processor time so far, user and system together."""
        if self.group:
            return int((self.group / "cpuacct.usage").read_text()) / 1e9
        ticks = sum(int(field) for pid in self.pids() for field in stat(pid)[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Octets now, what is shared counted in shares (Pss)."""
        return sum(pss(pid) for pid in self.pids())


def stat(pid):
    """The fields of /proc/PID/stat from the state on (number 0); none where the process has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def descendants(root):
    children = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        if fields := stat(path.name):
            children.setdefault(int(fields[1]), []).append(int(path.name))
    found = list(children.get(root, []))
    for pid in found:  # grows while it is read
        found += children.get(pid, [])
    return found


def pss(pid):
    try:
        lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


class Disk:
    """The whole device that holds `folder`. `device` is None where it can't be told (overlayfs, btrfs).

    Other programs' writes are in its figures too.
    """

    def __init__(self, folder):
        kind = file_system(folder)
        assert kind not in ("tmpfs", "ramfs"), f"{folder} is on {kind}: give a folder on a disk with --dir"
        number = os.stat(folder).st_dev
        path = pathlib.Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
        self.device = whole(path.resolve()) if path.exists() else None

    def read(self):
        """(octets written, flushes) so far, after all that waits has been written."""
        os.sync()
        for line in pathlib.Path("/proc/diskstats").read_text().splitlines():
            fields = line.split()
            if fields[2] == self.device:
                return int(fields[9]) * SECTOR, int(fields[18])
        return None


def whole(path):
    """The name of the disk under a partition or a mapping; the kernel counts flushes only there."""
    if (path / "partition").exists():
        return whole(path.parent)
    below = list((path / "slaves").glob("*"))
    return whole(below[0].resolve()) if len(below) == 1 else path.name


def file_system(folder):
    """The type of the file system with the longest mount point above `folder`."""
    best = ("", "")
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, mount_point, kind = line.split()[:3]
        if pathlib.Path(mount_point) in (folder, *folder.parents) and len(mount_point) >= len(best[0]):
            best = (mount_point, kind)
    return best[1]
