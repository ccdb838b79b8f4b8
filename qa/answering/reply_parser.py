"""Parse a model's reply as it streams: sentences with the ids they cite. Pure.

The grammar that the prompt asks for, line by line:

    line      =  citation sentence | "NOT_IN_SOURCES" | "PARTIAL"
    citation  =  "[" id { "," id } "]" ...

Models write their ids in any other way too: behind the sentence, bare, in tags, tables and footnotes, on lines of their
own, in a list at the end, with a wrong sign, or not at all. All of these are read. A sentence without ids is held until
one with ids follows or the reply ends, because its ids may come later. So later input changes nothing that was
returned, and it does not matter where the stream was split. What is returned is plain text: models write markup, and
articles make them do it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from qa.answering import reply_words
from qa.answering.reply_lines import Line, LineReader, Reset
from qa.text.plain import plain_text
from qa.text.sentences import split_sentences

_BRACKETS = str.maketrans("［］【】⟦⟧〚〛", "[][][][]")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴-⁹]{1,2}(?![⁰-⁹\\w])")
_SUPERSCRIPT_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_DECORATION = re.compile(r"^(?:[-–*+•‣◦>#|]+\s+|[>•‣◦]+|\(?\d{1,2}[.)]\s+|[:,;]\s*|[–—-]\s+)+")
_RULE = re.compile(r"^[-=_*`~\s|:]+$")
_CELLS = re.compile(r"^\s*\|.*\|")
_TAG = re.compile(r"<[^<>\n]{1,160}>")
_WORD = re.compile(r"[A-Za-z0-9]+")
# An id at the beginning of a line that nobody gave: it may be one with a wrong sign.
_LEADING = re.compile(r"^(\W{0,6})([A-Za-z]\d|\d[A-Za-z])(?=\W{0,4}[:)\]|–—]|\s+[-–—|])")
_BRACKET = re.compile(r"[\[\]]")
_SEPARATORS = re.compile(r"[\s,;:.&†#^()/+–—-]+")
# Shaped like our ids, or a number in place of one.
_INVENTED = re.compile(r"[a-z]\d|\d[a-z]|s(?=[a-z0-9]*\d)[a-z0-9]{1,9}|\d{1,3}", re.IGNORECASE)
_LABELS = frozenset(
    "and article articles cite cited citation citations doc evidence id ids n ref reference references sentence"
    " sentences source sources see".split()
)
_PLACEHOLDERS = frozenset({"id", "ids", "n"})
_LINK_TARGET = re.compile(r"""\(\s*(?:[/#.?<][^()]*|[^\s()]*)(?:\s["'“][^()]*)?\s*\)""")
_WRAPPED = re.compile(r"[({]\s?((?:\[[^\[\]]*\](?:[\s,;&]|and)*)+)[)}]")
_DEFINITION = re.compile(r"^\[([^\[\]]*)\](?=:)")
_ENDS_SENTENCE = re.compile(r"[.!?…。！？]['\"’”»)]*\s*$")
_CLOSING = re.compile(r"\s*[.!?…。！？]+['\"’”»)]*")
_NO_SPACE_BEFORE = ".,;:!?…)’”»。，、；：！？）"
_DEEPEST = 4  # levels of nested brackets; without a limit a line of brackets takes quadratic time
_EDGE = " \t*_`'\"“”.:;,!()-–—|"
# After an id in mid-line these begin a clause of its own.
_NEXT_CLAUSE = re.compile(
    r"^[\s,;:]*(?:(?:and|but|while|whereas|although|though|yet|also)\b|(?<=[;,]))[\s,]*", re.IGNORECASE
)
_CLAUSE_WORDS = 4


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in plain text, the known ids it cites, and the ids it cites that the prompt did not have.

    `guesses` are known ids that may be meant, where none is cited as it was given: by a wrong sign, or by a list of the
    whole reply.
    """

    text: str
    ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    cut: bool = field(default=False, compare=False)  # its end was not read: it may mean something else than it seems to


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
        self._lines = LineReader()
        self._held: list[Parsed] = []
        self._pending: tuple[str, ...] = ()  # ids on a line of their own, before their sentence
        self._listed: list[str] | None = None  # the ids of a list of sources, once it began
        self._began = self._thinks_aloud = False

    def feed(self, text: str) -> list[Parsed]:
        """Take the next piece of the stream and return what later input cannot change."""
        return self._take(self._lines.feed(text))

    def finish(self, *, whole: bool = True) -> list[Parsed]:
        """Return the rest at the end of the reply; `whole` is False when it was cut short.

        The sentence in which a reply was cut keeps its words and loses its ids, since it may be incomplete.
        """
        parsed = self._take(self._lines.finish(whole=whole))
        self._thinks_aloud = False
        if self._listed:
            listed = _unique(self._listed)
            alone = sum(isinstance(item, Sentence) and not item.ids for item in self._held) == 1
            self._held = [
                item if not isinstance(item, Sentence) or item.ids
                else replace(item, ids=listed) if alone
                else replace(item, guesses=_unique((*item.guesses, *listed)))
                for item in self._held
            ]  # fmt: skip
        return [*parsed, *(piece for item in self._release() for piece in _split_item(item))]

    def _take(self, lines: Iterable[Line | Reset]) -> list[Parsed]:
        parsed: list[Parsed] = []
        for line in lines:
            if isinstance(line, Reset):
                self._held, self._pending, self._listed = [], (), None
                self._began = self._thinks_aloud = False
            else:
                parsed += self._read(line)
        return parsed

    def _read(self, line: Line) -> list[Parsed]:
        if not self._began and re.search(r"\w", line.text):
            self._began, self._thinks_aloud = True, reply_words.thinks_aloud(line.text)
        items = _read_line(line.text, self._ids)
        if line.cut and items:
            last = items.pop()
            items.append(Sentence(last.text, cut=True) if isinstance(last, Sentence) else last)
        if self._fence:
            items = [_without_fence(item, self._fence) for item in items]
        return [piece for item in items for settled in self._settle(item) for piece in _split_item(settled)]

    def _settle(self, item: Parsed) -> list[Parsed]:
        """Give ids without a sentence to the sentence they belong to; hold back a sentence that may yet get its ids."""
        if isinstance(item, Sentence) and item.text and reply_words.heads_sources(item.text):
            if item.ids and self._listed is None and len(self._held) == 1:
                return self._settle_ids(item)
            self._listed = [*(self._listed or ()), *item.ids]
            return []
        if isinstance(item, Sentence) and not item.text:
            return self._settle_ids(item)
        if isinstance(item, Sentence) and self._pending and not item.ids:
            item = replace(item, ids=self._pending)
        self._pending = ()
        if isinstance(item, Sentence) and item.ids and not self._thinks_aloud:
            return [*self._release(), item]
        self._held.append(item)
        return []

    def _settle_ids(self, item: Sentence) -> list[Parsed]:
        waiting = [at for at, held in enumerate(self._held) if isinstance(held, Sentence) and not held.ids]
        marked = [at for at in waiting if set(item.unknown) & set(_sentence(self._held[at]).unknown)]
        if item.ids and marked:  # a footnote
            for at in marked:
                own = _sentence(self._held[at])
                left = tuple(mark for mark in own.unknown if mark not in item.unknown)
                self._held[at] = replace(own, ids=item.ids, unknown=left)
            return []
        if self._listed is not None:
            self._listed += item.ids
            return []
        if not waiting or waiting[-1] != len(self._held) - 1 or reply_words.leads_in(_sentence(self._held[-1]).text):
            self._pending = item.ids
            return []
        last = _sentence(self._held[-1])
        self._held[-1] = replace(
            last, ids=item.ids, unknown=_unique((*last.unknown, *item.unknown)), guesses=item.guesses or last.guesses
        )
        return self._release() if item.ids and not self._thinks_aloud else []

    def _release(self) -> list[Parsed]:
        held, self._held = self._held, []
        return held


def _sentence(item: Parsed) -> Sentence:
    assert isinstance(item, Sentence)
    return item


def _read_line(line: str, known: Mapping[str, str]) -> list[Parsed]:
    if _RULE.match(line.strip()):
        return []
    line = line.translate(_BRACKETS)
    if _CELLS.match(line):  # a row of a table
        cells = (cell.strip() for cell in line.strip().strip("|").split("|"))
        line = " ".join(cell for cell in cells if cell.strip(" -:#") and not cell.isdigit())
    line = _TAG.sub(lambda tag: _ids_of_tag(tag.group(), known), line)
    line = _SUPERSCRIPT.sub(lambda mark: f"[{mark.group().translate(_SUPERSCRIPT_DIGITS)}]", line)
    line = plain_text(line)
    if (footnote := _footnote(line, known)) is not None:
        return [footnote]
    line = _DECORATION.sub("", line)
    line = _LEADING.sub(lambda lead: f"{lead[1]}{lead[2]}" if lead[1][-1:] == "[" else f"{lead[1]}[{lead[2]}]", line)
    # An id is random, so it is a citation in any form: bare, in round brackets or among other words.
    line = _WRAPPED.sub(r"\1", _WORD.sub(lambda word: _bracketed(word.group(), known), line))
    parsed: list[Parsed] = []
    for text, cites in _cut_sentences(_split_citations(line, known)):
        ids = _unique(key for cite in cites for key in cite.ids)
        unknown = _unique(key for cite in cites for key in cite.unknown)
        text = _DEFINITION.sub(r"\1", _DECORATION.sub("", plain_text(text)))
        text = text.replace("](", "] (").strip()
        guesses = () if ids else _unique(key for word in unknown if (key := slip_of(word, known)))
        parsed += _read_marks(text, ids, unknown, guesses)
    return parsed


def slip_of(word: str, known: Mapping[str, str]) -> str | None:
    """Return the one known id that a word with a wrong sign, turned round or cut off may be; None if it may be several.

    `known` has the ids by their lower case.
    """
    word = word.lower()
    if not re.search(r"[a-z]", word) or word in known:
        return None
    if word[::-1] in known:
        return known[word[::-1]]
    near = [key for key in known if len(key) == len(word) and sum(a != b for a, b in zip(key, word, strict=True)) == 1]
    near += [key for key in known if len(word) * 2 >= len(key) > len(word) and key.startswith(word)]
    return known[near[0]] if len(near) == 1 else None


def _ids_of_tag(tag: str, known: Mapping[str, str]) -> str:
    ids = [known[word.lower()] for word in _WORD.findall(tag) if word.lower() in known]
    return f" [{', '.join(ids)}] " if ids else tag


def _footnote(line: str, known: Mapping[str, str]) -> Sentence | None:
    """Read `[^1]: w4` and `1. w4` as ids of the sentences with that mark."""
    found = re.match(r"^[\[(\s]*\^?(\d{1,2})(?:[\])]+\s?[.:=–—-]*|[.:=])\s+(?=\S)", line)
    if found is None:
        return None
    words = [word for word in _SEPARATORS.split(line[found.end() :].replace("[", " ").replace("]", " ")) if word]
    ids = [known[word.lower()] for word in words if word.lower() in known]
    others = [word for word in words if word.lower() not in known and word.lower() not in _LABELS]
    return Sentence("", _unique(ids), (found[1],)) if ids and not others else None


def _bracketed(word: str, known: Mapping[str, str]) -> str:
    key = known.get(word.lower())
    return f"[{key}]" if key else word


def _split_citations(line: str, known: Mapping[str, str]) -> list[str | _Cite]:
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


def _citation(inner: list[str | _Cite], known: Mapping[str, str], *, closed: bool = True) -> list[str | _Cite] | None:
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
    for at, part in enumerate(parts):
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
            elif (clause := _next_clause(text, part)) and any(isinstance(later, _Cite) for later in parts[at:]):
                done.append((f"{text.rstrip(' ,;')}.", cites))  # an id in mid-line ends its clause
                text, cites, part = "", [], clause
        text, open_gap = _join(text, part) if open_gap else text + part, False
    return [*done, (text, cites)] if text.strip() or cites else done


def _ends_with_cite(parts: list[str | _Cite]) -> bool:
    last = parts[-1]
    return len(parts) > 1 and (isinstance(last, _Cite) or (not last.strip(_EDGE) and isinstance(parts[-2], _Cite)))


def _next_clause(before: str, part: str) -> str | None:
    """Return the clause that begins behind an id in mid-line, as a sentence; None if the sentence goes on."""
    found = _NEXT_CLAUSE.match(part)
    if found is None or len(before.split()) < _CLAUSE_WORDS:
        return None
    rest = part[found.end() :]
    return rest[:1].upper() + rest[1:] if len(rest.split()) >= _CLAUSE_WORDS else None


def _begins_sentence(part: str) -> bool:
    first = part.lstrip(" \"'“‘«(")[:1]
    return first != "" and not first.islower() and first not in _NO_SPACE_BEFORE


def _join(before: str, after: str) -> str:
    """Close the gap that a citation left."""
    before, after = before.rstrip(), after.lstrip()
    if not before or not after or after[0] in _NO_SPACE_BEFORE or not (before[-1].isascii() or after[0].isascii()):
        return before + after
    return f"{before} {after}"


def _read_marks(text: str, ids: tuple[str, ...], unknown: tuple[str, ...], guesses: tuple[str, ...]) -> list[Parsed]:
    """Recognise what is said about the evidence as a whole, in our marks or in the model's own words."""
    bare = text.strip(_EDGE)
    sentence = [Sentence(text, ids, unknown, guesses)]
    if not bare:
        return [Sentence("", ids, unknown, guesses)] if ids or unknown else []
    if reply_words.is_partial_mark(bare):
        return [Partial()]
    rest = reply_words.without_refusal_mark(bare)
    if rest is not None:
        rest = plain_text(rest).strip(_EDGE)
        before: list[Parsed] = [Sentence(rest, ids, unknown, guesses)] if rest else []
        return [*before, NotInSources()]
    if reply_words.tells_absence(bare):
        return [NotInSources()]
    return list(sentence)


def _without_fence(item: Parsed, fence: re.Pattern[str]) -> Parsed:
    if not isinstance(item, Sentence) or not fence.search(item.text):
        return item
    text = item.text
    while fence.search(text):
        text = plain_text(fence.sub(" ", text))
    return Sentence(text)


def _split_item(item: Parsed) -> list[Parsed]:
    """Split the text of one citation into sentences, lest a false one be accepted with the true one beside it."""
    if not isinstance(item, Sentence):
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
    return [*(Sentence(piece, item.ids, guesses=item.guesses) for piece in pieces[:-1]), replace(item, text=pieces[-1])]


def _is_open(text: str) -> bool:
    marks = text.count("“") - text.count("”"), text.count("«") - text.count("»"), text.count('"') % 2
    return any(count > 0 for count in marks)


def _unique(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))
