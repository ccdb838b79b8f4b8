"""Logging configuration: one line per event, as JSON or for a terminal. The only file that imports structlog.

No line contains a question, an article's text, a key or a requested URL. Our own modules take care of that in what they
log. Other libraries may log anything, at debug level even whole prompts, so their records are reduced to the logger,
the source line and the exception class. uvicorn's messages are known to be harmless and are kept. An exception's
message may quote user input, so only its class and traceback locations are logged.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, TextIO

import structlog

OURS = ("qa", "eval")
_KNOWN = (*OURS, "uvicorn")
_FRAMES = 12  # the innermost frames of a traceback are kept
# Control and bidi characters are escaped, so that an event stays one line and cannot style the terminal.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# The log fields of the current request. One mutable dict per request: the request's tasks copy the context, and what
# they note must be visible where the line is written.
_noted: ContextVar[dict[str, Any] | None] = ContextVar("noted", default=None)


@contextmanager
def noting(**known: Any) -> Iterator[dict[str, Any]]:
    """Collect the log fields of one request; every line logged within it has its `request_id`."""
    noted = dict(known)
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def note(**known: Any) -> None:
    """Add log fields to the current request, if there is one."""
    noted = _noted.get()
    if noted is not None:
        noted |= known


def where(exc: BaseException) -> str:
    """Return the traceback locations of an exception, innermost first, without its message."""
    frames = traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
    return " < ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames))


def fault(exc: BaseException) -> dict[str, str]:
    """Return the loggable part of an exception, for `extra`. `exc_info` would make other handlers log the message."""
    return {"exception": type(exc).__name__, "where": where(exc)}


def configure(level: str, form: Literal["auto", "json", "console"], stream: TextIO | None = None) -> None:
    """Send all log records of the process through one formatter; `auto` means `console` on a terminal, else `json`."""
    stream = stream or sys.stderr
    if form == "auto":
        form = "console" if stream.isatty() else "json"
    render: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _add_request,
                _replace_exception,
            ],
            processors=[
                _redact_other_libraries,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _one_line,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    logging.getLogger("uvicorn").setLevel(max(logging.INFO, logging.getLevelName(level)))
    logging.captureWarnings(True)
    threading.excepthook = _log_thread


def _log_thread(args: threading.ExceptHookArgs) -> None:
    exc = args.exc_value
    if exc is not None:
        logging.getLogger("qa.threads").critical("a thread ended", extra=fault(exc))


Event = MutableMapping[str, Any]


def _add_request(logger: Any, method: str, event: Event) -> Event:
    noted = _noted.get()
    if noted is not None and "request_id" in noted:
        event.setdefault("request_id", noted["request_id"])
    return event


def _replace_exception(logger: Any, method: str, event: Event) -> Event:
    exc_info = event.pop("exc_info", None)
    exc = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(exc, BaseException):
        event.update(fault(exc))
    return event


def _redact_other_libraries(logger: Any, method: str, event: Event) -> Event:
    record: logging.LogRecord = event["_record"]
    event.pop("color_message", None)  # uvicorn's coloured copy of the message
    if record.name.partition(".")[0] in _KNOWN:
        return event
    kept = ("level", "logger", "timestamp", "request_id", "exception", "where", "_record", "_from_structlog")
    fields = {name: event[name] for name in kept if name in event}
    return fields | {"event": "a library logged", "place": f"{_short(record.pathname)}:{record.lineno}"}


def _one_line(logger: Any, method: str, event: Event) -> Event:
    return {
        name: _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), value)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }


def _short(filename: str) -> str:
    """Return a file's name with its folder only, so that logs do not show where the project is installed."""
    return "/".join(Path(filename).parts[-2:])
