"""Score whole passages with the reader, by their most promising sentences."""

from __future__ import annotations

from collections.abc import Sequence

from qa.text import stemming
from qa.text.sentences import split_sentences
from qa.types import Passage, Reader

SENTENCES = 3  # of each passage that are read


def score_passages(reader: Reader, question: str, passages: Sequence[Passage]) -> list[float]:
    """Return for each passage the log odds that its best sentence answers, of those with most of the question's words.

    Raises JudgeFailed.
    """
    asked = stemming.stem_set(question)
    chosen = [_promising(passage, asked) for passage in passages]
    readings = iter(reader.read(question, [sentence for sentences in chosen for sentence in sentences]))
    return [max((next(readings).logit for _ in sentences), default=float("-inf")) for sentences in chosen]


def _promising(passage: Passage, asked: set[str]) -> list[Passage]:
    sentences = [span.slice(passage.text) for span in split_sentences(passage.text)]
    best = sorted(sentences, key=lambda sentence: -len(asked & set(stemming.stem_set(sentence))))
    return [Passage(sentence, passage.title) for sentence in best[:SENTENCES]]
