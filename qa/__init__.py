"""Answer questions over news articles and prove every sentence with a cited span.

The public names are loaded on first use, so that `import qa` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

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
    "QaError": "qa.errors",
    "Question": "qa.types",
    "Refused": "qa.types",
    "Settings": "qa.settings",
    "Span": "qa.types",
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
