"""The word index in tantivy: BM25 over stems of chunks and titles. Derived from the catalog, the source of truth.

We tokenise and stem ourselves and give tantivy the stems: ingestion, queries and the ranking of sentences must agree,
which two stemmers of different versions might not.
"""

from __future__ import annotations

import errno
import logging
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import tantivy
from tantivy import Occur, Query
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_fixed

from qa.catalog.catalog import ChunkRow
from qa.errors import Closed, StoreFailed, store_failed
from qa.indexes.filters import AnyOf, AtLeast, AtMost, Clause
from qa.indexes.protocols import Candidate
from qa.text import stemming

# Increase when the schema or the tokeniser changes: the index is then rebuilt from the catalog on the next start.
FORMAT = 3
TITLE_BOOST = 0.4
_HEAP = 64_000_000
_LAST_DAY = 10_000_000

_log = logging.getLogger(__name__)


class LexicalIndex:
    """Follow the catalog's change log in a directory of its own. Has one writer; search from any thread."""

    name = "lexical"

    def __init__(self, directory: Path, catalog_id: str) -> None:
        self._directory = directory / f"lexical-{FORMAT}-{catalog_id[:12]}"
        self._writer: tantivy.IndexWriter | None = None
        self._closed = False
        self._open()

    def _open(self) -> None:
        try:
            self._open_files()
        except ValueError as exc:
            if "lock" in str(exc).lower():  # another process has it open: it is intact, and not ours to remove
                raise StoreFailed(f"{self._directory}: another process writes this word index: {exc}") from exc
            # The catalog has everything in it, so a damaged index need not prevent the start.
            _log.warning("%s: cannot be opened as word index, building it anew: %s", self._directory, exc)
            _remove(self._directory)
            self._open_files()

    def _open_files(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._index = tantivy.Index(_schema(), str(self._directory))
        self._index.register_tokenizer("stems", _analyzer())
        writer = self._index.writer(_HEAP, num_threads=1)
        # A killed process may leave a file of its unfinished commit; the next commit would use the same name.
        writer.garbage_collect_files()
        _spend_first_stamp(writer)
        self._writer = writer

    def close(self) -> None:
        """Finish running merges and close the directory for good."""
        self._closed = True
        self._drop_writer()

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.wait_merging_threads()

    def _writing(self) -> tantivy.IndexWriter:
        """Return the writer, a new one after a failure, which makes a writer unusable."""
        self._check_open()
        if self._writer is None:
            self._open()
        assert self._writer is not None
        return self._writer

    def _check_open(self) -> None:
        if self._closed:  # another process may have the directory by now
            raise Closed("the library is closed")

    @contextmanager
    def _mapped_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError, RuntimeError) as exc:  # tantivy has no exceptions of its own
            raise store_failed(f"{self._directory}: the word index cannot be {what}: {exc}", exc) from exc

    def cursor(self) -> int:
        """Return the number of the last change that is in the index, 0 for none."""
        with self._mapped_errors("read"):
            self._writing()  # reopens after an interrupted reset: the open index refers to deleted files
            searcher = self._index.searcher()
            found = searcher.search(Query.term_query(self._index.schema, "kind", "cursor"), limit=1).hits
            return int(searcher.doc(found[0][1])["cursor"][0]) if found else 0

    def apply(
        self,
        changed: Sequence[int],
        rows: Sequence[ChunkRow],
        cursor: int,
        stems: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Replace all chunks of the changed articles by `rows` and store `cursor`, both in one commit.

        `stems` maps some of the texts to the stems that were computed when the articles were prepared.
        """
        with self._mapped_errors("written"):
            writer = self._writing()
            done = False
            try:
                for article in changed:
                    writer.delete_documents_by_term("article", article)
                titles: dict[str | None, str] = {}  # an article's chunks share their title
                for row in rows:
                    if row.source.title not in titles:
                        titles[row.source.title] = " ".join(stemming.stems(row.source.title or ""))
                    body = stems.get(row.text) or " ".join(stemming.stems(row.text))
                    writer.add_document(_document(row, body, titles[row.source.title]))
                writer.delete_documents_by_term("kind", "cursor")
                writer.add_document(tantivy.Document(kind="cursor", cursor=cursor))
                writer.commit()
                done = True
            finally:
                if not done:
                    self._drop_writer()
            self._index.reload()

    def reset(self) -> None:
        """Forget everything; the next catch-up starts from the first change."""
        with self._mapped_errors("emptied"):
            self._check_open()
            self._drop_writer()
            _remove(self._directory)
            self._open()

    def size(self) -> int:
        """Return how many chunks are in the index."""
        with self._mapped_errors("read"):
            chunks = Query.term_query(self._index.schema, "kind", "chunk")
            found = self._index.searcher().search(chunks, limit=1, count=True)
            return int(found.count)  # type: ignore[attr-defined]  # the stubs lack it

    def keys(self) -> set[int]:
        """Return the keys of all chunks in the index, for verification."""
        with self._mapped_errors("read"):
            searcher = self._index.searcher()
            chunks = Query.term_query(self._index.schema, "kind", "chunk")
            found = searcher.search(chunks, limit=max(1, searcher.num_docs))
            return {int(searcher.doc(address)["key"][0]) for _, address in found.hits}

    def search(self, stems: Sequence[str], collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        """Return the best chunks that satisfy the clauses, best first.

        The score is BM25 divided by the sum of the stems' IDF, so that scores are comparable between a store of ten
        articles and one of ten thousand, and between a long question and a short one.
        """
        if not stems:
            return []
        schema = self._index.schema
        with self._mapped_errors("read"):
            filtered = [(Occur.Must, _any_of(schema, stems)), *_filter(schema, collection, clauses)]
            searcher = self._index.searcher()
            total = sum(_idf(searcher.num_docs, frequency) for frequency in self._frequencies(searcher, stems)) or 1.0
            hits = searcher.search(Query.boolean_query(filtered), limit=top_k, count=False).hits
            return [_candidate(searcher.doc(address), float(score) / total) for score, address in hits]

    def _frequencies(self, searcher: tantivy.Searcher, stems: Sequence[str]) -> list[int]:
        found = [searcher.doc_freq("body", stem) for stem in dict.fromkeys(stems)]
        return [frequency for frequency in found if frequency]

    def idf(self, stems: Iterable[str]) -> dict[str, float]:
        """Return the inverse document frequency of stems over all chunks, as BM25 counts it."""
        with self._mapped_errors("read"):
            searcher = self._index.searcher()
            return {stem: _idf(searcher.num_docs, searcher.doc_freq("body", stem)) for stem in stems}

    def known(self, stems: Iterable[str]) -> set[str]:
        """Return those of the stems that occur in any chunk."""
        with self._mapped_errors("read"):
            searcher = self._index.searcher()
            return {stem for stem in stems if searcher.doc_freq("body", stem)}


def _spend_first_stamp(writer: tantivy.IndexWriter) -> None:
    """Use up a new writer's first operation stamp with a deletion that deletes nothing (works around a tantivy bug).

    tantivy gives a new writer's first operation the stamp of the last commit. A merge that was due when a process was
    killed then starts with the next commit and covers operations up to that stamp: it skips the deletion both in
    segments that have it already and in the others. The chunks of the first replaced article would stay for ever.
    """
    writer.delete_documents_by_term("kind", "nothing")


def _idf(total: int, frequency: int) -> float:
    return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5)) if total > frequency else 0.1


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("body", tokenizer_name="stems", index_option="freq")
    builder.add_text_field("title", tokenizer_name="stems", index_option="freq")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("collection", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("outlet", tokenizer_name="raw", index_option="basic")
    # Signed on purpose: an unsigned field panics in tantivy 0.27 when given Python integers.
    builder.add_integer_field("key", stored=True)
    builder.add_integer_field("cursor", stored=True)
    builder.add_integer_field("article", stored=True, indexed=True)
    builder.add_integer_field("version", stored=True)
    builder.add_integer_field("ordinal", stored=True)
    builder.add_integer_field("day", stored=True, indexed=True, fast=True)
    return builder.build()


def _analyzer() -> tantivy.TextAnalyzer:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def _document(row: ChunkRow, body: str, title: str) -> tantivy.Document:
    document = tantivy.Document(
        kind="chunk",
        key=row.key,
        article=row.article,
        version=row.version,
        ordinal=row.ordinal,
        collection=row.collection,
        body=body,
        title=title,
    )
    if row.source.outlet:
        document.add_text("outlet", row.source.outlet.casefold())
    if row.published_day is not None:
        document.add_integer("day", row.published_day)
    return document


def _candidate(document: tantivy.Document, score: float) -> Candidate:
    article, version, ordinal = (int(document[name][0]) for name in ("article", "version", "ordinal"))
    days = document["day"]
    return Candidate((article, version, ordinal), int(days[0]) if days else None, score)


def _any_of(schema: tantivy.Schema, stems: Sequence[str]) -> Query:
    words: list[tuple[Occur, Query]] = []
    for stem in dict.fromkeys(stems):
        words.append((Occur.Should, Query.term_query(schema, "body", stem, "freq")))
        title = Query.term_query(schema, "title", stem, "freq")
        words.append((Occur.Should, Query.boost_query(title, TITLE_BOOST)))
    return Query.boolean_query(words)


def _filter(schema: tantivy.Schema, collection: str, clauses: Sequence[Clause]) -> Iterator[tuple[Occur, Query]]:
    """Translate clauses to queries that do not change the score."""
    required = [Query.term_query(schema, "collection", collection, "basic")]
    for clause in clauses:
        match clause:
            case AnyOf(field, values):
                required.append(Query.term_set_query(schema, field, list(values)))
            case AtLeast(field, value):
                required.append(Query.range_query(schema, field, tantivy.FieldType.Integer, value, _LAST_DAY))
            case AtMost(field, value):
                # Excluded, not required: an undated chunk has no day in this index and must pass.
                later = Query.range_query(schema, field, tantivy.FieldType.Integer, value + 1, _LAST_DAY)
                yield Occur.MustNot, later
    for query in required:
        yield Occur.Must, Query.const_score_query(query, 0.0)


def _is_not_empty(exc: BaseException) -> bool:
    return isinstance(exc, OSError) and exc.errno == errno.ENOTEMPTY


@retry(retry=retry_if_exception(_is_not_empty), stop=stop_after_attempt(5), wait=wait_fixed(0.05), reraise=True)
def _remove(directory: Path) -> None:
    """Remove a directory, if it is there; again when a thread of tantivy wrote a last file meanwhile (seen once)."""
    if directory.exists():
        shutil.rmtree(directory)
