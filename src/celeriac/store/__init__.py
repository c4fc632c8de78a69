"""The only meeting point: what was collected, judged and asked for, durable.

`Store.open(url)` gives the one seam everything else uses.
"""

from celeriac.store.audit import Entry
from celeriac.store.batch import Batch, Recorded
from celeriac.store.groups import Member
from celeriac.store.incident_rows import IncidentRow, LogEntry, Request, SavedIncident
from celeriac.store.migrate import Schema
from celeriac.store.page import Page
from celeriac.store.query import TaskQuery, TaskRow
from celeriac.store.store import Store

__all__ = [
    "Batch",
    "Entry",
    "IncidentRow",
    "LogEntry",
    "Member",
    "Page",
    "Recorded",
    "Request",
    "SavedIncident",
    "Schema",
    "Store",
    "TaskQuery",
    "TaskRow",
]
