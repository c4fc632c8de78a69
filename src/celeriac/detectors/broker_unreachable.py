"""broker-unreachable: the monitor cannot talk to the broker."""

from __future__ import annotations

from celeriac.detectors import commands, prose
from celeriac.detectors.base import Detector
from celeriac.detectors.liveness import Standing, lives
from celeriac.model.broker import RABBITMQ
from celeriac.model.finding import Fact, Finding, Fix, Impact, RuledOut, Subject, Verify, finding_key
from celeriac.model.incident import Patience
from celeriac.model.source import SourceMark
from celeriac.model.view import View

KIND = "broker-unreachable"
SOURCES = ("broker", "events")
LASTS = 2.0
"""Seconds of failing after which a server says so."""
_WORDS = {
    "down": "nothing answers there",
    "auth": "it refuses the user or password",
    "network": "it does not answer in time",
    "too-many-clients": "it takes no more connections",
}
_PING = "redis-cli -u BROKER_URL PING"
_RABBIT_PING = "rabbitmq-diagnostics ping"
_RABBIT = {
    "down": Fix(_RABBIT_PING, "start the broker, or correct the URL"),
    "auth": Fix("rabbitmqctl authenticate_user USER PASSWORD", "give Celeriac the user that the workers have"),
    "network": Fix(_RABBIT_PING, "look at the path: DNS, firewall, a frozen server"),
    "too-many-clients": Fix("rabbitmqctl list_connections user peer_host", "find who holds them; raise the limit"),
}
_FIX = {
    "down": Fix("redis-cli -u BROKER_URL PING", "start the broker, or correct the URL"),
    "auth": Fix("redis-cli -u BROKER_URL ACL WHOAMI", "give Celeriac the user and password that the workers use"),
    "network": Fix("redis-cli -u BROKER_URL --latency", "look at the path: DNS, firewall, a frozen server"),
    "too-many-clients": Fix("redis-cli -u BROKER_URL CLIENT LIST", "find who holds them; raise maxclients"),
}


def judge(view: View) -> tuple[Finding, ...]:
    """One finding while the look, the event stream, or both fail, and have for a moment."""
    failing = [mark for mark in (view.source(name) for name in SOURCES) if mark is not None and mark.error is not None]
    return (_finding(view, failing),) if failing and _lasts(view, failing) else ()


def _lasts(view: View, failing: list[SourceMark]) -> bool:
    """True when it is more than a connection made again. Counted at our clock, not at the watermark: what is judged
    here is our own reading, and the watermark waits for the very sources that fail."""
    if view.server_age is None:
        return True
    now = max(view.at, *(mark.mark for mark in view.sources)) + view.server_age
    return any(mark.failing_since is None or now - mark.failing_since >= LASTS for mark in failing)


def _finding(view: View, failing: list[SourceMark]) -> Finding:
    causes = [mark.cause for mark in failing if mark.cause in _WORDS]
    cause = causes[0] if causes else "unknown"
    since = min(mark.failing_since or view.at for mark in failing)
    rabbit = _is_rabbit(view, failing)
    fixes, ping, answer = (_RABBIT, _RABBIT_PING, "Ping succeeded") if rabbit else (_FIX, _PING, "PONG")
    return Finding(
        kind=KIND,
        key=finding_key("broker", "broker"),
        severity="critical",
        confidence="certain",
        subject=Subject(broker="broker"),
        summary=_summary(view, failing, cause),
        since=since,
        cause=cause,
        evidence=tuple(_fact(mark, since, ping) for mark in failing),
        ruled_out=_elsewhere(view, since),
        impact=Impact(lost=None, held=None, unknown=None),
        fix=(fixes.get(cause, fixes["down"]),),
        verify=(
            Verify(ping, answer),
            Verify(f"celeriac diagnose --only {KIND}", "no finding, exit code 0"),
        ),
    )


def _is_rabbit(view: View, failing: list[SourceMark]) -> bool:
    """By what was seen of it, or else by its adapter's words."""
    seen = any(queue.samples and commands.gives_back(queue) for queue in view.queues)
    return seen or any(RABBITMQ in (mark.error or "") for mark in failing)


def _summary(view: View, failing: list[SourceMark], cause: str) -> str:
    words = _WORDS.get(cause) or failing[0].error
    if len(failing) == 1 and view.source(SOURCES[0]) is not None and view.source(SOURCES[1]) is not None:
        which = {"broker": "be looked at", "events": "give its events"}[failing[0].name]
        return f"the broker cannot {which}: {words}"
    return f"the broker cannot be reached: {words}; what workers do now cannot be seen"


def _fact(mark: SourceMark, since: float, how: str) -> Fact:
    words = f"reading {mark.name} fails: {mark.error}"
    return Fact(mark.failing_since or since, "broker", words, how)


def _elsewhere(view: View, since: float) -> tuple[RuledOut, ...]:
    """Workers heard since then have a broker: then the fault is on our side of it."""
    heard = [life.worker.node for life in lives(view) if life.standing is Standing.ALIVE and life.last_word > since]
    if not heard:
        return ()
    return (RuledOut("the broker itself", f"{prose.names(heard)} was heard through it since"),)


DETECTOR = Detector(KIND, judge, patience=Patience(keep_open=5.0))
