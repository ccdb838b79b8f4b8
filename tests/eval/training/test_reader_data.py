"""The reader's rows: what is changed in a pass keeps its answers' places, and what must not answer does not."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

import pytest

from eval.training.reader_data import Candidate, Group, augment, our_groups, read_groups, shorten, yes_no_groups

NAMES = ["Marta", "Oslo", "Zed"]
SEEDS = range(1_500)


def answered(question: str, text: str, answer: str) -> Group:
    """Return a group of one sentence; the answer is the last place in the text that has its words."""
    start = text.rindex(answer)
    return Group("made-up", question, (Candidate(text, "", True, start, start + len(answer)),))


ANSWERED = [
    answered("Who opened the harbour bridge?", "In May Anna Berg opened the harbour bridge to traffic.", "Anna Berg"),
    answered("When did the bridge open?", "The old harbour bridge opened to traffic in May 1990.", "May 1990"),
    answered(
        "Where was it built?", "The bridge was built 👩‍👩‍👧 near the old Cafe\u0301 Nord, they said.", "Cafe\u0301 Nord"
    ),
    answered("How many people came?", "Some 300 people came by ferry, and 300 by train.", "300"),
]


@pytest.mark.parametrize("group", ANSWERED, ids=lambda group: group.question)
def test_a_spoiled_sentence_does_not_hold_the_answer(group: Group) -> None:
    """What is added to a group answers nothing, in every draw; where the answer is there twice, it is not tried."""
    (right,) = group.candidates
    answer = right.text[right.start : right.end]
    drawn = [augment(group, random.Random(seed), NAMES)[0] for seed in SEEDS]
    added = {candidate for changed in drawn for candidate in changed.candidates[1:]}
    assert all(changed.candidates[0] == right for changed in drawn)
    assert not any(candidate.right or candidate.start >= 0 for candidate in added)
    assert not any(answer.lower() in candidate.text.lower() for candidate in added)
    from_the_sentence = [candidate for candidate in added if right.text[:5] in candidate.text]
    assert bool(from_the_sentence) == (right.text.count(answer) == 1)


@pytest.mark.parametrize(
    "text",
    [
        "The bridge opened in 1990 and was closed in 1991, 1992 and 1994.",
        "In 1990, said Berg, the first bridge of Bergen was opened.",
    ],
)
def test_the_question_for_another_year_is_not_answered(text: str) -> None:
    """No year of the exchanged question is in the sentence, which is no longer right."""
    group = answered("Which first bridge of Bergen was opened in 1990?", text, "bridge")
    others = [changed[1] for seed in SEEDS if len(changed := augment(group, random.Random(seed), NAMES)) > 1]
    assert others
    for other in others:
        assert [(each.right, each.start, each.end) for each in other.candidates] == [(False, -1, -1)]
    years = {year for other in others for year in re.findall(r"\d{4}", other.question)} - {"1990"}
    assert len(years) > 3
    assert not any(year in text for year in years)
    # What keeps its year asks for another place or for the second, neither of which is in the sentence.
    same_year = [other.question for other in others if "1990" in other.question]
    assert all("Bergen" not in question or "first" not in question for question in same_year)


def test_a_word_is_not_exchanged_for_one_of_the_sentence() -> None:
    """Where first and last are both there, the question for the other one might be answered."""
    text = "The first bridge of Bergen was opened long before the last bridge of Oslo."
    group = answered("which is the first bridge?", text, "Oslo")
    assert all(len(augment(group, random.Random(seed), NAMES)) == 1 for seed in SEEDS)


LONG = (
    "The ferry closed in 1990 in Bergen. 😀 The ferry closed in 1990 in Oslo, they said!\r\n"
    "The cafe\u0301 of Zoe\u0308 opened in 1990, too. “Nobody came in 1990,” said Dr. Berg. The end came in 1991."
)


@pytest.mark.parametrize(
    ("answer", "number", "around"),
    [
        ("1990", 0, "Bergen"),
        ("1990", 1, "Oslo"),
        ("cafe\u0301 of Zoe\u0308", 0, "opened"),
        ("1990", 2, "Zoe\u0308"),
        ("1990", 3, "Nobody"),
        ("1991", 0, "end"),
    ],
)
def test_a_shortened_text_has_the_same_answer(answer: str, number: int, around: str) -> None:
    """The span holds the same words of the same sentence, not of the first that has them."""
    start = [match.start() for match in re.finditer(answer, LONG)][number]
    whole = Candidate(LONG, "Title", True, start, start + len(answer))
    short = [shorten(whole, "When?", random.Random(seed)) for seed in range(60)]
    assert all(each.text[each.start : each.end] == answer and each.title == "Title" for each in short)
    cut = {each for each in short if each != whole}
    assert len(cut) == 1 and whole in short
    assert all(around in each.text and len(each.text) < len(LONG) / 2 for each in cut)
    (sentence,) = cut
    assert LONG[start - sentence.start :].startswith(sentence.text)


def test_what_answers_nothing_is_shortened_to_the_likeliest_sentence() -> None:
    """It shares most words with the question; a right context without a span is left whole."""
    question = "who opened the cafe\u0301 of Zoe\u0308"
    wrong = Candidate(LONG, "", False)
    short = {shorten(wrong, question, random.Random(seed)).text for seed in range(60)}
    assert short - {LONG} == {"The cafe\u0301 of Zoe\u0308 opened in 1990, too."}
    right = Candidate(LONG, "", True)
    assert all(shorten(right, question, random.Random(seed)) == right for seed in range(60))


CLAIMS = [
    ("fever", "Bergen was the capital of Norway.", "Bergen was the capital of Norway until 1314, when Oslo became it."),
    ("fever", "The old ferry has two decks", "Of its two decks the old ferry shows only the upper one to guests."),
    ("fever", "Bergen grew quickly.", "Bergen, a capital of trade in Norway, grew and had many merchants."),
    ("fever", "Bergen " + "and Oslo " * 30 + "are towns.", "Both are towns by law."),
]


@pytest.mark.parametrize("seed", range(6))
def test_a_claim_becomes_a_question(seed: int) -> None:
    """The verb is first; what decides the claim answers, whether it is true or not, and the likest other text not."""
    groups = yes_no_groups(CLAIMS, seed)
    assert [group.question for group in groups] == [
        "Was Bergen the capital of Norway?",
        "Has The old ferry two decks?",
    ]
    for group, (source, _, evidence) in zip(groups, CLAIMS, strict=False):
        assert group.source == source
        assert [each.text for each in group.candidates if each.right] == [evidence]
        assert all(each.start == each.end == -1 and each.title == "" for each in group.candidates)
    assert {each.text for each in groups[0].candidates if not each.right} == {CLAIMS[2][2]}


def test_a_copy_of_the_evidence_is_not_held_against_it() -> None:
    """Evidence that shares half of its words with another's is no text that does not answer."""
    copy = ("fever", "Oslo is a town.", CLAIMS[0][2].replace("until", "before"))
    first = yes_no_groups([CLAIMS[0], copy], 1)[0]
    assert [each.right for each in first.candidates] == [True]


