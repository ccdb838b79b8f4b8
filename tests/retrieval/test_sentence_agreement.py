"""Agreement of the best sentences, and their cosine with neighbours."""

import numpy as np
import pytest

from qa.retrieval.sentence_agreement import MANY, ComparedSentence, cosine_with_neighbours, measure_agreement
from qa.types import Evidence, Source, Span


def sample(article_id, words, answers, own=0.5):
    return ComparedSentence(article_id, frozenset(words.split()), frozenset(answers.split()), own)


def sentence(article_id, start, end):
    return Evidence(Source(article_id, 1, "0" * 64, None, None, None, None), Span(start, end), "x", 0.0)


def test_a_name_that_other_articles_give_is_agreed():
    """Each other article counts once, by its sentence with most of the question."""
    found = measure_agreement(
        [
            sample("a1", "ruiz open fair", "ruiz", 0.9),
            sample("a2", "ruiz came", "ruiz", 0.2),
            sample("a2", "fair ruiz open", "ruiz", 0.8),
            sample("a3", "lind open fair", "lind", 0.9),
        ]
    )
    assert found == pytest.approx([0.8 / MANY, 0.9 / MANY, 0.9 / MANY, 0.0])


def test_an_article_does_not_agree_with_itself():
    """However often one article says a name, nobody else says it."""
    assert measure_agreement([sample("a1", "ruiz open", "ruiz"), sample("a1", "ruiz came", "ruiz")]) == [0.0, 0.0]


def test_a_name_also_counts_where_it_is_no_answer():
    """A sentence that has the word, in whatever place or case, supports it; one without an answer has no agreement."""
    assert measure_agreement([sample("a1", "kyushu erupt", "kyushu"), sample("a2", "on kyushu", "")]) == [
        0.5 / MANY,
        0.0,
    ]


def test_agreement_is_at_most_one():
    """Ten outlets are as good as four, and no sentence at all is no error."""
    assert measure_agreement([sample(f"a{at}", "ruiz", "ruiz", 1.0) for at in range(10)]) == [1.0] * 10
    assert measure_agreement([]) == []


def test_a_neighbour_counts_half():
    """Only the sentence that follows at once, in the same article, is taken along."""
    question = np.array([1.0, 0.0], dtype=np.float32)
    near, far = np.array([1.0, 0.0], dtype=np.float32), np.array([0.0, 1.0], dtype=np.float32)
    evidence = [sentence("a1", 0, 10), sentence("a1", 12, 20), sentence("a1", 40, 50), sentence("a2", 11, 20)]
    found = cosine_with_neighbours(question, evidence, [near, far, far, far])
    assert found == pytest.approx([2 / 5**0.5, 1 / 5**0.5, 0.0, 0.0])
