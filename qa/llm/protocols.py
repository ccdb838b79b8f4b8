"""What a chat model is to the rest of the house. Light: importing it loads no client library."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from qa.types import Usage


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Say which model to ask, and how patiently. `base_url` None is OpenAI; `api_key` None is a server without keys."""

    base_url: str | None
    api_key: str | None = field(repr=False)
    model: str
    connect_timeout_s: float = 5.0
    calls: int = 3  # upstream calls for one question, the first included
    backoff_s: float = 0.25  # before the second call, twice that before the third, when the server does not say
    reply_chars: int = 40_000  # a longer reply is cut off: no answer over twenty sentences is that long
    breaker_failures: int = 5  # unavailable so often in a row: stop asking for a while
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
    """The reply ended as the server meant it to. `terminated` says that the stream's own end mark came too."""

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

        `calls` bounds the upstream calls below what the settings allow: a question may ask for more than one reply.
        Raises ModelFailed, also after pieces: what came until then is what there is. Read it inside
        `contextlib.aclosing`, else leaving the loop early does not stop the server.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class ChatRelay(Protocol):
    """Pass on what a frontend asks for itself."""

    async def relay(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Pass a chat request on as it came, but for its model, and return the reply whole. Raises ModelFailed."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
