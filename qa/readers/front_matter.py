"""Read the metadata before the news: YAML front matter in Markdown; headline, byline and date in plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own, and three calls need none

from qa.errors import BadArticle
from qa.readers import boilerplate
from qa.temporal import dates
from qa.text.english import IN_NAME, NO_SMALL_LETTER

MAX_FRONT_MATTER_CHARS = 16_384
_MAX_DEPTH = 4
_FENCE = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)(?<=\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_KEYS = {"id", "title", "outlet", "url", "published_at", "authors", "language"}
_OTHER_NAMES = {"date": "published_at", "author": "authors"}  # the names that site generators use
_EMPTY = ("", "~", "null", "Null", "NULL")
_HEADING = re.compile(r"^#[ \t]+(\S.*?)[ \t]*#*$", re.MULTILINE)

_TOP_LINES = 12
_END_LINES = 12
_LONGEST_HEADLINE = 200
_LONGEST_LEAD = 120  # of a headline that ends with a full stop: a longer line is the first sentence of the news
_LONGEST_LINE = 160  # of a byline or a date line
_LONGEST_PIECE = 60

# "By Ann Lee | Published 21 March 2023 - 3 min read" is read piece by piece, also when the scraper lost the separators.
_PIECES = re.compile(
    r"[|•·]|\s[–—-]\s|(?<=[a-z])(?=(?:Published|Updated|Posted)\b)|\b(?=(?:Published|Updated|Posted)\b)"
)
_LABEL = re.compile(
    r"(?:(?P<updated>(?:last )?(?:updated|modified))|(?:first )?published|posted|(?P<plain>date))(?: on| at)?[\s:]+",
    re.IGNORECASE,
)
_CLOCK = r"[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2})?(?:\s?[ap]\.?m\b\.?)?"
_ISO_CLOCK = r"T[0-9:.]{5,15}(?:Z|[+-][0-9:]{2,5})?"
_COUNT = r"[0-9][0-9.,]{0,9}[km]?\s?(?:shares?|views?|comments?|likes?)|[0-9]{1,3}[ -]min(?:ute)?s? read"
_AFTER_DATE = re.compile(rf"(?:[\s,()]|at\b|(?-i:\b[A-Z]{{2,4}}\b)|{_CLOCK}|{_ISO_CLOCK}|{_COUNT})*", re.IGNORECASE)

_BY = re.compile(r"(?:written )?by:?\s+(?P<names>\S.*)", re.IGNORECASE)
_NAME_BREAK = re.compile(r",|;|&|\band\b", re.IGNORECASE)
_CAPITALISED = rf"{NO_SMALL_LETTER}[{IN_NAME}.]*"
_NAME = re.compile(rf"{_CAPITALISED}(?: (?:(?:de|da|di|del|der|den|van|von|al|bin|la|le|el) )?{_CAPITALISED}){{1,3}}")
_NO_NAME = re.compile(
    r"\b(?:press|news|times|post|reuters|staff|writers?|reporters?|correspondents?|editors?|bureau|agency|agencies"
    r"|network|today|desk|service|media|wire)\b",
    re.IGNORECASE,
)

_YEARS = r"(?:[12][0-9]{3}(?:\s?[-–]\s?[12][0-9]{3})?)?"
_RIGHTS = re.compile(rf"(?:©|\(c\)|copyright)(?:\s|©|\(c\))*{_YEARS},?\s*(?:by )?(?P<name>\S.{{0,60}})", re.IGNORECASE)
_RIGHTS_END = re.compile(r"[.|,;:]| (?:all )?rights?\b| inc\b| llc\b| ltd\b", re.IGNORECASE)
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")  # written without spaces between words
_FULL_STOP = re.compile(r"""[.。][)\]"'”’»」』]*$""")


@dataclass(frozen=True, slots=True)
class Head:
    """The metadata in the first and last lines of a plain text."""

    title: str | None = None
    authors: tuple[str, ...] = ()
    published_at: str | None = None
    outlet: str | None = None


def split(text: str) -> tuple[dict[str, object], str]:
    """Split a Markdown text into its front matter, as fields of an article row, and the text. Raises BadArticle."""
    found = _FENCE.match(text)
    fields = _parse(found["yaml"]) if found else None
    body = text[found.end() :] if found and fields is not None else text
    fields = fields or {}
    if "title" not in fields and (heading := _HEADING.search(body)):
        fields["title"] = heading[1]
    return fields, body


def _parse(block: str) -> dict[str, object] | None:
    """Read the fields of a YAML block; None when it is no mapping, such as prose between two horizontal rules."""
    if len(block) > MAX_FRONT_MATTER_CHARS:
        raise BadArticle(f"front matter of more than {MAX_FRONT_MATTER_CHARS} characters")
    try:
        _check_shape(block)
        # Every scalar stays text: dates and numbers are then read by the same rules as in an article row.
        loaded: object = yaml.load(block, Loader=yaml.BaseLoader)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f" line {mark.line + 2}" if mark else ""  # the fence is line 1
        raise BadArticle(f"front matter{where}: {getattr(exc, 'problem', None) or 'not YAML'}") from exc
    if not isinstance(loaded, dict):
        return None
    named = {_OTHER_NAMES.get(key, key): value for key, value in loaded.items() if isinstance(key, str)}
    fields = {key: value for key, value in named.items() if key in _KEYS and value not in _EMPTY}
    if isinstance(authors := fields.get("authors"), str):
        fields["authors"] = [authors]
    return fields


