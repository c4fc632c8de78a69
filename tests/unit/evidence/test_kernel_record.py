"""The records of /dev/kmsg."""

from __future__ import annotations

import pytest

from celeriac.evidence.kernel_log import parse_record


def test_a_record_of_the_kernel_is_its_time_and_first_line() -> None:
    assert parse_record(b"3,423,1443977755,-;Killed; process\n SUBSYSTEM=x\n") == (1443.977755, "Killed; process")


@pytest.mark.parametrize("record", [b"12,424,1443977755,-;Killed process 1 (init)\n", b"", b"junk\n"])
def test_what_anybody_else_wrote_is_nothing(record: bytes) -> None:
    assert parse_record(record) is None
