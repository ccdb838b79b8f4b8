"""`eval bench`: the research commands, which measure speed, and quality on public sets. Not part of the wheel."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import typer

from eval.cli.common import reported_errors

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def _about() -> None:
    """Measure speed, and quality on public sets."""


@app.command()
def speed(
    paths: Annotated[list[str] | None, typer.Argument(help="Articles; the sample articles if left out.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Take so many articles at most.")] = 1_000_000,
    embed: Annotated[str, typer.Option(help="minilm or none.")] = "minilm",
    questions: Annotated[Path | None, typer.Option(help="A file of questions.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Ingest articles into a new store and time questions."""
    from eval.bench.speed.ingest_and_ask import measure, show

    show(measure(paths or [str(files("qa") / "sample")], limit, embed, questions), as_json)


@app.command()
def scale(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The folder with the public sets.")],
    sizes: Annotated[str, typer.Option(help="Numbers of chunks, growing.")] = "1000,10000,50000,100000,306208",
    embed: Annotated[Literal["minilm", "none"], typer.Option()] = "minilm",
    vectors_from: Annotated[Path | None, typer.Option(exists=True, help="A store that lends its vectors.")] = None,
    store: Annotated[Path | None, typer.Option(help="Keep the store in this folder, and go on with it.")] = None,
    out: Annotated[Path, typer.Option(help="The figures as JSON.")] = Path("scale.json"),
    plot: Annotated[Path, typer.Option(help="The plot.")] = Path("scale.svg"),
) -> None:
    """Grow a store and measure memory, latency, recall and start-up at each size."""
    with reported_errors():
        from eval.bench.speed.scale import measure, show

        show(measure(data, [int(size) for size in sizes.split(",")], embed, vectors_from, store, out, plot))


@app.command()
def load(
    streams: Annotated[int, typer.Option(min=1, help="Readers at one time.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="Questions of each reader.")] = 3,
    embed: Annotated[Literal["minilm", "none"], typer.Option()] = "minilm",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Open many streams against a model server of 20 tokens a second; exit 1 if a goal is missed."""
    from eval.bench.speed.load import measure, misses, show

    figures = measure(streams, rounds, embed)
    show(figures, as_json)
    raise typer.Exit(1 if misses(figures) else 0)


@app.command()
def peers(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The folder with the public sets.")],
    python: Annotated[Path, typer.Option(help="The Python of the peers' environment.")] = Path(".peers/bin/python"),
    articles: Annotated[int, typer.Option(min=1, help="So many, gold articles among them.")] = 1_200,
    timed: Annotated[int, typer.Option(min=1, help="Questions that are timed.")] = 200,
    systems: Annotated[str | None, typer.Option(help="Names with commas between; all if left out.")] = None,
    cache: Annotated[Path, typer.Option(help="Where vectors and what was found stay.")] = Path(".bench/peers"),
    again: Annotated[bool, typer.Option("--again", help="Run all again; vectors are kept.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Also draw the picture, as SVG.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Compare with LlamaIndex and Haystack: same articles, embedder and questions, a process for each."""
    from rich.console import Console

    from eval.bench.peers.contest import Contest, every_name, report

    names = tuple(systems.split(",")) if systems else every_name()
    with reported_errors():
        print(report(Contest(data, python, cache, articles, timed, names, again), plot, as_json, Console(stderr=True)))


@app.command()
def tables(
    data: Annotated[Path, typer.Option(exists=True, file_okay=False, help="The folder with the public sets.")],
    sets: Annotated[str | None, typer.Option(help="Names with commas between; all if left out.")] = None,
    embed: Annotated[Literal["minilm", "none"], typer.Option()] = "minilm",
    limit: Annotated[int | None, typer.Option(min=1, help="Ask the first so many questions of each set.")] = None,
    workers: Annotated[int, typer.Option(min=1)] = 1,
    cache: Annotated[Path, typer.Option(help="Where stores and runs stay.")] = Path(".bench"),
    store: Annotated[list[str] | None, typer.Option(help="CORPUS=DIR: a store made before, docs_2022=DIR.")] = None,
    refit: Annotated[bool, typer.Option("--refit", help="Also fit the support score's weights on these sets.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the figures as JSON.")] = None,
) -> None:
    """Ask public sets and print each figure beside the one to beat; exit 1 if a set is missing."""
    from rich.console import Console

    from eval.bench.public.table import Bench, as_json as data_of, markdown, measure, names

    pairs = [option.partition("=") for option in store or ()]
    if not all(name and folder and Path(folder).is_dir() for name, _, folder in pairs):
        raise typer.BadParameter("say --store CORPUS=DIR with a folder that is there")
    bench = Bench(data, cache, embed, limit, workers, {name: Path(folder) for name, _, folder in pairs}, refit)
    with reported_errors():
        results = measure(bench, sets.split(",") if sets else names(), Console(stderr=True))
    figures = json.dumps(data_of(results, bench), ensure_ascii=False, indent=1)
    if out is not None:
        out.write_text(figures + "\n", encoding="utf-8")
    print(figures if as_json else markdown(results))
    raise typer.Exit(1 if results.faults else 0)


if __name__ == "__main__":
    app()
