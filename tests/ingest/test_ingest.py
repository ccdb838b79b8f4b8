"""Ingest: each article is written whole or refused individually, whatever its neighbours are."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qa.catalog.catalog import Catalog, Prepared
from qa.errors import EmbeddingFailed
from qa.ingest.ingest import ingest
from qa.ingest.prepare import prepare
from qa.readers.rows import article_from_row
from qa.text.chunking import embed_sha
from qa.text.normalise import normalise
from qa.types import Article, Refused, Span, Vectors
from tests.fakes import HashEmbedder, article

REFUSED = Refused("broken.pdf", "this is a PDF file, not text")


class PickyEmbedder(HashEmbedder):
    """Fail on texts that contain a word; count the calls."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word
        self.calls = 0

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        if any(self.word in text for text in texts):
            raise EmbeddingFailed(f"cannot take {self.word}")
        return super().embed_texts(texts)


class InterruptedEmbedder(HashEmbedder):
    """Do something in the middle of the first batch, as another process might."""

    def __init__(self, interrupt: Callable[[], None]) -> None:
        super().__init__()
        self.interrupts = [interrupt]

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        while self.interrupts:
            self.interrupts.pop()()
        return super().embed_texts(texts)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
    yield opened
    opened.close()


def texts(catalog: Catalog, collection: str = "default") -> dict[str, str]:
    rows = catalog.articles(collection, 0, 1_000)
    return {row.source.article_id: catalog.text(collection, row.source.article_id).text for row in rows}


def test_a_report_counts_each_outcome_once(catalog: Catalog) -> None:
    """Added, unchanged, updated, refused; chunks are those written."""
    first = ingest([article("a", "One."), article("b", "Two."), REFUSED], catalog, HashEmbedder())
    assert (first.added, first.updated, first.unchanged, first.refused, first.chunks) == (2, 0, 0, (REFUSED,), 2)
    second = ingest(
        [article("a", "One."), article("b", "New."), article("c", "Three.", title="C")], catalog, HashEmbedder()
    )
    assert (second.added, second.updated, second.unchanged, second.refused, second.chunks) == (1, 1, 1, (), 2)
    assert second.seconds >= 0


@pytest.mark.parametrize("kept", ["the same text", "another text"])
def test_a_takedown_is_not_undone_by_an_ingest_that_had_begun(catalog: Catalog, kept: str) -> None:
    """An article that is taken down while its batch is embedded stays down; the next ingest, begun later, adds it."""
    ingest([article("a", kept)], catalog, HashEmbedder())
    before = catalog.count()
    assert before == (1, 1)
    again = [article("a", "another text"), article("b", "Two.")]
    report = ingest(again, catalog, InterruptedEmbedder(lambda: catalog.remove("default", "a")))
    assert texts(catalog) == {"b": "Two."}
    assert report.added == 1
    if kept != "another text":  # else it was there already and nothing of it was to be written
        assert [refusal.reason for refusal in report.refused] == [
            "was taken down while it was being ingested; send it again to put it back"
        ]
    assert catalog.vectors(HashEmbedder().model, [embed_sha(None, "another text")]) == {}
    assert ingest(again, catalog, HashEmbedder()).added == 1
    assert texts(catalog) == {"a": "another text", "b": "Two."}


def test_a_refused_item_in_the_middle_costs_only_itself(catalog: Catalog) -> None:
    """The articles before and after it are added."""
    report = ingest([article("a", "One."), REFUSED, article("b", "Two.")], catalog, None)
    assert (report.added, report.refused) == (2, (REFUSED,))
    assert texts(catalog) == {"a": "One.", "b": "Two."}


def test_nothing_in_nothing_out(catalog: Catalog) -> None:
    """An empty input is an empty report."""
    report = ingest([], catalog, HashEmbedder())
    assert (report.added, report.updated, report.unchanged, report.refused, report.chunks) == (0, 0, 0, (), 0)


