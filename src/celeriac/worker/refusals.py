"""Messages that this worker throws away because it cannot read them: Celery logs them, and sends no event."""

from __future__ import annotations

from functools import wraps
from time import time
from typing import Any

from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence
from celeriac.worker.facts import SOURCE
from celeriac.worker.guard import guarded
from celeriac.worker.recorder import Recorder

_SHOWN = 200


class Refusals:
    """Tells of content that is refused or cannot be decoded, and of what is no task at all
    (celery/worker/consumer/consumer.py: `on_decode_error`, `on_invalid_task`, `on_unknown_message`)."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @guarded
    def watch(self, consumer: Any) -> None:
        """Before the consumer starts: it hands them on as they are then (celery/worker/consumer/tasks.py)."""
        decode, invalid, unknown = consumer.on_decode_error, consumer.on_invalid_task, consumer.on_unknown_message

        @wraps(decode)
        def on_decode_error(message: Any, error: BaseException) -> Any:
            self._tell(message, str(error))
            return decode(message, error)

        @wraps(invalid)
        def on_invalid_task(body: Any, message: Any, error: BaseException) -> Any:
            self._tell(message, str(error))
            return invalid(body, message, error)

        @wraps(unknown)
        def on_unknown_message(body: Any, message: Any) -> Any:
            self._tell(message, "it is no task's message")
            return unknown(body, message)

        consumer.on_decode_error = on_decode_error
        consumer.on_invalid_task = on_invalid_task
        consumer.on_unknown_message = on_unknown_message

    @guarded
    def _tell(self, message: Any, why: str) -> None:
        task_id = (message.headers or {}).get("id") or (message.properties or {}).get("correlation_id")
        sender, at = self._recorder.sender, time()
        self._recorder.note_fact(
            Evidence(
                id=fingerprint("message-refused", sender.boot, message.delivery_tag, at),
                at=at,
                source=SOURCE,
                what="message-refused",
                host=sender.host,
                fact=f"{sender.node} threw away the message of task {task_id}: {why[:_SHOWN]}",
                how="grep -e \"Can't decode message\" -e 'invalid task message' -e 'unknown message' WORKER.log",
                pid=sender.pid,
                nodes=(sender.node,),
                data={"task_id": task_id, "content_type": message.content_type},
            )
        )
