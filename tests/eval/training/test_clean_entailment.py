"""The entailment set is read without rows that are barred, broken, contradictory or known from dev."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval.training.clean_entailment import EntailmentRow, read_entailment, targets

EVIDENCE = "The old harbour bridge opened in 1990 and the tunnel in 1994."


def raw(statement: str, label: int = 1, source: str = "fever", **more: Any) -> dict[str, Any]:
    return {
        "id": statement, "source": source, "licence": "CC BY-SA 4.0", "evidence": EVIDENCE, "statement": statement,
        "label": label, "kind": "claim", "doc": "d1",
    } | more  # fmt: skip


def read(
    folder: Path, train: list[dict[str, Any]], dev: list[dict[str, Any]] | None = None
) -> tuple[list[EntailmentRow], list[EntailmentRow], Counter[str]]:
    for name, rows in (("train", train), ("dev", dev or [])):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows)
    return read_entailment(folder)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("qa2d-squadshifts-new_wiki", "no licence file: squadshifts"),
        ("AMBER lingnli", "no licence file: amber"),
        ("LingNLI", "no licence file: lingnli"),
        ("qa2d-multispanqa-valid", "no licence stated: multispanqa"),
        ("qa2d-timeqa-human-train", "broken source: qa2d-timeqa"),
        ("propsegment", "broken source: propsegment"),
    ],
)
def test_a_barred_source_is_left_out(tmp_path: Path, source: str, why: str) -> None:
    """The reason is counted, in train and in dev."""
    row, other = raw("The bridge opened.", source=source), raw("The tunnel opened.", evidence="The tunnel opened.")
    assert read(tmp_path, [row, other])[0][0].statement == "The tunnel opened."
    train, dev, removed = read(tmp_path, [row], [row | {"evidence": "Another bridge opened."}])
    assert (train, dev, removed) == ([], [], Counter({why: 1, f"dev: {why}": 1}))


def test_nothing_of_dev_is_in_train(tmp_path: Path) -> None:
    """Evidence is the same whatever its case and blanks, also where dev itself leaves the row out."""
    leaked = raw("The bridge opened.", evidence="the  OLD harbour bridge opened in 1990 and the tunnel in 1994.\n")
    near = raw("The bridge opened.", evidence=EVIDENCE.replace("1994", "1995"))
    train, dev, removed = read(tmp_path, [leaked, near], [raw("It opened.", source="propsegment")])
    assert [row.evidence for row in train] == [near["evidence"]]
    assert dev == []
    assert removed["evidence stands in dev"] == 1


def test_a_pair_is_read_once_and_with_one_label(tmp_path: Path) -> None:
    """A pair that is there again is a duplicate; one with both labels is left out wholly."""
    rows = [raw("It opened in 1990."), raw("it opened in  1990."), raw("It shut."), raw("It shut.", 0)]
    train, _, removed = read(tmp_path, rows)
    assert [row.statement for row in train] == ["It opened in 1990."]
    assert removed == Counter({"duplicate": 1, "both labels": 2})


@pytest.mark.parametrize(
    ("kind", "label", "expected"),
    [
        ("negation-drop", True, (True, True)),
        ("adds-neighbour", False, (False, True)),
        ("qa-wrong-sentence", False, (False, None)),
        ("modality-drop:plans", False, (True, False)),
        ("bound-in", False, (True, False)),
        ("bound-other", False, (None, False)),
        ("frame-false:plan", False, (True, False)),
        ("frame-other", False, (None, False)),
        ("negation-or-hedge-added", False, (None, False)),
        ("claim", False, (None, None)),
    ],
)
def test_what_a_kind_says(tmp_path: Path, kind: str, label: bool, expected: tuple[bool | None, bool | None]) -> None:
    """A supported statement is covered and faithful; of another the kind may tell which it is not."""
    assert targets(kind, label) == expected
    ((row,), _, _) = read(tmp_path, [raw("It opened in 1990.", int(label), kind=kind)])
    assert (row.covered, row.faithful) == expected


@pytest.mark.parametrize(
    ("why", "row", "near"),
    [
        (
            "synthetic: misplaced bound",
            raw("Their at least two sons came.", 0, "synth-wiki", kind="bound-in"),
            "They have at least two sons there.",
        ),
        (
            "synthetic: fragment",
            raw("He said that, they came.", 1, "synth-wiki", kind="drop"),
            "He said that they came.",
        ),
        (
            "synthetic: word sense",
            raw("They discovered out of it.", 1, "synth-wiki", kind="synonym"),
            "They discovered it.",
        ),
        (
            "qa: turned badly",
            raw("The bridge did open in 1990.", 0, "qa2d-squad1.1-dev"),
            "The bridge did not open in 1990.",
        ),
        (
            "qa: right answer says more",
            raw("The bridge opened in 1991.", 1, "qa2d-squad1.1-dev"),
            "The bridge opened in 1990.",
        ),
        ("wikisplit: fragment", raw("which opened in 1990.", 0, "wikisplit"), "The bridge opened in 1990."),
        ("conjnli: garbled year", raw("The bridge opened in 19901.", 0, "conjnli"), "The bridge opened in 1991."),
    ],
)
def test_a_broken_statement_is_left_out(tmp_path: Path, why: str, row: dict[str, Any], near: str) -> None:
    """Its rule is counted; a like statement of the same source is kept."""
    train, _, removed = read(tmp_path, [row, row | {"statement": near}])
    assert [each.statement for each in train] == [near]
    assert removed == Counter({why: 1})


@pytest.mark.parametrize(
    ("span", "is_kept"), [("1994", True), ("October", False), ("12,000", False), ("1990 or 1994", False)]
)
def test_a_wrong_span_is_of_the_answers_kind(tmp_path: Path, span: str, is_kept: bool) -> None:
    """A year for a year is kept; without the right answer's row nothing shows what was asked for."""
    source = "qa2d-squad1.1-dev"
    right = raw("The bridge opened in 1990.", 1, source, id="q:1", kind="qa-right")
    wrong = raw(f"The bridge opened in {span}.", 0, source, id="q:2", kind="qa-other-span")
    assert len(read(tmp_path, [right, wrong])[0]) == 1 + is_kept
    assert read(tmp_path, [wrong])[2] == Counter({"qa: other span is of another kind": 1})


def test_the_tilde_of_help_is_a_space(tmp_path: Path) -> None:
    """HELP ties words with it; elsewhere it is a character of the text."""
    rows = [raw("Each~other met.", source="help"), raw("It cost ~5 pounds.")]
    assert [row.statement for row in read(tmp_path, rows)[0]] == ["Each other met.", "It cost ~5 pounds."]
