"""The process that is killed: it checks what its predecessor left, then works until it dies."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

# The forkserver imports these once; each process then starts as if it had just imported them.
import chromadb  # noqa: F401
import tantivy  # noqa: F401

from qa.catalog.catalog import renew_id
from qa.errors import NotFound
from qa.indexes import chroma_index
from qa.ingest.ingest import ingest
from qa.types import Embedder
from tests.fakes import HashEmbedder, Store, article
from tests.lanes.crash import journal, points


def live(folder: Path, words_only: bool, stop: tuple[str, int] | None, result: Connection) -> None:
    """Check the store, send what was found, then work until killed; `stop` names the place to die at."""
    if stop is not None:
        points.install(points.killer(*stop))
    began = time.monotonic()
    with open_store(folder, words_only) as store:
        opened = time.monotonic() - began
        result.send((check(folder, store), opened))
        with (folder / "journal").open("a") as file:
            for step in journal.steps(folder):
                journal.note(file, f"begin {step}")
                do(step, store, folder)
                journal.note(file, f"ack {step}")


def inspect(folder: Path, words_only: bool, result: Connection) -> None:
    """Check the store, send what was found, and end."""
    began = time.monotonic()
    with open_store(folder, words_only) as store:
        opened = time.monotonic() - began
        result.send((check(folder, store), opened))


def open_store(folder: Path, words_only: bool) -> Store:
    """Open the store as the service does, except that it compacts the vector index sooner."""
    chroma_index._MIN_DELETED = 30
    embedder: Embedder | None = None if words_only else HashEmbedder()
    return Store(folder, embedder)


def do(step: int, store: Store, folder: Path) -> None:
    """Do one step, until its result is searchable."""
    operation = journal.operation(step)
    items = [article(article_id, body) for article_id, body in journal.written(step).items() if body is not None]
    if operation == "put":
        store.add(*items)
    elif operation == "lag":
        for part in (items[:1], items[1:]):
            ingest(part, store.catalog, store.embedder)
        store.projections.catch_up()
    elif operation == "remove":
        with suppress(NotFound):
            store.catalog.remove("default", *journal.written(step))
        store.projections.catch_up()
    elif operation == "rebuild":
        store.projections.rebuild()
    else:
        target = folder / f"backup-{step}"
        target.unlink(missing_ok=True)  # left by the killed attempt
        store.catalog.copy_to(str(target))


def check(folder: Path, store: Store) -> str:
    """Return what is wrong in a store, compared with its journal, or an empty string."""
    begun, acknowledged = journal.marks(folder)
    problem = wrong(store, journal.allowed(begun, acknowledged), partly=journal.operation(begun) == "lag")
    return problem or wrong_backups(folder, acknowledged, words_only=store.vectors is None)


def wrong(store: Store, states: tuple[journal.State, journal.State], *, partly: bool = False) -> str:
    """Return the first broken invariant. `partly`: the step in flight is two transactions."""
    listed = [row.source.article_id for row in store.catalog.articles("default", 0, 10 * journal.IDS)]
    if len(listed) != len(set(listed)):
        return "an article is listed twice"
    texts: journal.State = dict.fromkeys(states[0]) | {
        article_id: store.catalog.text("default", article_id).text for article_id in listed
    }
    if partly and any(texts[article_id] not in (states[0][article_id], states[1][article_id]) for article_id in texts):
        return "an article is neither what it was nor what it should become"
    if not partly and texts not in states:
        differing = [article_id for article_id in texts if texts[article_id] != states[0].get(article_id)]
        return f"neither the state before nor after the step in flight: {differing}"
    store.projections.catch_up()
    problems = store.problems()
    return f"indexes: {problems}" if problems else wrong_spans(store, texts)


def wrong_spans(store: Store, texts: journal.State) -> str:
    """Return the first chunk that is not its span, out of order, or leaves a word of the text out."""
    rows = store.catalog.chunks_of(store.catalog.live_pks())
    live = {article_id: text for article_id, text in texts.items() if text is not None}
    ends = dict.fromkeys(live, 0)
    starts = dict.fromkeys(live, -1)
    for row in rows:
        article_id = row.source.article_id
        if row.text != row.span.slice(live[article_id]):
            return f"{article_id}: a chunk is not its span"
        if row.span.start <= starts[article_id] or live[article_id][ends[article_id] : row.span.start].strip():
            return f"{article_id}: chunks out of order, or words between them"
        starts[article_id], ends[article_id] = row.span.start, max(row.span.end, ends[article_id])
    if any(text[ends[article_id] :].strip() for article_id, text in live.items()):
        return "the end of a text is in no chunk"
    if store.lexical.keys() != {row.key for row in rows}:
        return "the word index holds other chunks"
    if store.vectors is not None and store.vectors.places() != {(r.article, r.version, r.ordinal) for r in rows}:
        return "the vector index holds other chunks"
    return ""


def wrong_backups(folder: Path, acknowledged: int, *, words_only: bool) -> str:
    """Restore every backup and compare it with the state at its time. An unacknowledged one is complete or absent."""
    for backup in folder.glob("backup-*"):
        if not backup.name.removeprefix("backup-").isdigit():
            backup.unlink()  # an incomplete copy, under a temporary name
            continue
        step = int(backup.name.removeprefix("backup-"))
        restored = folder / "restored"
        shutil.rmtree(restored, ignore_errors=True)  # left by a killed check
        restored.mkdir()
        shutil.copyfile(backup, restored / "catalog.sqlite3")
        renew_id(f"sqlite:///{restored / 'catalog.sqlite3'}")
        with open_store(restored, words_only) as store:
            state = journal.state_before(step)
            problem = wrong(store, (state, state))
        shutil.rmtree(restored)
        backup.unlink()
        if problem:
            return f"backup of step {step}, acknowledged {step <= acknowledged}: {problem}"
    return ""