def _check_shape(block: str) -> None:
    """Refuse YAML aliases, which can expand without bound, and nesting deeper than any front matter has."""
    depth = 0
    for event in yaml.parse(block, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise BadArticle("front matter: YAML aliases are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise BadArticle(f"front matter: nested more than {_MAX_DEPTH} deep")


def read_head(text: str) -> Head:
    """Read title, authors, date and outlet from a plain text; what it does not state is None."""
    lines = _mark_lines(text)
    top = lines[:_TOP_LINES]
    split_lines = [_split_line(line) for line, _ in top]
    prose = next((number for number, (line, _) in enumerate(top) if _is_prose(line, number)), len(top))
    # After the first sentence, a date on a line of its own is a heading of the news. Before this rule, all but one of
    # the wrong dates in the 11,777 articles of RealTimeQA were such headings.
    dated = [pieces for number, pieces in enumerate(split_lines) if number < prose or any(map(_is_date_line, pieces))]
    return Head(
        title=_find_title(top),
        authors=next((names for pieces in split_lines for piece in pieces if (names := _read_names(piece))), ()),
        published_at=_find_day([piece for pieces in dated for piece in pieces]),
        outlet=next((name for line, marked in lines[-_END_LINES:] if marked and (name := _read_owner(line))), None),
    )


def read_day(line: str) -> str | None:
    """Return the day of a date line; None for prose that mentions a date."""
    return _find_day(_split_line(line.strip()))


def _mark_lines(text: str) -> list[tuple[str, bool]]:
    """List the lines that are not blank, each with whether it is boilerplate."""
    spans = iter(boilerplate.find(text))
    span = next(spans, None)
    start, lines = 0, []
    for line in text.split("\n"):
        while span and span.end <= start:
            span = next(spans, None)
        if stripped := line.strip():
            lines.append((stripped, span is not None and span.start <= start))
        start += len(line) + 1
    return lines


def _split_line(line: str) -> list[str]:
    """Split a byline or date line into its pieces; prose has none."""
    if len(line) > _LONGEST_LINE:
        return []
    pieces = [piece.strip() for piece in _PIECES.split(line)]
    return pieces if max(map(len, pieces)) <= _LONGEST_PIECE else []


def _is_prose(line: str, number: int) -> bool:
    """Tell whether a line is a sentence of the news; the first line may be a headline with a full stop."""
    return len(line) > _LONGEST_LEAD or (
        _FULL_STOP.search(line) is not None and (number > 0 or len(line) > _LONGEST_PIECE)
    )


def _is_date_line(piece: str) -> bool:
    """Tell whether a piece marks its date as that of publication: by a label, a time of day or counts."""
    label = _LABEL.match(piece)
    found = dates.match_day(piece)
    return (label is not None and not label["plain"]) or (
        found is not None and any(map(str.isalnum, piece[found[1] :]))
    )


def _find_day(pieces: Sequence[str]) -> str | None:
    """Return the first day that is not labelled as an update, else the first that is."""
    updated = None
    for piece in pieces:
        label = _LABEL.match(piece)
        stated = piece[label.end() :] if label else piece
        found = dates.match_day(stated)
        if not found or not _AFTER_DATE.fullmatch(stated[found[1] :]):
            continue
        if not (label and label["updated"]):
            return found[0]
        updated = updated or found[0]
    return updated


def _read_names(piece: str) -> tuple[str, ...]:
    """Return the people in a byline; whatever is not written like a person's name, such as an agency, is left out."""
    found = _BY.fullmatch(piece)
    names = [name.strip(" .") for name in _NAME_BREAK.split(found["names"])] if found else []
    if found and set(_NAME_BREAK.findall(found["names"])) == {","}:
        del names[1:]  # after a lone comma comes an employer or a place
    return tuple(name for name in names if _NAME.fullmatch(name) and not _NO_NAME.search(name))


def _find_title(top: Sequence[tuple[str, bool]]) -> str | None:
    """Return the first line that is neither boilerplate nor byline nor label, if it looks like a headline."""
    own = [line for line, marked in top if not marked]
    for number, line in enumerate(own):
        if _find_day(_split_line(line)) or any(map(_read_names, _split_line(line))):
            continue
        if _count_words(line) < 3 and number + 1 < len(own):
            continue  # the label of a section, "World news"
        if len(line) > _LONGEST_HEADLINE or number + 1 == len(own):
            return None  # the text begins with prose, or nothing follows that this line could be the title of
        return None if _FULL_STOP.search(line) and len(line) > _LONGEST_LEAD else line
    return None


def _count_words(line: str) -> int:
    """Count the words; in scripts without spaces, two characters count as one word."""
    return max(len(line.split()), len(_WIDE.findall(line)) // 2)


def _read_owner(line: str) -> str | None:
    """Return the owner that a copyright line names."""
    found = _RIGHTS.match(line)
    name = _RIGHTS_END.split(f"{found['name']} ", maxsplit=1)[0].strip() if found else ""
    return name if re.match(r"[^\W\d_]", name) and len(name) <= 40 else None
