"""Rank the sentences of the retrieved chunks by how well each answers the question."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from typing import Any

from qa.errors import EmbeddingFailed, JudgeFailed
from qa.indexes.protocols import WordIndex
from qa.query.analysis import KINDS_WITH_FORM, AnalysedQuestion
from qa.retrieval.sentence_agreement import ComparedSentence, cosine_with_neighbours, measure_agreement
from qa.retrieval.sentence_features import (
    NO_SURFACE_FEATURES,
    SYNONYM,
    SurfaceFeatures,
    answers_kind,
    is_loose,
    read_offer,
    read_surface_features,
)
from qa.text import stemming
from qa.types import Embedder, Evidence, Hit, Passage, Reader, Reading, Span, Vectors

# Weights of the match score of a sentence, which also chooses the sentences to examine closely. The mean of the best
# thirty of 1,500 random draws, by five-fold cross-validation on RealTimeQA 2022.
MATCH = {"own": 1.0, "near": 0.25, "around": 0.2, "kind": 0.7, "hit": 0.9, "similar": 0.8, "loose": -0.6}
# Weights that order those sentences, as log odds that one answers rather than another: with an embedder, with words
# alone, and where the reader has read them, which is then the closer look in place of cosines.
# `python -m eval.bench.tuning.sentence_order --fit` makes the weights (docs/retrieval.md).
ORDER: Mapping[str, float] = {
    "near": 3.61, "named": 1.70, "kind": 1.22, "hit": 3.14, "similar": 4.15, "beside": 2.71, "loose": -2.09,
    "held": 1.50, "focus": 0.46, "uncounted": -1.54, "unnamed": -0.36, "plain": 2.95, "names_one": 1.38,
    "headline": 0.85, "agreed": 3.17,
}  # fmt: skip
ORDER_BY_WORDS: Mapping[str, float] = {
    "near": 2.35, "named": 2.61, "kind": 1.21, "hit": 4.05, "loose": -1.47, "held": 3.20, "focus": 0.45,
    "uncounted": -1.33, "unnamed": -0.30, "plain": 4.56, "names_one": 1.03, "headline": 1.02, "agreed": 3.70,
}  # fmt: skip
ORDER_BY_READER: Mapping[str, float] = {
    "near": 1.78, "named": 2.24, "kind": -0.79, "hit": 2.52, "loose": -1.14, "held": 2.79, "focus": 0.31,
    "uncounted": -0.26, "unnamed": -0.04, "plain": 2.59, "names_one": 1.03, "headline": 0.80, "agreed": 3.26,
    "read": 0.80, "age": -2.51, "formless": -0.74,
}  # fmt: skip
UNSEEN = 0.5  # the weight of a word that no article has, as a share of the mean weight of those that some article has
CONTEXT = 0.25  # the weight of a word that a follow-up takes from the conversation (docs/follow-ups.md)
CLOSER = 24  # sentences that are examined closely, by match score
TITLED = 3  # sentences that are read again with their titles, for the odds: 6 and 12 were no better (docs/retrieval.md)
EMBEDDED = 16  # of those, sentences to embed, the most expensive step: 24 were no better (docs/retrieval.md)
_SURFACE_FEATURES = frozenset(field.name for field in fields(SurfaceFeatures))
_CACHED_VECTORS = 4_096  # of sentences, 6 MB


@dataclass(frozen=True, slots=True)
class Features:
    """Evidence that a sentence is the answer, each 0..1 but for the log odds of the reader."""

    own: float  # the question's words in the sentence, weighted by IDF
    near: float  # the same in the sentence's chunk and title
    names: float  # the share of the question's names that occur there
    around: float  # as `near`, in the whole article
    named: float  # as `names`, in the whole article
    kind: float  # it has the kind of thing that the question asks for
    hit: float  # the score of its chunk, as a share of the best
    similar: float  # cosine with the question; 0 without an embedder
    loose: float  # it is not a statement but a headline, a caption or a question
    compared: bool = False  # `similar` was measured
    surface: SurfaceFeatures = NO_SURFACE_FEATURES  # this and all below: only of the sentences examined closely
    plain: float = 0.0  # as `own`, of the words that are not names
    beside: float = 0.0  # cosine with the sentence and its neighbours together
    names_one: float = 0.0  # as in Offer, also the next
    headline: float = 0.0
    agreed: float = 0.0  # how many other articles give the same names or numbers
    reading: Reading | None = None  # what the reader makes of the sentence alone
    read: float = 0.0  # its log odds that the sentence answers
    titled: float = 0.0  # the same with the article's title
    age: float = 0.0  # of the article on the day of the question, 0 new to 1 ten years old; undated .5
    formless: float = 0.0  # an answer must have a form, and the sentence has nothing of that form

    def score(self) -> float:
        """Return how well the sentence matches the question."""
        return float(sum(weight * getattr(self, name) for name, weight in MATCH.items()))

    def order(self) -> float:
        """Return the value by which the best sentences are ordered."""
        weights = ORDER_BY_READER if self.was_read else ORDER if self.compared else ORDER_BY_WORDS
        return sum(weight * self.value(name) for name, weight in weights.items())

    @property
    def was_read(self) -> bool:
        """Tell whether the reader has read the sentence."""
        return self.reading is not None

    def value(self, name: str) -> float:
        """Return a feature, also a surface feature, by its name."""
        return float(getattr(self.surface if name in _SURFACE_FEATURES else self, name))


@dataclass(frozen=True, slots=True)
class Ranked:
    """Sentences in order of how well they answer, with their features."""

    evidence: tuple[Evidence, ...]
    features: tuple[Features, ...]
    degraded: tuple[str, ...] = ()  # parts that failed over it


@dataclass(frozen=True, slots=True)
class _RankedSentence:
    evidence: Evidence
    features: Features
    own: Set[str]  # the stems of the sentence
    near: Set[str]  # of its chunk and title
    title: Set[str]


def _with(sentence: _RankedSentence, **changed: Any) -> _RankedSentence:
    return replace(sentence, features=replace(sentence.features, **changed))


_OLDEST = math.log1p(3_650)


def _age(published_at: str | None, today: date | None) -> float:
    if published_at is None or today is None:
        return 0.5
    days = (today - date.fromisoformat(published_at[:10])).days
    return min(1.0, math.log1p(max(0, days)) / _OLDEST)


def _scored(sentence: _RankedSentence) -> Evidence:
    evidence = sentence.evidence  # `replace` takes five times as long, and there are hundreds of sentences
    return Evidence(
        evidence.source, evidence.span, evidence.text, sentence.features.score(), evidence.context, evidence.reprints
    )


class EvidenceRanker:
    """Rank the sentences of hits. Safe to share between threads."""

    def __init__(self, lexical: WordIndex, embedder: Embedder | None, reader: Reader | None = None) -> None:
        self._lexical = lexical
        self._embedder = embedder
        self._reader = reader
        # Each question about a story retrieves the same sentences.
        self._vectors: dict[str, Vectors] = {}
        self._lock = threading.Lock()

    def rank(
        self,
        question: AnalysedQuestion,
        hits: Sequence[Hit],
        texts: Mapping[tuple[str, int], str],
        today: date | None = None,
    ) -> Ranked:
        """Return every distinct sentence of the hits, best first.

        `texts` are the hits' articles by (id, version); a hit without a text has been taken down since the search.
        `today` is the day of the question.
        """
        hits = [hit for hit in hits if (hit.source.article_id, hit.source.version) in texts]
        if not hits:
            return Ranked((), ())
        idf = _stem_weights(question, self._lexical.idf(question.stems), self._lexical.known(question.stems))
        context_idf = self._lexical.idf(question.context_stems)
        topic = idf | {stem: CONTEXT * weight for stem, weight in context_idf.items()}
        scorer = _QuestionScorer(question, _WeightedStems(question, idf), _WeightedStems(question, topic))
        best = max(hit.score for hit in hits) or 1.0
        article_stems = {key: _article_stems(article_text) for key, article_text in texts.items()}
        sentences: dict[str, _RankedSentence] = {}
        for hit in hits:
            context = scorer.read_hit(hit, article_stems[hit.source.article_id, hit.source.version], hit.score / best)
            for evidence in _evidence_of(hit):
                sentence = _read_sentence(evidence.text)
                first = sentences.get(sentence.folded)
                if first is None:
                    sentences[sentence.folded] = _RankedSentence(
                        evidence,
                        scorer.features(evidence, sentence, context),
                        sentence.stems,
                        context.near,
                        context.title,
                    )
                elif first.evidence.source.article_id != evidence.source.article_id:
                    reprints = {source.article_id: source for source in (*first.evidence.reprints, evidence.source)}
                    sentences[sentence.folded] = replace(
                        first, evidence=replace(first.evidence, reprints=tuple(reprints.values()))
                    )
        ranked = sorted(sentences.values(), key=lambda sentence: -sentence.features.score())
        ranked = self._reorder(question, idf, ranked[:CLOSER], today) + ranked[CLOSER:]
        features = tuple(sentence.features for sentence in ranked)
        unread = self._reader is not None and not any(found.was_read for found in features[:CLOSER])
        return Ranked(tuple(map(_scored, ranked)), features, ("reader",) if unread else ())

    def _reorder(
        self,
        question: AnalysedQuestion,
        idf: Mapping[str, float],
        sentences: Sequence[_RankedSentence],
        today: date | None,
    ) -> list[_RankedSentence]:
        """Return the best sentences in order of how well they answer."""
        with_agreement = _with_agreement(question, idf, sentences)
        read = self._with_reading(question, with_agreement, today)
        compared = self._with_similarity(question, read[:EMBEDDED])
        rest = read[EMBEDDED:]
        if not any(sentence.features.compared for sentence in compared):  # without vectors all cost the same
            compared, rest = read, []
        ordered = sorted(compared, key=lambda sentence: -sentence.features.order()) + rest
        return self._with_titled_reading(question, ordered)

    def _with_reading(
        self, question: AnalysedQuestion, sentences: list[_RankedSentence], today: date | None
    ) -> list[_RankedSentence]:
        if self._reader is None or not sentences:
            return sentences
        try:
            readings = self._reader.read(
                question.in_context, [Passage(sentence.evidence.text) for sentence in sentences]
            )
        except JudgeFailed:
            return sentences
        return [
            _with(
                sentence,
                reading=reading,
                read=reading.logit,
                titled=reading.logit,
                age=_age(sentence.evidence.source.published_at, today),
            )
            for sentence, reading in zip(sentences, readings, strict=True)
        ]

    def _with_titled_reading(
        self, question: AnalysedQuestion, sentences: list[_RankedSentence]
    ) -> list[_RankedSentence]:
        first = [sentence for sentence in sentences[:TITLED] if sentence.features.reading is not None]
        if self._reader is None or not first:
            return sentences
        passages = [Passage(sentence.evidence.text, sentence.evidence.source.title or "") for sentence in first]
        try:
            readings = self._reader.read(question.in_context, passages)
        except JudgeFailed:
            return sentences
        titled = [_with(sentence, titled=reading.logit) for sentence, reading in zip(first, readings, strict=True)]
        return titled + sentences[len(first) :]

    def _with_similarity(self, question: AnalysedQuestion, sentences: list[_RankedSentence]) -> list[_RankedSentence]:
        if self._embedder is None or not sentences:
            return sentences
        try:
            question_vector = self._embedder.embed_query(question.in_context)
            vectors = self._embed([sentence.evidence.text for sentence in sentences])
        except EmbeddingFailed:  # the retriever has reported it in `degraded` already
            return sentences
        with_neighbours = cosine_with_neighbours(
            question_vector, [sentence.evidence for sentence in sentences], vectors
        )
        cosines = [max(0.0, float(question_vector @ vector)) for vector in vectors]
        return [
            _with(sentence, similar=cosine, beside=mixed, compared=True)
            for sentence, cosine, mixed in zip(sentences, cosines, with_neighbours, strict=True)
        ]

    def _embed(self, sentences: Sequence[str]) -> list[Vectors]:
        assert self._embedder is not None
        with self._lock:
            vectors = {sentence: self._vectors[sentence] for sentence in sentences if sentence in self._vectors}
        missing = [sentence for sentence in dict.fromkeys(sentences) if sentence not in vectors]
        vectors |= dict(zip(missing, self._embedder.embed_texts(missing), strict=True))
        with self._lock:
            self._vectors |= {sentence: vectors[sentence] for sentence in missing}
            for oldest in list(self._vectors)[: max(0, len(self._vectors) - _CACHED_VECTORS)]:
                del self._vectors[oldest]
        return [vectors[sentence] for sentence in sentences]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What is read from a sentence independently of the question."""

    stems: frozenset[str]
    folded: str
    loose: float


