"""Both sides of the ledger's equation, kept as counters of their own: no question ever counts the tasks.

What came in (published, unrecorded) is moved when a task is first heard of, where it stands when that changes. A move
that was forgotten on either side makes them differ, and that is an incident.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, RowMapping, Select, cast, func, select

from celeriac.model.ledger import Balance, Term
from celeriac.store.rows import add
from celeriac.store.schema import balance

PUBLISHED, UNRECORDED = "published", "unrecorded"
_TERMS = {term.value: term for term in Term}


class Standing(NamedTuple):
    """What one task counts under: its name and queue ("" where not known), whether its publish is on record, and its
    term."""

    name: str
    queue: str
    published: bool
    term: str


def standings(rows: Iterable[Mapping[str, Any] | RowMapping]) -> Iterator[Standing]:
    """What the tasks of `rows` count under; one that is in no term does not count."""
    for row in rows:
        if row["term"] is not None:
            yield Standing(row["name"] or "", row["queue"] or "", row["published_at"] is not None, row["term"])


def move(connection: Connection, left: Iterable[Standing], entered: Iterable[Standing]) -> None:
    """Take tasks out of where they stood, and into where they stand now."""
    moves = Counter(entered)
    moves.subtract(Counter(left))
    counters: Counter[tuple[str, str, str]] = Counter()
    for (name, queue, published, term), change in moves.items():
        counters[name, queue, PUBLISHED if published else UNRECORDED] += change
        counters[name, queue, term] += change
    add(
        connection,
        balance,
        (
            {"name": name, "queue": queue, "account": account, "tasks": n}
            for (name, queue, account), n in counters.items()
        ),
    )


def read(connection: Connection) -> tuple[Balance, ...]:
    """The equation over all tasks on record, then for each name, the most published first."""
    by_name: defaultdict[str, dict[str, int]] = defaultdict(dict)
    total: defaultdict[str, int] = defaultdict(int)
    for row in connection.execute(_sums(balance.c.name).where(balance.c.tasks != 0)):
        by_name[row.name][row.account] = row.tasks
        total[row.account] += row.tasks
    each = [_balance(name or None, accounts) for name, accounts in by_name.items()]
    return (_balance(None, total), *sorted(each, key=lambda one: (-one.accounted, one.name or "")))


def by_queue(connection: Connection) -> dict[str, dict[Term, int]]:
    """How many open tasks stand in each term, by queue; tasks of no known queue are left out."""
    found: defaultdict[str, dict[Term, int]] = defaultdict(dict)
    open_terms = [term.value for term in Term if term.open]
    sums = _sums(balance.c.queue).where(balance.c.account.in_(open_terms), balance.c.tasks != 0, balance.c.queue != "")
    for row in connection.execute(sums):
        found[row.queue][_TERMS[row.account]] = row.tasks
    return dict(found)


def _sums(by: Column[str]) -> Select[tuple[str, str, int]]:
    """The counters of each name, or of each queue."""
    total = cast(func.sum(balance.c.tasks), BigInteger)  # of big integers PostgreSQL makes a decimal sum
    return select(by, balance.c.account, total.label("tasks")).group_by(by, balance.c.account)


def _balance(name: str | None, accounts: Mapping[str, int]) -> Balance:
    terms = {term: accounts.get(term.value, 0) for term in Term}
    return Balance(name, accounts.get(PUBLISHED, 0), accounts.get(UNRECORDED, 0), terms)
