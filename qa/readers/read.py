"""Read articles one at a time from files, folders, globs, URLs and standard input; refuse each that cannot be read."""

from __future__ import annotations

import gzip
import json
import math
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from qa.errors import BadArticle
from qa.readers import front_matter, html_process
from qa.readers.find_files import File, find
from qa.readers.rows import MAX_BYTES, Fetch, article_from_row
from qa.temporal.dates import parse_published
from qa.text.normalise import decode, normalise, sha256
from qa.types import Article, Refused

StrPath = str | os.PathLike[str]

_ARTICLES_A_FILE = 50  # a JSON file or a feed has many articles and is read whole
_ESCAPE_BYTES = 6  # JSON may escape each byte of a text as \u00XX
_LINE_EXTRA_BYTES = 65_536  # for the other fields of a row
_SKIPPED_LINES = 32  # a line longer than this many limits ends the file: 1 MB of gzip can unpack to a line of 1 GB
_PIECE_BYTES = 1 << 20
_MOST_VALUES = 100_000
_BYTES_A_VALUE = 10  # for each value beyond these; article rows have one value in a hundred bytes or more
# Times the size of the gzip file: news packs to a fifth, wire copies to a fiftieth at best, a bomb to a thousandth.
_MOST_UNPACKED = 100
_FREE_BYTES = 1 << 24


