"""POST /v1/chat/completions and GET /v1/models: OpenAI's chat API, with citations in every form that clients read."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.sse import format_sse_event

from qa.answering.draft import Delta, Event
from qa.service.chat import utility_model
from qa.service.chat.rendering import ChatText, PlacedCitation, Style, notes, title
from qa.service.chat.request import MODELS, ChatBody, models_json, now, question_of, read_chat
from qa.service.http.auth import MayAsk
from qa.service.http.deps import AnswererDep, ServiceDep, ask_slot
from qa.service.http.errors import GOING_DOWN, UnknownModel, error_json, stream_error
from qa.service.http.streams import EventStream, PrefetchedStream, while_connected
from qa.service.schemas.responses import answer_json, link
from qa.types import Answer, Citation, Question, ShortAnswer

router = APIRouter()
DONE = b"data: [DONE]\n\n"


@router.get("/v1/models", dependencies=[MayAsk])
async def models() -> dict[str, Any]:
    """List the models: citations as links, citations as markers, and none for a frontend's own calls."""
    return {"object": "list", "data": models_json()}


@router.get("/v1/models/{model}", dependencies=[MayAsk])
async def model(model: str) -> dict[str, Any]:
    """Show one model."""
    for entry in models_json():
        if entry["id"] == model:
            return entry
    raise UnknownModel(f"The model `{model[:100]}` does not exist", "model")


@router.post("/v1/chat/completions", dependencies=[MayAsk, Depends(ask_slot)], response_model=None)
async def complete(
    body: Annotated[dict[str, Any], Body()], request: Request, answerer: AnswererDep, service: ServiceDep
) -> Any:
    """Answer the last message of a chat, every sentence with its cited spans."""
    chat = read_chat(body)
    if chat.is_utility:
        completion = await while_connected(request.receive, utility_model.complete(chat, body, service))
        return completion if not chat.stream else EventStream(_replay(completion), _going_down)
    question = question_of(chat, body)
    reply = Reply(chat.model, MODELS[chat.model] or "links", question, public_url(request, service.settings.public_url))
    if not chat.stream:
        await while_connected(request.receive, reply.read(answerer.stream(question)))
        return reply.whole()
    events = PrefetchedStream(answerer.stream(question))
    await events.wait(request.receive)
    return EventStream(_frames(reply, events, chat), _going_down)


def public_url(request: Request, configured: str | None) -> str:
    """Return the prefix that makes links absolute: a frontend is usually on another host."""
    return configured or str(request.base_url).rstrip("/")


def _going_down() -> bytes:
    return format_sse_event(data_str=json.dumps(error_json(GOING_DOWN)))


