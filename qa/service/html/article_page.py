"""HTML of the article page and of error pages, and the frame shared by all pages. Everything is escaped. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from urllib.parse import urlsplit

from qa.types import Source, Span

# Invisible characters that a reader should know about: controls, zero width, bidi, tags, separators. Fine are joiners
# between two non-ASCII characters, as in emoji families and Persian words, and the tags of a regional flag emoji.
_HIDDEN = re.compile(
    "(?P<fine>\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f|(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f]))"
    "|(?P<hidden>[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f])"
)


@dataclass(frozen=True, slots=True)
class ArticleView:
    """What the page of an article shows."""

    source: Source
    text: str
    furniture: tuple[Span, ...]
    language: str | None
    live: bool
    span: Span | None
    short: Span | None  # the short answer, inside the span
    others: tuple[tuple[int, str], ...]  # the other versions, each with its address


def headers(ancestors: Sequence[str] = (), *, scripted: bool = False) -> dict[str, str]:
    """Return the security headers of a page: no third-party content, no referrer; scripts, ours only, if `scripted`."""
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors " + " ".join(("'self'", *ancestors)),
        # No script, not even ours, can parse text as HTML.
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


def render_article(view: ArticleView) -> str:
    """Return the page of an article, with the span marked, and the short answer in it."""
    source = view.source
    title = source.title or source.article_id
    language = f' lang="{escape(view.language)}"' if view.language else ""
    original = source.url if is_web_link(source.url) else None
    parts = [
        f'<h1 dir="auto">{visible(title)}</h1>',
        f'<p class="about">{about(source)}</p>',
        f'<p><a href="{escape(original)}" rel="noopener nofollow noreferrer">The original article</a></p>'
        if original
        else "",
        _versions(view),
        _cited(view),
        f'<article dir="auto"{language}>{_body(view)}</article>',
        f'<p class="about">{escape(source.article_id)}, version {source.version}, SHA-256 {source.sha256}</p>',
    ]
    return render(title, "\n".join(part for part in parts if part))


def render_error(status: int, message: str) -> str:
    """Return an error page."""
    hint = "<p>Open the page again and give the key as the password, with any user name.</p>" if status == 401 else ""
    return render(
        f"Error {status}", f'<h1>Error {status}</h1>\n<p>{visible(message)}</p>\n{hint}<p><a href="/">Start</a></p>'
    )


def render(title: str, body: str) -> str:
    """Return a page with this HTML as its main content."""
    return frame(title, f"<main>\n{body}\n</main>")


def frame(title: str, body: str, head: str = "") -> str:
    """Return an HTML document; `head` has its extra head elements, beside the common style sheet."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f'<title>{escape(title)}</title>\n<link rel="stylesheet" href="/page/page.css">\n{head}</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def visible(text: str) -> str:
    """Return text as HTML, with a visible mark on every invisible character.

    The character itself remains in the page, in a bidi isolate that ends its effect, so a reader copies the exact text.
    """
    parts: list[str] = []
    done = 0
    for match in _HIDDEN.finditer(text):
        if match["hidden"] is None:
            continue
        parts.append(escape(text[done : match.start()]))
        parts.append(f'<bdi class="hidden" data-code="U+{ord(match[0]):04X}">{_raw(match[0])}</bdi>')
        done = match.end()
    return "".join(parts) + escape(text[done:])


def _raw(char: str) -> str:
    # HTML parsers replace NUL and turn CR into a line feed; an article's text never contains either.
    return "" if char in "\x00\r" else char


def is_web_link(url: str | None) -> bool:
    """Tell whether a URL from an article may become a link."""
    if not url:
        return False
    try:
        return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def about(source: Source) -> str:
    """Return the outlet and date of a source as HTML."""
    parts = [source.outlet, source.published_at and source.published_at[:10]]
    return " · ".join(visible(part) for part in parts if part) or "no outlet and no date are known"


def _versions(view: ArticleView) -> str:
    if not view.others:
        return ""
    links = ", ".join(f'<a href="{escape(address)}">version {number}</a>' for number, address in view.others)
    age = "the newest version" if view.live else "an older version"
    return f'<p class="note">This is {age} of an article that was changed. Also kept: {links}.</p>'


def _cited(view: ArticleView) -> str:
    if view.span is None:
        return ""
    quoted = visible(view.span.slice(view.text))
    if view.short is not None:
        cuts = (view.span.start, view.short.start, view.short.end, view.span.end)
        before, words, after = (visible(view.text[start:end]) for start, end in pairwise(cuts))
        quoted = f"{before}<strong>{words}</strong>{after}"
    return (
        '<section class="cited"><h2>Cited passage</h2>'
        f'<blockquote dir="auto">{quoted}</blockquote><p><a href="#span">Show it in the article</a></p></section>'
    )


def _body(view: ArticleView) -> str:
    """Return the text with the span, the short answer in it and the boilerplate (`furniture`) marked.

    Boilerplate may overlap the others.
    """
    marks = [
        (span, tag) for span, tag in ((view.span, '<mark id="span">'), (view.short, '<mark class="short">')) if span
    ]
    spans = (*(span for span, _ in marks), *view.furniture)
    edges = {0, len(view.text)} | {edge for span in spans for edge in (span.start, span.end)}
    cuts = sorted(edge for edge in edges if edge <= len(view.text))
    greyed = {start for start in cuts for span in view.furniture if span.start <= start < span.end}
    pieces: list[str] = []
    for start, end in pairwise(cuts):
        piece = visible(view.text[start:end])
        piece = f'<span class="furniture">{piece}</span>' if start in greyed else piece
        pieces += [tag for span, tag in marks if start == span.start]
        pieces.append(piece)
        pieces += ["</mark>" for span, _ in marks if end == span.end]
    return "".join(pieces)
