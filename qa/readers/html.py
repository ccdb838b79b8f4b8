"""Extract the text and metadata of HTML pages. Runs in a killable child: a page can take hours or gigabytes."""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import trafilatura
from htmldate import find_date
from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types
from lxml.html import Element, HtmlElement, HTMLParser, document_fromstring  # type: ignore[import-untyped]
from trafilatura.settings import Document

from qa.errors import BadArticle
from qa.readers import front_matter
from qa.readers.feeds import read_feed
from qa.temporal import dates

HEADER = struct.Struct("!cI")  # of a request: P for a page or F for a feed, and the number of bytes that follow
_SHORT_PAGE = 1000  # characters
_WHOLE_PAGE = re.compile(r"<(?:html|body|article|main)\b", re.IGNORECASE)
_LONG_PARAGRAPH = 150  # characters; the head of an article ends at the second paragraph of this length
_LONGEST_DATE_LINE = 120

# Memory for each byte of input, on top of what any page may use: a feed is in memory with its text and its reply.
_BYTES_A_BYTE = 16
# Memory that was that full stays fragmented: the next page gets a new process.
_TOO_LARGE: dict[str, object] = {"refused": "it takes too much memory to read", "worn_out": True}

_NO_TEXT = frozenset(
    "nav header footer aside script style form template noscript svg button select textarea title".split()
)
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code em font i ins kbd mark q s samp small span strong sub sup u".split()
)
_IS_OFF_TOPIC = etree.XPath(
    "ancestor-or-self::*[self::aside or self::nav or self::footer or self::script or self::style"
    + "".join(f" or contains(@class, '{word}')" for word in ("related", "sidebar", "recommend", "comment", "trending"))
    + "]"
)


def read_page(page: str) -> dict[str, object]:
    """Return the main text and the metadata of a page, as fields of an article row. Raises ValueError."""
    parser = HTMLParser(encoding="utf-8", collect_ids=False, remove_comments=True, remove_pis=True)
    tree = document_fromstring(page.encode(), parser=parser)
    options = {"extensive_search": False, "original_date": True}  # its date is not used: see _find_day
    found = trafilatura.bare_extraction(
        tree, with_metadata=True, include_comments=False, include_tables=True, date_extraction_params=options
    )
    document = found if isinstance(found, Document) else Document()
    text = "\n".join(line.rstrip() for line in (document.text or "").split("\n")).strip()
    plain = "\n".join(_list_paragraphs(tree))
    # A feed item has little around its text, and the extractor takes half of a short one for boilerplate.
    fragment = _WHOLE_PAGE.search(page) is None
    short = len(plain) < _SHORT_PAGE
    if not text or (fragment and short) or ((fragment or short) and len(text) < len(plain) / 2):
        text = plain
    if not any(map(str.isalnum, text)):
        raise ValueError("no text was found in the HTML")
    fields = {
        "text": text,
        "title": document.title,
        "url": document.url,
        "outlet": next((name for name in (document.sitename, document.hostname) if name and "©" not in name), None),
        "published_at": _find_day(tree),
        "authors": [name.strip() for name in (document.author or "").split(";") if name.strip()],
        "language": document.language or tree.get("lang"),
    }
    return {key: value for key, value in fields.items() if value}


def _list_paragraphs(tree: HtmlElement) -> Iterator[str]:
    """Yield the text of each block in order, without scripts, navigation and forms."""
    words: list[str] = []
    walk = etree.iterwalk(tree, events=("start", "end"))
    for event, element in walk:
        starts = event == "start"
        if element.tag not in _INLINE and (paragraph := " ".join("".join(words).split())):
            yield paragraph
        if element.tag not in _INLINE:
            words = []
        if starts and element.tag in _NO_TEXT:
            walk.skip_subtree()
        elif starts:
            words.append(element.text or "")
        if not starts:
            words.append(element.tail or "")
    if paragraph := " ".join("".join(words).split()):
        yield paragraph


def _find_day(tree: HtmlElement) -> str | None:
    """Return the day of publication from a page's metadata, or else from the lines around its headline.

    Nothing else counts: given a whole page, htmldate also returns the year of a copyright line, a date that the news
    mentions, or the date of another article in the sidebar.
    """
    head = Element("html")
    for element in tree.xpath("//head//meta | //head//link[@rel='canonical'] | //script[@type='application/ld+json']"):
        etree.SubElement(head, element.tag, dict(element.attrib)).text = element.text
    stated = find_date(head, extensive_search=False, original_date=True)
    return stated or next((day for line in _list_date_lines(tree) if (day := _read_day(line))), None)


def _list_date_lines(tree: HtmlElement) -> Iterator[str]:
    """Yield possible date lines: short lines and times around the headline, up to the second paragraph."""
    headline = next((h1 for h1 in tree.iter("h1") if h1.text_content().strip()), None)
    if headline is None:
        return
    article = next(headline.iterancestors("article"), None)
    paragraphs, past_headline = 0, article is not None
    for element in (tree if article is None else article).iter(etree.Element):
        past_headline = past_headline or element is headline
        if not past_headline or _IS_OFF_TOPIC(element):
            continue
        line = " ".join(element.text_content().split()) if len(element) <= 3 else ""
        paragraphs += element.tag == "p" and len(line) > _LONG_PARAGRAPH
        if paragraphs == 2:
            return
        yield element.get("datetime") or element.get("content") or line


def _read_day(line: str) -> str | None:
    """Return the day of a machine-readable date or of a date line."""
    try:
        return dates.parse_day(line)
    except BadArticle:
        return front_matter.read_day(line) if len(line) <= _LONGEST_DATE_LINE else None


def serve(cpu_s: int, memory_bytes: int) -> None:
    """Answer requests on standard input until it ends: a kind, a length and the bytes in, a line of JSON out."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the replies
    logging.disable()
    memory_bytes += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _write(replies, {})
    while header := requests.read(HEADER.size):
        kind, length = HEADER.unpack(header)
        memory = memory_bytes + length * _BYTES_A_BYTE
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
        data = requests.read(length)
        used = resource.getrusage(resource.RUSAGE_SELF)
        # If the parent is gone and cannot kill us, the kernel does.
        limit = int(used.ru_utime + used.ru_stime) + cpu_s
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        _write(replies, _answer(kind, data))


def _answer(kind: bytes, data: bytes) -> dict[str, object]:
    """Read one page or feed; one that cannot be read gives the reason. Any other error ends the process."""
    try:
        return read_feed(data) if kind == b"F" else read_page(data.decode())
    except (ValueError, etree.LxmlError) as exc:
        # lxml calls it "unknown error"; the error of a feed has lxml's as its cause.
        if getattr(exc.__cause__ or exc, "code", None) == etree.ErrorTypes.ERR_NO_MEMORY:
            return _TOO_LARGE
        return {"refused": str(exc) or type(exc).__name__}
    except (MemoryError, RecursionError):
        return _TOO_LARGE


def _write(replies: BinaryIO, reply: dict[str, object]) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()
