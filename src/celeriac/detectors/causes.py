"""Why a worker was lost, when memory was not it: the cause tree, surest evidence first."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.detectors.endings import ORDERLY_EXITS, Ending, endings
from celeriac.detectors.fates import Fate
from celeriac.detectors.memory import KILLED, fact
from celeriac.detectors.traces import is_ended, is_from_box, mains_gone, seen
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Confidence, Fact
from celeriac.model.view import View

LAST_WORDS = 30.0
"""Seconds before an end within which a log line can be its reason."""
GRACE_AT_LEAST = 2.5
"""Seconds a stop must have been under way before its end is called too short a grace: a main process that fails says
goodbye too, and is gone within about a second."""
LAST_EVENTS = 3.0
"""Seconds after an end for the last events of its tasks to come."""
SEEN_LATE = 5.0
TOGETHER = 10.0
AROUND = 4.0
"""Seconds without a look at the broker, of which there is one a second, after which it was away."""
SIGKILL, SIGTERM = 9, 15
_SIGNATURES = (
    ("memory-error", ("memoryerror", "memory-error")),
    ("broker-refused", ("oom command", "readonly", "misconf", "precondition")),
)
_FAILURE = ("unrecoverable error",)


@dataclass(frozen=True, slots=True)
class Cause:
    """A `worker-lost` cause slug, how sure the finding is, what the cause adds to its summary, and its evidence."""

    slug: str
    confidence: Confidence
    words: str
    facts: tuple[Fact, ...] = ()


def cause_of(view: View, ending: Ending, fate: Fate) -> Cause | None:
    """The cause of an end that was not for memory; None when the end was asked for and orderly."""
    return (
        _by_eviction(ending, fate)
        or _from_its_log(view, ending)
        or _from_its_goodbye(view, ending, fate)
        or _from_its_exit(view, ending)
    )


def _by_eviction(ending: Ending, fate: Fate) -> Cause | None:
    """Kubernetes took the pod away. One that had the time to finish its work, and said goodbye, harmed nobody."""
    pod = ending.trace.container
    why = pod.text("evicted") if pod is not None and is_ended(pod) else None
    if pod is None or why is None or (ending.goodbye_at is not None and not fate.lost):
        return None
    words = " ".join(why.split()).rstrip(". ")
    return Cause("evicted", "certain", f"Kubernetes evicted its pod ({words[:200]})", (fact(pod),))


def _from_its_log(view: View, ending: Ending) -> Cause | None:
    lines = [one for one in seen(view, "log-line") if _said_by(one, ending)]
    for slug, signs in _SIGNATURES:
        found = [one for one in lines if _reads(one, signs)]
        if found:
            return Cause(slug, "certain", _LOGGED[slug], (fact(found[-1]),))
    failed = [one for one in lines if _reads(one, _FAILURE)]
    if failed:
        return Cause("exit", "certain", "it stopped on an unrecoverable error", (fact(failed[-1]),))
    return None


_LOGGED = {
    "memory-error": "a task raised MemoryError, which ends the whole worker",
    "broker-refused": "the broker refused a command, which ends the worker",
}


_QUIT = (
    "it said goodbye and was gone at once with work still running: an error that ended it (a MemoryError in a task "
    "does), or a stop that did not wait"
)


def _from_its_goodbye(view: View, ending: Ending, fate: Fate) -> Cause | None:
    """Goodbye is no proof of a good end: what was running at the goodbye must have ended before the process did."""
    if ending.goodbye_at is None or ending.exit_code not in (None, KILLED) or not fate.lost:
        return None
    took = ending.at - ending.goodbye_at
    if took < GRACE_AT_LEAST:
        ran = fate.surely_ran and view.at - ending.at >= LAST_EVENTS
        return Cause("exit", "likely", _QUIT) if ran else None
    return Cause(
        "grace-exceeded", "likely", f"it was told to stop and was killed {took:.0f} s later with work still running"
    )


def _from_its_exit(view: View, ending: Ending) -> Cause | None:
    code = ending.exit_code
    if ending.goodbye_at is not None and code in (None, *ORDERLY_EXITS):
        return None
    if code is not None and code in ORDERLY_EXITS and ending.life is None:
        return None
    return _by_signal(ending) or _by_code(ending, code) or _by_elimination(view, ending)


def _by_signal(ending: Ending) -> Cause | None:
    """What its parent would learn; known only while nobody had reaped it."""
    signal = ending.trace.gone.number("signal") if ending.trace.gone is not None else None
    if signal is None or signal == SIGTERM:
        return None
    if signal == SIGKILL:
        return Cause("sigkill", "certain", "it was killed from outside (SIGKILL), and there is no record of memory")
    return Cause("exit", "certain", f"it crashed with signal {signal:.0f}")


def _by_code(ending: Ending, code: int | None) -> Cause | None:
    container = ending.trace.container
    if container is None or code is None or code in ORDERLY_EXITS:
        return None
    facts = (fact(container),)
    if code == KILLED:
        return Cause("sigkill", "likely", "it was killed from outside: exit code 137, and no record of memory", facts)
    return Cause("exit", "certain", f"it ended with exit code {code}", facts)


def _by_elimination(view: View, ending: Ending) -> Cause:
    if ending.inferred:
        if _left_together(view, ending):
            return Cause("host-gone", "possible", "every worker of its host went silent at the same time")
        return Cause("unknown", "likely", "it went silent, and the broker has no connection of it any more")
    if ending.goodbye_at is None and _broker_away(view, ending.at):
        words = "it ended while the broker could not be reached, so that a goodbye could not be heard; its log says why"
        return Cause("unknown", "certain", words)
    if ending.goodbye_at is None and _left(view, ending):
        words = "it ended by itself, and the broker took neither its goodbye nor the end of its record"
        return Cause("unknown", "certain", f"{words}; its log says why")
    if ending.goodbye_at is None and _memory_was_watched(view, ending):
        words = "without a goodbye and without a record of memory: killed from outside, as far as can be seen"
        return Cause("sigkill", "likely", f"it ended {words}")
    confidence: Confidence = "certain" if ending.life else "possible"
    return Cause("unknown", confidence, "it ended without a goodbye, and nothing that can be seen says why")


def _left(view: View, ending: Ending) -> bool:
    """True when its black box says that nobody killed it."""
    worker = ending.life.worker if ending.life else None
    return worker is not None and any(one.data.get("left") is True for one in mains_gone(view, worker))


def _memory_was_watched(view: View, ending: Ending) -> bool:
    """True when a kill for memory would be on record: on a host that is read, or by the count in its black box."""
    gone = ending.trace.gone
    if gone is None:
        return False
    if is_from_box(gone):
        return gone.number("kills_added") == 0
    return view.sees("kernel", gone.host) and view.sees("cgroup", gone.host)


def _broker_away(view: View, at: float) -> bool:
    """True when no look at the broker worked around `at`: then no goodbye is no sign of a kill."""
    since = [mark.failing_since for mark in (view.source("broker"), view.source("events")) if mark and mark.error]
    if any(one is None or one <= at + AROUND for one in since):
        return True
    looks = [sample.at for queue in view.queues for sample in queue.samples]
    before, after = [one for one in looks if one <= at], [one for one in looks if one > at]
    return bool(before and after) and min(after) - max(before) > AROUND


def _left_together(view: View, ending: Ending) -> bool:
    host = ending.life.worker.host if ending.life else ""
    others = [one for one in endings(view) if one.life and one.life is not ending.life and one.life.worker.host == host]
    return any(one.inferred and abs(one.at - ending.at) <= TOGETHER for one in others)


def _said_by(line: Evidence, ending: Ending) -> bool:
    if not ending.at - LAST_WORDS <= line.at <= ending.at + SEEN_LATE:
        return False
    named = line.nodes or ((line.container,) if line.container else ())
    box = ending.trace.container
    return not named or bool({ending.node, ending.container, box.container if box else None} & set(named))


def _reads(line: Evidence, signs: tuple[str, ...]) -> bool:
    text = f"{line.text('signature') or ''} {line.text('line') or ''}".lower()
    return any(sign in text for sign in signs)
