"""Gold items: evidence sets, clusters, loading and hashing."""

import json

import pytest

from eval.dataset.items import hash_gold, load_items
from qa import QaError
from tests.eval.gold_fixtures import gold_row, span, write_lines

TEXT = "The 😀 bridge opened. Nobody was hurt."


def test_sets_are_those_of_the_format_or_all_spans(tmp_path):
    """Without `gold_sets` every span is needed; with it each set is enough."""
    gold = [span("a", TEXT, "The 😀 bridge opened."), span("b", TEXT, "Nobody was hurt.")]
    rows = [gold_row("all", gold=gold), gold_row("each", gold=gold, gold_sets=[[0], [1]]), gold_row("none")]
    every, each, none = load_items(write_lines(tmp_path / "gold.jsonl", rows))
    assert every.evidence_sets == [{"a", "b"}]
    assert each.evidence_sets == [{"a"}, {"b"}]
    assert (none.sets, none.evidence_sets, none.relevant) == ([], [], frozenset())


def test_gold_articles_replace_missing_spans(tmp_path):
    """A set that annotates only articles still has relevant ones."""
    path = write_lines(tmp_path / "gold.jsonl", [gold_row("q", gold_articles=["b", "a"], article_ids=["a", "b", "c"])])
    (item,) = load_items(path)
    assert item.relevant == {"a", "b"}
    assert item.evidence_sets == [{"a", "b"}]
    assert item.article_ids == ("a", "b", "c")


def test_questions_of_one_article_are_one_cluster(tmp_path):
    """The first gold article is the cluster; a question without one is its own cluster."""
    rows = [gold_row("q1", gold=[span("a", TEXT, "Nobody")]), gold_row("q2", answerable=False)]
    assert [item.cluster for item in load_items(write_lines(tmp_path / "g.jsonl", rows))] == ["a", "question q2"]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([], "no gold questions"),
        ([gold_row("q"), gold_row("q")], "the id q stands twice"),
        ([gold_row("q", gold=[span("a", TEXT, "Nobody")], gold_sets=[[1]])], "names span 1 of 1"),
        ([gold_row("q", gold=[{"article_id": "a", "start": 0, "end": 9, "text": "four"}])], "does not measure"),
        ([gold_row("q", answerabel=True)], "answerabel"),
    ],
)
def test_an_invalid_set_is_refused(tmp_path, rows, fault):
    """A gold set with faults is not loaded in part."""
    with pytest.raises(QaError, match=fault):
        load_items(write_lines(tmp_path / "gold.jsonl", rows))


def test_a_folder_is_read_in_order_and_hashed_by_its_bytes(tmp_path):
    """A folder and a file with the same content have the same hash; changed content has another."""
    folder = tmp_path / "gold"
    folder.mkdir()
    write_lines(folder / "b.jsonl", [gold_row("q2")])
    write_lines(folder / "a.jsonl", [gold_row("q1")])
    assert [item.id for item in load_items(folder)] == ["q1", "q2"]
    alone = write_lines(tmp_path / "alone.jsonl", [gold_row("q1"), gold_row("q2")])
    assert hash_gold(folder) == hash_gold(alone)
    alone.write_text(json.dumps(gold_row("q1")) + "\n")
    assert hash_gold(folder) != hash_gold(alone)
