"""The indexes follow the catalog: in sync, without copies, rebuildable, and never trusted."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qa.catalog.catalog import Catalog, Prepared
from qa.errors import EmbeddingFailed
from qa.indexes import chroma_index as vectors
from qa.indexes.filters import clauses_of
from qa.indexes.projections import Projections
from qa.ingest.prepare import prepare
from qa.library import Library
from qa.settings import Settings
from qa.text.chunking import embed_sha, embed_text
from qa.types import Article, Filters, Vectors
from tests.fakes import HashEmbedder, Store, article


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, HashEmbedder()) as opened:
        yield opened


BRIDGE = article("bridge", "The bridge over the river opened.")
DOG = article("dog", "A dog ran through the park.")


def test_catching_up_twice_leaves_one_copy(store: Store) -> None:
    """A change that is applied again, even from the start, changes nothing."""
    store.add(BRIDGE, DOG)
    store.projections.catch_up()
    rows = store.catalog.chunks_of([1, 2])
    store.lexical.apply([1, 2], rows, 2)
    vectors = store.catalog.vectors("hash-256", [row.embed_sha for row in rows])
    store.vectors.apply([1, 2], rows, [vectors[row.embed_sha] for row in rows], 2)
    assert store.word_hits("bridge") == ["The bridge over the river opened."]
    assert len(store.vectors.search(store.embedder.embed_query("bridge"), "default", (), 9)) == 2
    assert store.problems() == []


def test_an_update_leaves_no_stale_chunk(store: Store) -> None:
    """Old chunks are in neither index, also when the new version has fewer."""
    store.add(article("a", "The bridge opened. " + "More was said about the bridge on the day. " * 60))
    assert store.catalog.count()[1] > 2
    store.add(article("a", "The bridge closed."))
    assert store.word_hits("bridge") == ["The bridge closed."]
    assert store.lexical.keys() == {row.key for row in store.catalog.chunks_of([1])}
    assert store.vectors.places() == {(1, 2, 0)}
    assert store.problems() == []


def test_new_metadata_reaches_both_indexes(store: Store) -> None:
    """A title that is added later can be searched for, an outlet filtered by."""
    store.add(article("a", "It opened."))
    store.add(article("a", "It opened.", title="Harbour bridge", outlet="Post"))
    assert store.found("harbour") == ["a"]
    clauses = clauses_of(Filters(outlets=("post",)), (), None)
    assert store.vectors.search(store.embedder.embed_query("harbour"), "default", clauses, 9)
    assert store.problems() == []


def test_a_takedown_is_gone_from_search_at_once(store: Store) -> None:
    """Even before the catch-up: a hit is shown only if the catalog has it."""
    store.add(BRIDGE, DOG)
    assert store.found("bridge")[0] == "bridge"
    store.catalog.remove("default", "bridge")
    assert store.word_hits("bridge") == ["stale"]
    assert store.found("bridge") == ["dog"]
    store.projections.catch_up()
    assert store.word_hits("bridge") == []
    assert store.vectors.places() == {(2, 1, 0)}
    assert store.found("bridge") == ["dog"]


def test_hits_of_stale_index_rows_are_never_shown(store: Store) -> None:
    """The indexes still hold version 1 while the catalog has version 2: its old words are not shown."""
    store.add(article("a", "The zeppelin landed."), DOG)
    store.catalog.write("default", [_prepared(article("a", "The balloon landed."))], None, None)
    assert [hit.text for hit in store.search("zeppelin landed", top_k=5).hits] != []
    assert all("zeppelin" not in hit.text for hit in store.search("zeppelin landed", top_k=5).hits)


def _prepared(article: Article) -> Prepared:
    made = prepare(article)
    assert isinstance(made, Prepared)
    return made


def test_a_rebuild_embeds_nothing(store: Store) -> None:
    """The vectors are in the catalog: deleting the indexes costs no embedding."""
    store.add(BRIDGE, DOG)
    store.embedder.embedded.clear()
    steps: list[tuple[str, int]] = []
    store.projections.rebuild(lambda name, done: steps.append((name, done)))
    assert store.embedder.embedded == []
    assert steps == [("lexical", 2), ("vectors", 2)]
    assert store.found("dog park")[0] == "dog"
    assert store.problems() == []


def test_ingesting_embeds_each_text_once(store: Store) -> None:
    """Nothing is embedded again when the indexes catch up, nor for a text that another article has."""
    store.add(BRIDGE, DOG)
    store.add(article("reprint", DOG.text))
    assert sorted(store.embedder.embedded) == sorted([BRIDGE.text, DOG.text])


class OtherEmbedder(HashEmbedder):
    """Another model, with vectors of another size."""

    model = "hash-3"
    dimension = 3

    def _vector(self, text: str) -> Vectors:
        vector = np.array([len(text), 1, text.count("o")], np.float32)
        return vector / np.linalg.norm(vector)


def test_another_model_embeds_what_is_missing_and_does_not_mix(tmp_path: Path) -> None:
    """Its vectors are stored next to those of the first model; going back costs nothing."""
    with Store(tmp_path, HashEmbedder()) as first:
        first.add(BRIDGE, DOG)
    with Store(tmp_path, OtherEmbedder()) as other:
        other.projections.catch_up()
        assert sorted(other.embedder.embedded) == sorted([BRIDGE.text, DOG.text])
        assert other.problems() == []
        other.add(article("bird", "A bird sang."))
        sha = embed_sha(None, "A bird sang.")
        assert other.catalog.vectors("hash-3", [sha])[sha].shape == (3,)
        assert other.catalog.vectors("hash-256", [sha]) == {}
    with Store(tmp_path, HashEmbedder()) as again:
        again.projections.catch_up()
        assert again.embedder.embedded == ["A bird sang."]
        assert again.problems() == []


def test_the_title_is_embedded_above_the_text() -> None:
    """Unless the chunk begins with it."""
    assert embed_text("Bridge", "It opened.") == "Bridge\nIt opened."
    assert embed_text("Bridge", "Bridge opened.") == "Bridge opened."
    assert embed_text(None, "It opened.") == embed_text("", "It opened.") == "It opened."


def test_a_vector_is_kept_under_the_words_it_was_made_from(tmp_path: Path) -> None:
    """A later row without the title must not store the vector of the titled text under the untitled text's hash."""
    with Store(tmp_path, HashEmbedder()) as store:
        store.add(article("a", "It opened.", title="Bridge"))
        store.add(article("a", "It opened.", outlet="Post"))
        (row,) = store.catalog.chunks_of([1])
        assert row.source.title == "Bridge"
        assert row.embed_sha == embed_sha("Bridge", "It opened.")
    with Store(tmp_path, OtherEmbedder()) as other:
        other.add(article("b", "It opened."))
        assert sorted(other.embedder.embedded) == ["Bridge\nIt opened.", "It opened."]


