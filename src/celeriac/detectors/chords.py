"""Chords that stand still, read from their levels, and what keeps each from its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from celeriac.model.evidence import Evidence
from celeriac.model.ledger import Term
from celeriac.model.view import View

HOLDS = 10.0
"""Seconds for which a chord stands still before anybody says so: results and events come by different ways."""
UNCLAIMED = 30.0
"""Seconds after the last result in which the body should have been published: a claim to do it lasts 10 s or so
(celery/backends/redis.py, on_chord_part_return)."""
SOON = 600.0
UNKNOWN_AFTER = 600.0
STALE = 15.0
TOLD = 900.0
"""Seconds for which a chord that has expired is told."""
_CAUSES = {Term.LOST: "member-lost", Term.HELD: "member-held", Term.UNKNOWN: "member-unknown"}


class Missing(NamedTuple):
    """A member that is not counted, as the ledger has it; `heard_at` is Unix seconds of its last word."""

    id: str
    name: str | None
    term: str | None
    because: str | None
    worker: str | None
    heard_at: float

    @property
    def ended(self) -> bool:
        """True when its own end was heard, though the chord did not count it."""
        return self.term is not None and not Term(self.term).open and self.term != Term.LOST


@dataclass(frozen=True, slots=True)
class Chord:
    """One chord that will not reach its body by itself. `cause` is a `chord-incomplete` cause slug."""

    fact: Evidence
    cause: str
    missing: tuple[Missing, ...]

    @property
    def group_id(self) -> str:
        """The group its members are in."""
        return self.fact.text("group_id") or ""

    @property
    def body(self) -> str:
        """The task that follows, by its name where that is known."""
        return self.fact.text("body_name") or "its body"

    def figure(self, key: str) -> float:
        """A number of the level; one that is not told is 0."""
        return self.fact.number(key) or 0.0


def incomplete(view: View) -> Iterator[Chord]:
    """Those with a cause, the oldest first. A chord whose members wait or run is only slow."""
    for fact in sorted(_current(view), key=lambda one: one.number("since") or 0.0):
        missing = tuple(Missing(*one) for one in _listed(fact))
        cause = _cause(fact, missing, view.at)
        if cause is not None:
            slow = cause in ("expiring", "expired")
            yield Chord(fact, cause, missing if slow else tuple(one for one in missing if _fate(one)))


def _current(view: View) -> list[Evidence]:
    return [one for one in view.evidence if one.what == "chord" and one.number("done_at") is None and _fresh(one, view)]


def _fresh(fact: Evidence, view: View) -> bool:
    expired = fact.number("expired_at")
    if expired is not None:
        return view.at - expired <= TOLD
    return view.at - fact.at <= 3 * (fact.number("interval") or 0.0) + STALE


def _listed(fact: Evidence) -> list[list[Any]]:
    listed = fact.data.get("missing")
    return list(listed) if isinstance(listed, (list, tuple)) else []


def _cause(fact: Evidence, missing: tuple[Missing, ...], at: float) -> str | None:
    if fact.number("expired_at") is not None:
        return "expired"
    still = at - (fact.number("moved_at") or at)
    size, done = fact.number("size") or 0.0, fact.number("done") or 0.0
    if still < HOLDS:
        return None
    if done >= size:
        return "body-unpublished" if still >= UNCLAIMED else None
    return _of_members(missing) or _of_clock(fact, at) or _of_strangers(fact, still)


def _of_members(missing: tuple[Missing, ...]) -> str | None:
    """The worst that befell a member that is on record."""
    found = [_fate(one) for one in missing]
    order = ("member-lost", "member-uncounted", "member-held", "member-unknown")
    return next((cause for cause in order if cause in found), None)


def _of_clock(fact: Evidence, at: float) -> str | None:
    expires_at = fact.number("expires_at")
    return "expiring" if expires_at is not None and expires_at - at <= SOON else None


def _of_strangers(fact: Evidence, still: float) -> str | None:
    """Where no member is on record, long stillness is all there is to see."""
    return "member-unknown" if not fact.number("known") and still >= UNKNOWN_AFTER else None


def _fate(member: Missing) -> str | None:
    if member.ended:
        return "member-uncounted"
    return None if member.term is None else _CAUSES.get(Term(member.term))
