"""The evaluation suite's command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

GoldOption = Annotated[Path, typer.Option("--gold", exists=True, help="A gold file, or a folder of them.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
bench = typer.Typer(no_args_is_help=True, help="Measure speed.")
app.add_typer(bench, name="bench")


@app.callback()
def _about() -> None:
    """Measure the service offline."""


@bench.command()
def speed(
    paths: Annotated[list[str] | None, typer.Argument(help="Articles; the sample articles if left out.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Take so many articles at most.")] = 1_000_000,
    embed: Annotated[str, typer.Option(help="minilm or none.")] = "minilm",
    questions: Annotated[Path | None, typer.Option(help="A file of questions.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Ingest articles into a new store and time questions."""
    from eval.speed import measure, show

    show(measure(paths or [str(files("qa") / "sample")], limit, embed, questions), as_json)


@app.command()
def run(
    gold: GoldOption,
    out: Annotated[Path, typer.Option(help="The run; one that was interrupted is taken up.")],
    server: Annotated[str | None, typer.Option(help="Ask the server at this address.")] = None,
    data_dir: Annotated[Path | None, typer.Option(exists=True, help="Ask the store in this folder.")] = None,
    articles: Annotated[Path | None, typer.Option(exists=True, help="Ask a new store with these articles.")] = None,
    mode: Annotated[Literal["auto", "extractive", "llm"], typer.Option()] = "auto",
    as_of: Annotated[str | None, typer.Option(help="The day of questions that name none: 2023-03-22.")] = None,
    collection: Annotated[str, typer.Option()] = "default",
    top_k: Annotated[int, typer.Option(min=1, max=50)] = 8,
    embed: Annotated[str | None, typer.Option(help="QA_EMBED_MODEL: minilm, none or openai:MODEL.")] = None,
    key: Annotated[str | None, typer.Option(envvar="QA_EVAL_KEY", help="A key of the server.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Questions asked at once.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask the first so many questions.")] = None,
) -> None:
    """Ask every gold question and keep the whole answers."""
    import asyncio

    from eval.run import Done, run as ask_all
    from eval.server import ServerTarget
    from eval.targets import Asking, LibraryTarget, open_library

    if sum(one is not None for one in (server, data_dir, articles)) != 1:
        raise typer.BadParameter("say one of --server, --data-dir and --articles")
    asking = Asking(mode, as_of, collection, top_k)

    def ask(target: Any) -> Done:
        return asyncio.run(ask_all(target, gold, out, asking, workers=workers, limit=limit))

    with _failures():
        if server is not None:
            done = ask(ServerTarget(server, key, collection))
        else:
            with open_library(data_dir, articles, embed) as library:
                done = ask(LibraryTarget(library, collection))
    print(f"{done.items} items, {done.skipped} from before, {len(done.errors)} failed, {done.seconds:.1f} s: {out}")
    for error in done.errors:
        typer.echo(error, err=True)
    raise typer.Exit(1 if done.errors else 0)


@app.command()
def score(
    gold: GoldOption,
    run: Annotated[Path, typer.Option(exists=True, help="What `eval run` wrote.")],
    out: Annotated[Path, typer.Option(help="The scores.")],
    allow_missing_gold: Annotated[
        bool, typer.Option("--allow-missing-gold", help="Count questions whose gold articles are not there as missed.")
    ] = False,
) -> None:
    """Score a run against its gold set."""
    from eval.score import score as score_run, table

    with _failures():
        scores = score_run(gold, run, allow_missing_gold=allow_missing_gold)
    out.write_text(json.dumps(scores, ensure_ascii=False, allow_nan=False, indent=1) + "\n", encoding="utf-8")
    print(table(scores))


@app.command()
def compare(
    base: Annotated[Path, typer.Argument(exists=True, help="The scores to hold on to.")],
    new: Annotated[Path, typer.Argument(exists=True, help="The scores of the change.")],
    gate: Annotated[Path | None, typer.Option(exists=True, help="Floors and gated metrics; eval/gates.toml.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Compare two scores, and fail on a floor that is not kept or a fall beyond chance."""
    from eval.compare import GATES, compare_scores, comparison_json, load_gates, load_scores, table

    with _failures():
        found = compare_scores(load_scores(base), load_scores(new), load_gates(gate or GATES))
    print(json.dumps(comparison_json(found), indent=1) if as_json else table(found))
    raise typer.Exit(1 if found.failures else 0)


@app.command("import")
def import_set(
    name: Annotated[str, typer.Argument(help="Which set; an unknown name lists them.")],
    path: Annotated[Path, typer.Argument(exists=True, help="Its file or folder.")],
    out: Annotated[Path, typer.Option(help="The gold file to write.")],
    articles: Annotated[Path | None, typer.Option(help="Also write its articles, as rows for `qa ingest`.")] = None,
    year: Annotated[str | None, typer.Option(help="Only questions asked in this year.")] = None,
) -> None:
    """Turn a public set into the gold format."""
    from eval.importers import import_set as convert

    with _failures():
        counted = convert(name, path, out, articles, year)
    print(counted)


@app.command("check-gold")
def check_gold(
    gold: Annotated[Path, typer.Argument(help="A gold file, or a folder of them.")],
    articles: Annotated[list[str] | None, typer.Option(help="Articles; the sample articles if left out.")] = None,
) -> None:
    """Check every gold span against its article; print every fault, and exit 1 if there is one."""
    from eval.gold_format import MINIMUM, check_articles, load
    from qa import Article, read

    with _failures():
        questions = load(gold)
        paths = articles or [str(files("qa") / "sample")]
        found = (one for one in read(paths) if isinstance(one, Article))
        # The counts are a promise of our own set only.
        faults = check_articles(questions, found, None if articles else MINIMUM)
    for fault in faults:
        print(fault)
    print(f"{len(questions)} questions, {len(faults)} faults")
    if faults:
        raise typer.Exit(1)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what is wrong with an input into a line on stderr and exit code 1."""
    from eval.run import BadRun
    from qa import QaError

    try:
        yield
    except (BadRun, QaError) as exc:
        typer.echo(f"{exc}", err=True)
        raise typer.Exit(1) from exc


if __name__ == "__main__":
    app()
