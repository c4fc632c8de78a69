"""The judge is judged: each rule on a ledger made by hand; and it shares no code with what it judges."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from conservation.checker import Answer, Ledger, Report, check

HERE = Path(__file__).parent
EARLY, LATE, BROKEN = "conservation.early", "conservation.late", "conservation.broken"


def published(name: str = EARLY, at: float = 100.0, ended: str = "returned") -> dict[str, Any]:
    return {"at": at, "id": "t1", "name": name, "ended": ended}


def line(what: str, at: float, pid: int = 11, main: int = 10) -> dict[str, Any]:
    return {"at": at, "what": what, "id": "t1", "pid": pid, "main": main}


def struck(kind: str, begun: float, until: float, main: int = 0, pid: int = 0) -> dict[str, Any]:
    return {"at": until, "kind": kind, "whom": "", "main": main, "begun": begun, "until": until, "pid": pid}


START, DONE = line("start", 101.0), line("done", 102.0)
KILLED = struck("kill-main", 101.5, 101.6, main=10)


def judged(answer: Answer, *work: dict[str, Any], journal: tuple[dict[str, Any], ...] = (), **more: Any) -> Report:
    one = more.pop("one", published())
    stands = frozenset({"t1"}) if more.pop("stands", False) else frozenset[str]()
    stored = frozenset({"t1"}) if more.pop("stored", False) else frozenset[str]()
    looks, pops = more.pop("looks", []), more.pop("pops", True)
    ledger = Ledger([one], list(work), list(journal), looks, stands, pops=pops, stored=stored)
    return check(ledger, {"t1": answer}, **more)


def stood(until: float, missed: float) -> list[dict[str, Any]]:
    """Looks into the broker that saw it from its publish on."""
    looks = [(100.2, ["t1"], []), (until, [], []), (missed, [], ["t1"]), (missed + 1, [], [])]
    return [{"at": at, "came": came, "left": left} for at, came, left in looks]


def rules(report: Report) -> list[str]:
    return [one.rule for one in report.violations]


def test_work_that_was_done_and_is_called_succeeded_is_right() -> None:
    assert rules(judged(Answer("succeeded"), START, DONE)) == []


def test_a_success_without_work_is_an_undetected_loss() -> None:
    assert rules(judged(Answer("succeeded"), START, journal=(KILLED,))) == ["undetected loss"]


@pytest.mark.parametrize("verdict", ["waiting", "reserved", "running", "held", "unknown", "never-seen"])
def test_what_is_gone_and_not_called_lost_is_an_undetected_loss(verdict: str) -> None:
    assert rules(judged(Answer(verdict), journal=(struck("flush", 103, 103.1),))) == ["undetected loss"]


def test_an_id_without_an_answer_is_an_undetected_loss() -> None:
    assert rules(check(Ledger([published()], [], []), {})) == ["undetected loss"]


def test_what_was_done_and_is_called_lost_is_a_false_loss() -> None:
    assert rules(judged(Answer("lost", "early-ack"), START, DONE, journal=(KILLED,))) == ["false loss"]


def test_work_whose_doer_was_killed_before_he_could_tell_may_be_called_lost_with_its_cause() -> None:
    flush, told = struck("flush", 110, 110.1), stood(109.9, 110.2)
    killed = struck("kill-main", 102.1, 102.2, main=10)
    late: dict[str, Any] = {"one": published(LATE), "looks": told}
    assert rules(judged(Answer("lost", "flushed"), START, DONE, journal=(killed, flush), **late)) == []
    assert rules(judged(Answer("lost", "early-ack"), START, DONE, journal=(killed, flush), **late)) == ["wrong cause"]
    assert rules(judged(Answer("lost", "flushed"), START, DONE, journal=(flush,), **late)) == ["false loss"]
    stored: dict[str, Any] = {**late, "stored": True}
    assert rules(judged(Answer("lost", "flushed"), START, DONE, journal=(killed, flush), **stored)) == ["false loss"]


def test_what_still_stands_in_the_broker_and_is_called_lost_is_a_false_loss() -> None:
    assert rules(judged(Answer("lost", "flushed"), journal=(struck("flush", 103, 103.1),), stands=True)) == [
        "false loss"
    ]


def test_a_loss_with_the_cause_that_happened_is_right() -> None:
    assert rules(judged(Answer("lost", "early-ack"), START, journal=(KILLED,))) == []
    assert rules(judged(Answer("lost", "flushed"), journal=(struck("flush", 103, 103.1),))) == []
    assert rules(judged(Answer("lost", "in-socket"), journal=(struck("freeze-kill", 99, 103, main=10),))) == []


@pytest.mark.parametrize("cause", ["flushed", "evicted", "unroutable", None, "unknown"])
def test_a_loss_with_another_cause_is_wrong(cause: str | None) -> None:
    assert rules(judged(Answer("lost", cause), START, journal=(KILLED,))) == ["wrong cause"]


def test_what_stood_in_the_broker_until_a_flush_was_flushed_and_not_acknowledged() -> None:
    told: dict[str, Any] = {"journal": (KILLED, struck("flush", 110, 110.1)), "looks": stood(109.9, 110.2)}
    assert rules(judged(Answer("lost", "flushed"), **told)) == []
    assert rules(judged(Answer("lost", "early-ack"), **told)) == ["wrong cause"]
    assert rules(judged(Answer("lost", "in-socket"), **told)) == ["wrong cause"]


def test_what_left_the_broker_before_a_flush_was_not_flushed() -> None:
    told: dict[str, Any] = {"journal": (struck("flush", 110, 110.1),), "looks": stood(101.0, 101.3)}
    assert rules(judged(Answer("lost", "flushed"), **told)) == ["wrong cause"]


def test_a_message_may_be_parked_in_a_socket_before_its_worker_dies_only_where_the_broker_gives_it_away_unread() -> (
    None
):
    told: dict[str, Any] = {"journal": (struck("kill-main", 108, 108.1, main=10),), "looks": stood(101.0, 101.3)}
    assert rules(judged(Answer("lost", "in-socket"), **told)) == []
    assert rules(judged(Answer("lost", "in-socket"), pops=False, **told)) == ["wrong cause"]


def test_only_what_nobody_confirmed_was_unconfirmed() -> None:
    for kind in ("restart", "delete-queue"):
        allowed = judged(Answer("lost", "unconfirmed"), journal=(struck(f"{kind}-unconfirmed", 101, 110),), pops=False)
        assert rules(allowed) == []
        found = judged(Answer("lost", "unconfirmed"), journal=(struck(kind, 101, 110),), pops=False)
        assert rules(found) == ["wrong cause"]


def test_a_fault_before_the_publish_explains_nothing() -> None:
    assert rules(judged(Answer("lost", "flushed"), journal=(struck("flush", 50, 50.1),))) == ["wrong cause"]


def test_another_workers_death_does_not_explain_a_started_task() -> None:
    other = struck("kill-main", 101.5, 101.6, main=77)
    assert rules(judged(Answer("lost", "early-ack"), START, journal=(other,))) == ["wrong cause"]


def test_a_failure_needs_a_killed_child_or_a_task_that_fails() -> None:
    killed = struck("kill-child", 101.2, 101.2, main=10, pid=11)
    assert rules(judged(Answer("failed"), START, journal=(killed,))) == []
    assert rules(judged(Answer("failed"), START, one=published(BROKEN))) == []
    assert rules(judged(Answer("failed"), START)) == ["wrong failure"]


def test_a_child_may_be_killed_before_it_wrote_that_it_began() -> None:
    killed = (struck("kill-child", 101.2, 101.2, main=10, pid=11),)
    assert rules(judged(Answer("failed"), journal=killed, looks=stood(101.0, 101.3))) == []
    assert rules(judged(Answer("failed"), journal=killed, looks=stood(110.0, 110.3))) == ["wrong failure"]


def test_work_that_was_done_and_never_settled_is_an_end_missed() -> None:
    assert rules(judged(Answer("running"), START, DONE)) == ["end missed"]


def test_what_nobody_heard_of_is_forgiven_only_as_far_as_a_hole_is_admitted() -> None:
    flushed = (struck("flush", 103, 103.1),)
    assert rules(judged(Answer("never-seen"), journal=flushed, holes=1)) == []
    assert rules(judged(Answer("never-seen"), journal=flushed, holes=0)) == ["undetected loss"]


def test_a_publish_that_raised_is_not_judged() -> None:
    report = judged(Answer("waiting"), one=published(ended="raised OperationalError"))
    assert (rules(report), report.refused, report.published) == ([], 1, 0)


def test_a_balance_that_does_not_add_up_is_a_violation() -> None:
    assert rules(judged(Answer("succeeded"), START, DONE, balance={"holds": False})) == ["balance"]
    assert rules(judged(Answer("succeeded"), START, DONE, balance={"holds": True})) == []


def test_it_counts_what_ran_twice_and_what_of_it_was_flagged() -> None:
    report = judged(Answer("succeeded"), START, line("start", 101.5, 21, 20), DONE, doubled=["t1"])
    assert (report.ran_twice, report.flagged) == (1, 1)


def test_a_run_that_was_cut_off_before_the_next_is_no_duplicate_and_may_be_flagged() -> None:
    again = (line("start", 110.0, 21, 20), line("done", 111.0, 21, 20))
    report = judged(Answer("succeeded"), START, *again, doubled=["t1"])
    assert (report.ran_twice, report.flagged, rules(report)) == (0, 0, [])


def test_what_ran_once_and_is_said_to_have_run_twice_is_a_false_duplicate() -> None:
    assert rules(judged(Answer("succeeded"), START, DONE, doubled=["t1"])) == ["false duplicate"]


def test_it_says_how_long_a_declaration_took() -> None:
    report = judged(Answer("lost", "early-ack", declared_at=104.1), START, journal=(KILLED,))
    assert report.seconds_to_declare == [pytest.approx(2.5)]


@pytest.mark.parametrize("name", ["checker.py", "outside.py"])
def test_the_judge_imports_nothing_of_what_it_judges(name: str) -> None:
    tree = ast.parse((HERE / name).read_text(encoding="utf-8"))
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert not {one for one in imported if one.split(".")[0] in ("celeriac", "celery", "kombu", "lab", "conservation")}
