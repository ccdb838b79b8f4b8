"""What a citation proves, and how spans get their numbers. These rows must pass whatever is tuned."""

import pytest

from qa.answering.citations import Numbering, markers, without_markers
from qa.types import Citation, Evidence, Source, Span
from qa.verification.verify import check


def evidence(
    words: str,
    context: str = "",
    outlet: str | None = None,
    day: str | None = None,
    at: int = 0,
    article_id: str = "a",
    version: int = 1,
) -> Evidence:
    source = Source(article_id, version, "0" * 64, None, outlet, None, day)
    return Evidence(source, Span(at, at + len(words)), words, 1.0, context)


SUPPORTED = [
    ("The mayor opened the bridge on Monday.", "The mayor opened the bridge on Monday."),
    ("The fire killed 4 people.", "The fire killed four people."),
    ("The fire killed twelve people.", "The fire killed 12 people."),
    ("It was their 40th meeting.", "They met for the 40th time, a record meeting."),
    ("The crowd counted 1500 people.", "The crowd counted 1,500 people."),
    ("The crowd counted 1,500 people.", "The crowd counted 1500 people."),
    ("Prices rose 5 percent in March.", "Prices rose 5% in March."),
    ("Prices rose 5% in March.", "Prices rose five per cent in March."),
    ("The fire killed 40 people.", "The fire killed ４０ people."),
    ("The rule was set by the UN.", "The rule was set by the U.N."),
    ("The fine hit Germany's largest bank.", "The fine hit the largest bank of Germany."),
    ("The film was made by Ángela Núñez.", "The film was made by A\u0301ngela Nu\u0301n\u0303ez."),
    ("The firm denies it paid bribes.", "The firm denied paying bribes."),
    ("市长在周一为大桥揭幕。", "市长在周一为大桥揭幕。"),
]

UNSUPPORTED = [
    ("The fire killed 41 people.", "The fire killed 40 people.", "41"),
    ("The fire killed five people.", "The fire killed four people.", "five for four"),
    ("The fire killed 1 people.", "The fire killed twenty-one people.", "1"),
    ("It was their 41st meeting.", "They met for the 40th time, a record meeting.", "41"),
    ("Inflation was 2.5 percent.", "Inflation was 25 percent.", "2.5"),
    ("Inflation was 5 percent.", "Inflation was 2.5 percent.", "5"),
    ("The crowd counted 1,500 people.", "The crowd counted 15,000 people.", "1,500 for 15,000"),
    ("The team won 2-1 on Sunday.", "The team won 3-1 on Sunday.", "2"),
    ("The bridge opened in 2022.", "The bridge opened in 2021.", "2022"),
    ("The bill was signed by Anna Smith.", "The bill was signed by Carla Jones.", "smith"),
    ("The bill was signed by Anna Smith.", "The bill was signed by Berta Smith.", "anna"),
    ("The bridge opened on Tuesday.", "The bridge opened on Monday.", "tuesday"),
    ("The minister did not resign.", "The minister did resign.", "negation"),
    ("The minister didn't resign.", "The minister resigned.", "negation"),
    ("大火造成41人死亡。", "大火造成40人死亡。", "41"),
    ("苹果发布了新手机。", "市长在周一为大桥揭幕。", "other things"),
    ("Wheat prices doubled over the summer.", "The mayor opened the bridge.", "other things"),
]


@pytest.mark.parametrize(("statement", "cited"), SUPPORTED)
def test_what_the_cited_text_says_is_supported(statement: str, cited: str) -> None:
    """In figures or in words, with or without a thousands comma, composed or decomposed."""
    assert check(statement, [evidence(cited)]) == ("supported", ())


@pytest.mark.parametrize(("statement", "cited", "reason"), UNSUPPORTED)
def test_a_changed_fact_is_unsupported(statement: str, cited: str, reason: str) -> None:
    """However similar the rest is; the reason names what is missing."""
    support, reasons = check(statement, [evidence(cited)])
    assert support == "unsupported"
    assert reason in " ".join(reasons).casefold()


@pytest.mark.parametrize(
    ("statement", "cited"),
    [
        ("The minister resigned.", "The minister did not resign."),
        ("The minister resigned on Monday.", "The minister didn't resign on Monday."),
        ("The firm paid bribes to officials.", "The firm denied it paid bribes to officials."),
    ],
)
def test_a_lost_negation_is_never_supported(statement: str, cited: str) -> None:
    """A statement that says the opposite has all its words in the source."""
    support, reasons = check(statement, [evidence(cited)])
    assert support != "supported"
    assert reasons


