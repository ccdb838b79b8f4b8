"""Make draft gold questions of what readers of a running service thought of its answers: docs/judge.md has the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from eval.draft_format import DraftNote, DraftQuestion
from eval.gold_format import GoldSpan, GoldTurn
from qa import QaError

_TIMEOUT_S = 60


def read_feedback(server: str, key: str | None) -> Iterator[DraftQuestion]:
    """Yield a draft for each rating that a server has kept. Raises QaError.

    Its gold spans are what the answer cited, cut anew from the articles: of a bad answer they are where to look first.
    What an article no longer holds in that version, or what was taken down, is left out.
    """
    after: int | None = 0
    while after is not None:
        page = _get(server, f"/v1/feedback?after={after}", key)
        for row in page["feedback"]:
            yield _draft(row, server, key)
        after = page["next_after"]


def _draft(row: dict[str, Any], server: str, key: str | None) -> DraftQuestion:
    exchange = row["exchange"]
    spans = [_span(one, exchange["collection"], server, key) for one in exchange["citations"]]
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
        history=tuple(GoldTurn(role="user", content=one) for one in exchange["asked_before"]),
        draft=DraftNote(status="proposed", flags=tuple(flags), model=exchange["model"]),
    )


def _span(place: dict[str, Any], collection: str, server: str, key: str | None) -> GoldSpan | None:
    path = f"/v1/articles/{quote(place['article_id'], safe='')}/text"
    try:
        found = _get(server, f"{path}?collection={quote(collection)}&version={place['version']}", key)
    except _NotThere:
        return None
    words = found["text"][place["start"] : place["end"]]
    return GoldSpan(article_id=place["article_id"], start=place["start"], end=place["end"], text=words)


class _NotThere(QaError):
    """The server has no such thing."""


def _get(server: str, path: str, key: str | None) -> Any:
    if not server.startswith(("http://", "https://")):
        raise QaError(f"{server}: the address of a server begins with http:// or https://")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    request = Request(server.rstrip("/") + path, headers=headers)  # noqa: S310  # checked above
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
            return json.load(response)
    except HTTPError as exc:
        with exc:
            message = json.load(exc)["error"]["message"]
        raise (_NotThere if exc.code == 404 else QaError)(f"{server}{path}: {message}") from None
    except (URLError, OSError, ValueError) as exc:
        raise QaError(f"{server}: {exc}") from exc
