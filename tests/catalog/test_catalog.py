"""The catalog: articles are written whole, versions are kept, takedowns erase."""

import hashlib
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from qa.catalog.backup import restore
from qa.catalog.catalog import Catalog, Prepared, pack_spans, unpack_spans
from qa.catalog.tables import SCHEMA_VERSION
from qa.errors import BadInput, NotFound, StoreFailed
from qa.ingest.prepare import prepare
from qa.types import Article, Span
from tests.fakes import HashEmbedder, article


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    """Open a catalog of each kind in turn."""
    opened = Catalog(url)
    yield opened
    opened.close()


def in_file(folder: Path) -> str:
    return f"sqlite:///{folder / 'catalog.sqlite3'}"


def ready(article: Article) -> Prepared:
    made = prepare(article)
    assert isinstance(made, Prepared)
    return made


def write(catalog: Catalog, *articles: Article, collection: str = "default") -> list[str]:
    """Write articles with the vectors of all their chunks."""
    embedder = HashEmbedder()
    made = [ready(article) for article in articles]
    texts = {
        sha: chunk.span.slice(prepared.article.text)
        for prepared in made
        for chunk, sha in zip(prepared.chunks, prepared.embed_shas, strict=True)
    }
    vectors = dict(zip(texts, embedder.embed_texts(list(texts.values())), strict=True))
    return [str(outcome) for outcome in catalog.write(collection, made, vectors, embedder.model)]


def chunk_texts(catalog: Catalog) -> list[str]:
    return [row.text for row in catalog.chunks_of(catalog.live_pks())]


def test_one_article_twice_in_a_transaction_is_two_versions(catalog: Catalog) -> None:
    """The second finds the first although new rows are inserted together; other articles are not touched."""
    articles = [
        article("b", "A dog ran."),
        article("a", "It rained."),
        article("a", "It snowed."),
        article("c", "Fog."),
    ]
    assert write(catalog, *articles) == ["added", "added", "updated", "added"]
    assert write(catalog, *articles[1:3], articles[2]) == ["updated", "updated", "unchanged"]
    assert chunk_texts(catalog) == ["A dog ran.", "It snowed.", "Fog."]
    assert catalog.article("default", "a").versions == (1, 2, 3, 4)


def test_ids_are_compared_exactly(catalog: Catalog) -> None:
    """Whatever characters they have: a filter by id finds only that article."""
    ids = ["https://x.example/a?b=c#d", 'it\'s "quoted"', "a b", "新闻", "A", "a", "x" * 2000]
    write(catalog, *(article(each, f"Text {number}.") for number, each in enumerate(ids)))
    for number, each in enumerate(ids):
        assert [row.text for row in catalog.chunks_of(catalog.pks("default", [each]))] == [f"Text {number}."]
    assert catalog.pks("default", ["https://x.example/a"]) == []
    assert len(catalog.pks("default", ["a", "A", "b"])) == 2


def test_the_texts_of_an_answer_are_read_at_once(catalog: Catalog) -> None:
    """Each in the requested version; unknown, taken-down and other collections' articles are left out."""
    write(catalog, article("a", "One."), article("b", "Two."), article("gone", "Three."))
    write(catalog, article("a", "One, now longer."), article("c", "Of elsewhere."), collection="other")
    write(catalog, article("a", "Another one."))
    catalog.remove("default", "gone")
    keys = [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("gone", 1), ("c", 1), ("nobody", 1)]
    assert catalog.texts("default", keys) == {
        ("a", 1): "One.",
        ("a", 2): "Another one.",
        ("b", 1): "Two.",
    }
    assert catalog.texts("default", []) == {}


def test_a_chunk_of_an_older_version_is_never_read(tmp_path: Path) -> None:
    """If some fault left one behind, its offsets would belong to another text than the live one."""
    catalog = Catalog(in_file(tmp_path))
    write(catalog, article("a", "Forty people came."))
    write(catalog, article("a", "The bridge was closed."))
    with sqlite3.connect(tmp_path / "catalog.sqlite3") as connection:
        names = 'ordinal, start, "end", sentences, embed_sha'
        connection.execute(f"INSERT INTO chunks (article, version, {names}) SELECT article, 1, {names} FROM chunks")
    connection.close()
    assert chunk_texts(catalog) == ["The bridge was closed."]
    assert catalog.chunks_at([(1, 1, 0)]) == []
    catalog.close()


