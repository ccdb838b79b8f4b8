"""The word index: filters, dates, odd words, durability, its own damage."""

import errno
import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qa.catalog.catalog import ChunkRow
from qa.errors import StoreFailed
from qa.indexes.filters import clauses_of
from qa.indexes.tantivy_index import LexicalIndex
from qa.text import stemming
from qa.types import Filters
from tests.fakes import chunk_row

CATALOG = "0123456789abcdef"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LexicalIndex]:
    opened = LexicalIndex(tmp_path, CATALOG)
    yield opened
    opened.close()


def fill(index: LexicalIndex, *rows: ChunkRow, cursor: int = 1) -> None:
    index.apply([row.article for row in rows], rows, cursor)


def found(
    index: LexicalIndex,
    words: str,
    filters: Filters = Filters(),
    not_after: int | None = None,
    collection: str = "default",
    articles: Sequence[int] = (),
    top_k: int = 20,
) -> list[int]:
    hits = index.search(stemming.stems(words), collection, clauses_of(filters, articles, not_after), top_k)
    return [hit.place[0] for hit in hits]


def test_more_of_the_words_ranks_higher(index: LexicalIndex) -> None:
    """Scores fall; the chunk with both words is first, and one with neither is not found."""
    fill(index, chunk_row(1, "A bridge."), chunk_row(2, "A red bridge."), chunk_row(3, "A dog."))
    hits = index.search(stemming.stems("red bridge"), "default", (), 20)
    assert [hit.place for hit in hits] == [(2, 1, 0), (1, 1, 0)]
    assert hits[0].score > hits[1].score > 0


def test_stems_that_are_given_are_taken_for_their_text_alone(index: LexicalIndex) -> None:
    """They avoid stemming again; a text without given stems is stemmed."""
    rows = chunk_row(1, "Bridges 🌉 opened."), chunk_row(2, "A dog ran.")
    index.apply([1, 2], rows, 1, {rows[0].text: "cathedr open", "A cat ran.": "cathedr"})
    assert found(index, "cathedrals") == [1]
    assert found(index, "bridge") == []
    assert found(index, "dogs") == [2]


def test_a_score_is_a_share_of_what_the_question_weighs(index: LexicalIndex) -> None:
    """A chunk with all words of a question scores the same as one with all words of a longer question, in any store.

    A word that stands nowhere weighs nothing: no chunk can have it.
    """
    fill(index, chunk_row(1, "A red bridge opened today."), *(chunk_row(n, "A dog ran far away.") for n in range(2, 9)))
    short, long, unknown = (
        index.search(stemming.stems(words), "default", (), 1)[0].score
        for words in ("bridge", "red bridge opened", "bridge unknown")
    )
    assert short == pytest.approx(long) == pytest.approx(unknown) == pytest.approx(1, abs=0.15)


def test_a_hit_knows_its_day(index: LexicalIndex) -> None:
    """The recency prior needs it before anything is read from the catalog."""
    fill(index, chunk_row(1, "A bridge.", day=-5), chunk_row(2, "A bridge."))
    hits = index.search(["bridg"], "default", (), 9)
    assert {hit.place[0]: hit.day for hit in hits} == {1: -5, 2: None}


def test_words_meet_by_their_stems(index: LexicalIndex) -> None:
    """The text and the question are stemmed in the same way."""
    fill(index, chunk_row(1, "The minister's resignations were announced."))
    assert found(index, "minister resignation announcing") == [1]
    assert found(index, "MINISTERS") == [1]


def test_a_title_is_searched_too(index: LexicalIndex) -> None:
    """A word that occurs only in the title finds the chunk, ranked below one that has it in its text."""
    fill(index, chunk_row(1, "It opened today.", title="Bridge"), chunk_row(2, "A bridge opened."))
    assert found(index, "bridge") == [2, 1]


