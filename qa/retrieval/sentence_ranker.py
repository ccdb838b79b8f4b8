"""Rank the sentences of the retrieved chunks by how well each answers the question."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from qa.errors import EmbeddingFailed
from qa.indexes.protocols import WordIndex
from qa.query.analysis import Asked
from qa.retrieval.sentence_agreement import Said, agreed, cosine_with_neighbours
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
from qa.types import Embedder, Evidence, Hit, Span, Vectors

# How well a sentence matches the question. Of 1,500 random draws the mean of the best thirty by five-fold
# cross-validation on RealTimeQA 2022: it chooses the sentences to examine closely, and is the score of a sentence.
MATCH = {"own": 1.0, "near": 0.25, "around": 0.2, "kind": 0.7, "hit": 0.9, "similar": 0.8, "loose": -0.6}
# Of those the order, as the log of the odds that a sentence answers rather than another, with an embedder and without.
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
UNSEEN = 0.5  # what a word that no article uses counts, of the mean of those that some article uses
CONTEXT = 0.25  # what a word counts that a follow-up takes from the conversation (docs/follow-ups.md)
CLOSER = 24  # sentences that are examined closely, best by words first
EMBEDDED = 16  # of those, whose vectors are compared, the most expensive step: 24 were no better (docs/retrieval.md)
_SURFACE_FEATURES = frozenset(field.name for field in fields(SurfaceFeatures))
_KEPT = 4_096  # sentence vectors in memory, 6 MB


@dataclass(frozen=True, slots=True)
class Features:
    """Evidence that a sentence is the answer, each 0..1."""

    own: float  # the question's words in the sentence, by their rarity
    near: float  # the same in the sentence, its chunk and its title together
    names: float  # the share of the question's names that occur there
    around: float  # as `near`, in the whole article
    named: float  # as `names`, in the whole article
    kind: float  # it holds the kind of thing that is asked for
    hit: float  # the score of its chunk, against the best
    similar: float  # cosine with the question; 0 without an embedder
    loose: float  # it is a headline, a caption or a question, no statement
    compared: bool = False  # `similar` was measured
    surface: SurfaceFeatures = NO_SURFACE_FEATURES  # as all below, of the best sentences only
    plain: float = 0.0  # as `own`, of the words that are no names
    beside: float = 0.0  # cosine with the sentence and its neighbours together
    names_one: float = 0.0  # as of Offer
    headline: float = 0.0
    agreed: float = 0.0  # how much other articles give the same names, or numbers

    def score(self) -> float:
        """Return how well the sentence matches the question."""
        return float(sum(weight * getattr(self, name) for name, weight in MATCH.items()))

    def order(self) -> float:
        """Return the value by which the best sentences are ordered."""
        weights = ORDER if self.compared else ORDER_BY_WORDS
        return sum(weight * self.value(name) for name, weight in weights.items())

    def value(self, name: str) -> float:
        """Return a feature, also a surface feature, by its name."""
        return float(getattr(self.surface if name in _SURFACE_FEATURES else self, name))


@dataclass(frozen=True, slots=True)
class Ranked:
    """Sentences in order of how well they answer, with their features."""

    evidence: tuple[Evidence, ...]
    features: tuple[Features, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    evidence: Evidence
    features: Features
    own: Set[str]  # the stems of the sentence
    near: Set[str]  # of its chunk and title
    title: Set[str]


def _scored(found: _Found) -> Evidence:
    kept = found.evidence  # `replace` takes five times as long, and there are hundreds of sentences
    return Evidence(kept.source, kept.span, kept.text, found.features.score(), kept.context, kept.reprints)


class EvidenceRanker:
    """Rank the sentences of hits. Safe to share between threads."""

    def __init__(self, lexical: WordIndex, embedder: Embedder | None) -> None:
        self._lexical = lexical
        self._embedder = embedder
        # The sentences of one story are retrieved again with each question about it.
        self._vectors: dict[str, Vectors] = {}
        self._lock = threading.Lock()

    def rank(self, asked: Asked, hits: Sequence[Hit], texts: Mapping[tuple[str, int], str]) -> Ranked:
        """Return every distinct sentence of the hits, best first.

        `texts` are the hits' articles by (id, version); a hit without its text was taken down meanwhile.
        """
        hits = [hit for hit in hits if (hit.source.article_id, hit.source.version) in texts]
        if not hits:
            return Ranked((), ())
        rarity = _weights(asked, self._lexical.idf(asked.stems), self._lexical.known(asked.stems))
        context_rarity = self._lexical.idf(asked.context_stems)
        topic = rarity | {stem: CONTEXT * weight for stem, weight in context_rarity.items()}
        weighing = _Weighing(asked, _Words(asked, rarity), _Words(asked, topic))
        best = max(hit.score for hit in hits) or 1.0
        article_stems = {key: _article_stems(article_text) for key, article_text in texts.items()}
        found: dict[str, _Found] = {}
        for hit in hits:
            place = weighing.place(hit, article_stems[hit.source.article_id, hit.source.version], hit.score / best)
            for evidence in _sentences(hit):
                read = _read(evidence.text)
                first = found.get(read.folded)
                if first is None:
                    found[read.folded] = _Found(
                        evidence, weighing.features(evidence, read, place), read.stems, place.near, place.title
                    )
                elif first.evidence.source.article_id != evidence.source.article_id:
                    reprints = {source.article_id: source for source in (*first.evidence.reprints, evidence.source)}
                    found[read.folded] = replace(
                        first, evidence=replace(first.evidence, reprints=tuple(reprints.values()))
                    )
        ranked = sorted(found.values(), key=lambda sentence: -sentence.features.score())
        ranked = self._reordered(asked, rarity, ranked[:CLOSER]) + ranked[CLOSER:]
        return Ranked(tuple(map(_scored, ranked)), tuple(sentence.features for sentence in ranked))

    def _reordered(self, asked: Asked, rarity: Mapping[str, float], found: Sequence[_Found]) -> list[_Found]:
        """Return the best sentences in order of how well they answer."""
        read = _with_agreement(asked, rarity, found)
        compared = self._with_similarity(asked, read[:EMBEDDED])
        rest = read[EMBEDDED:]
        if not any(sentence.features.compared for sentence in compared):  # without vectors all cost the same
            compared, rest = read, []
        return sorted(compared, key=lambda sentence: -sentence.features.order()) + rest

    def _with_similarity(self, asked: Asked, found: list[_Found]) -> list[_Found]:
        if self._embedder is None or not found:
            return found
        try:
            question = self._embedder.embed_query(asked.in_context)
            vectors = self._embed([sentence.evidence.text for sentence in found])
        except EmbeddingFailed:  # the retriever has reported it in `degraded` already
            return found
        with_neighbours = cosine_with_neighbours(question, [sentence.evidence for sentence in found], vectors)
        cosines = [max(0.0, float(question @ vector)) for vector in vectors]
        return [
            replace(sentence, features=replace(sentence.features, similar=cosine, beside=mixed, compared=True))
            for sentence, cosine, mixed in zip(found, cosines, with_neighbours, strict=True)
        ]

    def _embed(self, sentences: Sequence[str]) -> list[Vectors]:
        assert self._embedder is not None
        with self._lock:
            known = {sentence: self._vectors[sentence] for sentence in sentences if sentence in self._vectors}
        missing = [sentence for sentence in dict.fromkeys(sentences) if sentence not in known]
        known |= dict(zip(missing, self._embedder.embed_texts(missing), strict=True))
        with self._lock:
            self._vectors |= {sentence: known[sentence] for sentence in missing}
            for oldest in list(self._vectors)[: max(0, len(self._vectors) - _KEPT)]:
                del self._vectors[oldest]
        return [known[sentence] for sentence in sentences]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What does not depend on the question."""

    stems: frozenset[str]
    folded: str
    loose: float


