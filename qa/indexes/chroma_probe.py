"""Probe a Chroma directory for damage by searching every collection. Runs in a child process of its own.

Damaged graph files crash the process, or find nothing while the count is full. This uses Chroma's Rust binding
directly: importing Chroma takes two seconds, which would delay every start after a crash.
"""

from __future__ import annotations

import sys
from typing import Any

import chromadb_rust_bindings as rust  # type: ignore[import-untyped]

_SAMPLE = 50  # vectors of a collection that must find themselves
_NEAR = 5
_LOST = 0.1  # of the sample: Chroma's graph may miss a few in dense regions, damage loses most
_PAGE = 5_000
_TENANT, _DATABASE = "default_tenant", "default_database"


def main(directory: str) -> None:
    """Exit with status 0, or with the damage on stderr."""
    sys.exit(probe(directory) or 0)


def probe(directory: str) -> str:
    """Return the damage; the empty string for none."""
    database = rust.SqliteDBConfig(
        hash_type=rust.MigrationHash.MD5, migration_mode=rust.MigrationMode.Apply, url=f"{directory}/chroma.sqlite3"
    )
    opened = rust.Bindings(allow_reset=False, sqlite_db_config=database, persist_path=directory, hnsw_cache_size=1_000)
    for collection in opened.list_collections(None, 0, _TENANT, _DATABASE):
        if problem := _try(opened, str(collection.id)):
            return f"collection {collection.name}: {problem}"
    return ""


def _try(opened: Any, collection: str) -> str:
    count = opened.count(collection, _TENANT, _DATABASE)
    ids: list[str] = []
    for offset in range(0, count, _PAGE):
        ids += opened.get(collection, None, None, _PAGE, offset, None, [], _TENANT, _DATABASE).ids
    if len(ids) != count:
        return f"{count} rows are counted, {len(ids)} are there"
    sample = ids[:: max(1, count // _SAMPLE)][:_SAMPLE]
    if not sample:
        return ""
    read = opened.get(collection, sample, None, None, 0, None, ["embeddings"], _TENANT, _DATABASE)
    vectors = dict(zip(read.ids, read.embeddings or (), strict=True))
    if set(vectors) != set(sample):
        return f"{len(vectors)} of {len(sample)} vectors are there"
    near = opened.query(
        collection, None, [vectors[chunk_id] for chunk_id in sample], _NEAR, None, None, [], _TENANT, _DATABASE
    )
    lost = sum(chunk_id not in found for chunk_id, found in zip(sample, near.ids, strict=True))
    return f"{lost} of {len(sample)} vectors do not find themselves" if lost > _LOST * len(sample) else ""
