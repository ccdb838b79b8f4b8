"""Span metrics against tables worked by hand."""

import hashlib

import pytest

from eval.metrics.span import Place, citation_faults, citation_validity, merge, shared, size, span_hit, span_scores

TEXT = "The 😀 bridge opened on Monday. Nobody was hurt."
SHA = hashlib.sha256(TEXT.encode()).hexdigest()
WORDS = "The 😀 bridge opened on Monday."


def place(start, end, article="a"):
    return Place(article, start, end)


def answer(*citations, text="It opened [1].", statements=({"citations": [1]},)):
    return {"status": "answered", "answer": text, "citations": list(citations), "statements": list(statements)}


def citation(number=1, start=0, end=30, quote=None, article_id="a", version=1, sha256=SHA):
    return {
        "number": number, "article_id": article_id, "version": version, "start": start, "end": end,
        "quote": TEXT[start:end] if quote is None else quote, "sha256": sha256,
    }  # fmt: skip


def test_merge_joins_adjacent_places_and_keeps_articles_apart():
    """Two quotes that overlap or touch count once; the same range in another article is another range."""
    merged = merge([place(5, 9), place(0, 5), place(3, 6), place(20, 30), place(0, 5, "b")])
    assert merged == {"a": [(0, 9), (20, 30)], "b": [(0, 5)]}
    assert size(merged) == 24
    assert shared(merged, merge([place(8, 25)])) == 1 + 5


@pytest.mark.parametrize(
    ("cited", "gold_sets", "recall", "precision", "iou"),
    [
        ([place(0, 10)], [[place(0, 10)]], 1, 1, 1),
        ([place(5, 15)], [[place(0, 10)]], 0.5, 0.5, 5 / 15),
        ([place(0, 10), place(0, 10)], [[place(0, 10)]], 1, 1, 1),  # citing twice counts once
        ([place(0, 40)], [[place(0, 10)]], 1, 0.25, 0.25),
        ([place(0, 10)], [[place(0, 10), place(0, 10, "b")]], 0.5, 1, 0.5),  # one of two needed articles
        ([place(0, 10)], [[place(50, 60)], [place(0, 10)]], 1, 1, 1),  # the alternative that is met
        ([place(0, 10, "b")], [[place(0, 10)]], 0, 0, 0),  # the right range of the wrong article
        ([], [[place(0, 10)]], 0, 0, 0),
    ],
)
def test_span_scores_by_hand(cited, gold_sets, recall, precision, iou):
    """Recall, precision and IoU are shares of characters; F1 is their harmonic mean."""
    found = span_scores(cited, gold_sets)
    f1 = 2 * recall * precision / (recall + precision) if recall else 0
    assert (found.recall, found.precision, found.iou, found.f1) == pytest.approx((recall, precision, iou, f1))


def test_span_scores_need_a_gold_span():
    """Anything would match an empty gold set."""
    with pytest.raises(ValueError, match="no gold span"):
        span_scores([place(0, 1)], [[]])


@pytest.mark.parametrize(
    ("cited", "hit"),
    [
        ([place(0, 30)], 1),
        ([place(0, 16)], 1),  # IoU 16/30
        ([place(0, 14)], 0),  # IoU 14/30, without the answer
        ([place(16, 30)], 1),  # IoU 14/30 and the answer's word in it
        ([place(23, 28)], 0),  # half of the word
        ([place(16, 30, "b")], 0),  # the same words in another article are not annotated
        ([], 0),
    ],
)
def test_span_hit_by_hand(cited, hit):
    """A cited place hits at IoU .5, or by covering an answer within the gold span."""
    assert span_hit(cited, [(place(0, 30), WORDS)], ["monday"]) == hit


def test_span_hit_needs_one_place_that_hits():
    """Two places that miss individually do not hit together."""
    gold = [(place(0, 30), WORDS)]
    assert span_hit([place(0, 10), place(12, 20)], gold, []) == 0


def test_valid_citation_scores_one():
    """The slice is the quote in code points, of which an emoji is one."""
    assert citation_validity(answer(citation()), {("a", 1): TEXT}, ["a"]) == 1


@pytest.mark.parametrize(
    ("given", "retrieved", "fault"),
    [
        (answer(citation(start=1, end=31, quote=WORDS)), ["a"], {"1": "slice is not the quote"}),
        (answer(citation(start=0, end=99, quote=TEXT)), ["a"], {"1": "span outside the article"}),
        (answer(citation(start=3, end=3, quote="")), ["a"], {"1": "span outside the article"}),
        (answer(citation(sha256="0" * 64)), ["a"], {"1": "the article's hash is another"}),
        (answer(citation(article_id="b")), ["a"], {"1": "no such article version"}),
        (answer(citation(version=2)), ["a"], {"1": "no such article version"}),
        (answer(citation()), ["b"], {"1": "article was not retrieved for this request"}),
        (answer(citation(), text="It opened.", statements=()), ["a"], {"1": "the answer does not use it"}),
        (answer(text="It opened [1]."), ["a"], {"1": "no such citation"}),
        (answer(citation(), citation()), ["a"], {"1": "two citations have this number"}),
        (answer(citation(2), text="Yes [2].", statements=({"citations": [2]},)), ["a"],
         {"order": "numbers do not count up from 1 by first appearance"}),
    ],
)  # fmt: skip
def test_each_fault_is_named_and_scores_nothing(given, retrieved, fault):
    """Every violation of the contract is named, and an answer with only that citation scores at most half."""
    assert citation_faults(given, {("a", 1): TEXT}, retrieved) == fault
    assert citation_validity(given, {("a", 1): TEXT}, retrieved) <= (0.5 if "order" in fault else 0)


def test_one_bad_citation_of_two_is_half():
    """The score is a share of citations."""
    given = answer(
        citation(),
        citation(2, quote="made up"),
        text="It opened [1] [2].",
        statements=({"citations": [1, 2]},),
    )
    assert citation_validity(given, {("a", 1): TEXT}, None) == 0.5


def test_an_answer_without_any_citation_is_not_valid():
    """Leaving out citations and their markers gains nothing."""
    given = answer(text="It opened.", statements=({"citations": []},))
    assert citation_validity(given, {("a", 1): TEXT}, ["a"]) == 0
