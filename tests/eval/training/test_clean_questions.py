"""Each rule of the question set takes the row that it is about and leaves the one beside it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval.training.clean_questions import QuestionRow, QuestionRules, read_questions, read_raw, trim

OPENED = "The old harbour bridge opened to traffic in May 1990."


def raw(
    question: str, context: str, *answers: str, source: str = "squad1.1-dev", kind: str = "", **more: Any
) -> dict[str, Any]:
    """Return a row of the file; each answer starts where the context has it first."""
    return {
        "id": "", "group": f"{source}:{question}", "source": source, "question": question, "context": context,
        "answers": [{"text": answer, "start": context.index(answer)} for answer in answers],
        "answer_kind": "span", "kind": kind or ("positive" if answers else "bm25"), "title": "",
    } | more  # fmt: skip


def written(path: Path, *rows: dict[str, Any]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def read(path: Path, *rows: dict[str, Any]) -> list[QuestionRow]:
    return read_raw(written(path / "rows.jsonl.gz", *rows))


POSITIVES = [
    (
        "question: gives the answer",
        ("When was it opened? (Answer: May)", OPENED, "May 1990"),
        ("When was it opened?", OPENED, "May 1990"),
    ),
    (
        "context: fragment",
        ("What opened?", "The bridge opened early.", "bridge"),
        ("What opened?", "The bridge opened very early.", "bridge"),
    ),
    ("answer: cut word", ("What opened?", OPENED, "arbour bridge"), ("What opened?", OPENED, "harbour bridge")),
    ("answer: cut word", ("When did it open?", OPENED, "199"), ("When did it open?", OPENED, "1990")),
    (
        "answer: loose edge",
        ("What opened?", "The bridge (of steel) opened at last.", "bridge (of"),
        ("What opened?", "The bridge (of steel) opened at last.", "bridge (of steel)"),
    ),
    (
        "answer: only points",
        ("What opened?", "When all was done it opened.", "it"),
        ("What opened?", "When all was done it opened.", "all was done"),
    ),
    ("answer: whole context", ("What opened?", OPENED, OPENED[:-1]), ("What opened?", OPENED, OPENED[4:30])),
    (
        "answer: to yes or no",
        ("Did the bridge open?", OPENED, "in May 1990"),
        ("Did the bridge open in 1990 or 1991?", OPENED, "May 1990"),
    ),
    (
        "answer: no time",
        ("When did the bridge open?", OPENED, "to traffic"),
        ("When did the bridge open?", OPENED, "in May 1990"),
    ),
    (
        "answer: no quantity",
        ("How many came?", "The guests of the mayor came by ferry.", "guests"),
        ("How many came?", "Several guests of the mayor came by ferry.", "Several guests"),
    ),
    ("answer: number for a name", ("Who opened it?", OPENED, "1990"), ("What opened it?", OPENED, "1990")),
]


@pytest.mark.parametrize(("rule", "broken", "near"), POSITIVES)
def test_a_broken_answer_is_removed(tmp_path: Path, rule: str, broken: tuple[str, ...], near: tuple[str, ...]) -> None:
    """Of two rows that differ little the first is removed by its rule and the second by none."""
    rows = read(tmp_path, raw(*broken), raw(*near))
    assert [QuestionRules(rows).broken(row) for row in rows] == [rule, None]


SOURCES = [
    (
        "question: asks nothing",
        "qamr-dev+test",
        ("What kind of bridge?", OPENED, "harbour bridge"),
        ("What kind of harbour bridge opened?", OPENED, "old"),
    ),
    (
        "answer: repeats the question",
        "qamr-dev+test",
        ("What does the old bridge do?", OPENED, "bridge"),
        ("Was it a bridge or a harbour?", OPENED, "bridge"),
    ),
    (
        "qadiscourse: no cause in the context",
        "qadiscourse",
        ("What is the reason the bridge shut?", "Ice hit the bridge and the bridge shut.", "Ice hit the bridge"),
        ("What is the reason the bridge shut?", "The bridge shut because ice had hit it.", "because ice had hit it"),
    ),
    (
        "qadiscourse: result before its cause",
        "qadiscourse",
        (
            "What is the result of ice hitting the bridge?",
            "It was to be busy: the harbour was shut, then ice hit the bridge.",
            "harbour was shut",
        ),
        (
            "What is the result of ice hitting the bridge?",
            "Ice hit the bridge, so the harbour was shut.",
            "the harbour was shut",
        ),
    ),
    (
        "qadiscourse: bare noun",
        "qadiscourse",
        ("What is the reason the bridge shut?", "The bridge shut because of the ice.", "the ice"),
        ("What is the reason the bridge shut?", "The bridge shut because of the ice.", "because of the ice"),
    ),
    (
        "qadiscourse: no mark",
        "qadiscourse",
        ("In what manner did the bridge open?", "With flags and songs the bridge was opened.", "flags and songs"),
        ("In what manner did the bridge open?", "With flags and songs the bridge was opened.", "With flags and songs"),
    ),
    ("quotesum", "quotesum-dev", ("What opened in May?", OPENED, "bridge"), None),
]


@pytest.mark.parametrize(("rule", "source", "broken", "near"), SOURCES)
def test_a_rule_of_one_source(
    tmp_path: Path, rule: str, source: str, broken: tuple[str, ...], near: tuple[str, ...] | None
) -> None:
    """It removes a row of its source, leaves a near one and leaves the same row of another source."""
    rows = read(tmp_path, raw(*broken, source=source), raw(*(near or broken), source=source if near else "covid-qa"))
    rules = QuestionRules(rows)
    assert [rules.broken(row) for row in rows] == [rule, None]
    (elsewhere,) = read(tmp_path, raw(*broken, source="covid-qa"))
    assert rules.broken(elsewhere) is None


def test_an_answer_that_is_not_where_it_is_said_to_be(tmp_path: Path) -> None:
    """The context's stretch at `start` must be the answer."""
    rows = read(tmp_path, raw("What opened?", OPENED, answers=[{"text": "bridge", "start": 3}], kind="positive"))
    assert QuestionRules(rows).broken(rows[0]) == "answer: misplaced"


