"""The hand-written training data can be read, and a bad row is an error that names its place."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval.training.data import load_pairs, load_questions
from qa import QaError

PAIR = {
    "group": "g1", "kind": "plan_as_done", "outlet": None, "date": None, "title": None, "before": None,
    "evidence": "The council plans to close the ferry.", "after": None,
    "statement": "The council plans to close the ferry line.", "covered": True, "faithful": True,
}  # fmt: skip
FALSE = PAIR | {"statement": "The council closed the ferry.", "faithful": False}
QUESTION = {
    "id": "q1", "kind": "year", "outlet": None, "date": "2026-05-04", "title": None,
    "sentences": ["The ferry opened in 2024. 😀", "It closed in 2025.", "Nobody cheered."],
    "question": "when did it close", "answerable": True, "right": [1], "answer": "2025", "neighbours": [0],
    "language_of_question": "en",
}  # fmt: skip


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_pairs_are_minimal_and_many() -> None:
    """Every group has a true and a false statement about one evidence; no evidence is in two groups."""
    pairs = load_pairs()
    assert len({pair.evidence for pair in pairs}) == len({pair.group for pair in pairs})
    assert len(Counter(pair.kind for pair in pairs)) == 17
    share = sum(pair.is_supported for pair in pairs) / len(pairs)
    assert 0.3 < share < 0.7


def test_the_questions_have_neighbours() -> None:
    """Each kind is there; some questions have neighbours only and no answer."""
    questions = load_questions()
    assert len(Counter(question.kind for question in questions)) == 13
    share = sum(question.answerable for question in questions) / len(questions)
    assert 0.5 < share < 0.9


def test_nothing_of_the_gold_set_is_trained_on() -> None:
    """No sentence of the sample articles is in the training data: the gate would measure what was learned by heart."""
    from qa import read, sample_articles, split_sentences

    gold = {
        span.slice(article.text).strip()
        for article in read(sample_articles())
        if hasattr(article, "text")
        for span in split_sentences(article.text)
    }
    trained = {pair.evidence for pair in load_pairs()} | {
        sentence for question in load_questions() for sentence in question.sentences
    }
    assert not gold & trained


def test_a_line_ends_where_json_lines_end(tmp_path: Path) -> None:
    """A line separator of Unicode inside a text is no end of the row."""
    odd = {"evidence": "The council plans\u2028to close the ferry. 😀"}
    assert [pair.evidence for pair in load_pairs(written(tmp_path / "pairs.jsonl", PAIR | odd, FALSE | odd))] == [
        odd["evidence"]
    ] * 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((PAIR,), "group g1 needs a true and a false statement"),
        ((PAIR, PAIR | {"faithful": False}), "group g1 has a statement twice"),
        ((PAIR, FALSE | {"evidence": "The council met on Monday evening."}), "group g1 has several evidences"),
        ((PAIR, FALSE | {"kind": "magic"}), r"pairs\.jsonl:2: kind: "),
        ((PAIR, FALSE | {"date": "yesterday"}), r"pairs\.jsonl:2: date: "),
        ((PAIR, FALSE | {"note": "x"}), r"pairs\.jsonl:2: note: "),
    ],
)
def test_a_bad_pair_is_named(tmp_path: Path, rows: tuple[dict[str, Any], ...], message: str) -> None:
    """The file, and the line or the group."""
    with pytest.raises(QaError, match=message):
        load_pairs(written(tmp_path / "pairs.jsonl", *rows))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"right": [3]}, "a place is outside of the 3 sentences"),
        ({"neighbours": [1]}, "a sentence is right and a neighbour"),
        ({"answerable": False}, "contradict each other"),
        ({"answer": "in 2026"}, "the answer 'in 2026' is not in the first right sentence"),
        ({"neighbours": []}, "neighbours"),
    ],
)
def test_a_bad_question_is_named(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    """The file, the line and what is wrong."""
    with pytest.raises(QaError, match=rf"questions\.jsonl:2: .*{message}"):
        load_questions(written(tmp_path / "questions.jsonl", QUESTION, QUESTION | {"id": "q2"} | changed))
    with pytest.raises(QaError, match="q1 is there twice"):
        load_questions(written(tmp_path / "questions.jsonl", QUESTION, QUESTION))
