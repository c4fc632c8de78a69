"""When workers are asked: every half minute, soon after a new one, and again when an answer came in part."""

from __future__ import annotations

from dataclasses import replace

from celeriac.brokers import Broker
from celeriac.collector.asking import REPEATS, AskLoop
from celeriac.model.worker import Worker
from celeriac.store import Store
from lab.views import NOW, worker


class Workers:
    """Stands for a broker whose one worker answers as told: how much it answers cannot be chosen of a real one."""

    def __init__(self, *queues: tuple[str, ...] | None) -> None:
        self.queues = list(queues)
        self.asked: list[float] = []

    def ask(self, at: float) -> tuple[Worker, ...]:
        """The next answer; the last one goes on."""
        queues = self.queues.pop(0) if len(self.queues) > 1 else self.queues[0]
        self.asked.append(at - NOW)
        return (replace(worker(heard=at), asked_at=at, queues=queues),)

    def watch_queues(self, names: set[str]) -> None:
        """Nothing to do."""


def asked(workers: Workers, seconds: int) -> list[float]:
    store = Store.open("sqlite://")
    broker: Broker = workers  # type: ignore[assignment]
    loop = AskLoop(broker, store, 30.0)
    for second in range(seconds):
        loop.step(NOW + second)
    store.close()
    return workers.asked


def test_a_whole_answer_lasts_half_a_minute() -> None:
    assert asked(Workers(("celery",)), 35) == [0, 30]


def test_an_answer_in_part_is_asked_for_again_and_not_for_ever() -> None:
    assert asked(Workers(None, ("celery",)), 20) == [0, 3]
    assert len(asked(Workers(None), 20)) == 1 + REPEATS
