"""Cut a model's reply into lines as it streams, without what the model thinks and the tools it calls. Pure.

Thoughts stand in tags, in channels or before a closing tag that was never opened: then what came before it was thought,
and a `Reset` says so. A reply in JSON is a line for each sentence, when it is whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.answering.reply_json import begins_json, lines_of_json

LINE_CHARS = 4000  # a longer line is not an answer; the rest of it is ignored
_JSON_CHARS = 60_000

_NAMES = (
    r"think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|seed:think|tool_calls?|function_calls?"
)
_OPEN = re.compile(
    rf"<(?:{_NAMES})\s{{0,8}}>|\[(?:THINK|TOOL_CALLS)\]|<\|START_(?:THINKING|ACTION)\|>|◁think▷"
    r"|<\|channel\|>(?:analysis|commentary)[^<\n]{0,60}<\|message\|>",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"</(?:{_NAMES})\s{{0,8}}>|\[/(?:THINK|TOOL_CALLS)\]|<\|END_(?:THINKING|ACTION)\|>|◁/think▷"
    r"|<\|end\|>|<\|channel\|>final<\|message\|>",
    re.IGNORECASE,
)
_RESETS = re.compile(r"</|\[/|<\|END_|◁/", re.IGNORECASE)  # a closing tag also ends thoughts that nothing opened
_TOKEN = re.compile(
    r"<\|start\|>\s?assistant|<\|channel\|>final<\|message\|>|<\|(?!start\||channel\|)[A-Za-z_]{1,24}\|>", re.IGNORECASE
)
_HALF_TOKEN = re.compile(r"<\|(?:start|channel)\|>[^\n]*\Z", re.IGNORECASE)  # more of it is to come
_LONGEST = 100  # of the tags above
# What remains of channels where the server removes their marks.
_BARE_ANALYSIS = re.compile(r"analysis(?=[A-Z])")
_BARE_FINAL = re.compile(r"assistant\s?final(?=[\sA-Z\[{0-9])")
_FENCE = re.compile(r"^\s*(?:```|~~~)[\w-]*\s*$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the reply; `cut` says that its end is missing."""

    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """All lines before were thoughts."""


class LineReader:
    """Return the lines of a reply; it does not matter where the stream was split."""

    def __init__(self) -> None:
        self._held = ""
        self._inside: re.Pattern[str] | None = None  # what ends the thought
        self._began = False
        self._line = ""
        self._overlong = False
        self._json: str | None = None

    def feed(self, text: str) -> list[Line | Reset]:
        """Take the next piece of the stream and return what is complete."""
        self._held += text
        return self._read(last=False)

    def finish(self, *, whole: bool) -> list[Line | Reset]:
        """Return the rest. If the reply was cut short the last line is `cut`."""
        lines = self._read(last=True)
        if self._json is not None:
            found = [Line(line) for line in lines_of_json(self._json)]
            if not whole and found:
                found[-1] = Line(found[-1].text, cut=True)
            return [*lines, *found]
        self._overlong = self._overlong or not whole
        return [*lines, *self._end_line()]

    def _read(self, *, last: bool) -> list[Line | Reset]:
        lines: list[Line | Reset] = []
        if not self._began:
            if len(self._held) < 9 and not last:  # "analysis" and the letter after it
                return []
            self._began = True
            if bare := _BARE_ANALYSIS.match(self._held):
                self._held, self._inside = self._held[bare.end() :], _BARE_FINAL
        while True:
            found = self._inside.search(self._held) if self._inside else _first(self._held)
            if found is None:
                break
            if self._inside is None:
                lines += self._take(self._held[: found.start()])
                if _OPEN.match(found.group()):
                    self._inside = _CLOSE
                elif _RESETS.match(found.group()):
                    self._line, self._overlong, self._json = "", False, None
                    lines.append(Reset())
            else:
                self._inside = None
            self._held = self._held[found.end() :]
        if self._inside is not None:  # what ends the thought may have begun
            self._held = "" if last else self._held[-_LONGEST:]
            return lines
        # Hold back from the last sign on that may begin a tag which the next piece completes.
        tail = max(0, len(self._held) - _LONGEST)
        start = max(self._held.rfind(sign, tail) for sign in ("<", "[", "◁"))
        if half := _HALF_TOKEN.search(self._held, tail):
            start = half.start()
        at = start if start >= 0 and not last and "\n" not in self._held[start:] else len(self._held)
        lines += self._take(self._held[:at])
        self._held = self._held[at:]
        return lines

    def _take(self, text: str) -> list[Line]:
        lines: list[Line] = []
        for part in re.split(r"([\r\n])", text):
            if self._json is not None:
                self._json = (self._json + part)[:_JSON_CHARS]
            elif part in ("\r", "\n"):
                lines += self._end_line()
            else:
                room = LINE_CHARS - len(self._line)
                self._line += part[:room]
                self._overlong = self._overlong or len(part) > room
                if begins_json(self._line):
                    self._json, self._line = self._line + part[room:], ""
        return lines

    def _end_line(self) -> list[Line]:
        text, cut = self._line, self._overlong
        self._line, self._overlong = "", False
        if begins_json(text + "\n"):
            self._json = text + "\n"
            return []
        return [] if _FENCE.match(text) or not text.strip() else [Line(text, cut)]


def _first(text: str) -> re.Match[str] | None:
    found = [match for pattern in (_OPEN, _CLOSE, _TOKEN) if (match := pattern.search(text))]
    return min(found, key=lambda match: match.start(), default=None)
