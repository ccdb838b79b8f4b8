"""Read gold questions and check them against the articles they point into. The checks are pure.

The format is one JSON object a line; eval/gold/README.md describes its fields and how the project's own set was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations, permutations
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from eval.metrics.answer import contains, plain_words
from qa import Article, QaError, Span

# What the project's own set must hold at least; "*" is the whole.
MINIMUM: Mapping[str, int] = {
    "factoid": 20,
    "number": 20,
    "quotation": 15,
    "time": 20,
    "several": 12,
    "conflict": 20,
    "follow_up": 15,
    "unanswerable": 32,
    "furniture": 6,
    "injection": 4,
    "reprint": 8,
    "*": 160,
}
COMPUTED = "computed"  # `notes` begin so where the answer is worked out from the gold spans and stands in none
# Two questions that share this much of their words are one question, asked twice. In the project's own set the pair
# that is closest on purpose, a question and its near miss, shares .55.
DUPLICATE_SHARE = 0.7


def _day(value: str) -> str:
    if date.fromisoformat(value).isoformat() != value:
        raise ValueError("write the day as YYYY-MM-DD")
    return value


def _spellings(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Words = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Day = Annotated[str, AfterValidator(_day)]
Value = Annotated[tuple[Words, ...], Field(min_length=1), BeforeValidator(_spellings)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoldSpan(_Row):
    """A stretch of an article that proves the answer, or a part of it."""

    article_id: Words
    start: Annotated[int, Field(ge=0, strict=True)]
    end: Annotated[int, Field(gt=0, strict=True)]
    text: Words


class GoldTurn(_Row):
    """One earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: Words


class Conflict(_Row):
    """What the sources disagree about. A value is one side's, in each way that it may be written."""

    about: Words
    values: Annotated[tuple[Value, ...], Field(min_length=2)]


class GoldQuestion(_Row):
    """A question with its annotated truth."""

    id: Words
    question: Words
    category: Words
    answers: tuple[Words, ...]
    answerable: Annotated[bool, Field(strict=True)]
    as_of: Day | None
    gold: tuple[GoldSpan, ...]
    gold_sets: tuple[tuple[int, ...], ...] | None = None
    wrong_answers: tuple[Words, ...] = ()
    conflict: Conflict | None = None
    history: tuple[GoldTurn, ...] = ()
    nuggets: tuple[Value, ...] = ()  # what a long answer should say, each in the ways that it may be written
    notes: str = ""

    def alternatives(self) -> list[list[GoldSpan]]:
        """Return the sets of spans that each prove the answer. Raises IndexError where `gold_sets` is wrong."""
        if self.gold_sets is None:
            return [list(self.gold)] if self.gold else []
        return [[self.gold[index] for index in indexes] for indexes in self.gold_sets]


Q = TypeVar("Q", bound=GoldQuestion)


def paths_of(gold: Path) -> list[Path]:
    """Return the files of a gold set: one file, or the .jsonl files of a folder in order of name."""
    return sorted(gold.glob("*.jsonl")) if gold.is_dir() else [gold]


def load(path: Path) -> list[GoldQuestion]:
    """Read a gold set. Raises QaError with all bad lines at once."""
    return load_as(GoldQuestion, path)


def load_as(kind: type[Q], path: Path) -> list[Q]:
    """Read a gold set whose lines are of a kind that says more. Raises QaError with all bad lines at once."""
    paths = paths_of(path)
    questions: list[Q] = []
    faults: list[str] = []
    for one in paths:
        try:
            lines = (
                one.read_bytes().decode("utf-8-sig").split("\n")
            )  # splitlines would also cut at U+2028, inside a string
        except (OSError, UnicodeDecodeError) as exc:
            faults.append(f"{one}: {exc}")
            continue
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                questions.append(kind.model_validate_json(line))
            except ValidationError as exc:
                faults += [f"{one}:{number}: {_place(error['loc'])}{error['msg']}" for error in exc.errors()]
    if not questions and not faults:
        faults.append(f"{path}: no gold questions")
    if faults:
        raise QaError("\n".join(faults))
    return questions


