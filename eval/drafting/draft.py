"""Draft gold questions with a model: an article's sentences in, draft rows out, for a person to accept or reject.

The model cites sentences by the ids it was shown and never writes an offset. A proposal that cannot be a gold question
is refused individually, with its reason; one that only looks odd is flagged.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console

from eval.dataset.format import COMPUTED, Day, GoldQuestion, GoldSpan, Words, check
from eval.drafting.flags import flag_drafts
from eval.drafting.format import DraftNote, DraftQuestion
from eval.models.model_calls import CachedModel, Call, cache_key, run_concurrently
from eval.models.prompts import Prompt
from qa import (
    Article,
    Evidence,
    Message,
    ModelFailed,
    Refused,
    Source,
    Span,
    split_sentences,
    visible_line,
)
from qa.llm.prompts import evidence_block, make_fence, make_ids

VERSION = "1"  # of the reply format; part of the cache key, so a new version asks everything again
MAX_TOKENS = 4_096
REPLY_TOKENS = 600
PART_CHARS = 12_000  # of an article in one prompt: small models have small context windows
_NO_SHA = "0" * 64


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """How many questions to draft per part of an article, and the day on which they are asked."""

    answerable: int = 4
    unanswerable: int = 1
    as_of: Day | None = None  # None: the day the article was published


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive sentences of an article that fit into one prompt."""

    article: Article
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class DraftResult:
    """The drafts, and the proposals and replies that were refused."""

    drafts: list[DraftQuestion]
    refused: list[Refused]


class Proposal(BaseModel):
    """One question that the model proposes: a line of its reply."""

    model_config = ConfigDict(frozen=True)

    question: Words
    category: Literal["factoid", "number", "quotation", "time", "unanswerable"]
    answers: tuple[Words, ...]
    proof: tuple[Words, ...]
    computed: bool = False
    notes: str = ""


def parts_of(article: Article) -> Iterator[Part]:
    """Yield an article in parts that fit into a prompt, without boilerplate."""
    taken: list[Span] = []
    for span in split_sentences(article.text):
        if any(span.overlaps(boilerplate) for boilerplate in article.furniture):
            continue
        if taken and span.end - taken[0].start > PART_CHARS:
            yield Part(article, tuple(taken))
            taken = []
        taken.append(span)
    if taken:
        yield Part(article, tuple(taken))


@dataclass(frozen=True, slots=True)
class Drafter:
    """A model with its drafting prompt and options."""

    model: CachedModel
    prompt: Prompt
    options: DraftOptions

    def call(self, part: Part) -> Call:
        """Return the call that asks for questions about a part."""

        def messages() -> list[Message]:
            fence = make_fence()
            return self.prompt.messages(
                evidence=evidence_block(self._evidence(part), fence),
                fence=fence,
                answerable=str(self.options.answerable),
                unanswerable=str(self.options.unanswerable),
            )

        return Call(self._key(part), messages)

    def sentence_ids(self, part: Part) -> dict[str, Span]:
        """Return the sentences of a part by the ids that the model sees.

        The ids are seeded by the request's cache key, so that a cached reply can be read again. An article cannot
        forge them: it would have to contain ids that depend on the hash of its own text.
        """
        ids = make_ids(len(part.spans), random.Random(self._key(part)))
        return dict(zip(ids, part.spans, strict=True))

    def _key(self, part: Part) -> str:
        article, counts = part.article, (self.options.answerable, self.options.unanswerable)
        about = [article.id, article.title, article.outlet, article.published_at]
        texts = [(span.start, span.slice(article.text)) for span in part.spans]
        return cache_key("draft", VERSION, self.model.name, self.prompt.hash, *counts, about, texts)

    def _evidence(self, part: Part) -> list[tuple[str, Evidence]]:
        article = part.article
        source = Source(article.id, 1, _NO_SHA, article.title, article.outlet, article.url, article.published_at)
        return [
            (sentence_id, Evidence(source, span, span.slice(article.text), 1.0))
            for sentence_id, span in self.sentence_ids(part).items()
        ]