# Each question about a story retrieves the same articles, and reading them is a third of the work.
@lru_cache(maxsize=4_096)  # 1.6 KB each
def _read_sentence(sentence: str) -> _Sentence:
    return _Sentence(frozenset(stemming.stem_set(sentence)), stemming.fold(sentence), float(is_loose(sentence)))


@lru_cache(maxsize=256)  # 40 KB each
def _article_stems(words: str) -> frozenset[str]:
    return frozenset(stemming.stem_set(words))


def _stem_weights(question: AnalysedQuestion, idf: dict[str, float], known: set[str]) -> dict[str, float]:
    """Return the weight of each stem of the question.

    An ordinary word that no article has means little: in a small store most words of a question may be such words. A
    name or a number that no article has means that the question is about something else.
    """
    present = [weight for stem, weight in idf.items() if stem in known]
    usual = sum(present) / len(present) if present else 1.0
    return {
        stem: weight if stem in known or stem in question.names or stem.isdigit() else min(weight, UNSEEN * usual)
        for stem, weight in idf.items()
    }


def _evidence_of(hit: Hit) -> Iterator[Evidence]:
    for position, span in enumerate(hit.sentences):
        around = hit.sentences[max(0, position - 1) : position + 2]
        context = _cut(hit, Span(around[0].start, around[-1].end))
        yield Evidence(hit.source, span, _cut(hit, span), 0.0, context, hit.reprints)


