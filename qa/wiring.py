"""Construct every component from the settings (dependency wiring).

The only file with local imports, so that `import qa` and `qa --help` stay fast.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from qa.settings import Settings
from qa.types import Embedder, EntailmentJudge, Reader

if TYPE_CHECKING:
    from qa.catalog.catalog import Catalog
    from qa.catalog.data_dir_lock import DataDirLock
    from qa.indexes.projections import Projections
    from qa.indexes.protocols import VectorIndex, WordIndex
    from qa.ingest.ray import RayWorkers
    from qa.judges.entailment import MiniLMEntailment
    from qa.judges.reader import MiniLMReader
    from qa.llm.openai_chat import OpenAIChat
    from qa.llm.prompts import Prompts
    from qa.llm.protocols import ChatModel, ChatRelay
    from qa.readers.rows import Fetch
    from qa.retrieval.retriever import Retriever
    from qa.retrieval.sentence_ranker import EvidenceRanker


AnyJudge = TypeVar("AnyJudge", "MiniLMReader", "MiniLMEntailment")


@dataclass(frozen=True, slots=True)
class Parts:
    """The components of an open store."""

    owner: DataDirLock
    catalog: Catalog
    words: WordIndex
    vectors: VectorIndex | None
    embedder: Embedder | None
    projections: Projections
    retriever: Retriever
    ranker: EvidenceRanker
    model: ChatModel | None
    utility: ChatRelay | None
    prompts: Prompts
    entailment_judge: EntailmentJudge | None


def open_parts(settings: Settings) -> Parts:
    """Open the store in `settings.data_dir`. If a component cannot be opened, those before it are closed again.

    Raises Locked, StoreFailed, EmbeddingFailed and BadSettings.
    """
    from qa.catalog.catalog import Catalog
    from qa.catalog.data_dir_lock import DataDirLock
    from qa.embeddings.cache import QueryMemo
    from qa.indexes.projections import Projections
    from qa.llm.prompts import load_prompts
    from qa.retrieval.retriever import Retriever
    from qa.retrieval.sentence_ranker import EvidenceRanker

    prompts = load_prompts(settings.prompts_dir)
    with ExitStack() as opened:
        owner = DataDirLock(settings.data_dir)
        opened.callback(owner.close)
        catalog = Catalog(settings.catalog_url)
        opened.callback(catalog.close)
        embedder = build_embedder(settings)
        if embedder is not None:
            embedder = QueryMemo(embedder)
        words = build_words(settings, catalog)
        opened.callback(words.close)
        vectors = build_vectors(settings, catalog, embedder.model) if embedder is not None else None
        if vectors is not None:
            opened.callback(vectors.close)
        reader = build_reader(settings)
        # Several processes may write to a vector server; our own directory has a single writer.
        turn = {"vector_turn": catalog.vector_turn} if settings.chroma_url else {}
        projections = Projections(catalog, words, vectors, embedder, **turn)
        parts = Parts(
            owner,
            catalog,
            words,
            vectors,
            embedder,
            projections,
            Retriever(catalog, words, vectors, embedder, projections.lagging),
            EvidenceRanker(words, None if reader else embedder, reader),
            build_model(settings, settings.llm_model),
            build_model(settings, settings.utility_model or settings.llm_model),
            prompts,
            # Only what a model writes is judged; without one its weights need not be in memory.
            build_entailment(settings) if settings.llm_model and settings.mode != "extractive" else None,
        )
        opened.pop_all()  # the caller closes them from here on
    return parts


def build_embedder(settings: Settings) -> Embedder | None:
    """Return the embedder that `QA_EMBED_MODEL` names; None for `none`, lexical search only. Raises BadSettings."""
    from qa.errors import BadSettings

    kind, _, model = settings.embed_model.partition(":")
    if settings.embed_model == "none":
        return None
    if settings.embed_model == "minilm":
        from qa.embeddings.minilm import MiniLM

        return MiniLM(threads=settings.embed_threads or None)
    if kind == "openai" and model:
        from qa.llm.openai_embeddings import EmbeddingServer
        from qa.llm.protocols import ModelSettings

        if not (settings.openai_api_key or settings.openai_base_url):
            raise BadSettings(f"QA_EMBED_MODEL={settings.embed_model} needs OPENAI_API_KEY or OPENAI_BASE_URL")
        return EmbeddingServer(
            ModelSettings(base_url=settings.openai_base_url, api_key=settings.openai_api_key, model=model)
        )
    raise BadSettings(f"QA_EMBED_MODEL={settings.embed_model!r}: say minilm, none or openai:MODEL")


def build_reader(settings: Settings) -> Reader | None:
    """Return the reader; None where `QA_READER=off`, or where it is not set and the weights are absent.

    Raises BadSettings where it was asked for and cannot be opened.
    """
    from qa.judges.reader import MiniLMReader

    return _build_judge(MiniLMReader, "QA_READER", settings.reader, settings)


def build_entailment(settings: Settings) -> EntailmentJudge | None:
    """Return the entailment judge by `QA_ENTAILMENT`, as `build_reader` does. Raises BadSettings."""
    from qa.judges.entailment import MiniLMEntailment

    return _build_judge(MiniLMEntailment, "QA_ENTAILMENT", settings.entailment, settings)


def _build_judge(make: type[AnyJudge], name: str, wish: str | None, settings: Settings) -> AnyJudge | None:
    from qa.errors import BadSettings, JudgeFailed

    if wish == "off":
        return None
    try:
        judge = make(threads=settings.embed_threads or None)
        if wish == "on":  # asked for, so a damaged file stops the start
            judge.open()
        return judge
    except JudgeFailed as exc:
        if wish == "on":
            raise BadSettings(f"{name}=on: {exc}") from exc
        return None


def build_words(settings: Settings, catalog: Catalog) -> WordIndex:
    """Return the word index: tantivy, or that of the engine named by `QA_VECTOR_STORE`. Raises BadSettings."""
    if settings.vector_store:
        from qa.indexes.engine_index import load_engine

        engine = load_engine(settings.vector_store)
        if engine.open_words is not None:
            return engine.open_words(settings.data_dir / "vector-store", catalog.id)
    from qa.indexes.tantivy_index import LexicalIndex

    return LexicalIndex(settings.data_dir, catalog.id)


def build_vectors(settings: Settings, catalog: Catalog, model: str) -> VectorIndex:
    """Return the vector index for an embedding model: Chroma, or what `QA_VECTOR_STORE` names. Raises BadSettings."""
    if settings.vector_store:
        from qa.indexes.engine_index import LlamaIndexStore, load_engine

        engine = load_engine(settings.vector_store)
        return LlamaIndexStore(engine, settings.data_dir / "vector-store", catalog.id, model, catalog.vectors)
    from qa.indexes.chroma_index import ChromaIndex

    return ChromaIndex(settings.chroma_url or settings.data_dir / "chroma", catalog.id, model)


def build_model(settings: Settings, name: str | None) -> OpenAIChat | None:
    """Return the chat model of that name, or None in extractive mode. It does not connect yet."""
    if name is None or settings.mode == "extractive":
        return None
    from qa.llm.openai_chat import OpenAIChat
    from qa.llm.protocols import ModelSettings

    return OpenAIChat(ModelSettings(base_url=settings.openai_base_url, api_key=settings.openai_api_key, model=name))


def build_ray_workers(settings: Settings, workers: int, address: str) -> RayWorkers:
    """Return workers on the Ray cluster at an address; `local` starts a cluster here. Raises BadSettings."""
    from qa.errors import BadSettings

    try:
        from qa.ingest.ray import RayWorkers
    except ModuleNotFoundError as exc:
        raise BadSettings("--ray needs the extra: pip install 'news-qa[ray]'") from exc
    return RayWorkers(build_embedder, settings, workers, address=None if address == "local" else address)


def build_fetch(settings: Settings) -> Fetch | None:
    """Return the function that fetches articles by URL, or None where settings forbid it."""
    if settings.fetch_urls == "off":
        return None
    from qa.readers.fetch import Fetcher

    return Fetcher().fetch
