"""Read a reply in JSON as lines with ids: models write it unasked, in any shape. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_BEGINS = re.compile(r"\s*(?:json\s*)?(?:\{|\[\s*[{\"\n\[])")
_TEXT_KEYS = re.compile(
    r"text|sentences?|statements?|answers?|claims?|content|response|result|final|summary|output|message|fact|line",
    re.IGNORECASE,
)
_ID_KEYS = re.compile(r"ids?|.*citations?|.*cites?|sources?|evidences?|ref(?:erence)?s?|.*_ids?|.*Ids?", re.IGNORECASE)
_DEEPEST = 12
_CUTS = 12  # places from the end at which JSON that breaks off is tried
_STATUS = re.compile(r"NOT_IN_SOURCES|PARTIAL")


def begins_json(line: str) -> bool:
    """Tell whether what a line begins with is JSON and no sentence with an id in brackets."""
    return _BEGINS.match(line) is not None


def lines_of_json(text: str) -> list[str]:
    """Return a line of the usual form, `[id, id] sentence`, for each sentence in the JSON; other text stays."""
    decoder = json.JSONDecoder(strict=False)
    lines: list[str] = []
    at = 0
    while at < len(text):
        found = re.compile(r"[{\[]").search(text, at)
        if found is None:
            break
        lines += _plain(text[at : found.start()])
        try:
            value, at = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            value, at = _close(text[found.start() :]), len(text)
        lines += _lines(value, 0)
    return [*lines, *_plain(text[at:])]


def _plain(text: str) -> list[str]:
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if re.search(r"\w", line) and not re.fullmatch(r"(?:```|~~~)?\s*(?:json)?", line)]


def _close(text: str) -> Any:
    """Return the value of JSON that breaks off, as far as it is whole; else the text."""
    ends = [len(text), *(found.start() + 1 for found in re.finditer(r'["}\]]', text))]
    for end in (ends[0], *ends[:0:-1][:_CUTS]):
        try:
            return json.loads(text[:end].rstrip().rstrip(",:") + _closing(text[:end]), strict=False)
        except (ValueError, RecursionError):
            continue
    return text


def _closing(text: str) -> str:
    stack: list[str] = []
    in_string = escaped = False
    for sign in text:
        if in_string:
            in_string = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign == '"':
            in_string = True
        elif sign in "{[":
            stack.append("}" if sign == "{" else "]")
        elif sign in "}]" and stack:
            stack.pop()
    return ('"' if in_string else "") + "".join(reversed(stack))


def _lines(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield from filter(str.strip, value.splitlines())
    elif isinstance(value, list):
        for each in value:
            yield from _lines(each, depth + 1)
    elif isinstance(value, dict):
        ids = [word for key, each in value.items() if _ID_KEYS.fullmatch(key) for word in _words(each)]
        texts = [(key, each) for key, each in value.items() if not _ID_KEYS.fullmatch(key)]
        named = [each for key, each in texts if _TEXT_KEYS.fullmatch(key) and isinstance(each, str)]
        if named:
            for text in named:
                for line in filter(str.strip, text.splitlines()):
                    yield line if _STATUS.fullmatch(line.strip()) or not ids else f"[{', '.join(ids)}] {line}"
            nested = [each for _, each in texts if isinstance(each, list | dict)]
        elif ids and not any(isinstance(each, list | dict) for _, each in texts):
            nested = []
            strings = [each for _, each in texts if isinstance(each, str)]
            for line in strings or [""]:
                yield f"[{', '.join(ids)}] {line}"
        else:
            nested = [each for _, each in texts if isinstance(each, list | dict)]
            for key, each in texts:
                if isinstance(each, str) and re.fullmatch(r"\w{1,8}", key) and re.search(r"\d", key):
                    yield f"[{key}] {each}"  # {"w4": "The bridge reopened."}
                elif isinstance(each, str) and (each.count(" ") > 2 or _STATUS.fullmatch(each.strip())):
                    yield each
        yield from _lines(nested, depth + 1)
        # A list of sentences that have their own ids may stand under a key that is usually of ids: "evidence".
        for key, each in value.items():
            if _ID_KEYS.fullmatch(key) and isinstance(each, list) and any(isinstance(one, dict) for one in each):
                yield from _lines([one for one in each if isinstance(one, dict) and _has_text(one)], depth + 1)


def _has_text(value: dict[str, Any]) -> bool:
    return any(_TEXT_KEYS.fullmatch(key) and isinstance(each, str) for key, each in value.items())


def _words(value: Any) -> list[str]:
    """Return what may be ids in the value of a key of ids."""
    if isinstance(value, str):
        return re.findall(r"\w+", value)[:20]
    if isinstance(value, int):
        return [str(value)]
    if isinstance(value, list):
        return [word for each in value for word in _words(each)]
    if isinstance(value, dict) and not _has_text(value):
        return [word for key, each in value.items() if _ID_KEYS.fullmatch(key) for word in _words(each)]
    return []
