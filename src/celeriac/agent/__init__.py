"""The agent root: one per host. What this host shows of its workers, shipped through the broker to the server."""

from celeriac.agent.run import Options, run

__all__ = ["Options", "run"]
