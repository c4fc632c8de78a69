"""The search box: `state:failed name:shop.* queue:mail worker:w3@host "free text"`, for pages, API and command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from celeriac.errors import QueryError
from celeriac.model.attempt import AttemptState
from celeriac.store import TaskQuery

LONGEST = 400
"""Characters a query may have."""
KEYS = ("state", "name", "queue", "worker")
CELERY_STATES = {
    "pending": "published",
    "waiting": "published",
    "running": "started",
    "success": "succeeded",
    "failure": "failed",
    "retry": "retried",
}
"""Celery's own words for our states (celery/states.py), and two that people type."""
_WORD = re.compile(r'(?:(?P<key>[A-Za-z_]+):)?(?:"(?P<quoted>[^"]*)(?P<close>"?)|(?P<plain>[^\s"]+))?')


@dataclass(frozen=True, slots=True)
class _Word:
    position: int
    key: str | None
    value: str


def parse(text: str) -> TaskQuery:
    """The query that `text` asks. Raises QueryError with the position of the first fault."""
    if len(text) > LONGEST:
        raise QueryError(f"the query is longer than {LONGEST} characters", position=LONGEST)
    found: dict[str, str] = {}
    free: list[str] = []
    for word in _words(text):
        if word.key is None:
            free.append(word.value)
        elif word.key in found:
            raise QueryError(f"{word.key}: is given twice", position=word.position, hint="Keep one of them")
        else:
            found[word.key] = _value(word)
    return TaskQuery(
        state=found.get("state"),
        name=found.get("name"),
        queue=found.get("queue"),
        worker=found.get("worker"),
        text=" ".join(free) or None,
    )


def _words(text: str) -> Iterator[_Word]:
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _WORD.match(text, position)
        if match is None or match.end() == position:
            raise QueryError("this cannot be read", position=position)
        yield _word(match, position)
        position = match.end()


def _word(match: re.Match[str], position: int) -> _Word:
    key = match["key"]
    if match["quoted"] is not None and not match["close"]:
        raise QueryError("the quote is never closed", position=match.start("quoted") - 1, hint='Add a " at its end')
    if key is not None and key.lower() not in KEYS:
        known = ", ".join(f"{one}:" for one in KEYS)
        raise QueryError(f"{key}: is not known", position=position, hint=f"Use {known} or put the text in quotes")
    value = match["quoted"] if match["quoted"] is not None else match["plain"]
    if not value:
        raise QueryError(f"{key}: needs a value" if key else "empty text", position=match.end())
    return _Word(position, key.lower() if key else None, value)


def _value(word: _Word) -> str:
    if word.key != "state":
        return word.value
    state = CELERY_STATES.get(word.value.lower(), word.value.lower())
    if state not in set(AttemptState):
        raise QueryError(
            f"{word.value!r} is no state",
            position=word.position + len("state:"),
            hint=f"Use one of {', '.join(AttemptState)}",
        )
    return state


def with_state(text: str, state: str | None) -> str:
    """`text` asking for `state` instead of whichever it asks for; None for any. A text with a fault stays as it is."""
    try:
        words = list(_words(text))
    except QueryError:
        return text
    kept = [_spelled(word) for word in words if word.key != "state"]
    return " ".join([*([f"state:{state}"] if state else []), *kept])


def _spelled(word: _Word) -> str:
    value = f'"{word.value}"' if any(one.isspace() or one == ":" for one in word.value) else word.value
    return f"{word.key}:{value}" if word.key else value
