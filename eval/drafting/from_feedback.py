"""Draft gold questions from readers' ratings of a running service's answers; docs/judge.md has the format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from eval.dataset.format import GoldSpan, GoldTurn
from eval.drafting.format import DraftNote, DraftQuestion
from eval.runs.server_target import Connection, ResourceNotFound


def read_feedback(server: str, key: str | None) -> Iterator[DraftQuestion]:
    """Yield a draft for each rating that a server has stored. Raises QaError.

    The draft's gold spans are the places that the answer cited, with their text read from the articles again: for a bad
    answer they are where a reviewer looks first. A citation of an article or version that is gone is left out.
    """
    http = Connection(server, key)
    after: int | None = 0
    while after is not None:
        page = http.call(f"/v1/feedback?after={after}")
        for row in page["feedback"]:
            yield _draft(row, http)
        after = page["next_after"]


def _draft(row: dict[str, Any], http: Connection) -> DraftQuestion:
    exchange = row["exchange"]
    spans = [_span(citation, exchange["collection"], http) for citation in exchange["citations"]]
    flags = ["rated good" if row["rating"] > 0 else "rated bad", f"was {exchange['status']}"]
    if row["comment"]:
        flags.append(f"comment: {row['comment']}")
    return DraftQuestion(
        id=f"feedback-{row['number']}",
        question=exchange["question"],
        category="feedback",
        answers=(),
        answerable=True,
        as_of=exchange["as_of"],
        gold=tuple(span for span in spans if span is not None),
        history=tuple(GoldTurn(role="user", content=question) for question in exchange["asked_before"]),
        draft=DraftNote(status="proposed", flags=tuple(flags), model=exchange["model"]),
    )


def _span(place: dict[str, Any], collection: str, http: Connection) -> GoldSpan | None:
    path = f"/v1/articles/{quote(place['article_id'], safe='')}/text"
    try:
        article = http.call(f"{path}?collection={quote(collection)}&version={place['version']}")
    except ResourceNotFound:
        return None
    words = article["text"][place["start"] : place["end"]]
    return GoldSpan(article_id=place["article_id"], start=place["start"], end=place["end"], text=words)
