"""Replicas of one catalog: each follows the change log into its own directory. `make replicas` runs real processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qa.catalog.catalog import Catalog
from qa.errors import StoreFailed
from qa.indexes.projections import Projections
from qa.library import Library
from tests.catalog.test_catalog import ready
from tests.fakes import HashEmbedder, Store, article
from tests.service.serving import settings_for


def found(library: Library, words: str) -> list[str]:
    return [hit.source.article_id for hit in library.search(words).hits]


def test_a_takedown_on_one_replica_holds_on_all_at_once(postgres: str, tmp_path: Path) -> None:
    """The other replica's index is behind and still has the words, but hits are checked against the catalog."""
    with (
        Library(settings_for(tmp_path / "1", database_url=postgres)) as first,
        Library(settings_for(tmp_path / "2", database_url=postgres)) as second,
    ):
        first.ingest([article("a", "The zyzzyva canary sang."), article("b", "The dog ran.")])
        second.projections.catch_up()
        assert found(second, "zyzzyva canary") == ["a"]
        first.remove("a")
        assert [state.behind for state in second.projections.states()] == [1]
        assert found(second, "zyzzyva canary") == []
        second.projections.catch_up()
        assert second.verify() == [second.projections.states()[0]]


def test_a_new_replica_builds_itself_from_the_catalog(postgres: str, tmp_path: Path) -> None:
    """It starts with an empty directory and counts as caught up once it has reached the end of the log."""
    with Library(settings_for(tmp_path / "1", database_url=postgres)) as first:
        first.ingest([article(str(n), f"Text of number {n}. 😀") for n in range(300)])
    with Library(settings_for(tmp_path / "2", database_url=postgres)) as second:
        before = second.projections.caught_up
        assert [state.behind for state in second.projections.states()] == [300]
        second.projections.catch_up()
        assert (before, second.projections.caught_up) == (False, True)
        assert found(second, "number 217")[0] == "217"


def test_a_question_without_a_server_sees_what_others_wrote(postgres: str, tmp_path: Path) -> None:
    """`qa ask` on a replica's directory catches up first."""
    with Library(settings_for(tmp_path / "1", database_url=postgres)) as first:
        first.ingest([article("a", "The dog ran.")])
        with Library(settings_for(tmp_path / "2", database_url=postgres)) as second:
            second.ingest([article("b", "The cat sat.")])
        first.answerer()
        assert found(first, "cat") == ["b"]


def test_vectors_that_another_process_writes_are_left_to_it(tmp_path: Path) -> None:
    """The word index is followed all the same; a rebuild that would conflict with the other process is refused."""
    ours = [False]

    @contextmanager
    def turn() -> Iterator[bool]:
        yield ours[0]

    with Store(tmp_path, HashEmbedder()) as store:
        store.catalog.write("default", [ready(article("a", "The dog ran."))], None, None)
        shared = Projections(store.catalog, store.lexical, store.vectors, store.embedder, vector_turn=turn)
        shared.catch_up()
        assert [state.behind for state in shared.states()] == [0, 1]
        assert not shared.caught_up
        with pytest.raises(StoreFailed, match="another process"):
            shared.rebuild()
        ours[0] = True
        shared.catch_up()
        assert [state.behind for state in shared.states()] == [0, 0]
        assert shared.caught_up


def test_replicas_of_one_catalog_agree_on_its_id(postgres: str) -> None:
    """Their indexes are named after the id, also on a shared vector server."""
    first, second = Catalog(postgres), Catalog(postgres)
    assert first.id == second.id
    for catalog in (first, second):
        catalog.close()
