"""The start page's HTML: a form that works without scripts, which the files in `page/` make a conversation. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from qa.service.html.article_page import about, frame, visible
from qa.types import Answer, Citation, Conflict, ConflictValue, Filters, Source

_MODULES = ("chat", "answer", "api", "dom", "library", "reader", "spans")
# The modules are named, so that a browser fetches them together and not one after the other.
_HEAD = (
    '<link rel="stylesheet" href="/page/chat.css">\n<script type="module" src="/page/chat.js"></script>\n'
    + "".join(f'<link rel="modulepreload" href="/page/{name}.js">\n' for name in _MODULES)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the form."""

    question: str
    filters: Filters
    as_of: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What is in the store: the counts, the outlets, and one page of articles, each with its address."""

    articles: int
    chunks: int
    outlets: Sequence[str]
    listed: Sequence[tuple[Source, str]]
    more: str | None


def render_home(stored: Stored, asked: Asked, reply: str = "") -> str:
    """Return the start page: a form, the reply to a question, and what is in the store."""
    return frame(
        "Ask the articles",
        f"""<a class="skip" href="#q">Skip to the question</a>
<header id="bar">
<h1>Ask the articles</h1>
<nav id="tools" aria-label="Tools" hidden>
<button type="button" id="fresh">New<span class="wide"> conversation</span></button>
<button type="button" id="library-open">Articles</button>
<button type="button" id="key-open" hidden>Key</button>
</nav>
</header>
<div id="room">
<main>
<div id="log" role="log" aria-label="Conversation" tabindex="0" hidden></div>
{_form(stored.outlets, asked)}
{reply}
{_store(stored)}
</main>
<aside id="reader" aria-labelledby="reader-title" hidden></aside>
</div>
<p id="status" class="aside" role="status"></p>""",
        _HEAD,
    )


def _form(outlets: Sequence[str], asked: Asked) -> str:
    filters = asked.filters
    is_open = " open" if filters != Filters() or asked.as_of else ""
    return f"""<form id="ask" action="/" method="get">
<label for="q">Question</label>
<div class="row">
<textarea id="q" name="q" maxlength="2000" rows="1" required dir="auto">{escape(asked.question)}</textarea>
<button id="send" class="main">Ask</button>
<button id="stop" type="button" hidden>Stop</button>
</div>
<details id="filters"{is_open}><summary>Filters<span id="filters-used"></span></summary>
<div class="days">
{_day("after", "From", filters.after)}
{_day("before", "To", filters.before)}
{_day("as_of", "Asked on (today if empty)", asked.as_of)}
</div>
{_outlets(outlets, filters.outlets)}
</details>
</form>"""


def _day(name: str, label: str, value: str | None) -> str:
    field = f'<input id="{name}" name="{name}" type="date" value="{escape(value or "")}">'
    return f'<div><label for="{name}">{label}</label>{field}</div>'


def _outlets(outlets: Sequence[str], chosen: Sequence[str]) -> str:
    if not outlets:
        return ""
    boxes = "\n".join(
        f'<label dir="auto"><input type="checkbox" name="outlet" value="{escape(one)}"'
        f"{' checked' if one in chosen else ''}> {visible(one)}</label>"
        for one in outlets
    )
    return f"<fieldset><legend>Outlets (all if none is chosen)</legend>\n{boxes}\n</fieldset>"


def _store(stored: Stored) -> str:
    rows = "\n".join(
        f'<li dir="auto"><a href="{escape(address)}">{visible(source.title or source.article_id)}</a>'
        f' <span class="about">{about(source)}</span></li>'
        for source, address in stored.listed
    )
    onward = f'<p><a href="{escape(stored.more)}">More articles</a></p>' if stored.more else ""
    return f"""<section id="store">
<h2 class="lead">What do the articles say?</h2>
<p>Every sentence of an answer carries a number. It opens the article with the exact words marked. What the articles do
not say, they are not made to say.</p>
<h2>In the store</h2>
<p class="about">{_count(stored.articles, "article")}, {_count(stored.chunks, "indexed passage")}.</p>
<ul>
{rows}
</ul>
{onward}</section>"""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def render_answer(answer: Answer, links: Sequence[str]) -> str:
    """Return an answer with its markers as links to the marked passages, and its sources with their quotes."""
    by_number = {one.number: address for one, address in zip(answer.citations, links, strict=True)}
    refused = answer.status == "not_in_sources"
    notes = "".join(f'<p class="note">{escape(one)}</p>' for one in _notes(answer))
    differences = "".join(_conflict(one, by_number) for one in answer.conflicts)
    sources = "\n".join(_source_item(one, address) for one, address in zip(answer.citations, links, strict=True))
    heading = "<h2>Sources</h2>" if sources else ""
    return (
        f'<div id="reply"><section class="answer{" refused" if refused else ""}" dir="auto">'
        f"<h2>{'Not in the articles' if refused else 'Answer'}</h2>"
        f"<p>{_linked(answer.answer, by_number)}</p>{notes}{differences}</section>\n{heading}<ol>{sources}</ol></div>"
    )


def _linked(text: str, by_number: dict[int, str]) -> str:
    return re.sub(
        r"\[(\d{1,4})\]",
        lambda found: _marker(int(found[1]), by_number) if int(found[1]) in by_number else found[0],
        visible(text),
    )


def _marker(number: int, by_number: dict[int, str]) -> str:
    return f'<a class="marker" href="{escape(by_number[number])}">[{number}]</a>'


def _notes(answer: Answer) -> Iterable[str]:
    if answer.status == "partial":
        yield "This answers the question in part only."
    if answer.status == "conflicting":
        yield "The articles disagree."
    if not answer.complete:
        yield "This answer is not complete: it broke off."
    if away := [one for one in answer.degraded if one != "withdrawn"]:
        yield f"Away while this was answered: {', '.join(away)}."
    if "withdrawn" in answer.degraded:
        yield "An article that is cited here was taken down while this was written; it cannot be opened any more."
    unsure = sum(one.support != "supported" for one in answer.statements)
    if unsure:
        yield f"{unsure} of {len(answer.statements)} sentences are not fully supported by what they cite."


def _conflict(one: Conflict, by_number: dict[int, str]) -> str:
    rows = "".join(
        f"<li><strong>{visible(value.value)}</strong>: {'; '.join(_sayings(value, by_number))}</li>"
        for value in one.values
    )
    how = "Changed over time" if one.kind == "update" else "Reported differently"
    return f"<p>{how} · {visible(one.about)}</p><ul>{rows}</ul>"


def _sayings(value: ConflictValue, by_number: dict[int, str]) -> Iterator[str]:
    for number, outlet, moment in zip(value.citations, value.outlets, value.published_at, strict=True):
        said = outlet + (f", {moment[:10]}" if moment else "")
        yield f"{visible(said)} {_marker(number, by_number)}"


def _source_item(one: Citation, address: str) -> str:
    return (
        f'<li value="{one.number}" dir="auto"><a href="{escape(address)}">'
        f"{visible(one.source.title or one.source.article_id)}</a>"
        f' <span class="about">{about(one.source)}</span><blockquote>{visible(one.quote)}</blockquote></li>'
    )
