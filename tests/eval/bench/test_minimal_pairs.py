"""The grammar of minimal pairs: what a kind needs so that its figures mean something."""

import json
from collections import Counter
from statistics import fmean

import pytest

from eval.bench.verification.minimal_pairs import KINDS, GrammarPair, pairs
from eval.bench.verification.minimal_pairs.__main__ import judge_all, summarise, write
from qa.text.stemming import stems

ALL = list(pairs(7))
BY_KIND = {kind: [pair for pair in ALL if pair.kind == kind] for kind in KINDS}


def overlap(statement, evidence):
    """Return the share of the statement's words that the evidence has."""
    cited = set(stems(" ".join(evidence)))
    own = stems(statement)
    return sum(stem in cited for stem in own) / len(own)


def test_the_same_seed_gives_the_same_pairs():
    """Figures of two days can be compared."""
    assert list(pairs(7)) == ALL
    assert list(pairs(8)) != ALL


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_six_forms_of_forty_pairs(kind):
    """No figure is of one form or a few words."""
    counts = Counter(pair.form for pair in BY_KIND[kind])
    assert len(counts) >= 6
    assert min(counts.values()) >= 40


@pytest.mark.parametrize("kind", KINDS)
def test_the_halves_share_neither_form_nor_entry(kind):
    """What is learnt on one half is measured on words and forms that it does not have."""
    forms = {half: {pair.form for pair in BY_KIND[kind] if pair.half == half} for half in ("train", "report")}
    assert not forms["train"] & forms["report"]
    evidence = {half: {pair.evidence for pair in BY_KIND[kind] if pair.half == half} for half in ("train", "report")}
    assert not evidence["train"] & evidence["report"]


def test_the_halves_share_no_names():
    """Every third name, place and agency is only in `report`."""
    names = {
        half: {
            word.strip(".,()'s—“”;")
            for pair in ALL
            if pair.half == half
            for sentence in pair.evidence
            for word in sentence.split()[1:]
            if word[:1].isupper()
        }
        for half in ("train", "report")
    }
    assert names["train"] & names["report"] <= {"A", "The", "Instead", "In", "For", "During", "Rather", "Roman"}


@pytest.mark.parametrize("kind", KINDS)
def test_words_alone_do_not_tell_the_twins_apart(kind):
    """Both have the words of the evidence, and are alike in length."""
    chosen = BY_KIND[kind]
    difference = fmean(overlap(pair.false, pair.evidence) - overlap(pair.true, pair.evidence) for pair in chosen)
    assert abs(difference) < 0.05
    assert abs(fmean(len(pair.false.split()) - len(pair.true.split()) for pair in chosen)) < 2


@pytest.mark.parametrize("pair", ALL[:: len(ALL) // 200])
def test_no_statement_is_the_evidence_or_its_twin(pair):
    """Each is a sentence of its own, with capital and full stop, without a gap."""
    assert pair.false != pair.true
    for statement in (pair.false, pair.true):
        assert statement not in pair.evidence
        assert statement[0].isupper() and statement.endswith(".") and not statement.endswith("..")
    for sentence in (*pair.evidence, pair.false, pair.true):
        assert "  " not in sentence and "{" not in sentence and " ," not in sentence


def test_the_twins_of_every_pair_differ():
    """Over all, not only in a draw."""
    assert all(pair.false != pair.true for pair in ALL)
    assert not any(pair.true in pair.evidence or pair.false in pair.evidence for pair in ALL)


def test_what_is_written_can_be_read_for_training(tmp_path):
    """One object a line: the kind, the evidence as one text, the statements."""
    path = tmp_path / "train.jsonl"
    assert write(path, BY_KIND["and_or"][:3]) == 3
    row = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    pair = BY_KIND["and_or"][0]
    assert row == {"kind": "and_or", "evidence": pair.evidence[0], "false": pair.false, "true": pair.true}


def test_a_kind_is_counted_by_verdict():
    """A false statement that passes is counted apart from one that is partial."""
    chosen = [
        GrammarPair("and_or", "plain", "train", ("Ida sang and Bo ate.",), "Ida sang, Bo ate.", "Ida sang."),
        GrammarPair("last_next", "plain", "train", ("Ida sang.",), "Bo sang.", "Ida sang."),
    ]
    marks = [("partial", "supported"), ("supported", "unsupported")]
    summary = summarise(chosen, marks)
    assert summary["and_or"] == {"n": 1, "false supported": 0, "false partial": 1, "true supported": 1}
    assert summary["all"] == {"n": 2, "false supported": 1, "false partial": 1, "true supported": 1}
    assert judge_all(chosen[1:], rules_only=True) == [("unsupported", "supported")]
