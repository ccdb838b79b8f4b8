"""Short answers of several outlets: which exclude each other, and for which questions."""

from collections.abc import Sequence

import pytest

from eval.bench.verification.conflicts import short_answer_marks
from qa.conflicts.answer_identity import read_answer, relate
from qa.conflicts.find import Disagreement, find
from qa.conflicts.short_answers import LEAST_LOGIT, LEAST_SHARE
from qa.conflicts.single_answer import Asked, find_asked
from qa.indexes.tantivy_index import LexicalIndex
from qa.library import Library
from qa.query.analysis import analyse
from qa.retrieval.near_duplicates import collapse
from qa.retrieval.sentence_ranker import EvidenceRanker, Features, Ranked
from qa.settings import Settings
from qa.text.chunking import chunk
from qa.types import Evidence, Hit, Passage, Reading, Source, Span

MURAL = "Who painted the mural on the Lindgate pool?"
ILSE = "The mural on the Lindgate pool was painted by [Ilse Maas]."
BRAM = "[Bram Holt] painted the mural on the Lindgate pool."

Claim = tuple[str, str, str]  # the sentence with its short answer in brackets, the outlet, the day


def conflicts(
    question: str, *claims: Claim, logit: float = 4.0, share: float = 0.9, context: str = ""
) -> list[Disagreement]:
    """Return what is found when the reader finds the answers in brackets."""
    evidence, features = [], []
    for number, (marked, outlet, day) in enumerate(claims):
        start, end = marked.index("["), marked.index("]") - 1
        text = marked.replace("[", "").replace("]", "")
        source = Source(f"a{number}", 1, "0" * 64, None, outlet, None, day)
        evidence.append(Evidence(source, Span(0, len(text)), text, 1.0, f"{context} {text}"))
        reading = Reading(logit, start, end, share)
        features.append(Features(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, reading=reading))
    return find(analyse(question), Ranked(tuple(evidence), tuple(features)))


def kinds(found: Sequence[Disagreement]) -> list[str]:
    return [disagreement.kind for disagreement in found]


def test_two_names_for_one_deed_are_a_conflict():
    """Each side is what its article writes."""
    (found,) = conflicts(MURAL, (ILSE, "Wire", "2025-03-02"), (BRAM, "Post", "2025-03-03"))
    assert found.kind == "contradiction"
    assert [side.value for side in found.sides] == ["Ilse Maas", "Bram Holt"]
    assert found.about == "name: painted the mural on the Lindgate pool"


@pytest.mark.parametrize(("logit", "share"), [(LEAST_LOGIT - 0.1, 0.9), (4.0, LEAST_SHARE - 0.05)])
def test_what_the_reader_is_not_sure_of_is_not_compared(logit: float, share: float):
    """A sentence that may not answer, or an answer whose ends are not clear, raises no conflict."""
    two = ((ILSE, "Wire", "2025-03-02"), (BRAM, "Post", "2025-03-03"))
    assert conflicts(MURAL, *two, logit=logit, share=share) == []


def test_without_a_reader_nothing_is_compared():
    """Sentences without readings are left to the rules for values and posts."""
    claims = [
        Evidence(Source(name, 1, "0" * 64, None, name, None, None), Span(0, len(text)), text, 1.0, text)
        for name, text in (("Wire", "Ilse Maas painted the mural."), ("Post", "Bram Holt painted the mural."))
    ]
    features = Features(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
    assert find(analyse("Who painted the mural?"), Ranked(tuple(claims), (features, features))) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # The article that denies the other's claim has none of its own.
        (ILSE, "[Bram Holt] did not paint the mural on the Lindgate pool."),
        (ILSE, "It is a myth that [Bram Holt] painted the mural on the Lindgate pool."),
        (ILSE, "The mural on the Lindgate pool may have been painted by [Bram Holt]."),
        # It names both.
        (ILSE, "The mural on the Lindgate pool was painted by [Bram Holt] for Ilse Maas."),
        # It is about another thing.
        (ILSE, "[Bram Holt] runs the Lindgate pool."),
        (ILSE.replace("].", "] on 9 June 1968."), "On 3 May 1975, [Bram Holt] painted the mural on the Lindgate pool."),
        (ILSE.replace("mural", "first mural"), BRAM.replace("mural", "second mural")),
        # One name in two forms, a part of a list, a role.
        (ILSE, "[Ms. Maas] painted the mural on the Lindgate pool."),
        (ILSE, "[Ilse Maas and Bram Holt] painted the mural on the Lindgate pool."),
        (ILSE, "[The caretaker] painted the mural on the Lindgate pool."),
    ],
)
def test_what_may_agree_or_is_about_something_else_is_no_conflict(first: str, second: str):
    """A false conflict costs more trust than a missed one."""
    assert conflicts(MURAL, (first, "Wire", "2025-03-02"), (second, "Post", "2025-03-03")) == []