async def draft(
    drafter: Drafter,
    articles: Sequence[Article],
    gold: Sequence[GoldQuestion],
    *,
    workers: int,
    console: Console,
) -> DraftResult:
    """Draft questions about every article. Raises ServerUnavailable; replies received until then stay cached."""
    parts = [part for article in articles for part in parts_of(article)]
    replies: dict[int, str | Refused] = {}

    async def work(numbered: tuple[int, Part]) -> None:
        number, part = numbered
        try:
            reply = await drafter.model.ask(drafter.call(part))
            cut = Refused(part.article.id, f"the reply ended with {reply.finish!r}")
            replies[number] = reply.text if reply.finish == "stop" else cut
        except ModelFailed as exc:
            replies[number] = Refused(part.article.id, f"not answered: {exc}")

    await run_concurrently(enumerate(parts), work, label="drafting", workers=workers, console=console)
    drafts: dict[str, DraftQuestion] = {}
    refused: list[Refused] = []
    for number, part in enumerate(parts):
        reply = replies[number]
        outcomes = [reply] if isinstance(reply, Refused) else read_reply(drafter, part, reply)
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                refused.append(outcome)
            elif drafts.setdefault(outcome.id, outcome) is not outcome:
                refused.append(Refused(part.article.id, f"proposed twice: {outcome.question}"))
    return DraftResult(flag_drafts(list(drafts.values()), gold, articles), refused)


def read_reply(drafter: Drafter, part: Part, reply: str) -> list[DraftQuestion | Refused]:
    """Return a draft, or a refusal, for each line of a reply."""
    sentences = drafter.sentence_ids(part)
    note = DraftNote(status="proposed", model=drafter.model.name, prompt_hash=drafter.prompt.hash)
    outcomes: list[DraftQuestion | Refused] = []
    for number, line in enumerate(reply.split("\n"), start=1):
        if not line.strip() or line.startswith("```"):  # many models wrap whatever they write in a code fence
            continue
        try:
            proposal = Proposal.model_validate_json(line)
            outcomes.append(_question(proposal, part.article, sentences, note, drafter.options))
        except ValidationError as exc:
            first = exc.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
            outcomes.append(Refused(part.article.id, f"line {number} of the reply: {reason}"))
        except _UnusableProposal as exc:
            outcomes.append(Refused(part.article.id, f"{visible_line(proposal.question)}: {exc}"))
    return outcomes


class _UnusableProposal(Exception):
    """A proposal cannot be a gold question; the message is the reason."""


def _question(
    proposal: Proposal, article: Article, sentences: Mapping[str, Span], note: DraftNote, options: DraftOptions
) -> DraftQuestion:
    unknown_ids = [sentence_id for sentence_id in proposal.proof if sentence_id not in sentences]
    if unknown_ids:
        raise _UnusableProposal(f"names sentences that were not shown: {', '.join(map(visible_line, unknown_ids))}")
    question = visible_line(proposal.question)
    notes = visible_line(proposal.notes)
    spans = sorted({sentences[sentence_id] for sentence_id in proposal.proof})
    row = DraftQuestion(
        id=f"draft-{cache_key(article.id, question)[:12]}",
        question=question,
        category=proposal.category,
        answers=tuple(map(visible_line, proposal.answers)),
        answerable=proposal.category != "unanswerable",
        as_of=options.as_of or (article.published_at or "")[:10] or None,
        gold=tuple(
            GoldSpan(article_id=article.id, start=span.start, end=span.end, text=span.slice(article.text))
            for span in spans
        ),
        notes=f"{COMPUTED}: {notes}".strip(": ") if proposal.computed else notes,
        draft=note,
    )
    faults = check(
        [row],
        {article.id: article.text},
        furniture={article.id: article.furniture},
        published={article.id: article.published_at},
    )
    if faults:
        raise _UnusableProposal("; ".join(fault.removeprefix(f"{row.id}: ") for fault in faults))
    return row
