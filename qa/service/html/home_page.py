"""HTML of the start page: a form that works without JavaScript; `static/*.js` turns it into a chat. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from qa.service.html.article_page import about, frame, visible
from qa.types import Answer, Citation, Conflict, ConflictValue, Filters, Source, Span

_MODULES = ("chat", "answer", "api", "dom", "library", "reader", "spans")
# Preload all modules, so that a browser fetches them in parallel and not one after the other.
_HEAD = (
    '<link rel="stylesheet" href="/page/chat.css">\n<script type="module" src="/page/chat.js"></script>\n'
    + "".join(f'<link rel="modulepreload" href="/page/{name}.js">\n' for name in _MODULES)
)


@dataclass(frozen=True, slots=True)
class FormValues:
    """The values of the question form."""

    question: str
    filters: Filters
    as_of: str | None


@dataclass(frozen=True, slots=True)
class StoreSummary:
    """What is in the store: the counts, the outlets, and one page of articles, each with its address."""

    articles: int
    chunks: int
    outlets: Sequence[str]
    listed: Sequence[tuple[Source, str]]
    more: str | None


def render_home(summary: StoreSummary, form: FormValues, reply: str = "") -> str:
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
{_form(summary.outlets, form)}
{reply}
{_store(summary)}
</main>
<aside id="reader" aria-labelledby="reader-title" hidden></aside>
</div>
<p id="status" class="aside" role="status"></p>""",
        _HEAD,
    )


def _form(outlets: Sequence[str], form: FormValues) -> str:
    filters = form.filters
    is_open = " open" if filters != Filters() or form.as_of else ""
    return f"""<form id="ask" action="/" method="get">
<label for="q">Question</label>
<div class="row">
<textarea id="q" name="q" maxlength="2000" rows="1" required dir="auto">{escape(form.question)}</textarea>
<button id="send" class="main">Ask</button>
<button id="stop" type="button" hidden>Stop</button>
</div>
<details id="filters"{is_open}><summary>Filters<span id="filters-used"></span></summary>
<div class="days">
{_day("after", "From", filters.after)}
{_day("before", "To", filters.before)}
{_day("as_of", "Asked on (today if empty)", form.as_of)}
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
        f'<label dir="auto"><input type="checkbox" name="outlet" value="{escape(outlet)}"'
        f"{' checked' if outlet in chosen else ''}> {visible(outlet)}</label>"
        for outlet in outlets
    )
    return f"<fieldset><legend>Outlets (all if none is chosen)</legend>\n{boxes}\n</fieldset>"


def _store(summary: StoreSummary) -> str:
    rows = "\n".join(
        f'<li dir="auto"><a href="{escape(address)}">{visible(source.title or source.article_id)}</a>'
        f' <span class="about">{about(source)}</span></li>'
        for source, address in summary.listed
    )
    onward = f'<p><a href="{escape(summary.more)}">More articles</a></p>' if summary.more else ""
    return f"""<section id="store">
<h2 class="lead">What do the articles say?</h2>
<p>Every sentence of an answer carries a number. It opens the article with the exact words marked. What the articles do
not say, they are not made to say.</p>
<h2>In the store</h2>
<p class="about">{_count(summary.articles, "article")}, {_count(summary.chunks, "indexed passage")}.</p>
<ul>
{rows}
</ul>
{onward}</section>"""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def render_answer(answer: Answer, links: Sequence[str]) -> str:
    """Return an answer whose markers link to the marked passages, and the list of its sources with their quotes.

    The short answer stands above it, and is bold where a statement quotes it.
    """
    cited = list(zip(answer.citations, links, strict=True))
    by_number = {citation.number: url for citation, url in cited}
    is_refusal = answer.status == "not_in_sources"
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in _notes(answer))
    differences = "".join(_conflict(conflict, by_number) for conflict in answer.conflicts)
    sources = "\n".join(_source_item(citation, url) for citation, url in cited)
    heading = "<h2>Sources</h2>" if sources else ""
    short = "" if answer.short_answer is None else f'<p class="short">{visible(str(answer.short_answer))}</p>'
    words = _linked(answer.answer, by_number)
    if quoted := find_short_answer(answer):
        cut = (answer.answer[: quoted.start], quoted.slice(answer.answer), answer.answer[quoted.end :])
        words = "{}<strong>{}</strong>{}".format(*(_linked(piece, by_number) for piece in cut))
    return (
        f'<div id="reply"><section class="answer{" refused" if is_refusal else ""}" dir="auto">'
        f"<h2>{'Not in the articles' if is_refusal else 'Answer'}</h2>"
        f"{short}<p>{words}</p>{notes}{differences}</section>\n{heading}<ol>{sources}</ol></div>"
    )


def find_short_answer(answer: Answer) -> Span | None:
    """Return where the answer's text quotes the short answer; None where it does not quote that sentence verbatim.

    The whole quote is searched for: its words alone may occur more than once. static/answer.js does the same.
    """
    short = answer.short_answer
    if short is None:
        return None
    citation = answer.citations[short.citation - 1]
    cuts = (citation.span.start, short.start, short.end, citation.span.end)
    offsets = [cut - citation.span.start for cut in cuts]
    before, words, after = (re.sub(r"\s+", " ", citation.quote[start:end]) for start, end in pairwise(offsets))
    for statement in answer.statements:
        at = statement.text.rfind(before + words + after)
        if short.citation in statement.citations and at >= 0:
            start = statement.start + at + len(before)
            return Span(start, start + len(words))
    return None


def _linked(text: str, by_number: dict[int, str]) -> str:
    return re.sub(
        r"\[(\d{1,4})\]",
        lambda match: _marker(int(match[1]), by_number) if int(match[1]) in by_number else match[0],
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
    if away := [part for part in answer.degraded if part != "withdrawn"]:
        yield f"Away while this was answered: {', '.join(away)}."
    if "withdrawn" in answer.degraded:
        yield "An article that is cited here was taken down while this was written; it cannot be opened any more."
    quoted = sum(statement.replaced for statement in answer.statements)
    if quoted:
        yield f"{quoted} of {len(answer.statements)} sentences are quotes: the model's own words could not be verified."
    unsure = sum(statement.support != "supported" for statement in answer.statements)
    if unsure:
        yield f"{unsure} of {len(answer.statements)} sentences are not fully supported by what they cite."


def _conflict(conflict: Conflict, by_number: dict[int, str]) -> str:
    rows = "".join(
        f"<li><strong>{visible(value.value)}</strong>: {'; '.join(_sources_of(value, by_number))}</li>"
        for value in conflict.values
    )
    how = "Changed over time" if conflict.kind == "update" else "Reported differently"
    return f"<p>{how} · {visible(conflict.about)}</p><ul>{rows}</ul>"


def _sources_of(value: ConflictValue, by_number: dict[int, str]) -> Iterator[str]:
    for number, outlet, moment in zip(value.citations, value.outlets, value.published_at, strict=True):
        source = outlet + (f", {moment[:10]}" if moment else "")
        yield f"{visible(source)} {_marker(number, by_number)}"


def _source_item(citation: Citation, address: str) -> str:
    return (
        f'<li value="{citation.number}" dir="auto"><a href="{escape(address)}">'
        f"{visible(citation.source.title or citation.source.article_id)}</a>"
        f' <span class="about">{about(citation.source)}</span><blockquote>{visible(citation.quote)}</blockquote></li>'
    )
