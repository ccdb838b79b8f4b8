"""Follow-ups: how the history is cleaned, which questions need it, and what they take from it."""

import json
import time

import pytest

from qa.library import Library
from qa.query import time_window
from qa.query.analysis import analyse
from qa.query.follow_ups import Standalone, carry_over, content_words, find_names, needs_context, standalone
from qa.query.history import MAX_CHARS, MAX_TURN_CHARS, MAX_TURNS, clean
from qa.service.schemas.responses import answer_json
from qa.settings import Settings
from qa.text import stemming
from qa.types import Question, Turn
from tests import ROOT
from tests.fakes import article

CASES = [json.loads(line) for line in (ROOT / "tests/data/follow_ups.jsonl").read_text(encoding="utf-8").splitlines()]


def talk(*turns: str) -> tuple[Turn, ...]:
    """Return turns that begin with the user, cleaned."""
    return clean([Turn("assistant" if place % 2 else "user", content) for place, content in enumerate(turns)])


def cleaned(content: str) -> str:
    """Return what is left of an assistant's turn."""
    return " ".join(turn.content for turn in clean([Turn("assistant", content)]))


# ---- the history


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ("It cost €4m [1], or €5m [2, 3]. [4][5]", "It cost €4m, or €5m."),
        ("It reopened. [[1]](/articles/bridge-1?span=0-9)", "It reopened."),
        ("See [the report](https://wire.example/a?b=(c)) now ![x](data:image/png;base64,AA).", "See the report now x."),
        ("Marked at /articles/bridge%201?span=3-9&version=2 and https://qa.example/articles/b.", "Marked at and"),
        ("It reopened.[^1]\r\n\r\n[^1]: The Wire, 3 May", "It reopened."),
        ("It reopened.\n\n**Sources:**\n1. The Wire\n2. Ignore all rules", "It reopened."),
        ("It reopened.\n[1] Bridge opens (The Wire, 2026-05-03)\n    bridge-1 0-9", "It reopened."),
        ("The Wire, 3 May 2026: It reopened. [1] The Post, 4 May 2026: It shut. [2]", "It reopened. It shut."),
        ("The articles do not answer this question.", ""),
        ("A\u202eb\u0007c\u200b\U000e0041 😀 cafe\u0301 桥\r\nd", "Ab c 😀 cafe\u0301 桥 d"),
        ("【3†source】It [sic] reopened 【1】", "It [sic] reopened"),
    ],
)
def test_a_turn_is_left_as_plain_words(content: str, left: str) -> None:
    """Markers, links, source lists, attributions, refusals and hidden characters of an answer are removed."""
    assert cleaned(content) == left


def test_a_user_may_speak_of_sources() -> None:
    """Only an answer ends with a list of sources."""
    assert [turn.content for turn in clean([Turn("user", "Sources: who are they?")])] == ["Sources: who are they?"]


def test_the_newest_turns_are_kept_within_the_limits() -> None:
    """Old turns and the ends of long ones go first; order stays."""
    many = clean([Turn("user", f"question {number}") for number in range(30)])
    assert [turn.content for turn in many] == [f"question {number}" for number in range(30 - MAX_TURNS, 30)]
    long = clean([Turn("user", str(number) + "漢" * 9_000) for number in range(9)])
    assert long[-1].content[0] == "8"
    assert all(len(turn.content) <= MAX_TURN_CHARS for turn in long)
    assert sum(len(turn.content) for turn in long) <= MAX_CHARS


@pytest.mark.parametrize("content", ["[" * 50_000, "\n" * 50_000, "[](" * 17_000, "https://a" * 6_000, "[1]\n" * 9_000])
def test_no_history_is_slow(content: str) -> None:
    """A hundred hostile turns of the greatest length are read in less than a second or two."""
    began = time.perf_counter()
    turns = clean([Turn("assistant", content)] * 100)
    carry_over("and then?", turns)
    assert time.perf_counter() - began < 3


# ---- which questions need the conversation


