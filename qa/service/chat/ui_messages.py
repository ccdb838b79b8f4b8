"""POST /api/chat: the Vercel AI SDK's UI message stream, for `useChat` and assistant-ui."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.sse import format_sse_event

from qa.answering.draft import Event
from qa.service.chat.completions import DONE, Reply, public_url
from qa.service.chat.rendering import title
from qa.service.chat.request import MARKERS, question_of, read_chat
from qa.service.http.auth import MayAsk
from qa.service.http.deps import AnswererDep, ServiceDep, ask_slot
from qa.service.http.errors import GOING_DOWN, BadChat, error_json, stream_error
from qa.service.http.streams import EventStream, PrefetchedStream
from qa.service.schemas.responses import CitationOut, answer_json
from qa.types import Answer, Citation

router = APIRouter()
_HEADER = {"x-vercel-ai-ui-message-stream": "v1"}


@router.post("/api/chat", dependencies=[MayAsk, Depends(ask_slot)], response_model=None)
async def chat(
    body: Annotated[dict[str, Any], Body()], request: Request, answerer: AnswererDep, service: ServiceDep
) -> EventStream:
    """Answer the last message of a chat as a stream of message parts."""
    question = question_of(read_chat(_as_chat(body)), body)
    reply = Reply(MARKERS, "markers", question, public_url(request, service.settings.public_url))
    events = PrefetchedStream(answerer.stream(question))
    await events.wait(request.receive)
    stream = EventStream(_parts(reply, events), _going_down)
    stream.headers.update(_HEADER)
    return stream


def _as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    value = body.get("messages")
    if not isinstance(value, list):
        raise BadChat("messages must be a list", "messages")
    messages = [
        {"role": message.get("role"), "content": message.get("parts") or message.get("content")}
        for message in value
        if isinstance(message, Mapping)
    ]
    return {"messages": messages, "model": MARKERS, "news_qa": body.get("news_qa") or {}}


async def _parts(reply: Reply, events: PrefetchedStream[Event]) -> AsyncGenerator[bytes, None]:
    text = f"txt_{secrets.token_hex(8)}"
    # Each item is sent separately, so parts that belong together are joined into one.
    start = _part(type="start", messageId=f"msg_{secrets.token_hex(12)}")
    yield start + _part(type="start-step") + _part(type="text-start", id=text)
    pending = b""
    try:
        async with aclosing(events.all()) as all_events:
            async for event in all_events:
                shown = reply.take(event)
                if isinstance(event, Citation):
                    pending += _sources(reply, event)
                elif shown:
                    yield pending + _part(type="text-delta", id=text, delta=shown)
                    pending = b""
    except Exception as exc:  # noqa: BLE001  # the HTTP boundary of a response that has begun
        yield _error(stream_error(exc))
        return
    assert isinstance(reply.answer, Answer)
    whole = answer_json(reply.answer, reply.question.collection, reply.public_url)
    end = pending + _part(type="text-end", id=text) + _part(type="data-answer", id=reply.answer.id, data=whole)
    yield end + _part(type="finish-step") + _part(type="finish", finishReason=reply.finish_reason) + DONE


def _sources(reply: Reply, citation: Citation) -> bytes:
    url, span = reply.link(citation), citation.span
    metadata: dict[str, Any] = {"quote": citation.quote, "start": span.start, "end": span.end}
    source = _part(
        type="source-url",
        sourceId=str(citation.number),
        url=url,
        title=title(citation),
        providerMetadata={"newsqa": metadata},
    )
    data = CitationOut.from_domain(citation, reply.question.collection, reply.public_url).model_dump()
    return source + _part(type="data-citation", id=f"citation-{citation.number}", data=data)


def _part(**data: Any) -> bytes:
    return format_sse_event(data_str=json.dumps(data, allow_nan=False))


def _going_down() -> bytes:
    return _error(error_json(GOING_DOWN))


def _error(error: dict[str, Any]) -> bytes:
    return _part(type="error", errorText=error["error"]["message"])
