"""Read HTML pages. Runs in the child process of `qa.html`, which may be killed: a page can take hours or gigabytes."""

from __future__ import annotations

import json
import logging
import os
import resource
import struct
import sys
from typing import BinaryIO

import trafilatura
from htmldate import find_date
from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types
from trafilatura.utils import load_html

from qa import dates, front_matter
from qa.errors import BadArticle
from qa.feeds import read_feed

_NO_TEXT = "nav header footer aside script style form template noscript svg button select textarea title".split()
_INLINE = frozenset("a abbr b bdi bdo big cite code em font i ins kbd mark q s samp small span strong sub sup u".split())
_OFF_TOPIC = " or ".join(
    f"contains(concat(@class, ' ', @id), '{word}')" for word in ("related", "sidebar", "recommend", "comment", "trending")
)
_LONG_TEXT = 150  # characters; two paragraphs of it, and the head of the article is over
_LONGEST_DATE_LINE = 120


def read_page(page: str) -> dict[str, object]:
    """Return the main text of a page and what it says of itself. Raises ValueError."""
    tree = load_html(page)
    if tree is None:
        raise ValueError("no HTML elements were found")
    # The library's date is not used (see _find_day), so it need not look far for one.
    options = {"extensive_search": False, "original_date": True}
    found = trafilatura.bare_extraction(
        page, with_metadata=True, include_comments=False, include_tables=True, date_extraction_params=options
    )
    text = found.text if isinstance(found, trafilatura.settings.Document) else None
    plain = "\n".join(_list_paragraphs(tree))
    # What is short has no furniture to part from the text, and of what is short the extractor drops half.
    if not text or (len(plain) < 1000 and len(text) < len(plain) / 2):
        text = plain
    if not text.strip():
        raise ValueError("no article text was found in the HTML")
    fields: dict[str, object] = {"text": text, "published_at": _find_day(tree), "language": tree.get("lang")}
    if isinstance(found, trafilatura.settings.Document):
        fields |= {"title": found.title, "url": found.url, "outlet": found.sitename or found.hostname}
        fields["authors"] = [name.strip() for name in (found.author or "").split(";") if name.strip()]
        fields["language"] = found.language or fields["language"]
    return {key: value for key, value in fields.items() if value}
