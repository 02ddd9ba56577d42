"""A small ext4 of its own in a file, whose power can be cut. Needs root; mount it in a private mount namespace."""

import contextlib
import fcntl
import os
import pathlib
import struct
import subprocess

from harness.waiting import wait_until

# linux/fs/ext4/ext4.h: _IOR('X', 125, __u32), and "don't write the journal out first".
EXT4_IOC_SHUTDOWN = 0x8004587D
EXT4_GOING_FLAGS_NOLOGFLUSH = 2
_COMMAND_SECONDS = 60


class Disk:
    """Mounted at `mount` while the `with` lasts. `mkfs` are more options of mkfs.ext4 ("-N", "400": inodes)."""

    def __init__(self, folder, mebibytes, mkfs=()):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.image, self.mount = folder / "image", folder / "mount"
        self.mount.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(mebibytes << 20)
        # No blocks for root alone: the server runs as root here, and is to see the disk full like anybody.
        _run("mkfs.ext4", "-q", "-F", "-m", "0", *mkfs, self.image)

    def __enter__(self):
        self.attach()
        return self

    def __exit__(self, *_):
        # Lazily, so that nothing stays whatever still holds it; the loop device goes with the mount.
        with contextlib.suppress(AssertionError):
            _run("umount", "--lazy", self.mount)

    def attach(self):
        """Mounts it; after cut() this replays the journal."""
        _run("mount", "-o", "loop", self.image, self.mount)

    def cut(self):
        """The power goes: what was not synced never reaches the disk, and every write fails from now on."""
        directory = os.open(self.mount, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
        finally:
            os.close(directory)

    def detach(self):
        """Unmounts; nobody may use it any more. What the kernel had cached of it is gone, too."""
        _run("umount", self.mount)
        wait_until(lambda: not self._loop_devices(), 10, f"the loop device of {self.image} to go")

    def free_bytes(self):
        found = os.statvfs(self.mount)
        return found.f_bavail * found.f_frsize

    def free_inodes(self):
        return os.statvfs(self.mount).f_favail

    def _loop_devices(self):
        return _run("losetup", "--associated", self.image).strip()


def _run(*command):
    done = subprocess.run(command, timeout=_COMMAND_SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout.decode()}"
    return done.stdout.decode()
