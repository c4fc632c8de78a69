"""What is shipped beside the code: vendored files are what they claim to be, and static files are cached well."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import httpx2
import pytest

from celeriac.web.assets import FOREVER, ROOT, asset
from lab.dashboard import Dashboard

FOLDERS = [ROOT / "vendor", Path(__file__).parent / "vendor"]


@pytest.mark.parametrize("folder", FOLDERS, ids=["shipped", "tests"])
def test_vendored_files_match_their_manifest(folder: Path) -> None:
    entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert entries
    for entry in entries:
        content = (folder / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["name"]
        assert (folder / entry["licence_file"]).read_text(encoding="utf-8").strip()
        assert entry["version"] and entry["licence"]


@pytest.mark.parametrize("folder", FOLDERS, ids=["shipped", "tests"])
def test_nothing_is_vendored_without_an_entry(folder: Path) -> None:
    entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    listed = {entry[key] for entry in entries for key in ("file", "licence_file")} | {"manifest.json"}
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == listed


def test_a_static_file_is_kept_for_ever_under_the_address_of_its_content(dashboard: Dashboard) -> None:
    for name in ("celeriac.css", "celeriac.js", "vendor/htmx/htmx.min.js"):
        answer = httpx2.get(dashboard.url + asset(name), timeout=10)
        assert answer.headers["cache-control"] == FOREVER
        assert answer.content == (ROOT / name).read_bytes()


def test_pages_are_never_cached(dashboard: Dashboard) -> None:
    assert httpx2.get(dashboard.url, timeout=10).headers["cache-control"] == "no-store"
