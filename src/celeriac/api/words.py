"""The words of a search text: `key:value`, `key:one,other`, `-key:value`, `"free text"`; read and spelled."""

from __future__ import annotations

import re
from dataclasses import dataclass

from celeriac.errors import QueryError

LONGEST = 400
"""Characters a query may have."""
MOST_WORDS = 32
MOST_VALUES = 20
_KEY = re.compile(r"([A-Za-z_][\w.]*):")
_PLAIN = re.compile(r'[^\s",]+')
_FREE = re.compile(r'[^\s"]+')


@dataclass(frozen=True, slots=True)
class Value:
    """One of a word's values, and the character it begins at."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Word:
    """`values` under `key`; without a key, free text. `position` is the character it begins at."""

    position: int
    key: str | None
    values: tuple[Value, ...]
    negated: bool = False


def read(text: str) -> tuple[Word, ...]:
    """The words of `text`. Raises QueryError with the position of the first fault."""
    if len(text) > LONGEST:
        raise QueryError(f"the query is longer than {LONGEST} characters", position=LONGEST)
    words: list[Word] = []
    at = _next(text, 0)
    while at < len(text):
        if len(words) == MOST_WORDS:
            raise QueryError(f"the query has more than {MOST_WORDS} words", position=at)
        word, at = _word(text, at)
        words.append(word)
        at = _next(text, at)
    return tuple(words)


def spell(word: Word) -> str:
    """`word` as `read` reads it."""
    values = ",".join(_quoted(one.text, free=word.key is None) for one in word.values)
    return ("-" if word.negated else "") + (f"{word.key}:" if word.key else "") + values


def _quoted(text: str, *, free: bool) -> str:
    plain = not any(one.isspace() or one == "," for one in text)
    if free:
        plain = plain and not text.startswith("-") and not _KEY.match(text)
    return text if plain else f'"{text}"'


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _word(text: str, start: int) -> tuple[Word, int]:
    negated = text[start] == "-"
    at = start + negated
    key = _KEY.match(text, at)
    if key is None:
        if at == len(text) or text[at].isspace():
            raise QueryError("- needs something to leave out", position=start)
        value, at = _value(text, at, _FREE, "empty text")
        return Word(start, None, (value,), negated), at
    values, at = _values(text, key.end(), f"{key[1]}: needs a value")
    return Word(start, key[1].lower(), values, negated), at


def _values(text: str, at: int, empty: str) -> tuple[tuple[Value, ...], int]:
    value, at = _value(text, at, _PLAIN, empty)
    values = [value]
    while at < len(text) and text[at] == ",":
        if len(values) == MOST_VALUES:
            raise QueryError(f"more than {MOST_VALUES} values", position=at)
        value, at = _value(text, at + 1, _PLAIN, empty)
        values.append(value)
    return tuple(values), at


def _value(text: str, at: int, plain: re.Pattern[str], empty: str) -> tuple[Value, int]:
    if at < len(text) and text[at] == '"':
        end = text.find('"', at + 1)
        if end < 0:
            raise QueryError("the quote is never closed", position=at, hint='Add a " at its end')
        if end == at + 1:
            raise QueryError(empty, position=end + 1)
        return Value(text[at + 1 : end], at), end + 1
    match = plain.match(text, at)
    if match is None:
        raise QueryError(empty, position=at)
    return Value(match[0], at), match.end()
