"""The HTML report of scored runs: metrics, plots, and every question with its marked articles.

The page is self-contained and loads nothing. Article and model text is untrusted: the templates escape it, and a
Content-Security-Policy in the page allows only its own script and style.
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
from eval.report.items import FAILURES, MarkedArticles, build_cards
from eval.report.tables import (
    FEW,
    ScoredRun,
    comparison_rows,
    failure_rows,
    heatmap,
    manifest_rows,
    metric_rows,
    operation_rows,
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
    """Write the report and return its size in bytes. Raises BadRun if the files do not belong together."""
    if runs and len(runs) != len(scores):
        raise BadRun(f"{len(scores)} scores and {len(runs)} runs: say one run for each, in the same order, or none")
    scored_runs = [_load(chr(ord("A") + at), path, runs[at] if runs else None) for at, path in enumerate(scores)]
    first = scored_runs[0].scores["manifest"]
    for other in scored_runs[1:]:
        if any(other.scores["manifest"][name] != first[name] for name in ("gold_sha256", "items")):
            raise BadRun(f"{other.path} is of other questions than {scored_runs[0].path}")
    questions = _find_gold(first["gold_sha256"], scores[0].parent, gold)
    page = render(scored_runs, load_items(questions)[: first["items"]], gates).encode()
    html.write_bytes(page)
    return len(page)


def _load(name: str, path: Path, run: Path | None) -> ScoredRun:
    scores = load_scores(path)
    run_sha256 = scores.get("run_sha256")
    if run_sha256 is None:
        raise BadRun(f"{path}: these scores do not name their run: score it again")
    candidates = sorted(path.parent.glob("*.jsonl")) if run is None else [run]
    run = next((candidate for candidate in candidates if _sha256(candidate) == run_sha256), None)
    if run is None:
        tried = candidates[0] if len(candidates) == 1 else f"none of the .jsonl files beside {path}"
        raise BadRun(f"{path}: its run has the hash {run_sha256[:12]}, {tried} has not: say which it is with --run")
    written = datetime.fromtimestamp(run.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return ScoredRun(name, str(path), scores, read_run(run), written)


def _find_gold(gold_sha256: str, beside: Path, gold: Path | None) -> Path:
    candidates = [OWN_GOLD, *sorted(beside.glob("*.jsonl"))] if gold is None else [gold]
    for candidate in candidates:
        if candidate.exists() and hash_gold(candidate) == gold_sha256:
            return candidate
    tried = f"{gold} is not it" if gold else f"neither the project's own nor a file in {beside} is it"
    raise BadRun(f"the gold set of these scores has the hash {gold_sha256[:12]}, {tried}: say which it is with --gold")


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise BadRun(f"{path}: {exc}") from None


def render(scored_runs: Sequence[ScoredRun], items: Sequence[Item], gates: Gates | None = None) -> str:
    """Return the page."""
    articles = MarkedArticles()
    cards = build_cards(items, [(run.name, run.run, run.scores["items"]) for run in scored_runs], articles)
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        policy=f"default-src 'none'; style-src {_csp_hash(style)}; script-src {_csp_hash(script)}; img-src data:;"
        " base-uri 'none'; form-action 'none'",
        style=Markup(style),  # our own files
        script=Markup(script),
        scored_runs=scored_runs,
        verdicts=[check_gates(run.scores, gates) for run in scored_runs] if gates else None,
        metric_rows=metric_rows(scored_runs, gates),
        comparison=comparison_rows(scored_runs, gates),
        manifests=manifest_rows(scored_runs),
        operations=operation_rows(scored_runs),
        statuses=[Counter(row["status"] for row in run.scores["items"]) for run in scored_runs],
        failures=failure_rows(scored_runs),
        failure_names=FAILURES,
        slices=[(run, [heatmap(name, run) for name in SLICES]) for run in scored_runs],
        plots=[(run, draw_plots(run)) for run in scored_runs],
        categories=Counter(card.item.category for card in cards),
        cards=cards,
        sources=articles.sources(),
        few=FEW,
    )


def _csp_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
