"""The account of one recorder's life: which of its numbered items came, and so which are missing.

What came is a set of spans, and every parcel adds one: any order or repetition of parcels gives the same account, and
one that comes late fills the hole it left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from celeriac.model.event import RECORDED, fingerprint
from celeriac.model.evidence import Evidence
from celeriac.model.gap import Gap
from celeriac.model.parcel import Parcel, Sender

SPANS = 64
"""Spans kept per life. The holes before them are settled: nothing fills them any more."""


@dataclass(frozen=True, slots=True)
class Span:
    """Items `first` to `last` came without a hole. `began` and `ended` are the times of its first and last parcel;
    `dropped_before` and `dropped` what the sender had discarded in its life by then."""

    first: int
    last: int
    began: float
    ended: float
    dropped_before: int = 0
    dropped: int = 0


_BIRTH = Span(1, 0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Recording:
    """One life. `noted` is the number of its newest item as it left it behind when it was killed at `ended_at`; both
    None while that is not known.

    `skew` is what to add to its clock to have ours (seconds), None before that was measured. `settled` is the span that
    the holes are counted from: birth, until there are more than `SPANS`; None when the beginning was before our time.
    """

    sender: Sender
    heard_at: float
    spans: tuple[Span, ...] = ()
    settled: Span | None = _BIRTH
    noted: int | None = None
    ended_at: float | None = None
    skew: float | None = None


def begun(sender: Sender, heard_at: float, watched_since: float | None) -> Recording:
    """A life heard of for the first time. What it shipped before we watched at all is nobody's hole."""
    ours = watched_since is not None and watched_since <= sender.born
    return Recording(sender, heard_at, settled=_BIRTH if ours else None)


def note(recording: Recording, parcel: Parcel, at: float) -> Recording:
    """The account after `parcel` came at `at`. The same parcel again changes nothing but when it was heard."""
    span = Span(
        parcel.first,
        parcel.first + parcel.size - 1,
        parcel.sent_at,
        parcel.sent_at,
        parcel.dropped,
        parcel.dropped,
    )
    settled = recording.settled
    judged = settled.last if settled else 0
    spans = _united((*recording.spans, *(one for one in (span,) if one.last > judged or not judged)))
    if len(spans) > SPANS:
        settled, spans = spans[-SPANS - 1], spans[-SPANS:]
    return replace(
        recording,
        spans=spans,
        settled=settled,
        heard_at=max(recording.heard_at, at),
    )


def measured(recording: Recording, lag: float) -> Recording:
    """The account with its clock compared: `lag` is arrival (ours) less sending (its), and the least is the skew."""
    return replace(recording, skew=lag if recording.skew is None else min(lag, recording.skew))


def died(recording: Recording, evidence: Evidence) -> Recording:
    """The account after what a killed process left behind told how far it had counted."""
    last = evidence.number("last")
    noted = max((one for one in (last, recording.noted) if one is not None), default=None)
    return replace(recording, noted=None if noted is None else int(noted), ended_at=recording.ended_at or evidence.at)


def holes(recording: Recording, found_at: float) -> tuple[Gap, ...]:
    """What is missing, with why: `buffer-full` as far as the sender counted drops, `killed` what died with it,
    `trimmed` the rest."""
    known = recording.spans if recording.settled is None else (recording.settled, *recording.spans)
    found = [gap for before, after in pairwise(known) for gap in _between(recording, before, after, found_at)]
    return tuple(found + list(_unheard(recording, found_at)))


def _between(recording: Recording, before: Span, after: Span, found_at: float) -> Iterator[Gap]:
    missing = max(0, after.first - before.last - 1)
    dropped = min(missing, max(0, after.dropped_before - before.dropped))
    start, end = before.ended or after.began, after.began
    if dropped:
        yield _gap(recording, before.last + 1, dropped, "buffer-full", (start, end), found_at)
    if missing > dropped:
        yield _gap(recording, before.last + 1, missing - dropped, "trimmed", (start, end), found_at)


def _unheard(recording: Recording, found_at: float) -> Iterator[Gap]:
    if recording.noted is None or recording.ended_at is None:
        return
    newest = recording.spans[-1] if recording.spans else recording.settled
    if newest is not None and recording.noted > newest.last:
        stretch = (newest.ended or recording.ended_at, recording.ended_at)
        yield _gap(recording, newest.last + 1, recording.noted - newest.last, "killed", stretch, found_at)


def _gap(recording: Recording, first: int, size: int, cause: str, stretch: tuple[float, float], found_at: float) -> Gap:
    sender = recording.sender
    name = fingerprint(RECORDED, sender.boot, first, cause)
    return Gap(name, RECORDED, sender.node, sender.pid, *stretch, size, cause, found_at)


def _united(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in order, those that touch as one."""
    whole: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.first, one.last)):
        if whole and span.first <= whole[-1].last + 1:
            whole[-1] = _joined(whole[-1], span)
        else:
            whole.append(span)
    return tuple(whole)


def _joined(left: Span, right: Span) -> Span:
    first = left.first
    before = min(one.dropped_before for one in (left, right) if one.first == first)
    began = min(one.began for one in (left, right) if one.first == first)
    last = max(left.last, right.last)
    ended = max(one.ended for one in (left, right) if one.last == last)
    dropped = max(one.dropped for one in (left, right) if one.last == last)
    return Span(first, last, began, ended, before, dropped)
