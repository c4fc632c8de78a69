"""Run every bench, print each figure as it comes, and write the report.

make bench                          all of it, about ten minutes
PYTHONPATH=tests python -m bench detection
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import detection, storing
from bench.report import Figure, table

REPORT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "README.md"
BENCHES: dict[str, tuple[str, Callable[[], list[Figure]]]] = {
    "detection": ("From a worker's death to its open incident, seen from outside", detection.measure),
    "storing": (
        "Ingest, queries and pages, with a million tasks in the store",
        storing.measure,
    ),
}


def main(names: list[str]) -> None:
    """Measure, print, and write the report when everything was measured."""
    sections = []
    for name in names or BENCHES:
        title, measure = BENCHES[name]
        print(f"== {title}", flush=True)
        figures = measure()
        print(table(figures), flush=True)
        sections.append(f"## {title}\n\n{table(figures)}\n")
    if not names:
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(_report(sections), encoding="utf-8")


def _report(sections: list[str]) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    head = (
        "# Benchmarks\n\n"
        f"Written by `make bench` on {when}: Python {platform.python_version()}, {platform.machine()}, "
        f"{_cores()} cores. Wall times on shared machines swing; compare ratios and minima.\n"
    )
    return "\n".join([head, *sections])


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    main(sys.argv[1:])
