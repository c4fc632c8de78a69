"""Why a pool process ended, as its parent can know it: a decision, without any looking."""

from __future__ import annotations

import signal
from dataclasses import dataclass

RECYCLED, SHUTDOWN, OOM, SEGFAULT, SIGNAL = "recycled", "shutdown", "oom", "segfault", "signal"
UP_TIMEOUT, OPERATOR, EXIT, UNKNOWN = "up-timeout", "operator", "exit", "unknown"
ON_PURPOSE = frozenset({RECYCLED, SHUTDOWN})
EX_RECYCLE = 155
"""A child's exit status after its last task, by number or by memory (billiard/pool.py, EX_RECYCLE)."""
TERMINATED = int(signal.SIGTERM)
"""Also an exit status: billiard's handler leaves with -(256 - signal), of which the kernel keeps the low eight bits
(billiard/common.py, _shutdown_cleanup)."""
_PATIENCE = 0.9
"""Share of the UP timeout after which a child that never got ready may have been killed for it."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a process ended: by its own exit code, or by a signal. Both None when somebody else took note of it first
    and left no word."""

    code: int | None = None
    signal: int | None = None

    @classmethod
    def of_returncode(cls, returncode: int | None) -> Status:
        """As billiard keeps it: a negative number is a signal (billiard/popen_fork.py, Popen.poll)."""
        if returncode is None:
            return cls()
        return cls(code=returncode) if returncode >= 0 else cls(signal=-returncode)

    @property
    def is_kill(self) -> bool:
        """True for SIGKILL, which the kernel sends too."""
        return self.signal == signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Death:
    """What is known of one end. `blame` is what the parent said it would end it for; `controlled` that the pool ended
    it on purpose, `stopping` that the whole pool ends; `kills_added` the growth of its memory group's kill count, None
    unknown; `age` seconds since its start; `never_ready` that it never said it can take work, None unknown."""

    status: Status
    busy: bool
    blame: str | None = None
    controlled: bool = False
    stopping: bool = False
    kills_added: int | None = None
    age: float = 0.0
    never_ready: bool | None = None
    up_timeout: float | None = None


def cause(death: Death) -> str:
    """recycled | oom | segfault | signal | hard-time-limit | up-timeout | operator | shutdown | exit | unknown."""
    if death.blame is not None:
        return death.blame
    status = death.status
    if status.is_kill:
        return _of_kill(death)
    if status.code == EX_RECYCLE:
        return RECYCLED
    if status.signal == signal.SIGSEGV:
        return SEGFAULT
    if death.controlled or death.stopping:
        return SHUTDOWN
    return SIGNAL if status.signal is not None else _of_code(death)


def _of_kill(death: Death) -> str:
    if death.kills_added:
        return OOM
    if death.controlled or death.stopping:
        return SHUTDOWN
    if death.never_ready and death.up_timeout is not None and death.age >= _PATIENCE * death.up_timeout:
        return UP_TIMEOUT
    return UNKNOWN if death.kills_added is None else SIGNAL


def _of_code(death: Death) -> str:
    code = death.status.code
    if code is None:
        return UNKNOWN
    if code == 0 and not death.busy:
        return RECYCLED
    return SIGNAL if code == TERMINATED else EXIT
