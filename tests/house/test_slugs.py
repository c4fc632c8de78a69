"""One incident kind, one slug, everywhere: a detector without its playbook, scenario and page cannot ship."""

from __future__ import annotations

import re
from pathlib import Path

from celeriac.detectors import BUILTIN

ROOT = Path(__file__).resolve().parents[2]
KINDS = {detector.kind for detector in BUILTIN}


def slugs(folder: Path, suffixes: tuple[str, ...]) -> set[str]:
    return {path.name.partition(".")[0] for path in folder.iterdir() if path.name.endswith(suffixes)}


def test_each_kind_has_one_detector_file_that_owns_it() -> None:
    owned = {
        path.stem.replace("_", "-")
        for path in (ROOT / "src/celeriac/detectors").glob("*.py")
        if re.search(r"^DETECTOR = ", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert owned == KINDS
    assert len(BUILTIN) == len(KINDS)


def test_each_kind_has_a_playbook() -> None:
    assert slugs(ROOT / "src/celeriac/incidents/playbooks", (".md",)) == KINDS


def test_each_kind_has_scenarios() -> None:
    assert slugs(ROOT / "tests/scenarios", (".json",)) == KINDS


def test_each_kind_has_a_docs_page() -> None:
    assert slugs(ROOT / "docs/incidents", (".md",)) - {"README", "index"} == KINDS
