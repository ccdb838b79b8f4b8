"""POST /v1/ask: an answer with cited spans, whole or as a stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Depends, Request
from fastapi.sse import KEEPALIVE_COMMENT

from qa.answering.draft import Delta, Event, Retrieved
from qa.service.http.auth import MayAsk
from qa.service.http.deps import AnswererDep, ServiceDep, ask_place
from qa.service.http.errors import GOING_DOWN, error_json, stream_error
from qa.service.http.streams import Begun, EventStream, event, while_connected
from qa.service.schemas.requests import AskBody
from qa.service.schemas.responses import AnswerOut, CitationOut, RetrievedOut
from qa.types import Citation, Question

router = APIRouter()

_EVENT = {
    "type": "object",
    "description": "one event of the stream",
    "properties": {
        "event": {"enum": ["retrieved", "delta", "citation", "answer", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
_STREAM_DOC = (
    "With `stream: true`: `retrieved` ({sources}), then `delta` ({text}) and `citation`, last `answer` (the whole"
    " object) or `error`."
)


@router.post(
    "/v1/ask",
    response_model=AnswerOut,
    dependencies=[MayAsk, Depends(ask_place)],
    responses={200: {"description": _STREAM_DOC, "content": {"text/event-stream": {"schema": _EVENT}}}},
)
async def ask(body: AskBody, request: Request, answerer: AnswererDep, service: ServiceDep) -> AnswerOut | EventStream:
    """Answer a question from the articles, every sentence with its cited spans."""
    question, public_url = body.domain(), service.settings.public_url
    if not body.stream:
        answer = await while_connected(request.receive, answerer.ask(question))
        return AnswerOut.from_domain(answer, question.collection, public_url)
    events = Begun(answerer.stream(question))
    await events.wait(request.receive)
    return EventStream(_told(events, question, public_url), _going_down)


def _going_down() -> bytes:
    return event("error", error_json(GOING_DOWN))


async def _told(events: Begun[Event], question: Question, public_url: str | None) -> AsyncGenerator[bytes, None]:
    """Yield the events of an answer; what fails on the way becomes the last one."""
    try:
        async with aclosing(events.all()) as shown:
            if not events.is_ready:  # the contract's first event needs the search: until then a byte says we are there
                yield KEEPALIVE_COMMENT
            async for one in shown:
                yield _shape(one, question, public_url)
    except Exception as exc:  # noqa: BLE001  # the HTTP boundary of a response that has begun
        yield event("error", stream_error(exc))


def _shape(one: Event, question: Question, public_url: str | None) -> bytes:
    if isinstance(one, Retrieved):
        return event("retrieved", RetrievedOut.from_domain(one.hits).model_dump())
    if isinstance(one, Delta):
        return event("delta", {"text": one.text})
    if isinstance(one, Citation):
        return event("citation", CitationOut.from_domain(one, question.collection, public_url).model_dump())
    return event("answer", AnswerOut.from_domain(one, question.collection, public_url).model_dump())