def test_outlets_are_compared_without_case(index: LexicalIndex) -> None:
    """As whole names: a part of a name is another name."""
    fill(
        index,
        chunk_row(1, "Bridge.", outlet="The Straße Post"),
        chunk_row(2, "Bridge.", outlet="Post"),
        chunk_row(3, "Bridge."),
    )
    assert found(index, "bridge", Filters(outlets=("THE STRASSE POST",))) == [1]
    assert found(index, "bridge", Filters(outlets=("post",))) == [2]
    assert sorted(found(index, "bridge", Filters(outlets=("POST", "the straße post")))) == [1, 2]
    assert found(index, "bridge", Filters(outlets=("Times",))) == []


def test_ids_filter_by_the_catalogs_numbers(index: LexicalIndex) -> None:
    """Ids that the catalog does not know find nothing, not everything."""
    fill(index, *(chunk_row(n, "Bridge.") for n in (1, 2, 3)))
    assert sorted(found(index, "bridge", Filters(article_ids=("x", "y")), articles=(1, 3))) == [1, 3]
    assert found(index, "bridge", Filters(article_ids=("unknown",)), articles=()) == []


DATED = [
    chunk_row(1, "Bridge.", day=19_000),
    chunk_row(2, "Bridge.", day=19_001),
    chunk_row(3, "Bridge.", day=19_002),
    chunk_row(4, "Bridge."),
    chunk_row(5, "Bridge.", day=-5),
]  # 19001 is 2022-01-09


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
def test_words_are_found_by_inclusive_dates_and_undated_articles_pass_only_not_after(
    index: LexicalIndex, after: str | None, before: str | None, not_after: int | None, expected: list[int]
) -> None:
    """Without a date an article fails a date filter; it is not "after today" either."""
    fill(index, *DATED)
    assert sorted(found(index, "bridge", Filters(after=after, before=before), not_after)) == expected


def test_filters_hold_together(index: LexicalIndex) -> None:
    """All of them must pass; they do not change a score."""
    fill(
        index,
        chunk_row(1, "Bridge.", outlet="Post", day=10),
        chunk_row(2, "Bridge.", outlet="Post", day=20),
        chunk_row(3, "Bridge.", outlet="Times", day=20),
    )
    filters = Filters(outlets=("post",), after="1970-01-15", article_ids=("a1", "a2", "a3"))
    assert found(index, "bridge", filters, articles=(1, 2, 3)) == [2]
    both = (clauses_of(filters, (1, 2, 3), 30), clauses_of(Filters(), (), 30))
    scores = {hit.score for clauses in both for hit in index.search(["bridg"], "default", clauses, 9)}
    assert len(scores) == 1


def test_collections_are_apart(index: LexicalIndex) -> None:
    """Their names are compared exactly."""
    fill(index, chunk_row(1, "Bridge.", collection="a"), chunk_row(2, "Bridge.", collection="A"))
    assert (found(index, "bridge", collection="a"), found(index, "bridge", collection="A")) == ([1], [2])
    assert found(index, "bridge", collection="default") == []


SYNTAX = [
    '"',
    "(",
    ")",
    "AND",
    "OR",
    "NOT",
    "*",
    "body:bridg",
    "kind:cursor",
    "\\",
    "+",
    "-x",
    "x~2",
    "[1",
    "^",
    "",
    " ",
]


def test_query_syntax_is_only_words(index: LexicalIndex) -> None:
    """Nothing in a question is interpreted as query syntax."""
    fill(index, chunk_row(1, "Bridge."))
    assert index.search(SYNTAX, "default", (), 9) == []
    assert [hit.place[0] for hit in index.search([*SYNTAX, "bridg"], "default", (), 9)] == [1]
    assert index.search([], "default", (), 9) == []