# The articles of a story are retrieved again with each question about it, and reading them is a third of the work.
@lru_cache(maxsize=4_096)  # 1.6 KB each
def _read(sentence: str) -> _Sentence:
    return _Sentence(frozenset(stemming.stem_set(sentence)), stemming.fold(sentence), float(is_loose(sentence)))


@lru_cache(maxsize=256)  # 40 KB each
def _article_stems(words: str) -> frozenset[str]:
    return frozenset(stemming.stem_set(words))


def _weights(asked: Asked, rarity: dict[str, float], seen: set[str]) -> dict[str, float]:
    """Return the weight of each stem of the question.

    An ordinary word that no article uses means little: in a small store most of the words that a question can be put
    in are such words. A name or a number that no article has means that the question is about something else.
    """
    present = [weight for stem, weight in rarity.items() if stem in seen]
    usual = sum(present) / len(present) if present else 1.0
    return {
        stem: weight if stem in seen or stem in asked.names or stem.isdigit() else min(weight, UNSEEN * usual)
        for stem, weight in rarity.items()
    }


def _sentences(hit: Hit) -> Iterator[Evidence]:
    for place, span in enumerate(hit.sentences):
        around = hit.sentences[max(0, place - 1) : place + 2]
        context = _cut(hit, Span(around[0].start, around[-1].end))
        yield Evidence(hit.source, span, _cut(hit, span), 0.0, context, hit.reprints)


