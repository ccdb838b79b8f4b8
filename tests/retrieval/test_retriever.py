"""Retrieval over a real store: both legs, time, filters, reprints, and what happens when a leg fails."""

import numpy as np
import pytest

from qa.catalog.catalog import Prepared
from qa.errors import EmbeddingFailed, StoreFailed
from qa.indexes.projections import Projections
from qa.ingest.prepare import prepare
from qa.library import Library
from qa.retrieval.retriever import Retriever, day_asked
from qa.settings import Settings
from qa.types import Filters, SearchBounds
from tests.fakes import HashEmbedder, article

STRIKE_OLD = article(
    "old", "Dock workers in Kestrel went on strike over pay.", title="Strike", published_at="2024-03-01", outlet="Post"
)
STRIKE_NEW = article(
    "new",
    "Dock workers in Kestrel went on strike over hours.",
    title="Strike",
    published_at="2026-05-01",
    outlet="Wire",
)
UNDATED = article("undated", "Dock workers in Kestrel talked about a strike fund.", title="Fund")


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setattr("qa.wiring.build_embedder", lambda settings: HashEmbedder())
    with Library(Settings(data_dir=tmp_path / "data")) as opened:
        opened.ingest([STRIKE_OLD, STRIKE_NEW, UNDATED])
        yield opened


def ids(found):
    return [hit.source.article_id for hit in found.hits]


def test_of_two_like_articles_the_newer_is_first(library):
    """The recency prior decides between articles that match equally well."""
    assert ids(library.search("Kestrel dock strike", as_of="2026-05-10"))[0] == "new"


def test_a_question_that_names_its_time_turns_the_prior(library):
    """ "In March 2024" wants the article of that month, whatever is newer."""
    assert ids(library.search("Kestrel dock strike in March 2024", as_of="2026-05-10"))[0] == "old"


def test_nothing_is_found_that_came_later(library):
    """`as_of` is a wall for dated articles; an article without a date passes it."""
    assert set(ids(library.search("Kestrel dock strike", as_of="2025-01-01"))) == {"old", "undated"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(outlets=("wire",)), {"new"}),
        (Filters(outlets=("Wire", "Post")), {"new", "old"}),
        (Filters(article_ids=("undated",)), {"undated"}),
        (Filters(article_ids=("nobody",)), set()),
        (Filters(after="2025-01-01"), {"new"}),
        (Filters(before="2025-01-01"), {"old"}),
        (Filters(after="2024-03-01", before="2024-03-01"), {"old"}),
    ],
)
def test_filters_hold_in_both_legs(library, filters, expected):
    """A filter by outlet, id or day lets nothing else through, whichever leg finds it."""
    assert set(ids(library.search("Kestrel dock strike", filters=filters, as_of="2026-05-10"))) == expected


def test_ranks_of_both_legs_are_told(library):
    """A hit says at which place each leg had it."""
    hit = library.search("dock workers strike over hours", as_of="2026-05-10").hits[0]
    assert (hit.source.article_id, hit.lexical_rank, hit.vector_rank) == ("new", 1, 1)


def test_a_reprint_is_folded(library):
    """The same words in another outlet are one hit that names both."""
    library.ingest([article("copy", STRIKE_NEW.text, outlet="Third", published_at="2026-05-01")])
    found = library.search("Kestrel dock strike over hours", as_of="2026-05-10")
    assert sum(article_id in ids(found) for article_id in ("new", "copy")) == 1
    first = next(hit for hit in found.hits if hit.source.article_id in ("new", "copy"))
    assert {first.source.article_id, *(reprint.article_id for reprint in first.reprints)} == {"new", "copy"}


def test_the_catalogs_day_decides_not_the_indexes(library):
    """An index that is behind the catalog lets nothing later than `as_of` through."""
    moved = article("undated", UNDATED.text, title="Fund", published_at="2026-06-01")
    prepared = prepare(moved)
    assert isinstance(prepared, Prepared)
    library.catalog.write("default", [prepared], None, None)  # and the indexes have not followed yet
    assert "undated" not in ids(library.search("Kestrel dock strike", as_of="2026-05-10"))


def test_a_stale_row_does_not_take_the_place_of_a_live_one(library):
    """The search returns `top_k` hits, however many of the best have been removed from the catalog."""
    library.ingest([article(f"gone{n}", f"Dock strike in Kestrel, day {n}.") for n in range(9)])
    for n in range(9):
        library.catalog.remove("default", f"gone{n}")
    assert len(ids(library.search("Kestrel dock strike", as_of="2026-05-10", top_k=2))) == 2


def test_this_week_asks_for_what_is_new(library):
    """A time that is not over yet is no reason to prefer an older article to today's."""
    assert ids(library.search("Kestrel dock strike this year", as_of="2026-05-10"))[0] == "new"


class Away(HashEmbedder):
    def embed_query(self, text):
        raise EmbeddingFailed("embedding server away")


def test_a_leg_that_is_away_is_told_and_the_other_answers(library):
    """Without vectors the words still find, and `degraded` names the leg."""
    retriever = Retriever(library.catalog, library._words, library._vectors, Away())
    found = retriever.search("Kestrel dock strike", SearchBounds(day_asked("2026-05-10")))
    assert found.degraded == ("vectors",) and "new" in ids(found)


def test_without_words_the_vectors_answer(library, monkeypatch):
    """Without the word index the vectors still find; without both it is an error."""

    def away(*_):
        raise StoreFailed("word index away")

    monkeypatch.setattr(library._words, "search", away)
    found = library.search("Kestrel dock strike", as_of="2026-05-10")
    assert found.degraded == ("lexical",) and set(ids(found)) == {"old", "new", "undated"}
    with pytest.raises(StoreFailed):
        Retriever(library.catalog, library._words, library._vectors, Away()).search(
            "strike", SearchBounds(day_asked(None))
        )


def test_a_stale_index_row_is_not_shown(library):
    """Chunks that an index still has of a removed article are not hits."""
    library.catalog.remove("default", "new")
    assert "new" not in ids(library.search("Kestrel dock strike", as_of="2026-05-10"))
    Projections(library.catalog, library._words, library._vectors, library.embedder).catch_up()
    assert all(not index.problems for index in library.verify())


def test_words_alone_are_enough(tmp_path):
    """`QA_EMBED_MODEL=none` is a supported setting: no vector leg, and nothing is degraded."""
    with Library(Settings(data_dir=tmp_path / "data", embed_model="none")) as library:
        library.ingest([STRIKE_OLD, STRIKE_NEW])
        found = library.search("Kestrel dock strike", as_of="2026-05-10")
    assert ids(found) == ["new", "old"] and found.degraded == ()
    assert found.hits[0].vector_rank is None


def test_without_the_only_leg_it_is_an_error(tmp_path, monkeypatch):
    """Without vectors a broken word index is an error, not "the articles do not say"."""

    def away(*_):
        raise StoreFailed("word index away")

    with Library(Settings(data_dir=tmp_path / "data", embed_model="none")) as library:
        library.ingest([STRIKE_NEW])
        monkeypatch.setattr(library._words, "search", away)
        with pytest.raises(StoreFailed):
            library.search("Kestrel dock strike")


def test_fake_vectors_are_unit_length():
    """The fake embedder returns unit vectors, as the protocol demands."""
    rows = HashEmbedder().embed_texts(["a strike", "", "🎉"])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
