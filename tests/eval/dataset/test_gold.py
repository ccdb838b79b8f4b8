import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval.dataset.format import MINIMUM, GoldQuestion, check, check_articles, load
from qa import Article, QaError, Span, read
from tests import ROOT

GOLD = ROOT / "eval" / "gold"

TEXTS = {
    "a": "😱 The bridge fell on Tuesday. Joaqui\u0301n hurt 14 people. Share this",
    "b": "Seventeen people were hurt.\n木が息をしていた。 The bridge fell on Tuesday.",
}
FURNITURE = {"a": [Span(55, 65)]}
PUBLISHED = {"a": "2026-03-04T18:00:00+01:00", "b": None}


def span(article_id: str, words: str) -> dict[str, Any]:
    start = TEXTS[article_id].index(words)
    return {"article_id": article_id, "start": start, "end": start + len(words), "text": words}


FELL = span("a", "The bridge fell on Tuesday.")
FELL_TOO = span("b", "The bridge fell on Tuesday.")
HURT = span("a", "Joaqui\u0301n hurt 14 people.")
HURT_MORE = span("b", "Seventeen people were hurt.")


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "q-1",
        "question": "When did the bridge fall?",
        "category": "factoid",
        "answers": ["on Tuesday"],
        "answerable": True,
        "as_of": "2026-03-05",
        "gold": [FELL],
        "notes": "",
    } | changes


def question(**changes: Any) -> GoldQuestion:
    return GoldQuestion.model_validate(row(**changes))


def faults(*questions: GoldQuestion, minimum: dict[str, int] | None = None) -> list[str]:
    return check(questions, TEXTS, furniture=FURNITURE, published=PUBLISHED, minimum=minimum)


UNANSWERABLE: dict[str, Any] = {"category": "unanswerable", "answerable": False, "answers": [], "gold": []}
SIDES: dict[str, Any] = {"category": "conflict", "answers": ["14", "17"], "gold": [HURT, HURT_MORE]}
CONFLICT = {"about": "people hurt", "values": ["14", ["17", "seventeen"]]}
TURNS = [{"role": "user", "content": "What fell?"}, {"role": "assistant", "content": "The bridge."}]


def test_the_sample_set_is_good() -> None:
    """The project's own questions have no fault against the sample articles, and each category has its minimum."""
    articles = [article for article in read([str(ROOT / "qa" / "sample")]) if isinstance(article, Article)]
    questions = load(GOLD)
    assert len(articles) == 24
    assert check_articles(questions, articles, MINIMUM) == []
    assert all(gold_question.as_of for gold_question in questions)


