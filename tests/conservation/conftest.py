"""What each campaign came to, at the end of the log: also where it passed."""

from __future__ import annotations

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])]
    told = [text for one in reports for name, text in one.user_properties if name == "conservation"]
    if told:
        terminalreporter.section("conservation")
    for text in told:
        terminalreporter.write_line(text)
