"""How a demo speaks: dated lines, and on a terminal a live line of what is going on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

Render = Callable[[Mapping[str, Any]], RenderableType]
"""An incident, as the API gives it, for reading."""

PULSE = 5.0
"""Seconds between two lines of figures where no live line can be."""


class Narrator:
    """Tells `out` what happens. Seconds in its lines count from when everything was up."""

    def __init__(self, out: Console, render: Render, now: Callable[[], float]) -> None:
        self._out = out
        self._render = render
        self._now = now
        self._began: float | None = None
        self._pulsed = 0.0
        self._status: Status | None = None

    def begin(self) -> None:
        """From now on seconds count."""
        self._began = self._pulsed = self._now()

    def say(self, text: str, style: str = "") -> None:
        """One dated line."""
        self._out.print(Text.assemble((self._stamp(), "dim"), (text, style)), soft_wrap=True)

    def show(self, incident: Mapping[str, Any]) -> None:
        """The incident as a person reads it."""
        self._out.print()
        self._out.print(self._render(incident))
        self._out.print()

    def rows(self, title: str, rows: Mapping[str, str]) -> None:
        """A closing block."""
        self._out.print()
        self._out.print(Text(title, "bold"))
        for label, text in rows.items():
            self._out.print(Text.assemble((f"  {label:<11}", "dim"), text), soft_wrap=True)
        self._out.print()

    def pulse(self, text: str) -> None:
        """What is going on right now: the live line, or a dated line now and then."""
        if self._status is not None:
            self._status.update(Text.assemble((self._stamp(), "dim"), text))
        elif self._now() - self._pulsed >= PULSE:
            self._pulsed = self._now()
            self.say(text)

    def _stamp(self) -> str:
        return "       " if self._began is None else f"{self._now() - self._began:4.0f} s "

    def __enter__(self) -> Narrator:
        if self._out.is_terminal:
            self._status = self._out.status("starting")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
