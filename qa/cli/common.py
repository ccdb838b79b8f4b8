"""Shared by all CLI commands: common options, opening the store, progress display, JSON output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from qa.catalog.catalog import Catalog
    from qa.library import Library
    from qa.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Collection = Annotated[str, typer.Option(help="The collection.")]


def read_settings() -> Settings:
    """Return the settings from the environment. Raises BadSettings."""
    from qa.settings import load_settings

    return load_settings()


def open_library(settings: Settings) -> Library:
    """Open the store with its indexes. Raises Locked if another process has it open."""
    from qa.library import Library

    return Library(settings)


@contextmanager
def open_catalog() -> Iterator[Catalog]:
    """Open only the catalog, which can be read while a server runs."""
    from qa.catalog.catalog import Catalog

    catalog = Catalog(read_settings().catalog_url)
    try:
        yield catalog
    finally:
        catalog.close()


@contextmanager
def show_progress(unit: str) -> Iterator[Callable[[int], None]]:
    """Show a progress counter on stderr if it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed} " + unit), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(unit, total=None)
        yield lambda done: shown.advance(task, done)


def print_json(value: Any) -> None:
    """Print one JSON object on a line."""
    print(json.dumps(value, ensure_ascii=False))