def test_a_restore_whose_folder_cannot_be_made_says_so(tmp_path: Path) -> None:
    """An error of the file system is mapped to ours and names the path."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed, match="file/new"):
        restore(tmp_path / "copy", f"sqlite:///{tmp_path / 'file' / 'new' / 'catalog.sqlite3'}")


def test_a_restore_that_is_broken_off_leaves_no_catalog(tmp_path: Path) -> None:
    """A half-restored catalog must not be opened as a complete one; and the restore can be started again."""
    catalog = Catalog(in_file(tmp_path))
    write(catalog, article("a", "Forty people came."))
    catalog.copy_to(str(tmp_path / "copy"))
    catalog.close()
    (tmp_path / "torn").write_bytes(b"x" * 10_000)
    with pytest.raises(StoreFailed, match="not a database"):
        restore(tmp_path / "torn", in_file(tmp_path / "new"))
    assert not (tmp_path / "new" / "catalog.sqlite3").exists()
    restore(tmp_path / "copy", in_file(tmp_path / "new"))
    again = Catalog(in_file(tmp_path / "new"))
    assert chunk_texts(again) == ["Forty people came."]
    again.close()


# -- versions ----------------------------------------------------------------------------------------------------


def test_the_same_text_twice_changes_nothing(catalog: Catalog) -> None:
    """Unchanged: no new version, no entry in the change log, the same chunk keys."""
    same = article("a", "The bridge opened. People came.")
    assert write(catalog, same) == ["added"]
    before = (catalog.last_change(), [row.key for row in catalog.chunks_of([1])])
    assert write(catalog, same) == ["unchanged"]
    assert (catalog.last_change(), [row.key for row in catalog.chunks_of([1])]) == before
    assert catalog.article("default", "a").versions == (1,)


def test_a_new_text_is_the_next_version_and_the_old_text_stays_readable(catalog: Catalog) -> None:
    """A citation of version 1 can still be checked; only the live version has chunks."""
    assert write(catalog, article("a", "Forty people came.")) == ["added"]
    assert write(catalog, article("a", "Fifty people came.")) == ["updated"]
    assert catalog.text("default", "a").text == "Fifty people came."
    assert catalog.text("default", "a").live
    old = catalog.text("default", "a", 1)
    assert (old.text, old.live, old.source.version) == ("Forty people came.", False, 1)
    assert chunk_texts(catalog) == ["Fifty people came."]
    assert catalog.article("default", "a").versions == (1, 2)
    assert catalog.count() == (1, 1)


def test_going_back_to_an_earlier_text_is_a_new_version(catalog: Catalog) -> None:
    """Versions are a history: a number is never used for two states."""
    for body in ("One.", "Two.", "One."):
        write(catalog, article("a", body))
    assert catalog.article("default", "a").versions == (1, 2, 3)
    assert catalog.text("default", "a", 3).text == "One."


def test_new_metadata_keeps_the_version_and_its_spans(catalog: Catalog) -> None:
    """A title that is added later updates the same version, so its citations remain valid."""
    write(catalog, article("a", "The bridge opened. People came."))
    before = catalog.chunks_of([1])
    change = catalog.last_change()
    assert write(catalog, article("a", "The bridge opened. People came.", title="Bridge", outlet="Post")) == ["updated"]
    after = catalog.chunks_of([1])
    assert [(row.version, row.span, row.sentences) for row in after] == [
        (row.version, row.span, row.sentences) for row in before
    ]
    assert after[0].source.title == "Bridge"
    assert after[0].key > before[-1].key  # the index rows of the old title point at nothing
    assert catalog.last_change() == change + 1
    assert catalog.article("default", "a").versions == (1,)


def test_metadata_that_is_missing_erases_nothing(catalog: Catalog) -> None:
    """A row without an outlet does not erase the stored one; neither does an empty outlet."""
    full = {"title": "Bridge", "outlet": "Post", "url": "http://x.example/a", "published_at": "2023-03-01"}
    write(catalog, article("a", "The bridge opened.", authors=("Ann",), language="en", **full))
    assert write(catalog, article("a", "The bridge opened.")) == ["unchanged"]
    assert write(catalog, article("a", "The bridge opened.", title="")) == ["unchanged"]
    assert write(catalog, article("a", "The bridge opened.", outlet="Times")) == ["updated"]
    row = catalog.article("default", "a")
    assert (row.source.title, row.source.url, row.source.published_at) == ("Bridge", "http://x.example/a", "2023-03-01")
    assert (row.source.outlet, row.authors, row.language) == ("Times", ("Ann",), "en")


def test_the_first_day_of_1970_is_a_day(catalog: Catalog) -> None:
    """Day number 0 is stored by an update too, and filters see it."""
    write(catalog, article("a", "Old news."))
    write(catalog, article("a", "Old news.", published_at="1970-01-01"))
    assert catalog.chunks_of([1])[0].published_day == 0


def test_furniture_is_kept_with_its_version(catalog: Catalog) -> None:
    """The ranges come back as they were given, even if only they and the title changed."""
    body = "The bridge opened. Share this!"
    write(catalog, article("a", body, furniture=(Span(19, 30),)))
    assert catalog.text("default", "a").furniture == (Span(19, 30),)
    write(catalog, article("a", body, title="Bridge"))
    assert catalog.text("default", "a").furniture == ()
    assert chunk_texts(catalog) == [body]


def test_spans_survive_their_packing() -> None:
    """Spans are packed as pairs of 32-bit numbers; so is an empty list."""
    spans = (Span(0, 1), Span(7, 70_000), Span(4_000_000_000, 4_294_967_295))
    assert unpack_spans(pack_spans(spans)) == spans
    assert unpack_spans(pack_spans(())) == ()


# -- takedown ----------------------------------------------------------------------------------------------------


def on_disk(folder: Path, word: str) -> list[str]:
    return [file.name for file in folder.rglob("*") if file.is_file() and word.encode() in file.read_bytes()]


def test_a_takedown_erases_every_version_from_the_file(tmp_path: Path) -> None:
    """Not a byte of the text remains, neither in the database nor in its write-ahead log."""
    catalog = Catalog(in_file(tmp_path))
    long = "The zyzzyva canary sang. " * 3_000  # of many pages, which are freed but not overwritten
    write(catalog, article("a", long, title="Zyzzyva"), article("b", "The dog ran."))
    write(catalog, article("a", "The zyzzyva canary sleeps.", title="Zyzzyva"))
    assert on_disk(tmp_path, "zyzzyva")
    catalog.remove("default", "a")
    assert on_disk(tmp_path, "zyzzyva") == []  # at once, not only when the store is closed
    catalog.close()
    assert on_disk(tmp_path, "zyzzyva") == []
    assert on_disk(tmp_path, "Zyzzyva") == []


def test_a_takedown_is_a_change_and_then_not_found(catalog: Catalog) -> None:
    """Text, listing and chunks are gone; the change log has an entry; a second takedown raises NotFound."""
    write(catalog, article("a", "The dog ran."))
    catalog.remove("default", "a")
    assert catalog.changes_after(1, 10) == (2, [1])
    assert catalog.count() == (0, 0)
    assert catalog.chunks_of([1]) == [] == catalog.chunks_at([(1, 1, 0)])
    assert catalog.known("default", ["a"]) == {}
    for ask in (
        lambda: catalog.text("default", "a"),
        lambda: catalog.text("default", "a", 1),
        lambda: catalog.article("default", "a"),
        lambda: catalog.remove("default", "a"),
    ):
        with pytest.raises(NotFound, match="'a'"):
            ask()


def test_a_reader_in_the_way_does_not_fail_a_takedown(tmp_path: Path) -> None:
    """With an open read transaction the WAL cannot be truncated, but the article is taken down all the same."""
    catalog = Catalog(in_file(tmp_path))
    write(catalog, article("a", "The dog ran."))
    reader = sqlite3.connect(tmp_path / "catalog.sqlite3", isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM versions").fetchone() == (1,)
    catalog.remove("default", "a")
    assert catalog.count() == (0, 0)
    reader.close()
    catalog.close()


def kept_vectors(catalog: Catalog, *texts: str) -> list[bool]:
    shas = [hashlib.sha256(text.encode()).digest() for text in texts]
    kept = catalog.vectors(HashEmbedder.model, shas)
    return [sha in kept for sha in shas]


def test_a_takedown_keeps_vectors_that_another_article_needs(catalog: Catalog) -> None:
    """Two outlets publish the same text: taking one down must not delete the other's vector."""
    write(catalog, article("a", "The dog ran."), article("b", "The dog ran."))
    catalog.remove("default", "a")
    assert kept_vectors(catalog, "The dog ran.") == [True]
    catalog.remove("default", "b")
    assert kept_vectors(catalog, "The dog ran.") == [False]