def test_groups_are_read_cleaned(tmp_path: Path) -> None:
    """The shortest answer without its stray comma; a group that loses its positive keeps its negatives."""
    context = "👍🏽 The bridge opened in May 1990, says the mayor."
    answers = [{"text": text, "start": context.index(text)} for text in ("in May 1990,", "May 1990,")]
    row = {
        "id": "", "group": "covid-qa:1", "source": "covid-qa", "question": "When did it open?", "context": context,
        "answers": answers, "answer_kind": "span", "kind": "positive", "title": "Bridges",
    }  # fmt: skip
    negative = {"context": "It was built by the town of Bergen.", "answers": [], "kind": "bm25", "title": ""}
    other = {"group": "covid-qa:2", "question": "How many came?"}
    sentence = {"group": "covid-qa:3", "answers": answers[:1], "answer_kind": "sentence"}
    rows = [row, row | negative, row | other, row | other | negative, row | sentence]
    with gzip.open(tmp_path / "dev.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(each) + "\n" for each in rows)
    groups, removed = read_groups(tmp_path, "dev")
    start = context.index("May")
    assert groups[0].candidates == (
        Candidate(context, "Bridges", True, start, start + len("May 1990")),
        Candidate("It was built by the town of Bergen.", "", False),
    )
    assert [each.right for each in groups[1].candidates] == [True, False]
    assert groups[2].candidates == (Candidate(context, "Bridges", True),)
    assert removed.total() == 0


def test_no_passage_is_trained_on_and_measured() -> None:
    """The hand-written questions are held out by passage, and each answer is where its candidate says."""
    train, held = our_groups(held_out=False), our_groups(held_out=True)
    texts = [{candidate.text for group in groups for candidate in group.candidates} for groups in (train, held)]
    assert not texts[0] & texts[1]
    assert len(held) * 3 < len(train)
    spans = [each.text[each.start : each.end] for group in held for each in group.candidates if each.start >= 0]
    assert spans and all(span.strip() for span in spans)
