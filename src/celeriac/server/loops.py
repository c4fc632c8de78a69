"""Which loops a server runs, wired."""

from __future__ import annotations

from socket import gethostname

from celeriac.brokers import Broker
from celeriac.brokers.carrier import carrier
from celeriac.collector import ParkedLoop, RetainLoop, collect
from celeriac.detectors import with_plugins
from celeriac.evidence.open import host_sources
from celeriac.incidents import TrackLoop
from celeriac.loop import Loop
from celeriac.model.event import fingerprint
from celeriac.plugins import load
from celeriac.recovery import RecoverLoop, holder
from celeriac.settings import Settings
from celeriac.store import Store
from celeriac.transport import open_inlet, open_park


def serving(settings: Settings, broker: Broker, store: Store) -> tuple[Loop, ...]:
    """Every loop of a server: collecting, judging, retaining. Raises ConfigError for a plugin that is none."""
    sources = host_sources(settings.evidence, docker=settings.evidence.docker, plugins=load("celeriac.sources"))
    return (
        *collect(broker, store, sources, settings, open_inlet(carrier(settings), reader=_reader(settings))),
        ParkedLoop(open_park(carrier(settings)), store),
        TrackLoop(store, with_plugins(load("celeriac.detectors"))),
        RecoverLoop(store, broker, holder(), settings.recovery.auto_rescue),
        RetainLoop(store),
    )


def _reader(settings: Settings) -> str:
    """Our name among the readers of the record, the same over restarts: this host, and the store that is filled."""
    return f"{gethostname()}-{fingerprint(settings.store.url.get_secret_value())}"
