"""Which words of a sentence are its short answer, and where they are cut."""

import pytest
from hypothesis import given, strategies as st

from qa.answering import short_answer
from qa.answering.short_answer import LEAST_SHARE, MAX_CLAUSE_WORDS, whole_name, whole_words
from qa.query.analysis import analyse
from qa.types import Evidence, Reading, Source, Span

SOURCE = Source("a", 1, "0" * 64, None, "Wire", None, "2026-05-04")
FAMILY = "👨\u200d👩\u200d👧"
FLAG = "🇳🇴"


def found(text: str, phrase: str, *, at: int = 0, question: str = "What was it?", share: float = 0.9) -> str | None:
    """Return the short answer where the reader takes `phrase` for it; the article has a line before the sentence."""
    article = f"😀 First.\n{text}"
    evidence = Evidence(SOURCE, Span(9, len(article)), text, 1.0)
    start = text.index(phrase, at)
    span = short_answer.find(analyse(question), evidence, Reading(1.0, start, start + len(phrase), share))
    return None if span is None else span.slice(article)


@pytest.mark.parametrize(
    ("text", "read", "short"),
    [
        ("It cost 4.2 million euros.", "4.2 million euros", "4.2 million euros"),
        ("It carried 1,200 people.", "1", "1,200"),
        ("It carried 1,200 people.", "200", "1,200"),
        ("It cost $4.2m, they said.", "2", "$4.2m"),
        ("It fell by 4%, they said.", "4", "4%"),
        ("It fell to -5 degrees.", "-5 degrees", "-5 degrees"),
        ("The score was 3:1.", "3", "3:1"),
        ("It came in 2015–2019.", "–2019", "2019"),
        ("The Kestrel bridge opened.", "estrel brid", "Kestrel bridge"),
        ("Dorothea Lanyon's bus.", "Dorothea Lanyon", "Dorothea Lanyon"),
        ("It was O’Brien who won.", "Brien", "O’Brien"),
        ("They don't know.", "don", "don't"),
        ("Mayor Zoe\u0308 Ada\u0301mes spoke.", "Zoe", "Zoe\u0308 Ada\u0301mes"),
        ("Mayor Zoe\u0308 Ada\u0301mes spoke.", "\u0301mes", "Zoe\u0308 Ada\u0301mes"),
        (f"The sign was {FAMILY} here.", "👩", FAMILY),
        (f"The flag was {FLAG} here.", FLAG[1], FLAG),
        ("Thumbs 👍🏽 for it.", "👍", "👍🏽"),
        ("The cut is 桥于周一重新开放 now.", "周一", "周一"),
        ("He left the U.S. on Monday.", "U.S", "U.S."),
        ("He left the U.S. on Monday.", "S", "U.S."),
        ("It opened at 4 p.m.", "4 p.m.", "4 p.m."),
        ("In May, it opened.", " May, ", "May"),
        ("The mayor (Ann Bo) spoke.", "(Ann Bo", "Ann Bo"),
        ("The mayor (Ann Bo) spoke.", "Ann Bo)", "Ann Bo"),
        ("The mayor (Ann Bo) spoke.", "(Ann Bo)", "(Ann Bo)"),
        ("The Kestrel bridge (north) opened.", "Kestrel bridge (north", "Kestrel bridge (north)"),
        ("He said “the wait is over”.", "“the wait is over", "the wait is over"),
        ("He said “the wait is over”.", "“the wait is over”.", "“the wait is over”"),
        ('He said "the wait is over".', 'the wait is over"', "the wait is over"),
        ("It is a — well.", "—", None),
    ],
)
def test_the_ends_are_whole_words_without_loose_punctuation(text: str, read: str, short: str | None) -> None:
    """Never inside a grapheme, a word or a number; brackets and quotation marks only in pairs."""
    assert found(text, read) == short


def test_a_repeated_word_is_the_one_that_was_read() -> None:
    """The place counts, not the words."""
    text = "The bridge is the bridge."
    evidence = Evidence(SOURCE, Span(100, 100 + len(text)), text, 1.0)
    first, second = (Reading(1.0, start, start + 6, 0.9) for start in (4, 18))
    question = analyse("What is it?")
    assert short_answer.find(question, evidence, first) == Span(104, 110)
    assert short_answer.find(question, evidence, second) == Span(118, 124)


def test_an_unsure_or_empty_reading_gives_none() -> None:
    """Without a reader, without words, and below the least share."""
    text = "It cost 4 euros."
    evidence, question = Evidence(SOURCE, Span(0, len(text)), text, 1.0), analyse("What did it cost?")
    assert short_answer.find(question, evidence, None) is None
    assert short_answer.find(question, evidence, Reading(1.0, 3, 3, 1.0)) is None
    assert found(text, "4 euros", share=LEAST_SHARE) == "4 euros"
    assert found(text, "4 euros", share=LEAST_SHARE - 0.01) is None


@pytest.mark.parametrize("question", ["Did it open?", "and is it open?", "Wasn’t it closed?", "Would it open?"])
def test_yes_or_no_is_the_sentence(question: str) -> None:
    """It is the sentence without its full stop, whatever the reader is sure of, unless it is long."""
    assert found("It opened in the U.K. on Monday.", "Monday", question=question, share=0.0) == (
        "It opened in the U.K. on Monday"
    )
    assert found("It opened in the U.K.", "It", question=question) == "It opened in the U.K."
    assert found("It " + "did " * (MAX_CLAUSE_WORDS - 1), "It", question=question) is not None
    assert found("It " + "did " * MAX_CLAUSE_WORDS, "It", question=question) is None


@given(
    st.text(alphabet=[*"aé1 ,.'’“”()$%-\u0301🇳🇴👍🏽\u200d桥"], min_size=1, max_size=24),
    st.integers(0, 24),
    st.integers(0, 24),
)
def test_any_reading_stays_inside_its_sentence(text: str, start: int, end: int) -> None:
    """The words are inside the sentence and are not blank, and widening them again changes nothing."""
    span = whole_words(text, start, end)
    if span is not None:
        assert span.slice(text).strip() and span.end <= len(text)
        assert whole_words(text, span.start, span.end) == span


@pytest.mark.parametrize(
    ("text", "read", "expected"),
    [
        ("The ferry ran aground off Port Elsing on Tuesday.", "off Port", "off Port Elsing"),
        ("It was built by Ada Lindqvist-Moe in 1990.", "Lindqvist-Moe", "Ada Lindqvist-Moe"),
        ("In May Berg resigned, he said.", "Berg", "Berg"),
        ("Mayor Berg resigned.", "Berg", "Berg"),
        ("He resigned. Berg won.", "Berg", "Berg"),
        ("They met in Cafe\u0301 Nord 🎉 Oslo.", "Nord", "Cafe\u0301 Nord"),
        ("It cost 40 million.", "40", "40"),
    ],
)
def test_a_name_is_not_cut(text: str, read: str, expected: str) -> None:
    """Of a rare name the reader may see only a part; the rest is taken in, but no word of another sentence."""
    start = text.rindex(read)
    found = whole_name(text, Span(start, start + len(read)))
    assert found.slice(text) == expected