def test_the_readme_counts_the_sample_set() -> None:
    """The table of categories in the README has the counts of the file."""
    table = dict(re.findall(r"^\| (\w+|\*all\*) \| (\d+) \|", (GOLD / "README.md").read_text(encoding="utf-8"), re.M))
    questions = load(GOLD / "sample.jsonl")
    counts = {**Counter(gold_question.category for gold_question in questions), "*all*": len(questions)}
    assert {name: int(count) for name, count in table.items()} == counts


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"gold": [FELL, FELL_TOO], "gold_sets": [[0], [1]], "category": "reprint"},
        {"gold": [FELL, HURT_MORE], "category": "several"},
        {"gold": [HURT], "answers": ["Joaquín"]},
        {"gold": [span("b", "木が息をしていた。")], "answers": ["木が息をしていた"]},
        {"gold": [HURT], "answers": ["3"], "notes": "computed: 17 - 14"},
        SIDES | {"conflict": CONFLICT},
        UNANSWERABLE | {"wrong_answers": ["on Tuesday"]},
        {"category": "follow_up", "history": TURNS},
        {"category": "furniture", "gold": [span("a", "Share this")], "answers": ["share this"]},
        {"as_of": None},
    ],
)
def test_a_good_question_has_no_fault(good: dict[str, Any]) -> None:
    """Alternative sets, conflicts, computed answers, other Unicode forms and other scripts all pass."""
    assert faults(question(**good)) == []


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ({"gold": [FELL | {"article_id": "c"}]}, "gold 0 (c 2-29): no such article"),
        ({"gold": [FELL | {"end": 99}]}, "gold 0 (a 2-99): empty or outside the article, which ends at 65"),
        ({"gold": [FELL | {"end": 2}]}, "gold 0 (a 2-2): empty or outside the article, which ends at 65"),
        ({"gold": [FELL | {"start": 3}]}, "gold 0 (a 3-29): the article says 'he bridge fell on Tuesday.' there"),
        ({"gold": [span("a", " The bridge fell on Tuesday.")]}, "gold 0 (a 1-29): blank at an end"),
        ({"gold": [span("a", "Share this")], "answers": ["share"]}, "gold 0 (a 55-65): in the page's furniture"),
        (
            {"as_of": "2026-03-03"},
            "gold 0 (a 2-29): published 2026-03-04, after the question was asked (2026-03-03)",
        ),
        ({"gold": [FELL, FELL]}, "gold span a 2-29 stands 2 times"),
        ({"gold_sets": [[0], []]}, "gold set 1 is empty"),
        ({"gold_sets": [[0, 0]]}, "gold set 0 names a span twice"),
        ({"gold_sets": [[0, 1]]}, "gold set 0 names span 1 of 1"),
        ({"gold_sets": [[-1], [0]]}, "gold set 0 names span -1 of 1"),
        ({"gold": [FELL, FELL_TOO], "gold_sets": [[0, 1], [1, 0]]}, "two gold sets are the same"),
        ({"gold": [FELL, FELL_TOO], "gold_sets": [[0]]}, "no gold set uses span 1"),
        ({"answers": []}, "answerable, but has no answers"),
        ({"gold": []}, "answerable, but has no gold"),
        ({"answers": ["Tues"]}, "no answer stands in gold set 0"),
        ({"gold": [FELL, HURT], "gold_sets": [[0], [1]]}, "no answer stands in gold set 1"),
        (UNANSWERABLE | {"answers": ["14"]}, "unanswerable, but has answers"),
        (UNANSWERABLE | {"gold": [FELL]}, "unanswerable, but has gold"),
        (UNANSWERABLE | {"conflict": CONFLICT}, "unanswerable, but has conflict"),
        ({"category": "unanswerable"}, "in the category unanswerable, but answerable"),
        ({"wrong_answers": ["ON  Tuesday"]}, "wrong answer 'ON  Tuesday' stands in the right answer 'on Tuesday'"),
        ({"wrong_answers": ["Tuesday"]}, "wrong answer 'Tuesday' stands in the right answer 'on Tuesday'"),
        ({"wrong_answers": ["bridge fell"]}, "wrong answer 'bridge fell' stands in a gold span"),
        (
            SIDES | {"conflict": CONFLICT, "answers": ["both"], "wrong_answers": ["Seventeen"]},
            "wrong answer 'Seventeen' stands in the right answer 'seventeen'",
        ),
        (SIDES, "in the category conflict, but has no conflict"),
        (
            SIDES | {"conflict": {"about": "people hurt", "values": ["14", "4"]}},
            "the conflict's values do not stand in distinct spans of gold set 0",
        ),
        (
            SIDES | {"conflict": {"about": "people hurt", "values": ["14", "14 people"]}, "gold": [HURT]},
            "the conflict's values do not stand in distinct spans of gold set 0",
        ),
        (
            SIDES | {"conflict": {"about": "people hurt", "values": ["14", ["seventeen", "14."]]}},
            "conflict values '14' and 'seventeen' are the same",
        ),
        ({"category": "follow_up"}, "a follow-up without history"),
        ({"category": "follow_up", "history": TURNS[:1]}, "the history does not end with the assistant"),
        ({"category": "several"}, "in the category several, but one article is enough"),
        ({"category": "reprint"}, "in the category reprint, but no gold set is in another article"),
    ],
)
def test_each_fault_of_a_question_is_found(bad: dict[str, Any], fault: str) -> None:
    """Each planted fault is reported with the id of the question."""
    assert f"q-1: {fault}" in faults(question(**bad))


