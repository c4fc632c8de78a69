"""A worker's container in a pod, as evidence in the shape that containers have everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from celeriac.evidence.commands import WorkerCommand, carried_worker
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence

if TYPE_CHECKING:
    from lightkube.models.core_v1 import Container, ContainerStateTerminated, ContainerStatus, Event, Pod

WORKER_LABEL = "celeriac/worker"
"""A pod with this label "true" runs a worker, whatever its command looks like."""
EVICTED = "Evicted"
_VARIABLE = re.compile(r"\$\((\w+)\)|\$\{(\w+)\}|\$(\w+)")
_QUANTITY = re.compile(r"(\d+)([kMGT]i?)?$")
_UNITS = {None: 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
_COMMAND_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Box:
    """A container that runs a worker, and what its pod says of it; `status` None before the kubelet said anything."""

    pod: Pod
    container: Container
    worker: WorkerCommand
    status: ContainerStatus | None

    @property
    def name(self) -> str:
        """The pod's name: what people call it in their commands, and its hostname."""
        return str(self.pod.metadata and self.pod.metadata.name)

    @property
    def uid(self) -> str:
        """The pod's id, which no later pod of its name has."""
        return str(self.pod.metadata and self.pod.metadata.uid)

    @property
    def hostname(self) -> str:
        """What Celery takes for %h."""
        spec = self.pod.spec
        if spec is None:
            return self.name
        return (spec.nodeName if spec.hostNetwork else spec.hostname) or self.name

    @property
    def ended(self) -> tuple[ContainerStateTerminated, ...]:
        """Its runs that ended and are still known: the one before, then the last."""
        states = (self.status.lastState, self.status.state) if self.status else ()
        return tuple(state.terminated for state in states if state is not None and state.terminated is not None)


def boxes(pod: Pod) -> Iterator[Box]:
    """The containers of `pod` that run a worker. A label says so where a command hides it."""
    containers = (pod.spec.containers if pod.spec else None) or []
    statuses = {one.name: one for one in (pod.status.containerStatuses if pod.status else None) or []}
    found = [(one, worker) for one in containers if (worker := carried_worker(_words(one))) is not None]
    labels = (pod.metadata.labels if pod.metadata else None) or {}
    if not found and labels.get(WORKER_LABEL) == "true":
        found = [(one, WorkerCommand(None, "prefork")) for one in containers[:1]]
    for container, worker in found:
        yield Box(pod, container, worker, statuses.get(container.name))


def level(box: Box, at: float) -> Evidence:
    """The container as it is. One that waits to be started again is as its last run left it."""
    state = box.status.state if box.status else None
    if state is not None and state.running is not None:
        return _evidence(box, at, {"status": "running", "started": seconds(state.running.startedAt)})
    if box.ended:
        return _evidence(box, at, _ending(box.ended[-1]))
    if evicted_because(box.pod) is not None:
        return _evidence(box, at, {"status": "exited", "finished": _disrupted_at(box.pod)})
    return _evidence(box, at, {"status": "waiting"})


def ends(box: Box, at: float) -> Iterator[Evidence]:
    """The ends of its runs that the API still knows."""
    for ended in box.ended:
        data = _ending(ended)
        yield _end(_evidence(box, min(at, data["finished"] or at), data), box.uid, data["finished"])
    if not box.ended and evicted_because(box.pod) is not None:
        finished = _disrupted_at(box.pod)
        data = {"status": "exited", "finished": finished}
        yield _end(_evidence(box, min(at, finished or at), data), box.uid, EVICTED)


def evicted_unseen(last: Evidence, event: Event) -> Evidence:
    """The end of a worker whose evicted pod was removed before another look at it; `last` is the last one."""
    at = seconds(event.lastTimestamp or event.eventTime) or last.at
    data = {**last.data, "status": "exited", "finished": at, "evicted": event.message or EVICTED}
    return _end(replace(last, at=at, fact=_fact(data), data=data), str(last.data["uid"]), EVICTED)


def evicted_because(pod: Pod) -> str | None:
    """Why the pod was or is being evicted, in Kubernetes' words; None when it is not.

    The kubelet marks a pod that it evicts for the node's sake by its reason; the API, the scheduler and the taint
    manager mark theirs by a condition (kubernetes.io, "Disruptions", Pod disruption conditions).
    """
    if pod.status is None:
        return None
    if pod.status.reason == EVICTED:
        return pod.status.message or EVICTED
    disrupted = (one for one in pod.status.conditions or [] if one.type == "DisruptionTarget" and one.status == "True")
    return next((one.message or one.reason or EVICTED for one in disrupted), None)


def seconds(at: datetime | None) -> float | None:
    """Unix seconds of the API's time."""
    return None if at is None else at.timestamp()


