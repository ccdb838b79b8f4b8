"""One wire story counts once; a changed fact makes it another."""

import unicodedata

import pytest

from qa.retrieval.near_duplicates import collapse, differ_in_name_or_number
from qa.text.chunking import chunk
from qa.types import Hit, Source

WIRE = (
    "The mayor opened the new bridge over the river on Monday morning. "
    "About 40 people watched from the bank of the river. "
    "The work took three years and cost 12 million euros. "
    "The opposition had said that it would not vote for the budget of the city."
)


def hit(name: str, body: str, title: str | None = None, outlet: str | None = None, at: int = 0) -> Hit:
    """Return a hit whose text is a whole article, or the part of one that begins at `at`."""
    (piece,) = chunk(" " * at + body)
    source = Source(name, 1, "0" * 64, title, outlet, None, None)
    return Hit(0, source, piece.span, body, piece.sentences, 1.0)


def shown(*hits: Hit) -> list[tuple[str, list[str]]]:
    """Return what is shown: each article with those that were folded into it."""
    return [(kept.source.article_id, [other.article_id for other in kept.reprints]) for kept in collapse(hits)]


def test_a_reprint_is_folded_into_the_better_hit() -> None:
    """In rank order: the first stays, the second is named with it."""
    assert shown(hit("a", WIRE), hit("b", WIRE)) == [("a", ["b"])]
    assert shown(hit("b", WIRE), hit("a", WIRE), hit("c", WIRE)) == [("b", ["a", "c"])]


def test_outlet_and_headline_do_not_make_it_another_story() -> None:
    """The same outlet may print a story twice, and each outlet writes its own headline."""
    assert shown(hit("a", WIRE, outlet="Post"), hit("b", WIRE, outlet="Post")) == [("a", ["b"])]
    assert shown(hit("a", WIRE, title="Bridge opens"), hit("b", WIRE, title="New crossing")) == [("a", ["b"])]
    own, other = "Bridge opens to cheers", "Officials inaugurate crossing"
    first = hit("a", f"{own}\n\n{WIRE}", title=own)
    second = hit("b", f"{other}\n\n{WIRE}", title=other)
    assert shown(first, second) == [("a", ["b"])]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("40 people", "39 people"),
        ("About 40 people", "About forty-one people"),
        ("three years", "four years"),
        ("12 million", "12 billion"),
        ("on Monday", "on Tuesday"),
        ("would not vote", "would vote"),
        ("would vote", "would not vote"),
        ("of the city.", "of the port."),
    ],
)
def test_a_changed_fact_is_kept(old: str, new: str) -> None:
    """A number, a day, a "not": the change is the news."""
    original = WIRE if old in WIRE else WIRE.replace(new, old)
    changed = original.replace(old, new)
    assert changed != original
    assert shown(hit("a", original), hit("b", changed)) == [("a", []), ("b", [])]


@pytest.mark.parametrize(("old", "new"), [("two trillion", "two billion"), ("fourth", "fifth"), ("ninth", "tenth")])
def test_a_changed_scale_or_ordinal_is_kept(old: str, new: str) -> None:
    """Every number word distinguishes two stories, however small a part of its sentence it is."""
    original = f"{WIRE} The city counted the {old} of its trees that had been planted along the river since the war."
    assert shown(hit("a", original), hit("b", original.replace(old, new))) == [("a", []), ("b", [])]


def test_a_changed_name_is_kept() -> None:
    """The same words about another town are other news, however few of them differ."""
    corvane, lissen = (WIRE.replace("mayor", f"mayor of {town}") for town in ("Corvane", "Lissen"))
    assert shown(hit("a", corvane), hit("b", lissen)) == [("a", []), ("b", [])]
    assert shown(hit("a", corvane), hit("b", corvane)) == [("a", ["b"])]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Marcel", "Julian"),
        ("Émile", "Ásgeir"),
        (unicodedata.normalize("NFD", "Émile"), unicodedata.normalize("NFD", "Ásgeir")),
        ("Đặng", "Łukasz"),
        ("İbrahim", "Østergård"),
        ("O’Brien", "O’Neill"),
        ("McDonald", "MacDonald"),
        ("Jean‑Luc", "Jean‑Paul"),
        ("Владимир", "Дмитрий"),
        ("😀 Émile", "😀 Ásgeir"),
    ],
)
@pytest.mark.parametrize("space", [" ", "\n", "\r\n", "\u00a0"])
def test_a_changed_person_is_kept(first: str, second: str, space: str) -> None:
    """Whatever letters a name begins with and whatever space is before it, another person is other news."""
    first, second = (
        WIRE.replace("The opposition had", f"The opposition and its leader,{space}{name}, had")
        for name in (first, second)
    )
    assert shown(hit("a", first), hit("b", second)) == [("a", []), ("b", [])]
    assert shown(hit("a", first), hit("b", first)) == [("a", ["b"])]
    composed = unicodedata.normalize("NFC", first)
    assert shown(hit("a", first), hit("b", composed)) == [("a", ["b"])]