def test_an_article_that_cannot_be_embedded_is_refused_alone(catalog: Catalog) -> None:
    """Its neighbours are added, and its old version is still served."""
    ingest([article("b", "The old text.")], catalog, HashEmbedder())
    batch = [article("a", "One."), article("b", "A poison text."), article("c", "Three.")]
    report = ingest(batch, catalog, PickyEmbedder("poison"))
    assert (report.added, report.updated) == (2, 0)
    assert report.refused == (Refused("b.txt", "cannot be embedded: cannot take poison"),)
    assert texts(catalog) == {"a": "One.", "b": "The old text.", "c": "Three."}
    assert catalog.article("default", "b").versions == (1,)


def test_an_embedder_that_is_down_is_reported_after_three_and_nothing_is_half_written(catalog: Catalog) -> None:
    """Nothing of the batch is written, the change log has not moved, and earlier articles are untouched."""
    ingest([article("old", "Old news.")], catalog, HashEmbedder())
    before = catalog.last_change()
    away = PickyEmbedder("")  # every text holds it
    with pytest.raises(EmbeddingFailed):
        ingest([article(str(n), f"Text {n}.") for n in range(10)], catalog, away)
    assert away.calls == 1 + 3
    assert texts(catalog) == {"old": "Old news."}
    assert catalog.last_change() == before


def test_two_that_cannot_be_embedded_do_not_mean_that_the_embedder_is_away(catalog: Catalog) -> None:
    """Both are refused, the third is added."""
    batch = [article("a", "poison one."), article("b", "poison two."), article("c", "Three.")]
    report = ingest(batch, catalog, PickyEmbedder("poison"))
    assert (report.added, [refusal.source for refusal in report.refused]) == (1, ["a.txt", "b.txt"])


def test_an_away_embedder_is_not_asked_for_what_is_known(catalog: Catalog) -> None:
    """Unchanged articles and texts that have a vector need no embedding."""
    ingest([article("a", "One.")], catalog, HashEmbedder())
    away = PickyEmbedder("")
    report = ingest([article("a", "One."), article("reprint", "One.")], catalog, away)
    assert (report.unchanged, report.added, away.calls) == (1, 1, 0)


def test_the_same_id_twice_is_two_versions(catalog: Catalog) -> None:
    """Whether in one batch or in two: the last text is live, the first stays readable."""
    report = ingest([article("a", "One."), article("b", "B."), article("a", "Two.")], catalog, HashEmbedder())
    assert (report.added, report.updated, report.unchanged) == (2, 1, 0)
    assert texts(catalog) == {"a": "Two.", "b": "B."}
    assert catalog.text("default", "a", 1).text == "One."


def test_the_same_id_twice_with_one_text_keeps_the_first_ones_metadata(catalog: Catalog) -> None:
    """A second row without a title does not erase the title."""
    items = [article("a", "One.", title="T"), article("a", "One."), article("a", "One.", outlet="Post")]
    report = ingest(items, catalog, None)
    assert (report.added, report.updated, report.unchanged) == (1, 1, 1)
    (row,) = catalog.chunks_of([1])
    assert (row.source.title, row.source.outlet) == ("T", "Post")
    assert row.embed_sha == embed_sha("T", "One.")


def test_a_repeated_id_whose_last_text_is_refused_keeps_the_one_before(catalog: Catalog) -> None:
    """A refusal does not affect what was accepted before."""
    report = ingest([article("a", "One."), article("a", "A poison.")], catalog, PickyEmbedder("poison"))
    assert (report.added, len(report.refused)) == (1, 1)
    assert texts(catalog) == {"a": "One."}


