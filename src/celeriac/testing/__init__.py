"""Kits for those who build on Celeriac: fakes, and one contract suite for each plugin point."""

from celeriac.testing.clock import FakeClock

__all__ = ["FakeClock"]
