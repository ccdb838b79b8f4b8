"""A chat model that keeps its replies and repeats them, so that one reply can be checked in two ways.

Sentence ids and fences are random for every prompt. The second prompt for the same question differs from the first in
these words only, so a kept reply is repeated with the words of the new prompt in place of those of the old one,
whatever the ids look like.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from qa import ChatModel, EndPiece, Message, ModelBroken, ModelFailed, TextPiece

_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class ModelCall:
    """One call of the model with what came of it: its text, and how it ended or failed."""

    messages: Sequence[Message]
    text: str = ""
    end: EndPiece | None = None
    failed: ModelFailed | None = None


@dataclass(slots=True)
class _Tape:
    calls: list[ModelCall]
    repeats: bool
    place: int = 0


_tape: ContextVar[_Tape | None] = ContextVar("tape", default=None)


class RecordingModel:
    """A chat model whose calls are kept inside `recording`, and answered from what was kept inside `repeating`."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self._model.name

    @contextmanager
    def recording(self) -> Iterator[list[ModelCall]]:
        """Keep the calls that this task makes in the block, in their order."""
        tape = _Tape([], repeats=False)
        with _playing(tape):
            yield tape.calls

    @contextmanager
    def repeating(self, calls: Sequence[ModelCall]) -> Iterator[None]:
        """Answer the calls that this task makes in the block from kept ones, in their order, without the server."""
        with _playing(_Tape(list(calls), repeats=True)):
            yield

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        deadline: float,
        max_tokens: int,
        temperature: float = 0.0,
        calls: int | None = None,
    ) -> AsyncGenerator[TextPiece | EndPiece, None]:
        """Yield the pieces of the reply, see ChatModel. Raises what the kept call raised."""
        tape = _tape.get()
        if tape is not None and tape.repeats:
            for piece in _repeated(tape, messages):
                yield piece
            return
        call = ModelCall(tuple(messages))
        if tape is not None:
            tape.calls.append(call)
        reply = self._model.stream(
            messages, deadline=deadline, max_tokens=max_tokens, temperature=temperature, calls=calls
        )
        try:
            async with aclosing(reply) as pieces:
                async for piece in pieces:
                    if isinstance(piece, TextPiece):
                        call.text += piece.text
                    else:
                        call.end = piece
                    yield piece
        except ModelFailed as exc:
            call.failed = exc
            raise

    async def aclose(self) -> None:
        """Close the connections of the model."""
        await self._model.aclose()


@contextmanager
def _playing(tape: _Tape) -> Iterator[None]:
    token = _tape.set(tape)
    try:
        yield
    finally:
        _tape.reset(token)


def _repeated(tape: _Tape, messages: Sequence[Message]) -> Iterator[TextPiece | EndPiece]:
    if tape.place == len(tape.calls):
        raise ModelBroken("more calls are made than were kept")
    call = tape.calls[tape.place]
    tape.place += 1
    if call.text:
        yield TextPiece(translated(call.text, call.messages, messages))
    if call.failed is not None:
        raise call.failed
    if call.end is not None:
        yield call.end


def translated(text: str, before: Sequence[Message], after: Sequence[Message]) -> str:
    """Return a reply to the prompt `before` as a reply to `after`: words that differ between the two are exchanged.

    Raises ModelBroken where the prompts differ in more than single words, each always in the same way.
    """
    old, new = ([word for message in prompt for word in _WORD.findall(message.content)] for prompt in (before, after))
    if len(old) != len(new):
        raise ModelBroken("a kept reply belongs to another prompt")
    exchange: dict[str, str] = {}
    for word, other in zip(old, new, strict=True):
        if exchange.setdefault(word.lower(), other).lower() != other.lower():
            raise ModelBroken(f"a kept reply cannot be repeated: {word!r} is an id in its prompt, and a word too")
    different = {word: other for word, other in exchange.items() if word != other.lower()}
    return _WORD.sub(lambda match: different.get(match.group().lower(), match.group()), text)
