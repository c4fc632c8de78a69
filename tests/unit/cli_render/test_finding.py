"""A diagnosis and an incident, as they stand in a pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rich.console import RenderableType

from celeriac.cli.render import diagnosis, incident
from celeriac.model.diagnosis import Diagnosis, Healthy
from celeriac.model.finding import BlindSpot, Finding

Read = Callable[[RenderableType], str]
ORDER = ("PROBLEM", "CRITICAL", "leads to", "evidence", "ruled out", "impact", "fix", "verify", "prevent", "not seen")

SCREEN = """\
PROBLEM    1 root cause found. As of 10:24:11Z, watched for 7 s.

CRITICAL   worker-oom-killed · container · certain · since 10:02:11Z
           exports@web-1's main process was killed by the kernel: its memory
           limit of 192 MB was reached; 1 task lost, 4 held until 11:02Z; nobody
           consumes celery, 1,487 waiting and growing 5/s
leads to   queue-unconsumed  nobody consumes celery: 1,487 waiting
evidence   10:02:10Z event    last heartbeat: 2 tasks active, 812 processed
                              $ celery -A proj events --dump
           10:02:11Z kernel   oom-kill in /exports: Killed process 4121
                              (celery), anon-rss 180 MB
                              $ dmesg -T
           10:02:12Z cgroup   oom_kill went from 0 to 1, limit 192 MB
                              $ cat memory.events
           10:02:13Z process  pid 4121 is gone
                              $ ps -p 4121
           … 1 more with -v
ruled out  broker: answers PING in 0.4 ms, role master, memory 3 %
           web side: messages keep arriving: celery grew 5/s
impact     lost: 1 task
             7c9d3e51-22aa-4f0b-9c63-1f4e0ad1c001
           held: 4 tasks until 11:02:00Z
             7c9d3e51-22aa-4f0b-9c63-1f4e0ad1d000
             7c9d3e51-22aa-4f0b-9c63-1f4e0ad1d001
             7c9d3e51-22aa-4f0b-9c63-1f4e0ad1d002
             … 1 more
           waiting: 1,487 tasks
           by name: exports.csv 1,487
fix        $ docker update --memory 512m --memory-swap 512m worker && docker start worker
           it needs more memory (safe)
           $ celeriac rescue --worker exports@web-1 --dry-run
           puts the held tasks back (may run work twice)
verify     $ celeriac diagnose --only worker-oom-killed
           expect: none
prevent    task_acks_late = True: a killed task is delivered again
not seen   docker: no socket; would add the container's exit code

not seen   kernel log: permission denied; would add the cause of a SIGKILL"""


def labels(text: str) -> list[str]:
    """The labels in the margin, in their order."""
    return [line[:11].strip() for line in text.splitlines() if line[:11].strip()]


def test_the_whole_story_of_a_killed_worker_stands_on_one_screen(problem: Diagnosis, read: Read) -> None:
    assert read(diagnosis(problem)) == SCREEN


def test_the_order_is_the_contracts(problem: Diagnosis, read: Read) -> None:
    seen = list(dict.fromkeys(labels(read(diagnosis(problem)))))
    assert seen == list(ORDER)


def test_the_public_json_reads_like_the_diagnosis_itself(problem: Diagnosis, read: Read) -> None:
    assert read(diagnosis(problem.to_json())) == read(diagnosis(problem))


def test_a_command_is_never_broken_over_lines(problem: Diagnosis, root: Finding, read: Read) -> None:
    long = replace(root.fix[0], command="docker update" + " --label a=b" * 20)
    text = read(diagnosis(replace(problem, findings=(replace(root, fix=(long,)),))))
    assert f"$ {long.command}" in text


def test_only_commands_are_wider_than_the_terminal(problem: Diagnosis, read: Read) -> None:
    wide = [line for line in read(diagnosis(problem)).splitlines() if len(line) > 80]
    assert all("$ " in line for line in wide)


def test_verbose_keeps_nothing_back(problem: Diagnosis, read: Read) -> None:
    text = read(diagnosis(problem, verbose=True))
    assert "with -v" not in text
    assert "redis-cli LLEN celery" in text
    assert "1f4e0ad1d003" in text


def test_a_list_that_could_not_be_known_is_unknown_and_not_empty(problem: Diagnosis, root: Finding, read: Read) -> None:
    blind = replace(root, impact=replace(root.impact, lost=None))
    assert "lost: unknown" in read(diagnosis(replace(problem, findings=(blind,))))


def test_a_second_root_is_told_in_short(problem: Diagnosis, root: Finding, read: Read) -> None:
    other = replace(root, key="other", kind="worker-lost", summary="another worker is gone")
    text = read(diagnosis(replace(problem, findings=(*problem.findings, other))))
    assert "2 root causes found" in text
    assert text.count("evidence") == 1
    assert text.index("leads to") < text.index("worker-lost")


def test_health_says_what_is_well_and_what_was_not_seen(read: Read) -> None:
    calm = Diagnosis(
        "healthy",
        0.0,
        10.0,
        healthy=(Healthy("broker", "answers PING in 0.4 ms"),),
        blind_spots=(BlindSpot("docker", "no socket", "exit codes"),),
    )
    assert read(diagnosis(calm)).splitlines() == [
        "HEALTHY    No fault was found. As of 00:00:00Z, watched for 10 s.",
        "",
        "healthy    broker: answers PING in 0.4 ms",
        "",
        "not seen   docker: no socket; would add exit codes",
    ]


def test_an_incident_says_its_state_and_when_alerts_would_have_paged(incident_json: dict[str, Any], read: Read) -> None:
    text = read(incident(incident_json))
    assert text.startswith("OPEN       worker-oom-killed")
    assert "queue depth (celery > 100 for 20 min) not yet" in text
    assert "consumers (0 for 1 min) at 10:03:11Z" in text
    assert text.endswith("incident   inc-1: opened 10:02:13Z")


def test_an_incident_without_data_says_that_it_cannot_change(incident_json: dict[str, Any], read: Read) -> None:
    assert "Its input is stale" in read(incident({**incident_json, "no_data": True}))
    assert "Its input is stale" not in read(incident(incident_json))
