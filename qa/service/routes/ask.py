"""POST /v1/ask: an answer with cited spans, as JSON or as a stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Depends, Request
from fastapi.sse import KEEPALIVE_COMMENT

from qa.answering.draft import Delta, Event, Retrieved
from qa.service.http.auth import MayAsk
from qa.service.http.deps import AnswererDep, ServiceDep, ask_slot
from qa.service.http.errors import GOING_DOWN, error_json, stream_error
from qa.service.http.streams import EventStream, PrefetchedStream, event, while_connected
from qa.service.schemas.requests import AskBody
from qa.service.schemas.responses import AnswerOut, CitationOut, RetrievedOut, ShortAnswerOut
from qa.types import Citation, Question, ShortAnswer

router = APIRouter()

_EVENT = {
    "type": "object",
    "description": "one event of the stream",
    "properties": {
        "event": {"enum": ["retrieved", "short_answer", "delta", "citation", "answer", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
_STREAM_DOC = (
    "With `stream: true`: `retrieved` ({sources}), then `delta` ({text}) and `citation`, last `answer` (the whole"
    " object) or `error`. Without a model `short_answer` comes before the first `delta`, where there is one and the"
    " articles do not contradict each other."
)


@router.post(
    "/v1/ask",
    response_model=AnswerOut,
    dependencies=[MayAsk, Depends(ask_slot)],
    responses={200: {"description": _STREAM_DOC, "content": {"text/event-stream": {"schema": _EVENT}}}},
)
async def ask(body: AskBody, request: Request, answerer: AnswererDep, service: ServiceDep) -> AnswerOut | EventStream:
    """Answer a question from the articles, every sentence with its cited spans."""
    question, public_url = body.domain(), service.settings.public_url
    if not body.stream:
        answer = await while_connected(request.receive, answerer.ask(question))
        return AnswerOut.from_domain(answer, question.collection, public_url)
    events = PrefetchedStream(answerer.stream(question))
    await events.wait(request.receive)
    return EventStream(_sse_events(events, question, public_url), _going_down)


def _going_down() -> bytes:
    return event("error", error_json(GOING_DOWN))


async def _sse_events(
    events: PrefetchedStream[Event], question: Question, public_url: str | None
) -> AsyncGenerator[bytes, None]:
    """Yield the events of an answer as SSE; an exception becomes the last event."""
    try:
        async with aclosing(events.all()) as all_events:
            if not events.is_ready:  # the first event needs the search: meanwhile a comment shows that we are alive
                yield KEEPALIVE_COMMENT
            async for item in all_events:
                yield _sse_event(item, question, public_url)
    except Exception as exc:  # noqa: BLE001  # the HTTP boundary of a response that has begun
        yield event("error", stream_error(exc))


def _sse_event(item: Event, question: Question, public_url: str | None) -> bytes:
    if isinstance(item, Retrieved):
        return event("retrieved", RetrievedOut.from_domain(item.hits).model_dump())
    if isinstance(item, ShortAnswer):
        return event("short_answer", ShortAnswerOut.model_validate(item).model_dump())
    if isinstance(item, Delta):
        return event("delta", {"text": item.text})
    if isinstance(item, Citation):
        return event("citation", CitationOut.from_domain(item, question.collection, public_url).model_dump())
    return event("answer", AnswerOut.from_domain(item, question.collection, public_url).model_dump())
