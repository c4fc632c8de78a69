"""What may follow a half-written search: the whole text with its last word completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from celeriac.api.search import HAS, KEYS
from celeriac.api.words import Value, Word, spell
from celeriac.model.ledger import Term

MOST = 20
Vocabulary = Mapping[str, Sequence[str]]
"""The values there are, by key."""
FIXED: Vocabulary = {"state": tuple(Term), "has": HAS}


def completions(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """At most MOST texts that begin as `text` does, the last of its words made whole; none when that is free text."""
    before, last = _split(text)
    sign = "-" if last.startswith("-") else ""
    key, colon, begun = last[len(sign) :].partition(":")
    if not colon:
        wanted = key.lower()
        return tuple(f"{before}{sign}{one}:" for one in KEYS if one.startswith(wanted))
    earlier, begun = _listed(begun)
    values = FIXED.get(key.lower()) or vocabulary.get(key.lower(), ())
    fitting = [one for one in values if '"' not in one and one.lower().startswith(begun.lower()) and one != begun]
    return tuple(f"{before}{sign}{key}:{earlier}{_spelled(one)}" for one in fitting[:MOST])


def _split(text: str) -> tuple[str, str]:
    """All but the last word, and that one as far as it was written; quotes may hold spaces."""
    start, quoted = 0, False
    for index, one in enumerate(text):
        quoted ^= one == '"'
        if one.isspace() and not quoted:
            start = index + 1
    return text[:start], text[start:]


def _listed(begun: str) -> tuple[str, str]:
    """The values that stand already, and the one that is being written."""
    earlier, comma, last = begun.rpartition(",")
    return earlier + comma, last.lstrip('"')


def _spelled(value: str) -> str:
    return spell(Word(0, "name", (Value(value, 0),))).removeprefix("name:")
