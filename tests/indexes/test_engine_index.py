"""The vector index in LlamaIndex's vector stores: the rules of `test_chroma_index`, and what engines do not do."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llama_index.core.vector_stores.simple import SimpleVectorStore

from qa.errors import BadSettings, StoreFailed
from qa.indexes.engine_index import Engine, load_engine
from qa.indexes.engine_ledger import node_of, place_of
from qa.indexes.filters import clauses_of
from qa.types import Filters, Vectors
from tests.fakes import chunk_row
from tests.indexes.test_chroma_index import (
    EMBEDDER,
    crowd,
    fill,
    found,
    test_a_day_that_changes_is_seen_at_once,
    test_a_filter_finds_what_is_far_behind,
    test_a_reset_forgets_everything,
    test_applying_a_change_twice_leaves_one_copy,
    test_ids_filter_by_the_catalogs_numbers,
    test_outlets_are_compared_without_case,
    test_the_nearest_is_first_and_the_score_is_the_cosine,
    test_vectors_are_found_by_inclusive_dates_and_undated_articles_pass_only_not_after,
)
from tests.lanes.engines.engines import NAMES, Recorded, recipe

__all__ = [  # the same rules as for Chroma, on the engines' `index`
    "test_a_day_that_changes_is_seen_at_once",
    "test_a_filter_finds_what_is_far_behind",
    "test_a_reset_forgets_everything",
    "test_applying_a_change_twice_leaves_one_copy",
    "test_ids_filter_by_the_catalogs_numbers",
    "test_outlets_are_compared_without_case",
    "test_the_nearest_is_first_and_the_score_is_the_cosine",
    "test_vectors_are_found_by_inclusive_dates_and_undated_articles_pass_only_not_after",
]


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return recipe(request.param)


@pytest.fixture
def index(engine: Engine, tmp_path: Path) -> Iterator[Recorded]:
    opened = Recorded(engine, tmp_path / "v", {})
    yield opened
    opened.close()


def unit(n: int, dimension: int = 32) -> Vectors:
    vectors = np.random.default_rng(n).normal(size=(n, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest(index: Recorded, vector: Vectors, filters: Filters = Filters(), top_k: int = 10) -> list[int]:
    return [hit.place[0] for hit in index.search(vector, "default", clauses_of(filters, (), None), top_k)]


def exact(vectors: Vectors, vector: Vectors, numbers: Sequence[int], top_k: int = 10) -> list[int]:
    return sorted(numbers, key=lambda number: -float(vectors[number - 1] @ vector))[:top_k]


def test_it_finds_what_an_exact_search_finds(index: Recorded, record_property: Any) -> None:
    """Of 400 made-up vectors, the first ten of 50 queries; with a filter that a quarter pass; after replacing half."""
    vectors = unit(400)
    numbers = range(1, 401)
    outlets = {n: "Post" if n % 4 == 0 else "Times" for n in numbers}
    index.apply(numbers, [chunk_row(n, f"t{n}", outlet=outlets[n]) for n in numbers], list(vectors), 1)
    queries = unit(50)
    same = [set(nearest(index, q)) & set(exact(vectors, q, numbers)) for q in queries]
    recall = sum(map(len, same)) / 500
    quarter = [n for n in numbers if n % 4 == 0]
    post = Filters(outlets=("post",))
    narrow = sum(len(set(nearest(index, q, post)) & set(exact(vectors, q, quarter))) for q in queries) / 500
    half = range(1, 201)
    vectors[:200] = unit(200)
    index.apply(half, [replace(chunk_row(n, f"u{n}"), version=2) for n in half], list(vectors[:200]), 2)
    again = sum(len(set(nearest(index, q)) & set(exact(vectors, q, numbers))) for q in queries) / 500
    print(f"recall@10 {recall:.3f}, with a filter {narrow:.3f}, half replaced {again:.3f}; n = 50 queries, 400 vectors")
    assert min(recall, narrow, again) >= 0.99
    assert len(index.places()) == index.size() == 400


def test_what_is_taken_down_is_gone_from_the_engine(index: Recorded) -> None:
    """Not only from the ledger: the engine itself no longer has the node."""
    fill(index, *(chunk_row(n, f"Bridge number{n}.") for n in range(1, 9)))
    index.apply([2, 3], [], [], 2)
    (entry,) = index._ledger.entries()
    held = {place_of(node) for node in index._ids(entry, EMBEDDER.embed_query("bridge"), 8)}
    assert held == {(n, 1, 0) for n in (1, 4, 5, 6, 7, 8)} == index.places()


def test_collections_are_apart(index: Recorded) -> None:
    """Each has a store of its own; a search in a missing collection creates none."""
    fill(index, chunk_row(1, "Bridge.", collection="a"), chunk_row(2, "Bridge.", collection="A b/ç 新"))
    assert found(index, "bridge", collection="a") == [1]
    assert found(index, "bridge", collection="A b/ç 新") == [2]
    assert found(index, "bridge", collection="nobody's") == []
    assert len(index._ledger.entries()) == 2


def test_the_cursor_is_kept(engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It survives a restart with the chunks; an in-memory engine starts again from the first change."""
    first = Recorded(engine, tmp_path / "v", {})
    fill(first, chunk_row(1, "Bridge."), chunk_row(2, "Dog."), cursor=9)
    first.close()
    second = Recorded(engine, tmp_path / "v", first.vectors)
    if engine.name == "simple":
        assert (second.cursor(), second.size()) == (0, 0)
        assert "has lost what it held" in caplog.text
        fill(second, chunk_row(1, "Bridge."), chunk_row(2, "Dog."), cursor=9)
    assert (second.cursor(), second.places()) == (9, {(1, 1, 0), (2, 1, 0)})
    assert found(second, "dog")[0] == 2
    second.close()