def test_swapped_numbers_are_kept() -> None:
    """Each number is somewhere in the other article, but that does not make the sentences the same."""
    swapped = WIRE.replace("40 people", "12 people").replace("cost 12", "cost 40")
    assert shown(hit("a", WIRE), hit("b", swapped)) == [("a", []), ("b", [])]


def test_a_headline_with_another_number_is_kept() -> None:
    """Only the words of a headline are of no account."""
    first = hit("a", f"Forty watch bridge open\n\n{WIRE}", title="Forty watch bridge open")
    second = hit("b", f"Fifty watch bridge open\n\n{WIRE}", title="Fifty watch bridge open")
    assert shown(first, second) == [("a", []), ("b", [])]


def test_one_paragraph_more_is_kept() -> None:
    """It has something new to say. The other way round the shorter one is folded."""
    more = f"{WIRE}\n\nA fisherman complained about the noise of the trucks at night."
    assert shown(hit("a", WIRE), hit("b", more)) == [("a", []), ("b", [])]
    assert shown(hit("b", more), hit("a", WIRE)) == [("b", ["a"])]


def test_small_edits_of_style_are_folded() -> None:
    """A desk changes a word here and there."""
    edited = WIRE.replace("About 40 people watched", "Some 40 people watched").replace("new bridge", "new, wide bridge")
    assert shown(hit("a", WIRE), hit("b", edited)) == [("a", ["b"])]


def test_chunks_of_one_article_are_not_reprints_of_each_other() -> None:
    """They overlap by design; an article may repeat itself."""
    assert shown(hit("a", WIRE), hit("a", WIRE)) == [("a", []), ("a", [])]


def test_a_story_that_is_cut_elsewhere_is_still_a_reprint() -> None:
    """Its sentences are in two chunks of the original, elsewhere in the text."""
    sentences = WIRE.split(". ")
    first, second = ". ".join(sentences[:2]) + ".", ". ".join(sentences[2:])
    middle = f"{sentences[1]}. {sentences[2]}."
    assert shown(hit("a", first), hit("a", second, at=900), hit("b", middle, at=37)) == [("a", ["b"]), ("a", [])]


def test_other_stories_and_empty_input_are_left_alone() -> None:
    """Nothing is folded that only shares a topic."""
    other = "A bridge in the north was closed after the flood damaged one of its pillars."
    assert shown(hit("a", WIRE), hit("b", other)) == [("a", []), ("b", [])]
    assert shown() == []


def test_words_of_one_letter_alone_are_no_reprint() -> None:
    """A hit with nothing to compare is kept."""
    assert shown(hit("a", "Yes."), hit("b", "Yes.")) == [("a", []), ("b", [])]


def test_other_scripts_are_compared_too() -> None:
    """Each CJK character is a word; numbers count as anywhere."""
    body = "市长在周一为大桥揭幕。大约有40人在河边观看。"
    assert shown(hit("a", body), hit("b", body)) == [("a", ["b"])]
    assert shown(hit("a", body), hit("b", body.replace("40", "41"))) == [("a", []), ("b", [])]


def test_a_reprint_is_named_once() -> None:
    """Two chunks of one reprint are one reprint."""
    assert shown(hit("a", WIRE), hit("b", WIRE), hit("b", WIRE)) == [("a", ["b"])]


@pytest.mark.parametrize(
    ("original", "changed"),
    [
        (
            "Oosterlee painted the mural on the wall of the Lindgate swimming pool, a flock of herons over reeds.",
            "Vantongeren painted the mural on the wall of the Lindgate swimming pool, a flock of herons over reeds.",
        ),
        (
            "Anna Ash beat Jana Berg in the final of the open chess championship of the province on Sunday afternoon.",
            "Jana Berg beat Anna Ash in the final of the open chess championship of the province on Sunday afternoon.",
        ),
        (
            "The blast in the old paper mill by the river killed 12 people and injured 40 people, the fire service of"
            " the province said on Sunday.",
            "The blast in the old paper mill by the river killed 40 people and injured 12 people, the fire service of"
            " the province said on Sunday.",
        ),
    ],
)
def test_a_name_that_opens_the_sentence_or_changes_places_is_kept(original: str, changed: str) -> None:
    """One name or number differs, or two change places, in a sentence that is otherwise the same."""
    assert shown(hit("a", original, outlet="Wire"), hit("b", changed, outlet="Post")) == [("a", []), ("b", [])]
    assert shown(hit("a", original, outlet="Wire"), hit("b", original, outlet="Post")) == [("a", ["b"])]


@pytest.mark.parametrize(
    ("a", "b", "differ"),
    [
        ("Police arrested Ann Holt in Velden.", "Police arrested Ann Weil in Velden.", True),
        ("Police arrested 14 people.", "Police arrested 17 people.", True),
        ("Police arrested 14 people.", "Police arrested 14 people in Velden.", False),
        ("Holt opened the bridge.", "Weil opened the bridge.", True),
        ("The bridge was opened by Holt.", "Holt opened the bridge.", False),
    ],
)
def test_what_two_sentences_name_and_count(a: str, b: str, differ: bool) -> None:
    """They differ when each has a name or number that the other lacks; more detail is no difference."""
    assert differ_in_name_or_number(a, b) is differ
