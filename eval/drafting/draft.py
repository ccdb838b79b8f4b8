"""Propose gold questions with a model: each article's sentences in, draft rows out, for a person to decide on.

The model names sentences by ids that it was shown and never writes an offset. What cannot be a gold question is refused
by itself with its reason; what only looks odd is flagged.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console

from eval.dataset.format import COMPUTED, Day, GoldQuestion, GoldSpan, Words, check
from eval.drafting.flags import flagged
from eval.drafting.format import DraftNote, DraftQuestion
from eval.models.model_calls import CachedModel, Call, key_of, work_through
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

VERSION = "1"  # of the reply's form; a new one asks everything anew
MAX_TOKENS = 4_096
REPLY_TOKENS = 600
PART_CHARS = 12_000  # of an article in one prompt: small models have small windows
_NO_SHA = "0" * 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many questions to ask a part of an article for, and the day on which they are asked."""

    answerable: int = 4
    unanswerable: int = 1
    as_of: Day | None = None  # None: the day of the article


@dataclass(frozen=True, slots=True)
class Part:
    """Some consecutive sentences of an article, in one prompt."""

    article: Article
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """What came of it."""

    drafts: list[DraftQuestion]
    refused: list[Refused]


class Proposal(BaseModel):
    """A line of the model's reply."""

    model_config = ConfigDict(frozen=True)

    question: Words
    category: Literal["factoid", "number", "quotation", "time", "unanswerable"]
    answers: tuple[Words, ...]
    proof: tuple[Words, ...]
    computed: bool = False
    notes: str = ""


def parts_of(article: Article) -> Iterator[Part]:
    """Yield an article in parts that fit into a prompt, without the page's furniture."""
    taken: list[Span] = []
    for span in split_sentences(article.text):
        if any(span.overlaps(one) for one in article.furniture):
            continue
        if taken and span.end - taken[0].start > PART_CHARS:
            yield Part(article, tuple(taken))
            taken = []
        taken.append(span)
    if taken:
        yield Part(article, tuple(taken))


@dataclass(frozen=True, slots=True)
class Drafter:
    """A model with the prompt that it drafts by."""

    model: CachedModel
    prompt: Prompt
    wanted: Wanted

    def call(self, part: Part) -> Call:
        """Return the call that asks for questions about a part."""

        def messages() -> list[Message]:
            fence = make_fence()
            return self.prompt.messages(
                evidence=evidence_block(self._evidence(part), fence),
                fence=fence,
                answerable=str(self.wanted.answerable),
                unanswerable=str(self.wanted.unanswerable),
            )

        return Call(self._key(part), messages)

    def shown(self, part: Part) -> dict[str, Span]:
        """Return the sentences by the ids that the model is shown.

        The ids are drawn from the hash of all that is asked, so that a kept reply can be read again. No article can
        guess them: to hold them, it would have to hold what its own hash gives.
        """
        ids = make_ids(len(part.spans), random.Random(self._key(part)))
        return dict(zip(ids, part.spans, strict=True))

    def _key(self, part: Part) -> str:
        article, wanted = part.article, (self.wanted.answerable, self.wanted.unanswerable)
        about = [article.id, article.title, article.outlet, article.published_at]
        texts = [(span.start, span.slice(article.text)) for span in part.spans]
        return key_of("draft", VERSION, self.model.name, self.prompt.hash, *wanted, about, texts)

    def _evidence(self, part: Part) -> list[tuple[str, Evidence]]:
        article = part.article
        source = Source(article.id, 1, _NO_SHA, article.title, article.outlet, article.url, article.published_at)
        return [(key, Evidence(source, span, span.slice(article.text), 1.0)) for key, span in self.shown(part).items()]


async def draft(
    drafter: Drafter,
    articles: Sequence[Article],
    gold: Sequence[GoldQuestion],
    *,
    workers: int,
    console: Console,
) -> Drafted:
    """Ask for questions about every article. Raises ServerAway; what was answered until then is kept."""
    parts = [part for article in articles for part in parts_of(article)]
    replies: dict[int, str | Refused] = {}

    async def work(numbered: tuple[int, Part]) -> None:
        place, part = numbered
        try:
            reply = await drafter.model.ask(drafter.call(part))
            cut = Refused(part.article.id, f"the reply ended with {reply.finish!r}")
            replies[place] = reply.text if reply.finish == "stop" else cut
        except ModelFailed as exc:
            replies[place] = Refused(part.article.id, f"not answered: {exc}")

    await work_through(enumerate(parts), work, label="drafting", workers=workers, console=console)
    found: dict[str, DraftQuestion] = {}
    refused: list[Refused] = []
    for place, part in enumerate(parts):
        reply = replies[place]
        read = [reply] if isinstance(reply, Refused) else read_reply(drafter, part, reply)
        for one in read:
            if isinstance(one, Refused):
                refused.append(one)
            elif found.setdefault(one.id, one) is not one:
                refused.append(Refused(part.article.id, f"proposed twice: {one.question}"))
    return Drafted(flagged(list(found.values()), gold, articles), refused)


def read_reply(drafter: Drafter, part: Part, reply: str) -> list[DraftQuestion | Refused]:
    """Return a draft, or a refusal, for each line of a reply."""
    shown = drafter.shown(part)
    note = DraftNote(status="proposed", model=drafter.model.name, prompt_hash=drafter.prompt.hash)
    found: list[DraftQuestion | Refused] = []
    for number, line in enumerate(reply.split("\n"), start=1):
        if not line.strip() or line.startswith("```"):  # many models put a fence of code around whatever they write
            continue
        try:
            proposal = Proposal.model_validate_json(line)
            found.append(_question(proposal, part.article, shown, note, drafter.wanted))
        except ValidationError as exc:
            first = exc.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
            found.append(Refused(part.article.id, f"line {number} of the reply: {reason}"))
        except _Unusable as exc:
            found.append(Refused(part.article.id, f"{visible_line(proposal.question)}: {exc}"))
    return found


class _Unusable(Exception):
    """A proposal can be no gold question; the message is the reason."""


def _question(
    proposal: Proposal, article: Article, shown: Mapping[str, Span], note: DraftNote, wanted: Wanted
) -> DraftQuestion:
    strangers = [one for one in proposal.proof if one not in shown]
    if strangers:
        raise _Unusable(f"names sentences that were not shown: {', '.join(map(visible_line, strangers))}")
    question = visible_line(proposal.question)
    notes = visible_line(proposal.notes)
    spans = sorted({shown[one] for one in proposal.proof})
    row = DraftQuestion(
        id=f"draft-{key_of(article.id, question)[:12]}",
        question=question,
        category=proposal.category,
        answers=tuple(map(visible_line, proposal.answers)),
        answerable=proposal.category != "unanswerable",
        as_of=wanted.as_of or (article.published_at or "")[:10] or None,
        gold=tuple(
            GoldSpan(article_id=article.id, start=one.start, end=one.end, text=one.slice(article.text)) for one in spans
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
        raise _Unusable("; ".join(one.removeprefix(f"{row.id}: ") for one in faults))
    return row
