"""LanceDB, files in the data directory. Needs llama-index-vector-stores-lancedb."""

from pathlib import Path

from llama_index.vector_stores.lancedb import LanceDBVectorStore
from llama_index.vector_stores.lancedb.base import TableNotFoundError

from qa.vector_stores import Engine


def open_store(name: str, dimension: int, directory: Path) -> LanceDBVectorStore:
    """Open a table; its first rows make it."""
    return LanceDBVectorStore(uri=str(directory), table_name=name, mode="create")


engine = Engine("lancedb", open_store, failures=(TableNotFoundError,))
