"""Analysis of a question: kind, content words, names."""

import pytest

from qa.query.analysis import analyse, content_stems, kind_of

KINDS = [
    ("How many people died in the flood?", "number"),
    ("What percentage of voters agreed?", "number"),
    ("How much did the bridge cost?", "money"),
    ("What was the price of the ticket?", "money"),
    ("How long did the strike last?", "duration"),
    ("How many hours did the flight take?", "duration"),
    ("When was the treaty signed?", "date"),
    ("What year did the mill close?", "date"),
    ("Who won the cup?", "person"),
    ("By whom was the book written?", "person"),
    ("Where was the ship built?", "place"),
    ("In which city was the summit held?", "place"),
    ("What did the minister say about taxes?", "quotation"),
    ("Why did the firm close the plant?", "other"),
    ("WHO WON?", "person"),
    ("“Who won?”", "person"),
    ("", "other"),
    ("桥什么时候开通？", "other"),
]


@pytest.mark.parametrize(("question", "kind"), KINDS)
def test_the_kind_of_answer(question: str, kind: str) -> None:
    """The question's words decide, whatever its case and quotation marks."""
    assert kind_of(question) == kind


def test_content_words_are_kept_and_question_words_are_not() -> None:
    """In order, stemmed, each once."""
    assert content_stems("Who was the minister that opened the bridges and the bridge?") == ("minist", "open", "bridg")


def test_a_question_of_stop_words_keeps_them() -> None:
    """A search for stop words is better than none."""
    assert content_stems("Who is he?") == ("who", "is", "he")
    assert content_stems("?!") == ()
    assert content_stems("") == ()


def test_names_are_the_capitalised_words_but_for_the_first() -> None:
    """A question word has its capital only because it is first."""
    assert analyse("Who did Anna Smith meet in Paris?").names == ("anna", "smith", "pari")
    assert analyse("What happened?").names == ()
    assert analyse("Merkel met whom?").names == ("merkel",)


@pytest.mark.parametrize(
    "question", ["Where is the café’s owner?", "Where is the cafe\u0301's owner?", "where is the CAFÉ'S owner"]
)
def test_forms_of_one_word_are_one_stem(question: str) -> None:
    """Composed or not, curly or straight, large or small."""
    assert content_stems(question) == ("café", "owner")


@pytest.mark.parametrize("question", ["😀", "市长是谁？", "a" * 50_000, "((((", "\u202e\u0301", "\n\r\n"])
def test_any_text_can_be_analysed(question: str) -> None:
    """Nothing a user types is an error."""
    analysed = analyse(question)
    assert analysed.text == question
    assert set(analysed.names) <= set(analysed.stems)


def test_words_of_the_conversation_stand_apart() -> None:
    """They are kept apart from the question's own words, and words that it already has are not repeated."""
    analysed = analyse("What did the Kestrel bridge cost?", "What did it cost?", "Kestrel bridge repairs cost")
    assert analysed.stems == ("cost",) and analysed.names == ()
    assert analysed.context_stems == ("kestrel", "bridg", "repair")
    assert analysed.in_context == "repairs What did the Kestrel bridge cost?"
    alone = analyse("Who won?")
    assert alone.context_stems == () and alone.in_context == "Who won?"
