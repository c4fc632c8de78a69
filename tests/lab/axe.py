"""Accessibility faults of a page, found by axe-core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parent.parent / "web" / "vendor" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def faults(page: Page, scheme: str) -> list[str]:
    """What axe finds: all of it in the light, and in the dark what a scheme can change, the contrast."""
    page.add_script_tag(path=AXE)
    only = {"type": "tag", "values": TAGS} if scheme == "light" else {"type": "rule", "values": ["color-contrast"]}
    found: dict[str, Any] = page.evaluate("only => axe.run({runOnly: only})", only)
    return [f"{one['id']}: {node['html']}" for one in found["violations"] for node in one["nodes"]]
