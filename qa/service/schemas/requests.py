"""pydantic models of the JSON requests, which convert to domain objects; see responses.py for the responses.

Must not import FastAPI: the command line validates with these models too.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from qa.answering.answerer import MAX_QUESTION_CHARS
from qa.errors import BadArticle
from qa.service.schemas.examples import with_example
from qa.temporal import dates
from qa.types import Filters, Mode, Question, Turn

MAX_TURNS = 100
MAX_TURN_CHARS = 50_000
MAX_NAMES = 200
DEFAULT_COLLECTION = "default"
COLLECTION = r"^[A-Za-z0-9_-]{1,64}$"


def _day(value: str) -> str:
    try:
        return dates.parse_day(value)
    except BadArticle:
        raise ValueError("not a day like 2023-03-22") from None


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value


def first_fault(exc: ValidationError) -> tuple[str, str]:
    """Return the name of the first invalid field, and what is wrong with it."""
    first = exc.errors()[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"].removeprefix("Value error, ")


Day = Annotated[str, Field(max_length=64), AfterValidator(_day)]
QuestionText = Annotated[str, Field(max_length=MAX_QUESTION_CHARS), AfterValidator(_not_blank)]
Name = Annotated[str, Field(min_length=1, max_length=2_000)]
CollectionName = Annotated[str, Field(pattern=COLLECTION)]
TopK = Annotated[int, Field(strict=True, ge=1, le=50)]


class _Body(BaseModel):
    # Ignoring a misspelt filter would answer a different question.
    model_config = ConfigDict(extra="forbid", frozen=True)


class TurnBody(_Body):
    """One earlier message."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=MAX_TURN_CHARS)]


class FiltersBody(_Body):
    """Which articles may be read. Days are inclusive; an article without a date fails a date filter."""

    outlets: Annotated[tuple[Name, ...], Field(max_length=MAX_NAMES)] = ()
    article_ids: Annotated[tuple[Name, ...], Field(max_length=MAX_NAMES)] = ()
    after: Day | None = None
    before: Day | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.after and self.before and self.after > self.before:
            raise ValueError("after is later than before: no article can match")
        return self

    def domain(self) -> Filters:
        """Return the domain's Filters."""
        return Filters(self.outlets, self.article_ids, self.after, self.before)


class AskBody(_Body):
    """A question. Only `question` is required."""

    model_config = with_example(
        lambda: AskBody(
            question="When does the bridge open again?",
            filters=FiltersBody(outlets=("Corvane Courier",), after="2023-03-01"),
            as_of="2023-03-22",
            top_k=8,
        )
    )

    question: QuestionText
    history: Annotated[tuple[TurnBody, ...], Field(max_length=MAX_TURNS)] = ()
    filters: FiltersBody = FiltersBody()
    as_of: Day | None = None
    mode: Mode = "auto"
    collection: CollectionName = DEFAULT_COLLECTION
    top_k: TopK = 8
    stream: Annotated[bool, Field(strict=True)] = False

    def domain(self) -> Question:
        """Return the domain's Question."""
        history = tuple(Turn(turn.role, turn.content) for turn in self.history)
        return Question(
            self.question, history, self.filters.domain(), self.as_of, self.mode, self.collection, self.top_k
        )


class SearchBody(_Body):
    """A search for chunks. Only `query` is required."""

    model_config = with_example(lambda: SearchBody(query="bridge repair", top_k=3))

    query: QuestionText
    filters: FiltersBody = FiltersBody()
    as_of: Day | None = None
    top_k: TopK = 8
    collection: CollectionName = DEFAULT_COLLECTION
