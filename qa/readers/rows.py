"""Turn article rows, the format of JSONL files and of the HTTP API, into articles."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urldefrag, urlsplit

from qa.errors import BadArticle
from qa.readers import boilerplate, html_process
from qa.temporal import dates
from qa.text.normalise import normalise, normalise_spans, sha256
from qa.types import Article

Fetch = Callable[[str, int], Mapping[str, str]]  # from a URL and a limit in bytes to the `html` or `text` there

MAX_BYTES = 2_000_000
_LONGEST_ID = 512
_LONGEST = {"title": 1000, "url": 2048, "outlet": 200, "language": 35, "authors": 1000}  # characters
_MOST_AUTHORS = 100
# Controls, line separators, bidi marks (an id must not look like another), surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")
_BARE_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?:/\S*)?", re.IGNORECASE)


def article_from_row(
    row: Mapping[str, object],
    source: str,
    *,
    outlet: str | None = None,
    published: str | None = None,
    max_bytes: int = MAX_BYTES,
    default_id: str | None = None,
    pages: html_process.PageReader = html_process.SHARED,
    fetch: Fetch | None = None,
) -> Article:
    """Check a row and return its article; missing fields are taken from its HTML, then from the defaults.

    Unknown keys are ignored. Without `id` and `url`, the id is `default_id` or else `source`. A row with a URL but
    neither text nor HTML is fetched if there is a `fetch`. Raises BadArticle.
    """
    if fetch is not None and not any(_read_text(row, name).strip() for name in ("text", "html")):
        row = {**row, **(fetch(url, max_bytes) if (url := _read_url(row)) else {})}
    text, page = _read_content(row, max_bytes, pages)
    url = _read_url(row) or page.url
    return Article(
        id=_read_id(row) or _shorten(urldefrag(url).url if url else default_id or source),
        text=text,
        title=_read_line(row, "title") or page.title,
        url=url,
        outlet=_read_line(row, "outlet") or page.outlet or outlet,
        published_at=_read_published(row)
        or page.published_at
        or (dates.parse_published(published) if published else None),
        authors=_read_authors(row) or page.authors,
        language=_read_language(row) or page.language,
        furniture=boilerplate.find(text),
        source=source,
    )


def normalise_article(article: Article) -> Article:
    """Return a caller's own article as if it had been read from a row; its furniture spans follow the text.

    Raises BadArticle.
    """
    row = {name: getattr(article, name) for name in Article.__slots__}
    text = _read_text(row, "text")
    return replace(
        article,
        id=_read_id(row) or article.id,
        text=normalise(text),
        title=_read_line(row, "title"),
        url=_read_url(row),
        outlet=_read_line(row, "outlet"),
        published_at=_read_published(row),
        authors=_read_authors(row),
        language=_read_language(row),
        furniture=normalise_spans(text, article.furniture),
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """The metadata of an HTML page."""

    title: str | None = None
    url: str | None = None
    outlet: str | None = None
    published_at: str | None = None
    authors: tuple[str, ...] = ()
    language: str | None = None


def _read_content(row: Mapping[str, object], max_bytes: int, pages: html_process.PageReader) -> tuple[str, _Page]:
    """Return the final text, and the metadata of the HTML if the text comes from there."""
    markup = _read_body(row, "html", max_bytes)
    text = _read_body(row, "text", max_bytes)
    page = _Page()
    if not text.strip() and markup.strip():
        fields = pages.read_page(markup)
        text, page = _read_body(fields, "text", max_bytes), _read_metadata(fields)
    if not text.strip():
        given = [name for name in ("text", "html") if row.get(name) is not None]
        raise BadArticle(f"{given[0]}: empty" if given else "there is neither text nor html", "text")
    return text, page


def _read_body(row: Mapping[str, object], name: str, max_bytes: int) -> str:
    """Return a text of the row in its final form, empty if the row has none."""
    value = _read_text(row, name)
    if len(value) <= max_bytes:  # a longer one is refused as it is
        value = normalise(value)
    size = len(value) if len(value) > max_bytes else len(value.encode())
    if size > max_bytes:
        raise BadArticle(f"{name}: more than {max_bytes} bytes", name)
    return value


def _read_metadata(fields: Mapping[str, object]) -> _Page:
    """Return the metadata of a page; fields that a row could not have are left out: they come from the extractor."""
    metadata: dict[str, Any] = {}
    for name, read in _READERS.items():
        with suppress(BadArticle):
            metadata[name] = read(fields)
    return _Page(**metadata)


def _read_text(row: Mapping[str, object], name: str) -> str:
    """Return a field that must be text, empty if it is absent."""
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadArticle(f"{name}: must be text, not {type(value).__name__}", name)
    return value


def _check_line(value: str, name: str, longest: int) -> str:
    """Return text on one line, with single spaces between its words."""
    line = " ".join(value.split())
    if len(line) > longest:
        raise BadArticle(f"{name}: more than {longest} characters", name)
    if bad := _UNPRINTABLE.search(line):
        raise BadArticle(f"{name}: has the character U+{ord(bad[0]):04X}", name)
    return line


def _read_line(row: Mapping[str, object], name: str) -> str | None:
    """Return a short text of the row, None if it is absent or blank."""
    return _check_line(_read_text(row, name), name, _LONGEST[name]) or None


def _read_id(row: Mapping[str, object]) -> str | None:
    """Return the id of the row, exactly as given."""
    value = _read_text(row, "id")
    if row.get("id") is None:
        return None
    if not value.strip() or value in (".", ".."):
        raise BadArticle(f"id: {value!r} cannot be one", "id")
    if len(value) > _LONGEST_ID:
        raise BadArticle(f"id: more than {_LONGEST_ID} characters", "id")
    if bad := _UNPRINTABLE.search(value):
        raise BadArticle(f"id: has the character U+{ord(bad[0]):04X}", "id")
    return value


def _shorten(value: str) -> str:
    """Return an id made from a URL or a path; a long one keeps its start and ends with its hash."""
    name = _UNPRINTABLE.sub("\ufffd", value)
    return name if len(name) <= _LONGEST_ID else f"{name[: _LONGEST_ID - 65]}~{sha256(name)}"


def _read_url(row: Mapping[str, object]) -> str | None:
    """Return the URL if it is one that a browser may open, because pages link to it."""
    url = _read_text(row, "url").strip()
    if not url:
        return None
    if _BARE_HOST.fullmatch(url):
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise BadArticle(f"url: {url[:80]!r} is not an address: {exc}", "url") from exc
    if parts.scheme not in ("http", "https") or not parts.hostname or any(map(str.isspace, url)):
        raise BadArticle(f"url: {url[:80]!r} is not an http or https address", "url")
    return _check_line(url, "url", _LONGEST["url"])


def _read_published(row: Mapping[str, object]) -> str | None:
    value = row.get("published_at")
    return None if value is None or value == "" else dates.parse_published(value)


def _read_authors(row: Mapping[str, object]) -> tuple[str, ...]:
    """Return the authors that are not blank."""
    value = row.get("authors")
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise BadArticle("authors: must be a list of texts", "authors")
    if len(value) > _MOST_AUTHORS:
        raise BadArticle(f"authors: more than {_MOST_AUTHORS}", "authors")
    names = (_check_line(name, "authors", _LONGEST["authors"]) for name in value)
    return tuple(name for name in names if name)


def _read_language(row: Mapping[str, object]) -> str | None:
    language = _read_line(row, "language")
    if language and not _LANGUAGE.fullmatch(language):
        raise BadArticle(f"language: {language!r} is not a language code", "language")
    return language


_READERS: dict[str, Callable[[Mapping[str, object]], object]] = {
    "title": partial(_read_line, name="title"),
    "url": _read_url,
    "outlet": partial(_read_line, name="outlet"),
    "published_at": _read_published,
    "authors": _read_authors,
    "language": _read_language,
}
