"""The five seed articles (real, scraped, on one event): the first input that must work."""

import asyncio

import pytest

from qa.library import Library
from qa.readers.front_matter import read_head
from qa.readers.read import read
from qa.settings import Settings
from qa.types import Question
from tests.readers.test_boilerplate import marked_lines

NOISE = ("leave a reply", "leave a comment", "latest articles", "source link", "©", "all rights", "related posts")

ANSWERED = [
    ("How large was trade between Russia and China last year?", "$189 billion"),
    ("At which airport did Xi arrive?", "Vnukovo"),
    ("What did Putin give Xi for his birthday in 2019?", "ice cream"),
    ("Who visited Kyiv the same day?", "Kishida"),
    ("Which pipeline was discussed?", "Power of Siberia 2"),
    ("How long did Monday's talks last?", "four-and-a half-hour"),
    ("How long was the meeting between Xi and Putin on Monday?", "four-and-a half-hour"),
    ("What did the NATO chief say about lethal aid?", "lethal aid"),
]
REFUSED = [
    "What did India's prime minister say about the visit?",
    "How old is Vladimir Putin?",
    "Who won the football match?",
]


@pytest.fixture(scope="module")
def library(seeds, tmp_path_factory):
    with Library(Settings(data_dir=tmp_path_factory.mktemp("seeds"), embed_model="minilm")) as opened:
        report = opened.ingest(read([str(seeds)]))
        assert (report.added, report.refused) == (5, ())
        yield opened


def ask(library, question):
    return asyncio.run(library.answerer().ask(Question(question, as_of="2023-03-23")))


@pytest.mark.parametrize(("question", "fact"), ANSWERED)
def test_the_quote_holds_the_fact(library, question, fact):
    """One of the cited quotes holds the fact, exactly where the citation says, and no quote is boilerplate."""
    answer = ask(library, question)
    assert answer.status in ("answered", "partial")
    assert any(fact in citation.quote for citation in answer.citations)
    for citation in answer.citations:
        text = library.catalog.text("default", citation.source.article_id, citation.source.version).text
        assert text[citation.span.start : citation.span.end] == citation.quote
        assert not any(noise in citation.quote.casefold() for noise in NOISE)


@pytest.mark.parametrize("question", REFUSED)
def test_what_the_articles_do_not_say_is_refused(library, question):
    """Refusing is better than quoting a sentence that does not answer."""
    assert ask(library, question).status == "not_in_sources"


def test_head_of_each_article(seeds):
    """Five scraped pages: one states its date, none gets one it does not state, and each title is a headline."""
    heads = [read_head(path.read_text(encoding="utf-8")) for path in sorted(seeds.glob("*.txt"))]
    assert [head.published_at for head in heads] == ["2023-03-21", None, None, None, None]
    assert [len(head.authors) for head in heads] == [0, 0, 1, 0, 0]
    assert all(head.title and "Xi" in head.title and 30 < len(head.title) < 120 for head in heads)


def test_no_furniture_stays_unmarked(seeds):
    """In real scraped articles no line of the comment box, the link lists and the copyright notice stays unmarked."""
    words = ("reply", "comment", "latest", "source link", "©", "subscribe", "posts", "privacy", "sign in", " min read")
    for path in sorted(seeds.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        marked = set(marked_lines(text))
        left = [line.strip() for line in text.split("\n") if line.strip() and line.strip() not in marked]
        assert [line for line in left if len(line) < 100 and any(word in line.lower() for word in words)] == []
        assert all(len(line) < 130 for line in marked)