def test_an_engine_that_lost_its_data_is_filled_anew(engine: Engine, tmp_path: Path) -> None:
    """The ledger still lists its chunks: a sample of them is looked up when the engine is opened."""
    first = Recorded(engine, tmp_path / "v", {})
    fill(first, chunk_row(1, "Bridge."), chunk_row(2, "Dog."), cursor=9)
    (entry,) = first._ledger.entries()
    first._store(entry).delete_nodes([node_of((1, 1, 0)), node_of((2, 1, 0))])
    first.close()
    second = Recorded(engine, tmp_path / "v", first.vectors)
    assert (second.cursor(), second.size()) == (0, 0)
    fill(second, chunk_row(1, "Bridge."), chunk_row(2, "Dog."), cursor=9)
    assert found(second, "dog")[0] == 2
    second.close()


def test_two_models_do_not_mix(engine: Engine, tmp_path: Path) -> None:
    """Their vectors may even differ in size; each has its own cursor."""
    first, second = (Recorded(engine, tmp_path / "v", {}, model) for model in ("one", "two"))
    fill(first, chunk_row(1, "Bridge."), cursor=4)
    assert (second.cursor(), second.places()) == (0, set())
    second.apply([2], [chunk_row(2, "Tower.")], [np.array([1, 0, 0], np.float32)], 1)
    second.reset()
    assert (first.cursor(), first.places(), second.cursor(), second.places()) == (4, {(1, 1, 0)}, 0, set())
    first.close()
    second.close()


