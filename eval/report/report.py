"""Write one page about scored runs: figures, plots, and every question with its marked articles.

The page asks for nothing from anywhere. Article and model text is not trusted: everything is escaped where it is set,
and a policy in the page lets only its own script and style work.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval.dataset.items import Item, hash_gold, load_items
from eval.report.figures import draw_plots
from eval.report.items import FAILURES, Shelf, build_cards
from eval.report.tables import (
    FEW,
    Scored,
    comparison_rows,
    failure_rows,
    heat,
    manifest_rows,
    metric_rows,
    spent_rows,
)
from eval.runs.run import BadRun, read_run
from eval.scoring.compare import Gates, check_gates, load_scores
from eval.scoring.score import SLICES

TEMPLATES = Path(__file__).with_name("templates")
OWN_GOLD = Path(__file__).parents[1] / "gold"


def write_report(
    scores: Sequence[Path],
    html: Path,
    *,
    runs: Sequence[Path] = (),
    gold: Path | None = None,
    gates: Gates | None = None,
) -> int:
    """Write the report and return its size in bytes. Raises BadRun when files do not belong together."""
    if runs and len(runs) != len(scores):
        raise BadRun(f"{len(scores)} scores and {len(runs)} runs: say one run for each, in the same order, or none")
    found = [_load(chr(ord("A") + at), path, runs[at] if runs else None) for at, path in enumerate(scores)]
    first = found[0].scores["manifest"]
    for other in found[1:]:
        if any(other.scores["manifest"][name] != first[name] for name in ("gold_sha256", "items")):
            raise BadRun(f"{other.path} is of other questions than {found[0].path}")
    questions = _find_gold(first["gold_sha256"], scores[0].parent, gold)
    page = render(found, load_items(questions)[: first["items"]], gates).encode()
    html.write_bytes(page)
    return len(page)


def _load(name: str, path: Path, run: Path | None) -> Scored:
    scores = load_scores(path)
    wanted = scores.get("run_sha256")
    if wanted is None:
        raise BadRun(f"{path}: these scores do not name their run: score it again")
    candidates = sorted(path.parent.glob("*.jsonl")) if run is None else [run]
    run = next((one for one in candidates if _sha256(one) == wanted), None)
    if run is None:
        said = candidates[0] if len(candidates) == 1 else f"none of the .jsonl files beside {path}"
        raise BadRun(f"{path}: its run has the hash {wanted[:12]}, {said} has not: say which it is with --run")
    written = datetime.fromtimestamp(run.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Scored(name, str(path), scores, read_run(run), written)


def _find_gold(wanted: str, beside: Path, gold: Path | None) -> Path:
    candidates = [OWN_GOLD, *sorted(beside.glob("*.jsonl"))] if gold is None else [gold]
    for one in candidates:
        if one.exists() and hash_gold(one) == wanted:
            return one
    said = f"{gold} is not it" if gold else f"neither the project's own nor a file in {beside} is it"
    raise BadRun(f"the gold set of these scores has the hash {wanted[:12]}, {said}: say which it is with --gold")


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise BadRun(f"{path}: {exc}") from None


def render(scored: Sequence[Scored], items: Sequence[Item], gates: Gates | None = None) -> str:
    """Return the page."""
    shelf = Shelf()
    cards = build_cards(items, [(one.name, one.run, one.scores["items"]) for one in scored], shelf)
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        policy=f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; img-src data:;"
        " base-uri 'none'; form-action 'none'",
        style=Markup(style),  # our own files
        script=Markup(script),
        scored=scored,
        verdicts=[check_gates(one.scores, gates) for one in scored] if gates else None,
        metric_rows=metric_rows(scored, gates),
        comparison=comparison_rows(scored, gates),
        manifests=manifest_rows(scored),
        spent=spent_rows(scored),
        statuses=[Counter(row["status"] for row in one.scores["items"]) for one in scored],
        failures=failure_rows(scored),
        failure_names=FAILURES,
        slices=[(one, [heat(name, one) for name in SLICES]) for one in scored],
        plots=[(one, draw_plots(one)) for one in scored],
        categories=Counter(card.item.category for card in cards),
        cards=cards,
        sources=shelf.sources(),
        few=FEW,
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
