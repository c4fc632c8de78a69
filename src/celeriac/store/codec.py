"""Values to and from the JSON texts in rows."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from celeriac.model import wire

T = TypeVar("T")


def pack(value: object) -> str:
    """`value` as JSON. A lone surrogate raises UnicodeEncodeError."""
    return msgspec.json.encode(wire.encode(value)).decode()


def unpack(kind: type[T], text: str) -> T:
    """What `pack` made, as a `kind` again. Raises WireError."""
    return wire.decode(kind, msgspec.json.decode(text))


def pack_mapping(value: Any) -> str:
    """A mapping of plain JSON values, without the walk that `pack` makes: events come by the thousand."""
    return msgspec.json.encode(dict(value)).decode()