def _cut(hit: Hit, span: Span) -> str:
    return hit.text[span.start - hit.span.start : span.end - hit.span.start]


class _Words:
    """The stems of a question by their weight."""

    def __init__(self, asked: Asked, weights: Mapping[str, float]) -> None:
        self._weighed = [(stem, weight, asked.related.get(stem, frozenset())) for stem, weight in weights.items()]
        self._sum = sum(weights.values()) or 1.0

    def covered(self, stems: Set[str]) -> float:
        """Return the share of the question's weight that the stems hold; a synonym counts in part."""
        covered = 0.0
        for stem, weight, related in self._weighed:
            if stem in stems:
                covered += weight
            elif not related.isdisjoint(stems):
                covered += weight * SYNONYM
        return covered / self._sum


@dataclass(frozen=True, slots=True)
class _Place:
    """What the sentences of one hit have in common."""

    near: Set[str]
    title: Set[str]
    covered: float
    names: float
    around: float
    named: float
    hit: float


@dataclass(frozen=True, slots=True)
class _Weighing:
    """The words of one question with their weights, to score hits and sentences with."""

    asked: Asked
    own: _Words
    topic: _Words  # with the words that a follow-up takes from before

    def place(self, hit: Hit, article: Set[str], score: float) -> _Place:
        """Read a hit; `article` are the stems of the whole article."""
        title = _read(hit.source.title or "").stems
        near = title.union(*(_read(_cut(hit, span)).stems for span in hit.sentences))
        around = title | article
        return _Place(
            near,
            title,
            self.topic.covered(near),
            self._named(near),
            self.topic.covered(around),
            self._named(around),
            score,
        )

    def features(self, evidence: Evidence, read: _Sentence, place: _Place) -> Features:
        """Return the features of a sentence of the hit."""
        return Features(
            own=self.own.covered(read.stems),
            near=place.covered,
            names=place.names,
            around=place.around,
            named=place.named,
            kind=float(answers_kind(self.asked, evidence.text)),
            hit=place.hit,
            similar=0.0,
            loose=read.loose,
        )

    def _named(self, stems: Set[str]) -> float:
        names = self.asked.names
        return sum(name in stems for name in names) / len(names) if names else 1.0


def _with_agreement(asked: Asked, rarity: Mapping[str, float], found: Sequence[_Found]) -> list[_Found]:
    """Return the sentences with their surface features, and with how far they agree with each other."""
    offers = [read_offer(asked, sentence.evidence.text, sentence.own, sentence.title) for sentence in found]
    compared = [
        Said(sentence.evidence.source.article_id, sentence.own, offer.answers, sentence.features.own)
        for sentence, offer in zip(found, offers, strict=True)
    ]
    ordinary = _Words(asked, {stem: weight for stem, weight in rarity.items() if stem not in asked.names})
    return [
        replace(
            sentence,
            features=replace(
                sentence.features,
                surface=_surface_features(asked, sentence),
                plain=ordinary.covered(sentence.own),
                names_one=offer.names_one,
                headline=offer.headline,
                agreed=votes,
            ),
        )
        for sentence, offer, votes in zip(found, offers, agreed(compared), strict=True)
    ]


def _surface_features(asked: Asked, sentence: _Found) -> SurfaceFeatures:
    source = sentence.evidence.source
    around = stemming.stem_set(f"{sentence.evidence.context} {source.title or ''}")
    return read_surface_features(asked, sentence.evidence.text, around, sentence.near, source.published_at)
