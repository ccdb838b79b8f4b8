"""Scripted answers over real articles, to show the page every form an answer can have."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa.answering.draft import Delta, Event, Retrieved
from qa.text.normalise import normalise, utf16_offsets
from qa.types import Answer, Citation, Question, Source, Span, Statement, Support, Usage
from tests.service.serving import FakeAnswerer, app_with, running


@dataclass(frozen=True)
class CitedSentence:
    """A sentence of the answer, with the quote it cites."""

    body: str
    article: str
    quote: str
    support: Support = "supported"
    reasons: tuple[str, ...] = ()


@dataclass
class Stage:
    """A served page whose next answer the test sets. `pause` holds the stream after that many sentences."""

    rows: dict[str, dict[str, Any]]
    sentences: Sequence[CitedSentence] = ()
    more: dict[str, Any] = field(default_factory=dict)
    pause: int | None = None
    fails: Exception | None = None
    port: int = 0
    asked: list[Question] = field(default_factory=list)
    fake: FakeAnswerer = field(init=False)

    def __post_init__(self) -> None:
        self.fake = FakeAnswerer(self._script)

    async def _script(self, question: Question) -> AsyncGenerator[Event, None]:
        self.asked.append(question)
        statements: list[Statement] = []
        citations: list[Citation] = []
        yield Retrieved(())
        for number, sentence in enumerate(self.sentences, start=1):
            await self._wait(number - 1)
            citations.append(self._citation(number, sentence))
            yield citations[-1]
            begin = statements[-1].end + 1 if statements else 0
            words = f"{sentence.body} [{number}]"
            statements.append(
                Statement(begin, begin + len(words), words, (number,), sentence.support, sentence.reasons)
            )
            yield Delta(words if begin == 0 else f" {words}")
        await self._wait(len(self.sentences))
        if self.fails:
            raise self.fails
        yield Answer(**self._fields(statements, citations) | self.more)

    async def _wait(self, sent: int) -> None:
        while self.pause == sent:  # noqa: ASYNC110  # the test changes it from another thread
            await asyncio.sleep(0.01)

    def _citation(self, number: int, sentence: CitedSentence) -> Citation:
        row, text = self.rows[sentence.article], normalise(self.rows[sentence.article]["text"])
        start = text.index(sentence.quote)
        span = Span(start, start + len(sentence.quote))
        metadata = [row.get(name) for name in ("title", "outlet", "url", "published_at")]
        source = Source(sentence.article, 1, "0" * 64, *metadata)
        return Citation(number, source, span, *utf16_offsets(text, span), sentence.quote)

    def _fields(self, statements: Sequence[Statement], citations: Sequence[Citation]) -> dict[str, Any]:
        return {
            "id": f"ans_{len(self.asked):x}",
            "status": "answered",
            "answer": " ".join(statement.text for statement in statements),
            "statements": tuple(statements),
            "citations": tuple(citations),
            "conflicts": (),
            "dates": (),
            "rejected": (),
            "mode": "extractive",
            "model": None,
            "degraded": (),
            "complete": True,
            "usage": Usage(),
            "timings_ms": {"total": 120},
        }


def send(port: int, rows: Sequence[dict[str, Any]], key: str = "") -> None:
    """Ingest articles."""
    head = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    body = json.dumps({"articles": rows}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/articles", body, head)
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert not json.load(reply)["refused"]


@contextmanager
def staged(folder: Path, *rows: dict[str, Any]) -> Iterator[Stage]:
    """Serve articles, with answers that the test scripts."""
    stage = Stage({row["id"]: row for row in rows})
    with running(app_with(folder, stage.fake)) as stage.port:
        # Id and text only: ingestion would refuse the hostile metadata, and the test is about the page.
        send(stage.port, [{"id": row["id"], "text": row["text"]} for row in rows])
        yield stage
