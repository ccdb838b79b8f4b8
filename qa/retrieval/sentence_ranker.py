"""From ranked chunks to ranked sentences, and to how sure we are that they answer the question."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from qa.errors import EmbeddingFailed
from qa.indexes.protocols import WordIndex
from qa.query.analysis import Asked
from qa.retrieval.agreement import Said, agreed, besides
from qa.retrieval.sentence_features import NO_SIGNS, SYNONYM, Signs, answers_kind, is_loose, read_offer, read_signs
from qa.text import stemming
from qa.types import Embedder, Evidence, Hit, Span, Vectors

# How well a sentence matches the question. Of 1,500 random draws the mean of the best thirty by five-fold
# cross-validation on RealTimeQA 2022: it chooses what is looked at closer, and is the score of a sentence.
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
CARRIED = 0.25  # what a word counts that a follow-up takes from the conversation (docs/follow-ups.md)
CLOSER = 24  # sentences that are looked at closer, best by words first
EMBEDDED = 16  # of those, which cost the most of all: 24 were no better (docs/retrieval.md)
_SIGNS = frozenset(field.name for field in fields(Signs))
_KEPT = 4_096  # sentence vectors in memory, 6 MB


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for a sentence as the answer, each 0..1."""

    own: float  # the question's words in the sentence, by their rarity
    near: float  # the same in the sentence, its chunk and its title together
    names: float  # the share of the question's names that stand there
    around: float  # as `near`, in the whole article
    named: float  # as `names`, in the whole article
    kind: float  # it holds the kind of thing that is asked for
    hit: float  # the score of its chunk, against the best
    similar: float  # cosine with the question; 0 without an embedder
    loose: float  # it is a headline, a caption or a question, no statement
    compared: bool = False  # `similar` was measured
    signs: Signs = NO_SIGNS  # of the form; as all below, read of the best sentences only
    plain: float = 0.0  # as `own`, of the words that are no names
    beside: float = 0.0  # cosine with the sentence and its neighbours together
    names_one: float = 0.0  # as of Offer
    headline: float = 0.0
    agreed: float = 0.0  # how much other articles give the same names, or numbers

    def score(self) -> float:
        """Return how well the sentence matches the question."""
        return float(sum(weight * getattr(self, name) for name, weight in MATCH.items()))

    def order(self) -> float:
        """Return what the order of the best sentences goes by."""
        weights = ORDER if self.compared else ORDER_BY_WORDS
        return sum(weight * self.value(name) for name, weight in weights.items())

    def value(self, name: str) -> float:
        """Return a feature or a sign by its name."""
        return float(getattr(self.signs if name in _SIGNS else self, name))


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


def _scored(one: _Found) -> Evidence:
    kept = one.evidence  # `replace` takes five times as long, and there are hundreds of sentences
    return Evidence(kept.source, kept.span, kept.text, one.features.score(), kept.context, kept.reprints)