def test_articles_far_apart_are_about_two_events():
    """The winner of one year is not that of the next, and who leads changes within weeks."""
    won = "Who won the Lorne cup?"
    claims = [("[Ada Falk] won the Lorne cup.", "Wire"), ("[Bela Zoric] won the Lorne cup.", "Post")]
    assert conflicts(won, (*claims[0], "2025-03-02"), (*claims[1], "2024-03-02")) == []
    assert kinds(conflicts(won, (*claims[0], "2025-03-02"), (*claims[1], "2025-03-03"))) == ["contradiction"]
    leads = [("[Ada Falk] leads the Lorne cup.", "Wire"), ("[Bela Zoric] leads the Lorne cup.", "Post")]
    assert conflicts("Who leads the Lorne cup?", (*leads[0], "2025-03-02"), (*leads[1], "2025-03-20")) == []


def test_a_later_article_that_says_so_is_an_update():
    """Another name in a later article of one outlet is mostly of another event, and is no disagreement."""
    moved = "The Sorrel summit was moved and will be held in [Tarvale]."
    held = "The Sorrel summit will be held in [Lowenbruck]."
    where = "Where will the Sorrel summit be held?"
    assert kinds(conflicts(where, (held, "Wire", "2025-04-01"), (moved, "Post", "2025-04-20"))) == ["update"]
    assert kinds(conflicts(MURAL, (ILSE, "Wire", "2025-03-02"), (BRAM, "Wire", "2025-03-04"))) == []
    assert conflicts(MURAL, (ILSE, "Wire", "2025-03-02"), (BRAM, "Wire", "2025-03-02")) == []


def test_a_number_is_not_reported_twice():
    """Where the rules for values apply, short answers are not compared."""
    found = conflicts(
        "How many people were injured in Velden?",
        ("[14] people were injured in Velden.", "Wire", "2025-03-02"),
        ("[17] people were injured in Velden.", "Post", "2025-03-02"),
    )
    assert len(found) == 1
    assert found[0].about.startswith("number")


def test_more_than_four_answers_are_about_several_things():
    """Five outlets with five names have not been asked one question."""
    names = ("Ada Falk", "Bela Zoric", "Carl Otte", "Dora Lind", "Emil Garth")
    claims = [
        (f"[{name}] won the Lorne cup.", outlet, "2025-03-02")
        for name, outlet in zip(names, ("Wire", "Post", "Feed", "Echo", "Ledger"), strict=True)
    ]
    assert conflicts("Who won the Lorne cup?", *claims) == []
    assert len(conflicts("Who won the Lorne cup?", *claims[:4])[0].sides) == 4


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who painted the mural?", "name"),
        ("By whom was the mural painted?", "name"),
        ("Whose boat sank first?", "name"),
        ("Who resigned first, Ash or Berg?", "name"),
        ('Who called the roof "a national disgrace"?', "name"),
        ("Which company makes the engine?", "name"),
        ("Which of the two ships left first?", "name"),
        ("What is the name of the ship?", "name"),
        ("Which city hosts the games?", "place"),
        ("Where did the balloon land?", "place"),
        ("In which place did Lund finish?", "place in order"),
        ("Why did the bridge fall?", "cause"),
        ("What caused the fire?", "cause"),
        ("What brought the bridge down?", "cause"),
        ("What struck the bridge?", None),
        ("What happened in Velden?", None),
        ("Who was injured?", None),
        ("Who were the winners?", None),
        ("Who else painted it?", None),
        ("Who is one of the judges?", None),
        ("Who criticised the plan?", None),
        ("Who said that the roof leaks?", None),
        ("Who painted the mural and when did it open?", None),
        ("Which companies bid?", None),
        ("Which insurance companies paid?", None),
        ("Where did the protests begin?", None),
        ("Where are the plants?", None),
        ("Where can people vote?", None),
        ("What did the minister say?", None),
        ("What is a quorum?", None),
        ("Did the bridge fall?", None),
        ("List the winners of the cup.", None),
        ("", None),
        ("船は?", None),
    ],
)
def test_only_a_question_with_one_answer_is_compared(question: str, kind: str | None):
    """Who was injured, or criticised a plan, may be several people."""
    asked = find_asked(analyse(question))
    assert (asked.kind if asked else None) == kind


