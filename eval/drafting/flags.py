"""Flag what a reviewer of drafts should look at: what copies, what repeats, what may be answered after all. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.dataset.format import GoldQuestion, GoldSpan, nearly_same, question_words
from eval.drafting.format import DraftQuestion
from qa import Article, split_sentences

# Share of a question's content words that stand in one proving sentence. Of the 203 questions of our own set that have
# a gold span and no history, 22 reach it: most ask who said some quoted words.
TRIVIAL_SHARE = 0.75
NEAR_SHARE = 0.6  # of them in one sentence: it may answer a question that is said to have no answer
NEAR_SHOWN = 3
_LEAST_WORDS = 3  # fewer content words are too few to tell a copy by
_FUNCTION_WORDS = frozenset(
    "a an the and or but of in on at to for from by with as than then so if after before during about into over under"
    " is are was were be been being do does did has have had will would can could should may might must not no it its"
    " this that these those he she they his her their them there who whom whose which what when where why how many"
    " much long old often up out down".split()
)


def content_words(question: str) -> frozenset[str]:
    """Return the words of a question that say what it is about."""
    return question_words(question) - _FUNCTION_WORDS


def copied_share(question: str, sentence: frozenset[str]) -> float:
    """Return the share of a question's content words that stand in a sentence; 0 for one of too few."""
    words = content_words(question)
    return len(words & sentence) / len(words) if len(words) >= _LEAST_WORDS else 0.0


@dataclass(frozen=True, slots=True)
class _Sentence:
    day: str
    words: frozenset[str]
    place: GoldSpan


def flagged(
    drafts: Sequence[DraftQuestion], gold: Sequence[GoldQuestion], articles: Sequence[Article]
) -> list[DraftQuestion]:
    """Return the drafts with their flags, in the order given."""
    earlier: list[tuple[str, frozenset[str]]] = [(one.id, question_words(one.question)) for one in gold]
    sentences = list(_sentences(articles))
    found = []
    for draft in drafts:
        words = question_words(draft.question)
        flags = ["trivial"] if is_trivial(draft) else []
        flags += [f"duplicate of {name}" for name, others in earlier if nearly_same(words, others)]
        earlier.append((draft.id, words))
        near = () if draft.answerable else _near(draft, sentences)
        flags += ["may be answered"] if near else []
        note = draft.draft.model_copy(update={"flags": tuple(flags), "near": near})
        found.append(draft.model_copy(update={"draft": note}))
    return found


def is_trivial(question: GoldQuestion) -> bool:
    """Tell whether a question says little that a sentence proving it does not say in the same words."""
    return any(copied_share(question.question, question_words(one.text)) >= TRIVIAL_SHARE for one in question.gold)


def _sentences(articles: Sequence[Article]) -> Iterator[_Sentence]:
    for article in articles:
        for span in split_sentences(article.text):
            if not any(span.overlaps(one) for one in article.furniture):
                words = span.slice(article.text)
                place = GoldSpan(article_id=article.id, start=span.start, end=span.end, text=words)
                yield _Sentence((article.published_at or "")[:10], question_words(words), place)


def _near(draft: DraftQuestion, sentences: Sequence[_Sentence]) -> tuple[GoldSpan, ...]:
    """Return the sentences, published by the day of the question, that hold most of its words."""
    shares = [
        (copied_share(draft.question, one.words), one.place)
        for one in sentences
        if draft.as_of is None or one.day <= draft.as_of
    ]
    close = sorted((one for one in shares if one[0] >= NEAR_SHARE), key=lambda one: -one[0])
    return tuple(span for _, span in close[:NEAR_SHOWN])
