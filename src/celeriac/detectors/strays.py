"""Held messages that no event ties to a worker, and whose they may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from celeriac.detectors.deliveries import deliveries
from celeriac.detectors.endings import Ending, endings
from celeriac.detectors.fates import CLOCKS_AGREE, look_after
from celeriac.detectors.liveness import Life, Standing, began, lives
from celeriac.detectors.reading import once_per_view
from celeriac.model.broker import BrokerLook, Held
from celeriac.model.finding import Confidence
from celeriac.model.view import View

SETTLED_AFTER = 30.0
"""Seconds a message must have been delivered before its absence from every claim means anything."""
DRAINS_FOR = 60.0


@dataclass(frozen=True, slots=True)
class Strays:
    """Held messages that no event ties to a worker, and how sure it is that a dead consumer holds them."""

    held: tuple[Held, ...] = ()
    confidence: Confidence = "possible"


@once_per_view
def strays(view: View) -> Strays:
    """Held messages whose consumer is dead though no event says whose they were."""
    look = look_after(view, endings(view))
    if look is None or look.held is None:
        return Strays()
    owned = _owned(view)
    free = tuple(one for one in look.held if one.task_id not in owned)
    holders = [life for life in lives(view) if _can_hold(life)]
    if not holders:
        return _of_the_dead(view, look, free)
    starts = [began(life) for life in holders]
    first = min((start for start in starts if start is not None), default=None)
    if first is not None and None not in starts:
        older = tuple(one for one in free if one.since is not None and one.since < first - CLOCKS_AGREE)
        if older:
            return Strays(older, "certain" if _is_proven(view, look, older, holders) else "likely")
    return _unclaimed(view, free, holders)


def _owned(view: View) -> frozenset[str | None]:
    """Ids whose newest delivery is on record: their owner is known, dead or alive."""
    return frozenset(task.id for task, last in deliveries(view) if last.received_at is not None)


def _can_hold(life: Life) -> bool:
    if life.standing is Standing.LEFT:
        return life.trace.process is not None or life.silence < DRAINS_FOR
    return life.standing is not Standing.ENDED


def _of_the_dead(view: View, look: BrokerLook, free: tuple[Held, ...]) -> Strays:
    """Nobody lives here; somebody we never heard may, unless the broker shows no connection or the dead are known."""
    alone = look.consumers is not None and not any(one.subscribed or one.waiting for one in look.consumers)
    if alone:
        return Strays(free, "certain" if _is_proven(view, look, free, []) else "likely")
    return Strays(free, "likely") if endings(view) else Strays()


def _is_proven(view: View, look: BrokerLook, found: Iterable[Held], holders: Sequence[Life]) -> bool:
    """True when each can only be of the dead: every end was seen, one of those that ended lived when it was delivered,
    none of the living did, and nobody is connected who was never heard."""
    ends = endings(view)
    births = [_born(life) for life in holders]
    return (
        not any(ending.inferred for ending in ends)
        and _all_known(look, holders)
        and all(_lived_at(ends, one.since) and not _may_precede(births, one.since) for one in found)
    )


def _lived_at(ends: Iterable[Ending], at: float | None) -> bool:
    spans = ((began(ending.life) or 0.0, ending.at) for ending in ends if ending.life is not None)
    return at is not None and any(born - CLOCKS_AGREE <= at <= end + CLOCKS_AGREE for born, end in spans)


def _may_precede(births: Iterable[float | None], at: float | None) -> bool:
    return any(born is None or at is None or born - CLOCKS_AGREE <= at for born in births)


def _born(life: Life) -> float | None:
    """Unix seconds of its birth, None when that was not seen. It says that it is online at each connection, so only
    one that was never heard before was born then."""
    if life.trace.process is not None:
        return life.trace.process.number("started")
    online = life.worker.online_at
    return online if online is not None and online <= life.worker.first_seen + CLOCKS_AGREE else None


def _all_known(look: BrokerLook, holders: Iterable[Life]) -> bool:
    """True when nobody takes messages who was never heard: each that does has one connection that blocks for them."""
    speaking = sum(life.standing is Standing.ALIVE for life in holders)
    return look.consumers is not None and sum(one.waiting for one in look.consumers) <= speaking


def _unclaimed(view: View, free: tuple[Held, ...], holders: list[Life]) -> Strays:
    """Messages no living worker names when asked. A rate-limited one waits in none of a worker's lists (FAILURE-MODES
    F35), so this alone is never more than possible; with a death on record it is likely."""
    asked = [life.worker.asked_at for life in holders if life.worker.claims is not None]
    answered = [at for at in asked if at is not None]
    if len(answered) < len(holders) or not answered:
        return Strays()
    claimed = {claim.task_id for life in holders for claim in life.worker.claims or ()}
    until = min(min(answered) - CLOCKS_AGREE, view.at - SETTLED_AFTER)
    found = tuple(one for one in free if one.since is not None and one.since < until and one.task_id not in claimed)
    return Strays(found, "likely" if endings(view) else "possible")
