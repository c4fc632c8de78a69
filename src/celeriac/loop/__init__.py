"""The one concurrency idea: a loop is a step and a wait."""

from celeriac.loop.backoff import backoff
from celeriac.loop.runner import Loop, LoopHealth, LoopRunner

__all__ = ["Loop", "LoopHealth", "LoopRunner", "backoff"]
