"""The balance on a narrow screen: nothing is cut off, and what is left out is counted."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from celeriac.cli.render.balance import MOST, balance
from celeriac.model.ledger import Term

TERMS = {term.value: number for number, term in enumerate(Term, start=1_000_000)}
EQUATION = {"published": 7, "unrecorded": 0, "terms": TERMS, "holds": True, "difference": 0}


def printed(what: RenderableType, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False, emoji=False).print(what)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def shown(names: int) -> dict[str, Any]:
    rows = [{"name": f"shop.orders.tasks.send_the_invoice_{number}", **EQUATION} for number in range(names)]
    queues = [{"queue": "shop.orders.high", "waiting": 1, "ready": None, "unacked": 3, "unrecorded": None}]
    state = {"as_of": "2026-11-21T10:00:00Z", "stale": False, "gaps": [], "blind_spots": []}
    return EQUATION | state | {"names": rows, "names_count": names, "queues": queues}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_term_of_a_name_is_told_on_any_width(width: int) -> None:
    text = printed(balance(shown(1)), width)
    assert all(f"{number:,}" in text.partition("PUBLISHED")[2] for number in TERMS.values())
    assert "send_the_invoice_0" in text
    assert "shop.orders.high" in text
    assert max(map(len, text.splitlines())) <= width


def test_names_beyond_the_most_are_counted() -> None:
    assert "… 2 more names with --json" in printed(balance(shown(MOST + 2)), 80)


def test_what_cannot_be_seen_says_what_it_would_add() -> None:
    spot = {"what": "publishes", "why": "no producer tells", "would_add": "waiting and lost"}
    assert "Would add: waiting and lost" in printed(balance(shown(1) | {"blind_spots": [spot]}), 80)
