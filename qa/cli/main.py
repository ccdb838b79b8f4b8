"""The `qa` command line. Results go to stdout, progress and errors to stderr."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from qa.cli import doctor, keys, store
from qa.cli.common import AsJson, Collection, open_catalog, open_library, print_json, read_settings, show_progress
from qa.errors import BadInput, BadSettings, Locked, NotFound, QaError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(store.articles, name="articles")
app.add_typer(store.index, name="index")
app.add_typer(keys.app, name="keys")

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
    from qa.ingest.ingest import ingest as write
    from qa.readers.read import read
    from qa.service.schemas.responses import ReportOut
    from qa.wiring import build_fetch, build_ray_workers

    settings = read_settings()
    with ExitStack() as stack:
        tick = stack.enter_context(show_progress("articles"))
        ray_workers = None if ray is None else stack.enter_context(build_ray_workers(settings, workers, ray))
        items = (
            ray_workers.read(paths, outlet=outlet, published=published)
            if ray_workers
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
            with open_library(settings) as library:
                report = library.ingest(
                    items, collection=collection, workers=workers, progress=tick, ray_workers=ray_workers
                )
        except Locked as locked:
            if locked.url is None:
                raise
            # A server owns the indexes, but any process may write to the catalog; the server follows its change log.
            from qa.wiring import build_embedder

            with open_catalog() as catalog:
                report = write(
                    items,
                    catalog,
                    ray_workers or build_embedder(settings),
                    collection=collection,
                    workers=workers,
                    progress=tick,
                    preparer=ray_workers,
                )
    for refused in report.refused:
        print(f"refused {refused.source}: {refused.reason}", file=sys.stderr)
    if as_json:
        print_json(ReportOut.from_domain(report).model_dump())
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
    from qa.cli import remote

    answer = remote.ask(
        read_settings(),
        question=question,
        filters=_filters(outlet, after, before),
        as_of=as_of,
        mode=mode,
        collection=collection,
        top_k=top_k,
    )
    if as_json:
        print_json(answer.model_dump())
        return
    shown = str(answer.domain())
    if answer.short_answer:
        short, _, shown = shown.partition("\n")
        typer.secho(short, bold=True)
    print(shown)
    for rejected in answer.rejected:
        print(f"rejected ({rejected.reason}): {rejected.text}", file=sys.stderr)


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
    from qa.cli import remote

    result = remote.search(
        read_settings(),
        query=query,
        filters=_filters(outlet, after, before),
        as_of=as_of,
        collection=collection,
        top_k=top_k,
    )
    if as_json:
        print_json(result.model_dump())
        return
    for hit in result.hits:
        print(f"{hit.score:.3f}  {hit.article_id} {hit.start}-{hit.end}  {hit.title or ''}")
        print(f"       {' '.join(hit.text.split())[:160]}")


app.command()(doctor.doctor)
app.command()(store.backup)
app.command()(store.restore)


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=1, help="One process owns a data directory.")] = 1,
    samples: Annotated[bool, typer.Option("--samples", help="Load the sample articles if the store is empty.")] = False,
) -> None:
    """Serve HTTP."""
    from qa.service.http import logs
    from qa.service.serve import run

    settings = read_settings()
    logs.configure(settings.log_level, settings.log_format)

    def print_url(url: str) -> None:
        body = '{"question": "How long has Dorothea Lanyon driven the number 14 bus?"}'
        print(
            f"serving on {url}\ntry: curl -s {url}/v1/ask -H 'content-type: application/json' -d '{body}'", flush=True
        )

    run(settings, host, port, load_samples=samples, on_ready=print_url)


@app.command()
def mcp() -> None:
    """Speak the Model Context Protocol over standard input and output, for clients that start us themselves."""
    import asyncio

    from qa.service.stdio import run

    asyncio.run(run(read_settings()))


def _filters(outlets: list[str] | None, after: str | None, before: str | None) -> dict[str, Any]:
    return {"outlets": outlets or [], "after": after, "before": before}
