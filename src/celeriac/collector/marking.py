"""How far a source has been read, as a mark for the store."""

from __future__ import annotations

from celeriac.errors import BrokerUnavailableError, CeleriacError
from celeriac.model.source import SourceMark


def read(name: str, began: float) -> SourceMark:
    """The source was read, from `began` on."""
    return SourceMark(name, began)


def failed(name: str, at: float, error: CeleriacError) -> SourceMark:
    """The source could not be read: the store keeps its old mark and since when it fails."""
    cause = error.cause if isinstance(error, BrokerUnavailableError) else None
    return SourceMark(name, 0.0, error=str(error), cause=cause, failing_since=at)
