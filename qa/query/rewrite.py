"""Ask a model to rewrite a follow-up as a question that needs no conversation. One call, one line, checked."""

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
from qa.query.follow_ups import MOST_WORDS, Standalone, names, taken, telling
from qa.text import stemming
from qa.text.plain import plain_text
from qa.text.sentences import split_sentences
from qa.types import Turn, Usage

CALLS = 1  # never repeated: without a rewriting the follow-up takes words from the conversation (followups.py)
MAX_TOKENS = 160
MAX_CHARS = 400

_log = logging.getLogger(__name__)
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(r"""^(["'“‘])(.*)["'”’]$""")
_ASKS = ("?", "？", "؟")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a model made of a follow-up: None if the call failed, or if what it wrote is not such a question."""

    standalone: Standalone | None
    usage: Usage = field(default_factory=Usage)


async def rewrite(
    question: str, turns: Sequence[Turn], today: date, model: ChatModel, prompts: Prompts, deadline: float
) -> Rewritten:
    """Ask the model once. `turns` come from `history.clean`. Never fails: what went wrong is logged."""
    fence = make_fence()
    filled = prompts.rewrite(
        question=question, as_of=today.isoformat(), history=history_block(turns, fence), fence=fence
    )
    messages = [Message("system", prompts.rewrite_system), Message("user", filled)]
    reply, usage, whole = "", Usage(), False
    try:
        async with aclosing(model.stream(messages, deadline=deadline, max_tokens=MAX_TOKENS, calls=CALLS)) as pieces:
            async for piece in pieces:
                if isinstance(piece, TextPiece):
                    reply += piece.text
                elif isinstance(piece, EndPiece):
                    usage, whole = piece.usage, piece.finish_reason == "stop" and piece.terminated
    except ModelFailed as exc:
        _log.warning("follow-up not rewritten: %s", exc)
        return Rewritten(None)
    rewritten = read_line(reply, question, turns) if whole and fence not in reply else None
    if rewritten is None:
        _log.warning("follow-up not rewritten: the model wrote no question that can be used")
        return Rewritten(None, usage)
    context = taken(rewritten, MOST_WORDS, known=question)
    return Rewritten(Standalone(rewritten, question, context, is_follow_up=True), usage)


def read_line(reply: str, question: str, turns: Sequence[Turn]) -> str | None:
    """Return the question that a model wrote; None if the reply is not one plain question about the same matter."""
    lines = [line.strip() for line in _THOUGHT.sub("", reply).splitlines() if line.strip()]
    if len(lines) != 1:
        return None
    quoted = _QUOTED.match(lines[0])
    line = quoted[2] if quoted else lines[0]
    if len(line) > MAX_CHARS or plain_text(line) != line or any(sign in line for sign in "[]<>{}|"):
        return None
    if not line.endswith(_ASKS) or len(split_sentences(line)) != 1:
        return None
    return line if _same_matter(line, question, turns) else None


def _same_matter(line: str, question: str, turns: Sequence[Turn]) -> bool:
    """Tell whether the line keeps a word of the question, and every name and number in it is in the conversation."""
    conversation = stemming.stem_set(" ".join((question, *(turn.content for turn in turns))))
    named = stemming.stem_set(" ".join((*names(line), *re.findall(r"\w*\d[\w.,]*", line))))
    own = stemming.stem_set(" ".join(telling(question))) or conversation  # "and why?" has no word that could be kept
    return named <= conversation and not own.isdisjoint(stemming.stem_set(" ".join(telling(line))) or own)
