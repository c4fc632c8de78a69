"""Reading one of kombu's lists whole, in pages, while it moves; and proving later that nothing was overlooked.

kombu publishes and puts refused messages back on the left (LPUSH), takes on the right (BRPOP), and puts back what its
consumer lost on the right (RPUSH) (kombu/transport/redis.py, `_put`, `_brpop_start`, `_do_restore_message`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from celeriac.brokers.messages import Message
from celeriac.brokers.redis_link import Command

FIRST_PAGE = 10
MAX_PAGE = 1_000
PAGE_BYTES = 256 << 10
"""What a page should come to; how large messages are is only known after the first."""

Asking = Generator[Sequence[Command], list[Any], None]
"""A course of questions: gives commands that go out together, takes their replies."""
Inspect = Callable[[bytes, int | None], Message | None]
"""Looks at what stands in a list, and how many stand before it (None: not known): a message, or None."""


class UnreadError(Exception):
    """What was asked for cannot be read; the text says why."""


class ListReading:
    """One list, `key`, of which every message is shown to `inspect`. `affordable` is how many bytes may be read."""

    def __init__(self, key: bytes, label: str, inspect: Inspect, affordable: Callable[[], float]) -> None:
        self.key = key
        self.label = label
        self._inspect = inspect
        self._affordable = affordable
        self._size = FIRST_PAGE
        self._short = True
        self.length = 0
        self.shown = False
        self._messages: set[int] = set()
        self._unmoved: set[int] = set()

    def walk(self) -> Asking:
        """From the next to be taken to the last published. Messages are taken meanwhile, so that the rest moves up
        and a page may begin too far: the last message of one page must stand in the next, or in the end nothing stands
        before it any more. Raises UnreadError."""
        self.length, page = yield [("LLEN", self.key), self._range(0)]
        before, anchor, step = 0, None, 0
        while True:
            self._check(self.length, page)
            self._show(page, before)
            joined = before == 0 or anchor in page
            if joined and len(page) < self._size:
                break
            if joined:
                anchor, before, step = self._forward(page, before, anchor)
                self._afford(self.length - before, page)
            else:
                step = max(self._size, 2 * step)
                before = max(0, before - step)
            (page,) = yield [self._range(before)]
        self._short = before + len(page) <= self._size // 2

    def ends(self) -> list[Command]:
        """What to read to see all that has come since the walk."""
        head: Command = ("LRANGE", self.key, 0, self._size - 1)
        return [head] if self._short else [head, self._range(0)]

    def proves(self, pages: Sequence[Any]) -> bool:
        """True when these replies to `ends`, together with the walk, show every message that stood there when they
        were read: they are the whole list, or at both ends they reach to a message that the walk saw and that was never
        put back: it kept its place, so that what came later stands outside of it. Raises UnreadError."""
        for page in pages:
            self._check(0, page)
        reached = [self._reaches(page) for page in pages]
        self._show(pages[0], 0 if len(pages[0]) < self._size else None)
        for page in pages[1:]:
            self._show(page, 0)
        self.shown = len(pages[0]) < self._size or (len(pages) > 1 and all(reached))
        return self.shown

    def _range(self, before: int) -> Command:
        return ("LRANGE", self.key, -(before + self._size), -(before + 1))

    def _check(self, length: object, page: object) -> None:
        fault = next((one for one in (length, page) if isinstance(one, Exception)), None)
        if fault is not None:
            raise UnreadError(f"{self.label} cannot be read: {fault}")

    def _show(self, page: Sequence[bytes], before: int | None) -> None:
        for depth, raw in enumerate(reversed(page)):
            message = self._inspect(raw, None if before is None else before + depth)
            if message is not None:
                self._messages.add(hash(raw))
            if message is not None and not message.redelivered:
                self._unmoved.add(hash(raw))

    def _reaches(self, page: Sequence[bytes]) -> bool:
        return any(hash(raw) in self._unmoved for raw in page)

    def _forward(self, page: Sequence[bytes], before: int, last: bytes | None) -> tuple[bytes, int, int]:
        """The message that the next page must hold too, and where that page begins."""
        depth = next((at for at, raw in enumerate(page) if hash(raw) in self._messages), None)
        if depth is None:
            raise UnreadError(f"{self.label} holds too much that is no task")
        self._size = self._fitting(page)
        following = max(0, before + len(page) - depth - max(1, self._size // 4))
        if page[depth] == last and following <= before:
            raise UnreadError(f"{self.label} holds too much that is no task")
        return page[depth], following, 0

    def _fitting(self, page: Sequence[bytes]) -> int:
        mean = sum(map(len, page)) / len(page)
        return max(FIRST_PAGE, min(MAX_PAGE, int(PAGE_BYTES / max(1.0, mean)), 4 * len(page)))

    def _afford(self, left: int, page: Sequence[bytes]) -> None:
        mean = sum(map(len, page)) / len(page)
        if left * mean > self._affordable():
            raise UnreadError(f"the backlog of {self.label} is too deep to be searched: {left} messages are left")