def test_no_vector_outlives_the_last_chunk_it_stands_for(catalog: Catalog) -> None:
    """An update drops the old text's vectors: a takedown could not find them any more."""
    write(catalog, article("a", "The dog ran."), article("b", "The cat sat."))
    write(catalog, article("a", "The dog slept."))
    assert kept_vectors(catalog, "The dog ran.", "The dog slept.", "The cat sat.") == [False, True, True]
    # A text that moves from one article to another within one batch keeps its vector.
    write(catalog, article("b", "The bird flew."), article("c", "The cat sat."))
    assert kept_vectors(catalog, "The cat sat.", "The bird flew.") == [True, True]
    catalog.remove("default", "a")
    assert kept_vectors(catalog, "The dog slept.") == [False]


def test_vectors_go_under_every_model(catalog: Catalog) -> None:
    """A takedown erases the vectors of models that are no longer in use too."""
    write(catalog, article("a", "The dog ran."))
    sha = hashlib.sha256(b"The dog ran.").digest()
    catalog.write_vectors("other", {sha: np.ones(3, np.float32)})
    catalog.remove("default", "a")
    assert catalog.vectors("other", [sha]) == catalog.vectors(HashEmbedder.model, [sha]) == {}


def test_an_id_that_comes_back_continues_its_versions(catalog: Catalog) -> None:
    """A version number is never reused, so an old citation cannot point at a new text."""
    write(catalog, article("a", "One."))
    write(catalog, article("a", "Two."))
    catalog.remove("default", "a")
    assert write(catalog, article("a", "One.")) == ["added"]
    assert catalog.article("default", "a").versions == (3,)
    with pytest.raises(NotFound):
        catalog.text("default", "a", 1)


