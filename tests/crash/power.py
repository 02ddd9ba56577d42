#!/usr/bin/python3
"""Power cuts under load: spool and mailboxes on an ext4 that is shut down without a flush, and mounted again.

    tests/crash/power.py --cuts 20 [--seed N]

Exit code 1 where anything that was acknowledged is lost, torn, or delivered too often.
"""

import argparse
import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from crash.disk import Disk  # noqa: E402
from crash.trial import Trial, by_hand  # noqa: E402

DISK_MIB = 4096  # sparse; a cut's worth of mail is some 20 MiB
# Load after "ready". Shorter than the 5 s after which ext4 writes its journal by itself, so that what
# survives does so because it was synced.
LIFE_SECONDS = (0.2, 1.2)


def cut_power(server, disk):
    """The processor stops, then the disk, with whatever syncs are under way. Server and mount are gone after it.

    The other way round the kernel would spoil the trial: an fdatasync that waits for a journal which is being
    shut down returns 0 now and then, although nothing was written (seen with Linux 6.18 and no server at all, in
    1 of 20 cuts); so the server must not hear of it any more.
    """
    os.kill(server.pid, signal.SIGSTOP)
    # Once the first thread has stopped, none comes back from the kernel.
    stat = pathlib.Path(f"/proc/{server.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "T":
        pass
    disk.cut()
    server.kill()
    disk.detach()


def run(folder, cuts, seed, say=lambda line: None, **server_options):
    """The verdict (not yet checked) after so many cuts, and one start that was left to deliver all."""
    source = random.Random(seed)
    with Disk(folder / "disk", DISK_MIB) as disk:
        trial = Trial(folder / "server", seed, data_dir=disk.mount / "data", **server_options)
        server = trial.server
        torn = []
        try:
            with trial.load:
                for cut in range(cuts):
                    server.start()
                    time.sleep(source.uniform(*LIFE_SECONDS))
                    cut_power(server, disk)
                    disk.attach()
                    torn += trial.mailboxes.scan(again=True).faults()
                    say(f"cut {cut + 1}: {len(trial.ledger.acknowledged())} messages acknowledged so far")
            server.start()
            trial.drain()
            verdict = trial.verdict()
            verdict.faults += torn
        finally:
            if server.running():
                server.kill()
    say(f"cuts {cuts}; {verdict}")
    return verdict


def main(folder):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    run(folder, arguments.cuts, arguments.seed, say=lambda line: print(line, flush=True)).check()


if __name__ == "__main__":
    by_hand(main)
