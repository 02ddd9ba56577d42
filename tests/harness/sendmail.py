"""`postrider sendmail` as programs call it: by any user, with a configuration that all may read."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness.server import binary
from harness.waiting import wait_until

NOBODY = 65534


class Sendmail:
    """A folder that every user can come to, in which a server has its submit folder, with the program and its other names.

    `overrides` of the server are to be laid onto `config()`.
    """

    def __init__(self):
        # pytest's own folders are closed to other users, and so may be the checkout.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postrider-sendmail-", dir="/run"))
        self.folder.chmod(0o755)
        self.config = self.folder / "postrider.toml"
        self.submit = self.folder / "data/submit"
        shutil.copy(binary(), self.folder / "postrider")
        for name in ("sendmail", "mailq", "newaliases"):
            (self.folder / name).symlink_to("postrider")
        # Programs that are told of a sendmail can't be told of its configuration.
        self.wrapper = self.folder / "sendmail-here"
        self.wrapper.write_text(f'#!/bin/sh\nexec {self.folder}/sendmail -C {self.config} "$@"\n')
        self.wrapper.chmod(0o755)

    def overrides(self):
        return {"data_dir": str(self.folder / "data")}

    def use(self, server):
        """Its configuration from now on is that of `server`."""
        shutil.copy(server.config_path, self.config)
        self.config.chmod(0o644)

    def __call__(self, *arguments, text=b"", uid=0, code=0, name="sendmail", config=True):
        """Runs it; what it said on standard output and standard error, which it ends with `code`."""
        user = [] if uid == 0 else ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        done = subprocess.run(
            [*user, str(self.folder / name), *(["-C", str(self.config)] if config else []), *map(str, arguments)],
            input=text if isinstance(text, bytes) else text.encode(), capture_output=True, timeout=60, check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == code, f"sendmail {arguments} ended with {done.returncode}: {out}{err}"
        return out, err

    def dropped(self):
        """Names in the drop folder."""
        drop = self.submit / "drop"
        return sorted(os.listdir(drop)) if drop.is_dir() else []

    def aside(self):
        return sorted(os.listdir(self.submit / "aside"))

    def wait_collected(self, timeout=20):
        wait_until(lambda: not self.dropped(), timeout, lambda: f"an empty drop folder, there is {self.dropped()}")

    def remove(self):
        with contextlib.suppress(OSError):
            shutil.rmtree(self.folder)
