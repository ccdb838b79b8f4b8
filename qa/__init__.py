"""Answer questions over news articles and prove every sentence with a cited span.

The public names are loaded on first use, so that `import qa` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a type checker sees; test_public_api.py holds it to the table below
    from qa.chunking import chunk as chunk
    from qa.errors import QaError as QaError
    from qa.minilm import MiniLM as MiniLM
    from qa.readers import read as read
    from qa.sentences import split_sentences as split_sentences
    from qa.service.wire import answer_json as answer_json
    from qa.settings import Settings as Settings, load_settings as load_settings
    from qa.types import (
        Answer as Answer,
        Article as Article,
        Chunk as Chunk,
        Citation as Citation,
        Embedder as Embedder,
        Evidence as Evidence,
        Filters as Filters,
        Hit as Hit,
        IngestReport as IngestReport,
        Mode as Mode,
        Question as Question,
        Refused as Refused,
        Span as Span,
        Turn as Turn,
    )
    from qa.wiring import Library as Library

_HOMES = {
    "answer_json": "qa.service.wire",
    "Answer": "qa.types",
    "Article": "qa.types",
    "Chunk": "qa.types",
    "Citation": "qa.types",
    "Embedder": "qa.types",
    "Evidence": "qa.types",
    "Filters": "qa.types",
    "Hit": "qa.types",
    "IngestReport": "qa.types",
    "Library": "qa.wiring",
    "MiniLM": "qa.minilm",
    "Mode": "qa.types",
    "QaError": "qa.errors",
    "Question": "qa.types",
    "Refused": "qa.types",
    "Settings": "qa.settings",
    "Span": "qa.types",
    "Turn": "qa.types",
    "chunk": "qa.chunking",
    "load_settings": "qa.settings",
    "read": "qa.readers",
    "split_sentences": "qa.sentences",
}
__all__ = sorted(_HOMES)  # derived, so that a name cannot be listed and not found


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qa' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
