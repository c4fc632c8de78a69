"""The settings tree: flags > CELERIAC_SECTION__KEY > celeriac.toml > defaults. Roots hand each room its own section."""

from celeriac.settings.load import load, origins
from celeriac.settings.tree import BrokerSettings, ResultSettings, ServerSettings, Settings, StoreSettings

__all__ = ["BrokerSettings", "ResultSettings", "ServerSettings", "Settings", "StoreSettings", "load", "origins"]
