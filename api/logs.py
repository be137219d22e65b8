"""Logging: to standard error, as text for people or as JSON for machines."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from alerts.text import visible
from api.terminal import json_text, visible_lines


def _escape(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Strangers' text with its control characters written out, so that it cannot forge or hide a line."""
    return {
        # A traceback has lines of its own.
        key: (visible_lines if key == "exception" else visible)(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def configure(level: str, *, as_json: bool) -> None:
    """Set up logging for this process; the libraries' own loggers go the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _escape,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=json_text)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level.upper()),
        # Looked up anew each time: a progress bar stands in for standard error while it is drawn.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
