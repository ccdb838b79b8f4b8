"""Examine a model: three questions over made-up articles, with the prompt and the checks of a real answer.

The right answers are known. The third question fills the prompt as far as the service ever does, with what it needs in
the first sentence of the evidence and in the last: a server that cuts prompts off cannot answer it.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date

from qa.answering.draft import Draft
from qa.answering.generative import CallBudget, ModelAnswerer
from qa.errors import ModelFailed, ModelRefused, ModelUnavailable
from qa.llm.prompts import Prompts
from qa.llm.protocols import ChatModel, EndPiece, Message, Piece, TextPiece
from qa.text.plain import visible_line
from qa.tracing import StageTimer
from qa.types import Answer, Embedder, EntailmentJudge, Evidence, Source, Span

CALLS = 3  # to the server for one question, as for an answer
REPLY_CHARS = 300  # of a reply are shown
_DAY = date(2024, 6, 20)
_WINDOW = "give it a context window of at least 4,096 tokens (docs/model-servers.md)"
_NO_WORD = "finished without a word"  # the protocol's own way to say nothing
_ID = re.compile(r"\b(?:[a-z]\d|\d[a-z]|s[0-9a-z]{5})\b", re.IGNORECASE)
_FILLER = (
    "Item {number} of the minutes of the parish of Hollin Fell notes that the footpath between the mill and the lower"
    " orchard was walked by two wardens, that {stones} loose stones were set again along the north wall, and that the"
    " repair of the gate at marker {marker} was put off until the frost is over."
)
_FILLERS = 22


@dataclass(frozen=True, slots=True)
class ExamQuestion:
    """A question, the sentences of each article, best first, and what must be cited with which words; none: refuse."""

    name: str
    question: str
    articles: tuple[tuple[str, ...], ...]
    ranked: tuple[tuple[int, int], ...]  # (article, sentence), in the order of the ranking
    needed: tuple[tuple[tuple[int, int], str], ...] = ()


QUESTIONS = (
    ExamQuestion(
        "answerable",
        "How many brass lanterns did the museum at Tarn Point lend to Lisgar?",
        (("The museum at Tarn Point lent 47 brass lanterns to the town of Lisgar.", "It is closed on Thursdays."),),
        ((0, 0), (0, 1)),
        (((0, 0), "47"),),
    ),
    ExamQuestion(
        "not answerable",
        "Who painted the ceiling of the town hall of Lisgar?",
        (("The town hall of Lisgar got a new roof in March.", "The work took nine weeks, the council said."),),
        ((0, 0), (0, 1)),
    ),
    ExamQuestion(
        "two sentences of a full prompt",
        "When did the tram to Lisgar open, and how many passengers did it carry in its first week?",
        (
            ("The tram to Lisgar opened on 14 May 2024.",),
            (
                *(
                    _FILLER.format(number=number, stones=3 * number + 5, marker=7 * number)
                    for number in range(1, _FILLERS + 1)
                ),
                "In its first week the tram to Lisgar carried 6,310 passengers, the operator said.",
            ),
        ),
        ((0, 0), (1, _FILLERS), *((1, place) for place in range(_FILLERS))),
        (((0, 0), "14 May"), ((1, _FILLERS), "6,310")),
    ),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a model answered a question of the exam; a check that does not apply is None."""

    name: str
    ids: bool | None  # each sentence ends with ids of the sentences that prove it, and with no other
    words: bool | None  # the words of what it cites are kept
    refusal: bool | None  # it says that the evidence does not answer
    window: bool  # the whole prompt was read, and the reply ended of itself
    problems: tuple[str, ...]
    seconds: float
    first_word_s: float | None
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str | None
    reply: str  # its beginning, on one line

    @property
    def obeys(self) -> bool:
        """Tell whether no check failed."""
        return self.window and False not in (self.ids, self.words, self.refusal)


@dataclass(slots=True)
class _Watched:
    """A chat model that is watched: what was asked since `begin`, what came, and how it ended."""

    model: ChatModel
    text: str = ""
    prompt_words: int = 0
    first_word_s: float | None = None
    end: EndPiece | None = None
    began: float = 0.0

    def begin(self) -> None:
        self.text, self.prompt_words, self.first_word_s, self.end = "", 0, None, None
        self.began = time.monotonic()

    @property
    def name(self) -> str:
        return self.model.name

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        deadline: float,
        max_tokens: int,
        temperature: float = 0.0,
        calls: int | None = None,
    ) -> AsyncGenerator[Piece, None]:
        # Only the user's message: of a system prompt that is the same every time, some servers count no cached token.
        self.prompt_words = sum(len(message.content.split()) for message in messages if message.role == "user")
        reply = self.model.stream(
            messages, deadline=deadline, max_tokens=max_tokens, temperature=temperature, calls=calls
        )
        async with aclosing(reply) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextPiece):
                    self.text += piece.text
                    self.first_word_s = self.first_word_s or time.monotonic() - self.began
                else:
                    self.end = piece
                yield piece

    async def aclose(self) -> None:
        await self.model.aclose()


