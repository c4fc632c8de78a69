"""What the reading before made of its rows: a row that is the same again is not read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class Kept(Generic[S, T]):
    """Values by key, of the newest reading alone. Most of a view is what it was half a second ago, and a value that is
    kept also knows what it has worked out of itself.

    It is replaced whole, so that threads never see half of it.
    """

    def __init__(self, make: Callable[[S], T]) -> None:
        self._make = make
        self._before: dict[str, tuple[S, T]] = {}

    def read(self, rows: Iterable[tuple[str, S]]) -> dict[str, T]:
        """The value of each row, by its key."""
        before, found = self._before, {}
        for key, row in rows:
            known = before.get(key)
            found[key] = known if known is not None and known[0] == row else (row, self._make(row))
        self._before = found
        return {key: value for key, (_, value) in found.items()}
