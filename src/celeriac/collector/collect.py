"""The collector as a whole: which loops bring facts into the store."""

from __future__ import annotations

from collections.abc import Iterable

from celeriac.brokers import Broker
from celeriac.collector.asking import AskLoop
from celeriac.collector.events import EventLoop
from celeriac.collector.evidence import EvidenceLoop
from celeriac.collector.looking import LookLoop
from celeriac.evidence import Source
from celeriac.loop import Loop
from celeriac.settings import Settings
from celeriac.store import Store


def collect(broker: Broker, store: Store, sources: Iterable[Source], settings: Settings) -> tuple[Loop, ...]:
    """The loops over `broker` and `sources`, none started."""
    pace = settings.broker
    return (
        EventLoop(broker.events(), store),
        LookLoop(broker, store, pace.look_interval),
        AskLoop(broker, store, pace.ask_interval, enable_events=pace.enable_events),
        *(EvidenceLoop(one, store, settings.evidence.interval) for one in sources),
    )
