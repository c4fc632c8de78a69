"""Values of which only the newest counts, whole: the look at the broker, what it holds, what could not be seen."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from sqlalchemy import Connection, select

from celeriac.model.broker import BrokerLook, Held
from celeriac.model.finding import BlindSpot
from celeriac.store.codec import pack, unpack
from celeriac.store.rows import put
from celeriac.store.schema import documents

_BLIND = "blind-spots "
_held = msgspec.json.Decoder(tuple[Held, ...] | None)


def put_look(connection: Connection, look: BrokerLook) -> None:
    """Keep `look` as the newest; one older than what is kept changes nothing."""
    kept = connection.scalar(select(documents.c.at).where(documents.c.name == "look"))
    if kept is not None and kept > look.at:
        return
    _put(connection, "look", look.at, pack(replace(look, held=None)))
    _put(connection, "held", look.at, msgspec.json.encode(look.held).decode())


def look(connection: Connection) -> BrokerLook | None:
    """The newest look, None before the first."""
    body = _get(connection, "look")
    return None if body is None else replace(unpack(BrokerLook, body), held=held(connection))


def held(connection: Connection) -> tuple[Held, ...] | None:
    """What the newest look saw delivered and not acknowledged, None when it could not."""
    body = _get(connection, "held")
    return None if body is None else _held.decode(body)


def put_blind_spots(connection: Connection, source: str, spots: tuple[BlindSpot, ...], now: float) -> None:
    """Replace what `source` cannot see; what others cannot see stands."""
    _put(connection, _BLIND + source, now, pack(spots))


def blind_spots(connection: Connection) -> tuple[BlindSpot, ...]:
    """What cannot be seen, and why."""
    found = connection.scalars(
        select(documents.c.body).where(documents.c.name.startswith(_BLIND)).order_by(documents.c.name)
    )
    return tuple(dict.fromkeys(spot for body in found for spot in unpack(tuple[BlindSpot, ...], body)))


def _put(connection: Connection, name: str, at: float, body: str) -> None:
    put(connection, documents, [{"name": name, "at": at, "body": body}])


def _get(connection: Connection, name: str) -> str | None:
    body: str | None = connection.scalar(select(documents.c.body).where(documents.c.name == name))
    return body