@dataclass(slots=True)
class Reply:
    """One answer in the formats of the protocol, built up from the events of its stream."""

    model: str
    style: Style
    question: Question
    public_url: str
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=now)
    content: str = ""
    text: ChatText = field(init=False)
    answer: Answer | None = None

    def __post_init__(self) -> None:
        self.text = ChatText(self.style, self.link)

    def link(self, citation: Citation) -> str:
        """Return the URL that shows a citation's span marked."""
        return link(citation.source, citation.span, self.question.collection, self.public_url)

    def take(self, event: Event) -> str:
        """Process an event and return the text to send for it."""
        shown = ""
        if isinstance(event, Citation):
            self.text.add_citation(event)
        elif isinstance(event, ShortAnswer):
            shown = self.text.add_short_answer(event)
        elif isinstance(event, Delta):
            shown = self.text.add(event.text)
        elif isinstance(event, Answer):
            self.answer = event
            shown = self.text.add(notes(event))
        self.content += shown
        return shown

    async def read(self, events: AsyncGenerator[Event, None]) -> None:
        """Process every event."""
        async with aclosing(events):
            async for event in events:
                self.take(event)

    @property
    def finish_reason(self) -> str:
        """Return OpenAI's finish reason: `length` if the answer was cut short."""
        return "stop" if self.answer is None or self.answer.complete else "length"

    def annotations(self) -> list[dict[str, Any]]:
        """Return the position and URL of each marker."""
        return [{"type": "url_citation", "url_citation": self._annotation(placed)} for placed in self.text.in_order()]

    def _annotation(self, placed: PlacedCitation) -> dict[str, Any]:
        return {
            "start_index": placed.start,
            "end_index": placed.end,
            "title": title(placed.citation),
            "url": self.link(placed.citation),
        }

    def extras(self) -> dict[str, Any]:
        """Return the extra fields that frontends read beside `choices`, and our complete answer."""
        assert self.answer is not None
        return {
            "search_results": [
                {
                    "title": title(citation),
                    "url": self.link(citation),
                    "date": (citation.source.published_at or "")[:10] or None,
                    "snippet": citation.quote,
                }
                for citation in self.answer.citations
            ],
            "news_qa": answer_json(self.answer, self.question.collection, self.public_url),
        }

    def usage(self) -> dict[str, int]:
        """Return the token counts that the model server reported."""
        assert self.answer is not None
        used = self.answer.usage
        return {
            "prompt_tokens": used.prompt_tokens,
            "completion_tokens": used.completion_tokens,
            "total_tokens": used.prompt_tokens + used.completion_tokens,
        }

    def whole(self) -> dict[str, Any]:
        """Return the whole answer as one chat completion."""
        message = {
            "role": "assistant",
            "content": self.content,
            "refusal": None,
            "annotations": self.annotations(),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        assert self.answer is not None
        return {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": self.usage(),
            # Not in streams: there LobeChat would prefer these bare URLs to the titled `search_results`.
            "citations": [self.link(citation) for citation in self.answer.citations],
            **self.extras(),
        }

    def frame(self, delta: dict[str, Any], finish: str | None = None, **extra: Any) -> bytes:
        """Return one chunk of the stream. Every chunk has exactly one choice: clients break on any other number."""
        return self._sse([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], **extra)

    def usage_frame(self) -> bytes:
        """Return the usage chunk, without choices, that a client may request."""
        return self._sse([], usage=self.usage())

    def _sse(self, choices: list[dict[str, Any]], **extra: Any) -> bytes:
        head = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
        return format_sse_event(data_str=json.dumps({**head, "choices": choices, **extra}, allow_nan=False))

    def source_event(self, citation: Citation) -> dict[str, Any]:
        """Return a citation in Open WebUI's format: a chip, and our page in its side panel."""
        name, url = title(citation), self.link(citation)
        return {
            "type": "source",
            "data": {
                "source": {"name": name, "url": url, "embed_url": url},
                "document": [citation.quote],
                "metadata": [{"source": url, "name": name, "external": True}],
            },
        }


async def _frames(reply: Reply, events: PrefetchedStream[Event], chat: ChatBody) -> AsyncGenerator[bytes, None]:
    """Yield the SSE chunks. Each item is sent separately, so chunks that belong together are joined into one."""
    pending = b""
    try:
        async with aclosing(events.all()) as all_events:
            yield reply.frame({"role": "assistant", "content": ""})
            async for event in all_events:
                shown = reply.take(event)
                if isinstance(event, Citation):
                    pending += reply.frame({"content": ""}, event=reply.source_event(event))
                elif shown:
                    yield pending + reply.frame({"content": shown})
                    pending = b""
        pending += reply.frame({"content": ""}, **reply.extras())
        pending += reply.frame({"annotations": reply.annotations()}, reply.finish_reason)
    except Exception as exc:  # noqa: BLE001  # the HTTP boundary of a response that has begun
        yield format_sse_event(data_str=json.dumps(stream_error(exc)))
        return
    yield pending + (reply.usage_frame() if chat.with_usage else b"") + DONE


async def _replay(completion: dict[str, Any]) -> AsyncGenerator[bytes, None]:
    """Yield a finished completion as a stream."""
    head = {name: completion[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    choice = completion["choices"][0]
    for delta, finish in ((choice["message"], None), ({}, choice["finish_reason"])):
        chunk = {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        yield format_sse_event(data_str=json.dumps(chunk))
    yield DONE
