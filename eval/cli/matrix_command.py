"""The command `matrix`: compare models on our gold set and on public sets, and print the table of all result files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from eval.cli.common import read_prices, reported_errors

if TYPE_CHECKING:
    from eval.matrix.results import Result

RESULTS = Path(__file__).parents[2] / "docs" / "matrix"  # of a checkout; a wheel has none


def matrix(
    openai: Annotated[str | None, typer.Option("--openai", help="The base URL of the model server, with /v1.")] = None,
    models: Annotated[str | None, typer.Option(help="The models, as the server names them: a,b,c.")] = None,
    out: Annotated[Path, typer.Option(help="Stores, runs and results; what was interrupted there is taken up.")] = Path(
        ".matrix"
    ),
    gold: Annotated[Path | None, typer.Option(exists=True, help="Another gold file, or a folder of them.")] = None,
    articles: Annotated[Path | None, typer.Option(exists=True, help="The articles of that gold file.")] = None,
    public: Annotated[Path | None, typer.Option(exists=True, help="A folder with public sets: ask them too.")] = None,
    sets: Annotated[str | None, typer.Option(help="Only these sets: sample,clapnq.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many questions of each set, evenly spread.")] = None,
    server: Annotated[
        str | None, typer.Option(help="What serves the models, for the result: program, version, context length.")
    ] = None,
    embed: Annotated[str | None, typer.Option(help="QA_EMBED_MODEL: minilm, none or openai:MODEL.")] = None,
    timeout: Annotated[float | None, typer.Option(min=1, help="QA_DEADLINE_S: seconds for a question.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Questions asked at once; latency is measured with 1.")] = 1,
    price_in: Annotated[float | None, typer.Option(min=0, help="What a million prompt tokens cost.")] = None,
    price_out: Annotated[float | None, typer.Option(min=0, help="What a million completion tokens cost.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop when a model on a set is to cost more.")] = None,
    results: Annotated[Path | None, typer.Option(help="The result files; OUT/results if left out.")] = None,
    show_table: Annotated[bool, typer.Option("--table", help="Only print the table of all result files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask models the questions of a gold set and of public sets; compare what is shown with what they wrote.

    A key is read from OPENAI_API_KEY. Prices hold for every model named.
    """
    if show_table:
        from eval.matrix.results import load_results

        with reported_errors():
            _show(load_results(results or RESULTS), as_json)
        return
    names = _split(models)
    if openai is None or not names:
        raise typer.BadParameter("say --openai and --models, or --table")
    from eval.matrix.measure import MatrixOptions, measure
    from eval.matrix.results import write_result
    from eval.matrix.sets import prepare_sets
    from eval.runs.run import BadRun
    from qa import QaError

    prices = read_prices(price_in, price_out)
    if max_cost is not None and prices is None:
        raise typer.BadParameter("--max-cost needs --price-in and --price-out")
    options = MatrixOptions(openai, server, embed, timeout, workers, prices, max_cost)
    console = Console(stderr=True)
    done: list[Result] = []
    faults: list[str] = []
    with reported_errors():
        chosen = prepare_sets(out / "sets", gold, articles, public, _split(sets), limit)
    for matrix_set in chosen:
        for model in names:
            try:
                measured = measure(out, matrix_set, model, options, console)
            except (BadRun, QaError) as exc:  # the other models can still be measured
                faults.append(f"{model} on {matrix_set.name}: {exc}")
                continue
            done.append(measured.result)
            faults += [f"{model} on {matrix_set.name}: {error}" for error in measured.errors]
            typer.echo(f"{write_result(results or out / 'results', measured.result)}", err=True)
    _show(done, as_json)
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        typer.echo("run the same command again to ask what failed", err=True)
        raise typer.Exit(1)


def _split(names: str | None) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip()))


def _show(results: Sequence[Result], as_json: bool) -> None:
    from eval.matrix.table import table

    if as_json:
        print(json.dumps({"results": [result.model_dump() for result in results]}, ensure_ascii=False))
    elif results:
        print(table(results))
