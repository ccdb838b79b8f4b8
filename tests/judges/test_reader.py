"""The reader tells the sentence that answers from its neighbours, and its short answers are exact stretches of text."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from qa.errors import JudgeFailed
from qa.judges.network import FOLDER
from qa.judges.reader import SHA256, MiniLMReader
from qa.types import Passage
from tests import ROOT


@pytest.fixture(scope="module")
def reader() -> MiniLMReader:
    return MiniLMReader(threads=1)


@pytest.mark.parametrize(
    ("question", "right", "answer", "neighbours"),
    [
        (
            "Who won the mayoral election in Tarrow?",
            "Ingrid Solberg won the mayoral election in Tarrow with 52 per cent of the vote.",
            "Ingrid Solberg",
            ["The mayoral election in Tarrow was held on Sunday.", "Nobody has won an election in Tarrow so narrowly."],
        ),
        (
            "When does the Elm Street bridge open again?",
            "The Elm Street bridge will open again on 3 May, the council said.",
            "3 May",
            ["The Elm Street bridge is 90 metres long.", "When the bridge opens again has been asked many times."],
        ),
        (
            "How many people were hurt in the fire?",
            "Seven people were hurt in the fire, two of them badly.",
            "Seven",
            ["The fire broke out at 4 a.m.", "People in the street said the fire was frightening."],
        ),
        (
            "Where did the ferry run aground?",
            "The ferry ran aground near Oslo on Tuesday night.",
            "Oslo",
            ["The ferry company has owned the ship since 1999.", "Why the ferry ran aground is not known."],
        ),
    ],
)
def test_the_sentence_that_answers_is_first(
    reader: MiniLMReader, question: str, right: str, answer: str, neighbours: list[str]
) -> None:
    readings = reader.read(question, [*(Passage(text) for text in neighbours), Passage(right)])
    assert max(readings, key=lambda reading: reading.logit) is readings[-1]
    assert answer in right[readings[-1].start : readings[-1].end]


def test_a_reading_does_not_depend_on_the_others_or_on_the_cache(reader: MiniLMReader) -> None:
    passages = [Passage("The mill closed in 1998."), Passage("It employed 40 people, 🏭 most of them local.")]
    together = reader.read("When did the mill close?", passages)
    assert MiniLMReader(threads=2).read("When did the mill close?", passages[1:]) == together[1:]
    assert reader.read("When did the mill close?", [*passages, *passages]) == together * 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "🎉🎉🎉",
        "Zoe\u0301 Nu\u0308rnberg won, Zoe\u0301 said.\r\nZoe\u0301 won.",
        "a\ud800b",
        "word " * 400,
        "一二三。",
        "\u200b\u200b",
    ],
)
def test_a_short_answer_is_a_stretch_of_the_text(reader: MiniLMReader, text: str) -> None:
    (reading,) = reader.read("Who won?", [Passage(text, "Title 🎉")])
    assert 0 <= reading.start <= reading.end <= len(text)
    assert 0.0 <= reading.share <= 1.0


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80), st.text(max_size=300))
def test_any_question_and_any_text_can_be_read(question: str, text: str) -> None:
    (reading,) = _shared().read(question, [Passage(text)])
    assert 0 <= reading.start <= reading.end <= len(text)


_reader: list[MiniLMReader] = []


def _shared() -> MiniLMReader:
    if not _reader:
        _reader.append(MiniLMReader(threads=1))
    return _reader[0]


def test_an_absent_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(JudgeFailed, match=r"reader\.safetensors: is not there"):
        MiniLMReader(folder=tmp_path)
    whole = (FOLDER / "reader.safetensors").read_bytes()
    path = tmp_path / "reader.safetensors"
    for damaged, sha256, named in (
        (whole[:1000], None, "not a readable safetensors file"),
        (whole[:-1] + bytes([whole[-1] ^ 1]), SHA256, "expected SHA-256"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(JudgeFailed, match=named):
            MiniLMReader(folder=tmp_path, sha256=sha256).read("Who won?", [Passage("Ana won.")])


def test_the_shipped_file_is_the_recorded_one() -> None:
    raw = (FOLDER / "reader.safetensors").read_bytes()
    assert hashlib.sha256(raw).hexdigest() == SHA256
    assert SHA256 in (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
