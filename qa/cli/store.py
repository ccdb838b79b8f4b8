"""Store maintenance commands: `qa articles`, `qa index`, `qa backup` and `qa restore`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from qa.cli.common import AsJson, Collection, open_catalog, open_library, print_json, read_settings, show_progress
from qa.errors import BadSettings, Locked

if TYPE_CHECKING:
    from qa.library import Library

articles = typer.Typer(no_args_is_help=True, help="List, show and take down articles.")
index = typer.Typer(no_args_is_help=True, help="Look after the indexes.")


@articles.command("list")
def list_articles(collection: Collection = "default", as_json: AsJson = False) -> None:
    """List the articles of a collection."""
    with open_catalog() as catalog:
        rows, offset = [], 0
        while page := catalog.articles(collection, offset, 500):
            rows += page
            offset += len(page)
    if as_json:
        from qa.service.schemas.responses import ArticleOut

        print_json({"articles": [ArticleOut.from_domain(row).model_dump() for row in rows], "total": len(rows)})
        return
    for row in rows:
        source = row.source
        print("\t".join((source.article_id, source.published_at or "-", source.outlet or "-", source.title or "-")))


@articles.command("show")
def show_article(article_id: str, collection: Collection = "default", as_json: AsJson = False) -> None:
    """Show one article with its text."""
    with open_catalog() as catalog:
        row, body = catalog.article(collection, article_id), catalog.text(collection, article_id)
    if as_json:
        from qa.service.schemas.responses import ArticleOut

        print_json(ArticleOut.from_domain(row).model_dump() | {"text": body.text})
        return
    for name in ("article_id", "version", "title", "outlet", "published_at", "url", "sha256"):
        print(f"{name}: {getattr(row.source, name)}")
    print(f"chunks: {row.chunks}\n\n{body.text}")


@articles.command("delete")
def delete_article(article_id: str, collection: Collection = "default") -> None:
    """Take an article down: its text, chunks and vectors are erased."""
    try:
        with open_library(read_settings()) as library:
            library.remove(article_id, collection=collection)
    except Locked as locked:
        if locked.url is None:
            raise
        with open_catalog() as catalog:  # the server follows the change log
            catalog.remove(collection, article_id)
    print(f"{article_id}: taken down")


@index.command("status")
def index_status(as_json: AsJson = False) -> None:
    """Say how far the indexes are behind the catalog."""
    _print_states(lambda library: library.projections.states(), as_json)


@index.command("verify")
def index_verify(as_json: AsJson = False) -> None:
    """Compare every text with its hash, and the indexes with the catalog, chunk by chunk; exit 1 if they differ."""

    def verify(library: Library) -> Any:
        with show_progress("changes") as tick:
            library.projections.catch_up(lambda name, changes: tick(changes))
            return library.verify()

    def faults(library: Library) -> list[str]:
        with show_progress("texts"):
            return library.catalog.faults()

    _print_states(verify, as_json, faults)


@index.command("rebuild")
def index_rebuild(as_json: AsJson = False) -> None:
    """Throw the indexes away and build them from the catalog; nothing is embedded again."""

    def rebuild(library: Library) -> Any:
        with show_progress("changes") as tick:
            library.projections.rebuild(lambda name, changes: tick(changes))
        return library.projections.states()

    _print_states(rebuild, as_json)


def backup(folder: Path) -> None:
    """Write a consistent copy of the catalog into an empty folder, also while a server runs."""
    from qa.catalog.backup import write_checksum

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise BadSettings(f"{folder}: cannot be used for a backup: {exc.strerror}") from exc
    target = folder / "catalog.sqlite3"
    if target.exists():
        raise BadSettings(f"{target}: exists already; name an empty folder")
    with open_catalog() as catalog:
        catalog.copy_to(str(target))
    write_checksum(target)
    print(f"{target}: {target.stat().st_size} bytes; the indexes are built anew on restore")


def restore(folder: Path) -> None:
    """Take a backup into an empty data directory and build the indexes."""
    from qa.catalog.backup import restore as restore_catalog

    settings = read_settings()
    source = folder / "catalog.sqlite3"
    if not source.is_file():
        raise BadSettings(f"{source}: no backup is there")
    with show_progress("changes") as tick:
        restore_catalog(source, settings.catalog_url)
        with open_library(settings) as library:
            library.projections.catch_up(lambda name, changes: tick(changes))
            count, chunks = library.catalog.count()
    print(f"{count} articles, {chunks} chunks restored")


def _print_states(
    read: Callable[[Library], Any], as_json: bool, faults: Callable[[Library], list[str]] = lambda library: []
) -> None:
    with open_library(read_settings()) as library:
        wrong = faults(library)
        states = read(library)
        count, chunks = library.catalog.count()
    if as_json:
        indexes = {
            state.name: {"cursor": state.cursor, "behind": state.behind, "problems": list(state.problems)}
            for state in states
        }
        print_json({"articles": count, "chunks": chunks, "problems": wrong, "indexes": indexes})
    else:
        print(f"catalog: {count} articles, {chunks} chunks" + "".join(f"; {problem}" for problem in wrong))
        for state in states:
            print(
                f"{state.name}: {state.behind} changes behind" + "".join(f"; {problem}" for problem in state.problems)
            )
    if wrong:
        print("take damaged articles down and in again, or restore a backup", file=sys.stderr)
    if wrong or any(state.problems for state in states):
        raise typer.Exit(1)
