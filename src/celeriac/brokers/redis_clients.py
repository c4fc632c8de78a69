"""Who is connected: CLIENT LIST."""

from __future__ import annotations

from collections.abc import Mapping

from celeriac.brokers.redis_link import CLIENT_NAME, Link
from celeriac.model.broker import Consumer
from celeriac.model.finding import BlindSpot

CLIENT_LIMIT = 5_000
"""Connections; listing more would cost the server more than a look may."""


def read_consumers(link: Link, clients: int | None) -> tuple[tuple[Consumer, ...] | None, tuple[BlindSpot, ...]]:
    """The connections to our database that block for messages or listen for control, ours left out.

    `clients` is the number of connections, as INFO says. A worker has one of each kind; a monitor may have the second.
    """
    if clients is not None and clients > CLIENT_LIMIT:
        return None, (_unseen(f"{clients} connections are too many to list"),)
    reply = link.send([("CLIENT", "LIST")])[0]
    if not isinstance(reply, bytes):
        return None, (_unseen(f"CLIENT LIST is refused: {reply}"),)
    rows = (_fields(line) for line in reply.decode(errors="replace").splitlines())
    ours = str(link.address.db)
    found = (_consumer(row) for row in rows if row.get("db") == ours and row.get("name") != CLIENT_NAME)
    return tuple(one for one in found if one.waiting or one.subscribed), ()


def _fields(line: str) -> Mapping[str, str]:
    return dict(part.partition("=")[::2] for part in line.split(" "))


def _consumer(row: Mapping[str, str]) -> Consumer:
    return Consumer(
        address=row.get("addr", ""),
        age=float(row.get("age", 0)),
        waiting=row.get("cmd") == "brpop" or "b" in row.get("flags", ""),
        subscribed=row.get("psub", "0") != "0" or row.get("sub", "0") != "0",
        name=row.get("name", ""),
    )


def _unseen(why: str) -> BlindSpot:
    return BlindSpot("broker connections", why, "whether anybody blocks for messages or listens for control")
