"""poison-task: one task ends every process that takes it."""

from __future__ import annotations

from collections import Counter

from celeriac.detectors import prose, remedies
from celeriac.detectors.base import Detector
from celeriac.detectors.poison_deaths import Poison, poisons
from celeriac.detectors.ruled_out import broker
from celeriac.model.attempt import AttemptState
from celeriac.model.fatality import Fatality
from celeriac.model.finding import (
    BlindSpot,
    Fact,
    Finding,
    Fix,
    Impact,
    Prevent,
    RuledOut,
    Severity,
    Subject,
)
from celeriac.model.incident import Patience
from celeriac.model.view import View

KIND = "poison-task"
SHOWN = 5
_VAGUE = frozenset({"signal", "unknown", "exit"})
_DID = {
    "oom": "killed for memory",
    "segfault": "crashed (SIGSEGV)",
    "memory-error": "ended by a MemoryError, which takes the whole worker down",
    "hard-time-limit": "killed for the hard time limit",
    "exit": "ended by the task itself",
    "signal": "killed by a signal",
}


def judge(view: View) -> tuple[Finding, ...]:
    """One finding for each task that ended two processes or more."""
    return tuple(_finding(view, one) for one in poisons(view))


def _finding(view: View, poison: Poison) -> Finding:
    deaths, cause = poison.deaths, _cause(poison.deaths)
    told = poison.told
    return Finding(
        kind=KIND,
        key=poison.key,
        severity=_severity(poison),
        confidence="certain" if told is not None else "likely",
        subject=Subject(
            worker=deaths[-1].node,
            host=deaths[-1].node.partition("@")[2] or None,
            queue=poison.queue,
            task_name=poison.name,
            task_id=poison.task_id,
        ),
        summary=f"{_called(poison)} has ended {_victims(poison)} {_where(deaths)}: {_DID[cause]}; {_now(poison)}",
        since=deaths[0].at,
        cause=cause,
        evidence=(*(_fact(poison, one) for one in deaths[-SHOWN:]), *_returns(poison)),
        ruled_out=tuple(filter(None, (_VISIBILITY, broker(view)))),
        impact=_impact(poison),
        fix=_fix(poison, cause),
        verify=remedies.verify(KIND, ()),
        prevent=_prevent(poison, cause),
        blind_spots=() if told is not None else (_UNCOUNTED,),
    )


_VISIBILITY = RuledOut(
    "visibility timeout", "each of these deliveries ended with the death of the process that ran it, not with a timeout"
)
_UNCOUNTED = BlindSpot(
    "deaths elsewhere",
    "no recorder counts this task's deaths",
    "deaths on hosts and workers that are not seen from here",
)


def _cause(deaths: tuple[Fatality, ...]) -> str:
    """What most of them died of; what is sure counts before what is vague."""
    causes = Counter(one.cause for one in deaths)
    sure = {cause: number for cause, number in causes.items() if cause not in _VAGUE}
    most = max((sure or causes).items(), key=lambda item: item[1])[0]
    return most if most in _DID else "signal"


def _severity(poison: Poison) -> Severity:
    return "warning" if poison.parked or _is_over(poison) else "critical"


def _is_over(poison: Poison) -> bool:
    """True when it comes to nobody again."""
    return poison.state is not None and poison.state.ended and poison.state not in _COMES_AGAIN


_COMES_AGAIN = frozenset({AttemptState.REJECTED, AttemptState.RETRIED})


def _called(poison: Poison) -> str:
    return f"{poison.name or 'a task'}[{poison.task_id}]"


def _victims(poison: Poison) -> str:
    mains = sum(one.main for one in poison.deaths)
    children = poison.count - mains
    parts = (prose.count(children, "pool child", "pool children") if children else "", _mains(mains))
    return " and ".join(part for part in parts if part)


def _mains(count: int) -> str:
    return f"{prose.count(count, 'whole worker')}" if count else ""


