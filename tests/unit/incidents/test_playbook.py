"""Every kind has a page, and a page carries the finding's facts."""

from __future__ import annotations

import re

import pytest

from celeriac.detectors import BUILTIN
from celeriac.detectors.worker_oom_killed import judge
from celeriac.incidents.playbook import playbook
from celeriac.model.finding import Finding, Fix, Subject
from lab.views import counted, dead_worker, kernel_kill

SECTIONS = [
    "What happened",
    "How we know",
    "Triage",
    "Fix by result",
    "Verify",
    "Prevent",
    "When this is a false alarm",
]


def bare(kind: str) -> Finding:
    return Finding(kind, "k", "warning", "certain", Subject(), "it happened", 0.0)


@pytest.mark.parametrize("kind", [detector.kind for detector in BUILTIN])
def test_the_page_has_every_section_and_no_hole(kind: str) -> None:
    page = playbook(bare(kind))
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == SECTIONS
    assert "it happened" in page
    assert not re.search(r"\$\{?[a-z_]", page)


def test_the_page_carries_the_facts() -> None:
    (found,) = judge(dead_worker(kernel_kill(), counted(), depth=1487))
    page = playbook(found)
    assert found.summary in page
    assert all(fact.how in page for fact in found.evidence)
    assert all(fix.command in page for fix in found.fix)


def test_a_kind_without_a_page_gets_the_bare_facts() -> None:
    assert playbook(bare("plugins-kind")).startswith("# plugins-kind")


def test_dollars_in_facts_stay_as_they_are() -> None:
    fix = Fix("echo $HOME ${summary}", "why")
    page = playbook(Finding("worker-lost", "k", "warning", "certain", Subject(), "s", 0.0, fix=(fix,)))
    assert "echo $HOME ${summary}" in page
