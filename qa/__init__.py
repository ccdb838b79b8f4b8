"""Answer questions over news articles and prove every sentence with a cited span.

The public names are loaded on first use, so that `import qa` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a type checker sees; test_public_api.py holds it to the table below
    from qa.embeddings.minilm import MiniLM as MiniLM
    from qa.errors import ModelFailed as ModelFailed, ModelUnavailable as ModelUnavailable, QaError as QaError
    from qa.library import Library as Library, sample_articles as sample_articles
    from qa.llm.openai_chat import OpenAIChat as OpenAIChat
    from qa.llm.prompts import evidence_block as evidence_block, make_fence as make_fence, make_ids as make_ids
    from qa.llm.protocols import (
        ChatModel as ChatModel,
        EndPiece as EndPiece,
        Message as Message,
        ModelSettings as ModelSettings,
        TextPiece as TextPiece,
    )
    from qa.readers.read import read as read
    from qa.service.schemas.responses import (
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
    from qa.text.chunking import chunk as chunk
    from qa.text.plain import visible_line as visible_line
    from qa.text.sentences import split_sentences as split_sentences
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

_HOMES = {
    "answer_json": "qa.service.schemas.responses",
    "Answer": "qa.types",
    "AnswerOut": "qa.service.schemas.responses",
    "Article": "qa.types",
    "ArticleOut": "qa.service.schemas.responses",
    "ArticlesOut": "qa.service.schemas.responses",
    "ChatModel": "qa.llm.protocols",
    "Chunk": "qa.types",
    "Citation": "qa.types",
    "Embedder": "qa.types",
    "EndPiece": "qa.llm.protocols",
    "ErrorOut": "qa.service.schemas.responses",
    "Evidence": "qa.types",
    "Filters": "qa.types",
    "Hit": "qa.types",
    "IngestReport": "qa.types",
    "Library": "qa.library",
    "LookedOut": "qa.service.schemas.responses",
    "Message": "qa.llm.protocols",
    "MiniLM": "qa.embeddings.minilm",
    "Mode": "qa.types",
    "ModelFailed": "qa.errors",
    "ModelSettings": "qa.llm.protocols",
    "ModelUnavailable": "qa.errors",
    "OpenAIChat": "qa.llm.openai_chat",
    "QaError": "qa.errors",
    "Question": "qa.types",
    "Refused": "qa.types",
    "RetrievedOut": "qa.service.schemas.responses",
    "SearchOut": "qa.service.schemas.responses",
    "Settings": "qa.settings",
    "Source": "qa.types",
    "Span": "qa.types",
    "TextOut": "qa.service.schemas.responses",
    "TextPiece": "qa.llm.protocols",
    "Turn": "qa.types",
    "chunk": "qa.text.chunking",
    "evidence_block": "qa.llm.prompts",
    "load_settings": "qa.settings",
    "make_fence": "qa.llm.prompts",
    "make_ids": "qa.llm.prompts",
    "read": "qa.readers.read",
    "sample_articles": "qa.library",
    "split_sentences": "qa.text.sentences",
    "visible_line": "qa.text.plain",
}
__all__ = sorted(_HOMES)  # derived, so that a name cannot be listed and not found


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'qa' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
