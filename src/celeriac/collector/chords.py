"""Chords that stand still: how far they have come, and who is missing, as the ledger has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from celeriac.model.evidence import Evidence
from celeriac.model.ledger import Term
from celeriac.model.outcome import ChordCount
from celeriac.store import Member

STILL = 5.0
"""Seconds without a new result after which a chord is written down."""
FOLLOWED = 1_000
TOLD = 50
"""Chords that are written down at once."""
NAMED = 20
"""Missing members of one chord that are named."""
HOW = "redis-cli -u RESULT_BACKEND_URL ZCARD celery-taskset-meta-{}.j"


@dataclass(frozen=True, slots=True)
class _Progress:
    """When a chord was first seen, how far it was when it last moved, and when that was (Unix seconds, ours)."""

    first_seen: float
    done: int
    moved_at: float
    expires_at: float | None


class Chords:
    """The chords that were found, and what was written down of them. `interval` is the seconds between two looks."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._known: dict[str, _Progress] = {}
        self._told: dict[str, Evidence] = {}

    def groups(self, found: Iterable[str]) -> tuple[str, ...]:
        """Those to ask about: the ones that are followed, and as many of `found` as there is room for."""
        return tuple(dict.fromkeys((*self._known, *found)))[:FOLLOWED]

    def still(self, counts: Sequence[ChordCount], now: float) -> tuple[ChordCount, ...]:
        """Follow `counts`; those to write down, the longest still first."""
        for count in counts:
            self._known[count.group_id] = _moved(self._known.get(count.group_id), count, now)
        known, told = self._known, self._told
        due = [one for one in counts if one.group_id in told or now - known[one.group_id].moved_at >= STILL]
        return tuple(sorted(due, key=lambda one: known[one.group_id].moved_at)[:TOLD])

    def facts(self, still: Sequence[ChordCount], members: Iterable[Member], now: float) -> tuple[Evidence, ...]:
        """A level for each of `still`."""
        of: defaultdict[str, list[Member]] = defaultdict(list)
        for member in members:
            of[member.group_id].append(member)
        found = tuple(self._fact(count, of[count.group_id], now) for count in still)
        self._told |= {str(fact.data["group_id"]): fact for fact in found}
        return found

    def gone(self, counts: Iterable[ChordCount], now: float) -> tuple[Evidence, ...]:
        """A last level for each whose count is no more: its body was published, or the count has expired."""
        left = self._known.keys() - {one.group_id for one in counts}
        before = {group: self._known.pop(group) for group in left}
        last = ((self._told.pop(group), known) for group, known in before.items() if group in self._told)
        return tuple(replace(fact, at=now, data={**fact.data, **_end(known, now)}) for fact, known in last)

    def _fact(self, count: ChordCount, members: Sequence[Member], now: float) -> Evidence:
        known = self._known[count.group_id]
        missing = _missing(count, members)
        body = next((one for one in members if one.chord or one.chord_name), None)
        published = [one.published_at for one in members if one.published_at is not None]
        return Evidence(
            id=f"chord-{count.group_id}",
            at=now,
            source="ledger",
            what="chord",
            host="",
            fact=f"chord {count.group_id} has {count.done} of {count.size} results",
            how=HOW.format(count.group_id),
            data={
                "group_id": count.group_id,
                "size": count.size,
                "done": count.done,
                "claimed": count.claimed,
                "expires_at": known.expires_at,
                "since": min(published, default=known.first_seen),
                "moved_at": known.moved_at,
                "known": len(members),
                "counted": count.counted is not None,
                "body": body.chord if body else None,
                "body_name": body.chord_name if body else None,
                "missing": [[m.id, m.name, m.term, m.because, m.worker, m.since] for m in missing[:NAMED]],
                "interval": self._interval,
            },
        )


def _moved(before: _Progress | None, count: ChordCount, now: float) -> _Progress:
    expires_at = None if count.expires_in is None else now + count.expires_in
    if before is None:
        return _Progress(now, count.done, now, expires_at)
    if before.done != count.done:
        return _Progress(before.first_seen, count.done, now, expires_at)
    return replace(before, expires_at=expires_at)


def _missing(count: ChordCount, members: Sequence[Member]) -> list[Member]:
    """Those not counted, the ones that can be lost first; where the backend names nobody, those that have not ended."""
    if count.counted is None:
        found = [one for one in members if one.term is not None and (Term(one.term).open or one.term == Term.LOST)]
    else:
        found = [one for one in members if one.id not in count.counted]
    return sorted(found, key=lambda one: (one.term != Term.LOST, one.term != Term.HELD, one.since))


def _end(known: _Progress, now: float) -> dict[str, float]:
    expired = known.expires_at is not None and known.expires_at <= now
    return {"expired_at" if expired else "done_at": now}
