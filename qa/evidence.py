"""From ranked chunks to ranked sentences, and to how sure we are that they answer the question."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from qa import text
from qa.errors import EmbeddingFailed
from qa.lexical import LexicalIndex
from qa.questions import Asked, Kind
from qa.types import Embedder, Evidence, Hit, Span, Vectors

# Weights of the features of a sentence. Of 1,500 random draws the mean of the best thirty by five-fold cross-validation
# on RealTimeQA 2022 (docs/retrieval.md); `python -m eval.development` prints what they are worth.
WEIGHTS = {"own": 1.0, "near": 0.25, "around": 0.2, "kind": 0.7, "hit": 0.9, "similar": 0.8, "loose": -0.6}
SYNONYM = 0.6
UNSEEN = 0.5  # what a word that no article uses counts, of the mean of those that some article uses
_EMBEDDED = 24  # sentences that are compared by vector, best by words first: embedding costs the most here
_KEPT = 8_192  # sentence vectors in memory, 12 MB
_QUOTE_MARKS = '“”"«»„'

_NUMBER = re.compile(
    r"\d|(?<!the )\btwo\b|\b(?:three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?"
    r"|millions?|billions?|half|quarter|percent)\b",
    re.IGNORECASE,
)
_UNIT = r"(?:second|minute|hour|day|week|month|year|decade)s?\b"
_EXPECTED: dict[Kind, re.Pattern[str]] = {
    "number": _NUMBER,
    "money": re.compile(r"[$€£¥₹]\s?\d|\d[\d.,]*\s?(?:[a-z]+ion\s)?(?:dollar|euro|pound|yen|yuan|rouble|ruble|crown)"
                        r"|\b(?:dollars|euros|pounds)\b|\d[\d.,]*\s(?:million|billion|trillion)\b", re.IGNORECASE),
    "duration": re.compile(rf"(?:{_NUMBER.pattern}|\ban?\b)[\d.,]*(?:[\s-]+\w+)??[\s-]+{_UNIT}", re.IGNORECASE),
    "age": re.compile(r"\b\d{1,3}[\s-]years?[\s-]old|\baged? (?:of )?\d{1,3}\b|, \d{1,3},", re.IGNORECASE),
    "date": re.compile(r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july"
                       r"|august|september|october|november|december|yesterday|today|tomorrow|(?:19|20)\d\d"
                       r"|(?:last|next) (?:week|month|year|spring|summer|autumn|winter)|\d{1,2}(?::\d\d)? ?[ap]\.?m)\b",
                       re.IGNORECASE),
    "quotation": re.compile(rf"[{_QUOTE_MARKS}]|\b(?:said|says|told|called|warned|wrote|added|announced)\b"),
}  # fmt: skip
_CAPITALISED = re.compile(r"(?<![.!?“\"] )(?<!^)\b[A-ZÀ-ÖØ-Þ][\w’'-]+")


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
    nearest: float = 0.0  # the best cosine of any sentence with the question
    compared: bool = False  # `similar` and `nearest` were measured

    def score(self) -> float:
        """Return the weighted sum."""
        return float(sum(weight * getattr(self, name) for name, weight in WEIGHTS.items()))


@dataclass(frozen=True, slots=True)
class Ranked:
    """Sentences in order of how well they answer, with their features."""

    evidence: tuple[Evidence, ...]
    features: tuple[Features, ...]


class EvidenceRanker:
    """Rank the sentences of hits. Safe to share between threads."""

    def __init__(self, lexical: LexicalIndex, embedder: Embedder | None) -> None:
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
        best = max(hit.score for hit in hits) or 1.0
        whole = {key: text.stem_set(one) for key, one in texts.items()}
        found: dict[str, tuple[Evidence, Features]] = {}
        for hit in hits:
            sentences = [(one, text.stem_set(one.text)) for one in _sentences(hit)]
            title = text.stem_set(hit.source.title or "")
            near = title.union(*(stems for _, stems in sentences))
            around = title | whole[hit.source.article_id, hit.source.version]
            for evidence, own in sentences:
                features = _features(asked, rarity, evidence, (own, near, around), hit.score / best)
                folded = text.fold(evidence.text)
                first = found.get(folded)
                if first is None:
                    found[folded] = (evidence, features)
                elif first[0].source.article_id != evidence.source.article_id:
                    reprints = {one.article_id: one for one in (*first[0].reprints, evidence.source)}
                    found[folded] = (replace(first[0], reprints=tuple(reprints.values())), first[1])
        ranked = sorted(found.values(), key=lambda pair: -pair[1].score())
        ranked = self._with_similarity(asked, ranked)
        return Ranked(
            tuple(replace(evidence, score=features.score()) for evidence, features in ranked),
            tuple(features for _, features in ranked),
        )

    def _with_similarity(
        self, asked: Asked, ranked: list[tuple[Evidence, Features]]
    ) -> list[tuple[Evidence, Features]]:
        if self._embedder is None or not ranked:
            return ranked
        head, rest = ranked[:_EMBEDDED], ranked[_EMBEDDED:]
        try:
            question = self._embedder.embed_query(asked.question)
            vectors = self._embed([one.text for one, _ in head])
        except EmbeddingFailed:  # the retriever has said so in `degraded` already
            return ranked
        cosines = [max(0.0, float(question @ vector)) for vector in vectors]
        compared = [
            (one, replace(features, similar=cosine, nearest=max(cosines), compared=True))
            for (one, features), cosine in zip(head, cosines, strict=True)
        ]
        return sorted(compared, key=lambda pair: -pair[1].score()) + rest

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


def _features(
    asked: Asked,
    rarity: dict[str, float],
    evidence: Evidence,
    stems: tuple[set[str], set[str], set[str]],  # of the sentence, of its chunk and title, of its article
    hit: float,
) -> Features:
    own, near, around = stems
    return Features(
        own=_covered(asked, rarity, own),
        near=_covered(asked, rarity, near),
        names=sum(name in near for name in asked.names) / len(asked.names) if asked.names else 1.0,
        around=_covered(asked, rarity, around),
        named=sum(name in around for name in asked.names) / len(asked.names) if asked.names else 1.0,
        kind=float(_answers_kind(asked, evidence.text)),
        hit=hit,
        similar=0.0,
        loose=float(_is_loose(evidence.text)),
    )


def _covered(asked: Asked, rarity: dict[str, float], stems: set[str]) -> float:
    """Return the share of the question's weight that the stems hold; a synonym counts in part."""
    covered = 0.0
    for stem, weight in rarity.items():
        if stem in stems:
            covered += weight
        elif stem in asked.related and not stems.isdisjoint(asked.related[stem]):
            covered += SYNONYM * weight
    return covered / (sum(rarity.values()) or 1.0)


def _answers_kind(asked: Asked, sentence: str) -> bool:
    if asked.kind in ("person", "place"):
        return any(not set(text.stems(name)) <= set(asked.names) for name in _CAPITALISED.findall(sentence))
    expected = _EXPECTED.get(asked.kind)
    if expected is None:
        return False
    # What the question itself says ("in 2019") is not what it asks for.
    said = set(text.words(asked.question))
    return any(not set(text.words(found.group())) <= said for found in expected.finditer(sentence))


def _is_loose(sentence: str) -> bool:
    stripped = sentence.rstrip("".join((_QUOTE_MARKS, "'’)] ")))
    return not stripped.endswith((".", "!", "。", "！", "…", "؟")) or len(sentence.split()) < 4
