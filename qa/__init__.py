"""Answer questions over news articles and prove every sentence with a cited span.

The public names are loaded on first use, so that `import qa` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a type checker sees; test_public_api.py holds it to the table below
    from qa.chat import (
        ChatModel as ChatModel,
        EndPiece as EndPiece,
        Message as Message,
        ModelSettings as ModelSettings,
        TextPiece as TextPiece,
    )
    from qa.chunking import chunk as chunk
    from qa.errors import ModelFailed as ModelFailed, ModelUnavailable as ModelUnavailable, QaError as QaError
    from qa.llm import OpenAIChat as OpenAIChat
    from qa.minilm import MiniLM as MiniLM
    from qa.plain import visible_line as visible_line
    from qa.prompts import evidence_block as evidence_block, make_fence as make_fence, make_ids as make_ids
    from qa.readers import read as read
    from qa.sentences import split_sentences as split_sentences
    from qa.service.shapes import (
        AnswerOut as AnswerOut,
        ArticleOut as ArticleOut,
        ArticlesOut as ArticlesOut,
        ErrorOut as ErrorOut,
        LookedOut as LookedOut,
        RetrievedOut as RetrievedOut,
        SearchOut as SearchOut,
        TextOut as TextOut,
        answer_json as answer_json,
    )
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
        Source as Source,
        Span as Span,
        Turn as Turn,
    )
    from qa.wiring import Library as Library

_HOMES = {
    "answer_json": "qa.service.shapes",
    "Answer": "qa.types",
    "AnswerOut": "qa.service.shapes",
    "Article": "qa.types",
    "ArticleOut": "qa.service.shapes",
    "ArticlesOut": "qa.service.shapes",
    "ChatModel": "qa.chat",
    "Chunk": "qa.types",
    "Citation": "qa.types",
    "Embedder": "qa.types",
    "EndPiece": "qa.chat",
    "ErrorOut": "qa.service.shapes",
    "Evidence": "qa.types",
    "Filters": "qa.types",
    "Hit": "qa.types",
    "IngestReport": "qa.types",
    "Library": "qa.wiring",
    "LookedOut": "qa.service.shapes",
    "Message": "qa.chat",
    "MiniLM": "qa.minilm",
    "Mode": "qa.types",
    "ModelFailed": "qa.errors",
    "ModelSettings": "qa.chat",
    "ModelUnavailable": "qa.errors",
    "OpenAIChat": "qa.llm",
    "QaError": "qa.errors",
    "Question": "qa.types",
    "Refused": "qa.types",
    "RetrievedOut": "qa.service.shapes",
    "SearchOut": "qa.service.shapes",
    "Settings": "qa.settings",
    "Source": "qa.types",
    "Span": "qa.types",
    "TextOut": "qa.service.shapes",
    "TextPiece": "qa.chat",
    "Turn": "qa.types",
    "chunk": "qa.chunking",
    "evidence_block": "qa.prompts",
    "load_settings": "qa.settings",
    "make_fence": "qa.prompts",
    "make_ids": "qa.prompts",
    "read": "qa.readers",
    "split_sentences": "qa.sentences",
    "visible_line": "qa.plain",
}
__all__ = sorted(_HOMES)  # derived, so that a name cannot be listed and not found


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qa' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
