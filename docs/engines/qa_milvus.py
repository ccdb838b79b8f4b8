"""Milvus Lite, a file; with `uri="http://..."` a server. Needs llama-index-vector-stores-milvus and milvus-lite."""

from pathlib import Path

from llama_index.vector_stores.milvus import MilvusVectorStore
from pymilvus import MilvusException

from qa.indexes.engine_index import Engine


def open_store(name: str, dimension: int, directory: Path) -> MilvusVectorStore:
    """Open a collection."""
    directory.mkdir(parents=True, exist_ok=True)
    return MilvusVectorStore(
        uri=str(directory / "milvus.db"),
        collection_name=name,
        dim=dimension,
        similarity_metric="COSINE",
        consistency_level="Strong",
        use_async_client=False,
    )


engine = Engine("milvus", open_store, failures=(MilvusException,))
