"""The vector index: the same filters as the word index, idempotent writes, models that do not mix."""

import errno
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa.catalog.catalog import ChunkRow
from qa.errors import StoreFailed, StoreFull
from qa.indexes import chroma_client, chroma_index as vectors
from qa.indexes.chroma_index import ChromaIndex
from qa.indexes.filters import AtMost, clauses_of
from qa.types import Filters
from tests.fakes import HashEmbedder, chunk_row
from tests.indexes.test_tantivy_index import DATED

CATALOG = "0123456789abcdef"
EMBEDDER = HashEmbedder()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ChromaIndex]:
    opened = ChromaIndex(tmp_path / "chroma", CATALOG, "m")
    yield opened
    opened.close()


def fill(index: ChromaIndex, *rows: ChunkRow, cursor: int = 1) -> None:
    index.apply([row.article for row in rows], rows, list(EMBEDDER.embed_texts([row.text for row in rows])), cursor)


def found(
    index: ChromaIndex,
    words: str,
    filters: Filters = Filters(),
    not_after: int | None = None,
    collection: str = "default",
    articles: Sequence[int] = (),
    top_k: int = 20,
) -> list[int]:
    hits = index.search(EMBEDDER.embed_query(words), collection, clauses_of(filters, articles, not_after), top_k)
    return [hit.place[0] for hit in hits]


def test_the_nearest_is_first_and_the_score_is_the_cosine(index: ChromaIndex) -> None:
    """Equal words have 1, others less; never a distance."""
    fill(index, chunk_row(1, "A dog ran."), chunk_row(2, "A red bridge."))
    hits = index.search(EMBEDDER.embed_query("a red bridge"), "default", (), 9)
    assert [hit.place for hit in hits] == [(2, 1, 0), (1, 1, 0)]
    assert hits[0].score == pytest.approx(1, abs=1e-3)
    assert hits[1].score == pytest.approx(1 / 3, abs=1e-3)  # one of three words


def test_outlets_are_compared_without_case(index: ChromaIndex) -> None:
    """As whole names."""
    fill(
        index,
        chunk_row(1, "Bridge.", outlet="The Straße Post"),
        chunk_row(2, "Bridge.", outlet="Post"),
        chunk_row(3, "Bridge."),
    )
    assert found(index, "bridge", Filters(outlets=("THE STRASSE POST",))) == [1]
    assert sorted(found(index, "bridge", Filters(outlets=("POST", "the straße post")))) == [1, 2]
    assert found(index, "bridge", Filters(outlets=("Times",))) == []


def test_ids_filter_by_the_catalogs_numbers(index: ChromaIndex) -> None:
    """Ids that the catalog does not know find nothing, not everything."""
    fill(index, *(chunk_row(n, "Bridge.") for n in (1, 2, 3)))
    assert sorted(found(index, "bridge", Filters(article_ids=("x", "y")), articles=(1, 3))) == [1, 3]
    assert found(index, "bridge", Filters(article_ids=("unknown",)), articles=()) == []


@pytest.mark.parametrize(
    ("after", "before", "not_after", "expected"),
    [
        (None, None, None, [1, 2, 3, 4, 5]),
        ("2022-01-09", None, None, [2, 3]),
        (None, "2022-01-09", None, [1, 2, 5]),
        ("2022-01-09", "2022-01-09", None, [2]),
        ("2022-01-10", "2022-01-09", None, []),
        (None, None, 19_001, [1, 2, 4, 5]),
        ("2022-01-09", None, 19_001, [2]),
        (None, "1969-12-31", None, [5]),
        (None, "1969-12-01", None, []),
        (None, None, -6, [4]),
    ],
)
def test_vectors_are_found_by_inclusive_dates_and_undated_articles_pass_only_not_after(
    index: ChromaIndex, after: str | None, before: str | None, not_after: int | None, expected: list[int]
) -> None:
    """The same table as for the word index."""
    fill(index, *DATED)
    assert sorted(found(index, "bridge", Filters(after=after, before=before), not_after)) == expected