def test_the_cursor_survives_reopening(tmp_path: Path) -> None:
    """Nothing is applied again on the next start."""
    with Store(tmp_path, HashEmbedder()) as first:
        first.add(BRIDGE, DOG)
    with Store(tmp_path, HashEmbedder()) as second:
        assert [(state.cursor, state.behind) for state in second.projections.states()] == [(2, 0), (2, 0)]
        steps: list[str] = []
        second.projections.catch_up(lambda name, done: steps.append(name))
        assert steps == []


@pytest.mark.parametrize("lost", ["lexical-*", "chroma"])
def test_a_lost_index_comes_back(tmp_path: Path, lost: str) -> None:
    """Delete its directory, open, catch up: everything is there, nothing was embedded."""
    with Store(tmp_path, HashEmbedder()) as first:
        first.add(BRIDGE, DOG)
    (directory,) = tmp_path.glob(lost)
    shutil.rmtree(directory)
    with Store(tmp_path, HashEmbedder()) as second:
        assert [state.behind for state in second.projections.states()].count(2) == 1
        second.projections.catch_up()
        assert second.embedder.embedded == []
        assert second.found("bridge")[0] == "bridge"
        assert second.word_hits("dog") == [DOG.text]
        assert len(second.vectors.places()) == 2
        assert second.problems() == []


