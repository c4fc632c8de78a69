"""Steady customers: `python -m celeriac.drills.systems.exports.traffic URL PER_SECOND`, until stopped."""

from __future__ import annotations

import itertools
import json
import sys
import time
import urllib.error
import urllib.request
from random import Random

ROWS = (60_000, 160_000)
"""Rows of an ordinary export, which takes 0.15 to 0.4 s to build."""
TIMEOUT = 5.0


def ask_for_export(url: str, order_id: int, rows: int) -> str:
    """Ask the web app for an export; the task's id. Raises OSError (also for any status but 2xx)."""
    body = json.dumps({"order_id": order_id, "rows": rows}).encode()
    request = urllib.request.Request(f"{url}/exports", body, {"Content-Type": "application/json"})  # noqa: S310 - http only
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        return str(json.load(answer)["id"])


def main(url: str, per_second: float) -> None:
    """Ask for exports at a steady rate; a customer who gets an error page goes away."""
    random = Random(url)
    for order_id in itertools.count(1):
        due = time.monotonic() + 1.0 / per_second
        try:
            ask_for_export(url, order_id, random.randint(*ROWS))
        except OSError as error:
            print(f"order {order_id}: {error}", flush=True)
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
