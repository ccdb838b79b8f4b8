"""Kill points: named places where a worker kills itself. They exist in its process only, not in the product.

Each wraps one call of a store or of a library: `before X` and `after X`.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

CALLS = (
    "embed",
    "write",  # the whole transaction of a batch
    "commit",  # of any writing transaction, also a takedown's
    "empty log",
    "catch up",
    "add",
    "delete",
    "cursor",  # of the vector index
    "set aside",  # the folder of the vector index, before it is removed
    "word commit",
    "remove folder",
    "copy",
    "rename",
)
POINTS = tuple(f"{when} {call}" for call in CALLS for when in ("before", "after"))
WORDS_ONLY = tuple(
    point for point in POINTS if point.split(" ", 1)[1] not in ("embed", "add", "delete", "cursor", "set aside")
)

Here = Callable[[str], None]


def killer(point: str, nth: int) -> Here:
    """Return a hook that ends the process with SIGKILL when it reaches a place for the nth time."""
    left = [nth]

    def here(name: str) -> None:
        left[0] -= name == point
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    return here


def install(here: Here) -> None:
    """Wrap the calls in this process. It is never undone: the process will be killed."""
    import sqlalchemy as sa
    from chromadb.api.models.Collection import Collection
    from sqlalchemy.engine import Connection

    from qa.catalog.catalog import Catalog
    from qa.indexes.projections import Projections
    from qa.indexes.tantivy_index import LexicalIndex
    from tests.fakes import HashEmbedder

    _wrap(HashEmbedder, "embed_texts", "embed", here)
    _wrap(Catalog, "write", "write", here)
    _wrap(Catalog, "_empty_wal", "empty log", here)
    _wrap(Catalog, "copy_to", "copy", here)
    _wrap(Projections, "catch_up", "catch up", here)
    _wrap(Collection, "add", "add", here)
    _wrap(Collection, "delete", "delete", here)
    _wrap(Collection, "modify", "cursor", here)
    _wrap(Path, "rename", "set aside", here)
    _wrap(shutil, "rmtree", "remove folder", here)
    _wrap(Path, "replace", "rename", here)
    _watch_word_commits(LexicalIndex, here)

    def about_to_commit(connection: Connection) -> None:
        if connection.get_execution_options().get("write"):
            here("before commit")

    sa.event.listen(sa.engine.Engine, "commit", about_to_commit)
    commit = sa.engine.default.DefaultDialect.do_commit

    def do_commit(self: Any, dbapi_connection: Any) -> None:
        commit(self, dbapi_connection)
        here("after commit")

    sa.engine.default.DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def _wrap(owner: Any, attribute: str, call: str, here: Here) -> None:
    original = getattr(owner, attribute)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        here(f"before {call}")
        result = original(*args, **kwargs)
        here(f"after {call}")
        return result

    setattr(owner, attribute, wrapped)


class WatchedWriter:
    """Wrapper of tantivy's writer, whose class cannot be patched."""

    def __init__(self, writer: Any, here: Here) -> None:
        self._writer = writer
        self._here = here

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def commit(self) -> Any:
        self._here("before word commit")
        result = self._writer.commit()
        self._here("after word commit")
        return result


def _watch_word_commits(index: Any, here: Here) -> None:
    opened = index._open_files

    def open_files(self: Any) -> None:
        opened(self)
        self._writer = WatchedWriter(self._writer, here)

    index._open_files = open_files
