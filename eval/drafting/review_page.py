"""Terminal rendering of a draft and its articles. What articles and models wrote is shown as plain visible text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from eval.dataset.format import GoldSpan
from eval.drafting.format import DraftQuestion
from qa import Article, Span, visible_line

CONTEXT_CHARS = 300  # shown on either side of a span


def show_draft(console: Console, draft: DraftQuestion, articles: Mapping[str, Article]) -> None:
    """Show a question, its answer, its flags, and its spans marked in their context."""
    kind = draft.category if draft.answerable else f"{draft.category}, no answer"
    console.print(_line("question", draft.question, "bold"))
    console.print(_line("category", f"{kind}, asked on {draft.as_of or 'no day'}"))
    for turn in draft.history:
        console.print(_line(turn.role, turn.content))
    if draft.answers:
        console.print(_line("answers", " | ".join(draft.answers), "green"))
    if draft.wrong_answers:
        console.print(_line("wrong", " | ".join(draft.wrong_answers)))
    if draft.notes:
        console.print(_line("notes", draft.notes))
    if draft.draft.flags:
        console.print(_line("flags", ", ".join(draft.draft.flags), "yellow"))
    for span in draft.gold:
        console.print(marked(articles[span.article_id], span, "proof"))
    for span in draft.draft.near:
        if span.article_id in articles:
            console.print(marked(articles[span.article_id], span, "may answer it"))


def marked(article: Article, span: GoldSpan, label: str) -> Text:
    """Return a span in its context, marked by colour and, for terminals without colour, by brackets."""
    text = article.text
    if text[span.start : span.end] != span.text:
        return Text(f"{label}: {visible_line(article.id)} no longer says this at {span.start}", style="red")
    before = text[max(0, span.start - CONTEXT_CHARS) : span.start]
    after = text[span.end : span.end + CONTEXT_CHARS]
    day = (article.published_at or "no date")[:10]
    head = f"{label}: {article.outlet or 'no outlet'}, {day}, {article.id} {span.start}-{span.end}"
    return Text.assemble(
        (f"{visible_line(head)}\n", "cyan"),
        (f"{'…' if span.start > CONTEXT_CHARS else ''}{visible_line(before)} ".lstrip(), "dim"),
        (f"⟦{visible_line(span.text)}⟧", "bold"),
        (f" {visible_line(after)}{'…' if span.end + CONTEXT_CHARS < len(text) else ''}", "dim"),
    )


def show_sentences(console: Console, article: Article, spans: Sequence[Span]) -> None:
    """List the sentences of an article with their numbers."""
    for number, span in enumerate(spans, start=1):
        console.print(Text(f"{number:4} {visible_line(span.slice(article.text))}"))


def _line(label: str, words: str, style: str = "") -> Text:
    return Text.assemble((f"{label:9} ", "dim"), (visible_line(words), style))
