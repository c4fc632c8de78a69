"""The server root: settings in, loops out. The only wiring of collector, incidents, API and pages."""

from celeriac.server.serve import serve

__all__ = ["serve"]
