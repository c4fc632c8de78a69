"""Receive, decode, dedupe, append and fold: what brokers and hosts show, into the store."""

from celeriac.collector.collect import collect
from celeriac.collector.parked import ParkedLoop
from celeriac.collector.retaining import RetainLoop

__all__ = ["ParkedLoop", "RetainLoop", "collect"]
