"""What was written after the day of the question is neither found nor cited, by the article's own calendar."""

import asyncio

import pytest

from qa.library import Library
from qa.settings import Settings
from qa.types import Question
from tests.fakes import article

TEXT = "The Velmark dock strike ended with a rise of {} per cent. The dockers of Velmark went back to work."
MOMENTS = {
    "night-east": ("2023-03-22T00:30:00+02:00", 4),  # still the 21st in Greenwich
    "night-west": ("2023-03-21T23:50:00-05:00", 5),  # already the 22nd in Greenwich
    "plain": ("2023-03-21", 6),
    "undated": (None, 7),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    with Library(Settings(data_dir=tmp_path_factory.mktemp("as_of") / "data", embed_model="none")) as opened:
        opened.ingest(
            article(name, TEXT.format(rise), outlet=name, published_at=moment)
            for name, (moment, rise) in MOMENTS.items()
        )
        yield opened


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2023-03-20", {"undated"}),
        ("2023-03-21", {"undated", "plain", "night-west"}),
        ("2023-03-22", {"undated", "plain", "night-west", "night-east"}),
        ("2023-03-21T23:59:59+02:00", {"undated", "plain", "night-west"}),
    ],
)
def test_an_article_is_of_its_own_local_day(library, as_of, expected):
    """Half past midnight on the 22nd is the 22nd, wherever that is; a question's own time of day is not looked at."""
    found = library.search("Velmark dock strike", as_of=as_of, top_k=20).hits
    every = {source.article_id for hit in found for source in (hit.source, *hit.reprints)}
    assert every == expected


@pytest.mark.parametrize(
    "question", ["How did the Velmark dock strike end?", "How much was the Velmark rise last week?"]
)
def test_no_citation_nor_conflict_is_later_than_the_question(library, question):
    """The limit applies to quoted sentences and to the sides of a conflict."""
    answer = asyncio.run(library.answerer().ask(Question(question, as_of="2023-03-21")))
    days = [citation.source.published_at for citation in answer.citations]
    days += [day for conflict in answer.conflicts for value in conflict.values for day in value.published_at]
    assert "2023-03-22T00:30:00+02:00" not in days
