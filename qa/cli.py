"""The command line: parse, call, print. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa import cli_keys
from qa.errors import BadInput, BadSettings, Locked, NotFound, QaError

if TYPE_CHECKING:
    from qa.settings import Settings
    from qa.wiring import Library

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
articles = typer.Typer(no_args_is_help=True, help="List, show and take down articles.")
index = typer.Typer(no_args_is_help=True, help="Look after the indexes.")
app.add_typer(articles, name="articles")
app.add_typer(index, name="index")
app.add_typer(cli_keys.app, name="keys")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Collection = Annotated[str, typer.Option(help="The collection.")]
AsOf = Annotated[str | None, typer.Option(help="The day the question is asked on; today if left out.")]
Outlets = Annotated[list[str] | None, typer.Option("--outlet", help="Only this outlet; may be repeated.")]
After = Annotated[str | None, typer.Option(help="Only articles of this day or later.")]
Before = Annotated[str | None, typer.Option(help="Only articles of this day or earlier.")]


def main() -> None:
    """Run the command line. Exit codes: 1 input refused, 2 wrong usage or settings, 3 a needed service is away."""
    try:
        app()
    except QaError as exc:
        print(f"qa: {exc}", file=sys.stderr)
        sys.exit(_exit_code(exc))
    except KeyboardInterrupt:
        sys.exit(130)


def _exit_code(exc: QaError) -> int:
    if isinstance(exc, BadSettings | Locked):
        return 2
    return 1 if isinstance(exc, BadInput | NotFound) else 3


@app.callback()
def _setup() -> None:
    """Answer questions over news articles, every sentence proved with a cited span."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)