def test_an_index_that_is_ahead_of_its_catalog_starts_anew(tmp_path: Path) -> None:
    """A restored catalog has another history: no change may be skipped, and no article that is gone be shown."""
    with Store(tmp_path, HashEmbedder()) as first:
        first.add(BRIDGE)
        first.catalog.copy_to(str(tmp_path / "backup"))
        first.add(DOG, article("bird", "A bird sang."))
    for file in tmp_path.glob("catalog.sqlite3*"):
        file.unlink()
    (tmp_path / "backup").rename(tmp_path / "catalog.sqlite3")
    with Store(tmp_path, HashEmbedder()) as second:
        second.add(article("cat", "A cat slept."))
        assert second.found("cat")[0] == "cat"
        assert second.word_hits("bird dog") == []
        assert second.problems() == []


def varied(number: int) -> str:
    """Return words that are near some others and equal to none."""
    return f"Report {number} on topic{number % 97} and matter{number % 89} of day{number % 31}."


def test_a_long_log_is_followed_in_steps(store: Store) -> None:
    """More changes than fit into a step; the cursor moves with each step."""
    store.catalog.write("default", [_prepared(article(str(n), varied(n))) for n in range(600)], None, None)
    steps: list[tuple[str, int]] = []
    store.projections.catch_up(lambda name, done: steps.append((name, done)))
    assert [step for step in steps if step[0] == "lexical"] == [("lexical", 256), ("lexical", 256), ("lexical", 88)]
    assert [done for name, done in steps if name == "vectors"] == [256, 256, 88]
    assert store.problems() == []


# -- verify ------------------------------------------------------------------------------------------------------


def test_verify_sees_missing_and_surplus_chunks(store: Store) -> None:
    """Damage each index through its own interface; each problem is named for its index."""
    store.add(BRIDGE, DOG)
    rows = store.catalog.chunks_of([1, 2])
    vectors = [store.catalog.vectors("hash-256", [row.embed_sha])[row.embed_sha] for row in rows]
    store.lexical.apply([1], [], 2)
    store.vectors.apply([2], [], [], 2)
    words, near = store.projections.verify()
    assert words.problems == ("1 chunks missing",)
    assert near.problems[0] == "1 chunks missing"
    assert "1 of 2 sampled vectors are not found" in near.problems[1]
    store.lexical.apply([1], rows[:1], 2)
    store.vectors.apply([2], rows[1:], vectors[1:], 2)
    assert store.problems() == []
    store.catalog.remove("default", "dog")
    assert store.problems() == [
        "1 chunks too many",
        "lexical is behind",
        "1 chunks too many",
        "vectors is behind",
    ]
    store.projections.catch_up()
    assert store.problems() == []


@pytest.mark.parametrize("more", [False, True])
def test_an_index_of_another_size_is_built_anew_after_a_start(store: Store, more: bool) -> None:
    """A chunk too few or too many in an up-to-date index is noticed once after a start, and the index is rebuilt."""
    store.add(BRIDGE, DOG)
    (row, _) = store.catalog.chunks_of([1, 2])
    store.lexical.apply([row.article], [row, replace(row, key=9, ordinal=1)] if more else [], 2)
    assert store.problems() == ["1 chunks too many" if more else "1 chunks missing"]
    store.projections.catch_up()
    assert store.problems() != []  # not while it runs: counting costs
    Projections(store.catalog, store.lexical, store.vectors, store.embedder).catch_up()
    assert store.problems() == []


def test_verify_sees_a_vector_that_is_not_its_own(store: Store) -> None:
    """The place exists and is counted, but its vector is another one."""
    store.add(BRIDGE, *(article(f"n{n}", varied(n)) for n in range(60)))
    assert store.problems() == []
    elsewhere = -store.embedder.embed_query("unrelated words")
    store.vectors._collection("default").update(ids=["1:1:0"], embeddings=[elsewhere.tolist()])
    assert store.problems() == ["1 of 61 sampled vectors are not found by themselves"]
    store.projections.rebuild()
    assert store.problems() == []


# -- without vectors, without embedder ---------------------------------------------------------------------------


def test_words_alone_make_a_store(tmp_path: Path) -> None:
    """Without an embedder there is one index, and search works."""
    with Store(tmp_path) as store:
        store.add(BRIDGE, DOG)
        assert store.found("bridge") == ["bridge"]
        assert [state.name for state in store.projections.states()] == ["lexical"]
        assert store.problems() == []