def crowd(index: ChromaIndex) -> list[str]:
    """Fill in 40 chunks that are all nearer to "bridge" than the 3 that pass a filter."""
    near = [chunk_row(n, "Bridge.", day=19_005, outlet="Times") for n in range(1, 41)]
    far = [chunk_row(n, "Bridge and dog.", day=19_000, outlet="Post") for n in (50, 51, 52)]
    fill(index, *near, *far)
    return [f"{row.article}:1:0" for row in near]


@pytest.mark.parametrize(
    ("filters", "not_after"),
    [(Filters(), 19_001), (Filters(outlets=("post",)), None), (Filters(before="2022-01-09"), None)],
)
def test_a_filter_finds_what_is_far_behind(index: ChromaIndex, filters: Filters, not_after: int | None) -> None:
    """However many nearer chunks fail it, even if none of the first hits passes."""
    crowd(index)
    assert sorted(found(index, "bridge", filters, not_after, top_k=3)) == [50, 51, 52]


def test_a_filter_that_most_pass_is_not_left_to_chroma(index: ChromaIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chroma lists all rows that pass before it searches, which takes a hundred times as long as the search."""
    asked: list[object] = []
    crowd(index)
    chroma = index._collection("default")
    query = chroma.query

    def note(**how: Any) -> Any:
        asked.append(how["where"])
        return query(**how)

    monkeypatch.setattr(chroma, "query", note)
    assert len(found(index, "bridge", Filters(), 19_005, top_k=10)) == 10
    assert asked == [None]


def test_a_question_of_today_asks_for_no_more_than_it_wants(
    index: ChromaIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No known article is later, so all will pass; a later one that appears is filtered out as ever."""
    fill(index, *(chunk_row(n, "A bridge.", day=n) for n in range(1, 10)))
    asked: list[int] = []
    nearest = ChromaIndex._nearest

    def noting(self: ChromaIndex, collection: Any, vector: Any, top_k: int, where: Any = None) -> Any:
        asked.append(top_k)
        return nearest(self, collection, vector, top_k, where)

    monkeypatch.setattr(ChromaIndex, "_nearest", noting)
    assert len(found(index, "bridge", not_after=9, top_k=2)) == 2  # nothing is known yet
    assert len(found(index, "bridge", not_after=9, top_k=2)) == 2
    assert max(found(index, "bridge", not_after=4, top_k=2)) <= 4
    assert asked == [8, 2, 8]
    fill(index, *(chunk_row(n, "A red bridge.", day=99) for n in range(20, 25)), cursor=2)
    assert len(found(index, "red bridge", not_after=9, top_k=2)) == 2


def test_a_day_that_changes_is_seen_at_once(index: ChromaIndex) -> None:
    """The cached metadata of an article is dropped with its next change."""
    fill(index, chunk_row(1, "Bridge.", day=19_000))
    (before,) = index.search(EMBEDDER.embed_query("bridge"), "default", [AtMost("day", 19_001)], 9)
    fill(index, chunk_row(1, "Bridge.", day=19_003))
    assert (before.day, found(index, "bridge", not_after=19_001)) == (19_000, [])
    assert found(index, "bridge", not_after=19_003) == [1]


def test_more_chunks_than_chroma_takes_at_once(tmp_path: Path) -> None:
    """5,461 is Chroma's limit for a call; a step of ours may have more."""
    index = ChromaIndex(tmp_path / "chroma", CATALOG, "m")
    numbers = range(1, 5_501)
    vectors = [np.array([np.cos(angle), np.sin(angle), 0], np.float32) for angle in np.linspace(0, 3, len(numbers))]
    index.apply(numbers, [chunk_row(n, ".") for n in numbers], vectors, 1)
    assert len(index.places()) == 5_500
    (hit,) = index.search(vectors[5_000], "default", (), 1)
    assert hit.score == pytest.approx(1, abs=1e-4)
    index.apply(numbers[:150], [], [], 2)
    assert (len(index.places()), index.cursor()) == (5_350, 2)
    index.close()


def test_a_paragraph_that_many_repeat_does_not_hide_the_others(index: ChromaIndex) -> None:
    """Equal vectors become each other's only neighbours in Chroma's graph, and the rest cannot be reached."""
    dice = np.random.default_rng(1)
    others = dice.normal(size=(60, 32))
    vectors = dice.permutation(np.concatenate([others, np.repeat(others[:3], 150, axis=0)])).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    numbers = range(1, len(vectors) + 1)
    index.apply(numbers, [chunk_row(n, ".") for n in numbers], list(vectors), 1)
    lost = [vector for vector in vectors if index.search(vector, "default", (), 20)[0].score < 0.9999]
    assert len(lost) <= 3  # of 510; without the noise 25


def test_applying_a_change_twice_leaves_one_copy(index: ChromaIndex) -> None:
    """Old versions and surplus chunks of the article are deleted, others stay."""
    fill(index, chunk_row(1, "Old bridge."), chunk_row(2, "A bridge."))
    for _ in range(2):
        fill(index, chunk_row(1, "New tower."), cursor=2)
    assert index.places() == {(1, 1, 0), (2, 1, 0)}
    assert found(index, "new tower")[0] == 1
    index.apply([1], [], [], 3)
    assert (index.places(), index.cursor()) == ({(2, 1, 0)}, 3)


def test_what_is_there_already_is_not_written_again(index: ChromaIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chroma's graph loses points that are overwritten; changed chunks are deleted first."""
    written: list[list[str]] = []
    chroma = index._collection("default")
    add = chroma.add

    def note(**rows: Any) -> None:
        written.append(rows["ids"])
        add(**rows)

    monkeypatch.setattr(chroma, "add", note)
    fill(index, chunk_row(1, "A bridge."), chunk_row(2, "A dog."))
    fill(index, chunk_row(1, "A bridge."), chunk_row(2, "A dog.", outlet="Post"))
    assert written == [["1:1:0", "2:1:0"], ["2:1:0"]]
    assert found(index, "dog", Filters(outlets=("post",))) == [2]


def test_what_another_process_wrote_meanwhile_is_not_written_over(
    index: ChromaIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last request of a killed process may arrive after the next process has read the existing ids."""
    dice = np.random.default_rng(1)
    near = 1 + 0.3 * dice.normal(size=(400, 32))
    vectors = list((near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32))
    numbers = range(1, len(vectors) + 1)
    monkeypatch.setattr(index, "_stored_metadata", lambda articles: {})
    for cursor in (1, 2, 3):
        index.apply(numbers, [chunk_row(n, ".") for n in numbers], vectors, cursor)
    assert len(index.places()) == len(vectors)
    found = [index.search(vector, "default", (), 20)[0].score for vector in vectors]
    assert sum(score < 0.9999 for score in found) == 0


def test_collections_are_apart_and_a_question_makes_none(index: ChromaIndex) -> None:
    """A search in a missing collection finds nothing and creates nothing."""
    fill(index, chunk_row(1, "Bridge.", collection="a"), chunk_row(2, "Bridge.", collection="A b/ç 新"))
    assert found(index, "bridge", collection="a") == [1]
    assert found(index, "bridge", collection="A b/ç 新") == [2]
    before = len(index._client.list_collections())
    for n in range(3):
        assert found(index, "bridge", collection=f"nobody's {n}") == []
    assert len(index._client.list_collections()) == before
    index.apply([1, 2], [], [], 2)
    assert index.places() == set()


def test_two_models_do_not_mix(tmp_path: Path) -> None:
    """Their vectors may even differ in size; each has its own cursor."""
    first, second = (ChromaIndex(tmp_path / "chroma", CATALOG, model) for model in ("one", "two"))
    fill(first, chunk_row(1, "Bridge."), cursor=4)
    assert (second.cursor(), second.places()) == (0, set())
    second.apply([2], [chunk_row(2, "Tower.")], [np.array([1, 0, 0], np.float32)], 1)
    assert (first.places(), second.places()) == ({(1, 1, 0)}, {(2, 1, 0)})
    second.apply([2], [], [], 2)
    assert (first.cursor(), first.places(), second.cursor(), second.places()) == (4, {(1, 1, 0)}, 2, set())
    first.close()
    second.close()


def test_it_is_all_there_after_reopening(tmp_path: Path) -> None:
    """Cursor, places and neighbours."""
    first = ChromaIndex(tmp_path / "chroma", CATALOG, "m")
    fill(first, chunk_row(1, "Bridge."), chunk_row(2, "Dog."), cursor=9)
    first.close()
    second = ChromaIndex(tmp_path / "chroma", CATALOG, "m")
    assert (second.cursor(), second.places()) == (9, {(1, 1, 0), (2, 1, 0)})
    assert found(second, "dog")[0] == 2
    second.close()


@pytest.mark.parametrize(("replaces", "anew"), [(4, False), (12, True)])
def test_what_was_replaced_is_cleared_away_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaces: int, anew: bool
) -> None:
    """Chroma's graph keeps deleted chunks; when they outnumber the live ones the index is rebuilt."""
    monkeypatch.setattr(vectors, "_MIN_DELETED", 8)
    opened = ChromaIndex(tmp_path / "chroma", CATALOG, "m")
    rows = [chunk_row(1, "A dog ran."), chunk_row(2, "A red bridge.")]
    for version in range(1, replaces // 2 + 2):
        fill(opened, *(replace(row, version=version) for row in rows), cursor=version)
    assert len(opened.places()) == 2
    opened.close()
    again = ChromaIndex(tmp_path / "chroma", CATALOG, "m")
    assert again.cursor() == (0 if anew else replaces // 2 + 1)
    assert again.size() == (0 if anew else 2)
    fill(again, *rows)
    again.close()
    third = ChromaIndex(tmp_path / "chroma", CATALOG, "m")  # what was written is counted from the new files on
    assert found(third, "a red bridge") == [2, 1]
    third.close()


def test_a_reset_forgets_everything(index: ChromaIndex) -> None:
    """And the index can be used at once."""
    fill(index, chunk_row(1, "Bridge."), chunk_row(2, "Dog.", collection="b"), cursor=9)
    index.reset()
    assert (index.cursor(), index.places(), found(index, "bridge")) == (0, set(), [])
    fill(index, chunk_row(3, "Tower."), cursor=10)
    assert (index.cursor(), found(index, "tower")) == (10, [3])


def test_a_reset_leaves_no_file_of_the_old_index(index: ChromaIndex, tmp_path: Path) -> None:
    """Chroma itself would leave the graph of every collection that ever existed."""
    fill(index, chunk_row(1, "Bridge."), chunk_row(2, "Dog.", collection="b"), cursor=9)
    before = {folder for folder in (tmp_path / "chroma").iterdir() if folder.is_dir()}
    index.reset()
    assert before and not any(folder.exists() for folder in before)
    assert [path.name for path in tmp_path.iterdir()] == ["chroma"]


def test_a_reset_that_breaks_off_is_made_good(index: ChromaIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then searches raise StoreFailed; the next call of `cursor` reopens it."""
    fill(index, chunk_row(1, "Bridge."), cursor=9)

    def no_room(where: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(chroma_client, "open_client", no_room)
        with pytest.raises(StoreFull, match="cannot be reset"):
            index.reset()
        with pytest.raises(StoreFull, match="cannot be opened"):
            index.cursor()
        for attempt in (index.size, index.places, lambda: found(index, "bridge"), lambda: fill(index)):
            with pytest.raises(StoreFailed, match="could not be opened again"):
                attempt()
    assert (index.cursor(), index.places()) == (0, set())
    fill(index, chunk_row(3, "Tower."), cursor=10)
    assert found(index, "tower") == [3]


def test_searches_go_on_while_it_is_reset(index: ChromaIndex) -> None:
    """From several threads: what was there, nothing, what is there now, or an error of ours; never another one.

    Chroma itself fails when it is asked while the first vectors of a collection are written.
    """
    rows = [chunk_row(key, f"Bridge {key} over the river.") for key in range(1, 9)]
    fill(index, *rows, cursor=1)
    done = threading.Event()

    def look() -> set[int]:
        sizes = set()
        while not done.is_set():
            with suppress(StoreFailed):
                sizes.add(len(found(index, "bridge river")))
        return sizes

    with ThreadPoolExecutor(3) as pool:
        looking = [pool.submit(look) for _ in range(3)]
        try:
            for cursor in range(2, 12):
                index.reset()
                fill(index, *rows, cursor=cursor)
        finally:
            done.set()
        sizes = set[int]().union(*(search.result() for search in looking))
    assert sizes <= {0, 8} and 8 in sizes
    assert len(found(index, "bridge river")) == 8


def test_who_asks_for_the_cursor_meanwhile_resets_nothing(index: ChromaIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """A readiness check happens between closing and opening: what is written after it must stay."""
    fill(index, chunk_row(1, "Bridge."), cursor=9)
    between = threading.Event()
    thrown_away = chroma_client.delete_directory
    opened: list[object] = []

    def slowly(directory: Path) -> None:
        between.set()
        threading.Event().wait(0.3)
        thrown_away(directory)

    monkeypatch.setattr(chroma_client, "delete_directory", slowly)
    opening = chroma_client.open_client
    monkeypatch.setattr(chroma_client, "open_client", lambda where: opened.append(where) or opening(where))
    with ThreadPoolExecutor(1) as pool:
        resetting = pool.submit(index.reset)
        assert between.wait(5)
        assert index.cursor() == 0
        resetting.result(10)
    assert len(opened) == 1


def test_a_search_without_a_thread_is_an_error_of_ours(index: ChromaIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system refuses a new thread, the question is answered from the word index."""
    fill(index, chunk_row(1, "Bridge."))

    def none_left(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    with pytest.raises(StoreFailed, match="can't start new thread"):
        found(index, "bridge")


def test_a_search_that_hangs_holds_up_a_reset_for_seconds_only(
    index: ChromaIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reset fails, the index still answers, and the next attempt succeeds."""
    monkeypatch.setattr(chroma_client, "_RESET_S", 0.2)
    fill(index, chunk_row(1, "Bridge."))
    with index._store.using(), pytest.raises(StoreFailed, match="still in use"):
        index.reset()
    assert found(index, "bridge") == [1]
    index.reset()
    assert index.places() == set()


def test_a_vector_of_another_size_is_refused(index: ChromaIndex) -> None:
    """One collection, one dimension: StoreFailed, on writing and on searching."""
    fill(index, chunk_row(1, "Bridge."))
    with pytest.raises(StoreFailed, match="chroma"):
        index.apply([2], [chunk_row(2, "Dog.")], [np.ones(3, np.float32)], 2)
    with pytest.raises(StoreFailed, match="chroma"):
        index.search(np.ones(3, np.float32), "default", (), 9)
    assert index.cursor() == 1


def test_a_server_that_is_down_is_reported() -> None:
    """With its address, at once."""
    with pytest.raises(StoreFailed, match=r"http://127\.0\.0\.1:9"):
        ChromaIndex("http://127.0.0.1:9", CATALOG, "m")


def test_a_file_in_place_of_the_directory_is_reported(tmp_path: Path) -> None:
    """With an error of ours, not the vendor's."""
    (tmp_path / "chroma").write_text("x")
    with pytest.raises(StoreFailed, match="chroma"):
        ChromaIndex(tmp_path / "chroma", CATALOG, "m")


def test_settings_of_ours_are_not_chromas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chroma would read `.env` of the working directory as its own settings."""
    (tmp_path / ".env").write_text("QA_DATA_DIR=x\nCHROMA_SERVER_HTTP_PORT=none\n")
    monkeypatch.chdir(tmp_path)
    index = ChromaIndex(tmp_path / "chroma", CATALOG, "m")
    fill(index, chunk_row(1, "Bridge."))
    assert (tmp_path / "chroma" / "chroma.sqlite3").exists()
    index.close()
