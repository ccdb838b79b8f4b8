"""Take off a statement what claims nothing of its sources: a list mark, a "yes" to the question, "however". Pure."""

from __future__ import annotations

import re

from qa.text.english import CAPITAL, MARKS

_LIST_MARK = re.compile(r"^\s*(?:(?:[-*•–]|\d{1,2}[.)])\s+)+(?=\S)")
_LABEL = re.compile(r"^\*\*[^*\n]{1,40}?(?::\*\*|\*\*:)\s*")  # "**Cause:** A pin broke."
_ANSWER = re.compile(r"^(?:Yes|No)(?:[,;:!]|\s[-–—]|\.(?!\s*\d))\s+(?=\S)")  # not "No. 4"
_SOURCES = (
    r"(?:the|these|those|both|all|all the|the (?:given|cited|provided|available|news|press|media))"
    r" (?:articles?|reports|sources|coverage|excerpts?|passages?)"
)
_CONNECTIVES = (
    r"however|meanwhile|in short|overall|in summary|to sum up|in addition|additionally|moreover|furthermore|also"
    r"|that said|in particular|specifically"
)
_OPENERS = (
    re.compile(rf"^(?:{_CONNECTIVES}),\s+(?=\S)", re.I),
    re.compile(rf"^according to {_SOURCES}(?:,\s*|\s+)(?=\S)", re.I),
    re.compile(rf"^{_SOURCES} (?:say|says|said|report|reports|state|states|note|notes)(?: that)?\s+(?=\S)", re.I),
)
# "LINDEN, May 12 (Norpress) - ": a place in capitals, a day, an agency.
_DATELINE = re.compile(
    rf"^[{CAPITAL}][{CAPITAL}{MARKS}.'’-]+(?: [{CAPITAL}][{CAPITAL}{MARKS}.'’-]+)*"
    r"(?:,[^()–—−]{1,30}?)?(?:\s*\([^()]{1,30}\))?\s*(?:\s-|[–—−])\s+"
)
_CLOSING = re.compile(rf",? according to {_SOURCES}(?=[.,;]|$)", re.I)


def without_openers(statement: str) -> str:
    """Return the statement without what opens it and names no fact; as it is where nothing else would be left."""
    rest = _ANSWER.sub("", _LABEL.sub("", _LIST_MARK.sub("", statement)))
    for opener in _OPENERS:
        rest = opener.sub("", rest)
    rest = _CLOSING.sub("", rest)
    if rest == statement or not any(char.isalnum() for char in rest):
        return statement
    return rest[0].upper() + rest[1:]


def dateline_of(sentence: str) -> str:
    """Return the place, day and agency that open a news story, or an empty string."""
    found = _DATELINE.match(sentence)
    return found[0] if found else ""
