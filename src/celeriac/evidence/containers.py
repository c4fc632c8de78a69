"""A container as Docker or Podman describes it, as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from celeriac.evidence.commands import carried_worker
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence

ENDED = frozenset({"exited", "dead", "stopped"})
"""Podman says `stopped` before `exited`."""
_COMMAND_LIMIT = 300


def brief(host: str, listed: Mapping[str, Any], at: float) -> Evidence:
    """A container that runs no worker, from its row in the list alone."""
    name = str((listed.get("Names") or ["?"])[0]).lstrip("/")
    status = str(listed.get("State", "")).lower()
    return Evidence(
        id=fingerprint("container", host, listed["Id"]),
        at=at,
        source="docker",
        what="container",
        host=host,
        fact=f"container {name} is {status}",
        how=f"docker ps -a --filter name={name}",
        container=listed["Id"][:12],
        data={
            "id": listed["Id"],
            "name": name,
            "status": status,
            "command": _command(listed.get("Command"))[:_COMMAND_LIMIT],
            "worker": False,
        },
    )


def level(host: str, inspected: Mapping[str, Any], at: float, pid: int | None) -> Evidence:
    """A worker's container as it is. `pid` is its main process on the host, of this or its last run."""
    data = _data(inspected)
    return Evidence(
        id=fingerprint("container", host, inspected["Id"]),
        at=at,
        source="docker",
        what="container",
        host=host,
        fact=_fact(data),
        how=_how(data),
        pid=pid,
        nodes=_nodes(inspected),
        container=inspected["Id"][:12],
        data=data,
    )


def died(host: str, inspected: Mapping[str, Any], at: float, pid: int | None) -> Evidence | None:
    """The end of its last run; None while it runs or has never run."""
    data = _data(inspected)
    if data["status"] not in ENDED or data["finished"] is None:
        return None
    return Evidence(
        id=fingerprint("container-died", host, inspected["Id"], data["finished"]),
        at=min(at, float(data["finished"])),
        source="docker",
        what="container-died",
        host=host,
        fact=_fact(data),
        how=_how(data),
        pid=pid,
        nodes=_nodes(inspected),
        container=inspected["Id"][:12],
        data=data,
    )


def main_pid(inspected: Mapping[str, Any]) -> int | None:
    """The host's pid of its first process, None while it does not run."""
    return int(inspected["State"].get("Pid") or 0) or None


def parse_time(text: str | None) -> float | None:
    """Unix seconds of an engine's RFC 3339 time; None for "never", which it writes as the year 1."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text).timestamp()


def _data(inspected: Mapping[str, Any]) -> dict[str, Any]:
    state, status = inspected["State"], str(inspected["State"].get("Status", "")).lower()
    ended = status in ENDED
    return {
        "id": inspected["Id"],
        "name": str(inspected.get("Name", "")).lstrip("/"),
        "status": status,
        "exit_code": state.get("ExitCode") if ended else None,
        # the flag of the run before stays up after `docker start`, so it counts for an ended run alone
        "oom_killed": bool(state.get("OOMKilled")) and ended,
        "flag": bool(state.get("OOMKilled")),
        "restarts": inspected.get("RestartCount", 0),
        "limit": inspected.get("HostConfig", {}).get("Memory") or None,
        "started": parse_time(state.get("StartedAt")),
        "finished": parse_time(state.get("FinishedAt")) if ended else None,
        "command": " ".join(_words(inspected))[:_COMMAND_LIMIT],
        "worker": True,
    }


def _fact(data: Mapping[str, Any]) -> str:
    memory = f", memory limit {data['limit'] / (1 << 20):,.0f} MB" if data["limit"] else ""
    killed = "OOMKilled true" if data["flag"] else "OOMKilled false"
    if data["status"] not in ENDED:
        stale = " (as its last run left it)" if data["flag"] else ""
        return f"container {data['name']} is {data['status']}, {killed}{stale}{memory}"
    return f"container {data['name']} ended with exit code {data['exit_code']}, {killed}{memory}"


def _how(data: Mapping[str, Any]) -> str:
    return f"docker inspect -f '{{{{json .State}}}}' {data['name']}"


def _nodes(inspected: Mapping[str, Any]) -> tuple[str, ...]:
    worker = carried_worker(_words(inspected))
    hostname = inspected.get("Config", {}).get("Hostname")
    return worker.nodes((hostname,)) if worker and hostname else ()


def _words(inspected: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(inspected.get("Path", "")), *map(str, inspected.get("Args") or ()))


def _command(given: object) -> str:
    """Docker lists the command as one text, Podman's own API as words."""
    return " ".join(map(str, given)) if isinstance(given, list) else str(given or "")
