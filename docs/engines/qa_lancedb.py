"""LanceDB, files in the data directory. Needs llama-index-vector-stores-lancedb."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_index.core.schema import BaseNode
from llama_index.vector_stores.lancedb import LanceDBVectorStore
from llama_index.vector_stores.lancedb.base import TableNotFoundError

from qa.indexes.engine_index import Engine


class Quoted(LanceDBVectorStore):
    """The store of 0.6.0 puts ids into double quotes, which Lance now reads as the names of columns."""

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Delete the chunks of an article."""
        self.table.delete(f"doc_id = '{ref_doc_id}'")

    def delete_nodes(self, node_ids: Sequence[str], **_: Any) -> None:
        """Delete chunks by their ids."""
        self.table.delete(_among(node_ids))

    def get_nodes(self, node_ids: Sequence[str], **_: Any) -> list[BaseNode]:
        """Return chunks by their ids."""
        return super().get_nodes(where=_among(node_ids))


def _among(node_ids: Sequence[str]) -> str:
    return "id in ('" + "', '".join(node_ids) + "')"


def open_store(name: str, dimension: int, directory: Path) -> LanceDBVectorStore:
    """Open a table; its first rows make it."""
    return Quoted(uri=str(directory), table_name=name, mode="create")


engine = Engine("lancedb", open_store, failures=(TableNotFoundError,))
