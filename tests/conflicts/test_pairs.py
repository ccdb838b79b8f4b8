"""Invented pairs of articles that conflict, and some that only seem to: labels in tests/data/conflict_pairs.json."""

import pytest

from eval.bench.verification.conflicts import pair_marks
from qa.conflicts.synonyms import holds, opposed
from qa.conflicts.target import find_target
from qa.library import Library
from qa.query.analysis import analyse
from qa.settings import Settings
from qa.text.stemming import stems


def test_pairs_keep_their_accuracy(tmp_path):
    """10 of 12 that differ were found when docs/conflicts.md was written, and none of the 8 that only seem to."""
    with Library(Settings(data_dir=tmp_path / "data", embed_model="none")) as library:
        marks = pair_marks(library)
    right = [mark.reported == mark.kind for mark in marks if mark.kind != "none"]
    assert (len(marks), len(right)) == (20, 12)
    assert sum(right) >= 10
    assert [mark for mark in marks if mark.kind == "none" and mark.reported != "none"] == []
    assert sum(mark.strange for mark in marks) == 0


@pytest.mark.parametrize(
    ("question", "verb"),
    [
        ("When did Thessel Water issue the notice?", "issue"),
        ("When did the company issue the notice?", "issue"),
        ("When did the bridge fall?", "fall"),
        ("How many people will the Kestrel plant employ?", "employ"),
        ("How many people were hurt in Velmark?", "hurt"),
        ("How many people used the ferry on its first day?", "use"),
        ("What is the number of injured?", "injured"),
        ("When does Arvin now say the Kestrel mill will open?", "open"),
        ("On what date could people in Velmark drink water?", "drink"),
    ],
)
def test_the_verb_of_a_question_is_found(question, verb):
    """It is after a name, before an object, or at the end."""
    found = find_target(analyse(question))
    assert found is not None
    assert [found.verb] == stems(verb)


def test_forms_of_a_verb_are_one_and_gain_is_not_loss():
    """Forms that no stemmer unites are listed; jobs created are not jobs lost."""
    assert holds(set(stems("broke")), stems("break")[0])
    assert not holds(set(stems("mended")), stems("break")[0])
    assert opposed(set(stems("jobs went")), set(stems("create jobs")))
    assert not opposed(set(stems("jobs lost")), set(stems("jobs cut")))
