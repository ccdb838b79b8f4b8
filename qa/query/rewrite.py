"""Let a model put a follow-up into words that stand alone. One call, one line, checked; else None."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from qa.errors import ModelFailed
from qa.llm.prompts import Prompts, history_block, make_fence
from qa.llm.protocols import ChatModel, EndPiece, Message, TextPiece
from qa.query.follow_ups import MOST_WORDS, Standalone, names, taken, telling
from qa.text import stemming
from qa.text.plain import plain_text
from qa.text.sentences import split_sentences
from qa.types import Turn, Usage

CALLS = 1  # no second one: without it the words of the conversation are carried over
MAX_TOKENS = 160
MAX_CHARS = 400

_log = logging.getLogger(__name__)
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(r"""^(["'“‘])(.*)["'”’]$""")
_ASKS = ("?", "？", "؟")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a model made of a follow-up: nothing, if the call failed or what it wrote is not such a question."""

    standalone: Standalone | None
    usage: Usage = field(default_factory=Usage)


async def rewrite(
    question: str, turns: Sequence[Turn], as_of: str, model: ChatModel, prompts: Prompts, deadline: float
) -> Rewritten:
    """Ask the model once. `turns` are as `history.clean` leaves them. Never fails: what went wrong is logged."""
    fence = make_fence()
    filled = prompts.rewrite(question=question, as_of=as_of, history=history_block(turns, fence), fence=fence)
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
    return Rewritten(Standalone(rewritten, question, context=taken(rewritten, MOST_WORDS, beside=question)), usage)


def read_line(reply: str, question: str, turns: Sequence[Turn]) -> str | None:
    """Return the question that a model wrote, None if it is anything else than one plain question about the same."""
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
    """Tell whether the line keeps something of the question, and names nothing that nobody has named."""
    said = stemming.stem_set(" ".join((question, *(turn.content for turn in turns))))
    named = stemming.stem_set(" ".join((*names(line), *re.findall(r"\w*\d[\w.,]*", line))))
    own = stemming.stem_set(" ".join(telling(question))) or said  # "and why?" has no word that could be kept
    return named <= said and not own.isdisjoint(stemming.stem_set(" ".join(telling(line))) or own)