def read(
    paths: StrPath | Iterable[StrPath],
    *,
    outlet: str | None = None,
    published: str | None = None,
    max_bytes: int = MAX_BYTES,
    stdin: BinaryIO | None = None,
    pages: html_process.PageReader = html_process.SHARED,
    fetch: Fetch | None = None,
) -> Iterator[Article | Refused]:
    """Yield every article of a path, or of several in order, and a refusal for whatever could not be read.

    A path is a file, a folder (read recursively) or a glob; a string may also be a URL, or "-" for article rows on
    `stdin`. `outlet` and `published` are the defaults for articles that do not state theirs. URLs are read only if
    there is a `fetch`. Raises BadArticle when `published` is not a date.
    """
    published = parse_published(published) if published else None
    reader = _Reader((outlet or "").strip() or None, published, max_bytes, pages, fetch)
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        if path == "-":
            yield from reader.read_stream(stdin or sys.stdin.buffer)
            continue
        if isinstance(path, str) and path.startswith(("http://", "https://")):
            yield reader.read_address(path)
            continue
        for file in find(os.fspath(path)):
            if isinstance(file, Refused):
                yield file
            else:
                yield from reader.read_file(file)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The defaults and limits of one `read`, and a method for each kind of file."""

    outlet: str | None
    published: str | None
    max_bytes: int
    pages: html_process.PageReader
    fetch: Fetch | None

    def read_file(self, file: File) -> Iterator[Article | Refused]:
        """Yield the articles of a file."""
        read_kind = next((read for suffix, read in _KINDS.items() if file.path.name.lower().endswith(suffix)), None)
        if read_kind is None:
            yield Refused(file.source, f"not a kind of file I read ({', '.join(_KINDS)})")
        else:
            yield from _guard(file.source, read_kind(self, file))

    def read_address(self, url: str) -> Article | Refused:
        """Return the article at a URL."""
        if self.fetch is None:
            return Refused(url, "addresses are not fetched; QA_FETCH_URLS=on allows it")
        return self._try({"url": url}, url, url, self.outlet)

    def read_stream(self, stream: BinaryIO) -> Iterator[Article | Refused]:
        """Yield the articles of a stream of JSON lines."""
        for item in _guard("stdin", self._read_lines(stream, "stdin", "stdin")):
            if isinstance(item, Article) and item.id == item.source.replace(":", "#"):
                # Line 1 of this stream is not line 1 of the last one, so the id is made from the text.
                yield replace(item, id=f"text-{sha256(item.text)[:16]}")
            else:
                yield item

    def read_text(self, file: File) -> Iterator[Article | Refused]:
        """Yield the article of a plain text, with the metadata of its first lines."""
        text = self._read_normalised(file)
        head = front_matter.read_head(text)
        row = {"text": text, "title": head.title, "authors": head.authors, "published_at": head.published_at}
        # The owner of the copyright is often not the outlet: the caller's outlet is better.
        yield self._article(row, file.source, file.id, self.outlet or head.outlet)

    def read_markdown(self, file: File) -> Iterator[Article | Refused]:
        """Yield the article of a Markdown text, without its front matter."""
        fields, text = front_matter.split(self._read_normalised(file))
        yield self._article({**fields, "text": text}, file.source, file.id, self.outlet)

    def read_page(self, file: File) -> Iterator[Article | Refused]:
        """Yield the article of an HTML page."""
        data = _read_bytes(file.path, self.max_bytes)
        page = decode(data, html_process.declared_charset(data))
        yield self._article({"html": page}, file.source, file.id, self.outlet)

    def read_json(self, file: File) -> Iterator[Article | Refused]:
        """Yield the articles of one row, of a list of rows, or of `{"articles": [...]}`."""
        rows = _load(_read_bytes(file.path, self.max_bytes * _ARTICLES_A_FILE))
        if isinstance(rows, dict) and isinstance(rows.get("articles"), list):
            rows = rows["articles"]
        if not isinstance(rows, list):
            yield self._article(rows, file.source, file.id, self.outlet)
            return
        for number, row in enumerate(rows, 1):
            yield self._try(row, f"{file.source} item {number}", f"{file.id}#{number}", self.outlet)

    def read_jsonl(self, file: File) -> Iterator[Article | Refused]:
        """Yield the articles of a file of JSON lines."""
        with file.path.open("rb") as stream:
            yield from self._read_lines(stream, file.source, file.id)

    def read_gzip(self, file: File) -> Iterator[Article | Refused]:
        """Yield the articles of a gzipped file of JSON lines, unpacked as it is read."""
        max_unpacked = _FREE_BYTES + _MOST_UNPACKED * file.path.stat().st_size
        with gzip.open(file.path) as stream:
            yield from self._read_lines(stream, file.source, file.id, max_unpacked)

    def read_feed(self, file: File) -> Iterator[Article | Refused]:
        """Yield the items of a feed; its title is their outlet."""
        if self.fetch is not None:  # a feed lists hundreds of URLs: only the text in the feed itself is read
            yield from replace(self, fetch=None).read_feed(file)
            return
        feed = self.pages.read_feed(_read_bytes(file.path, self.max_bytes * _ARTICLES_A_FILE))
        items, title = feed["items"], feed["title"]
        assert isinstance(items, list)
        outlet = title if isinstance(title, str) and title else self.outlet
        for number, item in enumerate(items, 1):
            yield self._try(item, f"{file.source} item {number}", f"{file.id}#{number}", outlet)

    def _read_lines(
        self, stream: BinaryIO | gzip.GzipFile, source: str, file_id: str, max_unpacked: float = math.inf
    ) -> Iterator[Article | Refused]:
        limit = self.max_bytes * _ESCAPE_BYTES + _LINE_EXTRA_BYTES
        for number, line in _split_lines(stream, limit):
            place = f"{source}:{number}"
            max_unpacked -= len(line or b"")
            if max_unpacked < 0:
                raise BadArticle(f"unpacks to more than {_MOST_UNPACKED} times its size; the rest is not read")
            if line is None:
                yield Refused(place, f"a line of more than {limit} bytes")
            elif line.strip():
                yield self._try(line, place, f"{file_id}#{number}", self.outlet)

    def _try(self, row: object, source: str, made_id: str, outlet: str | None) -> Article | Refused:
        """Return the article of one row among many, or its refusal."""
        try:
            return self._article(_load(row) if isinstance(row, bytes) else row, source, made_id, outlet)
        except BadArticle as exc:
            return Refused(source, str(exc))

    def _article(self, row: object, source: str, made_id: str, outlet: str | None) -> Article:
        if not isinstance(row, Mapping):
            raise BadArticle(f"an article is an object, not {type(row).__name__}")
        return article_from_row(
            row,
            source,
            outlet=outlet,
            published=self.published,
            max_bytes=self.max_bytes,
            default_id=made_id,
            pages=self.pages,
            fetch=self.fetch,
        )

    def _read_normalised(self, file: File) -> str:
        return normalise(decode(_read_bytes(file.path, self.max_bytes)))


_KINDS: dict[str, Callable[[_Reader, File], Iterator[Article | Refused]]] = {
    ".txt": _Reader.read_text,
    ".md": _Reader.read_markdown,
    ".html": _Reader.read_page,
    ".htm": _Reader.read_page,
    ".jsonl": _Reader.read_jsonl,
    ".jsonl.gz": _Reader.read_gzip,
    ".ndjson": _Reader.read_jsonl,
    ".json": _Reader.read_json,
    ".xml": _Reader.read_feed,
    ".rss": _Reader.read_feed,
    ".atom": _Reader.read_feed,
}


def _guard(source: str, articles: Iterator[Article | Refused]) -> Iterator[Article | Refused]:
    """Yield the articles; an error that stops the reading becomes the last refusal."""
    try:
        yield from articles
    except BadArticle as exc:
        yield Refused(source, str(exc))
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        yield Refused(source, f"damaged gzip data: {exc}")
    except OSError as exc:
        yield Refused(source, exc.strerror or str(exc))


def _read_bytes(path: Path, limit: int) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise BadArticle(f"more than {limit} bytes")
    return data


def check_values(data: bytes | bytearray) -> None:
    """Refuse JSON of many tiny values before parsing: `[],` is three bytes and becomes seventy. Raises BadArticle."""
    if sum(map(data.count, (b",", b"[", b"{"))) > _MOST_VALUES + len(data) // _BYTES_A_VALUE:
        raise BadArticle("holds too many values for its size")


def _load(data: bytes) -> object:
    """Parse JSON. Raises BadArticle."""
    check_values(data)
    try:
        return json.loads(decode(data), parse_int=_read_int)
    except json.JSONDecodeError as exc:
        raise BadArticle(f"not JSON: {exc.msg} at character {exc.pos + 1}") from exc
    except RecursionError as exc:
        raise BadArticle("not JSON that can be read: nested too deep") from exc


def _read_int(digits: str) -> float:
    """Read an integer; thousands of digits, which Python refuses, give infinity, so that the field is refused."""
    return int(digits) if len(digits) < 100 else float("inf")


def _split_lines(stream: BinaryIO | gzip.GzipFile, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield numbered lines, None for a line over the limit; memory stays below the limit. Raises BadArticle."""
    number = 0
    while line := stream.readline(limit + 1):
        number += 1
        if len(line) <= limit:
            yield number, line
            continue
        skipped = len(line)
        while line and not line.endswith(b"\n"):
            line = stream.readline(_PIECE_BYTES)
            skipped += len(line)
            if skipped > limit * _SKIPPED_LINES:
                raise BadArticle(f"line {number} has no end within {skipped} bytes; the rest of the file is not read")
        yield number, None
