"""What to do about a dead worker: start it again, prove it, keep it from happening. Commands fit where it ran."""

from __future__ import annotations

from dataclasses import dataclass

from celeriac.detectors import commands
from celeriac.detectors.endings import Ending
from celeriac.detectors.prose import MIB
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Fix, Impact, Prevent, Verify
from celeriac.model.queue import Queue

LEAST_MEMORY = 512 * MIB


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker ran, as the commands that start it again: as it was, and with `more` bytes of memory."""

    start: str
    enlarge: str


def place(ending: Ending, more: float) -> Place:
    """The commands for where `ending` happened; plain advice where nothing tells."""
    megabytes = f"{more / MIB:.0f}"
    main = ending.trace.main
    group = (main.text("cgroup") if main else None) or ""
    unit = group.rstrip("/").rpartition("/")[2]
    box = ending.trace.container
    if "kubepods" in group or (box is not None and box.source == "kubernetes"):
        return in_cluster(box, more)
    if ending.container:
        start = f"docker start {ending.container}"
        update = f"docker update --memory {megabytes}m --memory-swap {megabytes}m {ending.container}"
        return Place(start, f"{update} && {start}")
    if unit.endswith(".service"):
        start = f"systemctl restart {unit}"
        return Place(start, f"systemctl set-property {unit} MemoryMax={megabytes}M && {start}")
    command = (main.text("command") if main else None) or ""
    start = command if command and not command.startswith("[") else "celery -A PROJ worker"  # a title is no command
    return Place(start, f"{start}   # with at least {megabytes} MB of memory")


def in_cluster(pod: Evidence | None, more: float) -> Place:
    """The same for a worker in a pod; `pod` None where only its control group says so."""
    known = pod if pod is not None and pod.source == "kubernetes" else None
    workload = (known.text("workload") if known else None) or "deployment/WORKER"
    kubectl = f"kubectl -n {known.text('namespace')}" if known else "kubectl"
    which = f" -c {known.text('box')}" if known else ""
    limits = f"{kubectl} set resources {workload}{which} --limits=memory={more / MIB:.0f}Mi"
    return Place(f"{kubectl} rollout restart {workload}", limits)


def more_memory(limit: float | None) -> float:
    """The limit to try next, in bytes: twice what was not enough, at least 512 MB."""
    return max(LEAST_MEMORY, 2 * (limit or 0.0))


def recover_lost(impact: Impact) -> tuple[Fix, ...]:
    """How to get lost tasks back; empty when none are known to be lost."""
    if not impact.lost:
        return ()
    why = "a lost task is in no queue any more: see its name and arguments, and send it again if it may run twice"
    return (Fix(f"celeriac task {impact.lost[0]}", why, "repeats-work"),)


def publish_again(impact: Impact) -> tuple[Fix, ...]:
    """How a lost task is published again under its own id; empty when none are known to be lost."""
    if not impact.lost:
        return ()
    why = "where its exact message is on record: says what would be published again, under the same id"
    return (Fix(f"celeriac rescue --task {impact.lost[0]} --dry-run", why),)


def prevent_loss(cause: str) -> tuple[Prevent, ...]:
    """What keeps a loss of this cause from happening again."""
    return _AGAINST.get(cause, ())


def verify(kind: str, queues: tuple[Queue, ...]) -> tuple[Verify, ...]:
    """Commands that prove the worker is back."""
    drained = tuple(Verify(commands.depth(queue), "falls towards 0") for queue in queues[:1])
    return (Verify(f"celeriac diagnose --only {kind}", "no finding, exit code 0"), *drained)


LATE_ACK = Prevent(
    "task_acks_late",
    "True",
    "a task is acknowledged when it ends, so a killed worker's running tasks come back (tasks must bear running twice)",
)
_AGAINST = {
    "in-socket": (
        Prevent(
            "celeriac.outbox",
            "a row beside the data",
            "a message that a worker popped and never read is gone in Redis itself: publish from a table, and again",
        ),
        Prevent(
            "broker_transport_options['socket_timeout']",
            "5",
            "a worker on a dead connection notices, and takes no more into it",
        ),
    ),
    "evicted": (Prevent("maxmemory-policy", "noeviction", "a full broker then refuses, and deletes nothing"),),
    "flushed": (
        Prevent("appendonly", "yes", "the broker comes back from a restart with its queues"),
        Prevent("rename-command FLUSHALL, FLUSHDB", '""', "nobody empties the broker by mistake"),
    ),
    "unroutable": (
        Prevent("task_create_missing_queues", "True", "a queue that is published to is declared, and bound"),
    ),
    "unconfirmed": (
        Prevent(
            "broker_transport_options['confirm_publish']",
            "True",
            "a publish returns when the broker has it, and raises when it has not",
        ),
    ),
    "undecodable": (
        Prevent("accept_content", "what the producers send", "workers take messages of these serializers only"),
    ),
}
"""By cause of a loss."""
RESTART = Prevent("restart policy", "on-failure", "whatever runs the worker starts it again when it dies")
CHILD_MEMORY = Prevent(
    "worker_max_memory_per_child",
    "kilobytes, below the limit",
    "a pool child that grew is replaced after its task, before the limit is reached",
)
TIMEOUT = Prevent(
    "broker_transport_options['visibility_timeout']",
    "longer than the longest task and ETA, no longer than you can wait",
    "held messages come back after this time",
)
