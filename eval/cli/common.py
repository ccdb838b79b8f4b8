"""What the commands share: errors reported as one line with an exit code, and the price options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from eval.models.estimate import Prices


@contextmanager
def reported_errors() -> Iterator[None]:
    """Report an error as a line on stderr and exit with code 1, or 3 if the model server is unavailable."""
    from eval.models.model_calls import ServerUnavailable
    from eval.runs.run import BadRun
    from qa import QaError

    try:
        yield
    except (BadRun, QaError, ServerUnavailable) as exc:
        typer.echo(f"{exc}", err=True)
        raise typer.Exit(3 if isinstance(exc, ServerUnavailable) else 1) from exc


def read_prices(price_in: float | None, price_out: float | None) -> Prices | None:
    """Return the prices of the two options, None without both. Raises BadParameter if only one is given."""
    from eval.models.estimate import Prices

    if (price_in is None) != (price_out is None):
        raise typer.BadParameter("--price-in and --price-out go together")
    return None if price_in is None or price_out is None else Prices(price_in, price_out)