async def examine(
    model: ChatModel,
    prompts: Prompts,
    embedder: Embedder | None,
    entailment_judge: EntailmentJudge | None,
    deadline_s: float,
) -> tuple[list[Outcome], ModelFailed | None]:
    """Ask the questions in turn; return how they went, and the failure of the server that ended the exam."""
    watched = _Watched(model)
    answerer = ModelAnswerer(watched, prompts, embedder, "mark", entailment_judge)
    outcomes: list[Outcome] = []
    try:
        for question in QUESTIONS:
            watched.begin()
            outcomes.append(await _ask(question, answerer, watched, deadline_s, may_refuse=bool(outcomes)))
    except (ModelRefused, ModelUnavailable) as exc:
        return outcomes, exc
    finally:
        await model.aclose()
    return outcomes, None


async def _ask(
    question: ExamQuestion, answerer: ModelAnswerer, watched: _Watched, deadline_s: float, *, may_refuse: bool
) -> Outcome:
    texts = {(f"exam-{number}", 1): " ".join(article) for number, article in enumerate(question.articles)}
    draft, timer, failed = Draft(question.question, texts, "llm"), StageTimer(), ""
    budget = CallBudget(timer.began + deadline_s, CALLS)
    try:
        async with aclosing(answerer.write(draft, _evidence(question), _DAY, budget, timer)) as events:
            async for _ in events:
                pass
    except ModelUnavailable:
        raise
    except ModelRefused as exc:
        if not may_refuse:
            raise
        failed = f"{exc}; {_WINDOW}"  # it took the questions before: what differs is the length
    except ModelFailed as exc:
        failed = str(exc)
    return _judge(question, draft.finish("exam", {}), watched, failed)


def _evidence(question: ExamQuestion) -> list[Evidence]:
    return [
        Evidence(
            Source(f"exam-{article}", 1, "0" * 64, f"Notes {article + 1}", "Exam Gazette", None, _DAY.isoformat()),
            place_of(question.articles[article], sentence),
            question.articles[article][sentence],
            1.0,
        )
        for article, sentence in question.ranked
    ]


def place_of(sentences: Sequence[str], number: int) -> Span:
    """Return the span of a sentence in the article that joins them with blanks."""
    start = sum(len(sentence) + 1 for sentence in sentences[:number])
    return Span(start, start + len(sentences[number]))


def _judge(question: ExamQuestion, answer: Answer, watched: _Watched, failed: str) -> Outcome:
    end = watched.end
    window, problems = _read_whole(watched, failed)
    ids = words = refusal = None
    if question.needed:
        ids, ids_problems = _ids_used(question, answer, watched.text)
        words, words_problems = _words_kept(question, answer)
        problems += ids_problems + words_problems
    else:
        refusal = not failed and not answer.statements and not answer.rejected
        if not refusal and not failed:
            problems.append("it answers although the evidence does not say it: a larger model may refuse")
    return Outcome(
        question.name,
        ids,
        words,
        refusal,
        window,
        tuple(problems),
        time.monotonic() - watched.began,
        watched.first_word_s,
        end.usage.prompt_tokens if end else 0,
        end.usage.completion_tokens if end else 0,
        end.finish_reason if end else None,
        visible_line(watched.text)[:REPLY_CHARS],
    )


def _read_whole(watched: _Watched, failed: str) -> tuple[bool, list[str]]:
    """Tell whether the server read the whole prompt and let the reply end, as far as it can be told from outside."""
    end, problems = watched.end, []
    if failed:
        problems.append(failed)
    if end is not None and end.finish_reason == "length":
        problems.append(
            f"it was stopped after {end.usage.completion_tokens} tokens: {_WINDOW}, and switch off thinking"
        )
    # No common tokeniser has fewer tokens than words.
    if end is not None and 0 < end.usage.prompt_tokens < watched.prompt_words:
        problems.append(
            f"the server read {end.usage.prompt_tokens} tokens of a prompt of {watched.prompt_words} words: {_WINDOW}"
        )
    return not problems, problems


def _ids_used(question: ExamQuestion, answer: Answer, reply: str) -> tuple[bool, list[str]]:
    problems = []
    if answer.statements and not _ID.search(reply):
        problems.append("it writes sentences without the ids of their evidence: the service has to guess")
    if any(len(rejected.text.split()) == 1 for rejected in answer.rejected):
        problems.append("it cites ids that it was not given")
    cited = {(citation.source.article_id, citation.span) for citation in answer.citations}
    for (article, sentence), expected in question.needed:
        if (f"exam-{article}", place_of(question.articles[article], sentence)) not in cited:
            problems.append(f"it does not cite the sentence with “{expected}”")
    return not problems, problems


def _words_kept(question: ExamQuestion, answer: Answer) -> tuple[bool, list[str]]:
    problems = []
    for statement in answer.statements:
        if statement.support == "unsupported" or getattr(statement, "replaced", False):
            reasons = "; ".join(statement.reasons) or "it could not be verified"
            problems.append(f"a sentence does not follow from what it cites: {reasons}")
    written = " ".join(statement.text for statement in answer.statements).replace(",", "")
    for _, expected in question.needed:
        if expected.replace(",", "") not in written:
            problems.append(f"its answer lacks “{expected}”")
    return not problems, problems


def is_unreadable(outcomes: Sequence[Outcome]) -> bool:
    """Tell whether no reply had a word or an end: what is at that address does not speak the protocol."""
    return all(
        not outcome.reply and not outcome.finish_reason and _NO_WORD not in outcome.problems[0] for outcome in outcomes
    )
