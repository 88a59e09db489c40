r"""Structured logs: one event a line, as JSON or for a console, with no address, token or password in them.

Every line passes `redact`, also those of other libraries (uvicorn, APScheduler, alembic), which log through the
standard library. What comes from outside cannot forge a line: control characters are written as \xNN.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import partial
from typing import Any, Final, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

_ADDRESS: Final = re.compile(r"[^\s<>\"'(),;:\[\]]+@[^\s<>\"'(),;:\[\]/?]+")
_CREDENTIALS: Final = re.compile(r"(://)[^/\s@]+@")
_PRIVATE_PATH: Final = re.compile(r"/(unsubscribe|preferences|confirm|undo|forms?)/[^\s\"'?#<>]+")
_TOKEN: Final = re.compile(r"\b[a-z0-9]{1,16}\.(?:[1-9][0-9]{0,18}|[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)\.[A-Za-z0-9_-]{20,}")
_ESCAPED_AT: Final = re.compile(r"%40", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUIET: Final = ("alembic", "httpx", "httpcore", "asyncio", "uvicorn.access")


def clean(text: str, *, addresses: bool = False) -> str:
    """A text without addresses (unless they are asked for), tokens and credentials."""
    text = _CREDENTIALS.sub(r"\1[credentials]@", text)
    text = _TOKEN.sub("[token]", _PRIVATE_PATH.sub(r"/\1/[token]", _ESCAPED_AT.sub("@", text)))
    return text if addresses else _ADDRESS.sub(_without_address, text)


def _without_address(match: re.Match[str]) -> str:
    return match[0] if match[0].endswith("[credentials]") else "[address]"


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any], *, addresses: bool = False
) -> MutableMapping[str, Any]:
    """Take addresses and tokens out of every value of a line, however deep (a processor of structlog)."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _cleaned(value, whole_lines=key != "exception", addresses=addresses)
    return event


def _cleaned(value: Any, *, whole_lines: bool, addresses: bool) -> Any:
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {
            clean(str(key), addresses=addresses): _cleaned(one, whole_lines=whole_lines, addresses=addresses)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(one, whole_lines=whole_lines, addresses=addresses) for one in value]
    text = clean(str(value), addresses=addresses)
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text) if whole_lines else text


def set_up(
    *, form: str = "console", level: str = "info", addresses: bool = False, stream: TextIO | None = None
) -> None:
    """Set up logging for the process; again, it takes the place of what was.

    Args:
        form: "json" or "console".
        level: "debug", "info", "warning" or "error".
        addresses: leave addresses of people in, as for a fault that is looked for; tokens and credentials never.
        stream: where to; standard error when None.
    """
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        partial(redact, addresses=addresses),
    ]
    if form == "json":
        renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # It warns of each tick that finds its job still at work, which is what ticks are for.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The log of a room: `logger("schedule").info("edition made", edition=edition_id)`."""
    return structlog.stdlib.get_logger(f"digest.{name}")