# -- text by SQL -------------------------------------------------------------------------------------------------

HARD = (
    "😀 smiled. 👩‍👩‍👧 waved at 🇩🇪.\nCafe\u0301 opened. Café closed. A\u030a\u0323 stood.\n"
    "市长在周一为大桥揭幕。人们来了。\nمرحبا بالعالم. \U0001f468\u200d🚀 flew.\n\u00a0NBSP. \u2028Line. 𝒳 is not X.\n"
) * 12


def test_chunk_text_cut_by_sql_is_the_python_slice(catalog: Catalog) -> None:
    """SQL counts code points as Python does: emoji, combining marks, CJK, decomposed forms, repeats."""
    write(catalog, article("a", HARD))
    text = catalog.text("default", "a").text
    assert text == HARD
    rows = catalog.chunks_of([1])
    assert len(rows) > 1
    for row in rows:
        assert row.text == row.span.slice(text)
        assert row.sentences[0].start == row.span.start
        assert row.sentences[-1].end == row.span.end


def test_odd_ids_are_ids(catalog: Catalog) -> None:
    """Quotes, percent signs, slashes, spaces, other scripts: an id is compared, never interpreted."""
    ids = ["it's", '"', "a%b_c", "https://x.example/?q=1&r=2#z", " ", "новость", "新闻", "a\nb", "A", "a", "x" * 3000]
    write(catalog, *(article(article_id, f"Text of number {number}.") for number, article_id in enumerate(ids)))
    assert catalog.count() == (len(ids), len(ids))
    for number, article_id in enumerate(ids):
        assert catalog.text("default", article_id).text == f"Text of number {number}."
    assert set(catalog.known("default", ids)) == set(ids)


