"""Parse uploaded articles: JSON, newline-delimited JSON, and multipart files."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryDirectory
from typing import Any, BinaryIO, NoReturn, cast

from anyio import to_thread
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from qa.errors import BadArticle, BadInput
from qa.readers.read import check_values, read
from qa.readers.rows import Fetch, article_from_row
from qa.service.http.errors import UnreadableBody, UnsupportedBody
from qa.text.normalise import sha256
from qa.types import Article, Refused

_IN_MEMORY = 1 << 20  # bytes; a larger body is spooled to disk
_MAX_FILES = 1_000
_JSON_BYTES = 16_000_000  # larger uploads must use lines or files, which are read incrementally
_MAX_REFUSED = 1_000
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f*?\[\]\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read uploaded articles: defaults for missing outlet and date, size limit, URL fetching."""

    outlet: str | None
    published: str | None
    max_bytes: int
    fetch: Fetch | None = None

    def read(self, path: str, stdin: BinaryIO | None = None) -> Iterator[Article | Refused]:
        """Read a file."""
        return read(
            [path],
            outlet=self.outlet,
            published=self.published,
            max_bytes=self.max_bytes,
            stdin=stdin,
            fetch=self.fetch,
        )


@asynccontextmanager
async def parse_upload(request: Request, options: ReadOptions) -> AsyncIterator[Iterator[Article | Refused]]:
    """Receive a body and yield its articles, to be iterated in a thread. Raises UnreadableBody and UnsupportedBody."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        rows = await to_thread.run_sync(_parse, await _read_whole(request, max(_JSON_BYTES, 2 * options.max_bytes)))
        yield _limit_refusals(_read_rows(rows, options))
    elif kind in _LINES:
        with SpooledTemporaryFile(_IN_MEMORY) as lines:
            async for piece in request.stream():
                lines.write(piece)
            lines.seek(0)
            yield _limit_refusals(options.read("-", cast(BinaryIO, lines)))
    elif kind == "multipart/form-data":
        async with request.form(max_files=_MAX_FILES) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if not files:
                raise UnreadableBody("the form holds no file")
            with TemporaryDirectory(prefix="qa-upload-") as folder:
                yield _limit_refusals(_read_files(files, Path(folder), options))
    else:
        raise UnsupportedBody(f"send application/json, application/x-ndjson or multipart/form-data, not {kind[:80]!r}")


async def _read_whole(request: Request, limit: int) -> bytearray:
    """Read a body into memory, because JSON is parsed at once (several times its size). Raises HTTPException."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise HTTPException(413, headers={"Connection": "close"})
    return body


def _limit_refusals(items: Iterator[Article | Refused]) -> Iterator[Article | Refused]:
    """Yield the items, but stop after _MAX_REFUSED refusals, to bound the size of the report."""
    refused = 0
    for item in items:
        yield item
        refused += isinstance(item, Refused)
        if refused == _MAX_REFUSED:
            yield Refused("the rest", f"not read: {_MAX_REFUSED} were refused before it")
            return


def _parse(body: bytes | bytearray) -> list[Any]:
    """Return the rows of a JSON body: one article, or an object with a list of them."""
    try:
        check_values(body)
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, BadArticle) as exc:
        raise UnreadableBody(f"the body is not JSON: {exc}"[:200]) from exc
    if not isinstance(value, dict):
        raise BadInput('the body must be an article, or {"articles": [...]}')
    if "articles" not in value:
        return [value]
    if len(value) > 1:
        raise BadInput('beside "articles" there may be no other field; what holds for all goes into the address')
    rows = value["articles"]
    if not isinstance(rows, list):
        raise BadInput("articles: must be a list", "articles")
    return rows


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _read_rows(rows: Sequence[Any], options: ReadOptions) -> Iterator[Article | Refused]:
    unnamed = secrets.token_hex(16)
    for number, row in enumerate(rows):
        source = f"articles[{number}]"
        try:
            if not isinstance(row, dict):
                raise BadArticle("must be a JSON object")
            article = article_from_row(
                row,
                source,
                outlet=options.outlet,
                published=options.published,
                max_bytes=options.max_bytes,
                default_id=unnamed,
                fetch=options.fetch,
            )
        except BadArticle as exc:
            yield Refused(source, str(exc))
            continue
        # Without a file name to derive an id from, derive it from the text: the same text is the same article.
        yield replace(article, id=f"text-{sha256(article.text)[:16]}") if article.id == unnamed else article


def _read_files(files: Sequence[UploadFile], folder: Path, options: ReadOptions) -> Iterator[Article | Refused]:
    for number, file in enumerate(files):
        name = _UNSAFE.sub("_", re.split(r"[/\\]", file.filename or "")[-1])[-100:].strip()
        path = folder / str(number) / (name if name not in ("", ".", "..") else "file")
        path.parent.mkdir()
        with path.open("wb") as copy:
            shutil.copyfileobj(file.file, copy)
        for item in options.read(str(path)):
            yield _strip_folder(item, f"{path.parent}/")
        path.unlink()


def _strip_folder(item: Article | Refused, folder: str) -> Article | Refused:
    """Remove the temporary folder from ids, sources and messages."""
    if isinstance(item, Refused):
        return Refused(item.source.removeprefix(folder), item.reason)
    return replace(item, id=item.id.removeprefix(folder), source=item.source.removeprefix(folder))
