"""Choose the sentences that a model is shown, with neighbours that explain them, and give them ids. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from qa.llm.prompts import MOST_LINE_IDS, estimate_tokens, make_line_ids
from qa.types import Evidence, Source, Span

SHOWN_SENTENCES = 16  # the best ones; neighbours come on top, as far as there are ids
_LINE_TOKENS = 6  # an id in brackets and the line's end
_HEADING_TOKENS = 24  # its number, the day and the separators
# Who or what these mean stands in the sentence before.
_NEEDS_BEFORE = re.compile(
    r"[\"'“‘(]*(?:he|she|they|it|his|her|hers|their|theirs|its|this|that|these|those|such|both"
    r"|the (?:two|three|latter|former|same)|but|and|so|also|another|others|instead|however|then|there)\b",
    re.IGNORECASE,
)
Texts = Mapping[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class ShownEvidence:
    """The sentences that the model was shown by their ids, best first, and the texts of all articles found."""

    by_id: dict[str, Evidence]
    texts: dict[Source, str]

    def neighbours(self, evidence: Evidence) -> list[Evidence]:
        """Return the sentences before and after one that was shown."""
        return [each for each in neighbours(evidence, self.texts.get(evidence.source, "")) if each is not None]


def show(evidence: Sequence[Evidence], texts: Texts, prompt: str, room: int) -> ShownEvidence:
    """Return what is shown of the ranked sentences in `room` tokens, with ids that the prompt has not."""
    chosen = fit(evidence, texts, room)
    words = [
        prompt,
        *(part for each in chosen for part in (each.text, each.source.title, each.source.outlet) if part),
    ]
    by_source = {each.source: texts[each.source.article_id, each.source.version] for each in evidence}
    return ShownEvidence(dict(zip(make_line_ids(len(chosen), words), chosen, strict=True)), by_source)


def fit(evidence: Sequence[Evidence], texts: Texts, room: int) -> list[Evidence]:
    """Return the best sentences that fit into `room` tokens, and the one before each that cannot be read without it."""
    kept = [sentence for sentence in evidence[:SHOWN_SENTENCES] if _cost([sentence]) <= room // 2]
    while kept and _cost(kept) > room:
        kept.pop()
    for sentence in tuple(kept):
        before, _ = neighbours(sentence, texts.get((sentence.source.article_id, sentence.source.version), ""))
        if before is None or not _NEEDS_BEFORE.match(sentence.text) or any(_is_same(before, each) for each in kept):
            continue
        if len(kept) == MOST_LINE_IDS or _cost([*kept, before]) > room:
            break
        kept.append(before)
    return kept


def neighbours(evidence: Evidence, article_text: str) -> tuple[Evidence | None, Evidence | None]:
    """Return the sentences before and after one, as far as its context has them, with their spans in the article."""
    context, span = evidence.context, evidence.span
    at = context.find(evidence.text)
    while at >= 0:
        start = span.start - at
        if start >= 0 and article_text.startswith(context, start):
            return (
                _cut(evidence, article_text, start, span.start),
                _cut(evidence, article_text, span.end, start + len(context)),
            )
        at = context.find(evidence.text, at + 1)
    return None, None


def _cut(evidence: Evidence, article_text: str, start: int, end: int) -> Evidence | None:
    text = article_text[start:end]
    start += len(text) - len(text.lstrip())
    text = text.strip()
    if not text:
        return None
    return replace(evidence, span=Span(start, start + len(text)), text=text, score=0.0, reprints=())


def _is_same(a: Evidence, b: Evidence) -> bool:
    return a.source == b.source and a.span == b.span


def _cost(evidence: Sequence[Evidence]) -> int:
    """Return at most how many tokens the evidence takes in the form of `evidence_block`."""
    headings = [estimate_tokens(f"{source.outlet}{source.title}") for source in {each.source for each in evidence}]
    lines = [estimate_tokens(sentence.text) for sentence in evidence]
    return sum(lines) + _LINE_TOKENS * len(lines) + sum(headings) + _HEADING_TOKENS * len(headings)
