"""What every list ends with: how fresh it is, its holes, and whether there is more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from celeriac.cli.render.figures import counted, moment


def footer(shown: Mapping[str, Any]) -> Iterator[Text]:
    """One line for each thing that limits what the list says; none when it is whole and fresh."""
    if shown["as_of"] is None:
        yield Text("Nothing has been read yet: this list is empty because nothing is known.", "yellow")
    elif shown["stale"]:
        yield Text(f"Stale: what is shown was true at {moment(shown['as_of'])}.", "yellow")
    if shown["gaps"]:
        yield Text(
            f"{counted(len(shown['gaps']), 'hole')} in the history of the last hour: some events are missing.", "yellow"
        )
    if shown.get("next"):
        yield Text("More: narrow the search, or ask for the next page.", "dim")
