"""Qdrant inside this process; with `QdrantClient(url=...)` a server. Needs llama-index-vector-stores-qdrant."""

from pathlib import Path

from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException

from qa.indexes.engine_index import Engine


def open_store(name: str, dimension: int, directory: Path) -> QdrantVectorStore:
    """Open a collection."""
    return QdrantVectorStore(name, client=QdrantClient(path=str(directory)))


engine = Engine("qdrant", open_store, failures=(ApiException,))