def test_long_words_and_long_questions_are_harmless(index: LexicalIndex) -> None:
    """A word longer than the index accepts is left out, and its neighbours are found."""
    fill(index, chunk_row(1, f"Bridge {'x' * 100_000} tower."))
    assert found(index, "tower") == [1]
    assert found(index, "x" * 100_000) == []
    assert found(index, "bridge " + " ".join(f"w{n}" for n in range(2_000))) == [1]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("The café — “naïve” — opened.", "cafe\u0301 naive opened"),
        ("市长在周一为大桥揭幕。", "大桥"),
        ("😀 zebra 👩‍👩‍👧", "zebra"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("The U.S.' 1,500 troops", "us 1500"),
    ],
)
def test_every_script_is_found(index: LexicalIndex, body: str, words: str) -> None:
    """Words are folded in one way on both sides."""
    fill(index, chunk_row(1, body))
    assert found(index, words) == [1]


def test_a_change_replaces_all_chunks_of_its_article(index: LexicalIndex) -> None:
    """Applied twice, it leaves one copy; applied without chunks, it leaves none."""
    fill(index, chunk_row(1, "Old bridge."), chunk_row(2, "A bridge."))
    new = chunk_row(1, "New tower.")
    for _ in range(2):
        index.apply([1], [new], 2)
    assert found(index, "bridge") == [2]
    assert found(index, "tower") == [1]
    assert (index.keys(), index.cursor()) == ({1, 2}, 2)
    index.apply([1, 2], [], 3)
    assert (index.keys(), index.cursor(), found(index, "tower bridge")) == (set(), 3, [])


def test_six_thousand_chunks_in_one_step(index: LexicalIndex) -> None:
    """No limit of the engine is hit; the best come first."""
    rows = [chunk_row(n, f"Common words number{n}.") for n in range(1, 6_001)]
    fill(index, *rows)
    assert len(index.keys()) == 6_000
    assert found(index, "common number5999", top_k=1) == [5_999]
    assert len(found(index, "common", top_k=6_000)) == 6_000


def test_it_is_all_there_after_reopening(tmp_path: Path) -> None:
    """Chunks, cursor and scores; another catalog's index in the same folder is another index."""
    first = LexicalIndex(tmp_path, CATALOG)
    fill(first, chunk_row(1, "Bridge."), cursor=7)
    first.close()
    second, other = LexicalIndex(tmp_path, CATALOG), LexicalIndex(tmp_path, "f" * 16)
    assert (second.cursor(), found(second, "bridge")) == (7, [1])
    assert (other.cursor(), found(other, "bridge")) == (0, [])
    second.close()
    other.close()


def test_a_reset_forgets_everything(index: LexicalIndex) -> None:
    """And the index can be used at once."""
    fill(index, chunk_row(1, "Bridge."), cursor=7)
    index.reset()
    assert (index.cursor(), index.keys(), found(index, "bridge")) == (0, set(), [])
    fill(index, chunk_row(2, "Tower."), cursor=8)
    assert (index.cursor(), found(index, "tower")) == (8, [2])


