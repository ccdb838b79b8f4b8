"""The gold question format (JSON Lines): its models, its loader, and the checks of gold spans against their articles.

eval/gold/README.md describes the fields and how the project's own set was made. The checks are pure.
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

# The least number of questions per category in the project's own set; "*" counts all of them.
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
COMPUTED = "computed"  # `notes` begin with it when the answer is derived from the gold spans and is not quoted in any
# Two questions that share at least this much of their words are duplicates. In the project's own set the closest
# deliberate pair, a question and its near miss, shares .55.
DUPLICATE_SHARE = 0.7


def _iso_day(value: str) -> str:
    if date.fromisoformat(value).isoformat() != value:
        raise ValueError("write the day as YYYY-MM-DD")
    return value


def _spellings(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Words = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Day = Annotated[str, AfterValidator(_iso_day)]
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
    """What the sources disagree about; `values` has one entry for each side, with all accepted spellings."""

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
    nuggets: tuple[Value, ...] = ()  # facts that a long answer should state, each with its accepted spellings
    notes: str = ""

    def alternatives(self) -> list[list[GoldSpan]]:
        """Return the sets of spans, each of which proves the answer. Raises IndexError if `gold_sets` is wrong."""
        if self.gold_sets is None:
            return [list(self.gold)] if self.gold else []
        return [[self.gold[index] for index in indexes] for indexes in self.gold_sets]


Q = TypeVar("Q", bound=GoldQuestion)
R = TypeVar("R", bound=BaseModel)


def gold_files(gold: Path) -> list[Path]:
    """Return the files of a gold set: the file itself, or the .jsonl files of a folder sorted by name."""
    return sorted(gold.glob("*.jsonl")) if gold.is_dir() else [gold]


def load(path: Path) -> list[GoldQuestion]:
    """Read a gold set. Raises QaError listing all bad lines."""
    return load_as(GoldQuestion, path)


def load_as(kind: type[Q], path: Path) -> list[Q]:
    """Read a gold set as rows of a subclass of GoldQuestion. Raises QaError listing all bad lines."""
    questions: list[Q] = []
    faults: list[str] = []
    for file in gold_files(path):
        rows, found = read_rows(kind, file)
        questions += rows
        faults += found
    if not questions and not faults:
        faults.append(f"{path}: no gold questions")
    if faults:
        raise QaError("\n".join(faults))
    return questions


def read_rows(kind: type[R], file: Path) -> tuple[list[R], list[str]]:
    """Read JSON lines as rows of a model; return them, and the fault of each line that is none, with its place."""
    try:
        lines = (
            file.read_bytes().decode("utf-8-sig").split("\n")
        )  # splitlines would also cut at U+2028, inside a string
    except (OSError, UnicodeDecodeError) as exc:
        return [], [f"{file}: {exc}"]
    rows: list[R] = []
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(kind.model_validate_json(line))
        except ValidationError as exc:
            faults += [f"{file}:{number}: {_field_prefix(error['loc'])}{error['msg']}" for error in exc.errors()]
    return rows, faults


def _field_prefix(location: Sequence[int | str]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def check_articles(
    questions: Sequence[GoldQuestion], articles: Iterable[Article], minimum: Mapping[str, int] | None = None
) -> list[str]:
    """Return every fault of the questions, checked against the articles that `read` gave."""
    by_id = {article.id: article for article in articles}
    return check(
        questions,
        {article_id: article.text for article_id, article in by_id.items()},
        furniture={article_id: article.furniture for article_id, article in by_id.items()},
        published={article_id: article.published_at for article_id, article in by_id.items()},
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
    """Return every fault of the questions, each prefixed with the question's id; an empty list means a good set.

    `minimum` is the least number of questions per category ("*": in total); when it is given, a category that it does
    not list is a fault.
    """
    faults: list[str] = []
    for question in questions:
        own = [*_span_faults(question, texts, furniture or {}, published or {}), *_set_faults(question)]
        if not own:  # the next checks read the spans and would report the same faults in other words
            own += [*_answer_faults(question), *_conflict_faults(question), *_article_count_faults(question)]
        faults += [f"{question.id}: {fault}" for fault in [*own, *_category_faults(question)]]
    return [*faults, *_duplicate_faults(questions), *_count_faults(questions, minimum)]


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
            Span(gold.start, gold.end).overlaps(boilerplate) for boilerplate in furniture.get(gold.article_id, ())
        ):
            yield f"{name}: in the page's furniture"
        day = (published.get(gold.article_id) or "")[:10]
        if question.as_of and day > question.as_of:
            yield f"{name}: published {day}, after the question was asked ({question.as_of})"
    for place, count in Counter((gold.article_id, gold.start, gold.end) for gold in question.gold).items():
        if count > 1:
            yield f"gold span {place[0]} {place[1]}-{place[2]} stands {count} times"


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
        # An answer in the article's own words must be able to score as right.
        if any(contains(gold.text, [wrong]) for gold in question.gold):
            yield f"wrong answer {wrong!r} stands in a gold span"


def _conflict_faults(question: GoldQuestion) -> Iterator[str]:
    if question.conflict is None:
        return
    values = question.conflict.values
    for value, other_value in combinations(values, 2):
        if {plain_words(words) for words in value} & {plain_words(words) for words in other_value}:
            yield f"conflict values {value[0]!r} and {other_value[0]!r} are the same"
    for number, spans in enumerate(question.alternatives()):
        sides = permutations(spans, len(values))
        if not any(all(map(contains, (gold.text for gold in side), values)) for side in sides):
            yield f"the conflict's values do not stand in distinct spans of gold set {number}"


def _article_count_faults(question: GoldQuestion) -> Iterator[str]:
    id_sets = [{gold.article_id for gold in spans} for spans in question.alternatives()]
    if question.category == "several" and any(len(ids) < 2 for ids in id_sets):
        yield "in the category several, but one article is enough"
    if question.category == "reprint" and len({frozenset(ids) for ids in id_sets}) < 2:
        yield "in the category reprint, but no gold set is in another article"


def _category_faults(question: GoldQuestion) -> Iterator[str]:
    if question.category == "follow_up" and not question.history:
        yield "a follow-up without history"
    if question.history and question.history[-1].role != "assistant":
        yield "the history does not end with the assistant"
    if question.category == "unanswerable" and question.answerable:
        yield "in the category unanswerable, but answerable"
    if question.category == "conflict" and question.conflict is None:
        yield "in the category conflict, but has no conflict"


def _duplicate_faults(questions: Sequence[GoldQuestion]) -> Iterator[str]:
    for question_id, count in Counter(question.id for question in questions).items():
        if count > 1:
            yield f"{question_id}: {count} questions have this id"
    words = [question_words(question.question) for question in questions]
    for first, second in combinations(range(len(questions)), 2):
        # The same words asked on another day, or after another history, are another question.
        if nearly_same(words[first], words[second]) and _context(questions[first]) == _context(questions[second]):
            yield f"{questions[second].id}: nearly the same question as {questions[first].id}"


def question_words(question: str) -> frozenset[str]:
    """Return the set of words by which duplicate questions are found."""
    return frozenset(plain_words(question).split())


def nearly_same(first: frozenset[str], second: frozenset[str]) -> bool:
    """Tell whether two questions with these words are near-duplicates."""
    return len(first & second) >= DUPLICATE_SHARE * len(first | second)


def _context(question: GoldQuestion) -> tuple[str | None, tuple[GoldTurn, ...]]:
    return question.as_of, question.history


def _count_faults(questions: Sequence[GoldQuestion], minimum: Mapping[str, int] | None) -> Iterator[str]:
    if minimum is None:
        return
    counts = Counter(question.category for question in questions)
    for category in sorted(counts.keys() - minimum.keys()):
        yield f"no such category: {category}"
    for category, needed in minimum.items():
        count = len(questions) if category == "*" else counts[category]
        if count < needed:
            yield f"{count} questions{'' if category == '*' else ' in ' + category}, at least {needed} are needed"
