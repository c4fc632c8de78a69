"""The outside ledger: lines that the producer, the tasks and the nemesis wrote themselves, one append each.

It knows nothing of Celery and nothing of Celeriac. Times are seconds of the host's monotonic clock: one for all its
processes, and nobody sets it.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

PUBLISHES, WORK, JOURNAL, LOOKS = "publishes.jsonl", "work.jsonl", "journal.jsonl", "looks.jsonl"


def now() -> float:
    """The moment, as every line has it."""
    return time.monotonic()


def note(path: Path, **facts: object) -> None:
    """One line, whole or not at all: a short append to a file is atomic."""
    line = json.dumps({"at": now(), **facts}) + "\n"
    door = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(door, line.encode())
    finally:
        os.close(door)


def read(path: Path) -> list[dict[str, Any]]:
    """Every line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
