"""Example domain values, from which the response models generate the examples in the OpenAPI schema.

No field is None here: FastAPI drops nulls from the schema, and the example would lack the field.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from qa.catalog.catalog import ArticleRow, ArticleText
from qa.types import Answer, Citation, Hit, IngestReport, Refused, ShortAnswer, Source, Span, Statement, Usage

_QUOTE = "The bridge opened again on Monday."
_SPAN = Span(0, 34)
_SOURCE = Source(
    article_id="bridge-1",
    version=1,
    sha256="8d51f4b3c3d0b5a9b8e9a27b6f3c1c0d6b1a2f0e9c8d7b6a5f4e3d2c1b0a9f8e",
    title="Bridge opens again",
    outlet="Corvane Wire",
    url="https://wire.example/bridge",
    published_at="2023-03-21",
)

ANSWER = Answer(
    id="ans_0f3b5a",
    status="answered",
    answer=f"{_QUOTE} [1]",
    statements=(Statement(0, 38, f"{_QUOTE} [1]", (1,), "supported", score=1.0),),
    citations=(Citation(1, _SOURCE, _SPAN, 0, 34, _QUOTE),),
    conflicts=(),
    dates=(),
    rejected=(),
    mode="llm",
    model="some-model",
    degraded=(),
    complete=True,
    usage=Usage(900, 21),
    timings_ms={"retrieve": 5, "evidence": 2, "generate": 410, "verify": 1, "total": 418},
    question="When did the bridge open again?",
    confidence=0.83,
    short_answer=ShortAnswer("on Monday", 1, 24, 33),
)
HIT = Hit(1, _SOURCE, _SPAN, _QUOTE, (_SPAN,), 1.24, lexical_rank=1, vector_rank=3)
REPORT = IngestReport(1, 0, 0, (Refused("articles[1]", "text: empty"),), 1, 0.012)
ROW = ArticleRow(_SOURCE, ("Ada Lane",), "en", "2023-03-22T08:00:00+00:00", 1, (1,))
TEXT = ArticleText(_SOURCE, f"{_QUOTE}\n\nLeave a Reply", (Span(36, 49),), live=True)


def with_example(make: Callable[[], BaseModel]) -> ConfigDict:
    """Return a model config that puts an example into the schema; `make` is called later, when the model exists."""

    def add(schema: dict[str, Any]) -> None:
        schema["example"] = make().model_dump(mode="json", exclude_unset=True)

    return ConfigDict(json_schema_extra=add)
