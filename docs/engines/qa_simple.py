"""LlamaIndex's own store: in memory, filled anew from the catalog at each start. For a few thousand chunks."""

from pathlib import Path

from llama_index.core.vector_stores.simple import SimpleVectorStore

from qa.indexes.engine_index import Engine


def open_store(name: str, dimension: int, directory: Path) -> SimpleVectorStore:
    """Open an empty store."""
    return SimpleVectorStore()


engine = Engine("simple", open_store)