def test_two_worker_processes_make_the_same_catalog(tmp_path: Path) -> None:
    """The same keys, spans, vectors and report as one process."""
    made = []
    for workers in (1, 2):
        store = Catalog(f"sqlite:///{tmp_path / str(workers)}.sqlite3")
        items = [article(str(n), f"Text {n}. " + "More words follow here. " * 90) for n in range(20)]
        report = ingest([*items, REFUSED], store, HashEmbedder(), workers=workers)
        rows = store.chunks_of(store.live_pks())
        vectors = store.vectors("hash-256", [row.embed_sha for row in rows])
        made.append(
            (
                report.added,
                report.refused,
                report.chunks,
                rows,
                {key: vector.tobytes() for key, vector in vectors.items()},
            )
        )
        store.close()
    assert made[0][2] > 20
    assert made[0] == made[1]


def test_an_article_that_comes_again_is_compared_with_what_was_written(catalog: Catalog) -> None:
    """Even if the next batch is prepared while the first is written: its title stays, its text is a new version."""
    others = [article(f"n{n}", f"Text {n}.") for n in range(127)]
    again = [article("a", "One.", outlet="Post"), article("b", "New.")]
    first = [article("a", "One.", title="T"), article("b", "Old.")]
    report = ingest([*first, *others[:126], *again, *others[126:]], catalog, None, workers=2)
    assert (report.added, report.updated, report.unchanged) == (129, 2, 0)
    row = catalog.chunks_of([1])[0]
    assert (row.source.title, row.source.outlet, row.embed_sha) == ("T", "Post", embed_sha("T", "One."))
    assert catalog.article("default", "b").versions == (1, 2)


def test_text_of_furniture_alone_is_refused(catalog: Catalog) -> None:
    """With its source, or its id where it has none."""
    body = "Share this article!"
    nothing = [
        article("a", body, furniture=(Span(0, len(body)),)),
        article("b", " \n "),
        Article(id="c", text=""),
    ]
    report = ingest(nothing, catalog, HashEmbedder())
    reason = "holds no text besides web furniture"
    assert report.refused == (Refused("a.txt", reason), Refused("b.txt", reason), Refused("c", reason))
    assert catalog.count() == (0, 0)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Article("x", "One.", published_at="yesterday"), "published_at"),
        (Article("x", "One.", title="a\x00b"), "title: has the character U+0000"),
        (Article("x", "One.\x00"), "NUL"),
        (Article("x", "One.", outlet="Post\u202etsoP"), "outlet: has the character U+202E"),
        (Article("x", "One.", url="javascript:alert(1)"), "url"),
        (Article("x", "One.", title="a" * 1001), "title: more than 1000 characters"),
        (Article("x", "One.", language="no language"), "language"),
        (Article("x", "One. \ud83d"), "U+D83D"),
        (Article("x", "One.", authors=("Ann", "\udc00")), "U+DC00"),
        (Article("x\ud800", "One."), "U+D800"),
    ],
)
def test_what_the_catalog_cannot_store_is_refused_alone(catalog: Catalog, bad: Article, reason: str) -> None:
    """An article that a caller built by hand may hold anything; its neighbours are taken."""
    report = ingest([article("a", "One."), bad, article("b", "Two.")], catalog, HashEmbedder())
    assert report.added == 2
    assert [refusal.source for refusal in report.refused] in (["x"], ["x\\ud800"])
    report.refused[0].source.encode()  # it can be printed
    assert reason in report.refused[0].reason


ROWS = {
    "emoji and CRLF": "😀 opened.\r\nIt was 👩‍👩‍👧 first.\r\n",
    "BOM": "\ufeffThe bridge opened.",
    "two BOMs": "\ufeff\ufeffThe bridge opened.",
    "CR alone": "The bridge opened.\rIt was late.\r\rNobody came.",
    "combining marks": "\ufeffCafe\u0301 opened.\r\nI\u0307stanbul slept.",
    "repeats": "It rained.\r\n" * 40,
    "a BOM inside": "The bridge\ufeff opened.\n",
}


