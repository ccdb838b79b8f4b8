"""Read the bodies that bring articles: JSON, newline-delimited JSON, and files of a form."""

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

_IN_MEMORY = 1 << 20  # bytes; what is larger waits on the disk
_MAX_FILES = 1_000
_JSON_BYTES = 16_000_000  # what is larger comes as lines or files, which are read piece by piece
_MOST_REFUSED = 1_000
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f*?\[\]\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Given:
    """What the sender says of articles that do not say it themselves."""

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
async def received(request: Request, given: Given) -> AsyncIterator[Iterator[Article | Refused]]:
    """Take a body in and yield its articles, to be read in a thread. Raises UnreadableBody and UnsupportedBody."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        rows = await to_thread.run_sync(_parse, await _read_whole(request, max(_JSON_BYTES, 2 * given.max_bytes)))
        yield _until_hopeless(_read_rows(rows, given))
    elif kind in _LINES:
        with SpooledTemporaryFile(_IN_MEMORY) as lines:
            async for piece in request.stream():
                lines.write(piece)
            lines.seek(0)
            yield _until_hopeless(given.read("-", cast(BinaryIO, lines)))
    elif kind == "multipart/form-data":
        async with request.form(max_files=_MAX_FILES) as form:
            files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
            if not files:
                raise UnreadableBody("the form holds no file")
            with TemporaryDirectory(prefix="qa-upload-") as folder:
                yield _until_hopeless(_read_files(files, Path(folder), given))
    else:
        raise UnsupportedBody(f"send application/json, application/x-ndjson or multipart/form-data, not {kind[:80]!r}")


async def _read_whole(request: Request, limit: int) -> bytearray:
    """Return a body that can only be read whole, which costs several times its size. Raises HTTPException."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise HTTPException(413, headers={"Connection": "close"})
    return body


def _until_hopeless(items: Iterator[Article | Refused]) -> Iterator[Article | Refused]:
    """Yield the items until so many were refused that the report would be larger than what was sent."""
    refused = 0
    for item in items:
        yield item
        refused += isinstance(item, Refused)
        if refused == _MOST_REFUSED:
            yield Refused("the rest", f"not read: {_MOST_REFUSED} were refused before it")
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


def _read_rows(rows: Sequence[Any], given: Given) -> Iterator[Article | Refused]:
    unnamed = secrets.token_hex(16)
    for number, row in enumerate(rows):
        source = f"articles[{number}]"
        try:
            if not isinstance(row, dict):
                raise BadArticle("must be a JSON object")
            article = article_from_row(
                row,
                source,
                outlet=given.outlet,
                published=given.published,
                max_bytes=given.max_bytes,
                default_id=unnamed,
                fetch=given.fetch,
            )
        except BadArticle as exc:
            yield Refused(source, str(exc))
            continue
        # An article that comes alone has no path to be named by: the same text is the same article.
        yield replace(article, id=f"text-{sha256(article.text)[:16]}") if article.id == unnamed else article


def _read_files(files: Sequence[UploadFile], folder: Path, given: Given) -> Iterator[Article | Refused]:
    for number, file in enumerate(files):
        name = _UNSAFE.sub("_", re.split(r"[/\\]", file.filename or "")[-1])[-100:].strip()
        path = folder / str(number) / (name if name not in ("", ".", "..") else "file")
        path.parent.mkdir()
        with path.open("wb") as copy:
            shutil.copyfileobj(file.file, copy)
        for one in given.read(str(path)):
            yield _rename(one, f"{path.parent}/")
        path.unlink()


def _rename(one: Article | Refused, folder: str) -> Article | Refused:
    """Take the place where the file lay for a moment out of what is told and kept."""
    if isinstance(one, Refused):
        return Refused(one.source.removeprefix(folder), one.reason)
    return replace(one, id=one.id.removeprefix(folder), source=one.source.removeprefix(folder))
