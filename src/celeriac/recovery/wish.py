"""What somebody asks to have rescued, as it stands in a request's row."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose tasks, or which one; without any of the three, all that are held. `republish` publishes a lost task once
    more, `dry_run` only says what would be done."""

    worker: str | None = None
    task: str | None = None
    incident: str | None = None
    republish: bool = False
    dry_run: bool = False

    def text(self) -> str:
        """The wish as a request's subject."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @classmethod
    def parse(cls, text: str) -> Wish:
        """What `text` made. Raises ValueError."""
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(f"{text!r} is no rescue") from error
