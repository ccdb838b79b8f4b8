"""The evaluation suite's command line."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from eval.cli import matrix_command, model_commands
from eval.cli.common import read_prices, reported_errors

GoldOption = Annotated[Path, typer.Option("--gold", exists=True, help="A gold file, or a folder of them.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
RESEARCH = "eval.bench.__main__"


app.command()(model_commands.judge)
app.command("draft-gold")(model_commands.draft_gold)
app.command("draft-feedback")(model_commands.draft_feedback)
app.command()(model_commands.review)
app.command()(matrix_command.matrix)


@app.callback()
def _about() -> None:
    """Measure the service offline."""


@app.command(add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def bench(
    context: typer.Context, arguments: Annotated[list[str] | None, typer.Argument(metavar="COMMAND [ARGS]...")] = None
) -> None:
    """Measure speed, and quality on public sets; needs a checkout."""
    try:
        # Imported by name, because the suite must not depend on eval.bench, which is not in the wheel.
        research = import_module(RESEARCH)
    except ModuleNotFoundError as exc:
        if not RESEARCH.startswith(exc.name or "-"):  # a library is missing, not the research itself
            raise
        typer.echo("the research commands, `eval bench`, are not in the wheel: run them in a checkout", err=True)
        raise typer.Exit(1) from exc
    research.app(arguments or [], prog_name=context.command_path)


@app.command()
def gate(
    write: Annotated[bool, typer.Option("--write", help="Make this the baseline.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep the run and its scores in this folder.")] = None,
) -> None:
    """Ask our own gold set and compare with the baseline; exit 1 on a proven fall, a broken floor or a missing mark."""
    import tempfile

    from rich.console import Console

    from eval.scoring.compare import check_gates, load_gates, table
    from eval.scoring.gate import BASELINE, against_baseline, ask_gold, write_baseline

    with reported_errors(), tempfile.TemporaryDirectory() as folder:
        scores = ask_gold(keep or Path(folder), Console(stderr=True))
        if write:
            write_baseline(scores)
            failures = check_gates(scores, load_gates())
            print("\n".join([f"{BASELINE} written", *(f"FAILED {failure}" for failure in failures)]))
        else:
            comparison = against_baseline(scores)
            failures = list(comparison.failures)
            print(table(comparison))
            print(f"smallest change seen four times in five: {scores['detectable_change']:.3f} of a 0/1 metric")
    raise typer.Exit(1 if failures else 0)


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
    as_of_field: Annotated[
        Literal["as_of", "none"], typer.Option(help="The gold field that holds the day of a question; none: ask today.")
    ] = "as_of",
    sentences: Annotated[int, typer.Option(min=0, help="Also keep so many ranked sentences.")] = 0,
    price_in: Annotated[float | None, typer.Option(min=0, help="What a million prompt tokens cost.")] = None,
    price_out: Annotated[float | None, typer.Option(min=0, help="What a million completion tokens cost.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop when more than this is to be spent.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go on when it costs more.")] = False,
) -> None:
    """Ask every gold question and keep the whole answers."""
    import asyncio

    from eval.runs.run import RunSummary, run as ask_all
    from eval.runs.server_target import ServerTarget
    from eval.runs.targets import AskOptions, LibraryTarget, open_library

    if sum(source is not None for source in (server, data_dir, articles)) != 1:
        raise typer.BadParameter("say one of --server, --data-dir and --articles")
    options = AskOptions(mode, as_of, collection, top_k, as_of_field, sentences)
    costs: dict[str, Any] = {"prices": read_prices(price_in, price_out), "max_cost": None if yes else max_cost}
    if max_cost is not None and costs["prices"] is None:
        raise typer.BadParameter("--max-cost needs --price-in and --price-out")

    def ask(target: Any) -> RunSummary:
        return asyncio.run(ask_all(target, gold, out, options, workers=workers, limit=limit, **costs))

    with reported_errors():
        if server is not None:
            summary = ask(ServerTarget(server, key, collection))
        else:
            with open_library(data_dir, articles, embed) as library:
                summary = ask(LibraryTarget(library, collection))
    failed = len(summary.errors)
    print(f"{summary.items} items, {summary.skipped} from before, {failed} failed, {summary.seconds:.1f} s: {out}")
    for error in summary.errors:
        typer.echo(error, err=True)
    raise typer.Exit(1 if summary.errors else 0)


@app.command()
def score(
    gold: GoldOption,
    run: Annotated[Path, typer.Option(exists=True, help="What `eval run` wrote.")],
    out: Annotated[Path, typer.Option(help="The scores.")],
    allow_missing_gold: Annotated[
        bool, typer.Option("--allow-missing-gold", help="Count questions whose gold articles are not there as missed.")
    ] = False,
    price_in: Annotated[float | None, typer.Option(min=0, help="What a million prompt tokens cost.")] = None,
    price_out: Annotated[float | None, typer.Option(min=0, help="What a million completion tokens cost.")] = None,
    judged: Annotated[Path | None, typer.Option(exists=True, help="What `eval judge --run` wrote of it.")] = None,
    judge_agreement: Annotated[
        Path | None, typer.Option(exists=True, help="What `eval judge --agreement` wrote of the same judge.")
    ] = None,
) -> None:
    """Score a run against its gold set."""
    from eval.judging.agreement import read_agreement
    from eval.judging.judgements import read_judgements
    from eval.scoring.score import score as score_run, table

    with reported_errors():
        prices = read_prices(price_in, price_out)
        agreement = read_agreement(judge_agreement) if judge_agreement is not None else ()
        judgements = read_judgements(judged, run, agreement) if judged is not None else None
        scores = score_run(gold, run, allow_missing_gold=allow_missing_gold, prices=prices, judged=judgements)
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
    from eval.scoring.compare import GATES, compare_scores, comparison_json, load_gates, load_scores, table

    with reported_errors():
        comparison = compare_scores(load_scores(base), load_scores(new), load_gates(gate or GATES))
    print(json.dumps(comparison_json(comparison), indent=1) if as_json else table(comparison))
    raise typer.Exit(1 if comparison.failures else 0)


@app.command()
def report(
    scores: Annotated[list[Path], typer.Argument(exists=True, help="One score or several, side by side.")],
    html: Annotated[Path, typer.Option(help="The page to write.")],
    run: Annotated[
        list[Path] | None,
        typer.Option(exists=True, help="The run of each score, in order; found beside the scores if left out."),
    ] = None,
    gold: Annotated[Path | None, typer.Option(exists=True, help="The gold set; found by its hash if left out.")] = None,
    gate: Annotated[Path | None, typer.Option(exists=True, help="Show these floors and ceilings.")] = None,
) -> None:
    """Write one page with figures, plots and every question; it loads nothing from anywhere."""
    from eval.report.report import write_report
    from eval.scoring.compare import load_gates

    with reported_errors():
        size = write_report(scores, html, runs=run or (), gold=gold, gates=load_gates(gate) if gate else None)
    print(f"{size / 1e6:.1f} MB: {html}")


@app.command("import")
def import_set(
    name: Annotated[str, typer.Argument(help="Which set; an unknown name lists them.")],
    path: Annotated[Path, typer.Argument(exists=True, help="Its file or folder.")],
    out: Annotated[Path, typer.Option(help="The gold file to write.")],
    articles: Annotated[Path | None, typer.Option(help="Also write its articles, as rows for `qa ingest`.")] = None,
    year: Annotated[str | None, typer.Option(help="Only questions asked in this year.")] = None,
) -> None:
    """Turn a public set into the gold format."""
    from eval.dataset.importers import import_set as convert

    with reported_errors():
        summary = convert(name, path, out, articles, year)
    print(summary)


@app.command("check-gold")
def check_gold(
    gold: Annotated[Path, typer.Argument(help="A gold file, or a folder of them.")],
    articles: Annotated[list[str] | None, typer.Option(help="Articles; the sample articles if left out.")] = None,
) -> None:
    """Check every gold span against its article; print every fault, and exit 1 if there is one."""
    from eval.dataset.format import MINIMUM, check_articles, load
    from qa import Article, read

    with reported_errors():
        questions = load(gold)
        paths = articles or [str(files("qa") / "sample")]
        sources = (article for article in read(paths) if isinstance(article, Article))
        # The minimum counts apply to our own set only.
        faults = check_articles(questions, sources, None if articles else MINIMUM)
    for fault in faults:
        print(fault)
    print(f"{len(questions)} questions, {len(faults)} faults")
    if faults:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
