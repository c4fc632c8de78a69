"""A parcel: what one process's recorder ships at once, numbered so that nothing can go missing unseen.

The wire is one JSON object, made and read with the standard library alone:

    {"v": 1, "boot": "…", "role": "worker", "node": "celery@host", "pid": 4121, "host": "host", "born": 1763729000.2,
     "first": 118, "sent": 1763730000.5, "dropped": 0, "last": false, "reads": {"process": 1763730000.1}, "blind": […],
     "items": [[kind, at, task_id, data], …]}

An item is an event, or with the kind `evidence` a fact whose `data` is an encoded `Evidence`. Items are numbered from
`first` on, without a hole; a hole lies between parcels only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from celeriac.errors import WireError
from celeriac.model.event import (
    END_OF_TIME,
    LARGEST_PID,
    LOST,
    RECORDED,
    RECORDED_KINDS,
    TASK_KINDS,
    WORKER_KINDS,
    Event,
)
from celeriac.model.evidence import Evidence
from celeriac.model.finding import BlindSpot
from celeriac.model.wire import decode, encode

VERSION = 1
EVIDENCE = "evidence"
_PUBLISHES = frozenset({"task-sent", "task-unpublished"})
_KINDS = TASK_KINDS | WORKER_KINDS | RECORDED_KINDS
_SENDER = ("boot", "role", "node", "pid", "host", "born")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Item(NamedTuple):
    """One happening as it waits to be shipped: `at` is Unix seconds, `data` JSON values under Celery's field names."""

    kind: str
    at: float
    task_id: str | None = None
    data: Mapping[str, Any] = _NOTHING


@dataclass(frozen=True, slots=True)
class Sender:
    """One life of a recording process. `role` is worker | producer | beat | agent; `node` is the worker's node name, or
    a producer's origin as Celery names it (`gen4121@host`). `born` is when its record began (Unix seconds, its clock),
    0 when it does not say."""

    boot: str
    role: str
    node: str
    pid: int
    host: str
    born: float = 0.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """`size` items from number `first` on. `dropped` is how many this sender has discarded in its life because its
    buffer was full; `last` says that nothing follows.

    `reads` are, by evidence source, when its newest successful read began, `sent_at` when this was packed (the sender's
    clock); `blind_spots` what those sources cannot see.
    """

    sender: Sender
    first: int
    size: int
    sent_at: float
    events: tuple[Event, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    dropped: int = 0
    last: bool = False
    reads: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    blind_spots: tuple[BlindSpot, ...] = ()


def fact(evidence: Evidence) -> Item:
    """Evidence as an item."""
    return Item(EVIDENCE, evidence.at, None, encode(evidence))


def pack(  # noqa: PLR0913 -- the wire's fields, one to one
    sender: Sender,
    first: int,
    items: Sequence[Item],
    sent_at: float,
    *,
    dropped: int = 0,
    last: bool = False,
    reads: Mapping[str, float] = _NOTHING,
    blind_spots: Iterable[BlindSpot] = (),
) -> bytes:
    """The parcel's bytes. What JSON cannot say is written as its `repr`: shipping never fails for a value."""
    return json.dumps(
        {
            "v": VERSION,
            "boot": sender.boot,
            "role": sender.role,
            "node": sender.node,
            "pid": sender.pid,
            "host": sender.host,
            "born": sender.born,
            "first": first,
            "sent": sent_at,
            "dropped": dropped,
            "last": last,
            "reads": dict(reads),
            "blind": encode(tuple(blind_spots)),
            "items": items,
        },
        separators=(",", ":"),
        default=_plain,
    ).encode("utf-8", "surrogatepass")


def unpack(body: bytes, seen: float) -> Parcel:
    """The parcel in `body`, received at `seen`. Raises WireError; an item of a kind not known is left out, but counted:
    a newer recorder may say more."""
    try:
        return _parcel(_read(body), seen)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WireError(f"not a parcel: {type(error).__name__}: {error}") from error


def left_behind(found: Evidence, seen: float) -> Parcel | None:
    """What a killed recorder had noted last, out of the fact that tells of its black box (worker/salvage.py), as the
    parcel it could not send; None where there is nothing. Raises WireError."""
    tail = found.data.get("tail")
    if not isinstance(tail, Mapping) or not tail.get("items"):
        return None
    fields = {
        "v": VERSION,
        "boot": found.data.get("boot"),
        "role": found.data.get("role"),
        "node": found.nodes[0] if found.nodes else None,
        "pid": found.pid,
        "host": found.host,
        "sent": found.at,
        **tail,
    }
    try:
        return _parcel(fields, seen)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WireError(f"not a black box's tail: {type(error).__name__}: {error}") from error


def opened(found: Evidence) -> Evidence:
    """The fact without that: it is on record as events."""
    return replace(found, data={name: value for name, value in found.data.items() if name != "tail"})


def _read(body: bytes) -> Any:
    """The JSON in `body`. Half a surrogate pair, which no database holds, reads as "?": one odd text must not cost the
    parcel."""
    fields = json.loads(body)
    if b"\\ud" not in body:
        return fields
    return json.loads(json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace"))


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else repr(value)


def _parcel(fields: Any, seen: float) -> Parcel:
    if not isinstance(fields, dict) or fields.get("v") != VERSION:
        raise WireError("not a parcel of this version")
    sender = decode(Sender, {"born": 0.0} | {name: fields[name] for name in _SENDER if name in fields})
    if not 0 < sender.pid <= LARGEST_PID:
        raise WireError("not a parcel: its sender has no process id")
    first, items = int(fields["first"]), fields["items"]
    if first < 1 or not 0 <= float(fields["sent"]) < END_OF_TIME:
        raise WireError("not a parcel: it has no number or no time")
    numbered = list(enumerate(items, first))
    return Parcel(
        sender=sender,
        first=first,
        size=len(items),
        sent_at=float(fields["sent"]),
        events=tuple(_event(sender, number, item, seen) for number, item in numbered if item[0] in _KINDS),
        evidence=tuple(decode(Evidence, item[3]) for item in items if item[0] == EVIDENCE),
        dropped=int(fields.get("dropped", 0)),
        last=bool(fields.get("last", False)),
        reads=MappingProxyType({str(name): float(at) for name, at in fields.get("reads", {}).items()}),
        blind_spots=tuple(decode(BlindSpot, spot) for spot in fields.get("blind", ())),
    )


def _event(sender: Sender, number: int, item: Sequence[Any], seen: float) -> Event:
    """An item's event. Its id is its number: the same however often the parcel comes.

    A publish is told under the origin that Celery's own `task-sent` has (celery/utils/nodenames.py, anon_nodename),
    also when a worker or its pool process made it.
    """
    kind, at, task_id, data = item
    worker, pid = sender.node, sender.pid
    if kind in _PUBLISHES:
        data = dict(data)
        pid = int(data.pop("child", pid))
        worker = f"gen{pid}@{sender.host}"
    if kind == LOST:
        data = {"cause": "in-socket", "because": f"given to {worker}, and the broker had no room to note that"}
    if not 0 <= at < END_OF_TIME:
        raise WireError(f"not a parcel: {kind} has no time")
    if not isinstance(task_id, str) and (task_id is not None or kind in TASK_KINDS):
        raise WireError(f"not a parcel: {kind} has no task id")
    return Event(
        id=f"{sender.boot}:{number}",
        kind=kind,
        at=float(at),
        seen=seen,
        source=RECORDED,
        worker=worker,
        pid=pid,
        task_id=task_id,
        data=MappingProxyType(dict(data)),
    )
