"""The collector as a whole: which loops bring facts into the store."""

from __future__ import annotations

from collections.abc import Iterable

from celeriac.brokers import Broker
from celeriac.collector.asking import AskLoop
from celeriac.collector.events import EventLoop
from celeriac.collector.evidence import EvidenceLoop
from celeriac.collector.looking import LookLoop
from celeriac.collector.results import ResultLoop
from celeriac.collector.seeking import SeekLoop
from celeriac.collector.stream import StreamLoop
from celeriac.evidence import Source
from celeriac.loop import Loop
from celeriac.results.open import open_results
from celeriac.settings import Settings
from celeriac.store import Store
from celeriac.transport import Inlet


def collect(
    broker: Broker, store: Store, sources: Iterable[Source], settings: Settings, inlet: Inlet | None = None
) -> tuple[Loop, ...]:
    """The loops over `broker` and `sources`, none started. What `inlet` gives is taken away from any other reader:
    without it the record is left where it is. Raises UnsupportedByBrokerError for a result backend that is not read."""
    pace = settings.broker
    results = open_results(settings.results)
    return (
        *(() if inlet is None else (StreamLoop(inlet, store),)),
        EventLoop(broker.events(), store),
        LookLoop(broker, store, pace.look_interval),
        SeekLoop(broker, store),
        AskLoop(broker, store, pace.ask_interval, enable_events=pace.enable_events),
        *(() if results is None else (ResultLoop(results, store, settings.results.interval),)),
        *(EvidenceLoop(one, store, settings.evidence.interval) for one in sources),
    )