def test_a_file_that_appears_during_a_reset_is_removed_too(
    index: LexicalIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread of tantivy may still write its last file while the directory is being removed."""
    fill(index, chunk_row(1, "Bridge."), cursor=7)
    remove, tried = shutil.rmtree, list[object]()

    def interrupted(path: Path) -> None:
        tried.append(path)
        if len(tried) == 1:
            raise OSError(errno.ENOTEMPTY, "Directory not empty")
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    index.reset()
    assert (len(tried), index.cursor(), index.keys()) == (2, 0, set())


def test_a_second_writer_is_refused(index: LexicalIndex, tmp_path: Path) -> None:
    """One index, one writer; the message names the directory."""
    with pytest.raises(StoreFailed, match="lexical-"):
        LexicalIndex(tmp_path, CATALOG)


def test_rare_words_count_more(index: LexicalIndex) -> None:
    """As BM25 counts it: never below zero, an unknown word the most."""
    fill(index, chunk_row(1, "A bridge."), chunk_row(2, "A bridge, a tower."), chunk_row(3, "A bridge."))
    idf = index.idf(["bridg", "tower", "unknown"])
    assert 0 < idf["bridg"] < idf["tower"] < idf["unknown"]
    assert index.idf([]) == {}


def test_a_torn_index_starts_anew(tmp_path: Path) -> None:
    """A truncated index is deleted when it is opened: it is empty, at change 0, and is filled from the catalog."""
    index = LexicalIndex(tmp_path, CATALOG)
    fill(index, chunk_row(1, "Bridge."))
    index.close()
    (directory,) = tmp_path.glob("lexical-*")
    for torn in directory.glob("*.store"):
        os.truncate(torn, torn.stat().st_size // 2)
    index = LexicalIndex(tmp_path, CATALOG)
    assert index.cursor() == 0 and index.keys() == set()
    fill(index, chunk_row(1, "Bridge."))
    assert index.keys() == {1}
    index.close()


def test_a_commit_that_was_killed_does_not_stop_the_next(tmp_path: Path) -> None:
    """Its files that reached the disk would block the same commit when it is retried."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    index = LexicalIndex(killed, CATALOG)
    fill(index, chunk_row(1, "Bridge."), chunk_row(2, "Dog."))
    index.close()
    shutil.copytree(killed, whole)
    index = LexicalIndex(whole, CATALOG)
    index.apply([1], [chunk_row(1, "Tower.")], 2)
    index.close()
    (into,) = killed.glob("lexical-*")
    (deletions,) = whole.glob("lexical-*/*.del")
    for file in (deletions, deletions.with_name(".managed.json")):
        shutil.copy(file, into)
    index = LexicalIndex(killed, CATALOG)
    index.apply([1], [chunk_row(1, "Tower.")], 2)
    assert (found(index, "tower"), found(index, "bridge"), found(index, "dog")) == ([1], [], [2])
    index.close()


def _commit_and_die(folder: Path) -> None:
    """Write eight segments, of which the next commit starts a merge, and die before this process can make it."""
    index = LexicalIndex(folder, CATALOG)
    for number in range(1, 9):
        articles = [number, 10 + number, *([21, 22, 23] if number == 1 else [])]  # the first segment is the largest
        index.apply(articles, [_chunk(article, 1) for article in articles], number)
    os.kill(os.getpid(), signal.SIGKILL)


def _chunk(article: int, version: int) -> ChunkRow:
    row = chunk_row(10 * article + version, f"Bridge of article{article} version{version}.")
    return replace(row, article=article, version=version)


def test_a_merge_that_a_kill_left_due_keeps_no_replaced_chunk(tmp_path: Path) -> None:
    """The first article that is replaced after a kill loses its old chunks, whatever is merged meanwhile."""
    left = {}
    for number in range(1, 9):
        folder = tmp_path / f"{number}"
        killed = multiprocessing.get_context("forkserver").Process(target=_commit_and_die, args=(folder,))
        killed.start()
        killed.join()
        assert killed.exitcode == -signal.SIGKILL
        index = LexicalIndex(folder, CATALOG)
        assert index.cursor() == 8
        index.apply([number], [_chunk(number, 2)], 9)
        index.close()  # which waits for the merge
        index = LexicalIndex(folder, CATALOG)
        left[number] = sorted(key for key in set(index.keys()) if key // 10 == number)
        index.close()
    assert left == {number: [10 * number + 2] for number in range(1, 9)}


def test_vendor_errors_are_ours(index: LexicalIndex) -> None:
    """The errors of tantivy are mapped to StoreFailed, so that the other index can answer alone."""
    with pytest.raises(StoreFailed):
        index.search(["\ud800"], "default", (), 9)
    closed = chunk_row(1, "Bridge.")
    index._writer.wait_merging_threads()
    with pytest.raises(StoreFailed):
        index.apply([1], [closed], 1)
    index._open()