def _cut(hit: Hit, span: Span) -> str:
    return hit.text[span.start - hit.span.start : span.end - hit.span.start]


class _WeightedStems:
    """The stems of a question with their weights."""

    def __init__(self, question: AnalysedQuestion, weights: Mapping[str, float]) -> None:
        self._weighed = [(stem, weight, question.related.get(stem, frozenset())) for stem, weight in weights.items()]
        self._sum = sum(weights.values()) or 1.0

    def covered(self, stems: Set[str]) -> float:
        """Return the share of the question's weight that is among the stems; a synonym counts in part."""
        covered = 0.0
        for stem, weight, related in self._weighed:
            if stem in stems:
                covered += weight
            elif not related.isdisjoint(stems):
                covered += weight * SYNONYM
        return covered / self._sum


@dataclass(frozen=True, slots=True)
class _HitContext:
    """What the sentences of one hit have in common."""

    near: Set[str]
    title: Set[str]
    covered: float
    names: float
    around: float
    named: float
    hit: float


@dataclass(frozen=True, slots=True)
class _QuestionScorer:
    """The words of one question with their weights, to score hits and sentences with."""

    question: AnalysedQuestion
    own: _WeightedStems
    topic: _WeightedStems  # with the words that a follow-up takes from the conversation

    def read_hit(self, hit: Hit, article: Set[str], score: float) -> _HitContext:
        """Return what the sentences of a hit have in common; `article` are the stems of the whole article."""
        title = _read_sentence(hit.source.title or "").stems
        near = title.union(*(_read_sentence(_cut(hit, span)).stems for span in hit.sentences))
        around = title | article
        return _HitContext(
            near,
            title,
            self.topic.covered(near),
            self._named(near),
            self.topic.covered(around),
            self._named(around),
            score,
        )

    def features(self, evidence: Evidence, sentence: _Sentence, context: _HitContext) -> Features:
        """Return the features of a sentence of the hit."""
        fits = answers_kind(self.question, evidence.text)
        return Features(
            own=self.own.covered(sentence.stems),
            near=context.covered,
            names=context.names,
            around=context.around,
            named=context.named,
            kind=float(fits),
            formless=float(self.question.kind in KINDS_WITH_FORM and not fits),
            hit=context.hit,
            similar=0.0,
            loose=sentence.loose,
        )

    def _named(self, stems: Set[str]) -> float:
        names = self.question.names
        return sum(name in stems for name in names) / len(names) if names else 1.0


