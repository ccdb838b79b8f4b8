"""One worked example of every JSON answer, for the OpenAPI schema. Pure data; a test holds it against the models.

No field is null here: FastAPI leaves nulls out of the schema, and the example would lack the field.
"""

from __future__ import annotations

from typing import Any

_SHA = "8d51f4b3c3d0b5a9b8e9a27b6f3c1c0d6b1a2f0e9c8d7b6a5f4e3d2c1b0a9f8e"
_SOURCE: dict[str, Any] = {
    "article_id": "bridge-1",
    "version": 1,
    "title": "Bridge opens again",
    "outlet": "Corvane Wire",
    "url": "https://wire.example/bridge",
    "published_at": "2023-03-21",
}
_SAID = "The bridge opened again on Monday."

ANSWER: dict[str, Any] = {
    "id": "ans_0f3b5a",
    "status": "answered",
    "answer": f"{_SAID} [1]",
    "statements": [
        {
            "start": 0,
            "end": 38,
            "text": f"{_SAID} [1]",
            "citations": [1],
            "support": "supported",
            "reasons": [],
            "score": 1.0,
        }
    ],
    "citations": [
        _SOURCE
        | {
            "number": 1,
            "sha256": _SHA,
            "start": 0,
            "end": 34,
            "start_utf16": 0,
            "end_utf16": 34,
            "quote": _SAID,
            "verdict": "exact",
            "link": "/articles/bridge-1?span=0-34",
        }
    ],
    "conflicts": [],
    "dates": [],
    "rejected": [],
    "mode": "llm",
    "model": "some-model",
    "degraded": [],
    "complete": True,
    "usage": {"prompt_tokens": 900, "completion_tokens": 21},
    "timings_ms": {"retrieve": 5, "evidence": 2, "generate": 410, "verify": 1, "total": 418},
    "question": "When did the bridge open again?",
    "confidence": 0.83,
}
SEARCH: dict[str, Any] = {
    "hits": [
        _SOURCE
        | {"start": 0, "end": 34, "score": 1.24, "reprints": []}
        | {"text": _SAID, "ranks": {"lexical": 1, "vector": 3}}
    ],
    "degraded": [],
    "timings_ms": {"total": 5},
}
REPORT: dict[str, Any] = {
    "added": 1,
    "updated": 0,
    "unchanged": 0,
    "refused": [{"source": "articles[1]", "reason": "text: empty"}],
    "chunks": 1,
    "seconds": 0.012,
}
ARTICLE: dict[str, Any] = _SOURCE | {
    "sha256": _SHA,
    "authors": ["Ada Lane"],
    "language": "en",
    "ingested_at": "2023-03-22T08:00:00+00:00",
    "chunks": 1,
    "versions": [1],
}
ARTICLES: dict[str, Any] = {"articles": [ARTICLE], "total": 73, "next_offset": 50}
TEXT: dict[str, Any] = {
    "article_id": "bridge-1",
    "version": 1,
    "sha256": _SHA,
    "text": f"{_SAID}\n\nLeave a Reply",
    "furniture": [[36, 49]],
}
DELETED: dict[str, Any] = {"deleted": "bridge-1"}
ERROR: dict[str, Any] = {
    "error": {
        "type": "invalid_request",
        "message": "filters.after: not a day like 2023-03-22",
        "param": "filters.after",
        "code": "value_error",
    }
}
FEEDBACK: dict[str, Any] = {
    "answer_id": "ans_6f1d2c9b8a7e4f30a1b2c3d4",
    "rating": -1,
    "comment": "It reopened on Tuesday.",
}
