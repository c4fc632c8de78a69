"""Run benches, print what they measured, and write their sections of the report.

make bench                          all of it, about half an hour
PYTHONPATH=tests python -m bench cost detection
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import cost, detection, hooks, inside, storing
from bench.report import table

REPORT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "README.md"
BENCHES: dict[str, tuple[str, Callable[[], str]]] = {
    "cost": ("What watching costs your workers and producers", cost.measure),
    "hooks": ("Each hook of the recorder alone", lambda: table(hooks.measure())),
    "inside": (
        "From a death to its open incident, with the recorder and the agent",
        lambda: table(inside.measure()),
    ),
    "detection": (
        "From a worker's death to its open incident, seen from outside",
        lambda: table(detection.measure()),
    ),
    "storing": ("Ingest, queries and pages, with a million tasks in the store", lambda: table(storing.measure())),
}
SECTION = re.compile(r"^## (.+)\n\n((?:(?!^## ).*\n?)*)", re.MULTILINE)


def main(names: list[str]) -> None:
    """Measure, print, and write what was measured over its older section."""
    for name in names or BENCHES:
        title, measure = BENCHES[name]
        print(f"== {title}", flush=True)
        text = f"{_when()}\n\n{measure()}"
        print(text, flush=True)
        _write(title, text)


def _write(title: str, text: str) -> None:
    """The report with this section in it, in the order of the benches."""
    known = dict(SECTION.findall(REPORT.read_text(encoding="utf-8"))) | {title: text}
    parts = [f"## {title}\n\n{known[title].strip()}\n" for title, _ in BENCHES.values() if title in known]
    head = "# Benchmarks\n\nWritten by `make bench`. Wall times on shared machines swing; compare ratios and minima.\n"
    REPORT.write_text("\n".join([head, *parts]), encoding="utf-8")


def _when() -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    cores = len(os.sched_getaffinity(0))
    return f"On {when}: Python {platform.python_version()}, {platform.machine()}, {cores} cores."


if __name__ == "__main__":
    main(sys.argv[1:])