def _with_agreement(
    question: AnalysedQuestion, idf: Mapping[str, float], sentences: Sequence[_RankedSentence]
) -> list[_RankedSentence]:
    """Return the sentences with their surface features and their agreement with each other."""
    offers = [read_offer(question, sentence.evidence.text, sentence.own, sentence.title) for sentence in sentences]
    compared = [
        ComparedSentence(sentence.evidence.source.article_id, sentence.own, offer.answers, sentence.features.own)
        for sentence, offer in zip(sentences, offers, strict=True)
    ]
    ordinary = _WeightedStems(question, {stem: weight for stem, weight in idf.items() if stem not in question.names})
    return [
        _with(
            sentence,
            surface=_surface_features(question, sentence),
            plain=ordinary.covered(sentence.own),
            names_one=offer.names_one,
            headline=offer.headline,
            agreed=agreement,
        )
        for sentence, offer, agreement in zip(sentences, offers, measure_agreement(compared), strict=True)
    ]


def _surface_features(question: AnalysedQuestion, sentence: _RankedSentence) -> SurfaceFeatures:
    source = sentence.evidence.source
    around = stemming.stem_set(f"{sentence.evidence.context} {source.title or ''}")
    return read_surface_features(question, sentence.evidence.text, around, sentence.near, source.published_at)
