"""LangChain integration: a retriever whose documents are exact spans of articles. Needs the extra `langchain`.

with connect() as library:
    ArticleRetriever(library=library).invoke("When does the bridge open again?")
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from qa.client import Client
from qa.library import Library
from qa.types import Filters, Hit


class ArticleRetriever(BaseRetriever):
    """Retrieve chunks; `page_content` is exactly `article.text[metadata["start"]:metadata["end"]]`."""

    library: Library | Client
    top_k: int = 8
    filters: Filters = Filters()
    as_of: str | None = None
    collection: str = "default"

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        result = self.library.search(
            query, collection=self.collection, filters=self.filters, as_of=self.as_of, top_k=self.top_k
        )
        return [_document(hit) for hit in result.hits]


def _document(hit: Hit) -> Document:
    """Return a document identified by its place, not its text: a reprint has the same text but is another source."""
    source = hit.source
    metadata: dict[str, Any] = {
        "article_id": source.article_id,
        "version": source.version,
        "sha256": source.sha256,
        "start": hit.span.start,
        "end": hit.span.end,
        "title": source.title,
        "outlet": source.outlet,
        "url": source.url,
        "published_at": source.published_at,
        "score": hit.score,
    }
    place = f"{source.article_id}:{source.version}:{hit.span.start}-{hit.span.end}"
    return Document(id=place, page_content=hit.text, metadata=metadata)
