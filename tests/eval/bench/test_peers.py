"""The comparison with peers: sample, vector cache, scores, tables, plot. No peer is installed."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from eval.bench.peers.child import Piece, day_number, first_chars, is_exact, reply
from eval.bench.peers.contest import CONTESTANTS, Contest, every_name, report, run
from eval.bench.peers.marks import OURS, compare_all, costs, mark_all, rank_of, tables
from eval.bench.peers.plot import draw_peers
from eval.bench.peers.sample import PeerQuestion, choose, draw, merge
from eval.bench.peers.vector_cache import CachedEmbedder
from qa import QaError
from qa.types import Vectors


class CountingEmbedder:
    """Embeds a text as its length, and records the texts that it embedded."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    model = "counting/1"

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        return np.array([len(text), 1.0], dtype=np.float32)


def item(name: str, gold: list[str], answers: list[str], as_of: str | None = "2022-06-10") -> dict[str, Any]:
    return {"id": name, "question": f"{name}?", "answers": answers, "asof": as_of, "meta": {"gold_doc_ids": gold}}


def question(name: str, gold: str, *answers: str) -> PeerQuestion:
    return PeerQuestion(name, f"{name}?", "2022-06-10", ("goldlink",), (gold,), answers)


def found(articles: list[str], texts: list[str]) -> dict[str, Any]:
    return {"articles": articles, "texts": texts}


def wrote(replies: dict[str, Any]) -> dict[str, Any]:
    times = {"clock_ms": [2.0, 4.0], "processor_ms": [1.0, 3.0]}
    return {
        "replies": {"undated": replies, "dated": replies},
        "latency": {"undated": times, "dated": times},
        "ingest": {"embed_s": 9.0, "embed_cpu_s": 8.0, "rest_s": 2.0, "rest_cpu_s": 1.0},
        "chunks": 7,
        "refused": 0,
        "peak_mb": 100.0,
        "exact": [1, 2],
        "exact_everywhere": [0, 0],
        "versions": {},
    }


def test_a_question_of_two_sets_is_asked_once_with_what_both_say() -> None:
    """Gold articles and answers are merged; questions without a drawn gold article or a day are dropped."""
    sets = {
        "goldlink": [item("q1", ["a", "gone"], ["four"]), item("q2", ["gone"], ["five"])],
        "silver": [item("q1", ["b"], ["4", "four"]), item("q3", ["b"], ["six"], as_of=None)],
    }
    (only,) = merge(sets, frozenset("ab"))
    assert (only.id, only.sets, only.gold, only.answers) == ("q1", ("goldlink", "silver"), ("a", "b"), ("four", "4"))


def test_a_larger_draw_holds_the_smaller_one_and_the_order_of_names_does_not_matter() -> None:
    """The draw depends on the seed alone."""
    names = [f"article {number}" for number in range(20)]
    assert choose(names, 5, 1) == choose(reversed(names), 8, 1)[:5]
    assert choose(names, 5, 1) != choose(names, 5, 2)
    assert choose(names, -3, 1) == []


def test_every_gold_article_of_goldlink_is_drawn_and_others_fill_up(tmp_path: Path) -> None:
    """The number of articles is the requested one, and questions whose article was not drawn are dropped."""
    rows = {
        "realtimeqa_goldlink/items.jsonl": [item("q1", ["d3"], ["x"])],
        "realtimeqa_silver/items.jsonl": [item("q2", [f"d{number}"], ["y"]) for number in range(9)],
    }
    for name, items in rows.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in items), encoding="utf-8")
    (tmp_path / "realtimeqa_docs").mkdir()
    with gzip.open(tmp_path / "realtimeqa_docs" / "docs_2022.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": f"d{number}", "text": "…"}) + "\n" for number in range(9))
    drawn = draw(tmp_path, 4)
    ids = {row["id"] for row in drawn.articles}
    assert len(ids) == 4
    assert "d3" in ids
    assert all(set(row.gold) <= ids for row in drawn.questions)


