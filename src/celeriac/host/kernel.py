"""What the kernel writes when it kills for memory or a process crashes (mm/oom_kill.c, mm/memcontrol.c,
arch/x86/mm/fault.c), read line by line. Wordings of Linux 3.10 to 6.18."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONTEXT = re.compile(
    r"^oom-kill:constraint=CONSTRAINT_(?P<constraint>\w+),.*?"
    r"(?:,oom_memcg=(?P<limited>[^,]*))?(?:,global_oom)?(?:,task_memcg=(?P<group>[^,]*)),task=.*,pid=(?P<pid>\d+),uid=\d+"
)
_OLD_CONTEXT = re.compile(r"^Task in (?P<group>\S+) killed as a result of limit of (?P<limited>\S+)")
_WHOLE_GROUP = re.compile(r"^Tasks in (?P<group>\S+) are going to be killed due to memory\.oom\.group set")
_OLD_SCOPE = re.compile(r"^(?P<scope>Memory cgroup out of memory|Out of memory)[^:]*: Kill process \d+")
_KILLED = re.compile(
    r"^(?:(?P<scope>Memory cgroup out of memory|Out of memory)[^:]*: )?"
    r"Killed process (?P<pid>\d+) \((?P<command>.*)\),?(?: UID:? ?\d+,)? total-vm:\d+kB, anon-rss:(?P<anon>\d+)kB"
    r"(?:, file-rss:(?P<file>\d+)kB)?(?:, shmem-rss:(?P<shared>\d+)kB)?"
)
_SEGFAULT = re.compile(r"^(?P<command>.+)\[(?P<pid>\d+)\]: segfault at \S+ ip ")


@dataclass(frozen=True, slots=True)
class KernelKill:
    """A process killed for memory. `pid` is the host's, `seconds` since boot, `rss` bytes.

    `constraint` is memcg when a control group reached its limit, none when the whole host ran out (or cpuset,
    memory_policy). `cgroup` is the group the dead was in, `limited` the one whose limit was reached.
    """

    seconds: float
    pid: int
    command: str
    constraint: str
    cgroup: str | None
    limited: str | None
    rss: int


@dataclass(frozen=True, slots=True)
class Segfault:
    """A process that touched memory it does not own."""

    seconds: float
    pid: int
    command: str
    line: str


@dataclass(frozen=True, slots=True)
class _Context:
    """What the lines before a kill said about it. `pid` None: about every kill until the next report."""

    constraint: str
    cgroup: str | None = None
    limited: str | None = None
    pid: int | None = None


class KernelReader:
    """Reads kernel lines in their order and says what each comes to.

    Only "Killed process" is a kill: the `oom-kill:` line before it names the control groups, but the victim may turn
    out to be exiting already, and it is left out when kills come fast.
    """

    def __init__(self) -> None:
        self._context: _Context | None = None
        self._victim: int | None = None

    def feed(self, seconds: float, line: str) -> KernelKill | Segfault | None:
        """The happening that `line`, written `seconds` after boot, completes."""
        if match := _KILLED.match(line):
            return None if self._is_told(int(match["pid"])) else self._killed(seconds, match)
        if match := _SEGFAULT.match(line):
            return Segfault(seconds, int(match["pid"]), match["command"], line[:300])
        self._context = self._next_context(line)
        return None

    def _killed(self, seconds: float, match: re.Match[str]) -> KernelKill:
        pid, scope = int(match["pid"]), _constraint(match["scope"])
        context, self._victim = self._context, pid
        if context is None or context.pid not in (None, pid):
            context = _Context(scope or "unknown")
        return KernelKill(
            seconds=seconds,
            pid=pid,
            command=match["command"],
            constraint=context.constraint,
            cgroup=context.cgroup,
            limited=context.limited,
            rss=1024 * sum(int(match[part] or 0) for part in ("anon", "file", "shared")),
        )

    def _is_told(self, pid: int) -> bool:
        """True for the victim's second line: killing a whole group kills the victim once more."""
        whole_group = self._context is not None and self._context.pid is None
        return whole_group and pid == self._victim

    def _next_context(self, line: str) -> _Context | None:
        if " invoked oom-killer: " in line:
            return None
        if match := _CONTEXT.match(line):
            constraint = match["constraint"].lower()
            return _Context(constraint, match["group"], match["limited"], int(match["pid"]))
        if match := _OLD_CONTEXT.match(line):
            return _Context("memcg", match["group"], match["limited"])
        if match := _WHOLE_GROUP.match(line):
            return _Context("memcg", match["group"], match["group"])
        if (match := _OLD_SCOPE.match(line)) and self._context is None:
            return _Context(_constraint(match["scope"]) or "unknown")
        return self._context


def _constraint(scope: str | None) -> str | None:
    if scope is None:
        return None
    return "memcg" if scope.startswith("Memory cgroup") else "none"
