"""The promise itself: nothing is lost unseen, nothing is called lost that is not, and every loss has its right cause.

CONSERVATION_TASKS, CONSERVATION_SEEDS and CONSERVATION_RABBIT_SEEDS make it as long as you like; `make fault` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from conservation.campaign import Campaign
from conservation.redis_broker import RedisBroker

TASKS = int(os.environ.get("CONSERVATION_TASKS", "300"))
SHORT = TASKS <= 1000
RATE = 20.0 if SHORT else 40.0
RABBIT_RATE = 20.0
FAULT_EVERY, RABBIT_FAULT_EVERY = 4.0, 12.0
"""Seconds of publishing for each fault: a RabbitMQ node takes its time to start."""
REDIS_SHORT = tuple(kind for kind in RedisBroker(durable=False).faults if kind != "evict")
RABBIT_SHORT = ("kill-main", "kill-child", "client-kill", "delete-queue")
"""What fits into a short run. The long one strikes with all: it kills the RabbitMQ node too, and evicts, which beside a
flush or a cut connection is the hardest to tell."""


def _seeds(name: str, default: str) -> list[int]:
    return [int(seed) for seed in os.environ.get(name, default).split(",") if seed]


def _hold(campaign: Campaign, folder: Path, tell: Callable[[str, object], None]) -> None:
    report = campaign.run(folder)
    tell("conservation", f"{campaign}\n{report}")
    assert report.violations == [], f"{campaign}\n{report}"
    assert report.published > campaign.tasks / 2


@pytest.mark.redis
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", _seeds("CONSERVATION_SEEDS", "1"))
def test_every_task_on_redis_is_accounted_for_under_every_fault(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    faults = max(3, int(TASKS / RATE / FAULT_EVERY))
    campaign = Campaign("redis", seed, TASKS, RATE, faults, REDIS_SHORT if SHORT else ())
    _hold(campaign, tmp_path, record_property)


@pytest.mark.rabbitmq
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", _seeds("CONSERVATION_RABBIT_SEEDS", "3"))
def test_every_task_on_rabbitmq_is_accounted_for_under_every_fault(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    faults = len(RABBIT_SHORT) if SHORT else int(TASKS / RABBIT_RATE / RABBIT_FAULT_EVERY)
    campaign = Campaign("rabbitmq", seed, TASKS, RABBIT_RATE, faults, RABBIT_SHORT if SHORT else ())
    _hold(campaign, tmp_path, record_property)