class EvidenceRanker:
    """Rank the sentences of hits. Safe to share between threads."""

    def __init__(self, lexical: WordIndex, embedder: Embedder | None) -> None:
        self._lexical = lexical
        self._embedder = embedder
        # News repeats itself: the sentences of one story come back with each question about it.
        self._vectors: dict[str, Vectors] = {}
        self._lock = threading.Lock()

    def rank(self, asked: Asked, hits: Sequence[Hit], texts: Mapping[tuple[str, int], str]) -> Ranked:
        """Return every distinct sentence of the hits, best first.

        `texts` are the hits' articles by (id, version); a hit without its text was taken down meanwhile.
        """
        hits = [hit for hit in hits if (hit.source.article_id, hit.source.version) in texts]
        if not hits:
            return Ranked((), ())
        rarity = _weights(asked, self._lexical.rarity(asked.stems), self._lexical.seen(asked.stems))
        topic = rarity | {stem: CARRIED * one for stem, one in self._lexical.rarity(asked.carried).items()}
        weighing = _Weighing(asked, _Words(asked, rarity), _Words(asked, topic))
        best = max(hit.score for hit in hits) or 1.0
        whole = {key: _article_stems(one) for key, one in texts.items()}
        found: dict[str, _Found] = {}
        for hit in hits:
            place = weighing.place(hit, whole[hit.source.article_id, hit.source.version], hit.score / best)
            for evidence in _sentences(hit):
                read = _read(evidence.text)
                first = found.get(read.folded)
                if first is None:
                    found[read.folded] = _Found(
                        evidence, weighing.features(evidence, read, place), read.stems, place.near, place.title
                    )
                elif first.evidence.source.article_id != evidence.source.article_id:
                    reprints = {one.article_id: one for one in (*first.evidence.reprints, evidence.source)}
                    found[read.folded] = replace(
                        first, evidence=replace(first.evidence, reprints=tuple(reprints.values()))
                    )
        ranked = sorted(found.values(), key=lambda one: -one.features.score())
        ranked = self._looked_closer(asked, rarity, ranked[:CLOSER]) + ranked[CLOSER:]
        return Ranked(tuple(map(_scored, ranked)), tuple(one.features for one in ranked))

    def _looked_closer(self, asked: Asked, rarity: Mapping[str, float], found: Sequence[_Found]) -> list[_Found]:
        """Return the best sentences in order of how well they answer."""
        read = _with_agreement(asked, rarity, found)
        compared = self._with_similarity(asked, read[:EMBEDDED])
        rest = read[EMBEDDED:]
        if not any(one.features.compared for one in compared):  # by words alone all can be told apart
            compared, rest = read, []
        return sorted(compared, key=lambda one: -one.features.order()) + rest

    def _with_similarity(self, asked: Asked, found: list[_Found]) -> list[_Found]:
        if self._embedder is None or not found:
            return found
        try:
            question = self._embedder.embed_query(asked.in_context)
            vectors = self._embed([one.evidence.text for one in found])
        except EmbeddingFailed:  # the retriever has said so in `degraded` already
            return found
        beside = besides(question, [one.evidence for one in found], vectors)
        cosines = [max(0.0, float(question @ vector)) for vector in vectors]
        return [
            replace(one, features=replace(one.features, similar=cosine, beside=mixed, compared=True))
            for one, cosine, mixed in zip(found, cosines, beside, strict=True)
        ]

    def _embed(self, sentences: Sequence[str]) -> list[Vectors]:
        assert self._embedder is not None
        with self._lock:
            known = {one: self._vectors[one] for one in sentences if one in self._vectors}
        missing = [one for one in dict.fromkeys(sentences) if one not in known]
        known |= dict(zip(missing, self._embedder.embed_texts(missing), strict=True))
        with self._lock:
            self._vectors |= {one: known[one] for one in missing}
            for oldest in list(self._vectors)[: max(0, len(self._vectors) - _KEPT)]:
                del self._vectors[oldest]
        return [known[one] for one in sentences]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What is read of a sentence whatever is asked."""

    stems: frozenset[str]
    folded: str
    loose: float


# The articles of a story come back with each question about it, and reading them is a third of the work.
@lru_cache(maxsize=4_096)  # 1.6 KB each
def _read(sentence: str) -> _Sentence:
    return _Sentence(frozenset(stemming.stem_set(sentence)), stemming.fold(sentence), float(is_loose(sentence)))


@lru_cache(maxsize=256)  # 40 KB each
def _article_stems(words: str) -> frozenset[str]:
    return frozenset(stemming.stem_set(words))


def _weights(asked: Asked, rarity: dict[str, float], seen: set[str]) -> dict[str, float]:
    """Return what each stem of the question counts.

    An ordinary word that no article uses says little about what the articles say: in a small store most ways to put a
    question are such words. A name or a number that is nowhere says that the question is about something else.
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
    """One question against what was found."""

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
        """Return what speaks for a sentence of the hit."""
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
    """Return the sentences with what their form says, and with what they say of each other."""
    offers = [read_offer(asked, one.evidence.text, one.own, one.title) for one in found]
    sentences = [
        Said(one.evidence.source.article_id, one.own, offer.answers, one.features.own)
        for one, offer in zip(found, offers, strict=True)
    ]
    ordinary = _Words(asked, {stem: weight for stem, weight in rarity.items() if stem not in asked.names})
    return [
        replace(
            one,
            features=replace(
                one.features,
                signs=_signs(asked, one),
                plain=ordinary.covered(one.own),
                names_one=offer.names_one,
                headline=offer.headline,
                agreed=votes,
            ),
        )
        for one, offer, votes in zip(found, offers, agreed(sentences), strict=True)
    ]


def _signs(asked: Asked, one: _Found) -> Signs:
    source = one.evidence.source
    beside = stemming.stem_set(f"{one.evidence.context} {source.title or ''}")
    return read_signs(asked, one.evidence.text, beside, one.near, source.published_at)
