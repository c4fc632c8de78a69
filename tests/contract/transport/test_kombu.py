"""Brokers that are none: kombu's queues in memory, which keep the contract, and in files, which keep no order."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from celeriac.testing.transport_contract import TransportContract, TransportStage
from lab.transport import FilesystemStage, MemoryStage


class TestMemory(TransportContract):
    @pytest.fixture
    def stage(self) -> TransportStage:
        return MemoryStage()


def test_parcels_in_files_come_again_until_they_are_acknowledged(tmp_path: Path) -> None:
    stage = FilesystemStage(tmp_path)
    with closing(stage.outlet()) as outlet:
        for body in (b"a", b"b", b"\xff\x00"):
            outlet.send(body)
    with closing(stage.inlet("one")) as inlet:
        first = inlet.receive(5.0, 10)
        inlet.acknowledge((first.deliveries[0].tag,))
    with closing(stage.inlet("two")) as inlet:
        again = inlet.receive(5.0, 10)
    assert first.current
    assert {one.body for one in first.deliveries} == {b"a", b"b", b"\xff\x00"}
    assert {one.body for one in again.deliveries} == {one.body for one in first.deliveries[1:]}
