"""Read a model's reply as it streams: sentences with the ids they cite. Pure.

The grammar, line by line:

    line      =  { sentence citation } | "NOT_IN_SOURCES" | "PARTIAL"
    citation  =  "[" id { "," id } "]" ...       before or after the full stop

A line is read when it is complete, and a sentence without ids only when the line after it is known (small models
put the ids on a line of their own). So nothing that was handed out can be changed by later input, and it does not
matter where the stream was split. What is handed out is plain text: models write markup, articles make them do it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from qa.text.plain import plain_text
from qa.text.sentences import split_sentences

LINE_CHARS = 4000  # a longer line is not an answer; the rest of it is not read
_NOT_IN_SOURCES = re.compile(r"^NOT_IN_SOURCES\b|\bNOT_IN_SOURCES$")
_PARTIAL = "PARTIAL"

_BRACKETS = str.maketrans("［］【】⟦⟧〚〛", "[][][][]")
_DECORATION = re.compile(r"^(?:[-–*+•‣◦>#|]+\s+|[>•‣◦]+|\(?\d{1,2}[.)]\s+|[:,;]\s*)+")
_RULE = re.compile(r"^(?:```|~~~)[\w-]*\s*$|^[-=_*`~\s|:]+$")
_WORD = re.compile(r"[A-Za-z0-9]+")
_BRACKET = re.compile(r"[\[\]]")
_SEPARATORS = re.compile(r"[\s,;:.&†#^()/+–—-]+")
_INVENTED = re.compile(r"s(?=[a-z0-9]*\d)[a-z0-9]{1,9}|\d{1,3}")  # shaped like our ids, or a number in their place
_LABELS = frozenset({"and", "article", "articles", "doc", "evidence", "id", "ids", "n", "ref", "sentence", "sentences",
                     "source", "sources", "see"})  # fmt: skip
_PLACEHOLDERS = frozenset({"id", "ids", "n"})
_LINK_TARGET = re.compile(r"""\(\s*(?:[/#.?<][^()]*|[^\s()]*)(?:\s["'“][^()]*)?\s*\)""")
_WRAPPED = re.compile(r"[({]\s?((?:\[[^\[\]]*\](?:[\s,;&]|and)*)+)[)}]")
_DEFINITION = re.compile(r"^\[([^\[\]]*)\](?=:)")
_ENDS_SENTENCE = re.compile(r"[.!?…。！？]['\"’”»)]*\s*$")
_CLOSING = re.compile(r"\s*[.!?…。！？]+['\"’”»)]*")
_CLINGS = ".,;:!?…)’”»。，、；：！？）"
_DEEPEST = 4  # brackets in brackets; without a limit a line of them takes quadratic time
_EDGE = " \t*_`'\"“”.:;,!()-–—"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in plain text, the known ids it cites, and what it cited that nobody gave it."""

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
    """Turn the pieces of one reply into what it says.

    `ids` are the sentence ids that the model was shown, `fence` is the token that its evidence was fenced with: a
    sentence that repeats it copies the prompt, so it loses the token and its ids.
    """

    def __init__(self, ids: Iterable[str], fence: str = "") -> None:
        self._ids = {key.lower(): key for key in ids}
        self._fence = re.compile(re.escape(fence), re.IGNORECASE) if fence else None
        self._thoughts = _Thoughts()
        self._line = ""
        self._overlong = False
        self._waiting: Sentence | None = None

    def feed(self, text: str) -> list[Parsed]:
        """Take the next piece of the stream and return what is now certain."""
        return self._take(self._thoughts.feed(text))

    def finish(self, *, whole: bool = True) -> list[Parsed]:
        """Return what the end of the reply makes certain; `whole` False when it was cut short.

        The sentence in which a reply was cut keeps its words and loses its ids: it proves nothing.
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
        found = _read_line(line, self._ids)
        if overlong and found:
            # Its end was not read: the last sentence may say something else than it seems to, so it proves nothing.
            last = found.pop()
            found.append(Sentence(last.text) if isinstance(last, Sentence) else last)
        if self._fence:
            found = [_unfenced(one, self._fence) for one in found]
        return [alone for one in found for item in self._settle(one) for alone in _each_sentence(item)]

    def _settle(self, item: Parsed) -> list[Parsed]:
        """Join ids that stand alone to the sentence before them; hold a sentence that may yet get its ids."""
        waiting, self._waiting = self._waiting, None
        if isinstance(item, Sentence) and not item.text:
            return [replace(waiting, ids=item.ids, unknown=_once((*waiting.unknown, *item.unknown)))] if waiting else []
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
    # An id is random, so it cites wherever it stands: bare, in round brackets or among other words.
    line = _WRAPPED.sub(r"\1", _WORD.sub(lambda word: _bracketed(word.group(), known), line))
    parsed: list[Parsed] = []
    for text, cites in _sentences(_parts(line, known)):
        ids = _once(key for cite in cites for key in cite.ids)
        unknown = _once(key for cite in cites for key in cite.unknown)
        text = _DEFINITION.sub(r"\1", _DECORATION.sub("", plain_text(text)))
        parsed += _marked(text.replace("](", "] (").strip(), ids, unknown)
    return parsed


def _bracketed(word: str, known: dict[str, str]) -> str:
    key = known.get(word.lower())
    return f"[{key}]" if key else word


def _parts(line: str, known: dict[str, str]) -> list[str | _Cite]:
    """Part a line into text and citations. Brackets that cite are taken out, others stay, loose ones are dropped."""
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
    for inner in frames[1:]:  # brackets that never closed: each is read for itself
        frames[0] += _citation(inner, known, closed=False) or inner
    return frames[0]


def _citation(inner: list[str | _Cite], known: dict[str, str], *, closed: bool = True) -> list[str | _Cite] | None:
    """Read what stood in one pair of brackets: its citations, or None when it is text."""
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


def _sentences(parts: list[str | _Cite]) -> list[tuple[str, list[_Cite]]]:
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
    return first != "" and not first.islower() and first not in _CLINGS


def _join(before: str, after: str) -> str:
    """Close the gap that a citation left."""
    before, after = before.rstrip(), after.lstrip()
    if not before or not after or after[0] in _CLINGS or not (before[-1].isascii() or after[0].isascii()):
        return before + after
    return f"{before} {after}"


def _marked(text: str, ids: tuple[str, ...], unknown: tuple[str, ...]) -> list[Parsed]:
    """Recognise the two marks, alone on a line or put at either end of a sentence."""
    bare = text.strip(_EDGE)
    if bare == _PARTIAL:
        return [Partial()]
    if _NOT_IN_SOURCES.search(bare):
        rest = plain_text(_NOT_IN_SOURCES.sub(" ", bare)).strip(_EDGE)
        said: list[Parsed] = [Sentence(rest, ids, unknown)] if rest else []
        return [*said, NotInSources()]
    return [Sentence(text, ids, unknown)] if bare or ids or unknown else []


def _unfenced(item: Parsed, fence: re.Pattern[str]) -> Parsed:
    if not isinstance(item, Sentence) or not fence.search(item.text):
        return item
    text = item.text
    while fence.search(text):
        text = plain_text(fence.sub(" ", text))
    return Sentence(text)


def _each_sentence(item: Parsed) -> list[Parsed]:
    """Part what stands before one citation, so that a false sentence is not carried by the true one beside it."""
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


def _once(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))
