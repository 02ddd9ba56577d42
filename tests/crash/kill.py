#!/usr/bin/python3
"""SIGKILL at random moments under load: nothing that was acknowledged is lost, nothing is half delivered.

    tests/crash/kill.py --kills 200 [--seed N]

Half a dozen lines on what happened; exit code 1 where something is lost, torn, or delivered too often.
"""

import argparse
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from crash.trial import Trial, by_hand  # noqa: E402

# So long the server lives after "ready"; a batch of deliveries, its syncs and their record are a few times in it.
LIFE_SECONDS = (0.02, 0.8)
# So long after the exec it is killed where start-up and recovery are to be hit: these take 30 ms to 150 ms.
START_SECONDS = (0.0, 0.15)
SHARE_AT_START = 0.3


def run(folder, kills, seed, say=lambda line: None):
    """The verdict after so many kills, and one start that was left to deliver all."""
    source = random.Random(seed)
    trial = Trial(folder, seed)
    server = trial.server
    at_start = 0
    with trial.load:
        for kill in range(kills):
            # The first start makes the spool: it is given its time.
            if kill > 0 and source.random() < SHARE_AT_START:
                server.start(ready=False)
                time.sleep(source.uniform(*START_SECONDS))
                at_start += 1
            else:
                server.start()
                time.sleep(source.uniform(*LIFE_SECONDS))
            assert server.running(), f"ended by itself with {server.process.poll()}:\n{server.log_tail()}"
            server.kill()
            # At this very moment every file in new/ must be whole.
            faults = trial.mailboxes.scan().faults()
            assert not faults, f"after kill {kill + 1}:\n" + "\n".join(faults)
            if (kill + 1) % 20 == 0:
                say(f"{kill + 1} kills, {len(trial.ledger.acknowledged())} messages acknowledged")
    server.start()
    trial.drain()
    verdict = trial.verdict()
    say(f"kills {kills}, {at_start} of them at start-up; {verdict}; refused {len(trial.load.refused)}")
    assert not trial.load.refused, f"refused under load: {sorted(set(trial.load.refused))[:5]}"
    verdict.check()
    return verdict


def main(folder):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    run(folder, arguments.kills, arguments.seed, say=lambda line: print(line, flush=True))


if __name__ == "__main__":
    by_hand(main)
