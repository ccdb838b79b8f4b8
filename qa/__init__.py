"""Question answering over news articles, with a cited span behind every sentence of an answer.

Public names are imported on first use, so that `import qa` itself is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers; test_public_api.py checks that it matches the table below
    from qa.answering.draft import (
        Delta as Delta,
        Event as Event,
        Retrieved as Retrieved,
    )
    from qa.client import (
        Client as Client,
        connect as connect,
    )
    from qa.embeddings.llamaindex import (
        LlamaIndexEmbedder as LlamaIndexEmbedder,
    )
    from qa.embeddings.minilm import (
        MiniLM as MiniLM,
    )
    from qa.errors import (
        BadArticle as BadArticle,
        BadInput as BadInput,
        BadQuestion as BadQuestion,
        BadSettings as BadSettings,
        Closed as Closed,
        EmbeddingFailed as EmbeddingFailed,
        Locked as Locked,
        ModelBroken as ModelBroken,
        ModelFailed as ModelFailed,
        ModelRefused as ModelRefused,
        ModelUnavailable as ModelUnavailable,
        ModelUnusable as ModelUnusable,
        NotFound as NotFound,
        QaError as QaError,
        StoreFailed as StoreFailed,
        StoreFull as StoreFull,
    )
    from qa.indexes.engine_index import (
        Engine as Engine,
    )
    from qa.library import (
        AskOptions as AskOptions,
        Library as Library,
        sample_articles as sample_articles,
    )
    from qa.llm.openai_chat import (
        OpenAIChat as OpenAIChat,
    )
    from qa.llm.protocols import (
        ChatModel as ChatModel,
        EndPiece as EndPiece,
        Message as Message,
        ModelSettings as ModelSettings,
        TextPiece as TextPiece,
    )
    from qa.readers.read import (
        read as read,
    )
    from qa.retrieval.retriever import (
        SearchResult as SearchResult,
    )
    from qa.service.schemas.responses import (
        AnswerOut as AnswerOut,
        ArticleOut as ArticleOut,
        ArticlesOut as ArticlesOut,
        ErrorOut as ErrorOut,
        RetrievedOut as RetrievedOut,
        RetrievedSourceOut as RetrievedSourceOut,
        SearchOut as SearchOut,
        TextOut as TextOut,
        answer_json as answer_json,
    )
    from qa.settings import (
        Settings as Settings,
        load_settings as load_settings,
    )
    from qa.text.chunking import (
        chunk as chunk,
    )
    from qa.text.plain import (
        visible_line as visible_line,
    )
    from qa.text.sentences import (
        split_sentences as split_sentences,
    )
    from qa.types import (
        Answer as Answer,
        Article as Article,
        Chunk as Chunk,
        Citation as Citation,
        Conflict as Conflict,
        ConflictValue as ConflictValue,
        Embedder as Embedder,
        Evidence as Evidence,
        Filters as Filters,
        Hit as Hit,
        IngestReport as IngestReport,
        Mode as Mode,
        Question as Question,
        Refused as Refused,
        Rejected as Rejected,
        ResolvedDate as ResolvedDate,
        ShortAnswer as ShortAnswer,
        Source as Source,
        Span as Span,
        Statement as Statement,
        Status as Status,
        Support as Support,
        Turn as Turn,
        Usage as Usage,
        Verdict as Verdict,
    )

_MODULES = {
    "Answer": "qa.types",
    "answer_json": "qa.service.schemas.responses",
    "AnswerOut": "qa.service.schemas.responses",
    "Article": "qa.types",
    "ArticleOut": "qa.service.schemas.responses",
    "ArticlesOut": "qa.service.schemas.responses",
    "AskOptions": "qa.library",
    "BadArticle": "qa.errors",
    "BadInput": "qa.errors",
    "BadQuestion": "qa.errors",
    "BadSettings": "qa.errors",
    "ChatModel": "qa.llm.protocols",
    "Chunk": "qa.types",
    "chunk": "qa.text.chunking",
    "Citation": "qa.types",
    "Client": "qa.client",
    "Closed": "qa.errors",
    "Conflict": "qa.types",
    "ConflictValue": "qa.types",
    "connect": "qa.client",
    "Delta": "qa.answering.draft",
    "Embedder": "qa.types",
    "EmbeddingFailed": "qa.errors",
    "EndPiece": "qa.llm.protocols",
    "Engine": "qa.indexes.engine_index",
    "ErrorOut": "qa.service.schemas.responses",
    "Event": "qa.answering.draft",
    "Evidence": "qa.types",
    "Filters": "qa.types",
    "Hit": "qa.types",
    "IngestReport": "qa.types",
    "Library": "qa.library",
    "LlamaIndexEmbedder": "qa.embeddings.llamaindex",
    "load_settings": "qa.settings",
    "Locked": "qa.errors",
    "Message": "qa.llm.protocols",
    "MiniLM": "qa.embeddings.minilm",
    "Mode": "qa.types",
    "ModelBroken": "qa.errors",
    "ModelFailed": "qa.errors",
    "ModelRefused": "qa.errors",
    "ModelSettings": "qa.llm.protocols",
    "ModelUnavailable": "qa.errors",
    "ModelUnusable": "qa.errors",
    "NotFound": "qa.errors",
    "OpenAIChat": "qa.llm.openai_chat",
    "QaError": "qa.errors",
    "Question": "qa.types",
    "read": "qa.readers.read",
    "Refused": "qa.types",
    "Rejected": "qa.types",
    "ResolvedDate": "qa.types",
    "Retrieved": "qa.answering.draft",
    "RetrievedOut": "qa.service.schemas.responses",
    "RetrievedSourceOut": "qa.service.schemas.responses",
    "sample_articles": "qa.library",
    "SearchOut": "qa.service.schemas.responses",
    "SearchResult": "qa.retrieval.retriever",
    "Settings": "qa.settings",
    "ShortAnswer": "qa.types",
    "Source": "qa.types",
    "Span": "qa.types",
    "split_sentences": "qa.text.sentences",
    "Statement": "qa.types",
    "Status": "qa.types",
    "StoreFailed": "qa.errors",
    "StoreFull": "qa.errors",
    "Support": "qa.types",
    "TextOut": "qa.service.schemas.responses",
    "TextPiece": "qa.llm.protocols",
    "Turn": "qa.types",
    "Usage": "qa.types",
    "Verdict": "qa.types",
    "visible_line": "qa.text.plain",
}
__all__ = sorted(_MODULES)  # derived, so that every listed name can be imported


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'qa' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
