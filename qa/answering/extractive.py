"""Extractive answers, without a model: the best sentences, verbatim and attributed, or none. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice

from qa.answering import short_answer
from qa.answering.prompt_injection import is_injected_instruction
from qa.query.analysis import KINDS_WITH_FORM, AnalysedQuestion
from qa.retrieval.near_duplicates import differ_in_name_or_number
from qa.retrieval.sentence_ranker import Features, Ranked
from qa.text import stemming
from qa.types import Evidence, Source, Span

MAX_SENTENCES = 3
TERMS = (
    *("own", "near", "kind", "similar", "loose"),
    *("held", "many", "focus", "uncounted", "unnamed", "other_year", "withheld"),
)
# The age of the article is not among them: it told apart the sets that were fitted on, where every question without an
# answer is asked years later, and would refuse whoever asks an archive (docs/retrieval.md).
TERMS_OF_READER = (*(name for name in TERMS if name != "similar"), "read", "titled", "formless")
# Weights of a sentence's features, for the log odds that it is the answer, with and without an embedder; and the least
# confidence to answer with. `python -m eval.bench.tuning.refusal --fit` makes the weights (docs/retrieval.md).
Weights = Mapping[str, float]
WEIGHTS: Weights = {
    "own": 0.95, "near": 2.60, "kind": 0.31, "similar": 4.99, "loose": -3.93, "held": 1.65, "many": 0.21,
    "focus": 0.22, "uncounted": -1.05, "unnamed": -0.42, "other_year": -1.12, "withheld": -0.38, "constant": -6.23,
}  # fmt: skip
WEIGHTS_BY_WORDS: Weights = {
    "own": 2.97, "near": 1.72, "kind": 0.36, "similar": 0.00, "loose": -3.32, "held": 1.60, "many": 0.93,
    "focus": 0.13, "uncounted": -1.04, "unnamed": -0.41, "other_year": -1.09, "withheld": -0.56, "constant": -4.29,
}  # fmt: skip
WEIGHTS_BY_READER: Weights = {
    "own": 2.10, "near": 1.70, "kind": -0.05, "loose": -2.49, "held": 0.62, "many": 1.09, "focus": 0.15,
    "uncounted": -0.35, "unnamed": 0.35, "other_year": -1.14, "withheld": -0.55, "read": 0.18, "titled": 0.31,
    "formless": -3.50,  # not fitted: the old gate, but for a sentence of which the reader is sure (docs/retrieval.md)
    "constant": -2.62,
}  # fmt: skip
ENOUGH, ENOUGH_BY_WORDS, ENOUGH_BY_READER = 0.47, 0.48, 0.45
# How much less is enough for a follow-up (docs/follow-ups.md), and for a question whose answer must have a length, a
# sum or a day: fewer sentences are considered, so fewer can be wrong.
LESS_FOR_FOLLOW_UP, LESS_WITH_FORM = 0.15, 0.05
CONSIDERED = 12  # sentences that may be the answer
_CLOSE = 0.7  # how far the log odds of a further sentence may be below the best: half its odds (docs/retrieval.md)
_ALIKE = 0.7  # two sentences with a larger share of stems in common say the same
# What the order adds to the odds where sentences are chosen to be cited: of two that fit alike it knows the newer one.
_ORDER_COUNTS = 0.15  # .14 and .2 pass the tests alike, .1 lets an old figure win
_TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Quoted:
    """One statement of an extractive answer."""

    text: str
    cited: tuple[Evidence, ...]
    covers: bool  # the article has every name of the question
    short: Span | None = None  # of the article: the words of the sentence that answer; only of the first statement


def choose(question: AnalysedQuestion, ranked: Ranked) -> list[Quoted]:
    """Return up to three sentences that answer, best first; none when the articles do not say."""
    candidates = _with_odds(question, ranked)
    if not candidates:
        return []
    likeliest = max(candidates, key=lambda sentence: sentence[0])
    if _probability(likeliest[0]) < _least_confidence(question, likeliest[2]):
        return []
    candidates.sort(key=lambda sentence: -sentence[0] - _ORDER_COUNTS * sentence[2].was_read * sentence[2].order())
    chosen: list[Quoted] = []
    chosen_stems: list[tuple[set[str], Evidence]] = []
    for log_odds, evidence, features in candidates:
        if log_odds < candidates[0][0] - _CLOSE or len(chosen) == MAX_SENTENCES:
            break
        stems = set(stemming.stems(evidence.text))
        if any(
            len(stems & other) > _ALIKE * min(len(stems), len(other)) and not _is_other_account(evidence, before)
            for other, before in chosen_stems
        ):
            continue
        chosen_stems.append((stems, evidence))
        short = None if chosen else short_answer.find(question, evidence, features.reading)
        chosen.append(Quoted(with_attribution(evidence), (evidence,), features.named >= 1.0, short))
    return chosen


def _is_other_account(a: Evidence, b: Evidence) -> bool:
    """Tell whether two sentences in nearly the same words are two outlets' accounts that differ in a name or number."""
    return a.source.publisher != b.source.publisher and differ_in_name_or_number(a.text, b.text)


