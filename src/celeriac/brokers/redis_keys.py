"""The names kombu gives to keys and channels (kombu/transport/redis.py, Channel)."""

from __future__ import annotations

from dataclasses import dataclass

SEPARATOR = "\x06\x16"
DEFAULT_STEPS = (0, 3, 6, 9)
"""kombu's PRIORITY_STEPS: one list per step; step 0 has the queue's bare name."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys under one `global_keyprefix`, and the channels of database `db`; kombu prefixes both."""

    prefix: str
    db: int

    def key(self, name: str) -> bytes:
        """The key that kombu means by `name`."""
        return f"{self.prefix}{name}".encode()

    def list(self, queue: str, step: int) -> bytes:
        """The list of `queue` at one priority step."""
        return self.key(f"{queue}{SEPARATOR}{step}" if step else queue)

    def pattern(self, name: str) -> bytes:
        """A SCAN or PSUBSCRIBE pattern: the prefix is taken as it is, `name` may have wildcards."""
        return (escape(self.prefix) + name).encode()

    @property
    def database(self) -> str:
        """What these keys have in common on their server."""
        return f"{self.db}/{self.prefix}"

    @property
    def events(self) -> bytes:
        """The pattern of the event channels, `/0.celeryev/task.sent` and so on."""
        return self.pattern(f"/{self.db}.celeryev/*")

    @property
    def control(self) -> bytes:
        """The channel that workers hear remote control on."""
        return self.key(f"/{self.db}.celery.pidbox")

    def split(self, key: bytes) -> tuple[str, int] | None:
        """Queue and step of a list's key; None when it can be no queue's, or is one of Celery's own mailboxes."""
        try:
            name = key.decode().removeprefix(self.prefix)
        except UnicodeDecodeError:
            return None
        queue, separator, step = name.partition(SEPARATOR)
        if (separator and not step.isdecimal()) or is_mailbox(queue):
            return None
        return queue, int(step or 0)


def is_mailbox(queue: str) -> bool:
    """True for queues of remote control and events, which hold no tasks."""
    return not queue or queue.endswith(".pidbox") or queue.startswith("celeryev.")


def escape(text: str) -> str:
    """`text` with Redis' glob characters taken literally."""
    return "".join(f"\\{one}" if one in "*?[]\\" else one for one in text)
