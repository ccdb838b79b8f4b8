"""Ask every gold question and keep the whole answers, one JSON line each, behind a manifest.

A run also keeps the text of every article that is cited or in the gold set, so that scoring needs nothing else. A run
that was interrupted is taken up where it stopped, if everything that made it is still the same.
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
from eval.runs.targets import Asking, Reply, Target


class BadRun(Exception):
    """A run cannot be used: it is torn, of another gold set, or not whole."""


class OtherMake(BadRun):
    """A run was begun with other code, data or options; half of it is not this one."""


class TooDear(BadRun):
    """A run would cost more than was allowed."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was read."""

    manifest: dict[str, Any]
    replies: dict[str, dict[str, Any]]
    articles: dict[tuple[str, int], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to."""

    items: int
    skipped: int
    errors: tuple[str, ...]
    seconds: float


def read_run(path: Path, *, torn: bool = False) -> Run:
    """Read a run. A last line that was cut is an error, or left out where `torn` allows it. Raises BadRun."""
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
            replies[row["id"]] = row  # what failed is asked again, and the later line holds
    articles = {(row["article_id"], row["version"]): row for row in rows if row["kind"] == "article"}
    return Run(rows[0], replies, articles)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a figure")


async def run(
    target: Target,
    gold: Path,
    out: Path,
    asking: Asking = Asking(),
    *,
    workers: int = 1,
    limit: int | None = None,
    seed: int = 0,
    prices: Prices | None = None,
    max_cost: float | None = None,
    console: Console | None = None,
) -> Done:
    """Ask the questions of a gold set that `out` does not hold yet. Raises BadRun when `out` is of another make.

    Raises TooDear when the first questions tell that the rest would cost more than `max_cost`; their answers stay.
    """
    console = console or Console(stderr=True)
    began = time.perf_counter()
    items = load_items(gold)[:limit]
    described = await target.describe()
    manifest = build_manifest(
        gold_sha256=hash_gold(gold),
        items=len(items),
        corpus_sha256=described.pop("corpus_sha256"),
        articles=described.pop("articles"),
        target=described,
        options={**asdict(asking), "workers": workers, "seed": seed},
    )
    earlier = _resume(out, manifest)
    left = [one for one in items if earlier.replies.get(one.id, {}).get("error", "missing") is not None]
    with out.open("a", encoding="utf-8", newline="\n") as file:
        writer = _Writer(file, target, asking.collection, set(earlier.articles))
        if not earlier.manifest:
            writer.write(manifest)
        await _ask_all(target, left, asking, writer, workers, _Purse(prices, max_cost), console)
    return Done(len(items), len(items) - len(left), tuple(writer.errors), time.perf_counter() - began)


def _resume(out: Path, manifest: Mapping[str, Any]) -> Run:
    """Return what `out` holds already, and cut off a line that an interruption left half written."""
    if not out.exists() or not out.stat().st_size:
        return Run({}, {}, {})
    found = read_run(out, torn=True)
    changed = differences(found.manifest, manifest)
    if changed:
        raise OtherMake(f"{out} is a run with another {', '.join(changed)}: remove it or choose another --out")
    whole = out.read_bytes()
    out.write_bytes(whole[: whole.rindex(b"\n") + 1])
    return found


@dataclass(frozen=True, slots=True)
class _Purse:
    prices: Prices | None
    max_cost: float | None


async def _ask_all(
    target: Target,
    items: Sequence[Item],
    asking: Asking,
    writer: _Writer,
    workers: int,
    purse: _Purse,
    console: Console,
) -> None:
    waiting = iter(items)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("asking", total=len(items))

        async def work(taken: Iterable[Item]) -> None:
            for item in taken:
                await _ask_one(target, item, asking, writer)
                progress.advance(bar)

        # The first are asked one by one and timed, so that whoever waits or pays knows for how long and how much.
        times: list[float] = []
        for item in itertools.islice(waiting, SAMPLE):
            began = time.perf_counter()
            await work([item])
            times.append(time.perf_counter() - began)
        if len(writer.errors) == len(times) < len(items):  # a server that is away, a broken build: hours of nothing
            raise BadRun(f"the first {len(times)} questions failed, the last of them: {writer.errors[-1]}")
        if times:
            found = estimate(times, writer.usages, len(items) - len(times), workers, purse.prices)
            progress.console.print(str(found))
            if found.cost is not None and purse.max_cost is not None and found.cost > purse.max_cost:
                raise TooDear(f"the rest would cost about {found.cost:.2f}, more than {purse.max_cost:.2f}")
        await asyncio.gather(*(work(waiting) for _ in range(workers)))


async def _ask_one(target: Target, item: Item, asking: Asking, writer: _Writer) -> None:
    reply: Reply | None = None
    error: dict[str, str] | None = None
    try:
        reply = await target.ask(item, asking)
        await writer.keep_articles(item, reply)
    except Exception as exc:  # noqa: BLE001  # one question that fails is a line of the run, not its end
        reply, error = None, {"type": type(exc).__name__, "message": str(exc)}
    writer.keep_reply(item, reply, error)


@dataclass(slots=True)
class _Writer:
    """Append lines, each whole, and each article once."""

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
        wanted: list[tuple[str, int | None]] = [(span.article_id, None) for span in item.gold]
        wanted += [(article_id, None) for article_id in item.gold_articles]
        wanted += [(one["article_id"], one["version"]) for one in reply.answer["citations"]]
        for article_id, version in dict.fromkeys(wanted):
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
        found = {} if reply is None else asdict(reply)
        self.write({"kind": "item", "id": item.id, "error": error, **found})
