"""The promise itself: nothing is lost unseen, nothing is called lost that is not, and every loss has its right cause.

CONSERVATION_TASKS and CONSERVATION_SEEDS make it as long as you like; `make fault` does.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conservation.campaign import Campaign, campaign_of

TASKS = int(os.environ.get("CONSERVATION_TASKS", "240"))
SEEDS = [int(seed) for seed in os.environ.get("CONSERVATION_SEEDS", "1").split(",")]
RATE = 20.0 if TASKS <= 1000 else 40.0
FAULT_EVERY = 4.0
"""Seconds of publishing for each fault."""


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(3600)
def test_every_task_is_accounted_for_under_every_fault(seed: int, tmp_path: Path) -> None:
    campaign = Campaign(seed, TASKS, RATE, faults=max(3, int(TASKS / RATE / FAULT_EVERY)))
    report = campaign_of(tmp_path, campaign)
    print(f"\nseed {seed}, broker {'keeps' if campaign.durable else 'loses'} its data: {campaign.schedule}\n{report}")
    assert report.violations == [], str(report)
    assert report.published > TASKS / 2
