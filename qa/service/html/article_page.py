"""What all pages share, and the page of an article: HTML written on the server, everything escaped. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from urllib.parse import urlsplit

from qa.types import Source, Span

# What a reader cannot see and should know of: controls, zero width, bidi, tags, separators. A joiner between two
# characters that are not ASCII makes emoji families and Persian words, and a black flag with tags is a country's: fine.
_HIDDEN = re.compile(
    "(?P<fine>\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f|(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f]))"
    "|(?P<hidden>[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f])"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """An article as its page shows it."""

    source: Source
    text: str
    furniture: tuple[Span, ...]
    language: str | None
    live: bool
    span: Span | None
    others: tuple[tuple[int, str], ...]  # the other versions, each with its address


def headers(ancestors: Sequence[str] = (), *, scripted: bool = False) -> dict[str, str]:
    """Return the headers of a page: nothing foreign is loaded or told, only our own files may run, on one page."""
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors " + " ".join(("'self'", *ancestors)),
        # No script can read text as HTML, ours included.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    if scripted:
        policy += ["script-src 'self'", "connect-src 'self'"]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def render_article(shown: Shown) -> str:
    """Return the page of an article, the span marked."""
    source = shown.source
    title = source.title or source.article_id
    language = f' lang="{escape(shown.language)}"' if shown.language else ""
    original = source.url if is_web_link(source.url) else None
    parts = [
        f'<h1 dir="auto">{visible(title)}</h1>',
        f'<p class="about">{about(source)}</p>',
        f'<p><a href="{escape(original)}" rel="noopener nofollow noreferrer">The original article</a></p>'
        if original
        else "",
        _versions(shown),
        _cited(shown),
        f'<article dir="auto"{language}>{_body(shown)}</article>',
        f'<p class="about">{escape(source.article_id)}, version {source.version}, SHA-256 {source.sha256}</p>',
    ]
    return render(title, "\n".join(part for part in parts if part))


def render_error(status: int, message: str) -> str:
    """Return a page that says what went wrong."""
    hint = "<p>Open the page again and give the key as the password, with any user name.</p>" if status == 401 else ""
    return render(
        f"Error {status}", f'<h1>Error {status}</h1>\n<p>{visible(message)}</p>\n{hint}<p><a href="/">Start</a></p>'
    )


def render(title: str, body: str) -> str:
    """Return a whole page around a body that is HTML already."""
    return frame(title, f"<main>\n{body}\n</main>")


def frame(title: str, body: str, head: str = "") -> str:
    """Return a document around a body, with what its head needs beside the style of all pages."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f'<title>{escape(title)}</title>\n<link rel="stylesheet" href="/page/page.css">\n{head}</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def visible(text: str) -> str:
    """Return text as HTML, with a visible mark on every character that cannot be seen.

    The character itself stays in the page, in an isolate that ends its effect: what a reader copies is the text.
    """
    parts: list[str] = []
    done = 0
    for found in _HIDDEN.finditer(text):
        if found["hidden"] is None:
            continue
        parts.append(escape(text[done : found.start()]))
        parts.append(f'<bdi class="hidden" data-code="U+{ord(found[0]):04X}">{_raw(found[0])}</bdi>')
        done = found.end()
    return "".join(parts) + escape(text[done:])


def _raw(char: str) -> str:
    # A parser replaces the one and turns the other into a line end; neither is ever in an article's text.
    return "" if char in "\x00\r" else char


def is_web_link(url: str | None) -> bool:
    """Tell whether an address that an article carries may become a link."""
    if not url:
        return False
    try:
        return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def about(source: Source) -> str:
    """Return outlet and day of a source as HTML."""
    said = [source.outlet, source.published_at and source.published_at[:10]]
    return " · ".join(visible(one) for one in said if one) or "no outlet and no date are known"


def _versions(shown: Shown) -> str:
    if not shown.others:
        return ""
    links = ", ".join(f'<a href="{escape(address)}">version {number}</a>' for number, address in shown.others)
    age = "the newest version" if shown.live else "an older version"
    return f'<p class="note">This is {age} of an article that was changed. Also kept: {links}.</p>'


def _cited(shown: Shown) -> str:
    if shown.span is None:
        return ""
    quoted = visible(shown.span.slice(shown.text))
    return (
        '<section class="cited"><h2>Cited passage</h2>'
        f'<blockquote dir="auto">{quoted}</blockquote><p><a href="#span">Show it in the article</a></p></section>'
    )


def _body(shown: Shown) -> str:
    """Return the text with the span and the furniture marked; either may lie across the other."""
    marks = [shown.span] if shown.span else []
    edges = {0, len(shown.text)} | {edge for one in (*marks, *shown.furniture) for edge in (one.start, one.end)}
    cuts = sorted(edge for edge in edges if edge <= len(shown.text))
    greyed = {start for start in cuts for one in shown.furniture if one.start <= start < one.end}
    pieces: list[str] = []
    for start, end in pairwise(cuts):
        piece = visible(shown.text[start:end])
        piece = f'<span class="furniture">{piece}</span>' if start in greyed else piece
        if shown.span and start == shown.span.start:
            pieces.append('<mark id="span">')
        pieces.append(piece)
        if shown.span and end == shown.span.end:
            pieces.append("</mark>")
    return "".join(pieces)
