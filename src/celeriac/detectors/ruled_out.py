"""Who did not do it: the broker, the publishers, an operator, memory; each only when a fact says so."""

from __future__ import annotations

from celeriac.detectors import prose
from celeriac.detectors.deaths import Death
from celeriac.detectors.toll import growth
from celeriac.model.broker import BrokerLook
from celeriac.model.finding import RuledOut
from celeriac.model.queue import Queue
from celeriac.model.view import View

FULL = 0.9


def ruled_out(view: View, death: Death) -> tuple[RuledOut, ...]:
    """What was looked at and did not kill this worker."""
    found = [broker(view), publishers(view, death.queues, death.ending.at), _operator(view, death)]
    found.append(_memory(view) if death.kill is None else None)
    return tuple(one for one in found if one is not None)


def broker(view: View) -> RuledOut | None:
    """The broker, when it answers, is a master and has room."""
    look = view.broker
    if look is None or look.loading or look.role not in (None, "master"):
        return None
    share = look.memory_share
    if share is not None and share >= FULL:
        return None
    return RuledOut("broker", broker_fact(look))


def broker_fact(look: BrokerLook) -> str:
    """`answers PING in 0.4 ms, role master, memory 3 %`."""
    parts = [f"answers PING in {look.latency * 1000:.1f} ms"]
    parts += [f"role {look.role}"] if look.role else []
    share = look.memory_share
    if share is not None:
        parts.append(f"memory {share:.0%}".replace("%", " %"))
    elif look.used_memory is not None:
        parts.append(f"memory {prose.size(look.used_memory)}, no limit set")
    return ", ".join(parts)


def publishers(view: View, queues: tuple[Queue, ...], since: float) -> RuledOut | None:
    """The web side and whatever else publishes, when messages keep arriving."""
    for queue in queues:
        gained = growth(view, queue, since)
        if gained is not None and gained > 0.01:
            return RuledOut("web / publishers", f"messages keep arriving: {queue.name} grew {prose.rate(gained)}")
    return None


def _operator(view: View, death: Death) -> RuledOut | None:
    ending = death.ending
    if ending.goodbye_at is not None or ending.life is None or not view.sees("events"):
        return None
    return RuledOut("operator shutdown", "it said no worker-offline: no SIGTERM reached it, no warm shutdown began")


def _memory(view: View) -> RuledOut | None:
    if not (view.sees("kernel") and view.sees("cgroup")):
        return None
    return RuledOut("memory", "no kernel OOM line and no cgroup kill at that time")
