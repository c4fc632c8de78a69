"""Rows of a page: a label in a margin, and a text beside it that wraps, or a command that does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

MARGIN = 11
NARROWEST = 30
LEAST_LAST = 12

WORD_STYLES = {
    "critical": "bold red",
    "problem": "bold red",
    "open": "bold red",
    "lost": "bold red",
    "dead": "bold red",
    "failed": "red",
    "unconsumed": "bold red",
    "warning": "bold yellow",
    "unknown": "bold yellow",
    "stale": "bold yellow",
    "gap": "yellow",
    "silent": "bold yellow",
    "held": "bold yellow",
    "acknowledged": "yellow",
    "info": "cyan",
    "healthy": "bold green",
    "alive": "green",
    "live": "green",
    "idle": "green",
    "consumed": "green",
    "succeeded": "green",
    "resolved": "green",
}
"""Colour only repeats what the word says."""


def word(text: str) -> Text:
    """A state's name in its colour."""
    return Text(text, WORD_STYLES.get(text.lower(), ""))


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `lead` stands before the body, whose further lines begin beneath its first, `hang` further in.

    A `whole` body is never wrapped, so that it can be copied.
    """

    label: str
    body: Text
    lead: str = ""
    hang: int = 0
    whole: bool = False
    label_style: str = "dim"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        before = Text.assemble((self.label.ljust(MARGIN), self.label_style), (self.lead, "dim"))
        inset = before.cell_len + self.hang
        for line in self._lines(console, options.max_width - inset):
            yield Text.assemble(before, line, no_wrap=True, overflow="ignore")
            before = Text(" " * inset)

    def _lines(self, console: Console, width: int) -> Iterable[Text]:
        if self.whole:
            return (self.body,)
        lines = self.body.wrap(console, max(NARROWEST, width))
        for line in lines:
            line.rstrip()
        return lines


def prose(label: str, text: str, style: str = "", hang: int = 0) -> Row:
    """A row of running text."""
    return Row(label, Text(text, style), hang=hang)


def command(text: str) -> Row:
    """A command to copy, beneath what it belongs to."""
    return Row("", Text(text, "bold"), lead="$ ", whole=True)


def labelled(label: str, rows: Iterable[Row]) -> Iterator[Row]:
    """`rows` with `label` beside the first."""
    for number, row in enumerate(rows):
        yield replace(row, label=label) if number == 0 else row


def page(*blocks: Iterable[RenderableType]) -> Group:
    """Blocks with a blank line between; an empty block leaves none."""
    filled = [tuple(block) for block in blocks]
    spaced: list[RenderableType] = []
    for block in filled:
        if block and spaced:
            spaced.append(Text())
        spaced.extend(block)
    return Group(*spaced)


def table(*headings: str, right: Iterable[int] = ()) -> Table:
    """A table without art: headings, then rows. The last column takes what is left, twelve characters at least, and
    wraps."""
    built = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for number, heading in enumerate(headings):
        last = number == len(headings) - 1
        built.add_column(
            heading,
            justify="right" if number in right else "left",
            no_wrap=not last,
            overflow="fold",
            min_width=max(LEAST_LAST, len(heading)) if last else None,
        )
    return built
