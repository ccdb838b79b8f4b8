"""When the best sentences are quoted, and when nothing is."""

from dataclasses import replace

import pytest

from qa.answering import extractive
from qa.answering.extractive import attribution, choose, confidence
from qa.query.analysis import analyse
from qa.retrieval.sentence_features import SurfaceFeatures
from qa.retrieval.sentence_ranker import Features, Ranked
from qa.types import Evidence, Reading, Source, Span

SOURCE = Source("a1", 1, "0" * 64, "Bridge opens", "Wire", None, "2023-03-05T10:00:00Z")
GOOD = Features(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.0, True, SurfaceFeatures(1.0, 1.0, 1.0))
POOR = Features(0.1, 0.2, 0.0, 0.3, 0.0, 0.0, 0.4, 0.1, 0.0, True, SurfaceFeatures(0.2, 0.1))
WHO = analyse("Who opened the bridge?")


def ranked(*pairs):
    """Return sentences with their features, each a span of its own."""
    evidence = tuple(
        Evidence(SOURCE, Span(100 * at, 100 * at + len(said)), said, features.score())
        for at, (said, features) in enumerate(pairs)
    )
    return Ranked(evidence, tuple(features for _, features in pairs))


def test_the_best_sentence_is_quoted_verbatim_and_attributed():
    """The statement is the unchanged sentence, with its outlet and day before it."""
    (quoted,) = choose(WHO, ranked(("Ana Ruiz opened the bridge. 🎈", GOOD)))
    assert quoted.text == "Wire, 5 March 2023: Ana Ruiz opened the bridge. 🎈"
    assert quoted.covers


def test_only_the_first_sentence_has_a_short_answer():
    """It is what the reader takes for the answer, as a span of the article; without a reader there is none."""
    read = replace(GOOD, reading=Reading(2.0, 0, 8, 0.9))
    first, second = choose(WHO, ranked(("Ana Ruiz opened the bridge.", read), ("Bo Lind spoke.", read)))
    assert (first.short, second.short) == (Span(0, 8), None)
    assert choose(WHO, ranked(("Ana Ruiz opened the bridge.", GOOD)))[0].short is None


def test_poor_sentences_are_refused():
    """Below the least confidence nothing is quoted, and nothing at all has no confidence."""
    assert choose(WHO, ranked(("It rained.", POOR))) == []
    assert choose(WHO, Ranked((), ())) == []
    assert confidence(WHO, Ranked((), ())) == 0.0


@pytest.mark.parametrize("compared", [True, False])
def test_confidence_grows_with_what_speaks_for_a_sentence(compared):
    """It lies between 0 and 1, with an embedder and without, and says what `choose` refuses by."""
    good, poor = (replace(features, compared=compared) for features in (GOOD, POOR))
    high, low = (confidence(WHO, ranked(("Ana Ruiz opened it.", features))) for features in (good, poor))
    assert 0 < low < extractive.ENOUGH_BY_WORDS < high < 1


def test_one_good_sentence_is_enough():
    """The likeliest sentence counts: poor ones beside it change nothing."""
    alone = confidence(WHO, ranked(("Ana Ruiz opened it.", GOOD)))
    assert confidence(WHO, ranked(("Ana Ruiz opened it.", GOOD), ("It rained.", POOR))) == alone


def test_features_against_a_sentence_lower_it():
    """An article that declines to say does not answer, however near its words are."""
    silent = replace(GOOD, surface=replace(GOOD.surface, withheld=1.0, unnamed=1.0))
    assert confidence(WHO, ranked(("The city declined to say.", silent))) < confidence(WHO, ranked(("Ana did.", GOOD)))


def test_a_length_is_not_answered_without_one():
    """If an answer must have a form, a sentence without it is neither quoted nor counted."""
    asked = analyse("How long is the bridge?")
    formless = replace(GOOD, kind=0.0)
    assert choose(asked, ranked(("The bridge is long.", formless))) == []
    assert confidence(asked, ranked(("The bridge is long.", formless))) == 0.0
    said = choose(asked, ranked(("The bridge is long.", formless), ("It has 300 metres.", replace(GOOD, own=0.4))))
    assert [quoted.cited[0].text for quoted in said] == ["It has 300 metres."]


def test_the_same_is_not_said_twice():
    """A sentence that shares most of its words with one that is quoted adds nothing; three are the most."""
    same = ("Ana Ruiz opened the bridge on Sunday.", "On Sunday Ana Ruiz opened the bridge.")
    assert len(choose(WHO, ranked(*((sentence, GOOD) for sentence in same)))) == 1
    others = ("Ana Ruiz came.", "Bo Lind spoke.", "Cy Marsh cut ribbons.", "Di Pell sang.")
    assert len(choose(WHO, ranked(*((sentence, GOOD) for sentence in others)))) == extractive.MAX_SENTENCES


def test_a_name_that_is_missing_makes_it_partial():
    """The first sentence covers the question only if its article has every name of the question."""
    (quoted,) = choose(WHO, ranked(("Ana Ruiz opened the bridge.", replace(GOOD, named=0.5))))
    assert not quoted.covers


def test_attribution_falls_back_to_the_title():
    """Without an outlet the title is given, cut at a word; without a date none is given."""
    source = replace(SOURCE, outlet=None, published_at=None, title="word " * 20)
    assert attribution(source) == "“" + " ".join(["word"] * 12) + "…”"


def test_another_outlet_that_differs_in_a_name_is_quoted_too():
    """Nearly the same words are one sentence, unless another outlet gives another name or number in them."""
    first = "Ana Ruiz opened the bridge over the river on Monday."
    second = first.replace("Ana Ruiz", "Ines Ash")
    found = ranked((first, GOOD), (second, GOOD))
    other = replace(found.evidence[1], source=replace(SOURCE, article_id="a2", outlet="Post"))
    assert len(choose(WHO, found)) == 1
    assert len(choose(WHO, replace(found, evidence=(found.evidence[0], other)))) == 2
    same = replace(other, text=first)
    assert len(choose(WHO, replace(found, evidence=(found.evidence[0], same)))) == 1
