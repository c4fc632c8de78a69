"""What a producer's recorder says of a publish that RabbitMQ was not asked to confirm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from celery import Celery

from celeriac.model.event import RECORDED, Event
from celeriac.model.task import UNCONFIRMED, fold_all
from celeriac.worker.installation import Installation
from celeriac.worker.options import checked
from lab.rabbit import RabbitServer
from lab.rabbit_stage import VirtualHost

pytestmark = pytest.mark.rabbitmq


class Kept(Installation):
    """Keeps the last that is noted."""

    told: Event

    def note(self, kind: str, task_id: str, data: Mapping[str, Any], at: float) -> None:
        self.told = Event(task_id, kind, at, at, RECORDED, task_id=task_id, data=data)


@pytest.mark.parametrize(
    ("options", "detail"),
    [({}, UNCONFIRMED), ({"confirm_publish": False}, UNCONFIRMED), ({"confirm_publish": True}, "")],
)
def test_a_publish_that_nobody_confirmed_says_so(rabbit: RabbitServer, options: dict[str, Any], detail: str) -> None:
    with VirtualHost(rabbit) as host:
        app = Celery("unconfirmed", broker=host.url, set_as_current=False)
        app.conf.broker_transport_options = options
        kept = Kept(app, checked({}))
        kept.attach()
        app.send_task("noop")
        app.close()
    (mark,) = fold_all(kept.told.task_id or "", (kept.told,)).marks
    assert (mark.what, mark.detail) == ("sent", detail)