def test_words_alone_do_without_chroma(tmp_path: Path) -> None:
    """Opening such a store does not import Chroma, which would cost a service without vectors a second and 100 MB."""
    code = f"""
import sys
from pathlib import Path
from qa import Library, Settings
with Library(Settings(data_dir=Path({str(tmp_path)!r}), embed_model="none")):
    print("chromadb" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class AwayEmbedder(HashEmbedder):
    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        raise EmbeddingFailed("away")


def test_a_catch_up_that_fails_goes_on_later(tmp_path: Path) -> None:
    """If the embedder is down during a catch-up, words are indexed, and vectors with the next catch-up."""
    with Store(tmp_path, AwayEmbedder()) as store:
        store.catalog.write("default", [_prepared(BRIDGE)], None, None)
        with pytest.raises(EmbeddingFailed):
            store.projections.catch_up()
        assert [state.behind for state in store.projections.states()] == [0, 1]
        assert store.found("bridge") == ["bridge"]
        back = Projections(store.catalog, store.lexical, store.vectors, HashEmbedder())
        back.catch_up()
        assert [state.behind for state in back.states()] == [0, 0]


def test_a_change_of_another_process_is_followed(tmp_path: Path) -> None:
    """The change log is in the database: what another connection writes is applied by the next catch-up."""
    with Store(tmp_path) as store:
        other = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
        other.write("default", [_prepared(BRIDGE)], None, None)
        other.close()
        assert store.projections.states()[0].behind == 1
        store.projections.catch_up()
        assert store.found("bridge") == ["bridge"]


MANY = tuple(article(f"a{number}", f"The bridge {number} opened.") for number in range(40))


def test_a_search_says_that_an_index_is_far_behind(store: Store) -> None:
    """A stored article may not be found by an empty or interrupted index, so the answer says that it lags."""
    assert store.search("bridge").degraded == ()
    store.catalog.write("default", [_prepared(BRIDGE)], None, None)
    assert store.search("bridge").degraded == ("lexical_behind", "vectors_behind")
    store.add(DOG)
    assert store.search("bridge").degraded == ()
    store.catalog.write("default", [_prepared(article) for article in MANY[:8]], None, None)
    assert store.search("bridge").degraded == ()  # a few, for a moment: as after every write
    store.catalog.write("default", [_prepared(article) for article in MANY[8:]], None, None)
    assert store.search("bridge").degraded == ("lexical_behind", "vectors_behind")
    seen: list[tuple[str, ...]] = []
    store.projections.rebuild(lambda name, done: seen.append(store.search("bridge").degraded))
    assert seen[0] == ("lexical_behind", "vectors_behind") and store.search("bridge").degraded == ()


def test_a_library_that_was_stopped_in_the_middle_fills_its_indexes_before_it_searches(tmp_path: Path) -> None:
    """The catalog has the articles and the indexes are empty: a search catches up, and the service reports the lag."""
    settings = Settings.model_validate({"embed_model": "none", "data_dir": tmp_path})
    with Library(settings) as library:
        library.catalog.write("default", [_prepared(article) for article in MANY], None, None)
    with Library(settings) as library:
        assert library.search("bridge", fill=False).degraded == ("lexical_behind",)
        found = library.search("bridge", top_k=3)
        assert (len(found.hits), found.degraded) == (3, ())


def test_a_running_process_clears_away_what_was_replaced(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chroma's graph keeps deleted chunks; when they outnumber the live ones the index is rebuilt."""
    monkeypatch.setattr(vectors, "_MIN_DELETED", 8)
    for version in range(24):
        store.add(article("dog", f"A dog ran {version} times."), article("cat", f"A cat slept {version} hours."))
        assert [state.behind for state in store.projections.states()] == [0, 0]
        assert store.vectors._deleted <= 8
    assert store.problems() == []
    assert len(store.embedder.embedded) == 48  # each text once


def test_a_large_index_is_left_as_it_is_until_the_next_start(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild would take minutes, in which questions are answered from the word index alone."""
    monkeypatch.setattr(vectors, "_MIN_DELETED", 2)
    monkeypatch.setattr(vectors, "_MAX_REBUILT_AT_ONCE", 0)
    for version in range(9):
        store.add(article("dog", f"A dog ran {version} times."))
    assert store.vectors._deleted == 8
