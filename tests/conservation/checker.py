"""The judge, of the standard library alone: it reads the outside ledger and what Celeriac says, and believes the first.

For each task whose publish returned, exactly one is true: done, failed, dead, declared lost. `check` finds every answer
that says otherwise.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from statistics import median
from typing import Any

SLACK = 1.0
"""Seconds by which a line may be written after what it tells."""
PARKED = 15.0
"""Seconds that a message may stand in the socket of a worker with its hands full, before a fault takes it."""
KILLS = frozenset({"kill-main", "freeze-kill", "ended"})
IN_SOCKETS = KILLS | {"blackhole", "client-kill", "freeze-thaw", "restart", "restart-empty", "full", "evict"}
"""Faults that take what stands in a socket, where the broker gives a message away before it is read."""
OF_BROKER: Mapping[str, frozenset[str]] = {
    "flush": frozenset({"flushed"}),
    "restart-empty": frozenset({"flushed"}),
    "evict": frozenset({"evicted"}),
    "restart-unconfirmed": frozenset({"unconfirmed"}),
    "client-kill-unconfirmed": frozenset({"unconfirmed"}),
    "blackhole-unconfirmed": frozenset({"unconfirmed"}),
    "delete-queue": frozenset({"flushed", "unroutable"}),
    "delete-queue-unconfirmed": frozenset({"flushed", "unroutable", "unconfirmed"}),
}
SHOWN = 10
"""Violations of one rule that a report lists."""
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Ledger:
    """What was written outside. Lines are as `outside.note` wrote them. A look lists the ids that `came` into the
    broker and `left` it since the one before; `stands` are those that it still holds at the end."""

    publishes: list[dict[str, Any]]
    work: list[dict[str, Any]]
    journal: list[dict[str, Any]]
    looks: list[dict[str, Any]] = field(default_factory=list)
    stands: frozenset[str] = frozenset()
    pops: bool = True
    """True where the broker gives a message away before it is read."""
    stored: frozenset[str] = frozenset()
    """Ids of which the result backend has a result."""


@dataclass(frozen=True)
class Answer:
    """What Celeriac says of one task; `declared_at` is when somebody outside first saw it called lost."""

    verdict: str
    cause: str | None = None
    declared_at: float | None = None


@dataclass(frozen=True)
class Violation:
    """One answer that the outside ledger disproves."""

    task_id: str
    rule: str
    detail: str


@dataclass
class Report:
    """What a run came to."""

    published: int = 0
    refused: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    in_holes: int = 0
    seconds_to_declare: list[float] = field(default_factory=list)
    ran_twice: int = 0
    flagged: int = 0

    def __str__(self) -> str:
        took = self.seconds_to_declare
        declared = f"median {median(took):.1f} s, most {max(took):.1f} s" if took else "none"
        rules = Counter(one.rule for one in self.violations)
        lines = [
            f"published {self.published}, refused {self.refused}; " + _counted(self.verdicts),
            f"lost by cause: {_counted(self.causes) or 'none'}",
            f"time to declare: {declared}",
            f"ran twice: {self.ran_twice}, flagged {self.flagged}; unseen in a hole of known size: {self.in_holes}",
            f"violations: {_counted(rules) or 'none'}",
        ]
        shown = [one for rule in rules for one in [each for each in self.violations if each.rule == rule][:SHOWN]]
        return "\n".join([*lines, *(f"  {one.rule} {one.task_id}: {one.detail}" for one in shown)])


def check(
    ledger: Ledger, answers: Mapping[str, Answer], *, doubled: Iterable[str] = (), balance: Any = None, holes: int = 0
) -> Report:
    """Every answer against the ledger. `holes` is how many events Celeriac itself says it has missed."""
    report, unseen = Report(), list[Violation]()
    for case in _cases(ledger):
        if case.ended != "returned":
            report.refused += 1
            continue
        answer = answers.get(case.id, Answer("no answer"))
        report.published += 1
        report.verdicts[answer.verdict] += 1
        broken = _RULES.get(answer.verdict, _unsettled)(case, answer)
        if broken is not None:
            (unseen if answer.verdict == "never-seen" else report.violations).append(Violation(case.id, *broken))
        if answer.verdict == "lost":
            report.causes[answer.cause or "no cause"] += 1
            if answer.declared_at is not None:
                report.seconds_to_declare.append(max(0.0, answer.declared_at - lost_at(case)))
    _forgive(report, unseen, holes)
    _duplicates(report, ledger.work, set(doubled))
    if balance is not None and balance.get("holds") is not True:
        report.violations.append(Violation("", "balance", f"it does not add up: {balance}"))
    return report


@dataclass(frozen=True)
class Case:
    """All that is known outside of one task. It left the broker for good between `seen` and `missed`."""

    id: str
    name: str
    ended: str
    lines: list[dict[str, Any]]
    journal: list[dict[str, Any]]
    seen: float
    missed: float
    stands: bool
    pops: bool
    stored: bool

    @property
    def late(self) -> bool:
        """Acknowledged when done."""
        return self.name.endswith("late")

    @property
    def done(self) -> bool:
        """True when its work was."""
        return any(line["what"] == "done" for line in self.lines)

    @property
    def starts(self) -> list[dict[str, Any]]:
        """Each time that its work began."""
        return [line for line in self.lines if line["what"] == "start"]


def _cases(ledger: Ledger) -> Iterator[Case]:
    lines: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in ledger.work:
        lines[line["id"]].append(line)
    left = _left(ledger.looks)
    looked = [look["at"] for look in ledger.looks]
    for one in ledger.publishes:
        later = bisect(looked, one["at"])
        seen, missed = left.get(one["id"], (one["at"], looked[later] if later < len(looked) else inf))
        yield Case(
            id=one["id"],
            name=one["name"],
            ended=one["ended"],
            lines=lines[one["id"]],
            journal=ledger.journal,
            seen=seen,
            missed=missed,
            stands=one["id"] in ledger.stands,
            pops=ledger.pops,
            stored=one["id"] in ledger.stored,
        )


def _left(looks: Iterable[Line]) -> dict[str, tuple[float, float]]:
    """When each id that was ever seen in the broker was last seen there, and first missed after that."""
    left: dict[str, tuple[float, float]] = {}
    before = 0.0
    for look in looks:
        left |= {one: (look["at"], inf) for one in look["came"]}
        left |= {one: (before, look["at"]) for one in look["left"]}
        before = look["at"]
    return left


_Broken = tuple[str, str] | None


def _nothing(_: Case, __: Answer) -> _Broken:
    return None


def _success(case: Case, _: Answer) -> _Broken:
    return None if case.done else ("undetected loss", "called succeeded, and its work was never done")


def _failure(case: Case, _: Answer) -> _Broken:
    killed = [strike for strike in case.journal if strike["kind"] == "kill-child"]
    if case.name.endswith("broken") or any(_killed(strike, case) for strike in killed):
        return None
    return ("wrong failure", "called failed, and nobody killed the process it ran in")


def _killed(strike: Line, case: Case) -> bool:
    """True when it hit the child that ran the task, or one that was about to."""
    if case.lines:
        return any(line["pid"] == strike["pid"] for line in case.lines)
    return bool(case.seen - SLACK <= strike["until"] and strike["begun"] <= case.missed + SLACK)


def _loss(case: Case, answer: Answer) -> _Broken:
    if case.done and not _cut_short(case):
        return ("false loss", f"called lost ({answer.cause}), and its work was done")
    if case.stands:
        return ("false loss", f"called lost ({answer.cause}), and its message stands in the broker")
    allowed = causes(case)
    if answer.cause not in allowed:
        return ("wrong cause", f"called {answer.cause}; what happened allows {sorted(allowed) or 'no loss at all'}")
    return None


def _cut_short(case: Case) -> bool:
    """True for work that nobody but our own ledger can know of: whoever did it was killed before he had told anybody.
    Nothing tells it from work that was cut off a moment earlier."""
    done = [line for line in case.lines if line["what"] == "done"]
    return not case.stored and all(any(_silenced(strike, line) for strike in case.journal) for line in done)


def _silenced(strike: Line, done: Line) -> bool:
    here = strike["kind"] in KILLS and strike["main"] == done["main"]
    here = here or (strike["kind"] == "kill-child" and strike["pid"] == done["pid"])
    return bool(here and strike["begun"] - SLACK <= done["at"] <= strike["until"])


def _unsettled(case: Case, answer: Answer) -> _Broken:
    if case.done:
        return ("end missed", f"called {answer.verdict}, and its work was done")
    if case.stands:
        return ("not drained", f"called {answer.verdict}; its message still stands in the broker")
    return ("undetected loss", f"called {answer.verdict}; its work was never done and its message is nowhere")


_RULES: Mapping[str, Callable[[Case, Answer], _Broken]] = {
    "succeeded": _success,
    "failed": _failure,
    "lost": _loss,
    "dead": _nothing,
}


def causes(case: Case) -> frozenset[str]:
    """Every cause of a loss that what happened to this task allows, worked out from the lines alone."""
    died = frozenset({"early-ack"}) if not case.late and any(_took(strike, case) for strike in case.journal) else _NONE
    if case.starts and not case.late and case.seen <= case.starts[-1]["at"] + SLACK:
        return died
    return died | frozenset(cause for strike in case.journal for cause in _by(strike, case))


_NONE = frozenset[str]()


def _by(strike: Line, case: Case) -> frozenset[str]:
    """What a fault makes of a message that left the broker about then."""
    if strike["begun"] > case.missed + SLACK:
        parked = strike["begun"] <= case.missed + PARKED
        return _IN_SOCKET if parked and case.pops and strike["kind"] in IN_SOCKETS else _NONE
    if strike["until"] < case.seen - SLACK:
        return _NONE
    in_socket = _IN_SOCKET if case.pops and strike["kind"] in IN_SOCKETS else _NONE
    return OF_BROKER.get(strike["kind"], _NONE) | in_socket


_IN_SOCKET = frozenset({"in-socket"})


def _took(strike: Line, case: Case) -> bool:
    """True when a worker died that ran the task, or had acknowledged it in that moment and was about to run it."""
    if strike["kind"] not in KILLS:
        return False
    if case.starts:
        return any(strike["main"] == one["main"] and strike["until"] >= one["at"] for one in case.starts)
    return bool(strike["until"] >= case.seen - SLACK and strike["begun"] <= case.missed + SLACK)


def lost_at(case: Case) -> float:
    """When it was lost: at the end of the fault that took it, or when it was last seen where that came later."""
    began: float = max([case.seen, *(line["at"] for line in case.lines)])
    struck: list[float] = [strike["until"] for strike in case.journal if strike["until"] >= began - SLACK]
    return max(min(struck, default=began), began)


def _forgive(report: Report, unseen: list[Violation], holes: int) -> None:
    """Tasks never heard of are no undetected loss while Celeriac says itself that so many events are missing."""
    report.in_holes = min(len(unseen), holes)
    report.violations += unseen[report.in_holes :]


def _duplicates(report: Report, work: Iterable[Line], doubled: set[str]) -> None:
    """What began again though it had been done, or was being done; no run counts that was cut off before the next."""
    began, done = defaultdict[str, list[int]](list), set[tuple[str, int]]()
    for line in work:
        if line["what"] == "start":
            began[line["id"]].append(line["pid"])
        else:
            done.add((line["id"], line["pid"]))
    twice = {one for one, pids in began.items() if any((one, pid) in done for pid in pids[:-1])}
    report.ran_twice, report.flagged = len(twice), len(twice & doubled)
    for one in sorted(doubled):
        if len(began[one]) < 2:
            report.violations.append(Violation(one, "false duplicate", "said to have run twice, and it never did"))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items(), key=lambda pair: -pair[1]))
