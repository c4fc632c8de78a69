"""Whether the result backend failed alone, or with the broker's server."""

from __future__ import annotations

import pytest

from celeriac.detectors.result_backend_down import judge
from celeriac.model.finding import Finding
from celeriac.model.source import SourceMark
from celeriac.model.view import View
from lab.views import NOW, evidence, view

FAILS = "nothing listens at db-1:6379"


def down(address: str, cause: str = "unreachable") -> View:
    level = evidence(
        "result-backend", "ledger", NOW, cause=cause, reach=None, since=NOW - 30, address=address, interval=2.0
    )
    return view(evidence=(level,), sources=(SourceMark("broker", NOW, error=FAILS),))


def found(given: View) -> Finding:
    (finding,) = judge(given)
    return finding


def test_the_brokers_own_server_is_the_cause() -> None:
    assert found(down("redis://db-1:6379/1")).caused_by is not None


@pytest.mark.parametrize("address", ["postgresql://db-1/celery", "postgresql://ada:***@db-1:5432/celery"])
def test_a_database_on_the_brokers_host_is_another_server(address: str) -> None:
    assert found(down(address)).caused_by is None


def test_a_database_is_mended_with_its_own_commands() -> None:
    finding = found(down("postgresql://db-1/celery", "read-only"))
    commands = [*(one.command for one in finding.fix), *(one.command for one in finding.verify)]
    assert "redis" not in " ".join(commands)
