"""What changed around a worker's pod just before it ended: a rollout of its workload, a node that ran short."""

from __future__ import annotations

from celeriac.detectors.endings import Ending
from celeriac.detectors.memory import fact
from celeriac.detectors.traces import seen
from celeriac.model.evidence import Evidence
from celeriac.model.finding import Fact
from celeriac.model.view import View

JUST_BEFORE = 15 * 60.0
"""Seconds for which what happened has to do with an end."""


def surroundings(view: View, ending: Ending) -> list[Fact]:
    """The newest rollout of its workload, and its node where that is in trouble; none of a worker without a pod."""
    pod = ending.trace.container
    if pod is None or pod.source != "kubernetes":
        return []
    rollouts = [one for one in seen(view, "rollout") if _of(pod, one) and 0 <= ending.at - one.at <= JUST_BEFORE]
    nodes = [one for one in seen(view, "machine") if one.host == pod.host and abs(one.at - ending.at) <= JUST_BEFORE]
    return [fact(one) for one in (*rollouts[-1:], *filter(_in_trouble, nodes))]


def _of(pod: Evidence, rollout: Evidence) -> bool:
    return all(pod.text(key) == rollout.text(key) for key in ("namespace", "workload"))


def _in_trouble(node: Evidence) -> bool:
    return bool(node.data.get("pressure")) or node.text("ready") != "True"