@pytest.mark.parametrize(
    ("source", "answers", "rule"),
    [
        ("squad1.1-dev", ("harbour", "May 1990"), "answers: disagree"),
        ("squad1.1-dev", ("harbour", "old harbour bridge"), None),
        ("squad1.1-dev", ("old harbour", "harbour bridge", "May 1990"), None),
        ("qamr-dev+test", ("old harbour", "harbour bridge", "May 1990"), "answers: disagree"),
        ("qamr-dev+test", ("old", "bridge", "old harbour bridge"), None),
        ("tydiqa-goldp-en", ("harbour", "May 1990"), None),
    ],
)
def test_annotators_that_disagree(tmp_path: Path, source: str, answers: tuple[str, ...], rule: str | None) -> None:
    """SQuAD's share no word between any two; QAMR's are not linked even through a third."""
    rows = read(tmp_path, raw("What opened across the water?", OPENED, *answers, source=source))
    assert QuestionRules(rows).broken(rows[0]) == rule


ASKED = raw("Who hit six sixes in an over?", "It was Ravi Shastri who hit six sixes.", "Ravi Shastri", title="Cricket")


@pytest.mark.parametrize(
    ("rule", "broken", "near"),
    [
        (
            "negative: holds the surname",
            {"context": "Later Shastri was made the captain."},
            {"context": "Later Ravi was made the captain."},
        ),
        (
            "negative: holds the surname",
            {"context": "Later Shastri was made the captain."},
            {"context": "Later Shastri was made the captain.", "kind": "human_unanswerable"},
        ),
        (
            "negative: holds the answer in other words",
            {"context": "The shastri called Ravi thanked them all."},
            {"context": "The one called Ravi thanked them all."},
        ),
        (
            "negative: its title is the answer",
            {"context": "He hit six sixes in an over.", "title": "Ravi Shastri (cricketer)"},
            {"context": "He hit six sixes in an over.", "title": "Ravi Jadeja"},
        ),
        (
            "negative: its title is the answer",
            {"context": "He hit six sixes in an over.", "title": "Ravi Shastri"},
            {"context": "He was born in the old town.", "title": "Ravi Shastri"},
        ),
        (
            "context: fragment",
            {"context": "The match was drawn and [..."},
            {"context": "The match was drawn and left."},
        ),
    ],
)
def test_a_negative_that_answers(tmp_path: Path, rule: str, broken: dict[str, Any], near: dict[str, Any]) -> None:
    """It is compared with what the positive row of its group answers."""
    rows = read(
        tmp_path, ASKED, *(ASKED | {"answers": [], "kind": "bm25", "title": ""} | each for each in (broken, near))
    )
    rules = QuestionRules(rows)
    assert [rules.broken(row) for row in rows] == [None, rule, None]