@pytest.mark.parametrize("body", ROWS.values(), ids=ROWS)
def test_a_row_and_an_article_of_the_same_words_are_one_version(catalog: Catalog, body: str) -> None:
    """A caller's article is stored as what the readers make: no BOM, LF, no spare blanks, one form of a date."""
    fields = {
        "id": "x",
        "text": body,
        "title": " Bridge\r\n  to open ",
        "outlet": "\tThe Post",
        "url": "example.com/bridge",
        "published_at": "Tue, 5 May 2026 10:00:00 GMT",
    }
    made = Article(**fields, authors=(" Ann  Lee",))
    assert ingest([article_from_row(fields | {"authors": [" Ann  Lee"]}, "test")], catalog, None).added == 1
    assert ingest([made], catalog, None).unchanged == 1
    assert ingest([replace(made, id="alone")], catalog, None).added == 1
    row, own = (catalog.article("default", name) for name in ("x", "alone"))
    assert own.source == replace(row.source, article_id="alone")
    assert own.source.title == "Bridge to open" and own.source.published_at == "2026-05-05T10:00:00+00:00"
    assert own.authors == row.authors == ("Ann Lee",)
    assert catalog.text("default", "alone").text == catalog.text("default", "x").text == normalise(body)


def test_the_furniture_of_a_callers_article_follows_its_text(catalog: Catalog) -> None:
    """Its places are in the text as it was given; what lies in none of it is left out, and neither is indexed."""
    given = "\ufeffShare 😀 this!\r\nThe cafe\u0301 opened.\r\nShare 😀 this!\r\n\r\nIt rained.\r\nLeave a Reply"
    first, again, last = (
        Span(given.index("Share"), given.index("The")),
        Span(given.rindex("Share"), given.index("It")),
        Span(given.index("Leave"), len(given) + 500),
    )
    beyond = Span(len(given), len(given) + 9)
    ingest([Article("x", given, furniture=(Span(0, 1), beyond, last, again, first))], catalog, None)
    stored = catalog.text("default", "x")
    left_out = ["Leave a Reply", "Share 😀 this!\n\n", "Share 😀 this!\n"]
    assert [span.slice(stored.text) for span in stored.furniture] == left_out
    (row,) = catalog.articles("default", 0, 9)
    chunks = catalog.chunks_of(catalog.pks("default", [row.source.article_id]))
    words = [span.slice(stored.text) for chunk in chunks for span in chunk.sentences]
    assert words == ["The cafe\u0301 opened.", "It rained."]


def test_progress_is_reported_for_every_item(catalog: Catalog) -> None:
    """The sizes of the batches add up to the number of items; a batch is bounded."""
    told: list[int] = []
    items = [article(str(n), f"Text {n}.") for n in range(150)]
    ingest([*items, REFUSED], catalog, None, progress=told.append)
    assert sum(told) == 151
    assert max(told) < 151


def test_large_articles_are_not_piled_up(catalog: Catalog) -> None:
    """A batch is limited in characters too: memory does not grow with the feed."""
    told: list[int] = []
    items = [article(str(n), f"Text {n}. " + "All the words. " * 20_000) for n in range(4)]
    ingest(items, catalog, None, progress=told.append)
    assert sum(told) == 4
    assert max(told) < 4


def test_prepare_hashes_what_is_embedded() -> None:
    """One hash for each chunk, of exactly the text it covers; equal texts at two places have the same hash."""
    body = "😀 smiled. Cafe\u0301 opened. 市长来了。 " * 60
    made = prepare(article("a", body))
    assert isinstance(made, Prepared)
    words = [chunk.span.slice(body) for chunk in made.chunks]
    assert len(words) > 1
    assert list(made.embed_shas) == [hashlib.sha256(text.encode()).digest() for text in words]


def test_collections_take_the_same_id_apart(catalog: Catalog) -> None:
    """The same article in two collections is added twice and embedded once."""
    embedder = HashEmbedder()
    for collection in ("a", "b"):
        assert ingest([article("x", "One.")], catalog, embedder, collection=collection).added == 1
    assert embedder.embedded == ["One."]
    assert texts(catalog, "a") == texts(catalog, "b") == {"x": "One."}
