"""Parse a model's reply as it streams: sentences with the ids they cite. Pure.

The grammar, line by line:

    line      =  { sentence citation } | "NOT_IN_SOURCES" | "PARTIAL"
    citation  =  "[" id { "," id } "]" ...       before or after the full stop

A line is parsed when it is complete, and a sentence without ids is returned only when the line after it is known (small
models put the ids on a line of their own). So later input changes nothing that was returned, and it does not matter
where the stream was split. What is returned is plain text: models write markup, and articles make them do it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from qa.text.plain import plain_text
from qa.text.sentences import split_sentences

LINE_CHARS = 4000  # a longer line is not an answer; the rest of it is ignored
_NOT_IN_SOURCES = re.compile(r"^NOT_IN_SOURCES\b|\bNOT_IN_SOURCES$")
_PARTIAL = "PARTIAL"

_BRACKETS = str.maketrans("［］【】⟦⟧〚〛", "[][][][]")
_DECORATION = re.compile(r"^(?:[-–*+•‣◦>#|]+\s+|[>•‣◦]+|\(?\d{1,2}[.)]\s+|[:,;]\s*)+")
_RULE = re.compile(r"^(?:```|~~~)[\w-]*\s*$|^[-=_*`~\s|:]+$")
_WORD = re.compile(r"[A-Za-z0-9]+")
_BRACKET = re.compile(r"[\[\]]")
_SEPARATORS = re.compile(r"[\s,;:.&†#^()/+–—-]+")
_INVENTED = re.compile(r"s(?=[a-z0-9]*\d)[a-z0-9]{1,9}|\d{1,3}")  # shaped like our ids, or a number in place of one
_LABELS = frozenset({"and", "article", "articles", "doc", "evidence", "id", "ids", "n", "ref", "sentence", "sentences",
                     "source", "sources", "see"})  # fmt: skip
_PLACEHOLDERS = frozenset({"id", "ids", "n"})
_LINK_TARGET = re.compile(r"""\(\s*(?:[/#.?<][^()]*|[^\s()]*)(?:\s["'“][^()]*)?\s*\)""")
_WRAPPED = re.compile(r"[({]\s?((?:\[[^\[\]]*\](?:[\s,;&]|and)*)+)[)}]")
_DEFINITION = re.compile(r"^\[([^\[\]]*)\](?=:)")
_ENDS_SENTENCE = re.compile(r"[.!?…。！？]['\"’”»)]*\s*$")
_CLOSING = re.compile(r"\s*[.!?…。！？]+['\"’”»)]*")
_NO_SPACE_BEFORE = ".,;:!?…)’”»。，、；：！？）"
_DEEPEST = 4  # levels of nested brackets; without a limit a line of brackets takes quadratic time
_EDGE = " \t*_`'\"“”.:;,!()-–—"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in plain text, the known ids it cites, and the ids it cites that the prompt did not have."""

    text: str
    ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotInSources:
    """The model says that the evidence does not answer."""


@dataclass(frozen=True, slots=True)
class Partial:
    """The model says that the evidence answers only a part."""


Parsed = Sentence | NotInSources | Partial


@dataclass(frozen=True, slots=True)
class _Cite:
    ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class ReplyParser:
    """An incremental parser of one reply.

    `ids` are the sentence ids of the prompt, `fence` is the token that fenced its evidence: a sentence that repeats the
    token copies the prompt, so it loses the token and its ids.
    """

    def __init__(self, ids: Iterable[str], fence: str = "") -> None:
        self._ids = {key.lower(): key for key in ids}
        self._fence = re.compile(re.escape(fence), re.IGNORECASE) if fence else None
        self._thoughts = _Thoughts()
        self._line = ""
        self._overlong = False
        self._waiting: Sentence | None = None

    def feed(self, text: str) -> list[Parsed]:
        """Take the next piece of the stream and return what later input cannot change."""
        return self._take(self._thoughts.feed(text))

    def finish(self, *, whole: bool = True) -> list[Parsed]:
        """Return the rest at the end of the reply; `whole` is False when it was cut short.

        The sentence in which a reply was cut keeps its words and loses its ids, since it may be incomplete.
        """
        parsed = self._take(self._thoughts.finish())
        self._overlong = self._overlong or not whole
        parsed += self._end_line()
        if self._waiting:
            parsed.append(self._waiting)
            self._waiting = None
        return parsed

    def _take(self, text: str) -> list[Parsed]:
        parsed: list[Parsed] = []
        for line in re.split(r"([\r\n])", text):
            if line in ("\r", "\n"):
                parsed += self._end_line()
            else:
                room = LINE_CHARS - len(self._line)
                self._line += line[:room]
                self._overlong = self._overlong or len(line) > room
        return parsed

    def _end_line(self) -> list[Parsed]:
        line, overlong = self._line, self._overlong
        self._line, self._overlong = "", False
        parsed = _read_line(line, self._ids)
        if overlong and parsed:
            # Its end was not read, so the last sentence may mean something else than it seems to: it loses its ids.
            last = parsed.pop()
            parsed.append(Sentence(last.text) if isinstance(last, Sentence) else last)
        if self._fence:
            parsed = [_without_fence(item, self._fence) for item in parsed]
        return [single for item in parsed for item in self._settle(item) for single in _split_item(item)]

    def _settle(self, item: Parsed) -> list[Parsed]:
        """Give ids without a sentence to the sentence before them; hold back a sentence that may yet get its ids."""
        waiting, self._waiting = self._waiting, None
        if isinstance(item, Sentence) and not item.text:
            return (
                [replace(waiting, ids=item.ids, unknown=_unique((*waiting.unknown, *item.unknown)))] if waiting else []
            )
        before: list[Parsed] = [waiting] if waiting else []
        if isinstance(item, Sentence) and not item.ids:
            self._waiting = item
            return before
        return [*before, item]


class _Thoughts:
    """Drop `<think>...</think>` blocks, wherever the stream is split."""

    _OPEN = re.compile(r"<(think|thinking|thought|reasoning)\s{0,8}>", re.IGNORECASE)
    _CLOSE = re.compile(r"</(think|thinking|thought|reasoning)\s{0,8}>", re.IGNORECASE)
    _LONGEST = len("</reasoning>") + 8

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, text: str) -> str:
        self._held += text
        kept: list[str] = []
        while match := (self._CLOSE if self._inside else self._OPEN).search(self._held):
            if not self._inside:
                kept.append(self._held[: match.start()])
            self._held = self._held[match.end() :]
            self._inside = not self._inside
        # Hold back from the last `<` on: it may be the beginning of a tag that the next piece completes.
        start = self._held.rfind("<", max(0, len(self._held) - self._LONGEST))
        cut = len(self._held) if start < 0 or ">" in self._held[start:] else start
        if not self._inside:
            kept.append(self._held[:cut])
        self._held = self._held[cut:]
        return "".join(kept)

    def finish(self) -> str:
        held, self._held = self._held, ""
        return "" if self._inside else held


def _read_line(line: str, known: dict[str, str]) -> list[Parsed]:
    if _RULE.match(line.strip()):
        return []
    line = _DECORATION.sub("", plain_text(line.translate(_BRACKETS)))
    # An id is random, so it is a citation in any form: bare, in round brackets or among other words.
    line = _WRAPPED.sub(r"\1", _WORD.sub(lambda word: _bracketed(word.group(), known), line))
    parsed: list[Parsed] = []
    for text, cites in _cut_sentences(_split_citations(line, known)):
        ids = _unique(key for cite in cites for key in cite.ids)
        unknown = _unique(key for cite in cites for key in cite.unknown)
        text = _DEFINITION.sub(r"\1", _DECORATION.sub("", plain_text(text)))
        parsed += _read_marks(text.replace("](", "] (").strip(), ids, unknown)
    return parsed


def _bracketed(word: str, known: dict[str, str]) -> str:
    key = known.get(word.lower())
    return f"[{key}]" if key else word


def _split_citations(line: str, known: dict[str, str]) -> list[str | _Cite]:
    """Split a line into text and citations. Brackets with text are kept, unpaired brackets are dropped."""
    frames: list[list[str | _Cite]] = [[]]
    at = 0
    while match := _BRACKET.search(line, at):
        frames[-1].append(line[at : match.start()])
        at = match.end()
        if match.group() == "[":
            if len(frames) <= _DEEPEST:
                frames.append([])
        elif len(frames) > 1:
            inner = frames.pop()
            read = _citation(inner, known)
            link = _LINK_TARGET.match(line, at)
            at = link.end() if link else at  # [text](address): only the text is kept
            frames[-1] += read if read is not None else inner if link else ["[", *inner, "]"]
    frames[-1].append(line[at:])
    for inner in frames[1:]:  # brackets that never closed are read one by one
        frames[0] += _citation(inner, known, closed=False) or inner
    return frames[0]


def _citation(inner: list[str | _Cite], known: dict[str, str], *, closed: bool = True) -> list[str | _Cite] | None:
    """Return the citations in one pair of brackets, or None when it has text."""
    cites: list[str | _Cite] = [part for part in inner if isinstance(part, _Cite)]
    words = [word for part in inner if isinstance(part, str) for word in _SEPARATORS.split(part) if word]
    ids = tuple(known[word.lower()] for word in words if word.lower() in known)
    invented = tuple(word for word in words if word.lower() not in known and _INVENTED.fullmatch(word))
    others = [word for word in words if word.lower() not in known and word not in invented]
    if ids or invented:
        cites.append(_Cite(ids, invented))
    labels = [word for word in others if word.lower() in _LABELS]
    if not others:
        return cites
    if len(labels) == len(others) and (cites or all(word.lower() in _PLACEHOLDERS for word in others)):
        return cites or [_Cite((), tuple(others))]
    if closed and any(cite.ids for cite in cites if isinstance(cite, _Cite)) and len(others) <= 4:
        return cites  # `[s7fk3q - the outlet]`
    return None


def _cut_sentences(parts: list[str | _Cite]) -> list[tuple[str, list[_Cite]]]:
    """Cut a line where one sentence with its citations ends and the next begins."""
    parts = [
        part
        for before, part, after in zip([None, *parts], parts, [*parts[1:], None], strict=False)
        if isinstance(part, _Cite)
        or part.strip(" ,;&" if isinstance(before, _Cite) and isinstance(after, _Cite) else None)
    ]
    leading = bool(parts) and isinstance(parts[0], _Cite) and not _ends_with_cite(parts)
    done: list[tuple[str, list[_Cite]]] = []
    text, cites, open_gap = "", list[_Cite](), False
    for part in parts:
        if isinstance(part, _Cite):
            if leading and _ENDS_SENTENCE.search(text):
                done.append((text, cites))
                text, cites = "", []
            cites.append(part)
            open_gap = True
            continue
        if open_gap and not leading and text:
            closing = _CLOSING.match(part)
            if closing and not _ENDS_SENTENCE.search(text):
                text, part = text.rstrip() + closing.group().strip(), part[closing.end() :]
            elif closing:
                part = part[closing.end() :]  # a full stop on either side of the ids is one too many
            if part.strip() and _ENDS_SENTENCE.search(text) and _begins_sentence(part):
                done.append((text, cites))
                text, cites = "", []
        text, open_gap = _join(text, part) if open_gap else text + part, False
    return [*done, (text, cites)] if text.strip() or cites else done


def _ends_with_cite(parts: list[str | _Cite]) -> bool:
    last = parts[-1]
    return len(parts) > 1 and (isinstance(last, _Cite) or (not last.strip(_EDGE) and isinstance(parts[-2], _Cite)))


def _begins_sentence(part: str) -> bool:
    first = part.lstrip(" \"'“‘«(")[:1]
    return first != "" and not first.islower() and first not in _NO_SPACE_BEFORE


def _join(before: str, after: str) -> str:
    """Close the gap that a citation left."""
    before, after = before.rstrip(), after.lstrip()
    if not before or not after or after[0] in _NO_SPACE_BEFORE or not (before[-1].isascii() or after[0].isascii()):
        return before + after
    return f"{before} {after}"


def _read_marks(text: str, ids: tuple[str, ...], unknown: tuple[str, ...]) -> list[Parsed]:
    """Recognise NOT_IN_SOURCES and PARTIAL, alone on a line, and the first also at either end of a sentence."""
    bare = text.strip(_EDGE)
    if bare == _PARTIAL:
        return [Partial()]
    if _NOT_IN_SOURCES.search(bare):
        rest = plain_text(_NOT_IN_SOURCES.sub(" ", bare)).strip(_EDGE)
        sentence: list[Parsed] = [Sentence(rest, ids, unknown)] if rest else []
        return [*sentence, NotInSources()]
    return [Sentence(text, ids, unknown)] if bare or ids or unknown else []


def _without_fence(item: Parsed, fence: re.Pattern[str]) -> Parsed:
    if not isinstance(item, Sentence) or not fence.search(item.text):
        return item
    text = item.text
    while fence.search(text):
        text = plain_text(fence.sub(" ", text))
    return Sentence(text)


def _split_item(item: Parsed) -> list[Parsed]:
    """Split the text of one citation into sentences, lest a false one be accepted with the true one beside it."""
    if not isinstance(item, Sentence) or not item.ids:
        return [item]
    pieces: list[str] = []
    for span in split_sentences(item.text):
        piece = span.slice(item.text)
        if pieces and (_is_open(pieces[-1]) or not re.search(r"\w", piece)):
            pieces[-1] += f" {piece}"  # a quotation of several sentences stays whole
        else:
            pieces.append(piece)
    if len(pieces) < 2:
        return [item]
    return [*(Sentence(piece, item.ids) for piece in pieces[:-1]), replace(item, text=pieces[-1])]


def _is_open(text: str) -> bool:
    marks = text.count("“") - text.count("”"), text.count("«") - text.count("»"), text.count('"') % 2
    return any(count > 0 for count in marks)


def _unique(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))
