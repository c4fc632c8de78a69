"""What a detector is: a pure question to a view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from celeriac.model.finding import Finding
from celeriac.model.incident import Patience
from celeriac.model.view import View


@dataclass(frozen=True, slots=True)
class Detector:
    """One incident kind.

    `judge` gives the findings that stand at `view.at`; pure, and exact about what it cannot know. `needs` names the
    sources without which a missing finding means nothing: while one is not live the kind's incidents go to "no data".
    `patience` has the hold and keep-open times.
    """

    kind: str
    judge: Callable[[View], tuple[Finding, ...]]
    needs: frozenset[str] = frozenset()
    patience: Patience = field(default_factory=Patience)
