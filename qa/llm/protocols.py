"""The chat model protocol, its messages and settings. Importing it loads no client library."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from qa.types import Usage


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Address, key and limits of a model. `base_url` None means OpenAI; `api_key` None, a server without keys."""

    base_url: str | None
    api_key: str | None = field(repr=False)
    model: str
    connect_timeout_s: float = 5.0
    calls: int = 3  # upstream calls for one question, including the first
    backoff_s: float = 0.25  # before the second call, doubled before the third, unless the server says how long
    reply_chars: int = 40_000  # a longer reply is cut off: no answer from twenty sentences is that long
    breaker_failures: int = 5  # after this many failures in a row the circuit breaker opens
    breaker_pause_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the prompt."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class TextPiece:
    """The next words of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class EndPiece:
    """The reply ended as the server intended. `terminated` says whether the stream's end mark arrived too."""

    finish_reason: str
    usage: Usage = field(default_factory=Usage)
    terminated: bool = True


Piece = TextPiece | EndPiece


class ChatModel(Protocol):
    """Ask a model and read its reply as it comes."""

    @property
    def name(self) -> str:
        """Name the model, for the answer and for manifests."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        deadline: float,
        max_tokens: int,
        temperature: float = 0.0,
        calls: int | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces, an EndPiece last, all before the `time.monotonic()` moment `deadline`.

        `calls` lowers the limit on upstream calls in the settings: a question may need more than one reply. Raises
        ModelFailed, possibly after some pieces: those remain valid. Read it inside `contextlib.aclosing`, or leaving
        the loop early does not stop the server.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class ChatRelay(Protocol):
    """Relay the requests that a chat frontend makes for itself."""

    async def relay(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Relay a chat request unchanged except for its model, and return the whole reply. Raises ModelFailed."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
