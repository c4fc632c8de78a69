"""Values to and from the JSON texts in rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from celeriac.model import wire

T = TypeVar("T")
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""The escape of NUL, and not what only looks like one: a backslash of the text itself is written as two."""


def pack(value: object) -> str:
    """`value` as JSON. A lone surrogate raises UnicodeEncodeError."""
    return msgspec.json.encode(wire.encode(value)).decode()


def unpack(kind: type[T], text: str) -> T:
    """What `pack` made, as a `kind` again. Raises WireError."""
    return wire.decode(kind, msgspec.json.decode(text))


def pack_mapping(value: Any) -> str:
    """A mapping of plain JSON values, without the walk that `pack` makes: events come by the thousand."""
    return msgspec.json.encode(dict(value)).decode()


def pack_rows(rows: Sequence[Any]) -> str:
    """Rows of plain values as one JSON array of objects, without NUL, which PostgreSQL has no text for."""
    body = msgspec.json.encode(rows).decode()
    return _NUL.sub(r"\1\\ufffd", body) if "\\u0000" in body else body
