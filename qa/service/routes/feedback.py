"""/v1/feedback: POST stores a reader's rating with the spans that the answer cited; GET exports the ratings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from qa.errors import NotFound
from qa.service.http.auth import MayAsk, MayChange
from qa.service.http.deps import ServiceDep
from qa.service.schemas.examples import with_example

router = APIRouter()


class FeedbackBody(BaseModel):
    """A rating: 1 for a good answer, -1 for a bad one."""

    model_config = ConfigDict(extra="forbid", frozen=True) | with_example(
        lambda: FeedbackBody(answer_id="ans_6f1d2c9b8a7e4f30a1b2c3d4", rating=-1, comment="It reopened on Tuesday.")
    )

    answer_id: Annotated[str, Field(pattern=r"^ans_[0-9a-f]{1,64}$")]
    rating: Literal[1, -1]
    comment: Annotated[str, Field(max_length=2_000)] = ""


class FeedbackOut(BaseModel):
    """One rating as it was kept. `exchange` is the question, the answer's status and the places that it cited."""

    number: int
    answer_id: str
    rating: int
    comment: str
    given_at: str
    exchange: dict[str, Any] | None


class FeedbackPage(BaseModel):
    """Ratings in the order in which they were given."""

    feedback: list[FeedbackOut]
    next_after: int | None


@router.post("/v1/feedback", dependencies=[MayAsk], status_code=201)
async def give(body: FeedbackBody, service: ServiceDep) -> dict[str, str]:
    """Keep what a reader thought of an answer. 404 when the answer is not known here any more."""
    exchange = service.recent_answers.get(body.answer_id)
    if exchange is None:
        raise NotFound(f"no answer {body.answer_id!r} among the last ones of this process")
    await service.note(
        service.library.catalog.records.add_feedback, body.answer_id, body.rating, body.comment, exchange
    )
    return {"answer_id": body.answer_id}


@router.get("/v1/feedback", dependencies=[MayChange], response_model=FeedbackPage)
async def export(
    service: ServiceDep,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> Any:
    """Return ratings behind a number; `python -m eval draft-feedback` makes draft gold questions of them."""
    rows = await service.read(service.library.catalog.records.feedback, after, limit)
    return {"feedback": rows, "next_after": rows[-1].number if len(rows) == limit else None}