@pytest.mark.parametrize("place", ["first", "later"])
def test_killed_while_it_writes(engine: Engine, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks that the engine received but the ledger did not record are deleted before they are rewritten: one copy."""
    index = Recorded(engine, tmp_path / "v", {})
    if place == "later":
        fill(index, chunk_row(7, "A tower."))

    def die(*_: object) -> None:
        raise sqlite3.OperationalError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(index._ledger, "commit", die)
        with pytest.raises(StoreFailed, match="killed"):
            fill(index, chunk_row(1, "Old bridge."), chunk_row(2, "A dog."), cursor=2)
    assert found(index, "bridge") == ([7] if place == "later" else [])
    fill(index, chunk_row(1, "New bridge."), chunk_row(2, "A dog."), cursor=2)
    (entry,) = index._ledger.entries()
    held = index._store(entry).query(_query(EMBEDDER.embed_query("bridge"), 20)).ids
    assert sorted(filter(None, map(place_of, held or []))) == sorted(index.places())
    assert found(index, "new bridge")[0] == 1
    index.close()


def _query(vector: Vectors, n: int) -> Any:
    from llama_index.core.vector_stores.types import VectorStoreQuery

    return VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=n)


def test_no_word_of_an_article_reaches_the_engine(index: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """It receives an id, a vector, and the fields to filter by."""
    given: list[Any] = []
    monkeypatch.setattr(SimpleVectorStore, "add", lambda self, nodes: given.extend(nodes))
    if index._engine.name != "simple":
        pytest.skip("the nodes are the same for every engine")
    fill(index, chunk_row(1, "A secret bridge.", outlet="Post", day=19_000))
    (node,) = given
    assert "secret" not in node.model_dump_json()
    assert (node.metadata, node.ref_doc_id) == ({"article": 1, "day": 19_000, "outlet": "post"}, "1")


def test_a_filter_that_most_pass_is_not_left_to_the_engine(index: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """We fetch more and filter here: engines filter before or after the search, some of them slowly."""
    crowd(index)
    asked: list[object] = []
    ids = index._ids
    monkeypatch.setattr(
        index, "_ids", lambda entry, vector, n, filters=None: [*_note(asked, filters), *ids(entry, vector, n)]
    )
    assert len(found(index, "bridge", Filters(), 19_005, top_k=10)) == 10
    assert asked == [None]


def _note(asked: list[object], filters: object) -> list[str]:
    asked.append(filters)
    return []


class Forgetful(SimpleVectorStore):
    """Accept filters and ignore them; delete by article only."""

    def query(self, query: Any, **kwargs: Any) -> Any:
        return super().query(replace(query, filters=None), **kwargs)

    def delete_nodes(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError


def test_an_engine_that_ignores_filters_is_asked_for_more(tmp_path: Path) -> None:
    """Its hits are filtered here all the same, and more are fetched until all that exist are found."""
    index = Recorded(Engine("forgetful", lambda *_: Forgetful()), tmp_path / "v", {})
    crowd(index)
    assert sorted(found(index, "bridge", Filters(outlets=("post",)), top_k=3)) == [50, 51, 52]
    index.apply([51], [], [], 2)
    assert sorted(found(index, "bridge", Filters(outlets=("post",)), top_k=3)) == [50, 52]
    index.close()


def test_a_version_that_was_just_replaced_is_still_found(index: Recorded) -> None:
    """The catalog has deleted its vector: it ranks last, and its present version is shown."""
    fill(index, chunk_row(1, "Bridge."), chunk_row(2, "Dog."))
    del index.vectors[chunk_row(1, "Bridge.").embed_sha]
    assert sorted(found(index, "bridge")) == [1, 2]


def test_a_vector_of_another_size_is_refused(index: Recorded) -> None:
    """One collection, one dimension: StoreFailed, on writing and on searching."""
    fill(index, chunk_row(1, "Bridge."))
    with pytest.raises(StoreFailed, match=index._engine.name):
        index.apply([2], [chunk_row(2, "Dog.")], [np.ones(3, np.float32)], 2)
    with pytest.raises(StoreFailed, match=index._engine.name):
        index.search(np.ones(3, np.float32), "default", (), 9)
    assert index.cursor() == 1


class Vendor(Exception):
    """An exception of a vendor's own."""


def test_a_vendors_failure_is_ours(tmp_path: Path) -> None:
    """What an engine raises arrives as StoreFailed with its name, so that the word index can answer alone."""

    class Away(SimpleVectorStore):
        def query(self, query: Any, **kwargs: Any) -> Any:
            raise Vendor("away")

    index = Recorded(Engine("mine", lambda *_: Away(), failures=(Vendor,)), tmp_path / "v", {})
    fill(index, chunk_row(1, "Bridge."))
    with pytest.raises(StoreFailed, match="mine: the vector store does not answer: away"):
        found(index, "bridge")
    index.close()


@pytest.mark.parametrize("where", ["no_such_module:engine", "qa.errors:engine", "qa.errors:QaError"])
def test_a_wrong_name_is_reported(where: str) -> None:
    """With the setting's name and value."""
    with pytest.raises(BadSettings, match=f"QA_VECTOR_STORE={where}"):
        load_engine(where)


@pytest.mark.parametrize("place", [(1, 1, 0), (2**40, 7, 3), (5, 2**31, 2**31)])
def test_a_place_is_a_uuid_and_back(place: tuple[int, int, int]) -> None:
    """And a foreign id is not a place."""
    assert place_of(node_of(place)) == place
    assert place_of("not ours") is None