def test_more_ids_than_one_statement_takes(tmp_path: Path) -> None:
    """Look-ups of many ids are split: SQLite refuses too many variables."""
    catalog = Catalog(in_file(tmp_path))
    write(catalog, *(article(str(n), f"Text {n}.") for n in range(700)))
    ids = [str(n) for n in range(40_000)]
    assert len(catalog.known("default", ids)) == len(catalog.pks("default", ids)) == 700
    rows = catalog.chunks_of(range(1, 40_001))
    assert len(rows) == 700
    assert len(catalog.chunks_at([(row.article, row.version, row.ordinal) for row in rows])) == 700
    assert len(catalog.vectors(HashEmbedder.model, [row.embed_sha for row in rows])) == 700
    catalog.close()


def test_collections_do_not_see_each_other(catalog: Catalog) -> None:
    """One id in two collections is two articles."""
    write(catalog, article("a", "Here."), collection="here")
    write(catalog, article("a", "There."), collection="there")
    assert catalog.text("here", "a").text == "Here."
    assert catalog.text("there", "a").text == "There."
    catalog.remove("here", "a")
    assert catalog.text("there", "a").text == "There."
    assert (catalog.count("here"), catalog.count("there")) == ((0, 0), (1, 1))
    assert [row.source.article_id for row in catalog.articles("there", 0, 10)] == ["a"]
    assert catalog.articles("here", 0, 10) == []


def test_paging_goes_through_all_articles_once(catalog: Catalog) -> None:
    """In the order in which they were first added, which an update does not change."""
    write(catalog, *(article(name, f"Text {name}.") for name in "dcba"))
    write(catalog, article("c", "New text."))
    pages = [[row.source.article_id for row in catalog.articles("default", offset, 2)] for offset in (0, 2, 4)]
    assert pages == [["d", "c"], ["b", "a"], []]


def test_changes_come_in_order_each_article_once_a_step(catalog: Catalog) -> None:
    """A step of the change log lists its articles once and returns its last number."""
    write(catalog, article("a", "One."), article("b", "Two."))
    write(catalog, article("a", "Three."))
    assert catalog.changes_after(0, 10) == (3, [1, 2])
    assert catalog.changes_after(0, 2) == (2, [1, 2])
    assert catalog.changes_after(2, 10) == (3, [1])
    assert catalog.changes_after(3, 10) == (3, [])


# -- wholeness ---------------------------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_nothing(catalog: Catalog) -> None:
    """With an impossible article in a batch, nothing of the batch is written and the change log has not moved."""
    good, bad = ready(article("a", "One.")), ready(article("b", "Two."))
    broken = Prepared(bad.article, bad.sha256, (bad.chunks[0], bad.chunks[0]), (b"x", b"y"))  # one ordinal twice
    with pytest.raises(StoreFailed):
        catalog.write("default", [good, broken], {b"x": np.ones(2, np.float32)}, "m")
    assert catalog.count() == (0, 0)
    assert catalog.last_change() == 0
    assert catalog.vectors("m", [b"x"]) == {}


def test_two_catalogs_of_one_database_write_at_once(url: str) -> None:
    """No article is lost and no writer gets an error that the database is locked."""
    catalogs = [Catalog(url), Catalog(url)]

    def work(number: int) -> str:
        own = catalogs[number % 2]
        outcome = write(own, article(f"own-{number}", f"Text {number}."))[0]
        write(own, article("shared", f"Shared text {number}."))
        own.articles("default", 0, 5)
        return outcome

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(work, range(40)))
    assert outcomes == ["added"] * 40
    assert catalogs[0].count() == catalogs[1].count() == (41, 41)
    assert catalogs[0].article("default", "shared").versions == tuple(range(1, 41))
    assert catalogs[0].last_change() == 80
    for catalog in catalogs:
        catalog.close()


