"""POST /v1/responses: OpenAI's newer protocol over the same answers. Nothing is stored between two calls."""

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
from qa.service.http.deps import AnswererDep, ServiceDep, ask_place
from qa.service.http.errors import GOING_DOWN, BadChat, error_json, stream_error
from qa.service.http.streams import Begun, EventStream, while_connected

router = APIRouter()


@router.post("/v1/responses", dependencies=[MayAsk, Depends(ask_place)], response_model=None)
async def respond(
    body: Annotated[dict[str, Any], Body()], request: Request, answerer: AnswererDep, service: ServiceDep
) -> Any:
    """Answer the last message of the input, every sentence with its cited spans."""
    if body.get("previous_response_id"):
        # An answer that quietly forgot the conversation would be worse.
        raise BadChat("responses are not stored: send the whole conversation as input", "previous_response_id")
    as_chat = _as_chat(body)
    chat = read_chat(as_chat)
    made = Made(chat.model)
    if chat.is_utility:
        said = await while_connected(request.receive, utility_model.complete(chat, as_chat, service))
        made.text = str(said["choices"][0]["message"].get("content") or "")
        made.usage = said.get("usage") or {}
        return made.whole() if not chat.stream else EventStream(_events_of(made), partial(_going_down, made))
    question = question_of(chat, body)
    reply = Reply(chat.model, MODELS[chat.model] or "links", question, public_url(request, service.settings.public_url))
    if not chat.stream:
        await while_connected(request.receive, reply.read(answerer.stream(question)))
        made.take(reply)
        return made.whole()
    events = Begun(answerer.stream(question))
    await events.wait(request.receive)
    return EventStream(_streamed(made, reply, events), partial(_going_down, made))


def _as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input as a chat request, so that both protocols are read by one grammar."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list):
        raise BadChat("input must be a text or a list of messages", "input")
    messages = [one for one in items if isinstance(one, Mapping) and one.get("type", "message") == "message"]
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
class Made:
    """One response as it grows: its text, where its citations stand, and the number of the next event."""

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
        """Return one event with its number."""
        told = {"type": kind, "sequence_number": next(self._numbers), **data}
        return format_sse_event(event=kind, data_str=json.dumps(told, allow_nan=False))

    def part(self) -> dict[str, Any]:
        """Return the one part of the message."""
        return {"type": "output_text", "text": self.text, "annotations": self.annotations, "logprobs": []}

    def message(self, status: str = "completed") -> dict[str, Any]:
        """Return the one message of the response."""
        content = [self.part()] if status != "in_progress" else []
        return {"id": self.item, "type": "message", "status": status, "role": "assistant", "content": content}

    def whole(self, status: str | None = None) -> dict[str, Any]:
        """Return the response as one object."""
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
        """Take in an answer that has ended."""
        assert reply.answer is not None
        self.text, self.complete = reply.content, reply.answer.complete
        self.annotations = [{"type": "url_citation", **one["url_citation"]} for one in reply.annotations()]
        self.usage = reply.usage()
        self.extras = reply.extras()


async def _streamed(made: Made, reply: Reply, events: Begun[Event]) -> AsyncGenerator[bytes, None]:
    yield b"".join(_opening(made))
    try:
        async with aclosing(events.all()) as coming:
            async for event in coming:
                shown = reply.take(event)
                if shown:
                    yield _delta(made, shown)
    except Exception as exc:  # noqa: BLE001  # the HTTP boundary of a response that has begun
        yield _failed(made, stream_error(exc)["error"])
        return
    made.take(reply)
    yield b"".join(_closing(made))


async def _events_of(made: Made) -> AsyncGenerator[bytes, None]:
    yield b"".join((*_opening(made), _delta(made, made.text), *_closing(made)))


def _opening(made: Made) -> list[bytes]:
    place = {"item_id": made.item, "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    return [
        made.event("response.created", response=made.whole("in_progress")),
        made.event("response.in_progress", response=made.whole("in_progress")),
        made.event("response.output_item.added", output_index=0, item=made.message("in_progress")),
        made.event("response.content_part.added", **place, part=empty),
    ]


def _delta(made: Made, words: str) -> bytes:
    place = {"item_id": made.item, "output_index": 0, "content_index": 0}
    return made.event("response.output_text.delta", **place, delta=words, logprobs=[])


def _closing(made: Made) -> list[bytes]:
    place = {"item_id": made.item, "output_index": 0, "content_index": 0}
    ending = "response.completed" if made.complete else "response.incomplete"
    return [
        *(
            made.event("response.output_text.annotation.added", **place, annotation_index=number, annotation=one)
            for number, one in enumerate(made.annotations)
        ),
        made.event("response.output_text.done", **place, text=made.text, logprobs=[]),
        made.event("response.content_part.done", **place, part=made.part()),
        made.event("response.output_item.done", output_index=0, item=made.message()),
        made.event(ending, response=made.whole()),
    ]


def _failed(made: Made, error: Mapping[str, Any]) -> bytes:
    response = made.whole("failed") | {
        "output": [],
        "error": {"code": "server_error", "message": str(error["message"])},
    }
    return made.event("response.failed", response=response)


def _going_down(made: Made) -> bytes:
    return _failed(made, error_json(GOING_DOWN)["error"])
