"""The demo's longer sentences: who killed the worker, and what is going on."""

from __future__ import annotations

from celeriac.drills.stage import MemoryGroup

MIB = 1024 * 1024
SIGKILLED = -9


def ending(code: int | None) -> str:
    """How a process ended, as a shell would show it."""
    return "SIGKILL (exit 137)" if code == SIGKILLED else f"exit {code}"


def killer(group: MemoryGroup | None, limit: int) -> str:
    """Who killed what went over `limit` bytes; honest about the demo's own part in it."""
    if group is None:
        return (
            "This demo's own watcher sent the SIGKILL, since no control group may be made here; "
            "so worker-lost is the right diagnosis."
        )
    how = "all of its group together (memory.oom.group, as Kubernetes sets it)"
    if not group.whole:
        how = "its main process (v1 groups cannot die as one; oom_score_adj had made it the first choice)"
    return f"It went over its {limit // MIB} MB, and the kernel killed {how}."


def enforcer(group: MemoryGroup | None) -> str:
    """Who holds the worker to its limit."""
    if group is None:
        return "watched by this demo (no control group may be made here)"
    return f"held by the kernel (control group v{group.version})"


def docker_fix(limit: int) -> str:
    """What a person would type to give a container `limit` bytes and start it again."""
    size = f"{limit // MIB}m"
    return f"docker update --memory {size} --memory-swap {size} worker && docker start worker"
