"""Full-jitter exponential backoff (AWS architecture blog, "Exponential Backoff And Jitter")."""

from __future__ import annotations

from random import Random

FIRST = 0.2
CAP = 10.0


def backoff(failures: int, random: Random) -> float:
    """Seconds to wait after `failures` failures in a row: jittered over half the window, capped at 10 s.

    The lower half is kept so that a loop never spins on a broker that refuses at once.
    """
    window = min(CAP, FIRST * 2.0 ** min(failures, 10))
    return float(window * (0.5 + random.random() / 2))
