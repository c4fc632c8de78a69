"""What a silent worker has: it may run, or have ended, and nobody would hear of it."""

from __future__ import annotations

from collections.abc import Iterator

from celeriac.detectors import prose
from celeriac.detectors.absences import Doubt
from celeriac.detectors.deliveries import open_on
from celeriac.detectors.liveness import Life, Standing, lives
from celeriac.model.attempt import AttemptState
from celeriac.model.view import View

_WORDS = {"frozen": "it is frozen", "log-pipe": "it is blocked while it writes its log"}


def silenced(view: View) -> Iterator[Doubt]:
    """The open tasks of each worker that is neither heard nor known to be dead; a busy one is as good as heard."""
    for life in lives(view):
        if life.standing is Standing.SILENT and not life.takes_work:
            had = open_on(view, life.worker.node, life.worker.pid)
            yield from (Doubt(task, _because(life)) for task in had if task.state is not AttemptState.LOST)


def _because(life: Life) -> str:
    """The same for as long as it is silent, so that it is written once."""
    why = _WORDS.get(life.cause, "whether it lives is not known")
    return f"{life.worker.node} has it, and was not heard since {prose.instant(life.last_word)}: {why}"
