"""Sentences of a real store, ranked with their features."""

import pytest

from qa.errors import EmbeddingFailed, JudgeFailed
from qa.indexes.tantivy_index import LexicalIndex
from qa.query.analysis import analyse
from qa.retrieval.sentence_features import NO_SURFACE_FEATURES
from qa.retrieval.sentence_ranker import CLOSER, EMBEDDED, EvidenceRanker
from qa.types import Hit, Source, Span
from tests.fakes import HashEmbedder, PhraseReader


class BrokenEmbedder(HashEmbedder):
    """An embedder whose model fails."""

    def embed_texts(self, texts):
        raise EmbeddingFailed("no model")


def source(article_id, title=None):
    return Source(article_id, 1, "0" * 64, title, "Wire", None, "2026-03-01")


def hit(article_id, *sentences, title=None, score=1.0, gap=" "):
    """Return a chunk that is a whole article, and the article's text by its key."""
    text, spans = "", []
    for sentence in sentences:
        spans.append(Span(len(text), len(text) + len(sentence)))
        text += sentence + gap
    found = source(article_id, title)
    return Hit(1, found, Span(0, len(text)), text, tuple(spans), score), {(article_id, 1): text}


@pytest.fixture
def rank(tmp_path):
    lexical = LexicalIndex(tmp_path, "catalog")

    def ranked(question, *found, embedder=None, reader=None):
        texts = {key: text for _, part in found for key, text in part.items()}
        ranker = EvidenceRanker(lexical, embedder, reader)
        return ranker.rank(analyse(question), [found_hit for found_hit, _ in found], texts)

    yield ranked
    lexical.close()


def test_every_sentence_is_cut_from_its_article(rank):
    """The span of each sentence is that of its words, after emoji, CJK and line ends too."""
    sentences = ("🎈 The fair opened.", "市长是王伟。", "Ana Ruiz opened it.", "Cafe\u0301 Nord sold tea.")
    found = hit("a1", *sentences, gap="\n\n")
    evidence = rank("Who opened the fair?", found).evidence
    assert {sentence.text for sentence in evidence} == set(sentences)
    assert all(found[1]["a1", 1][sentence.span.start : sentence.span.end] == sentence.text for sentence in evidence)


def test_features_are_read_of_the_sentence_its_neighbours_and_its_title(rank):
    """Words of the neighbours and of the title count as held; "fair" does, whatever sentence it is in."""
    found = hit("a1", "The fair opened.", "Ana Ruiz cut the ribbon.", "It rained.", "Nobody came.", title="Harbour")
    ranked = rank("Who opened the harbour fair?", found)
    held = {
        sentence.text: features.surface.held
        for sentence, features in zip(ranked.evidence, ranked.features, strict=True)
    }
    assert held["Ana Ruiz cut the ribbon."] == 1.0
    assert held["Nobody came."] == pytest.approx(1 / 3)


def test_a_reprint_counts_once(rank):
    """The same words in another article are one sentence with both sources."""
    ranked = rank("Who opened the fair?", hit("a1", "Ana opened the fair."), hit("a2", "Ana opened the  fair."))
    assert [
        (sentence.source.article_id, [other.article_id for other in sentence.reprints]) for sentence in ranked.evidence
    ] == [("a1", ["a2"])]


def test_only_the_best_are_looked_at_closer(rank):
    """Surface features are read of the best sentences by words, vectors of fewer; the others rank below."""
    embedder = HashEmbedder()
    found = hit("a1", *(f"The fair has {number} stalls." for number in range(CLOSER + 5)))
    ranked = rank("How many stalls has the fair?", found, embedder=embedder)
    assert [features.compared for features in ranked.features] == [True] * EMBEDDED + [False] * (CLOSER + 5 - EMBEDDED)
    assert [features.surface != NO_SURFACE_FEATURES for features in ranked.features] == [True] * CLOSER + [False] * 5
    assert ranked.features[0].similar > 0.5
    assert len(set(embedder.embedded)) == EMBEDDED


def test_without_vectors_all_that_are_looked_at_closer_are_put_in_order(rank):
    """No embedder, or one that fails: the order by words goes over them all, not over those that would be embedded."""
    named = hit("a1", *(f"At gate {n} Ana Ruiz opened the fair." for n in range(EMBEDDED)))
    whole = hit("a2", *(f"The harbour fair was opened at gate {n}." for n in range(EMBEDDED, CLOSER)))
    for embedder in (None, BrokenEmbedder()):
        found = rank("Who opened the harbour fair?", named, whole, embedder=embedder)
        assert [features.order() for features in found.features] == sorted(
            (features.order() for features in found.features), reverse=True
        )
        assert {sentence.source.article_id for sentence in found.evidence[: CLOSER - EMBEDDED]} == {"a2"}


def test_the_answer_that_outlets_agree_on_goes_before_one_that_only_one_gives(rank):
    """Of two sentences that match the question equally well, the one that other articles support wins."""
    found = rank(
        "Who opened the harbour fair?",
        hit("a1", "Bo Lind opened the harbour fair."),
        hit("a2", "Ana Ruiz opened the harbour fair."),
        hit("a3", "The fair at the harbour, which Ana Ruiz opened, was full."),
    )
    assert "Ruiz" in found.evidence[0].text
    assert found.features[0].agreed > 0
    assert {sentence.text: features.agreed for sentence, features in zip(found.evidence, found.features, strict=True)}[
        "Bo Lind opened the harbour fair."
    ] == 0.0


def test_without_hits_nothing_is_ranked(rank):
    """No chunk, or a chunk whose article was taken down, is no evidence."""
    assert rank("Who opened the fair?").evidence == ()
    assert rank("Who opened the fair?", (hit("a1", "Ana opened the fair.")[0], {})).evidence == ()


class BrokenReader:
    """A reader whose network fails."""

    def read(self, question, passages):
        raise JudgeFailed("no network")


def test_what_the_reader_takes_for_the_answer_comes_first(rank):
    """The reader moves a sentence above one that only repeats the question, and its readings are kept."""
    found = hit("a1", "Who opened the harbour fair was asked often.", "Ana Ruiz opened it.", "It rained.")
    ranked = rank("Who opened the harbour fair?", found, reader=PhraseReader("Ana Ruiz"))
    assert ranked.evidence[0].text == "Ana Ruiz opened it."
    reading = ranked.features[0].reading
    assert reading is not None and ranked.evidence[0].text[reading.start : reading.end] == "Ana Ruiz"
    assert ranked.degraded == ()


def test_without_its_reader_the_words_decide_and_it_is_said(rank):
    """A failing reader changes nothing but `degraded`."""
    found = hit("a1", "The fair opened.", "Ana Ruiz opened the harbour fair.", "It rained.")
    without, broken = (rank("Who opened the harbour fair?", found, reader=reader) for reader in (None, BrokenReader()))
    assert broken.evidence == without.evidence
    assert (without.degraded, broken.degraded) == ((), ("reader",))
