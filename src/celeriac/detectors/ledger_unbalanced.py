"""ledger-unbalanced: what was published and where it stands do not add up, or the broker holds less than the ledger."""

from __future__ import annotations

from celeriac.detectors import commands, prose
from celeriac.detectors.base import Detector
from celeriac.model.finding import Fact, Finding, Fix, Impact, RuledOut, Subject, Verify, finding_key
from celeriac.model.incident import Patience
from celeriac.model.ledger import Balance, Term
from celeriac.model.queue import Queue
from celeriac.model.view import View

KIND = "ledger-unbalanced"
STILL = 30.0
"""Seconds for which nothing moved in a queue, so that no message is on its way and both counts mean the same moment."""
LEAST_LOOKS = 5
_FIX = Fix("celeriac status --balance", "shows both sides, in total and by task name")
_VERIFY = (Verify("celeriac status --balance", "it adds up, exit code 0"),)


def judge(view: View) -> tuple[Finding, ...]:
    """The books themselves, then each queue that holds less than it should."""
    books = [_of_books(view, view.balance)] if view.balance is not None and not view.balance.holds else []
    return (*books, *(found for queue in view.queues if (found := _of_queue(view, queue)) is not None))


def _of_books(view: View, balance: Balance) -> Finding:
    came_in = balance.published + balance.unrecorded
    difference = abs(came_in - balance.accounted)
    return Finding(
        kind=KIND,
        key=finding_key(KIND, "books"),
        severity="warning",
        confidence="certain",
        subject=Subject(broker="ledger"),
        summary=f"The ledger does not add up: {prose.number(came_in)} tasks came in, {prose.number(balance.accounted)} "
        f"are accounted for; figures of lost and held tasks may be off by {prose.number(difference)}",
        since=view.at,
        cause="books",
        evidence=(
            Fact(view.at, "ledger", f"published {prose.number(balance.published)}, {_terms(balance)}", _FIX.command),
        ),
        impact=Impact(lost=None, held=None, unknown=None),
        fix=(_FIX, Fix("celeriac serve --store sqlite:///new.db", "a store begun anew counts anew", "loses-work")),
        verify=_VERIFY,
    )


def _terms(balance: Balance) -> str:
    return ", ".join(f"{term.value} {prose.number(tasks)}" for term, tasks in balance.terms.items() if tasks)


def _of_queue(view: View, queue: Queue) -> Finding | None:
    """In a queue where nothing moves, whoever waits by the ledger must be in the broker; but for those that are
    looked for already, one by one."""
    still = _stillness(view, queue)
    wanted = sum(1 for task in view.suspects if task.queue == queue.name)
    waiting = view.standing.get(queue.name, {}).get(Term.WAITING, 0)
    missing = waiting - wanted - queue.latest.ready
    if still is None or missing <= 0:
        return None
    return Finding(
        kind=KIND,
        key=finding_key(KIND, queue.name),
        severity="warning",
        confidence="likely",
        subject=Subject(queue=queue.name),
        summary=f"{prose.count(missing, 'task')} of {queue.name} {'is' if missing == 1 else 'are'} waiting by the "
        f"ledger, and not in the broker: {prose.number(waiting)} against {prose.number(queue.latest.ready)}",
        since=still,
        cause="broker",
        evidence=(
            Fact(view.at, "ledger", f"{prose.count(waiting, 'task')} published to it and not taken", _FIX.command),
            Fact(
                queue.latest.at,
                "broker",
                f"{prose.count(queue.latest.ready, 'message')} ready in it, the same since {prose.clock(still)}",
                commands.depth(queue),
            ),
        ),
        ruled_out=(RuledOut("messages on their way", "nothing entered or left the queue meanwhile"),),
        impact=Impact(unknown=None, waiting=queue.latest.ready),
        fix=(_FIX, Fix(f'celeriac tasks "state:waiting queue:{queue.name}"', "the tasks it may be")),
        verify=_VERIFY,
    )


def _stillness(view: View, queue: Queue) -> float | None:
    """Since when the queue has not moved, None when it has, or was not seen for long enough."""
    looks = queue.since(view.at - STILL)
    if len(looks) < LEAST_LOOKS or view.at - looks[0].at < STILL - 5.0:
        return None
    same = {(look.ready, look.oldest_id, look.newest_id) for look in looks}
    return looks[0].at if len(same) == 1 else None


DETECTOR = Detector(KIND, judge, needs=frozenset({"broker"}), patience=Patience(hold=5.0))
