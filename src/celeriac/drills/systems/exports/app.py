"""The Celery app: builds CSV files. Broker from EXPORTS_BROKER."""

from __future__ import annotations

import os
import time

from celery import Celery

PAGE_ROWS = 20_000
PAGE_SECONDS = 0.05
"""How long the database takes to read one page of rows."""
ROW = b"%d,2026-11-21T10:02:11Z,shipped,2 x Celery root (organic),EUR,7.90,Ms A. Knolle,Rootstrasse 4,8001 Zurich\r\n"

app = Celery("exports", broker=os.environ["EXPORTS_BROKER"])
app.conf.update(
    task_ignore_result=True,
    worker_send_task_events=True,
    task_send_sent_event=True,
    broker_connection_retry_on_startup=True,
    # Short, so that what a dead worker held comes back within a demo; kombu sweeps every 10 s x 10 by default.
    broker_transport_options={
        "visibility_timeout": 15,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
    },
)


@app.task(name="exports.csv")
def export_csv(order_id: int, rows: int) -> int:
    """Build one CSV file in memory, page by page; its size in bytes. Fine for a day of orders, not for ten years."""
    row = ROW % order_id
    pages: list[bytes] = []
    for start in range(0, rows, PAGE_ROWS):
        time.sleep(PAGE_SECONDS)
        pages.append(row * min(PAGE_ROWS, rows - start))
    return sum(len(page) for page in pages)