def _place(where: Sequence[int | str]) -> str:
    return ".".join(map(str, where)) + ": " if where else ""


def check_articles(
    questions: Sequence[GoldQuestion], articles: Iterable[Article], minimum: Mapping[str, int] | None = None
) -> list[str]:
    """Return every fault of the questions against articles as they were read."""
    by_id = {one.id: one for one in articles}
    return check(
        questions,
        {name: one.text for name, one in by_id.items()},
        furniture={name: one.furniture for name, one in by_id.items()},
        published={name: one.published_at for name, one in by_id.items()},
        minimum=minimum,
    )


def check(
    questions: Sequence[GoldQuestion],
    texts: Mapping[str, str],
    *,
    furniture: Mapping[str, Sequence[Span]] | None = None,
    published: Mapping[str, str | None] | None = None,
    minimum: Mapping[str, int] | None = None,
) -> list[str]:
    """Return every fault of the questions, each with the id it belongs to; an empty list is a good set.

    `minimum` is how many questions each category needs ("*": all of them); with it, other categories are faults.
    """
    faults: list[str] = []
    for one in questions:
        found = [*_span_faults(one, texts, furniture or {}, published or {}), *_set_faults(one)]
        if not found:  # what follows reads the spans, and would repeat these faults in other words
            found += [*_answer_faults(one), *_conflict_faults(one), *_spread_faults(one)]
        faults += [f"{one.id}: {fault}" for fault in [*found, *_kind_faults(one)]]
    return [*faults, *_twins(questions), *_count_faults(questions, minimum)]


def _span_faults(
    question: GoldQuestion,
    texts: Mapping[str, str],
    furniture: Mapping[str, Sequence[Span]],
    published: Mapping[str, str | None],
) -> Iterator[str]:
    for index, gold in enumerate(question.gold):
        name = f"gold {index} ({gold.article_id} {gold.start}-{gold.end})"
        text = texts.get(gold.article_id)
        if text is None:
            yield f"{name}: no such article"
            continue
        if not gold.start < gold.end <= len(text):
            yield f"{name}: empty or outside the article, which ends at {len(text)}"
        elif text[gold.start : gold.end] != gold.text:
            yield f"{name}: the article says {text[gold.start : gold.end]!r} there"
        elif gold.text != gold.text.strip():
            yield f"{name}: blank at an end"
        elif question.category != "furniture" and any(
            Span(gold.start, gold.end).overlaps(one) for one in furniture.get(gold.article_id, ())
        ):
            yield f"{name}: in the page's furniture"
        day = (published.get(gold.article_id) or "")[:10]
        if question.as_of and day > question.as_of:
            yield f"{name}: published {day}, after the question was asked ({question.as_of})"
    for place, times in Counter((gold.article_id, gold.start, gold.end) for gold in question.gold).items():
        if times > 1:
            yield f"gold span {place[0]} {place[1]}-{place[2]} stands {times} times"


def _set_faults(question: GoldQuestion) -> Iterator[str]:
    sets = question.gold_sets
    if sets is None:
        return
    for number, indexes in enumerate(sets):
        if not indexes:
            yield f"gold set {number} is empty"
        if len(set(indexes)) < len(indexes):
            yield f"gold set {number} names a span twice"
        for index in indexes:
            if not 0 <= index < len(question.gold):
                yield f"gold set {number} names span {index} of {len(question.gold)}"
    if len({frozenset(indexes) for indexes in sets}) < len(sets):
        yield "two gold sets are the same"
    unused = set(range(len(question.gold))) - {index for indexes in sets for index in indexes}
    if unused:
        yield f"no gold set uses span {', '.join(map(str, sorted(unused)))}"


