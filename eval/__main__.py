"""The evaluation suite's command line."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

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


if __name__ == "__main__":
    app()