def test_faults_of_all_questions_are_named_at_once() -> None:
    """A faulty question hides neither the next one nor its own other faults."""
    found = faults(
        question(gold=[FELL | {"end": 99}, HURT | {"article_id": "c"}], category="follow_up"),
        question(id="q-2", question="Who was hurt?", answers=[]),
    )
    assert [fault.split(" (")[0] for fault in found] == [
        "q-1: gold 0",
        "q-1: gold 1",
        "q-1: a follow-up without history",
        "q-2: answerable, but has no answers",
        "q-2: no answer stands in gold set 0",
    ]


def test_one_question_is_asked_once() -> None:
    """Questions with the same words, day and history are duplicates; an id is used once."""
    first = question()
    same = question(id="q-2", question="when did the bridge fall")
    assert faults(first, same) == ["q-2: nearly the same question as q-1"]
    assert faults(first, question(id="q-2", as_of="2026-03-06")) == []
    assert faults(first, question(id="q-2", category="follow_up", history=TURNS)) == []
    assert faults(first, question(question="Who was under it?")) == ["q-1: 2 questions have this id"]


def test_categories_are_counted_against_the_minimum() -> None:
    """With a minimum, too few questions in a category or in total and an unknown category are faults."""
    assert faults(question(), minimum={"factoid": 1, "*": 1}) == []
    assert faults(question(), minimum={"number": 2, "*": 3}) == [
        "no such category: factoid",
        "0 questions in number, at least 2 are needed",
        "1 questions, at least 3 are needed",
    ]


def test_a_file_or_a_folder_is_loaded(tmp_path: Path) -> None:
    """Files are read in order of name; a byte order mark, CRLF, blank lines and U+2028 in strings are accepted."""
    odd = row(id="q-2", question="When\u2028did it fall? 😱")
    (tmp_path / "b.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps(row()).encode() + b"\r\n\r\n")
    (tmp_path / "a.jsonl").write_text(json.dumps(odd, ensure_ascii=False), encoding="utf-8")
    (tmp_path / "README.md").write_text("no question", encoding="utf-8")
    assert [loaded.id for loaded in load(tmp_path)] == ["q-2", "q-1"]
    assert load(tmp_path / "b.jsonl") == [question()]


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    """The error has the file and line of every fault in all files."""
    lines = [
        json.dumps(row()),
        "{",
        json.dumps(row(answerable="yes", as_of="2026-3-5", kind="odd")),
        json.dumps(row(conflict={"about": "x", "values": ["1"]}, history=[{"role": "system", "content": "x"}])),
        json.dumps(row(gold=[FELL | {"start": True}], answers=[" "])),
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "b.jsonl").write_bytes(b"\xff")
    with pytest.raises(QaError) as caught:
        load(tmp_path)
    named = [re.sub(r".*/", "", line).split(": ")[:2] for line in str(caught.value).split("\n")]
    assert [parts[0] for parts in named] == [
        "a.jsonl:2",
        *["a.jsonl:3"] * 3,
        *["a.jsonl:4"] * 2,
        *["a.jsonl:5"] * 2,
        "b.jsonl",
    ]
    assert {parts[1] for parts in named[1:8]} == {
        "answerable", "as_of", "kind", "conflict.values", "history.0.role", "answers.0", "gold.0.start",
    }  # fmt: skip


def test_nothing_to_ask_is_an_error(tmp_path: Path) -> None:
    """An empty folder, an empty file and a missing file are errors, not an empty set."""
    (tmp_path / "a.jsonl").write_text("\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for name in ("a.jsonl", "empty", "none.jsonl"):
        with pytest.raises(QaError, match=name):
            load(tmp_path / name)


def test_alternatives_are_sets_of_spans() -> None:
    """Without `gold_sets` all spans are needed together; with it each set is sufficient."""
    both = question(gold=[FELL, FELL_TOO])
    assert [[gold.article_id for gold in spans] for spans in both.alternatives()] == [["a", "b"]]
    either = question(gold=[FELL, FELL_TOO], gold_sets=[[0], [1]])
    assert [[gold.article_id for gold in spans] for spans in either.alternatives()] == [["a"], ["b"]]
    assert question(**UNANSWERABLE).alternatives() == []