def test_a_bench_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(QaError, match="cannot be read"):
        draw(tmp_path / "nowhere", 4)


def test_a_text_is_embedded_once_and_costs_the_same_in_the_next_run(tmp_path: Path) -> None:
    """The second run takes vectors and their cost from the file; a repeat in one call is embedded once."""
    texts = ["ä", "日本", "ä", "😀 e\u0301", "lone \ud800"]
    first = CountingEmbedder()
    kept = CachedEmbedder(first, tmp_path / "vectors.npz")
    vectors = kept.embed_texts(texts)
    kept.save()
    assert first.seen == ["ä", "日本", "😀 e\u0301", "lone \ud800"]
    assert vectors[:, 0].tolist() == [len(text) for text in texts]

    second = CountingEmbedder()
    later = CachedEmbedder(second, tmp_path / "vectors.npz")
    assert np.array_equal(later.embed_texts(texts), vectors)
    assert second.seen == []
    assert later.cost == pytest.approx(kept.cost)


def test_vectors_of_two_models_are_never_mixed(tmp_path: Path) -> None:
    """The file is named by the model."""
    embedder, other = CountingEmbedder(), CountingEmbedder()
    other.model = "counting/2"
    first = CachedEmbedder(embedder, tmp_path / "vectors.npz")
    first.embed_texts(["a"])
    first.save()
    CachedEmbedder(other, tmp_path / "vectors.npz").embed_texts(["a"])
    assert other.seen == ["a"]


def test_a_reply_keeps_ten_articles_and_the_first_characters() -> None:
    """An article counts once, at its best place; copies that were folded count where they were folded."""
    pieces = [Piece(("a", "copy"), "12345", 0, 5), Piece(("a",), "6789", 5, 9), Piece(("b",), "x", 0, 1)]
    assert reply(pieces, chars=7) == {"articles": ["a", "copy", "b"], "texts": ["12345", "67"]}
    many = [Piece((str(number),), "", None, None) for number in range(12)]
    assert reply(many)["articles"] == [str(number) for number in range(10)]


@pytest.mark.parametrize(
    ("piece", "exact"),
    [
        (Piece(("a",), "né 😀", 2, 6), True),
        (Piece(("a",), "né 😀", 1, 5), False),
        (Piece(("a",), "né 😀", None, None), False),
    ],
)
def test_a_citation_is_exact_only_where_its_offsets_give_its_words(piece: Piece, exact: bool) -> None:
    """A source without offsets proves nothing, even if the article contains its text."""
    assert is_exact(piece, "a né 😀\r\n") is exact


def test_a_day_becomes_a_number_that_grows() -> None:
    """Filters of vector stores compare numbers; the time of day does not count."""
    assert day_number("2022-06-09T23:59:00+02:00") < day_number("2022-06-10") == 20220610


def test_marks_by_hand() -> None:
    """The right article is third: a hit at 4 and 10, not at 1; the answer comes after the 1,600th character."""
    asked = [question("q", "c", "Minna Aho")]
    marks = mark_all({"q": found(["a", "b", "c"], ["x" * 1_600, "It was MINNA AHO."])}, asked)
    assert {metric: by_question["q"][0] for metric, by_question in marks.items()} == {
        "hits@1": 0.0,
        "hits@4": 1.0,
        "hits@10": 1.0,
        "MRR@10": 1 / 3,
        "answer@1600": 0.0,
        "answer@8000": 1.0,
    }
    assert rank_of(["a"], ["c"]) is None
    assert first_chars(["abc", "def"], 4) == ["abc", "d"]