def _least_confidence(question: AnalysedQuestion, features: Features) -> float:
    """Return the least confidence to answer with. A follow-up has few words of its own for a sentence to match."""
    if features.was_read:
        return ENOUGH_BY_READER - LESS_FOR_FOLLOW_UP * bool(question.context_stems)
    enough = ENOUGH if features.compared else ENOUGH_BY_WORDS
    return (
        enough - LESS_FOR_FOLLOW_UP * bool(question.context_stems) - LESS_WITH_FORM * (question.kind in KINDS_WITH_FORM)
    )


def confidence(question: AnalysedQuestion, ranked: Ranked) -> float:
    """Return how likely it is that one of the sentences answers, 0..1.

    It is that of the likeliest sentence. Where an answer must have a form, only sentences with that form count.
    """
    best = max((log_odds for log_odds, _, _ in _with_odds(question, ranked)), default=None)
    return 0.0 if best is None else _probability(best)


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def terms(features: Features) -> dict[str, float]:
    """Return the features that the odds are computed from, by name.

    The chunk's score is not among them: it is relative to what else was found, so it says nothing about the sentence.
    """
    return {name: features.value(name) for name in (TERMS_OF_READER if features.was_read else TERMS)}


def _with_odds(question: AnalysedQuestion, ranked: Ranked) -> list[tuple[float, Evidence, Features]]:
    return [(_log_odds(features), evidence, features) for evidence, features in eligible(question, ranked)]


def _log_odds(features: Features) -> float:
    weights = WEIGHTS_BY_READER if features.was_read else WEIGHTS if features.compared else WEIGHTS_BY_WORDS
    return weights["constant"] + sum(weights[name] * value for name, value in terms(features).items())


def eligible(question: AnalysedQuestion, ranked: Ranked) -> list[tuple[Evidence, Features]]:
    """Return the best sentences, in order, without injected instructions.

    Without a reader, a sentence must have the form of an answer where the question asks for one.
    """
    pairs = zip(ranked.evidence, ranked.features, strict=True)
    fitting = (
        (evidence, features)
        for evidence, features in pairs
        if (question.kind not in KINDS_WITH_FORM or features.kind or features.was_read)
        and not is_injected_instruction(evidence.text)
    )
    return list(islice(fitting, CONSIDERED))


def with_attribution(evidence: Evidence, words: str = "") -> str:
    """Return a sentence verbatim, or the words that hold it, with its outlet and date before it."""
    return f"{attribution(evidence.source)}: {words or evidence.text}"


def attribution(source: Source) -> str:
    """Return the outlet, or the title, and the date, as far as they are known."""
    title = source.title or source.article_id
    short = title if len(title) <= _TITLE_CHARS else title[:_TITLE_CHARS].rsplit(" ", 1)[0] + "…"
    who = source.outlet or f"“{short}”"
    if source.published_at is None:
        return who
    day = date.fromisoformat(source.published_at[:10])
    return f"{who}, {day.day} {day:%B %Y}"
