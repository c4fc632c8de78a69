"""What the pages, the REST API and the command line show: the store's facts as JSON-ready dicts, one file per noun.

Times are RFC 3339 UTC, durations seconds, None what could not be seen.
"""

from celeriac.api.views.balance import balance
from celeriac.api.views.completions import completions
from celeriac.api.views.incidents import incident, incidents
from celeriac.api.views.memory import memory
from celeriac.api.views.overview import overview
from celeriac.api.views.pulse import pulse
from celeriac.api.views.queues import queues
from celeriac.api.views.rescues import ask_rescue, audit, rescue, rescues
from celeriac.api.views.status import status
from celeriac.api.views.task import task
from celeriac.api.views.tasks import tasks
from celeriac.api.views.workers import workers

__all__ = [
    "ask_rescue",
    "audit",
    "balance",
    "completions",
    "incident",
    "incidents",
    "memory",
    "overview",
    "pulse",
    "queues",
    "rescue",
    "rescues",
    "status",
    "task",
    "tasks",
    "workers",
]
