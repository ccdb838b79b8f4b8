"""POST /v1/responses: OpenAI's Responses API over the same answers, stateless."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.sse import format_sse_event

from qa.answering.draft import Event
from qa.service.chat import utility_model
from qa.service.chat.completions import Reply, public_url
from qa.service.chat.request import LINKS, MODELS, now, question_of, read_chat
from qa.service.http.auth import MayAsk
from qa.service.http.deps import AnswererDep, ServiceDep, ask_slot
from qa.service.http.errors import GOING_DOWN, BadChat, error_json, stream_error
from qa.service.http.streams import EventStream, PrefetchedStream, while_connected

router = APIRouter()


@router.post("/v1/responses", dependencies=[MayAsk, Depends(ask_slot)], response_model=None)
async def respond(
    body: Annotated[dict[str, Any], Body()], request: Request, answerer: AnswererDep, service: ServiceDep
) -> Any:
    """Answer the last message of the input, every sentence with its cited spans."""
    if body.get("previous_response_id"):
        # Better an error than an answer that silently ignores the conversation.
        raise BadChat("responses are not stored: send the whole conversation as input", "previous_response_id")
    as_chat = _as_chat(body)
    chat = read_chat(as_chat)
    response = ResponseBuilder(chat.model)
    if chat.is_utility:
        completion = await while_connected(request.receive, utility_model.complete(chat, as_chat, service))
        response.text = str(completion["choices"][0]["message"].get("content") or "")
        response.usage = completion.get("usage") or {}
        return response.whole() if not chat.stream else EventStream(_replay(response), partial(_going_down, response))
    question = question_of(chat, body)
    reply = Reply(chat.model, MODELS[chat.model] or "links", question, public_url(request, service.settings.public_url))
    if not chat.stream:
        await while_connected(request.receive, reply.read(answerer.stream(question)))
        response.take(reply)
        return response.whole()
    events = PrefetchedStream(answerer.stream(question))
    await events.wait(request.receive)
    return EventStream(_streamed(response, reply, events), partial(_going_down, response))


def _as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the input to a chat completion request, so that both APIs share one parser."""
    value = body.get("input")
    items = [{"role": "user", "content": value}] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise BadChat("input must be a text or a list of messages", "input")
    messages = [item for item in items if isinstance(item, Mapping) and item.get("type", "message") == "message"]
    if isinstance(body.get("instructions"), str):
        messages.insert(0, {"role": "system", "content": body["instructions"]})
    text = body.get("text")
    form = text.get("format") if isinstance(text, Mapping) else None
    if isinstance(form, Mapping) and form.get("type") == "json_schema":
        form = {"type": "json_schema", "json_schema": {"name": form.get("name"), "schema": form.get("schema")}}
    return {
        "messages": messages,
        "model": body.get("model") or LINKS,
        "stream": body.get("stream"),
        "response_format": form,
        "news_qa": body.get("news_qa") or {},
    }


@dataclass(slots=True)
class ResponseBuilder:
    """A response under construction: its text, its annotations, and the number of the next event."""

    model: str
    id: str = field(default_factory=lambda: f"resp_{secrets.token_hex(12)}")
    item: str = field(default_factory=lambda: f"msg_{secrets.token_hex(12)}")
    created: int = field(default_factory=now)
    text: str = ""
    annotations: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True
    usage: Mapping[str, int] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def event(self, kind: str, **data: Any) -> bytes:
        """Return one event with its sequence number."""
        payload = {"type": kind, "sequence_number": next(self._numbers), **data}
        return format_sse_event(event=kind, data_str=json.dumps(payload, allow_nan=False))

    def part(self) -> dict[str, Any]:
        """Return the message's only content part."""
        return {"type": "output_text", "text": self.text, "annotations": self.annotations, "logprobs": []}

    def message(self, status: str = "completed") -> dict[str, Any]:
        """Return the response's only message."""
        content = [self.part()] if status != "in_progress" else []
        return {"id": self.item, "type": "message", "status": status, "role": "assistant", "content": content}

    def whole(self, status: str | None = None) -> dict[str, Any]:
        """Return the response object."""
        status = status or ("completed" if self.complete else "incomplete")
        used, written = self.usage.get("prompt_tokens", 0), self.usage.get("completion_tokens", 0)
        ended = status != "in_progress"
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "model": self.model,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": None,
            "metadata": {},
            "output": [self.message("incomplete" if status == "incomplete" else "completed")] if ended else [],
            "parallel_tool_calls": False,
            "temperature": None,
            "tool_choice": "none",
            "tools": [],
            "top_p": None,
            "usage": {
                "input_tokens": used,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": written,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": used + written,
            }
            if ended
            else None,
            **self.extras,
        }

    def take(self, reply: Reply) -> None:
        """Copy a finished answer."""
        assert reply.answer is not None
        self.text, self.complete = reply.content, reply.answer.complete
        self.annotations = [
            {"type": "url_citation", **annotation["url_citation"]} for annotation in reply.annotations()
        ]
        self.usage = reply.usage()
        self.extras = reply.extras()


async def _streamed(
    response: ResponseBuilder, reply: Reply, events: PrefetchedStream[Event]
) -> AsyncGenerator[bytes, None]:
    yield b"".join(_opening(response))
    try:
        async with aclosing(events.all()) as all_events:
            async for event in all_events:
                shown = reply.take(event)
                if shown:
                    yield _delta(response, shown)
    except Exception as exc:  # noqa: BLE001  # the HTTP boundary of a response that has begun
        yield _failed(response, stream_error(exc)["error"])
        return
    response.take(reply)
    yield b"".join(_closing(response))


async def _replay(response: ResponseBuilder) -> AsyncGenerator[bytes, None]:
    yield b"".join((*_opening(response), _delta(response, response.text), *_closing(response)))


def _opening(response: ResponseBuilder) -> list[bytes]:
    place = {"item_id": response.item, "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    return [
        response.event("response.created", response=response.whole("in_progress")),
        response.event("response.in_progress", response=response.whole("in_progress")),
        response.event("response.output_item.added", output_index=0, item=response.message("in_progress")),
        response.event("response.content_part.added", **place, part=empty),
    ]


def _delta(response: ResponseBuilder, text: str) -> bytes:
    place = {"item_id": response.item, "output_index": 0, "content_index": 0}
    return response.event("response.output_text.delta", **place, delta=text, logprobs=[])


def _closing(response: ResponseBuilder) -> list[bytes]:
    place = {"item_id": response.item, "output_index": 0, "content_index": 0}
    ending = "response.completed" if response.complete else "response.incomplete"
    return [
        *(
            response.event(
                "response.output_text.annotation.added", **place, annotation_index=number, annotation=annotation
            )
            for number, annotation in enumerate(response.annotations)
        ),
        response.event("response.output_text.done", **place, text=response.text, logprobs=[]),
        response.event("response.content_part.done", **place, part=response.part()),
        response.event("response.output_item.done", output_index=0, item=response.message()),
        response.event(ending, response=response.whole()),
    ]


def _failed(response: ResponseBuilder, error: Mapping[str, Any]) -> bytes:
    body = response.whole("failed") | {
        "output": [],
        "error": {"code": "server_error", "message": str(error["message"])},
    }
    return response.event("response.failed", response=body)


def _going_down(response: ResponseBuilder) -> bytes:
    return _failed(response, error_json(GOING_DOWN)["error"])
