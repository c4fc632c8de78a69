"""The one-shot root: the server's samplers and detectors, over a store in memory, for a few seconds."""

from celeriac.diagnose.run import Options, run

__all__ = ["Options", "run"]
