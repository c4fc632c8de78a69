"""What the host shows of one life: its process, its end, its container, its control group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from celeriac.detectors.reading import once_per_view
from celeriac.model.evidence import Evidence
from celeriac.model.view import View
from celeriac.model.worker import Worker

STALE_AFTER = 5.0
"""Seconds a level may be older than its source's newest read; known main processes are looked at in every read."""
JITTER = 1.0
"""Seconds by which a heartbeat sent before the end may be received after the end was seen."""
TOUCHED = 2.0
"""Seconds between two touches of a black box, at most: its owner may have lived so long after the last."""
ENDED = frozenset({"exited", "dead", "stopped"})


@dataclass(frozen=True, slots=True)
class Trace:
    """The evidence that joins a life; each part None when nothing of the kind does.

    `process` is its main process as it stands now, `gone` what was last seen of a main process that is no more,
    `container` the container it ran in, as it stands now, `cgroup` its memory group.
    """

    process: Evidence | None = None
    gone: Evidence | None = None
    container: Evidence | None = None
    cgroup: Evidence | None = None

    @property
    def main(self) -> Evidence | None:
        """The main process, alive or gone."""
        return self.process or self.gone


@once_per_view
def _by_what(view: View) -> Mapping[str, tuple[Evidence, ...]]:
    found: dict[str, list[Evidence]] = {}
    for one in view.evidence:
        found.setdefault(one.what, []).append(one)
    return {what: tuple(facts) for what, facts in found.items()}


def seen(view: View, what: str) -> tuple[Evidence, ...]:
    """The evidence of one kind, oldest first."""
    return _by_what(view).get(what, ())


def trace(view: View, life: Worker) -> Trace:
    """The evidence that joins `life`."""
    ends = mains_gone(view, life)
    running = [one for one in seen(view, "process") if _is_main(one, life) and not _ended(one, ends)]
    process = _newest(one for one in running if is_current(view, one))
    gone = None if process else _newest((*_witnessed(ends), *_vanished(view, running)))
    if gone is not None and life.heartbeat_seen > _spoke_until(gone):
        gone = None  # in a container every incarnation is pid 1: this end was an earlier one's
    main = process or gone
    return Trace(process, gone, _container(view, life, main), cgroup_of(view, main))


def last_looked(gone: Evidence) -> float:
    """When a process that is gone was last seen running, or a broker as it was before a change."""
    between = gone.data.get("between")
    if isinstance(between, (list, tuple)) and between and isinstance(between[0], (int, float)):
        return float(between[0])
    return gone.at


def is_from_box(gone: Evidence) -> bool:
    """True for an end that a dead recorder's black box tells of, which may be found long after."""
    return gone.source == "worker"


def _witnessed(ends: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The ends that the host saw, else those that black boxes tell of: the host saw when."""
    return tuple(one for one in ends if not is_from_box(one)) or ends


def _spoke_until(gone: Evidence) -> float:
    """When a heartbeat of the one that ended can have come at the latest."""
    return last_looked(gone) + TOUCHED + JITTER if is_from_box(gone) else gone.at + JITTER


def mains_gone(view: View, life: Worker) -> tuple[Evidence, ...]:
    """Every end of a main process that this node and pid had, oldest first."""
    return tuple(one for one in seen(view, "process-gone") if _is_main(one, life))


def cgroup_of(view: View, main: Evidence | None) -> Evidence | None:
    """The memory group that `main` runs or ran in."""
    path = main.text("cgroup") if main else None
    if path is None:
        return None
    return _newest(one for one in seen(view, "cgroup") if same_group(one.text("path"), path))


def same_group(left: str | None, right: str | None) -> bool:
    """True when both paths name one control group. One reader's path may begin at the mount
    (`/sys/fs/cgroup/memory/a`), another's at the hierarchy (`/a`); the root group is nobody's."""
    if not left or not right:
        return False
    longer, shorter = sorted((left.rstrip("/"), right.rstrip("/")), key=len, reverse=True)
    return len(shorter) > 1 and (longer == shorter or longer.endswith("/" + shorter.lstrip("/")))


def container_name(trace: Trace) -> str | None:
    """What people call the container in their commands."""
    if trace.container is not None:
        return trace.container.text("name") or trace.container.container
    return (trace.main.text("container") or trace.main.container) if trace.main else None


def is_ended(container: Evidence | None) -> bool:
    """True when the container, as last looked at, does not run."""
    return container is not None and (container.what == "container-died" or container.text("status") in ENDED)


def ended_at(container: Evidence) -> float:
    """Unix seconds when the container ended."""
    return container.number("finished") or container.at


def _is_main(evidence: Evidence, life: Worker) -> bool:
    return life.node in evidence.nodes and life.pid in (evidence.pid, evidence.number("namespace_pid"))


def _ended(process: Evidence, ends: Iterable[Evidence]) -> bool:
    return any(end.pid == process.pid and end.number("started") == process.number("started") for end in ends)


def is_current(view: View, process: Evidence) -> bool:
    """True when the process was there at the newest look."""
    source = view.reader("process", process)
    if source is None:
        return view.at - process.at <= STALE_AFTER
    return source.live(view.at) and source.mark - process.at <= STALE_AFTER


def _vanished(view: View, running: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Main processes that a live process source no longer sees, though it never saw their end (we were not running)."""
    return tuple(one for one in running if view.sees("process", one.host) and not is_current(view, one))


def _container(view: View, life: Worker, main: Evidence | None) -> Evidence | None:
    given = (life.host, main.container, main.text("container")) if main else (life.host,)
    wanted = {_short(name) for name in given if name}
    found = (*seen(view, "container"), *seen(view, "container-died"))
    by_id = [one for one in found if wanted & _ids(one)]
    by_name = [one for one in found if life.node in one.nodes or (one.text("name") or "").lstrip("/") in wanted]
    return _newest(by_id or _of_one_host(by_name, main))


def _of_one_host(named: list[Evidence], main: Evidence | None) -> list[Evidence]:
    """An engine gives each name anew: those on the host of the process, or of the only host that has the name. A pod's
    host may be called otherwise there."""
    if main is not None:
        return [one for one in named if one.host == main.host or one.source != "docker"]
    return named if len({one.host for one in named}) == 1 else []


def _ids(container: Evidence) -> set[str]:
    return {_short(label) for label in (container.container, container.text("id")) if label}


def _short(label: str) -> str:
    """Container ids are cut to twelve digits in host names and in `docker ps`; names are left whole."""
    is_id = len(label) >= 12 and all(digit in "0123456789abcdef" for digit in label)
    return label[:12] if is_id else label.lstrip("/")


def _newest(found: Iterable[Evidence]) -> Evidence | None:
    return max(found, key=lambda one: (one.at, one.what == "container", one.id), default=None)
