"""Waiting with a deadline, in one place."""

import time

POLL_SECONDS = 0.02


def wait_until(condition, timeout, what):
    """Calls `condition` until it returns something true, and returns that.

    Raises AssertionError when `timeout` seconds have passed; `what` (a string, or a function that returns
    one) then says what was waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout} s for {what() if callable(what) else what}")
        time.sleep(POLL_SECONDS)
