"""Measure how well time phrases are found and resolved on labelled sentences, beside dateparser.

    python -m eval.bench.verification.time_phrases              print the tables of docs/time.md
    python -m eval.bench.verification.time_phrases --misses     print every sentence that is not wholly right

The labels are tests/data/time_phrases.jsonl: a sentence, the day of its article, and every phrase with the days it
means. dateparser gets the labelled phrases, because it is not asked to find them here: once preferring the past, once
with the tense that our rules read from the sentence.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from qa.temporal import periods
from qa.temporal.phrases import resolve
from qa.temporal.tense import tense_at

LABELS = Path(__file__).resolve().parents[3] / "tests/data/time_phrases.jsonl"
_REPEATS = 5

Phrases = list[tuple[str, str | None]]
Reader = Callable[[str, date, Literal["past", "future"]], str | None]


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled sentence: the phrases in it, in order, and what they mean."""

    set: str
    quote: str
    published_at: str | None
    expected: Phrases


def read_cases(path: Path = LABELS) -> list[Case]:
    """Return the labelled sentences."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Case(r["set"], r["quote"], r["published_at"], [(p, d) for p, d in r["expected"]]) for r in rows]


def find(case: Case) -> Phrases:
    """Return the phrases and days that our rules find in a sentence."""
    return [(found.phrase, found.resolved) for found in resolve(case.quote, case.published_at)]


def score(cases: list[Case]) -> str:
    """Return one row of the table: sentences wholly right, then precision and recall of phrases with their days."""
    found = [find(case) for case in cases]
    exact = sum(got == case.expected for got, case in zip(found, cases, strict=True))
    hits = sum(_common(got, case.expected) for got, case in zip(found, cases, strict=True))
    predicted, labelled = sum(map(len, found)), sum(len(case.expected) for case in cases)
    empty = [got for got, case in zip(found, cases, strict=True) if not case.expected]
    return (
        f"{exact} of {len(cases)} ({exact / len(cases):.3f}) | {hits} of {predicted} ({hits / predicted:.3f})"
        f" | {hits} of {labelled} ({hits / labelled:.3f}) | {sum(not got for got in empty)} of {len(empty)}"
    )


def _common(got: Phrases, expected: Phrases) -> int:
    left = list(expected)
    hits = 0
    for phrase in got:
        if phrase in left:
            left.remove(phrase)
            hits += 1
    return hits


def time_ours(cases: list[Case]) -> float:
    """Return microseconds per phrase, including the time to find it."""
    began = time.perf_counter()
    for _ in range(_REPEATS):
        for case in cases:
            resolve(case.quote, case.published_at)
    return (time.perf_counter() - began) / _REPEATS / sum(len(case.expected) for case in cases) * 1e6


def load_dateparser() -> Reader | None:
    """Return a function that reads one phrase with dateparser, None where it is not installed."""
    try:
        parser: Any = importlib.import_module("dateparser.date").DateDataParser
    except ModuleNotFoundError:
        return None

    def read(phrase: str, base: date, tense: Literal["past", "future"]) -> str | None:
        settings = {
            "RELATIVE_BASE": datetime(base.year, base.month, base.day, 12),
            "PREFER_DATES_FROM": tense,
            "RETURN_AS_TIMEZONE_AWARE": False,
        }
        # dateparser cannot read "on Tuesday night": words that it does not know are removed.
        bare = re.sub(r"^(?:on|in|the|at|over) |(?: (?:morning|evening|night))$", "", phrase, flags=re.IGNORECASE)
        data = parser(languages=["en"], settings=settings).get_date_data(bare)
        return _days(data.date_obj, data.period) if data.date_obj else None

    return read


def _days(moment: datetime, period: str) -> str:
    """Return the period that dateparser found: a day, a month or a year."""
    if period == "month":
        return periods.write_period(periods.month_period(moment.year, moment.month))
    if period == "year":
        return periods.write_period(periods.year_period(moment.year))
    return moment.date().isoformat()


def compare(cases: list[Case], read: Reader, with_tense: bool) -> str:
    """Return dateparser's row: phrases exactly right, phrases with a day inside the right days, time a phrase."""
    exact = inside = total = 0
    began = time.perf_counter()
    for case in cases:
        at = 0
        for phrase, expected in case.expected:
            start = case.quote.index(phrase, at)
            at = start + len(phrase)
            if case.published_at is None or expected is None:
                continue
            tense = tense_at(case.quote, start, at) if with_tense else None
            got = read(phrase, date.fromisoformat(case.published_at[:10]), tense or "past")
            total += 1
            exact += got == expected
            inside += got is not None and _is_inside(got, expected)
    spent = (time.perf_counter() - began) / total * 1e6
    return f"{exact} of {total} ({exact / total:.3f}) | {inside} of {total} ({inside / total:.3f}) | {spent:,.0f}"


def ours_alone(cases: list[Case]) -> str:
    """Return the row of our rules in the same table."""
    dated = [(case, find(case)) for case in cases if case.published_at]
    total = sum(len(case.expected) for case, _ in dated)
    exact = sum(_common(got, case.expected) for case, got in dated)
    inside = sum(
        any(phrase == other and days and _is_inside(days, expected or "") for other, days in got)
        for case, got in dated
        for phrase, expected in case.expected
    )
    return (
        f"{exact} of {total} ({exact / total:.3f}) | {inside} of {total} ({inside / total:.3f})"
        f" | {time_ours([case for case, _ in dated]):,.0f}"
    )


def _is_inside(got: str, expected: str) -> bool:
    first, last = periods.read_period(expected)
    start, end = periods.read_period(got)
    return first <= start and end <= last


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--misses", action="store_true")
    cases = read_cases()
    if arguments.parse_args().misses:
        for case in cases:
            if find(case) != case.expected:
                print(f"{case.set}, {case.published_at}: {case.quote}\n  want {case.expected}\n  got  {find(case)}")
        return
    print("| set | sentences wholly right | precision | recall | without a phrase, none found |\n|---|---|---|---|---|")
    for name in dict.fromkeys(case.set for case in cases):
        print(f"| {name} | {score([case for case in cases if case.set == name])} |")
    read = load_dateparser()
    for name, chosen in (("all sets", cases), ("held out", [case for case in cases if case.set == "held out"])):
        print(f"\n| {name} | exactly right | a day inside | microseconds a phrase |\n|---|---|---|---|")
        print(f"| ours | {ours_alone(chosen)} |")
        if read:
            print(f"| dateparser, past preferred | {compare(chosen, read, with_tense=False)} |")
            print(f"| dateparser, with our tense | {compare(chosen, read, with_tense=True)} |")


if __name__ == "__main__":
    main()
