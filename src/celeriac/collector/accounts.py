"""The accounts of every recorder's life: what its parcels, and what a killed one left behind, come to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from celeriac.model.evidence import Evidence
from celeriac.model.gap import Gap
from celeriac.model.parcel import Parcel, Sender
from celeriac.model.recording import Recording, begun, died, holes, measured, note

LIVES_LIMIT = 5_000
"""Accounts kept at hand; the others are read from the store when one of their parcels comes."""

Known = Callable[[Sequence[str]], dict[str, Recording]]


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry came to: the accounts that moved, holes found, and the ids of holes that proved to be none."""

    recordings: tuple[Recording, ...] = ()
    gaps: tuple[Gap, ...] = ()
    filled: tuple[str, ...] = ()


class Accounts:
    """`known` reads accounts from the store; `watched_since` is when that first heard anything, None for a new one."""

    def __init__(self, known: Known, watched_since: float | None) -> None:
        self._known = known
        self._watched_since = watched_since
        self._at_hand: OrderedDict[str, Recording] = OrderedDict()

    def enter(self, parcels: Sequence[Parcel], at: float, *, prompt: bool) -> Entry:
        """What `parcels`, received at `at`, come to. Nothing is kept before `settle`: it must be on record first.

        `prompt` says that they came as soon as they were sent, so that they tell the sender's clock.
        """
        self._fetch(parcels)
        after: dict[str, Recording] = {}
        for parcel in parcels:
            account = note(self._account(after, parcel.sender, at), parcel, at)
            after[parcel.sender.boot] = measured(account, at - parcel.sent_at) if prompt else account
        for evidence in _left_behind(parcels):
            boot = str(evidence.data["boot"])
            known = after.get(boot) or self._at_hand.get(boot)
            if known is not None:  # else it recorded for another system on that host: never one item of it came here
                after[boot] = died(known, evidence)
        return self._entry(after.values(), at)

    def settle(self, entry: Entry) -> None:
        """The entry is on record."""
        for one in entry.recordings:
            self._at_hand[one.sender.boot] = one
            self._at_hand.move_to_end(one.sender.boot)
        while len(self._at_hand) > LIVES_LIMIT:
            self._at_hand.popitem(last=False)

    def skew(self, boot: str) -> float | None:
        """Seconds to add to that life's clock to have ours, None before that was measured."""
        known = self._at_hand.get(boot)
        return None if known is None else known.skew

    def _fetch(self, parcels: Iterable[Parcel]) -> None:
        boots = {parcel.sender.boot for parcel in parcels} | {str(one.data["boot"]) for one in _left_behind(parcels)}
        missing = sorted(boots - self._at_hand.keys())
        if missing:
            self._at_hand |= self._known(missing)

    def _account(self, after: dict[str, Recording], sender: Sender, at: float) -> Recording:
        return after.get(sender.boot) or self._at_hand.get(sender.boot) or begun(sender, at, self._watched_since)

    def _entry(self, accounts: Iterable[Recording], at: float) -> Entry:
        moved, gaps, filled = [], [], []
        for after in accounts:
            before = self._at_hand.get(after.sender.boot)
            known = {} if before is None else {gap.id: gap for gap in holes(before, at)}
            stands = {gap.id: gap for gap in holes(after, at)}
            gaps += [gap for gap in stands.values() if gap != known.get(gap.id)]
            if before is not None and before.settled == after.settled:
                filled += sorted(known.keys() - stands.keys())
            moved.append(after)
        return Entry(tuple(moved), tuple(gaps), tuple(filled))


def _left_behind(parcels: Iterable[Parcel]) -> Iterable[Evidence]:
    """What tells how far a killed recorder had counted."""
    facts = (one for parcel in parcels for one in parcel.evidence if one.what == "process-gone")
    return (one for one in facts if one.text("boot") and one.number("last") is not None)
