"""Ask a model to rewrite a follow-up as a standalone question, in one call, and check the line that it returns."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import date

from qa.errors import ModelFailed
from qa.llm.prompts import Prompts, history_block, make_fence
from qa.llm.protocols import ChatModel, EndPiece, Message, TextPiece
from qa.query.follow_ups import MOST_WORDS, Standalone, content_words, find_names, pick_words
from qa.text import stemming
from qa.text.plain import plain_text
from qa.text.sentences import split_sentences
from qa.types import Turn, Usage

CALLS = 1  # never retried: without a rewriting the follow-up takes words from the conversation (follow_ups.py)
MAX_TOKENS = 160
MAX_CHARS = 400

_log = logging.getLogger(__name__)
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(r"""^(["'“‘])(.*)["'”’]$""")
_ASKS = ("?", "？", "؟")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The result of a rewriting: no question if the call failed or if the reply is not a usable question."""

    standalone: Standalone | None
    usage: Usage = field(default_factory=Usage)


async def rewrite(
    question: str, turns: Sequence[Turn], today: date, model: ChatModel, prompts: Prompts, deadline: float
) -> Rewritten:
    """Ask the model once. `turns` come from `history.clean`. Never raises: a failure is logged."""
    fence = make_fence()
    prompt = prompts.rewrite(
        question=question, as_of=today.isoformat(), history=history_block(turns, fence), fence=fence
    )
    messages = [Message("system", prompts.rewrite_system), Message("user", prompt)]
    reply, usage, complete = "", Usage(), False
    try:
        async with aclosing(model.stream(messages, deadline=deadline, max_tokens=MAX_TOKENS, calls=CALLS)) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextPiece):
                    reply += piece.text
                elif isinstance(piece, EndPiece):
                    usage, complete = piece.usage, piece.finish_reason == "stop" and piece.terminated
    except ModelFailed as exc:
        _log.warning("follow-up not rewritten: %s", exc)
        return Rewritten(None)
    rewritten = read_line(reply, question, turns) if complete and fence not in reply else None
    if rewritten is None:
        _log.warning("follow-up not rewritten: the model wrote no question that can be used")
        return Rewritten(None, usage)
    context = pick_words(rewritten, MOST_WORDS, known=question)
    return Rewritten(Standalone(rewritten, question, context, is_follow_up=True), usage)


def read_line(reply: str, question: str, turns: Sequence[Turn]) -> str | None:
    """Return the question in a model's reply; None if the reply is not one plain question on the same subject."""
    lines = [line.strip() for line in _THOUGHT.sub("", reply).splitlines() if line.strip()]
    if len(lines) != 1:
        return None
    quoted = _QUOTED.match(lines[0])
    line = quoted[2] if quoted else lines[0]
    if len(line) > MAX_CHARS or plain_text(line) != line or any(character in line for character in "[]<>{}|"):
        return None
    if not line.endswith(_ASKS) or len(split_sentences(line)) != 1:
        return None
    return line if _keeps_subject(line, question, turns) else None


def _keeps_subject(line: str, question: str, turns: Sequence[Turn]) -> bool:
    """Tell whether the line has a word of the question, and only names and numbers of the conversation."""
    conversation = stemming.stem_set(" ".join((question, *(turn.content for turn in turns))))
    names = stemming.stem_set(" ".join((*find_names(line), *re.findall(r"\w*\d[\w.,]*", line))))
    own = stemming.stem_set(" ".join(content_words(question))) or conversation  # "and why?" has no content word to keep
    return names <= conversation and not own.isdisjoint(stemming.stem_set(" ".join(content_words(line))) or own)
