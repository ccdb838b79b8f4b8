"""Resolve the relative time phrases of an article ("on Tuesday", "last month") by its publication day. Pure.

The rules and their accuracy are in docs/time.md. Phrases relative to another event ("three weeks earlier", "the
following day"), names ("Black Friday") and dates with a year are left alone. Takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from qa.temporal import dates, periods
from qa.temporal.grammar import find_phrases
from qa.temporal.meanings import resolve_phrase
from qa.temporal.periods import Period
from qa.temporal.tense import tense_at
from qa.text.english import CAPITAL
from qa.text.sentences import split_sentences

NO_DATE = "article has no date"

_SOME_DAY = date(2000, 1, 5)  # used to find the phrases of an undated article
_YEAR = re.compile(r"(?<![\d.,$€£])(?:1[89]|20)\d\d(?![\d.,]\d|\d|%)")
_YEAR_BEFORE = 160  # characters before a month in which another year is taken to be that month's
_SPEECH_TAG = re.compile(r"\b(?:said|told|says|tweeted|wrote|added|announced)\b[^.!?“”\"]{0,60}$")
_CAPITAL_NEXT = re.compile(rf"\s[{CAPITAL}]")
_NAMES = re.compile(r"(?:Today|Tomorrow|Yesterday|Tonight)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A time phrase and its meaning: `quote[start:end] == phrase`."""

    phrase: str
    start: int
    end: int
    resolved: str | None  # a day, or `first/last` day; None when the article has no date
    basis: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A phrase at its place in a sentence, with the period it means."""

    kind: str
    start: int
    end: int
    period: Period


def resolve(quote: str, published_at: str | None, language: str | None = None) -> list[Resolved]:
    """Return the time phrases of a quote in order; empty for a language other than English. Raises BadArticle."""
    if language and not language.lower().startswith("en"):
        return []
    published = date.fromisoformat(dates.day(published_at)) if published_at else None
    resolved = []
    for span in split_sentences(quote):
        sentence = span.slice(quote)
        found = list(_find(sentence, published or _SOME_DAY))
        spoken = _spoken_on(sentence, found) if published else None
        for phrase in found:
            basis, period = NO_DATE, None
            if published:
                basis, period = f"published {periods.name_day(published)}", phrase.period
                if spoken and spoken != published and phrase.kind == "word" and _in_quotation(sentence, phrase.start):
                    shift = spoken - published
                    basis, period = f"said {periods.name_day(spoken)}", (period[0] + shift, period[1] + shift)
            start, end = span.start + phrase.start, span.start + phrase.end
            resolved.append(
                Resolved(quote[start:end], start, end, periods.write_period(period) if period else None, basis)
            )
    return resolved


def _find(sentence: str, today: date) -> Iterator[_Found]:
    for kind, match in find_phrases(sentence):
        start, end = match.span("phrase")
        if _is_name(sentence, match, kind) or _is_mentioned(sentence, start, end):
            continue
        tense = tense_at(sentence, start, end)
        if tense is None and sentence[start:end].lower() == "today":  # it may mean "nowadays"
            continue
        if kind in ("month", "date") and tense != "future" and _has_other_year(sentence, match, today):
            continue
        if period := resolve_phrase(kind, match, tense, today):
            yield _Found(kind, start, end, period)


def _is_name(sentence: str, match: re.Match[str], kind: str) -> bool:
    """Tell whether the words are a name: "USA Today", "Thursday Murder Club", "since May took office"."""
    start, end = match.span("phrase")
    if kind == "word":
        capital = sentence[start].isupper() and sentence[max(0, start - 2) : start - 1].isalnum()
        return capital and bool(_NAMES.match(sentence, start))
    if kind == "weekday" and not re.match("on |last |next |this |coming ", match["phrase"], re.IGNORECASE):
        return bool(_CAPITAL_NEXT.match(sentence, end))
    if kind == "month" and match["month"] == "May":
        after = sentence[end : end + 6]
        if re.match("['’]s", after):
            return True
        return bool(match["lead"]) and not re.match(r"$|[^\w\s]|\s(?:and|or|to|when|in|at|last)\b", after)
    return False


def _is_mentioned(sentence: str, start: int, end: int) -> bool:
    """Tell whether a phrase is alone in quotation marks: mentioned, not used."""
    return sentence[max(0, start - 1) : start] in tuple("'\"‘“«") and sentence[end : end + 1] in tuple("'\"’”»")


def _has_other_year(sentence: str, match: re.Match[str], today: date) -> bool:
    """Tell whether a year before the phrase is likely meant, not the article's: "in 2019 ... and in June"."""
    if match["year"] or (match.re.groupindex.get("which") and match["which"]):
        return False
    years = _YEAR.findall(sentence, max(0, match.start() - _YEAR_BEFORE), match.start())
    return any(int(year) != today.year for year in years)


def _in_quotation(sentence: str, at: int) -> bool:
    before = sentence[:at]
    return before.rfind("“") > before.rfind("”") or before.count('"') % 2 == 1


def _spoken_on(sentence: str, found: list[_Found]) -> date | None:
    """Return the day that the sentence states for its direct speech: '"... tomorrow," she said on Monday'."""
    for phrase in found:
        if phrase.kind in ("weekday", "word", "date") and not _in_quotation(sentence, phrase.start):
            tag = _SPEECH_TAG.search(sentence, max(0, phrase.start - 80), phrase.start)
            if tag and phrase.period[0] == phrase.period[1]:
                return phrase.period[0]
    return None
