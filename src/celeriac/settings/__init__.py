"""The settings tree: flags > CELERIAC_SECTION__KEY > celeriac.toml > defaults. Roots hand each room its own section."""

from celeriac.settings.load import load, origins
from celeriac.settings.tree import BrokerSettings, ServerSettings, Settings, StoreSettings

__all__ = ["BrokerSettings", "ServerSettings", "Settings", "StoreSettings", "load", "origins"]
