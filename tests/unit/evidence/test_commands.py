"""Telling a worker's main by its command line, and its node name."""

from __future__ import annotations

import pytest

from celeriac.evidence.commands import WorkerCommand, carried_worker, typed, worker_command


@pytest.mark.parametrize(
    "command",
    [
        "celery -A proj worker",
        "/venv/bin/python /venv/bin/celery -A proj worker -l INFO",
        "python3.12 -m celery --app=proj worker",
        "python -u -W error -X dev -m celery -A proj -b redis:// worker",
        "celery worker -A proj",
        "celery -q --no-color -A worker worker",
    ],
)
def test_a_worker_is_known_by_its_command(command: str) -> None:
    assert worker_command(tuple(command.split())) == WorkerCommand(None, "prefork")


@pytest.mark.parametrize(
    "command",
    [
        "",
        "celery",
        "celery -A worker beat",
        "celery -A proj inspect active -d worker",
        "python -m celery -A proj flower",
        "python -c celery worker",
        "python worker.py celery worker",
        "docker run celery -A proj worker",
        "sh -c celery worker",
        "timeout 60 celery -A proj worker",
        "grep celery worker",
        "python -m",
    ],
)
def test_what_only_carries_or_mentions_a_worker_is_none(command: str) -> None:
    assert worker_command(tuple(command.split())) is None


@pytest.mark.parametrize(
    ("given", "nodes"),
    [
        ("", ("celery@vm.example.org", "celery@4f1a")),
        ("-n w1@%h", ("w1@vm.example.org", "w1@4f1a")),
        ("-nw1@%n", ("w1@vm", "w1@4f1a")),
        ("--hostname w1@%d", ("w1@example.org", "w1@")),
        ("--hostname=w%i@%h", ("w0@vm.example.org", "w0@4f1a")),
        ("-n w1", ("celery@w1",)),
        ("-n w1@fixed", ("w1@fixed",)),
        ("-n w%%1@fixed", ("w%1@fixed",)),
        ("-n w1@", ("w1@vm.example.org", "w1@4f1a")),
    ],
)
def test_node_names_are_expanded_as_celery_does_on_every_host_it_may_think_it_is_on(
    given: str, nodes: tuple[str, ...]
) -> None:
    worker = worker_command(("celery", "-A", "proj", "worker", *given.split()))
    assert worker is not None
    assert worker.nodes(("vm.example.org", "4f1a")) == nodes


def test_the_expansion_is_celerys_own() -> None:
    from celery.bin.worker import HOSTNAME
    from celery.utils.nodenames import gethostname

    for given in ("w1@%h", "w1@%n", "w1", "w1@fixed", "%n@%h", "w%%1@x", "%i@%h"):
        worker = WorkerCommand(given, "prefork")
        assert worker.nodes((gethostname(),)) == (HOSTNAME.convert(given, None, None),), given


def test_the_pool_is_read() -> None:
    for given in ("-P solo", "--pool=solo", "--pool solo", "-Psolo"):
        worker = worker_command(("celery", "-A", "proj", "worker", *given.split()))
        assert worker is not None
        assert worker.pool == "solo"


def test_a_process_title_gives_the_node_itself() -> None:
    title = "[celeryd: w1@vm:MainProcess] -active- (worker -A proj -P threads)"
    worker = worker_command((title,))
    assert worker == WorkerCommand("w1@vm", "threads", titled=True, main=True)
    assert worker.nodes(("elsewhere",)) == ("w1@vm",)


def test_a_pool_process_says_so_in_its_title() -> None:
    worker = worker_command(("[celeryd: w1@vm:ForkPoolWorker-2]",))
    assert worker is not None
    assert not worker.main


@pytest.mark.parametrize(
    "command",
    [
        "/entrypoint.sh celery -A proj worker",
        "sh -c 'exec celery -A proj worker -l info'",
        'bash -c "cd /app && /venv/bin/celery -A proj worker"',
        "tini -- python -m celery -A proj worker",
    ],
)
def test_a_container_is_a_worker_through_what_starts_it(command: str) -> None:
    assert carried_worker((command,)) == WorkerCommand(None, "prefork")


@pytest.mark.parametrize("command", ["redis-server", "celery -A proj beat", "python worker.py", ""])
def test_other_containers_are_none(command: str) -> None:
    assert carried_worker((command,)) is None


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("/srv/venv/bin/python3", "/srv/venv/bin/celery", "-A", "shop", "worker"), "celery -A shop worker"),
        (("/usr/bin/python3.12", "-m", "celery", "-A", "shop", "worker"), "python3.12 -m celery -A shop worker"),
        (("celery", "-A", "shop", "worker", "-n", "a b@%h"), "celery -A shop worker -n 'a b@%h'"),
        (
            ("[celeryd: w1@lab:MainProcess] -active- (worker -A a/b)",),
            "[celeryd: w1@lab:MainProcess] -active- (worker -A a/b)",
        ),
    ],
)
def test_a_command_is_shown_as_a_person_types_it(command: tuple[str, ...], shown: str) -> None:
    assert typed(command) == shown
