"""The filter of a search is a list of clauses, and every engine applies it in the same way."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qa.catalog.catalog import ChunkRow
from qa.indexes.chroma_index import ChromaIndex
from qa.indexes.filters import AnyOf, AtLeast, AtMost, Clause, clauses_of
from qa.indexes.tantivy_index import LexicalIndex
from qa.temporal import dates
from qa.text import stemming
from qa.types import Filters
from tests.fakes import HashEmbedder, chunk_row
from tests.lanes.engines.both import FullText
from tests.lanes.engines.engines import Recorded, recipe

OUTLETS = (None, "Post", "POST", "The Straße Post", "Times")
EMBEDDER = HashEmbedder()
Search = Callable[[Sequence[Clause]], list[int]]


def rows() -> list[ChunkRow]:
    """Return 40 chunks whose days and outlets are drawn, a fourth without a day."""
    draw = random.Random(1)
    return [
        chunk_row(n, "Bridge.", day=draw.choice((None, *range(-3, 4))), outlet=draw.choice(OUTLETS))
        for n in range(1, 41)
    ]


ROWS = rows()


def iso(day: int) -> str:
    return dates.date.fromordinal(dates.date(1970, 1, 1).toordinal() + day).isoformat()


def cases() -> Iterator[tuple[Filters, tuple[int, ...], int | None]]:
    """Draw searches: filters, the numbers of the articles that their ids name, and the day of `as_of`."""
    draw = random.Random(2)
    for _ in range(150):
        day = lambda: draw.choice((None, None, *range(-4, 5)))  # noqa: E731
        after, before, as_of = day(), day(), day()
        outlets = draw.sample(("post", "POST", "the strasse post", "Nobody"), draw.choice((0, 0, 1, 2)))
        articles = tuple(draw.sample(range(1, 45), draw.choice((1, 8, 20))))
        ids, articles = draw.choice((((), ()), (("a",), articles), (("unknown",), ())))
        filters = Filters(
            tuple(outlets), ids, None if after is None else iso(after), None if before is None else iso(before)
        )
        yield filters, articles, as_of


def lets_through(row: ChunkRow, filters: Filters, articles: Sequence[int], as_of: int | None) -> bool:
    """Decide from the catalog's row alone whether a search may show it."""
    day, outlet = row.published_day, (row.source.outlet or "").casefold()
    return (
        (as_of is None or day is None or day <= as_of)
        and (not filters.outlets or outlet in [name.casefold() for name in filters.outlets])
        and (not filters.article_ids or row.article in articles)
        and (filters.after is None or (day is not None and day >= dates.ordinal(filters.after)))
        and (filters.before is None or (day is not None and day <= dates.ordinal(filters.before)))
    )


def words(index: LexicalIndex | FullText) -> Search:
    index.apply([row.article for row in ROWS], ROWS, 1)
    return lambda clauses: [hit.place[0] for hit in index.search(stemming.stems("bridge"), "default", clauses, 99)]


def vectors(index: ChromaIndex | Recorded) -> Search:
    index.apply([row.article for row in ROWS], ROWS, list(EMBEDDER.embed_texts([row.text for row in ROWS])), 1)
    query = EMBEDDER.embed_query("bridge")
    return lambda clauses: [hit.place[0] for hit in index.search(query, "default", clauses, 7)]


@pytest.fixture(params=["tantivy", "fts5", "chroma", "llamaindex", "llamaindex without filters"])
def search(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Search, int]]:
    """Return a search of an engine that contains the rows, and how many chunks it fetches."""
    simple = recipe("simple")
    make: dict[str, Callable[[], LexicalIndex | FullText | ChromaIndex | Recorded]] = {
        "tantivy": lambda: LexicalIndex(tmp_path, "0" * 12),
        "fts5": lambda: FullText(tmp_path, "0" * 12),
        "chroma": lambda: ChromaIndex(tmp_path / "chroma", "0" * 12, "m"),
        "llamaindex": lambda: Recorded(simple, tmp_path, {}),
        "llamaindex without filters": lambda: Recorded(replace(simple, filters=False), tmp_path, {}),
    }
    index = make[request.param]()
    yield (words(index), 99) if isinstance(index, LexicalIndex | FullText) else (vectors(index), 7)
    index.close()


def test_every_engine_lets_through_what_the_clauses_say(search: tuple[Search, int]) -> None:
    """Only chunks that pass, and `top_k` of them or all; judged by the rows themselves, not by any code of ours."""
    find, top_k = search
    sizes = set()
    for filters, articles, as_of in cases():
        wanted = {row.article for row in ROWS if lets_through(row, filters, articles, as_of)}
        found = find(clauses_of(filters, articles, as_of))
        assert set(found) <= wanted, (filters, articles, as_of)
        assert len(found) == len(set(found)) == min(top_k, len(wanted)), (filters, articles, as_of)
        sizes.add(len(wanted))
    assert len(sizes) > 15  # the cases are of every width


def test_a_filter_is_a_list_of_clauses() -> None:
    """Outlets are compared without case; a date filter requires a date, `as_of` does not."""
    assert clauses_of(Filters(), (), None) == ()
    assert clauses_of(Filters(), (), 5) == (AtMost("day", 5),)
    assert clauses_of(Filters(outlets=("Straße",)), (), None) == (AnyOf("outlet", ("strasse",)),)
    assert clauses_of(Filters(article_ids=("a",)), (7,), None) == (AnyOf("article", (7,)),)
    assert clauses_of(Filters(article_ids=("unknown",)), (), None) == (AnyOf("article", (-1,)),)
    assert clauses_of(Filters(before="1970-01-03"), (), None) == (AtLeast("day", dates.UNDATED + 1), AtMost("day", 2))