def _where(deaths: tuple[Fatality, ...]) -> str:
    nodes = tuple(dict.fromkeys(one.node for one in deaths))
    took = prose.span(max(1.0, deaths[-1].at - deaths[0].at))
    return f"({prose.names(nodes)}) in {took}"


def _now(poison: Poison) -> str:
    if poison.parked:
        return "it was set aside and runs no more"
    if _is_over(poison):
        return f"it {poison.state} in the end"
    return "it comes again, and will end the next"


def _fact(poison: Poison, death: Fatality) -> Fact:
    who = f"{death.node} (its main process)" if death.main else f"pool process {death.pid} of {death.node}"
    memory = "" if death.peak is None else f", with at most {prose.size(death.peak)} of memory"
    words = _DID.get(death.cause, _DID["signal"])
    source = "event" if poison.told is None else "worker"
    return Fact(death.at, source, f"{who} was on {_called(poison)}: {words}{memory}", f"celeriac task {poison.task_id}")


def _returns(poison: Poison) -> tuple[Fact, ...]:
    times = None if poison.told is None else poison.told.number("delivery_count")
    if times is None or poison.told is None:
        return ()
    said = f"its quorum queue has given it back {prose.count(int(times), 'time')} (x-delivery-count)"
    return (Fact(poison.told.at, "broker", said, f"celeriac task {poison.task_id}"),)


def _impact(poison: Poison) -> Impact:
    """A task that is dead counts among what failed: it has no other end."""
    ids = (poison.task_id,)
    names = ((poison.name, 1),) if poison.name else ()
    if poison.parked or _is_over(poison):
        return Impact(failed=ids, task_names=names)
    return Impact(requeued=ids, task_names=names)


def _fix(poison: Poison, cause: str) -> tuple[Fix, ...]:
    look = Fix(f"celeriac task {poison.task_id}", "see its arguments, and every run with its memory")
    if poison.parked or _is_over(poison):
        return (*_MEND.get(cause, ()), look)
    stop = Fix(
        f"celery -A PROJ control revoke {poison.task_id}",
        "the next worker that takes it throws it away, as long as that worker is not restarted",
        "loses-work",
    )
    return (stop, *_MEND.get(cause, ()), look)


_MEND: dict[str, tuple[Fix, ...]] = {
    "oom": (Fix("# raise the worker's memory limit, or split what the task takes in", "its peak must fit"),),
    "memory-error": (Fix("# raise the worker's memory limit, or split what the task takes in", "its peak must fit"),),
    "segfault": (
        Fix("PYTHONFAULTHANDLER=1 celery -A PROJ worker …", "the next crash writes the Python stack to the log"),
    ),
    "hard-time-limit": (
        Fix("# raise time_limit, or split the task", "it never ends in the time it has, and starts from the beginning"),
    ),
}


def _prevent(poison: Poison, cause: str) -> tuple[Prevent, ...]:
    told = poison.told
    found = []
    if told is None:
        found.append(
            Prevent(
                "celeriac.install(app)", "in the module of the app", "deaths are counted over all workers and hosts"
            )
        )
    if told is None or told.text("policy") != "park":
        found.append(
            Prevent(
                "celeriac_poison", "park", "at celeriac_poison_limit deaths (3) the task is set aside, and kept whole"
            )
        )
    if told is not None and told.number("delivery_count") is not None:
        found.append(
            Prevent(
                "x-dead-letter-exchange of the queue",
                "an exchange with a queue behind it",
                "RabbitMQ 4 drops a message without a word when it was given back 20 times; this keeps it",
            )
        )
    if cause == "hard-time-limit":
        found.append(
            Prevent(
                "task_acks_on_failure_or_timeout", "True", "a task that hit its limit is not given to the next worker"
            )
        )
    return tuple(found)


DETECTOR = Detector(KIND, judge, needs=frozenset({"events"}), patience=Patience(keep_open=30.0))
