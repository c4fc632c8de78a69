"""Figures and the table they are shown in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured thing: its value in `unit`, and how it was measured or what it is held against."""

    what: str
    value: float
    unit: str
    note: str = ""


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    return columns(
        ("what", "measured", "note"), [(one.what, f"{_number(one.value)} {one.unit}", one.note) for one in figures]
    )


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Any Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
