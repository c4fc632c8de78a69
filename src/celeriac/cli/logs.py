"""Our own log lines, rendered by structlog: short coloured lines on a terminal, JSON elsewhere."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(*, json_lines: bool) -> None:
    """Send the `celeriac` logger to stderr."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            _facts,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logger = logging.getLogger("celeriac")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _facts(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The signal's name as the event and its facts as keys."""
    record = line.get("_record")
    facts = getattr(record, "celeriac", None)
    if isinstance(facts, dict):
        line.update(facts)
        line["event"] = getattr(record, "signal", line.get("event"))
    return line
