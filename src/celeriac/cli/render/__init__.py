"""What Celeriac knows, for reading in a terminal or a pipe: JSON of the contract in, rich renderables out.

Print them on a `console()`: it leaves commands whole, so that they can be copied. Nothing here decides anything.
"""

from celeriac.cli.render.balance import balance
from celeriac.cli.render.console import console, looking
from celeriac.cli.render.diagnosis import diagnosis
from celeriac.cli.render.incident import incident, incidents
from celeriac.cli.render.queues import queues
from celeriac.cli.render.rescue import rescue
from celeriac.cli.render.status import status
from celeriac.cli.render.task import task
from celeriac.cli.render.tasks import tasks
from celeriac.cli.render.workers import workers

__all__ = [
    "balance",
    "console",
    "diagnosis",
    "incident",
    "incidents",
    "looking",
    "queues",
    "rescue",
    "status",
    "task",
    "tasks",
    "workers",
]
