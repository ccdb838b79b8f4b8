"""False passes, false strips and replacements: each figure by hand, with a wrong statement that must count."""

import pytest

from eval.dataset.items import Item
from eval.matrix import statements
from eval.runs.scored_item import ScoredItem, Unscored
from tests.eval.gold_fixtures import gold_row, span
from tests.eval.matrix.fixtures import TEXT

COST = "The Kestrel bridge cost 42 million euros."
OPENED = "It opened again on a Monday."
GOLD = span("bridge", TEXT, COST)
BESIDE = span("bridge", TEXT, OPENED)


def item(**fields):
    row = gold_row("q", answers=["42 million"], wrong_answers=["24 million"], gold=[GOLD]) | fields
    return Item.model_validate(row)


def answer(*written, mode="llm"):
    """Return an answer from (words, cited span or None, replaced)."""
    shown, citations = [], []
    for words, cited, is_replaced in written:
        numbers = []
        if cited is not None:
            numbers = [len(citations) + 1]
            citations.append({"number": numbers[0], "quote": cited["text"],
                              **{name: cited[name] for name in ("article_id", "start", "end")}})  # fmt: skip
        marker = "".join(f" [{number}]" for number in numbers)
        shown.append({"text": words + marker, "citations": numbers, "replaced": is_replaced})
    return {"mode": mode, "status": "answered", "answer": "", "statements": shown, "citations": citations}


def scored(checked, as_written=None, **fields):
    reply = {"error": None, "answer": answer(*checked)} | ({"as_written": answer(*as_written)} if as_written else {})
    return ScoredItem(item(**fields), reply, {})


@pytest.mark.parametrize(
    ("words", "cited", "wrong"),
    [
        (COST, GOLD, False),
        ("It cost 42 million.", GOLD, False),
        ("It cost 24 million.", GOLD, True),  # a wrong answer, though it cites the right sentence
        ("The bridge opened on a Sunday.", BESIDE, True),  # beside the gold span
        (OPENED, BESIDE, False),  # beside it too, but in the words of what it cites
        (f"Corvane Wire, 21 March 2023: {OPENED}", BESIDE, False),  # as the service quotes the side of a conflict
        (f"{OPENED} It cost 24 million euros.", BESIDE, True),  # a quote and a lie
        ("It cost 42 million.", None, True),  # cites nothing
    ],
)
def test_false_pass(words, cited, wrong):
    """Wrong is what gives a wrong answer or rests on no gold span, unless it quotes what it cites."""
    assert statements.false_pass(scored([(words, cited, False)])) == (float(wrong), 1)


def test_a_quote_in_place_of_a_sentence_is_no_pass():
    """Only what the model wrote can be let through; the quotes that the service chose are counted by themselves."""
    both = scored([("It opened on a Sunday.", BESIDE, False), (OPENED, BESIDE, True)])
    assert statements.false_pass(both) == (1.0, 1)
    assert statements.replaced(both) == (1.0, 2)


def test_every_statement_about_what_is_not_there_is_wrong():
    """A question without an answer has no gold span that a statement could rest on."""
    unanswerable = scored([("Somebody painted it.", BESIDE, False)], answerable=False, answers=[], gold=[])
    assert statements.false_pass(unanswerable) == (1.0, 1)


def test_without_spans_only_a_wrong_answer_can_be_told():
    """Some public sets mark no spans; without wrong answers either, nothing can be said."""
    assert statements.false_pass(scored([("It opened.", BESIDE, False)], gold=[])) == (0.0, 1)
    assert statements.false_pass(scored([("It cost 24 million.", BESIDE, False)], gold=[])) == (1.0, 1)
    with pytest.raises(Unscored, match="no gold span"):
        statements.false_pass(scored([("It opened.", BESIDE, False)], gold=[], wrong_answers=[]))


@pytest.mark.parametrize(
    ("words", "cited", "true"),
    [
        (COST, GOLD, True),
        (COST, None, True),  # word for word in the gold span, though it cites nothing
        (OPENED, BESIDE, True),  # word for word what it cites
        ("It cost 42 million.", GOLD, True),
        ("It cost 42 million.", BESIDE, False),  # right, and proved by another sentence than the one it cites
        ("It cost a lot.", GOLD, False),  # neither quoted nor an answer
        ("It cost 42 million, not 24 million.", GOLD, False),
    ],
)
def test_false_strip(words, cited, true):
    """A true statement that is not shown is a loss; one that the gold set does not prove is none."""
    whole = [(words, cited, False)]
    assert statements.false_strip(scored([], whole)) == (float(true), float(true))
    assert statements.false_strip(scored(whole, whole)) == (0.0, float(true))


def test_a_true_statement_that_a_quote_replaces_is_lost():
    """A reader sees the quote then, and not the sentence."""
    whole = [("It cost 42 million.", GOLD, False)]
    assert statements.false_strip(scored([(COST, GOLD, True)], whole)) == (1.0, 1)


def test_what_the_model_did_not_write_is_not_marked():
    """A fallback to quotes is counted by itself, and a failed question has no statements."""
    fallback = ScoredItem(item(), {"error": None, "answer": answer((COST, GOLD, False), mode="extractive")}, {})
    assert statements.fell_back(fallback) == (1.0, 1)
    failed = ScoredItem(item(), {"error": {"type": "ModelUnavailable", "message": "gone"}}, {})
    for metric in (statements.false_pass, statements.false_strip, statements.replaced):
        with pytest.raises(Unscored, match="without the model"):
            metric(fallback)
        with pytest.raises(Unscored, match="failed"):
            metric(failed)
    assert statements.fell_back(scored([(COST, GOLD, False)])) == (0.0, 1)
    with pytest.raises(Unscored, match="nothing was taken away"):
        statements.false_strip(scored([(COST, GOLD, False)]))
