"""The search box: `state:failed name:shop.* age:>10m "free text"`, for pages, API and command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches

from celeriac.api.words import Value, Word, read, spell
from celeriac.errors import QueryError
from celeriac.model.ledger import Term
from celeriac.store import TaskQuery
from celeriac.store.query import Bound, Condition, Field, Figure, Operator

OTHER_WORDS = {
    "pending": Term.WAITING,
    "published": Term.WAITING,
    "queued": Term.WAITING,
    "received": Term.RESERVED,
    "started": Term.RUNNING,
    "success": Term.SUCCEEDED,
    "failure": Term.FAILED,
    "retry": Term.RETRYING,
    "retried": Term.RETRYING,
    "ignored": Term.SUCCEEDED,
}
"""Celery's own words for the terms (celery/states.py, celery/events), and those of an attempt's life."""
HAS = ("duplicate", "retry", "redelivery", "error")
DEEPEST = 5
"""Keys in the path of `args.a.b:`."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d|w)")
_BOUND = re.compile(r"(>=|<=|>|<)(.*)", re.DOTALL)
_FIELDS: Mapping[str, Field] = {
    "id": "id",
    "state": "term",
    "name": "name",
    "task": "name",
    "queue": "queue",
    "worker": "worker",
    "error": "error",
    "key": "key",
    "has": "has",
}
_FIGURES: Mapping[str, Figure] = {"age": "age", "runtime": "runtime", "wait": "wait"}
_OPERATORS: Mapping[str, Operator] = {">": ">", ">=": ">=", "<": "<", "<=": "<="}
KEYS = (
    "state",
    "name",
    "queue",
    "worker",
    "error",
    "key",
    "args",
    "id",
    "age",
    "runtime",
    "wait",
    "since",
    "until",
    "has",
)
"""Every word that may stand before a colon; `task:` is `name:`, and `args.user_id:` asks for one argument."""


def parse(text: str, at: float) -> TaskQuery:
    """The query that `text` asks at `at` (Unix seconds). Raises QueryError with the position of the first fault."""
    query = TaskQuery(at=at)
    given: set[tuple[str, bool]] = set()
    for word in read(text):
        if _repeats(word, given):
            raise QueryError(
                f"{word.key}: is given twice", position=word.position, hint="Keep one, or join the values by a comma"
            )
        query = _with(query, word)
    return query


def _repeats(word: Word, given: set[tuple[str, bool]]) -> bool:
    """What has one value per task cannot fit two words that ask for it; leaving out, and bounds, add up."""
    if word.key is None or word.negated or word.key in _FIGURES or word.key == "has" or word.key.startswith("args"):
        return False
    key = "name" if word.key == "task" else word.key
    if (key, word.negated) in given:
        return True
    given.add((key, word.negated))
    return False


def _with(query: TaskQuery, word: Word) -> TaskQuery:
    if word.key in ("since", "until"):
        return _timed(query, word)
    return replace(query, conditions=(*query.conditions, _condition(word)))


def _condition(word: Word) -> Condition | Bound:
    key = word.key
    if key is None:
        return Condition("text", tuple(one.text for one in word.values), word.negated)
    if key in _FIGURES:
        return _bound(word, _FIGURES[key])
    if key == "args" or key.startswith("args."):
        return Condition("args", tuple(one.text for one in word.values), word.negated, _path(word))
    if key not in _FIELDS:
        raise _unknown(word)
    read_value = _READ.get(key, _as_it_is)
    return Condition(_FIELDS[key], tuple(dict.fromkeys(read_value(one) for one in word.values)), word.negated)


def _unknown(word: Word) -> QueryError:
    near = get_close_matches(word.key or "", KEYS, n=1)
    meant = f"Did you mean {near[0]}:? " if near else ""
    known = ", ".join(f"{one}:" for one in KEYS)
    return QueryError(
        f"{word.key}: is not known", position=word.position, hint=f"{meant}Use {known} or put the text in quotes"
    )


def _as_it_is(value: Value) -> str:
    return value.text


def _state(value: Value) -> str:
    said = value.text.lower()
    term = OTHER_WORDS.get(said, said)
    if term not in set(Term):
        raise QueryError(f"{value.text!r} is no state", position=value.position, hint=f"Use one of {', '.join(Term)}")
    return str(term)


def _has(value: Value) -> str:
    if value.text.lower() not in HAS:
        raise QueryError(
            f"{value.text!r} is nothing a task can have", position=value.position, hint=f"Use one of {', '.join(HAS)}"
        )
    return value.text.lower()


def _error_type(value: Value) -> str:
    """The store knows an exception by its last name."""
    return value.text.rpartition(".")[2] or value.text


_READ: Mapping[str, Callable[[Value], str]] = {"state": _state, "has": _has, "error": _error_type}


def _path(word: Word) -> tuple[str, ...]:
    path = tuple((word.key or "").split(".")[1:])
    if not all(path) or len(path) > DEEPEST:
        raise QueryError(
            f"{word.key}: is no path to an argument",
            position=word.position,
            hint=f"Name at most {DEEPEST} keys, as in args.user.id:42",
        )
    return path


def _bound(word: Word, figure: Figure) -> Bound:
    value = _single(word)
    match = _BOUND.fullmatch(value.text)
    seconds = _duration(match[2]) if match else None
    if match is None or seconds is None:
        raise QueryError(
            f"{value.text!r} is no bound of a duration", position=value.position, hint=f"Write {figure}:>10m"
        )
    return Bound(figure, _OPERATORS[match[1]], seconds, word.negated)


def _timed(query: TaskQuery, word: Word) -> TaskQuery:
    value = _single(word)
    if word.negated:
        raise QueryError(f"-{word.key}: says nothing", position=word.position, hint="Turn since: and until: around")
    at = _moment(value, query.at)
    return replace(query, since=at) if word.key == "since" else replace(query, until=at)


def _single(word: Word) -> Value:
    if len(word.values) > 1:
        raise QueryError(f"{word.key}: takes one value", position=word.values[1].position)
    return word.values[0]


def _duration(text: str) -> float | None:
    match = _DURATION.fullmatch(text)
    return float(match[1]) * _UNITS[match[2]] if match else None


def _moment(value: Value, at: float) -> float:
    """A time of day in UTC unless it says else, or how long ago."""
    ago = _duration(value.text)
    if ago is not None:
        return at - ago
    try:
        told = datetime.fromisoformat(value.text)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise QueryError(
            f"{value.text!r} is no time",
            position=value.position,
            hint="Write 2026-11-21T10:00:00Z, or how long ago: 90s, 15m, 2h, 7d",
        ) from error


def with_state(text: str, state: str | None) -> str:
    """`text` asking for `state` instead of whichever it asks for; None for any. A text with a fault stays as it is."""
    try:
        words = read(text)
    except QueryError:
        return text
    kept = [spell(word) for word in words if word.key != "state"]
    return " ".join([*([f"state:{state}"] if state else []), *kept])
