"""Parsing of chat requests. Lenient: unknown fields are ignored; only what cannot be interpreted is refused."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from qa.service.chat.rendering import Style
from qa.service.http.errors import BadChat, TooLong, UnknownModel
from qa.service.schemas.requests import MAX_TURN_CHARS, MAX_TURNS, AskBody, first_fault
from qa.types import Question

LINKS, MARKERS, UTILITY = "news-qa", "news-qa-markers", "news-qa-utility"
MODELS: Mapping[str, Style | None] = {LINKS: "links", MARKERS: "markers", UTILITY: None}
OWNER = "news-qa"
_TASK = "### Task:"  # Open WebUI's prefix of its own calls for titles, tags and the like
_TURN_ROLES = ("user", "assistant")
_INSTRUCTION_ROLES = ("system", "developer")
_OWN_FIELDS = (
    "filters",
    "as_of",
    "collection",
)  # our top-level fields; no client uses these names


def _plain_words(content: object) -> str:
    """Return the text of a message: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


class ChatMessage(BaseModel):
    """One message; tool messages are accepted and ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: str = "user"
    content: Annotated[str, BeforeValidator(_plain_words)] = ""


class ChatBody(BaseModel):
    """A request for a chat completion."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1)]
    model: str = LINKS
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    tool_choice: str | dict[str, Any] | None = None
    news_qa: dict[str, Any] = Field(default_factory=dict)

    @property
    def with_usage(self) -> bool:
        """Tell whether the stream should end with token counts."""
        return bool((self.stream_options or {}).get("include_usage"))

    @property
    def is_utility(self) -> bool:
        """Tell whether this is a frontend's own call (for a title, tags, a JSON object) and not a reader's question."""
        if MODELS.get(self.model, "links") is None or isinstance(self.tool_choice, dict):
            return True
        if str((self.response_format or {}).get("type", "text")) != "text":
            return True
        return self.tool_choice == "required" or self.messages[-1].content.lstrip().startswith(_TASK)


def read_chat(body: Mapping[str, Any]) -> ChatBody:
    """Parse a body. Raises BadChat and UnknownModel."""
    try:
        chat = ChatBody.model_validate(body)
    except ValidationError as exc:
        raise _bad_chat(exc) from None
    if chat.model not in MODELS:
        raise UnknownModel(f"The model `{chat.model[:100]}` does not exist", "model")
    return chat


def question_of(chat: ChatBody, body: Mapping[str, Any]) -> Question:
    """Return the question: the last user message, with the turns before it as history. Raises BadChat."""
    turns = [message for message in chat.messages if message.role in _TURN_ROLES and message.content.strip()]
    last = next((index for index in reversed(range(len(turns))) if turns[index].role == "user"), None)
    if last is None:
        raise BadChat("no message of the user holds a question", "messages")
    earlier = turns[max(0, last - MAX_TURNS) : last]
    history = [{"role": turn.role, "content": turn.content[:MAX_TURN_CHARS]} for turn in earlier]
    own_fields = {name: body[name] for name in _OWN_FIELDS if body.get(name) is not None} | chat.news_qa
    try:
        question = AskBody.model_validate({**own_fields, "question": turns[last].content, "history": history}).domain()
    except ValidationError as exc:
        raise _bad_chat(exc) from None
    instructions = (message.content for message in chat.messages if message.role in _INSTRUCTION_ROLES)
    return replace(question, wishes="\n".join(instructions))


def _bad_chat(exc: ValidationError) -> BadChat:
    name, message = first_fault(exc)
    kind = TooLong if exc.errors()[0]["type"] == "string_too_long" else BadChat
    return kind(f"{name[:200]}: {message}", name[:200])


def models_json() -> list[dict[str, Any]]:
    """Return the list of models."""
    return [{"id": name, "object": "model", "created": CREATED, "owned_by": OWNER} for name in MODELS]


CREATED = 1_763_683_200  # when the first of them was made; frontends sort by it


def now() -> int:
    """Return the Unix time in seconds."""
    return int(time.time())
