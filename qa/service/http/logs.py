"""How the service logs: one line for one event, as JSON or for a person at a terminal. The only file of structlog.

No line holds a question, an article's text, a key or an address that was asked for. Our own modules see to that by what
they log. What other libraries would say is not known, and at their debug level it is whole prompts, so of their lines
only the logger, the place and the class of an exception are kept; uvicorn's are known, and keep their words. The
message of an exception may quote what was sent, so it is never written: its class and where it was raised are.
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
_FRAMES = 12  # of a traceback, the innermost
# Controls and signs that turn the direction: what is logged stays one line, and colours nothing.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# What is known of the request that is being answered. One object for a request: tasks that it starts copy the context,
# and what they note must be seen where the line is written.
_noted: ContextVar[dict[str, Any] | None] = ContextVar("noted", default=None)


@contextmanager
def noting(**known: Any) -> Iterator[dict[str, Any]]:
    """Collect what is noted about one request; its lines carry the `request_id`."""
    noted = dict(known)
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def note(**known: Any) -> None:
    """Add to what is known of the request that is being answered, if there is one."""
    noted = _noted.get()
    if noted is not None:
        noted |= known


def where(exc: BaseException) -> str:
    """Return where an exception was raised, the innermost place first; no word of its message and no value."""
    places = traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
    return " < ".join(f"{_short(one.filename)}:{one.lineno} {one.name}" for one in reversed(places))


def fault(exc: BaseException) -> dict[str, str]:
    """Return what may be logged of an exception, for `extra`: handlers of other people would write its message too."""
    return {"exception": type(exc).__name__, "where": where(exc)}


def configure(level: str, form: Literal["auto", "json", "console"], stream: TextIO | None = None) -> None:
    """Send every line of the process through one formatter; `auto` is for a person where the stream is a terminal."""
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
                _tell_exception,
            ],
            processors=[
                _keep_what_is_known,
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


def _tell_exception(logger: Any, method: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    exc = given[1] if isinstance(given, tuple) else given
    if isinstance(exc, BaseException):
        event.update(fault(exc))
    return event


def _keep_what_is_known(logger: Any, method: str, event: Event) -> Event:
    record: logging.LogRecord = event["_record"]
    event.pop("color_message", None)  # uvicorn says it twice
    if record.name.partition(".")[0] in _KNOWN:
        return event
    kept = ("level", "logger", "timestamp", "request_id", "exception", "where", "_record", "_from_structlog")
    told = {name: event[name] for name in kept if name in event}
    return told | {"event": "a library logged", "place": f"{_short(record.pathname)}:{record.lineno}"}


def _one_line(logger: Any, method: str, event: Event) -> Event:
    return {
        name: _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), value)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }


def _short(filename: str) -> str:
    """Return a file's name with its folder: where the project is installed is nobody's business."""
    return "/".join(Path(filename).parts[-2:])