@pytest.mark.parametrize(
    ("kind", "first", "second", "relation"),
    [
        ("name", "John Smith", "Smith", "same"),
        ("name", "Dr. John Smith", "John Smith's", "same"),
        ("name", "Bill Astley", "Sir William Astley", "same"),
        ("name", "J. K. Moreau", "Jean Moreau", "same"),
        ("name", "Oleksandr Hrynko", "Olexander Hrinko", "same"),
        ("name", "IAEA", "the International Atomic Energy Agency", "same"),
        ("name", "WHO", "World Health Organization", "same"),
        ("name", "Ash and Berg", "Berg", "same"),
        ("name", "Foster", "Foster and Partners", "same"),
        ("name", "Anna Weil", "Anna Holt", "different"),
        ("name", "Peter Smith", "John Smith", "different"),
        ("name", "University of Brack", "University of Ostend", "different"),
        ("name", "Velden council", "Anna Holt", "unclear"),
        ("name", "the mayor", "Anna Holt", "unclear"),
        ("name", "President", "Anna Holt", "unclear"),
        ("name", "Tuesday", "Anna Holt", "unclear"),
        ("name", "a wolf", "a lynx", "different"),
        ("name", "a wolf", "an animal", "unclear"),
        ("place", "Paris", "central Paris, France", "same"),
        ("place", "Torvale", "Eskmouth", "different"),
        ("place", "France", "Lyon", "unclear"),
        ("place", "France", "Spain", "different"),
        ("place", "at the Grand Hotel", "Lyon", "unclear"),
        ("place", "Selwick Airport", "Oxley Airport", "different"),
        ("place in order", "second", "2nd", "same"),
        ("place in order", "third", "5th", "different"),
        ("place in order", "last", "third", "unclear"),
        ("cause", "a short circuit", "faulty wiring", "same"),
        ("cause", "arson", "lightning", "different"),
        ("cause", "arson", "something else", "unclear"),
    ],
)
def test_how_two_answers_are_related(kind, first: str, second: str, relation: str):
    """One in other words, two that exclude each other, or answers that cannot be compared."""
    a, b = (
        read_answer(f"It was {answer}.", 7, 7 + len(answer), Asked(kind), set(), set()) for answer in (first, second)
    )
    assert relate(a, b, Asked(kind)) == relation
    assert relate(b, a, Asked(kind)) == relation


@pytest.mark.parametrize(("opening", "names"), [("Holt", 1), ("Vandals", 0), ("Police", 0), ("Ada Falk", 1)])
def test_the_first_word_of_a_sentence_may_be_no_name(opening: str, names: int):
    """Every sentence begins with a capital."""
    sentence = f"{opening} painted the mural."
    assert len(read_answer(sentence, 0, len(opening), Asked("name"), set(), set()).items) == names


class MarkingReader:
    """A reader that finds one of the given answers."""

    def __init__(self, *answers: str) -> None:
        self._answers = answers

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """Return the place of the first answer that a passage has."""
        return [
            next(
                (
                    Reading(4.0, at, at + len(answer), 0.9)
                    for answer in self._answers
                    if (at := passage.text.find(answer)) >= 0
                ),
                Reading(-4.0, 0, 0, 0.0),
            )
            for passage in passages
        ]


STORY = "%s painted the mural on the wall of the Lindgate swimming pool, a flock of %s herons over reeds."


@pytest.mark.parametrize(
    ("question", "first", "second", "answers"),
    [
        (
            "Who painted the mural on the Lindgate swimming pool?",
            ("Oosterlee", "12"),
            ("Vantongeren", "12"),
            ("Oosterlee", "Vantongeren"),
        ),
        (
            "How many herons are in the mural on the Lindgate swimming pool?",
            ("Oosterlee", "12"),
            ("Oosterlee", "17"),
            ("12", "17"),
        ),
    ],
)
def test_near_duplicates_that_differ_in_one_name_or_number_are_both_evidence(
    tmp_path, question: str, first: tuple[str, str], second: tuple[str, str], answers: tuple[str, str]
):
    """Neither the hit nor the sentence of the other outlet is folded away, and the conflict is found."""
    hits, texts = [], {}
    for outlet, changed in (("Wire", first), ("Post", second)):
        text = f"{STORY % changed} It was hidden behind panels until the builders came."
        (piece,) = chunk(text)
        source = Source(outlet, 1, "0" * 64, None, outlet, None, "2025-03-02")
        hits.append(Hit(0, source, piece.span, text, piece.sentences, 1.0))
        texts[outlet, 1] = text
    assert [hit.source.outlet for hit in collapse(hits)] == ["Wire", "Post"]
    lexical = LexicalIndex(tmp_path, "catalog")
    ranked = EvidenceRanker(lexical, None, MarkingReader(*answers)).rank(analyse(question), collapse(hits), texts)
    lexical.close()
    assert {STORY % first, STORY % second} <= {sentence.text for sentence in ranked.evidence}
    (found,) = find(analyse(question), ranked)
    assert {side.value for side in found.sides} == set(answers)
    assert found.kind == "contradiction"


def test_cases_keep_their_accuracy(tmp_path):
    """With the short answers given: all of the development cases, and no false alarm on any."""
    with Library(Settings(data_dir=tmp_path / "data", embed_model="none")) as library:
        marks = short_answer_marks(library, marked=True)
    assert [mark for mark in marks if not mark.held_out and mark.reported != mark.expected] == []
    assert [mark for mark in marks if mark.expected == "none" and mark.reported != "none"] == []
    held_out = [mark.right for mark in marks if mark.held_out and mark.expected != "none"]
    assert (len(marks), len(held_out)) == (70, 13)
    assert sum(held_out) >= 10