@app.command()
def ingest(
    paths: Annotated[list[str], typer.Argument(help='Files, folders, globs; "-" reads JSONL.')],
    outlet: Annotated[str | None, typer.Option(help="The outlet of articles that name none.")] = None,
    published: Annotated[str | None, typer.Option(help="The date of articles that carry none.")] = None,
    collection: Collection = "default",
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare articles; 0: as many as help.")] = 0,
    ray: Annotated[str | None, typer.Option(help="Spread it over a Ray cluster: its address, or local.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take articles in: text, Markdown, HTML, JSONL, JSON, RSS and Atom files."""
    from qa.ingest import ingest as write
    from qa.readers import read
    from qa.service import wire
    from qa.wiring import build_fetch, build_spread

    settings = _settings()
    with ExitStack() as stack:
        tick = stack.enter_context(_progress("articles"))
        spread = None if ray is None else stack.enter_context(build_spread(settings, workers, ray))
        items = (
            spread.read(paths, outlet=outlet, published=published)
            if spread
            else read(
                paths,
                outlet=outlet,
                published=published,
                max_bytes=settings.max_article_bytes,
                stdin=sys.stdin.buffer,
                fetch=build_fetch(settings),
            )
        )
        try:
            with _library(settings) as library:
                report = library.ingest(items, collection=collection, workers=workers, progress=tick, spread=spread)
        except Locked as locked:
            if locked.url is None:
                raise
            # A server owns the indexes. The catalog takes writers from anywhere; the server follows its change log.
            from qa.catalog import Catalog
            from qa.wiring import build_embedder

            catalog = Catalog(settings.catalog_url)
            report = write(
                items,
                catalog,
                spread or build_embedder(settings),
                collection=collection,
                workers=workers,
                progress=tick,
                preparer=spread,
            )
            catalog.close()
    for refused in report.refused:
        print(f"refused {refused.source}: {refused.reason}", file=sys.stderr)
    if as_json:
        _print_json(wire.report_json(report))
    else:
        print(
            f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged,"
            f" {len(report.refused)} refused; {report.chunks} chunks in {report.seconds:.1f} s"
        )
    if report.refused:
        raise typer.Exit(1)


@app.command()
def ask(
    question: str,
    as_of: AsOf = None,
    outlet: Outlets = None,
    after: After = None,
    before: Before = None,
    mode: Annotated[str, typer.Option(help="auto, extractive or llm.")] = "auto",
    collection: Collection = "default",
    top_k: Annotated[int, typer.Option(min=1, max=50, help="How many chunks to read.")] = 8,
    as_json: AsJson = False,
) -> None:
    """Answer a question with cited spans."""
    body = {
        "question": question,
        "filters": _filters(outlet, after, before),
        "as_of": as_of,
        "mode": mode,
        "collection": collection,
        "top_k": top_k,
    }
    answer = _call("/v1/ask", body)
    if as_json:
        _print_json(answer)
        return
    print(answer["answer"])
    for citation in answer["citations"]:
        said = ", ".join(part for part in (citation["outlet"], citation["published_at"]) if part)
        print(f"\n[{citation['number']}] {citation['title'] or citation['article_id']}{f' ({said})' if said else ''}")
        print(f"    {citation['article_id']} {citation['start']}-{citation['end']}")
        print(f"    “{' '.join(citation['quote'].split())}”")
    for conflict in answer["conflicts"]:
        sides = (f"{one['value']} {''.join(f'[{n}]' for n in one['citations'])}" for one in conflict["values"])
        print(f"\n{conflict['kind']} ({conflict['about']}): {', '.join(sides)}")
    if answer["status"] != "answered":
        print(f"\nstatus: {answer['status']}")
    for rejected in answer["rejected"]:
        print(f"rejected ({rejected['reason']}): {rejected['text']}", file=sys.stderr)


@app.command()
def search(
    query: str,
    top_k: Annotated[int, typer.Option(min=1, max=50)] = 8,
    as_of: AsOf = None,
    outlet: Outlets = None,
    after: After = None,
    before: Before = None,
    collection: Collection = "default",
    as_json: AsJson = False,
) -> None:
    """Show the chunks that a query finds."""
    body = {
        "query": query,
        "filters": _filters(outlet, after, before),
        "as_of": as_of,
        "collection": collection,
        "top_k": top_k,
    }
    found = _call("/v1/search", body)
    if as_json:
        _print_json(found)
        return
    for hit in found["hits"]:
        print(f"{hit['score']:.3f}  {hit['article_id']} {hit['start']}-{hit['end']}  {hit['title'] or ''}")
        print(f"       {' '.join(hit['text'].split())[:160]}")


@articles.command("list")
def list_articles(collection: Collection = "default", as_json: AsJson = False) -> None:
    """List the articles of a collection."""
    with _catalog() as catalog:
        rows, offset = [], 0
        while page := catalog.articles(collection, offset, 500):
            rows += page
            offset += len(page)
    if as_json:
        from qa.service import wire

        _print_json({"articles": [wire.article_json(row) for row in rows], "total": len(rows)})
        return
    for row in rows:
        source = row.source
        print("\t".join((source.article_id, source.published_at or "-", source.outlet or "-", source.title or "-")))


@articles.command("show")
def show_article(article_id: str, collection: Collection = "default", as_json: AsJson = False) -> None:
    """Show one article with its text."""
    with _catalog() as catalog:
        row, body = catalog.article(collection, article_id), catalog.text(collection, article_id)
    if as_json:
        from qa.service import wire

        _print_json(wire.article_json(row) | {"text": body.text})
        return
    for name in ("article_id", "version", "title", "outlet", "published_at", "url", "sha256"):
        print(f"{name}: {getattr(row.source, name)}")
    print(f"chunks: {row.chunks}\n\n{body.text}")


@articles.command("delete")
def delete_article(article_id: str, collection: Collection = "default") -> None:
    """Take an article down: its text, chunks and vectors are erased."""
    try:
        with _library(_settings()) as library:
            library.remove(collection, article_id)
    except Locked as locked:
        if locked.url is None:
            raise
        with _catalog() as catalog:  # the server follows the change log
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
        library.projections.catch_up()
        return library.verify()

    _print_states(verify, as_json, faults=lambda library: library.catalog.faults())


@index.command("rebuild")
def index_rebuild(as_json: AsJson = False) -> None:
    """Throw the indexes away and build them from the catalog; nothing is embedded again."""

    def rebuild(library: Library) -> Any:
        with _progress("changes") as tick:
            library.projections.rebuild(lambda name, changes: tick(changes))
        return library.projections.states()

    _print_states(rebuild, as_json)


@app.command()
def backup(folder: Path) -> None:
    """Write a consistent copy of the catalog into an empty folder, also while a server runs."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise BadSettings(f"{folder}: cannot be used for a backup: {exc.strerror}") from exc
    target = folder / "catalog.sqlite3"
    if target.exists():
        raise BadSettings(f"{target}: exists already; name an empty folder")
    from qa.catalog_copies import write_checksum

    with _catalog() as catalog:
        catalog.copy_to(str(target))
    write_checksum(target)
    print(f"{target}: {target.stat().st_size} bytes; the indexes are built anew on restore")


@app.command()
def restore(folder: Path) -> None:
    """Take a backup into an empty data directory and build the indexes."""
    from qa.catalog_copies import restore as take_in

    settings = _settings()
    source = folder / "catalog.sqlite3"
    if not source.is_file():
        raise BadSettings(f"{source}: no backup is there")
    take_in(source, settings.catalog_url)
    with _progress("changes") as tick, _library(settings) as library:
        library.projections.catch_up(lambda name, changes: tick(changes))
        count, chunks = library.catalog.count()
    print(f"{count} articles, {chunks} chunks restored")


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=1, help="One process owns a data directory.")] = 1,
    samples: Annotated[bool, typer.Option("--samples", help="Load the sample articles if the store is empty.")] = False,
) -> None:
    """Serve HTTP."""
    from qa.service import logs
    from qa.service.serve import run

    settings = _settings()
    logs.configure(settings.log_level, settings.log_format)

    def ready(url: str) -> None:
        body = '{"question": "How long has Dorothea Lanyon driven the number 14 bus?"}'
        print(
            f"serving on {url}\ntry: curl -s {url}/v1/ask -H 'content-type: application/json' -d '{body}'", flush=True
        )

    run(settings, host, port, load_samples=samples, on_ready=ready)


@app.command()
def mcp() -> None:
    """Speak the Model Context Protocol over standard input and output, for clients that start us themselves."""
    import asyncio

    from qa.service.stdio import run

    asyncio.run(run(_settings()))


def _settings() -> Settings:
    from qa.settings import load_settings

    return load_settings()


def _library(settings: Settings) -> Library:
    from qa.wiring import Library

    return Library(settings)


@contextmanager
def _catalog() -> Iterator[Any]:
    """Open the catalog alone: it may be read while a server runs."""
    from qa.catalog import Catalog

    catalog = Catalog(_settings().catalog_url)
    try:
        yield catalog
    finally:
        catalog.close()


def _filters(outlets: list[str] | None, after: str | None, before: str | None) -> dict[str, Any]:
    return {"outlets": outlets or [], "after": after, "before": before}


def _call(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Answer a request as the server would: here, or by the server that owns the data directory."""
    from qa import remote

    settings = _settings()
    try:
        with _library(settings) as library:
            return remote.call_here(library, path, body)
    except Locked as locked:
        if locked.url is None:
            raise
        return remote.call_server(locked.url, path, body, settings.api_keys)


def _print_states(
    read: Callable[[Library], Any], as_json: bool, faults: Callable[[Library], list[str]] = lambda library: []
) -> None:
    with _library(_settings()) as library:
        wrong = faults(library)
        states = read(library)
        count, chunks = library.catalog.count()
    if as_json:
        indexes = {
            one.name: {"cursor": one.cursor, "behind": one.behind, "problems": list(one.problems)} for one in states
        }
        _print_json({"articles": count, "chunks": chunks, "problems": wrong, "indexes": indexes})
    else:
        print(f"catalog: {count} articles, {chunks} chunks" + "".join(f"; {problem}" for problem in wrong))
        for one in states:
            print(f"{one.name}: {one.behind} changes behind" + "".join(f"; {problem}" for problem in one.problems))
    if wrong or any(one.problems for one in states):
        raise typer.Exit(1)


@contextmanager
def _progress(unit: str) -> Iterator[Callable[[int], None]]:
    """Show how many are done on stderr, when a person looks at it."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed} " + unit), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(unit, total=None)
        yield lambda done: shown.advance(task, done)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))