def test_a_negative_that_answers_another_group(tmp_path: Path) -> None:
    """The same question of two groups has two answers, and neither is a negative for the other."""
    question = "Which song was at the top?"
    first = raw(question, "At the top of it was Believe by Cher.", "Believe", group="nq-open:1")
    second = raw(question, "The song Genie in a Bottle was on top.", "Genie in a Bottle", group="nq-open:2")
    negative = raw(question, "Her song, genie in a bottle, sold well.", group="nq-open:1")
    near = raw(question, "Her song, genie in the bottle, sold well.", group="nq-open:1")
    rows = read(tmp_path, first, second, negative, near)
    rules = QuestionRules(rows)
    assert [rules.broken(row) for row in rows] == [None, None, "negative: answers another group", None]


def test_two_sets_of_rules_do_not_share_what_they_know(tmp_path: Path) -> None:
    """Rules know the answers of the rows that they were built from, and no others."""
    rows = read(tmp_path, ASKED, ASKED | {"context": "Later Shastri was made captain.", "answers": [], "kind": "bm25"})
    known, unknown = QuestionRules(rows), QuestionRules(rows[1:])
    assert known.broken(rows[1]) == "negative: holds the surname"
    assert unknown.broken(rows[1]) is None


@pytest.mark.parametrize("answer", [", May 1990. ", " ;\nMay 1990,", "May 1990"])
def test_trim_keeps_the_place(tmp_path: Path, answer: str) -> None:
    """The answer without stray edges is still what the context has at its start."""
    context = f"😀 It opened{answer}Nobody came."
    (row,) = read(tmp_path, raw("When?", context, answer))
    trimmed = trim(row).answers[0]
    assert context[trimmed.start : trimmed.end] == trimmed.text
    assert trimmed.text == answer.strip(" ,;:\n")


def test_an_answer_of_commas_stays(tmp_path: Path) -> None:
    """Nothing would be left of it; a rule removes it."""
    (row,) = read(tmp_path, raw("What is between them?", "One, two and three are numbers.", ", "))
    assert trim(row) == row


def test_what_has_no_licence_is_not_read(tmp_path: Path) -> None:
    """Rows whose question or context is of squadshifts are counted and left out, and their answers are not known."""
    barred = {"source": "squadshifts-new_wiki"}
    asked_by = {"group": "squadshifts-new_wiki:1"}
    path = written(tmp_path / "train.jsonl.gz", ASKED, ASKED | barred, ASKED | asked_by, ASKED | {"question": "Kind?"})
    rows, removed = read_questions(path)
    assert [row.question for row in rows] == [ASKED["question"], "Kind?"]
    assert removed == Counter({"without a licence": 2})
