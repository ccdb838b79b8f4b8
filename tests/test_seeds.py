"""Five real articles on one event: the first input that must work. They lie beside the project, or the tests skip."""

import asyncio
from pathlib import Path

import pytest

from qa.library import Library
from qa.readers.read import read
from qa.settings import Settings
from qa.types import Question

SEEDS = Path(__file__).parents[2] / "shared" / "seeds"
pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the five seed articles are not beside the project")
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
def library(tmp_path_factory):
    with Library(Settings(data_dir=tmp_path_factory.mktemp("seeds"), embed_model="minilm")) as opened:
        report = opened.ingest(read([str(SEEDS)]))
        assert (report.added, report.refused) == (5, ())
        yield opened


def ask(library, question):
    return asyncio.run(library.answerer().ask(Question(question, as_of="2023-03-23")))


@pytest.mark.parametrize(("question", "fact"), ANSWERED)
def test_the_quote_holds_the_fact(library, question, fact):
    """One of the cited quotes holds the fact, exactly where the citation says, and none is furniture."""
    answer = ask(library, question)
    assert answer.status in ("answered", "partial")
    assert any(fact in one.quote for one in answer.citations)
    for one in answer.citations:
        text = library.catalog.text("default", one.source.article_id, one.source.version).text
        assert text[one.span.start : one.span.end] == one.quote
        assert not any(noise in one.quote.casefold() for noise in NOISE)


@pytest.mark.parametrize("question", REFUSED)
def test_what_the_articles_do_not_say_is_refused(library, question):
    """No quote is better than one that does not answer."""
    assert ask(library, question).status == "not_in_sources"
