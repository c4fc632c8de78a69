"""Which task each unacknowledged delivery holds, kept over searches: a tag never stands for another message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from celeriac.brokers.messages import Delivery

Held = tuple[str | None, str, str]
"""Task id, exchange and routing key."""


class Tags:
    """The tags of the `unacked` hash as listed last, with the delivery of each that was read since it came."""

    def __init__(self) -> None:
        self._deliveries: dict[bytes, Held | None] = {}

    @property
    def unread(self) -> list[bytes]:
        """Listed tags whose message was not read yet."""
        return [tag for tag, held in self._deliveries.items() if held is None]

    @property
    def held(self) -> Iterable[Held]:
        """What is known of the listed ones."""
        return (held for held in self._deliveries.values() if held is not None)

    def list(self, tags: Sequence[bytes]) -> None:
        """These are unacknowledged now; the others are forgotten."""
        self._deliveries = {tag: self._deliveries.get(tag) for tag in tags}

    def read(self, tag: bytes, delivery: Delivery | None) -> None:
        """What the tag stands for; None when that is no message of Celery's."""
        if delivery is None:
            self._deliveries[tag] = (None, "", "")
        else:
            self._deliveries[tag] = (delivery.message.task_id, delivery.exchange, delivery.routing_key)