def test_a_name_may_stand_in_the_sentence_before() -> None:
    """Where the cited one says "she". A number may not: it would be of something else."""
    around = "Anna Smith met 40 guests. She signed the bill into law."
    cited = evidence("She signed the bill into law.", around)
    assert check("Anna Smith signed the bill into law.", [cited])[0] == "supported"
    assert check("She signed 40 bills into law.", [cited])[0] == "unsupported"


def test_the_outlet_and_the_publication_date_are_known() -> None:
    """An answer may say who reported it and in what year."""
    cited = evidence("The mayor opened the bridge.", outlet="BBC", day="2023-03-21")
    assert check("The BBC reported that the mayor opened the bridge.", [cited])[0] == "supported"
    assert check("The mayor opened the bridge in 2023.", [cited])[0] == "supported"
    assert check("The mayor opened the bridge in 2022.", [cited])[0] == "unsupported"


def test_two_citations_prove_together() -> None:
    """Each fact in one of them is enough; one in neither is not."""
    cited = [evidence("The fire killed 4 people."), evidence("Fire brigades from Lyon came.")]
    assert check("The fire killed 4 people, and brigades from Lyon came.", cited)[0] == "supported"
    assert check("The fire killed 4 people, and brigades from Nice came.", cited)[0] == "unsupported"


def test_nothing_cited_is_nothing_proved() -> None:
    """Whatever the statement says."""
    assert check("The mayor opened the bridge.", []) == ("unsupported", ("cites nothing",))


# -- numbering ---------------------------------------------------------------------------------------------------

TEXT = "😀 One came. Two came. One came. 市长来了。"


def test_citations_are_numbered_by_first_appearance() -> None:
    """From 1 without gaps; the same span again has the same number."""
    numbering = Numbering()
    first, second = evidence("Two came.", at=12), evidence("One came.", at=2)
    assert [numbering.cite(sentence, TEXT)[1] for sentence in (first, second, first)] == [True, True, False]
    assert [(citation.number, citation.quote) for citation in numbering.all()] == [(1, "Two came."), (2, "One came.")]


def test_equal_words_at_two_places_are_two_citations() -> None:
    """The place is what is cited. So are two versions, and two articles."""
    numbering = Numbering()
    places = [
        evidence("One came.", at=2),
        evidence("One came.", at=22),
        evidence("One came.", at=2, version=2),
        evidence("One came.", at=2, article_id="b"),
    ]
    assert [numbering.cite(place, TEXT)[0].number for place in places] == [1, 2, 3, 4]


def test_the_quote_is_cut_from_the_article() -> None:
    """Whatever the evidence says its words are; browsers count UTF-16 units."""
    citation, _ = Numbering().cite(evidence("wrong", at=32), TEXT)
    assert citation.quote == TEXT[32:37] == "市长来了。"
    units = TEXT.encode("utf-16-le")
    assert units[2 * citation.start_utf16 : 2 * citation.end_utf16].decode("utf-16-le") == citation.quote
    assert citation.start_utf16 == 33


def test_markers_stand_side_by_side() -> None:
    """As the answer shows them."""
    source = evidence("x").source
    both = [Citation(n, source, Span(0, 1), 0, 1, "x") for n in (2, 10)]
    assert markers(both) == "[2][10]"
    assert markers([]) == ""


def test_no_text_can_forge_a_marker() -> None:
    """A number in brackets that a model wrote becomes one in parentheses; lines are joined."""
    assert without_markers("He said [1] that\n\n[23] is  [x].") == "He said (1) that (23) is [x]."
    assert without_markers("[[1]]") == "[(1)]"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Vale [the cost](https://evil.example/x) rose", "Vale [the cost] rose"),
        ("A [b](c) d", "A [b] (c) d"),
        ("A [b][c] d", "A [b] [c] d"),
        ("She said [the bridge] opened", "She said [the bridge] opened"),
    ],
)
def test_what_is_left_of_a_link_is_none(said: str, shown: str) -> None:
    """An outlet or a title may contain a link; brackets without one are left unchanged."""
    assert without_markers(said) == shown
