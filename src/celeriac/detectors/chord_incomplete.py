"""chord-incomplete: a chord that can never finish by itself, with the members that are missing and why."""

from __future__ import annotations

from celeriac.detectors import prose, remedies
from celeriac.detectors.base import Detector
from celeriac.detectors.chords import Chord, Missing, incomplete
from celeriac.detectors.losses import deathbeds, vanished
from celeriac.model.finding import (
    Confidence,
    Fact,
    Finding,
    Fix,
    Impact,
    Prevent,
    Severity,
    Subject,
    Verify,
    finding_key,
)
from celeriac.model.incident import Patience
from celeriac.model.ledger import Term
from celeriac.model.view import View

KIND = "chord-incomplete"
FACTS = 4
_GRAVE = frozenset({"member-lost", "member-uncounted", "body-unpublished", "expired"})
_LEAD = {"member-held": "waits", "member-unknown": "may never run", "expiring": "may never run"}
_WHY = {
    "member-lost": "lost: the count is never reached",
    "member-held": "held by a dead consumer",
    "member-uncounted": "ended without being counted",
    "member-unknown": "and nothing tells what became of the rest",
    "body-unpublished": "and nobody published it",
    "expiring": "and what is in expires before the rest may come",
    "expired": "and what was in has expired",
}


def judge(view: View) -> tuple[Finding, ...]:
    """One finding for each body that waits, and cause: chords of one kind that fail in one way are one incident."""
    found: dict[tuple[str, str], list[Chord]] = {}
    for chord in incomplete(view):
        found.setdefault((chord.fact.text("body_name") or chord.group_id, chord.cause), []).append(chord)
    return tuple(_finding(view, owner, cause, chords) for (owner, cause), chords in found.items())


def _finding(view: View, owner: str, cause: str, chords: list[Chord]) -> Finding:
    first = chords[0]
    missing = tuple(member for chord in chords for member in chord.missing)
    return Finding(
        kind=KIND,
        key=finding_key(KIND, f"{owner} {cause}"),
        severity=_severity(cause),
        confidence=_confidence(first, cause),
        subject=Subject(
            worker=_only(tuple(one.worker for one in missing)),
            task_name=first.fact.text("body_name"),
            task_id=first.fact.text("body") if len(chords) == 1 else None,
        ),
        summary=_summary(chords, missing, cause),
        since=min(chord.figure("moved_at") for chord in chords),
        cause=cause,
        evidence=tuple(fact for chord in chords[:FACTS] for fact in _facts(chord)),
        impact=_impact(missing),
        fix=_fix(first, missing, cause),
        verify=(
            Verify(f"redis-cli -u RESULT_BACKEND_URL EXISTS celery-taskset-meta-{first.group_id}.s", "0"),
            Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0"),
        ),
        prevent=_prevent(cause),
        caused_by=_root(view, missing),
    )


def _severity(cause: str) -> Severity:
    return "critical" if cause in _GRAVE else "warning"


def _confidence(chord: Chord, cause: str) -> Confidence:
    if cause == "member-unknown":
        return "possible"
    return "certain" if chord.fact.data.get("counted") or cause in ("body-unpublished", "expired") else "likely"


def _summary(chords: list[Chord], missing: tuple[Missing, ...], cause: str) -> str:
    first = chords[0]
    lead = f"{first.body} {_LEAD.get(cause, 'will not run')}"
    if len(chords) > 1:
        who = f"{prose.count(len(missing), 'member')} missing, " if missing else ""
        return f"{lead} in {prose.count(len(chords), 'chord')}: {who}{_WHY[cause]}"
    came = f"{first.figure('done'):.0f} of {first.figure('size'):.0f} results are in"
    if not missing:
        return f"{lead}: {came}, {_WHY[cause]}"
    who = prose.names([f"{one.name or 'a task'}[{one.id}]" for one in missing], 2)
    return f"{lead}: {came}; {who} {'is' if len(missing) == 1 else 'are'} missing, {_WHY[cause]}"


def _facts(chord: Chord) -> tuple[Fact, ...]:
    fact = chord.fact
    came = f"chord {chord.group_id} has {chord.figure('done'):.0f} of {chord.figure('size'):.0f} results"
    still = f"{came}, none since {prose.instant(chord.figure('moved_at'))}"
    expires_at = fact.number("expires_at")
    until = "" if expires_at is None else f"; they expire in {prose.span(expires_at - fact.at)}"
    return (Fact(fact.at, "ledger", still + until, fact.how), *(_missed(one) for one in chord.missing[:FACTS]))


def _missed(member: Missing) -> Fact:
    why = f": {member.because}" if member.because else ""
    words = f"{member.name or 'a task'}[{member.id}] is {member.term or 'not on record'}{why}"
    return Fact(member.heard_at, "ledger", words, f"celeriac task {member.id}")


def _impact(missing: tuple[Missing, ...]) -> Impact:
    def of(term: Term) -> tuple[str, ...]:
        return tuple(one.id for one in missing if one.term == term)

    return Impact(lost=of(Term.LOST), held=of(Term.HELD), failed=of(Term.FAILED), unknown=of(Term.UNKNOWN))


def _fix(chord: Chord, missing: tuple[Missing, ...], cause: str) -> tuple[Fix, ...]:
    if cause in ("member-lost", "member-held") and missing:
        why = "put back under the same id, the member counts for its chord, and the body follows by itself"
        return (Fix(f"celeriac rescue --task {missing[0].id}", why, "repeats-work"),)
    whom = f"celeriac task {missing[0].id if missing else chord.fact.text('body') or chord.group_id}"
    if cause in ("member-uncounted", "body-unpublished", "expired"):
        why = f"nothing makes it count any more: start the chord of {chord.body} again, once you know what has run"
        return (Fix(whom, why, "repeats-work"),)
    return (Fix(whom, "see where it is, and what it waits for"),)


def _prevent(cause: str) -> tuple[Prevent, ...]:
    if cause in ("expiring", "expired"):
        return (
            Prevent("result_expires", "longer than a chord takes", "the count of a chord expires with its results"),
        )
    return (remedies.LATE_ACK,)


def _root(view: View, missing: tuple[Missing, ...]) -> str | None:
    """The finding that tells how the first missing member was lost."""
    ids = {one.id for one in missing if one.term == Term.LOST}
    for bed in deathbeds(view):
        if ids & {task.id for task in bed.lost}:
            return bed.key
    return next((one.key for one in vanished(view) if ids & {it.task.id for it in one.absences}), None)


def _only(workers: tuple[str | None, ...]) -> str | None:
    return workers[0] if len(set(workers)) == 1 else None


DETECTOR = Detector(KIND, judge, patience=Patience(keep_open=10.0))
