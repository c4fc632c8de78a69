"""A page of a list, and the opaque cursor to the next."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from celeriac.errors import QueryError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next` is the cursor to hand back as `after`, None at the end. A bounded search may give a page with few or no
    items and a `next`: it looked at its share of rows, and more wait."""

    items: tuple[T, ...]
    next: str | None = None


def cursor(*position: Any) -> str:
    """A position in a list as text that fits into a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def position(text: str, *kinds: type) -> tuple[Any, ...]:
    """What `cursor` was made of. Raises QueryError when it was made by somebody else."""
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error) as error:
        raise _foreign() from error
    if not isinstance(values, list) or [type(value) for value in values] != list(kinds):
        raise _foreign()
    return tuple(values)


def _foreign() -> QueryError:
    return QueryError("the page cursor is not one of this list's", position=0, hint="Start again from the first page")
