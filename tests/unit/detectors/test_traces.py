"""How host evidence joins a life."""

from __future__ import annotations

import pytest

from celeriac.detectors.traces import container_name, same_group, trace
from lab.views import NODE, NOW, container, gone, process, sources, view, worker


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("/docker/9c", "/docker/9c", True),
        ("/sys/fs/cgroup/memory/docker/9c", "/docker/9c", True),
        ("/docker/9c", "/docker/9d", False),
        ("/adocker", "/docker", False),
        ("/", "/docker/9c", False),
        (None, "/docker/9c", False),
    ],
)
def test_paths_of_one_group_match_wherever_they_begin(left: str | None, right: str, same: bool) -> None:
    assert same_group(left, right) is same


def test_a_process_joins_by_node_and_pid_of_host_or_namespace() -> None:
    inside = process(pid=90_001, namespace_pid=1)
    assert trace(view(evidence=(inside,)), worker(pid=1)).process == inside
    assert trace(view(evidence=(inside,)), worker(pid=2)).process is None
    assert trace(view(evidence=(process(nodes=("celery@db",)),)), worker()).process is None


def test_an_end_before_the_newest_heartbeat_was_an_earlier_incarnations() -> None:
    seen = view(evidence=(gone(NOW - 90),))
    assert trace(seen, worker(heard=NOW - 1)).gone is None
    assert trace(seen, worker(heard=NOW - 91)).gone is not None


def test_a_process_that_a_live_source_no_longer_sees_is_gone() -> None:
    stale = process(NOW - 60)
    assert trace(view(evidence=(stale,)), worker(heard=NOW - 61)).gone == stale
    deaf = trace(view(evidence=(stale,), sources=sources("events")), worker(heard=NOW - 61))
    assert deaf.gone is None


def test_of_two_hosts_that_have_a_container_of_one_name_the_processs_own_joins() -> None:
    here, there = container(nodes=()), container(NOW + 1, nodes=(), host="web-2", container="77aa", id="77aa")
    named = worker("celery@worker")
    inside = process(nodes=("celery@worker",))
    assert trace(view(evidence=(here, there, inside)), named).container == here
    assert trace(view(evidence=(there, inside)), named).container is None
    assert trace(view(evidence=(here, there)), named).container is None
    assert trace(view(evidence=(there,)), named).container == there


def test_an_id_joins_whatever_the_host_is_called() -> None:
    box = container(nodes=(), host="the-engines-own")
    inside = process(nodes=("celery@worker",), container="9c5f0a7b1d2e")
    assert trace(view(evidence=(box, inside)), worker("celery@worker")).container == box


def test_a_container_joins_by_the_host_name_its_worker_has() -> None:
    box = container(nodes=())
    found = trace(view(evidence=(box,)), worker("celery@9c5f0a7b1d2e"))
    assert found.container == box
    assert container_name(found) == "worker"
    assert trace(view(evidence=(box,)), worker(NODE)).container is None
