"""The REST API, and the views that it, the pages and the command line share."""

from celeriac.store import Store

__all__ = ["Store"]
