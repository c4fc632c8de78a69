"""Run detectors, keep the incident life cycle, assemble the diagnosis."""

from celeriac.incidents.diagnosis import diagnose
from celeriac.incidents.rank import groups, rank
from celeriac.incidents.track import TrackLoop

__all__ = ["TrackLoop", "diagnose", "groups", "rank"]