def test_many_open_a_new_file_at_once(url: str) -> None:
    """All of them open the same catalog."""
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: Catalog(url), range(6)))
    assert len({catalog.id for catalog in opened}) == 1
    for catalog in opened:
        catalog.close()


def test_a_new_file_that_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    """When two processes start at once, SQLite's switch to WAL does not wait for the lock."""
    other = sqlite3.connect(tmp_path / "catalog.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE unrelated (x)")
    other.execute("BEGIN IMMEDIATE")
    later = Timer(0.3, other.close)
    later.start()
    Catalog(in_file(tmp_path)).close()
    later.join()


def test_a_copy_is_a_whole_catalog(catalog: Catalog, tmp_path: Path) -> None:
    """Even if it is taken while others write; it has the id of the original."""
    write(catalog, article("a", "One."))
    catalog.copy_to(str(tmp_path / "copy.sqlite3"))
    write(catalog, article("b", "Two."))
    copy = Catalog(f"sqlite:///{tmp_path / 'copy.sqlite3'}")
    assert (copy.id, copy.count(), copy.text("default", "a").text) == (catalog.id, (1, 1), "One.")
    copy.close()


def test_reopening_finds_everything(url: str) -> None:
    """The same id, the same articles, the same log."""
    first = Catalog(url)
    write(first, article("a", "One."))
    first.close()
    second = Catalog(url)
    assert (second.id, second.last_change(), second.text("default", "a").text) == (first.id, 1, "One.")
    second.close()


# -- what cannot be --------------------------------------------------------------------------------------------------


def test_a_catalog_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Its file is not touched: not a byte differs afterwards."""
    Catalog(in_file(tmp_path)).close()
    file = tmp_path / "catalog.sqlite3"
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE meta SET value = '999' WHERE name = 'schema_version'")
        raw.execute("DROP TABLE embeddings")
    raw.close()
    before = file.read_bytes()
    with pytest.raises(StoreFailed, match=f"schema 999, this version reads {SCHEMA_VERSION}"):
        Catalog(in_file(tmp_path))
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4080])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    """With the file's name, and the file stays as it is."""
    (tmp_path / "catalog.sqlite3").write_bytes(content)
    with pytest.raises(StoreFailed, match=r"catalog\.sqlite3"):
        Catalog(in_file(tmp_path))
    assert (tmp_path / "catalog.sqlite3").read_bytes() == content


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """Whether it is an OSError or a database error, it is mapped to ours."""
    (tmp_path / "catalog.sqlite3").mkdir()
    with pytest.raises(StoreFailed):
        Catalog(in_file(tmp_path))


def test_damage_in_the_middle_of_the_file_is_reported(tmp_path: Path) -> None:
    """A garbage page raises StoreFailed on reading and never yields another article's text."""
    first = Catalog(in_file(tmp_path))
    write(first, *(article(str(n), f"Text {n}. " * 300) for n in range(20)))
    first.close()
    file = tmp_path / "catalog.sqlite3"
    content = bytearray(file.read_bytes())
    pages = len(content) // 4096
    for page in range(4, pages):
        content[page * 4096 : page * 4096 + 100] = b"\xee" * 100
    file.write_bytes(content)
    with pytest.raises(StoreFailed):
        damaged = Catalog(in_file(tmp_path))
        try:
            for n in range(20):
                damaged.text("default", str(n))
        finally:
            damaged.close()


def test_what_is_not_there_is_not_found(catalog: Catalog) -> None:
    """Unknown id, unknown version, unknown collection."""
    write(catalog, article("a", "One."))
    for collection, article_id, version in [
        ("default", "b", None),
        ("default", "a", 2),
        ("default", "a", 0),
        ("x", "a", 1),
    ]:
        with pytest.raises(NotFound):
            catalog.text(collection, article_id, version)
    with pytest.raises(NotFound):
        catalog.article("default", "A")


def test_values_that_no_database_holds_are_bad_input(catalog: Catalog) -> None:
    """A version of more than 64 bits, a lone surrogate in an id."""
    with pytest.raises(BadInput, match="too large for the catalog"):
        catalog.text("default", "a", 10**30)
    with pytest.raises(BadInput, match="U\\+D800"):
        catalog.article("default", "a\ud800")
