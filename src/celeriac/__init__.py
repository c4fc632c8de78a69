"""Celeriac: the reliability layer for Celery. Account, diagnose, recover, rehearse."""

__version__ = "0.1.0"
