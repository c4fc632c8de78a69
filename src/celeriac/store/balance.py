"""Both sides of the ledger's equation, kept as counters of their own: no question ever counts the tasks.

What came in (published, unrecorded) is moved when a task is first heard of, where it stands when that changes. A move
that was forgotten on either side makes them differ, and that is an incident.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from celeriac.model.ledger import Balance, Term
from celeriac.store.rows import add
from celeriac.store.schema import balance

PUBLISHED, UNRECORDED = "published", "unrecorded"
_TERMS = {term.value: term for term in Term}


class Account(NamedTuple):
    """What one task counts under; "" where its name or queue is not known. `account` is PUBLISHED, UNRECORDED or a
    term."""

    name: str
    queue: str
    account: str


def move(connection: Connection, moves: Mapping[Account, int]) -> None:
    """Move the counters by what entered (or left) each account."""
    add(connection, balance, (account._asdict() | {"tasks": change} for account, change in moves.items()))


def read(connection: Connection) -> tuple[Balance, ...]:
    """The equation over all tasks on record, then for each name, the most published first."""
    by_name: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    total: defaultdict[str, int] = defaultdict(int)
    for row in connection.execute(select(balance).where(balance.c.tasks != 0)):
        by_name[row.name][row.account] += row.tasks
        total[row.account] += row.tasks
    each = [_balance(name or None, accounts) for name, accounts in by_name.items()]
    return (_balance(None, total), *sorted(each, key=lambda one: (-one.accounted, one.name or "")))


def by_queue(connection: Connection) -> dict[str, dict[Term, int]]:
    """How many open tasks stand in each term, by queue; tasks of no known queue are left out."""
    found: defaultdict[str, dict[Term, int]] = defaultdict(dict)
    open_terms = [term.value for term in Term if term.open]
    query = select(balance).where(balance.c.account.in_(open_terms), balance.c.tasks != 0, balance.c.queue != "")
    for row in connection.execute(query):
        terms = found[row.queue]
        terms[_TERMS[row.account]] = terms.get(_TERMS[row.account], 0) + row.tasks
    return dict(found)


def _balance(name: str | None, accounts: Mapping[str, int]) -> Balance:
    terms = {term: accounts.get(term.value, 0) for term in Term}
    return Balance(name, accounts.get(PUBLISHED, 0), accounts.get(UNRECORDED, 0), terms)