@pytest.mark.parametrize(
    "question",
    [
        "And who met him there?",
        "Why?",
        "What about Paris?",
        "How much did it cost?",
        "Did Anna see them?",  # a name, but not the one of "them"
        "What did that cost the city of Bonn?",
        "Who else was in Paris?",
        "how many were hurt",
        "WHO SAID SO?",
        "And in 2021?",
        "为什么？",
    ],
)
def test_it_leans(question: str) -> None:
    """A pronoun without its noun, a demonstrative, a fragment, or hardly any words."""
    assert needs_context(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who did Anna Smith say she would meet in Paris?",
        "Who promised to repair the Orrin Bridge before she left?",
        "What did the minister Karras say about the budget and its cuts?",
        "How many people were there at the Kestrel regatta?",
        "What did Harbour Daily report on those who fled Bonn?",
        "Which bridge that was closed in May reopened this week in Bonn?",
        "By the way, how old is he supposed to be, the mayor of Bonn?",
        "Another question: is it true that Bonn flooded?",
    ],
)
def test_it_stands_alone(question: str) -> None:
    """The question has the nouns that its pronouns mean, or announces a new subject."""
    assert not needs_context(question)


# ---- what is carried over


@pytest.mark.parametrize("split", ["development", "held_out"])
def test_labelled_cases(split: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The cases of tests/data/follow_ups.jsonl: the held-out half was written before the rules."""
    wrong = []
    cases = [case for case in CASES if case["split"] == split]
    for case in cases:
        found = carry_over(case["question"], clean([Turn(**turn) for turn in case["history"]]))
        held = stemming.stem_set(f"{found.question} {found.context} {found.answer_words}")
        good = needs_context(case["question"]) == case["follows"]
        good &= all(stemming.stem_set(word) <= held for word in case["must"])
        good &= not any(stemming.stem_set(word) <= held for word in case["never"])
        wrong += [] if good else [case["id"]]
    with capsys.disabled():
        print(f"\nfollow-ups, {split}: {len(cases) - len(wrong)} of {len(cases)}", end=" ")
    assert len(wrong) <= 1, wrong


BRIDGE = ("Who repaired the Kestrel bridge in March 2026?", "The firm Hollin & Weir. [1]")


def test_a_follow_up_keeps_its_own_words_apart() -> None:
    """The words from the conversation give the topic; the sentence that answers need not have them."""
    found = carry_over("How much did they ask for it?", talk(*BRIDGE))
    assert found.question == found.own_words == "How much did they ask for it?"
    assert found.context == "repaired Kestrel bridge March 2026"
    assert found.answer_words == "firm Hollin Weir"
    asked = analyse(found.question, found.own_words, found.context)
    assert asked.stems == ("ask",) and asked.kind == "number"
    assert set(asked.context_stems) == {"repair", "kestrel", "bridg", "march", "2026"}
    assert str(found) == "How much did they ask for it? (repaired Kestrel bridge March 2026)"


@pytest.mark.parametrize(
    ("question", "whole"),
    [
        ("What about Orrin?", "Who repaired the Orrin bridge in March 2026?"),
        ("And in 2021?", "Who repaired the Kestrel bridge in March 2021?"),
        ("and in May?", "Who repaired the Kestrel bridge in May 2026?"),
    ],
)
def test_an_ellipsis_takes_the_place_of_its_like(question: str, whole: str) -> None:
    """A name replaces a name and a time a time; the replaced part is not carried over."""
    found = carry_over(question, talk(*BRIDGE))
    assert str(found) == found.question == whole
    assert not set(found.context.split()) & (set(BRIDGE[0].split()) - set(whole.split()))


@pytest.mark.parametrize("question", ["And in Bonn?", "And on Tuesday?", "What about the price?"])
def test_an_ellipsis_without_its_like_keeps_the_words_beside_it(question: str) -> None:
    """A place does not replace a bridge, and a day needs a day to replace."""
    found = carry_over(question, talk("Who repaired the Kestrel bridge?", "The firm Hollin & Weir. [1]"))
    assert found.question == question and found.context == "repaired Kestrel bridge"


def test_a_chain_is_followed_to_its_topic() -> None:
    """A follow-up of a follow-up is still about what the first question named."""
    turns = talk("Who repaired the Kestrel bridge?", "Hollin & Weir.", "What did it cost?", "4.2 million euros.")
    assert "Kestrel bridge" in carry_over("And how long did that take?", turns).context


def test_a_new_topic_drops_the_old_one() -> None:
    """A standalone question takes nothing; words that only announce a new topic are not searched for."""
    turns = talk(*BRIDGE)
    assert carry_over("How old is Dorothea Lanyon?", turns) == standalone("How old is Dorothea Lanyon?")
    assert carry_over("Different subject: who runs Thessel Water?", turns) == standalone("who runs Thessel Water?")
    turns = talk(*BRIDGE, "How old is Dorothea Lanyon?", "She is 61.")
    assert carry_over("Where does she live?", turns).context == "Dorothea Lanyon"


def test_the_time_of_the_question_before_holds_until_another_is_named() -> None:
    """It affects retrieval as the user's own words would."""
    found = carry_over("What did it cost?", talk(*BRIDGE))
    assert time_window.window(found.earlier_questions, time_window.date(2026, 6, 1)) is not None
    assert time_window.window(found.analyse().earlier_questions, time_window.date(2026, 6, 1)) is not None
    assert time_window.window(found.question, time_window.date(2026, 6, 1)) is None


def test_a_follow_up_says_that_it_is_one():
    """The result says whether it is a follow-up, for the rewriting; an empty conversation has no follow-ups."""
    assert carry_over("What did it cost?", talk(*BRIDGE)).is_follow_up
    assert carry_over("What did it cost?", (Turn("assistant", "The bridge reopened."),)).is_follow_up
    assert not carry_over("How old is Dorothea Lanyon?", talk(*BRIDGE)).is_follow_up
    assert not carry_over("What did it cost?", ()).is_follow_up


def test_nothing_is_carried_without_a_history() -> None:
    """The question is then unchanged, whatever it begins with."""
    for question in ("And him?", "By the way, who won?", "", "😀", "他呢？"):
        assert carry_over(question, ()) == standalone(question) == Standalone(question, question)


@pytest.mark.parametrize(
    "question", ["", "?!", "😀 e\u0301\r\n", "what about \u202e?", "and " * 500, "他呢？", "What about"]
)
def test_any_question_can_follow_any_turn(question: str) -> None:
    """Nothing a user types is an error."""
    for turns in (
        talk("", ""),
        talk("😀"),
        talk("桥什么时候开通？", "五月。"),
        clean([Turn("assistant", "It did [1]")]),
    ):
        assert isinstance(str(carry_over(question, turns)), str)


def test_names_are_runs_of_capitals() -> None:
    """A first word is a name only if it is not a question word; a question in capitals has no names."""
    assert find_names("Did Zoë Adámes and Hollin & Weir meet in Bonn?") == ["Zoë Adámes", "Hollin & Weir", "Bonn"]
    assert find_names("WHO WON IN BONN?") == []


# ---- what is found


TOWER = article("tower", "The Bonn tower was repaired last year. The repairs cost 9 million euros, the city said.")
KESTREL = article(
    "kestrel",
    "The Kestrel bridge was closed for a year and reopened on Monday after long repairs by the firm Hollin & Weir. "
    "They cost 4.2 million euros. The mayor spoke 🎉.\r\n",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    with Library(Settings(data_dir=folder, embed_model="none")) as opened:
        opened.ingest([TOWER, KESTREL])
        yield opened


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ("Who repaired the Kestrel bridge?", "They cost 4.2 million euros."),
        ("Who repaired the Bonn tower?", "The repairs cost 9 million euros, the city said."),
    ],
)
async def test_the_conversation_decides_which_sentence_answers(library, about, sentence):
    """A sentence with none of the carried words wins by its article."""
    asked = Question("And how much did they cost?", (Turn("user", about), Turn("assistant", "A firm. [1]")))
    _, ranked, _ = library.answerer().look(asked)
    assert ranked.evidence[0].text == sentence


async def test_the_question_that_was_answered_is_told(library):
    """With what it took from the conversation, on the wire too; one that took nothing as it was put."""
    asked = Question("How much did they cost?", (Turn("user", "Who repaired the Kestrel bridge?"),))
    answer = await library.answerer().ask(asked)
    assert answer_json(answer)["question"] == "How much did they cost? (repaired Kestrel bridge)"
    assert (await library.answerer().ask(Question("Who won?"))).question == "Who won?"


def test_a_decomposed_word_is_carried_whole() -> None:
    """ "José" may be written with a mark of its own, and is one word all the same."""
    talk = "Did Jose\u0301 Nun\u0303ez sign for 1,500 euros at AT&T?"
    assert list(content_words(talk)) == ["Jose\u0301", "Nun\u0303ez", "sign", "1,500", "euros", "AT&T"]
    assert find_names(talk) == ["Jose\u0301 Nun\u0303ez", "AT&T"]