def test_ours_is_compared_with_each_system_asked_in_the_same_way() -> None:
    """Ours ranks the article first in each of 20 questions, the peer second: ahead by exactly .5."""
    asked = [question(f"q{number}", f"gold {number}", "yes") for number in range(20)]
    ours = {question.id: found([question.gold[0]], ["yes"]) for question in asked}
    peer = {question.id: found(["other", question.gold[0]], ["no"]) for question in asked}
    lines = compare_all({OURS: wrote(ours), "haystack": wrote(peer)}, asked, ["goldlink"])
    assert [(line.mode, line.name, line.n) for line in lines] == [
        ("undated", OURS, 20),
        ("undated", "haystack", 20),
        ("dated", OURS, 20),
        ("dated", "haystack", 20),
    ]
    ahead = lines[1].ahead["MRR@10"]
    assert ahead is not None
    assert (ahead.base, ahead.new, ahead.low, ahead.high) == (0.5, 1.0, 0.5, 0.5)
    assert lines[0].ahead == {}

    words = tables(lines, costs({OURS: wrote(ours), "haystack": wrote(peer)}), str)
    assert "| haystack | 0.000 | 1.000 | 1.000 | 0.500 | 0.000 | 0.000 | +0.500 [+0.500, +0.500] |" in words
    assert "| haystack | 7 | 9.0 (8.0) | 2.0 (1.0) | 3 / 4 (2 / 3) | 3 / 4 (2 / 3) | 100 | 1 of 2 |" in words


def test_the_picture_is_well_formed_and_names_every_system() -> None:
    """A name with an ampersand does not break it; the same values give the same file."""
    asked = [question("q", "a", "yes")]
    results = {OURS: wrote({"q": found(["a"], ["yes"])}), "peer & co": wrote({"q": found(["b"], ["no"])})}
    lines = compare_all(results, asked, ["goldlink"])
    picture = draw_peers(lines, costs(results), str)
    assert picture == draw_peers(lines, costs(results), str)
    words = "".join(ElementTree.fromstring(picture).itertext())
    assert OURS in words
    assert "peer & co" in words


def test_a_system_that_is_not_known_and_an_environment_that_is_not_there_are_said(tmp_path: Path) -> None:
    """Before anything is read or run."""
    quiet = Console(quiet=True)
    with pytest.raises(QaError, match="no system 'elastic'"):
        run(Contest(tmp_path, tmp_path / "python", tmp_path, 1, 1, ("elastic",)), quiet)
    with pytest.raises(QaError, match="make bench-peers"):
        run(Contest(tmp_path, tmp_path / "python", tmp_path, 1, 1, ("haystack",)), quiet)


def test_names_are_told_apart() -> None:
    """Report files are named by them."""
    assert len(set(every_name())) == len(CONTESTANTS)


def test_a_whole_run_of_ours_in_its_own_process(tmp_path: Path) -> None:
    """Words only, over two articles: found, cited exactly, taken from the file the second time."""
    rows = [
        {"id": "a", "title": "Ferry", "text": "The ferry to Lowholm sails at 😀 nine.", "published_at": "2022-06-01"},
        {
            "id": "b",
            "title": "Bridge",
            "text": "The bridge at Marrowby is shut.\r\nIt is.",
            "published_at": "2022-06-02",
        },
    ]
    for name in ("goldlink", "silver"):
        (tmp_path / f"realtimeqa_{name}").mkdir()
        question_row = item("q1", ["b"], ["shut"]) | {"question": "Is the bridge at Marrowby open?"}
        (tmp_path / f"realtimeqa_{name}" / "items.jsonl").write_text(json.dumps(question_row) + "\n", encoding="utf-8")
    (tmp_path / "realtimeqa_docs").mkdir()
    with gzip.open(tmp_path / "realtimeqa_docs" / "docs_2022.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    contest = Contest(tmp_path, Path(sys.executable), tmp_path / "cache", 2, 1, ("ours-words",))
    first = json.loads(report(contest, tmp_path / "peers.svg", True, Console(quiet=True)))
    assert first["quality"][0]["values"]["hits@1"] == 1.0
    assert first["quality"][0]["values"]["answer@1600"] == 1.0
    cost = first["costs"]["ours-words"]
    assert cost["exact"] == cost["pieces"] > 0
    assert (tmp_path / "peers.svg").read_text(encoding="utf-8").startswith("<svg")
    assert json.loads(report(contest, None, True, Console(quiet=True))) == first