def _answer_faults(question: GoldQuestion) -> Iterator[str]:
    if not question.answerable:
        for name in ("answers", "gold", "gold_sets", "conflict"):
            if getattr(question, name):
                yield f"unanswerable, but has {name}"
        return
    for name in ("answers", "gold"):
        if not getattr(question, name):
            yield f"answerable, but has no {name}"
    if question.conflict is None and not question.notes.startswith(COMPUTED):
        for number, spans in enumerate(question.alternatives()):
            if not any(contains(gold.text, question.answers) for gold in spans):
                yield f"no answer stands in gold set {number}"
    sides = [spelling for value in (question.conflict.values if question.conflict else ()) for spelling in value]
    for wrong in question.wrong_answers:
        for right in (*question.answers, *sides):
            if contains(right, [wrong]):
                yield f"wrong answer {wrong!r} stands in the right answer {right!r}"
        # Who answers in the article's own words must be able to be right.
        if any(contains(gold.text, [wrong]) for gold in question.gold):
            yield f"wrong answer {wrong!r} stands in a gold span"


def _conflict_faults(question: GoldQuestion) -> Iterator[str]:
    if question.conflict is None:
        return
    values = question.conflict.values
    for one, other in combinations(values, 2):
        if {plain_words(words) for words in one} & {plain_words(words) for words in other}:
            yield f"conflict values {one[0]!r} and {other[0]!r} are the same"
    for number, spans in enumerate(question.alternatives()):
        sides = permutations(spans, len(values))
        if not any(all(map(contains, (gold.text for gold in side), values)) for side in sides):
            yield f"the conflict's values do not stand in distinct spans of gold set {number}"


def _spread_faults(question: GoldQuestion) -> Iterator[str]:
    articles = [{gold.article_id for gold in spans} for spans in question.alternatives()]
    if question.category == "several" and any(len(one) < 2 for one in articles):
        yield "in the category several, but one article is enough"
    if question.category == "reprint" and len({frozenset(one) for one in articles}) < 2:
        yield "in the category reprint, but no gold set is in another article"


def _kind_faults(question: GoldQuestion) -> Iterator[str]:
    if question.category == "follow_up" and not question.history:
        yield "a follow-up without history"
    if question.history and question.history[-1].role != "assistant":
        yield "the history does not end with the assistant"
    if question.category == "unanswerable" and question.answerable:
        yield "in the category unanswerable, but answerable"
    if question.category == "conflict" and question.conflict is None:
        yield "in the category conflict, but has no conflict"


def _twins(questions: Sequence[GoldQuestion]) -> Iterator[str]:
    for name, times in Counter(one.id for one in questions).items():
        if times > 1:
            yield f"{name}: {times} questions have this id"
    words = [question_words(one.question) for one in questions]
    for one, other in combinations(range(len(questions)), 2):
        # The same words on another day, or after other words, ask for something else.
        if nearly_same(words[one], words[other]) and _moment(questions[one]) == _moment(questions[other]):
            yield f"{questions[other].id}: nearly the same question as {questions[one].id}"


def question_words(question: str) -> frozenset[str]:
    """Return the words by which questions are told apart."""
    return frozenset(plain_words(question).split())


def nearly_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two questions of these words are one question, asked twice."""
    return len(one & other) >= DUPLICATE_SHARE * len(one | other)


def _moment(question: GoldQuestion) -> tuple[str | None, tuple[GoldTurn, ...]]:
    return question.as_of, question.history


def _count_faults(questions: Sequence[GoldQuestion], minimum: Mapping[str, int] | None) -> Iterator[str]:
    if minimum is None:
        return
    counts = Counter(one.category for one in questions)
    for category in sorted(counts.keys() - minimum.keys()):
        yield f"no such category: {category}"
    for category, wanted in minimum.items():
        found = len(questions) if category == "*" else counts[category]
        if found < wanted:
            yield f"{found} questions{'' if category == '*' else ' in ' + category}, at least {wanted} are needed"
