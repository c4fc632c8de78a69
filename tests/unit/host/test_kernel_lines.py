"""The kernel's wordings, from 3.10 to 6.18, as machines wrote them."""

from __future__ import annotations

import pytest

from celeriac.host.kernel import KernelKill, KernelReader, Segfault

CONTEXT = (
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
    "oom_memcg=/docker/4f1,task_memcg=/docker/4f1/child,task=celery,pid=4121,uid=0"
)
KILLED = (
    "Memory cgroup out of memory: Killed process 4121 (celery) total-vm:82148kB, anon-rss:72192kB, file-rss:6640kB, "
    "shmem-rss:4kB, UID:0 pgtables:192kB oom_score_adj:0"
)


def read(*lines: str) -> list[KernelKill | Segfault]:
    reader = KernelReader()
    return [found for line in lines if (found := reader.feed(7.25, line)) is not None]


def test_a_kill_in_a_group_names_the_group_of_the_dead_and_the_one_at_its_limit() -> None:
    assert read("celery invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0", CONTEXT, KILLED) == [
        KernelKill(
            seconds=7.25,
            pid=4121,
            command="celery",
            constraint="memcg",
            cgroup="/docker/4f1/child",
            limited="/docker/4f1",
            rss=(72192 + 6640 + 4) * 1024,
        )
    ]


def test_a_kill_whose_context_was_left_out_still_counts() -> None:
    (kill,) = read(KILLED)
    assert isinstance(kill, KernelKill)
    assert (kill.pid, kill.constraint, kill.cgroup) == (4121, "memcg", None)


def test_the_context_of_another_process_is_not_taken() -> None:
    (kill,) = read(CONTEXT.replace("pid=4121", "pid=9"), KILLED)
    assert isinstance(kill, KernelKill)
    assert kill.cgroup is None


def test_a_victim_that_was_already_exiting_is_no_kill() -> None:
    assert read(CONTEXT, "OOM victim 4121 (celery) is already exiting. Skip killing the task") == []


def test_a_host_that_ran_out_of_memory_is_told_from_a_group_at_its_limit() -> None:
    context = (
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
        "task_memcg=/system.slice/celery.service,task=python3,pid=881,uid=33"
    )
    killed = (
        "Out of memory: Killed process 881 (python3) total-vm:9kB, anon-rss:8kB, file-rss:0kB, shmem-rss:0kB, UID:33"
    )
    (kill,) = read(context, killed)
    assert isinstance(kill, KernelKill)
    assert (kill.constraint, kill.cgroup, kill.limited) == ("none", "/system.slice/celery.service", None)


def test_a_group_killed_as_a_whole_gives_every_one_of_its_processes_once() -> None:
    rest = [KILLED.replace("4121", str(pid)) for pid in (4122, 4123)]
    whole = "Tasks in /docker/4f1 are going to be killed due to memory.oom.group set"
    kills = read(CONTEXT, KILLED, whole, KILLED, *rest)
    assert [(kill.pid, kill.cgroup) for kill in kills if isinstance(kill, KernelKill)] == [
        (4121, "/docker/4f1/child"),
        (4122, "/docker/4f1"),
        (4123, "/docker/4f1"),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            (
                "Task in /docker/4f1 killed as a result of limit of /docker",
                "Memory cgroup out of memory: Kill process 4121 (celery) score 1000 or sacrifice child",
                "Killed process 4121 (celery) total-vm:82148kB, anon-rss:72192kB, file-rss:6640kB, shmem-rss:0kB",
            ),
            (4121, "memcg", "/docker/4f1", "/docker"),
        ),
        (
            (
                "Out of memory: Kill process 4120 (celery) score 905 or sacrifice child",
                "Killed process 4121 (celery), UID 0, total-vm:82148kB, anon-rss:72192kB, file-rss:6640kB",
            ),
            (4121, "none", None, None),
        ),
    ],
)
def test_old_kernels_name_the_victim_in_their_last_line(
    lines: tuple[str, ...], expected: tuple[int, str, str | None, str | None]
) -> None:
    (kill,) = read(*lines)
    assert isinstance(kill, KernelKill)
    assert (kill.pid, kill.constraint, kill.cgroup, kill.limited) == expected


def test_a_report_begins_without_the_context_of_the_one_before() -> None:
    kills = read(
        "Tasks in /old are going to be killed due to memory.oom.group set",
        "python invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        KILLED,
    )
    assert [kill.cgroup for kill in kills if isinstance(kill, KernelKill)] == [None]


def test_names_with_blanks_and_parentheses_are_read_whole() -> None:
    (kill,) = read(KILLED.replace("(celery)", "([celeryd: w1) x)"))
    assert kill.command == "[celeryd: w1) x"


def test_a_segfault_gives_the_pid_and_the_line() -> None:
    line = "celery[4121]: segfault at 0 ip 00007f61a9 sp 00007ffc error 4 in _boom.so[7f61a9000000+1000]"
    assert read(line) == [Segfault(7.25, 4121, "celery", line)]


@pytest.mark.parametrize("line", ["", "usb 1-1: new device", "Killed process", "oom-kill:", "x[1]: trap"])
def test_other_lines_are_nothing(line: str) -> None:
    assert read(line) == []
