"""A run: ask every gold question and store the complete answers as JSON Lines after a manifest.

A run also stores the text of every article that is cited or in the gold set, so that scoring needs nothing else. An
interrupted run is resumed where it stopped, provided that its manifest (code, data and options) is unchanged.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eval.dataset.items import Item, hash_gold, load_items
from eval.models.estimate import SAMPLE, Prices, estimate
from eval.runs.manifest import build_manifest, differences
from eval.runs.targets import AskOptions, Reply, Target


class BadRun(Exception):
    """A run cannot be used: it is truncated, incomplete, or of another gold set."""


class IncompatibleRun(BadRun):
    """A run cannot be resumed: it was begun with other code, data or options."""


class CostLimitExceeded(BadRun):
    """A run would cost more than its limit."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as read from its file."""

    manifest: dict[str, Any]
    replies: dict[str, dict[str, Any]]
    articles: dict[tuple[str, int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The outcome of a run: how many items, how many of them from an earlier attempt, and the errors."""

    items: int
    skipped: int
    errors: tuple[str, ...]
    seconds: float


def read_run(path: Path, *, torn: bool = False) -> Run:
    """Read a run. A truncated last line is an error, or is dropped if `torn` is set. Raises BadRun."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as exc:
        raise BadRun(f"{path}: {exc}") from None
    if lines[-1] and not torn:
        raise BadRun(f"{path}: the last line is cut: the run was interrupted")
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            rows.append(json.loads(line, parse_constant=_refuse_constant))
        except ValueError as exc:
            raise BadRun(f"{path}:{number}: {exc}") from None
    if not rows or rows[0].get("kind") != "manifest":
        raise BadRun(f"{path}: the first line is not a manifest")
    replies: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["kind"] == "item":
            if replies.get(row["id"], {}).get("error", "") is None:
                raise BadRun(f"{path}: {row['id']} was answered twice")
            replies[row["id"]] = row  # a failed item is asked again: its later line counts
    articles = {(row["article_id"], row["version"]): row for row in rows if row["kind"] == "article"}
    return Run(rows[0], replies, articles)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a figure")


async def run(
    target: Target,
    gold: Path,
    out: Path,
    options: AskOptions = AskOptions(),
    *,
    workers: int = 1,
    limit: int | None = None,
    seed: int = 0,
    prices: Prices | None = None,
    max_cost: float | None = None,
    console: Console | None = None,
) -> RunSummary:
    """Ask the questions of a gold set that `out` does not answer yet. Raises BadRun if `out` cannot be resumed.

    Raises CostLimitExceeded if, going by the first questions, the rest would cost more than `max_cost`; the answers so
    far are kept.
    """
    console = console or Console(stderr=True)
    began = time.perf_counter()
    items = load_items(gold)[:limit]
    description = await target.describe()
    manifest = build_manifest(
        gold_sha256=hash_gold(gold),
        items=len(items),
        corpus_sha256=description.pop("corpus_sha256"),
        articles=description.pop("articles"),
        target=description,
        options={**asdict(options), "workers": workers, "seed": seed},
    )
    earlier = _resume(out, manifest)
    remaining = [item for item in items if earlier.replies.get(item.id, {}).get("error", "missing") is not None]
    with out.open("a", encoding="utf-8", newline="\n") as file:
        writer = _Writer(file, target, options.collection, set(earlier.articles))
        if not earlier.manifest:
            writer.write(manifest)
        await _ask_all(target, remaining, options, writer, workers, _CostLimit(prices, max_cost), console)
    return RunSummary(len(items), len(items) - len(remaining), tuple(writer.errors), time.perf_counter() - began)


def _resume(out: Path, manifest: Mapping[str, Any]) -> Run:
    """Return what `out` already has, and remove a last line that an interruption left half written."""
    if not out.exists() or not out.stat().st_size:
        return Run({}, {}, {})
    earlier = read_run(out, torn=True)
    changed = differences(earlier.manifest, manifest)
    if changed:
        raise IncompatibleRun(f"{out} is a run with another {', '.join(changed)}: remove it or choose another --out")
    content = out.read_bytes()
    out.write_bytes(content[: content.rindex(b"\n") + 1])
    return earlier


@dataclass(frozen=True, slots=True)
class _CostLimit:
    prices: Prices | None
    max_cost: float | None


async def _ask_all(
    target: Target,
    items: Sequence[Item],
    options: AskOptions,
    writer: _Writer,
    workers: int,
    cost_limit: _CostLimit,
    console: Console,
) -> None:
    waiting = iter(items)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("asking", total=len(items))

        async def work(taken: Iterable[Item]) -> None:
            for item in taken:
                await _ask_one(target, item, options, writer)
                progress.advance(bar)

        # The first questions are asked sequentially and timed, to estimate how long the rest takes and what it costs.
        times: list[float] = []
        for item in itertools.islice(waiting, SAMPLE):
            began = time.perf_counter()
            await work([item])
            times.append(time.perf_counter() - began)
        if len(writer.errors) == len(times) < len(items):  # an unavailable server or a broken build: do not go on
            raise BadRun(f"the first {len(times)} questions failed, the last of them: {writer.errors[-1]}")
        if times:
            rest = estimate(times, writer.usages, len(items) - len(times), workers, cost_limit.prices)
            progress.console.print(str(rest))
            if rest.cost is not None and cost_limit.max_cost is not None and rest.cost > cost_limit.max_cost:
                raise CostLimitExceeded(
                    f"the rest would cost about {rest.cost:.2f}, more than {cost_limit.max_cost:.2f}"
                )
        await asyncio.gather(*(work(waiting) for _ in range(workers)))


async def _ask_one(target: Target, item: Item, options: AskOptions, writer: _Writer) -> None:
    reply: Reply | None = None
    error: dict[str, str] | None = None
    try:
        reply = await target.ask(item, options)
        await writer.keep_articles(item, reply)
    except Exception as exc:  # noqa: BLE001  # a question that fails is recorded in the run and does not end it
        reply, error = None, {"type": type(exc).__name__, "message": str(exc)}
    writer.keep_reply(item, reply, error)


@dataclass(slots=True)
class _Writer:
    """Append complete lines to a run's file, each article once."""

    file: TextIO
    target: Target
    collection: str
    kept: set[tuple[str, int]]
    errors: list[str] = field(default_factory=list)
    usages: list[dict[str, int]] = field(default_factory=list)

    def write(self, row: Mapping[str, Any]) -> None:
        self.file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
        self.file.flush()

    async def keep_articles(self, item: Item, reply: Reply) -> None:
        needed: list[tuple[str, int | None]] = [(span.article_id, None) for span in item.gold]
        needed += [(article_id, None) for article_id in item.gold_articles]
        needed += [(citation["article_id"], citation["version"]) for citation in reply.citations]
        for article_id, version in dict.fromkeys(needed):
            if any(article_id == kept and version in (None, number) for kept, number in self.kept):
                continue
            article = await self.target.article(article_id, version, self.collection)
            if article is not None and (article_id, article["version"]) not in self.kept:
                self.kept.add((article_id, article["version"]))
                self.write(article)

    def keep_reply(self, item: Item, reply: Reply | None, error: dict[str, str] | None) -> None:
        if error is not None:
            self.errors.append(f"{item.id}: {error['type']}: {error['message']}")
        if reply is not None:
            self.usages.append(reply.answer["usage"])
        fields = {} if reply is None else asdict(reply)
        self.write({"kind": "item", "id": item.id, "error": error, **fields})