def parse_size(quantity: str | None) -> int | None:
    """Bytes of a memory quantity such as 512Mi; None without one, and for forms nobody writes memory in."""
    match = _QUANTITY.fullmatch(quantity or "")
    return int(match[1]) * _UNITS[match[2]] if match else None


def _evidence(box: Box, at: float, run: Mapping[str, Any]) -> Evidence:
    data = {**_constant(box), **run}
    return Evidence(
        id=fingerprint("container", "kubernetes", box.uid, box.container.name),
        at=at,
        source="kubernetes",
        what="container",
        host=(box.pod.spec.nodeName if box.pod.spec else None) or "unscheduled",
        fact=_fact(data),
        how=f"kubectl -n {data['namespace']} describe pod {box.name}",
        nodes=box.worker.nodes((box.hostname,)) if box.worker.name is None else _named(box),
        container=data["id"][:12],
        data=data,
    )


def _end(last: Evidence, uid: str, which: object) -> Evidence:
    name = last.text("box")
    return replace(last, id=fingerprint("container-died", "kubernetes", uid, name, which), what="container-died")


def _constant(box: Box) -> dict[str, Any]:
    """What one container is, whichever of its runs is told of."""
    limits = (box.container.resources.limits if box.container.resources else None) or {}
    runtime_id = str(box.status.containerID if box.status else "").rpartition("//")[2]
    return {
        "id": runtime_id or f"{box.uid}/{box.container.name}",
        "name": box.name,
        "box": box.container.name,
        "uid": box.uid,
        "namespace": (box.pod.metadata.namespace if box.pod.metadata else None) or "default",
        "workload": _workload(box.pod),
        "status": "waiting",
        "exit_code": None,
        "oom_killed": False,
        "flag": False,
        "reason": _waits_for(box.status),
        "evicted": evicted_because(box.pod),
        "restarts": box.status.restartCount if box.status else 0,
        "limit": parse_size(limits.get("memory")),
        "started": None,
        "finished": None,
        "command": " ".join(_words(box.container))[:_COMMAND_LIMIT],
        "worker": True,
    }


def _ending(ended: ContainerStateTerminated) -> dict[str, Any]:
    killed = ended.reason == "OOMKilled"
    return {
        "status": "exited",
        "exit_code": ended.exitCode,
        "oom_killed": killed,
        "flag": killed,
        "reason": ended.reason,
        "started": seconds(ended.startedAt),
        "finished": seconds(ended.finishedAt),
    }


def _waits_for(status: ContainerStatus | None) -> str | None:
    waiting = status.state.waiting if status and status.state else None
    return waiting.reason if waiting else None


def _disrupted_at(pod: Pod) -> float | None:
    """When the pod that has no ended container was taken down."""
    conditions = (pod.status.conditions if pod.status else None) or []
    at = [one.lastTransitionTime for one in conditions if one.type in ("DisruptionTarget", "Ready")]
    return max((moment.timestamp() for moment in at if moment is not None), default=None)


def _workload(pod: Pod) -> str | None:
    """What makes the pod, as kubectl names it: `deployment/worker`. A ReplicaSet carries its template's hash."""
    owners = (pod.metadata.ownerReferences if pod.metadata else None) or []
    labels = (pod.metadata.labels if pod.metadata else None) or {}
    for owner in owners:
        if owner.kind == "ReplicaSet" and "pod-template-hash" in labels:
            return f"deployment/{owner.name.removesuffix('-' + labels['pod-template-hash'])}"
        return f"{owner.kind.lower()}/{owner.name}"
    return None


def _named(box: Box) -> tuple[str, ...]:
    """The node names of a worker with -n, once the variables in it are filled in."""
    values = {"HOSTNAME": box.hostname}
    for variable in box.container.env or []:
        field = variable.valueFrom.fieldRef if variable.valueFrom else None
        known = box.name if field is not None and field.fieldPath == "metadata.name" else variable.value
        if known is not None:
            values[variable.name] = known
    name = _VARIABLE.sub(lambda found: values.get(found[1] or found[2] or found[3], found[0]), box.worker.name or "")
    return replace(box.worker, name=name).nodes((box.hostname,))


def _words(container: Container) -> tuple[str, ...]:
    return (*(container.command or ()), *(container.args or ()))


def _fact(data: Mapping[str, Any]) -> str:
    name = f"pod {data['name']}"
    if data["evicted"] and data["status"] == "exited":
        return f"{name} was evicted: {' '.join(str(data['evicted']).split())[:300]}"
    memory = f", memory limit {data['limit'] / (1 << 20):,.0f} MB" if data["limit"] else ""
    if data["status"] == "exited":
        reason = f" ({data['reason']})" if data["reason"] else ""
        return f"container {data['box']} of {name} ended with exit code {data['exit_code']}{reason}{memory}"
    reason = f" for {data['reason']}" if data["reason"] else ""
    return f"container {data['box']} of {name} is {data['status']}{reason}, {data['restarts']} restarts{memory}"
