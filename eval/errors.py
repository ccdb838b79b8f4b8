"""How a command ends where what it was given is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from eval.models.estimate import Prices


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn what is wrong into a line on stderr: exit code 1, and 3 where the model server is away."""
    from eval.models.model_calls import ServerAway
    from eval.runs.run import BadRun
    from qa import QaError

    try:
        yield
    except (BadRun, QaError, ServerAway) as exc:
        typer.echo(f"{exc}", err=True)
        raise typer.Exit(3 if isinstance(exc, ServerAway) else 1) from exc


def read_prices(price_in: float | None, price_out: float | None) -> Prices | None:
    """Return the prices that two options give, None without them. Raises BadParameter where one is missing."""
    from eval.models.estimate import Prices

    if (price_in is None) != (price_out is None):
        raise typer.BadParameter("--price-in and --price-out go together")
    return None if price_in is None or price_out is None else Prices(price_in, price_out)
