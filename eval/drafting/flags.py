"""Flags for the reviewer of drafts: trivial, duplicate, or unanswerable but perhaps answered after all. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.dataset.format import GoldQuestion, GoldSpan, nearly_same, question_words
from eval.drafting.format import DraftQuestion
from qa import Article, split_sentences

# A question is trivial when this share of its content words occurs in one gold sentence. Of the 203 questions of our
# own set that have a gold span and no history, 22 reach it: most ask who said some quoted words.
TRIVIAL_SHARE = 0.75
NEAR_SHARE = 0.6  # a sentence with this share of an unanswerable question's content words may answer it after all
NEAR_SHOWN = 3
_MIN_WORDS = 3  # with fewer content words the share says nothing
_FUNCTION_WORDS = frozenset(
    "a an the and or but of in on at to for from by with as than then so if after before during about into over under"
    " is are was were be been being do does did has have had will would can could should may might must not no it its"
    " this that these those he she they his her their them there who whom whose which what when where why how many"
    " much long old often up out down".split()
)


def content_words(question: str) -> frozenset[str]:
    """Return the words of a question that are not function words."""
    return question_words(question) - _FUNCTION_WORDS


def copied_share(question: str, sentence: frozenset[str]) -> float:
    """Return the share of a question's content words that occur in a sentence; 0 if it has too few content words."""
    words = content_words(question)
    return len(words & sentence) / len(words) if len(words) >= _MIN_WORDS else 0.0


@dataclass(frozen=True, slots=True)
class _Sentence:
    day: str
    words: frozenset[str]
    place: GoldSpan


def flag_drafts(
    drafts: Sequence[DraftQuestion], gold: Sequence[GoldQuestion], articles: Sequence[Article]
) -> list[DraftQuestion]:
    """Return the drafts with their flags, in their order."""
    earlier: list[tuple[str, frozenset[str]]] = [(question.id, question_words(question.question)) for question in gold]
    sentences = list(_sentences(articles))
    flagged = []
    for draft in drafts:
        words = question_words(draft.question)
        flags = ["trivial"] if is_trivial(draft) else []
        flags += [
            f"duplicate of {earlier_id}" for earlier_id, earlier_words in earlier if nearly_same(words, earlier_words)
        ]
        earlier.append((draft.id, words))
        near = () if draft.answerable else _near_answers(draft, sentences)
        flags += ["may be answered"] if near else []
        note = draft.draft.model_copy(update={"flags": tuple(flags), "near": near})
        flagged.append(draft.model_copy(update={"draft": note}))
    return flagged


def is_trivial(question: GoldQuestion) -> bool:
    """Tell whether a question mostly repeats the words of one of its gold sentences."""
    return any(copied_share(question.question, question_words(span.text)) >= TRIVIAL_SHARE for span in question.gold)


def _sentences(articles: Sequence[Article]) -> Iterator[_Sentence]:
    for article in articles:
        for span in split_sentences(article.text):
            if not any(span.overlaps(boilerplate) for boilerplate in article.furniture):
                words = span.slice(article.text)
                place = GoldSpan(article_id=article.id, start=span.start, end=span.end, text=words)
                yield _Sentence((article.published_at or "")[:10], question_words(words), place)


def _near_answers(draft: DraftQuestion, sentences: Sequence[_Sentence]) -> tuple[GoldSpan, ...]:
    """Return the sentences with most of the question's words, among those published by the question's day."""
    shares = [
        (copied_share(draft.question, sentence.words), sentence.place)
        for sentence in sentences
        if draft.as_of is None or sentence.day <= draft.as_of
    ]
    close = sorted((pair for pair in shares if pair[0] >= NEAR_SHARE), key=lambda pair: -pair[0])
    return tuple(span for _, span in close[:NEAR_SHOWN])
