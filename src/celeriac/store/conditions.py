"""Conditions on tasks as SQL, and which index leads to the rows that may fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, TextClause, false, func, not_, or_, text

from celeriac.model.attempt import AttemptState
from celeriac.model.ledger import Term
from celeriac.store.query import Bound, Condition, TaskQuery
from celeriac.store.schema import OPEN_TERMS, tasks

Clause = ColumnElement[bool] | TextClause
MOST_BRANCHES = 40
IS_OPEN = text(OPEN_TERMS)
"""SQLite takes a partial index only when its own words stand in the query (sqlite.org/partialindex.html)."""
IS_DOUBLED = text("doubled")
_STATES: Mapping[str, tuple[AttemptState, ...]] = {
    Term.WAITING: (AttemptState.PUBLISHED, AttemptState.QUEUED, AttemptState.REJECTED),
    Term.SCHEDULED: (AttemptState.RESERVED,),
    Term.RESERVED: (AttemptState.RESERVED,),
    Term.RUNNING: (AttemptState.STARTED,),
    Term.SUCCEEDED: (AttemptState.SUCCEEDED,),
    Term.FAILED: (AttemptState.FAILED,),
    Term.RETRYING: (AttemptState.RETRIED,),
    Term.REVOKED: (AttemptState.REVOKED,),
    Term.REJECTED: (AttemptState.REJECTED,),
    Term.EXPIRED: (AttemptState.EXPIRED,),
    Term.DEAD: (AttemptState.DEAD,),
    Term.LOST: (AttemptState.LOST,),
}
"""In which states a task of a term is (model/ledger.py); held and unknown, which are declared, may be in any."""
_ALIKE = frozenset({Term.SUCCEEDED, Term.FAILED, Term.REVOKED, Term.EXPIRED, Term.DEAD, Term.LOST})
"""Terms whose states hold next to nothing else."""


class Plan(NamedTuple):
    """Each of `branches` leads through an index to rows in the order of their change; together they hold all that
    fit. `exact`: next to all rows there do."""

    branches: tuple[tuple[Clause, ...], ...]
    exact: bool


def plan(query: TaskQuery) -> Plan:
    """The shortest way that the indexes offer."""
    plain = {one.field: one for one in query.conditions if isinstance(one, Condition) and _is_plain(one)}
    alone = len(query.conditions) == 1
    for field in ("id", "key", "error"):
        if field in plain:
            return Plan(tuple((tasks.c[field] == value,) for value in plain[field].values), alone)
    if "has" in plain and plain["has"].values == ("duplicate",):
        return Plan(((IS_DOUBLED,),), alone)
    names = plain["name"].values if "name" in plain else ()
    terms = plain["term"].values if "term" in plain else ()
    branches = tuple(_branches(names, terms))
    if not branches or len(branches) > MOST_BRANCHES:
        return Plan(((),), not query.conditions)
    served = len(query.conditions) == bool(names) + bool(terms)
    return Plan(branches, served and _ALIKE.issuperset(terms))


def _is_plain(one: Condition) -> bool:
    return not one.negated and not any("*" in value for value in one.values)


def _branches(names: tuple[str, ...], terms: tuple[str, ...]) -> Iterator[tuple[Clause, ...]]:
    named: list[tuple[Clause, ...]] = [(tasks.c.name == name,) for name in names]
    if not terms:
        for clause, state in product(named, AttemptState):
            yield (*clause, tasks.c.state == state.value)
        return
    states = dict.fromkeys(state for term in terms for state in _STATES.get(term, ()))
    for clause, state in product(named or [()], states):
        yield (*clause, tasks.c.state == state.value)
    for term in terms:
        if term not in _STATES:
            yield (IS_OPEN, tasks.c.term == term)


def filters(query: TaskQuery) -> list[ColumnElement[bool]]:
    """Every condition of `query`."""
    return [_filter(one, query.at) for one in query.conditions]


def _filter(one: Condition | Bound, at: float) -> ColumnElement[bool]:
    if isinstance(one, Bound):
        found = _COMPARED[one.operator](_seconds(one, at), one.seconds)
    else:
        found = or_(*(_means(one, value) for value in one.values))
    return not_(func.coalesce(found, false())) if one.negated else found


def _seconds(one: Bound, at: float) -> ColumnElement[Any]:
    row = tasks.c
    if one.figure == "age":
        return at - func.coalesce(row.published_at, row.received_at, row.started_at)
    if one.figure == "wait":
        return func.coalesce(row.started_at, row.ended_at, at) - row.published_at
    return func.coalesce(row.runtime, func.coalesce(row.ended_at, at) - row.started_at)


_COMPARED: Mapping[str, Callable[[ColumnElement[Any], float], ColumnElement[bool]]] = {
    ">": lambda figure, seconds: figure > seconds,
    ">=": lambda figure, seconds: figure >= seconds,
    "<": lambda figure, seconds: figure < seconds,
    "<=": lambda figure, seconds: figure <= seconds,
}
_HAS: Mapping[str, ColumnElement[bool]] = {
    "duplicate": tasks.c.doubled.is_(True),
    "retry": tasks.c.retries > 0,
    "redelivery": tasks.c.redelivered.is_(True),
    "error": or_(tasks.c.error.is_not(None), tasks.c.state == AttemptState.FAILED.value),
}


def _means(one: Condition, value: str) -> ColumnElement[bool]:
    if one.field == "has":
        return _HAS[value]
    if one.field == "text":
        return _part(value, tasks.c.id, tasks.c.name, tasks.c.args, tasks.c.kwargs, tasks.c.key)
    if one.field == "args":
        return _argument(one.path, value) if one.path else _part(value, tasks.c.args, tasks.c.kwargs)
    column = tasks.c[one.field]
    return _like(column, _pattern(value)) if "*" in value else column == value


def _part(value: str, *columns: Column[Any]) -> ColumnElement[bool]:
    """`value` is a part of one of `columns`, in either case."""
    return or_(*(_like(column, f"%{_pattern(value)}%") for column in columns))


def _argument(path: tuple[str, ...], value: str) -> ColumnElement[bool]:
    """`value` stands under the keys of `path`, in the repr of a dict, as Celery shows arguments."""
    keys = "%".join(f"'{_pattern(key)}': " for key in path)
    shown = [f"%{keys}{one}{end}%" for one in (_pattern(value), f"'{_pattern(value)}'") for end in (",", "}")]
    return or_(*(_like(column, one) for column in (tasks.c.kwargs, tasks.c.args) for one in shown))


def _like(column: Column[Any], pattern: str) -> ColumnElement[bool]:
    return column.ilike(pattern, escape="\\")


def _pattern(value: str) -> str:
    for special in ("\\", "%", "_"):
        value = value.replace(special, "\\" + special)
    return value.replace("*", "%")
