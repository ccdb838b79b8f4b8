"""Score a run against its gold set: two files in, one out. Pure; what is not whole is an error, never a skip."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.dataset.items import Item, hash_gold, load_items
from eval.judging.judged import Judged
from eval.metrics import behaviour
from eval.metrics.answer import contains
from eval.metrics.span import citation_faults
from eval.metrics.stats import Mark, bca, cluster_sums, detectable_change, ratio
from eval.models.estimate import Prices
from eval.runs.case import Case, Unscored
from eval.runs.run import BadRun, Run, read_run
from eval.scoring.registry import JUDGED_METRICS, METRICS, Metric, mark_item

FORMAT = 1
SLICES = ("category", "outlet", "answerable", "articles", "year")


def score(
    gold: Path,
    run: Path,
    *,
    allow_missing_gold: bool = False,
    prices: Prices | None = None,
    judged: Judged | None = None,
) -> dict[str, Any]:
    """Return the scores of a run. Raises BadRun naming what is missing or changed, and QaError for a bad gold set.

    Public sets point into articles that their corpus lacks; where that is allowed, such questions count as missed.
    Judgements of the run add metrics of their own.
    """
    found = read_run(run)
    if found.manifest["gold_sha256"] != hash_gold(gold):
        raise BadRun(f"{gold} is not the gold set of {run}: its hash has changed")
    items = load_items(gold)[: found.manifest["items"]]
    if found.manifest.get("as_of_field") == "none":  # they were asked without their day and are held to none
        items = [item.model_copy(update={"as_of": None}) for item in items]
    absent = check_whole(items, found, allow_missing_gold)
    texts = {key: row["text"] for key, row in found.articles.items()}
    cases = [_case(item, found.replies[item.id], texts, judged) for item in items]
    rows = [_item_row(case, found) for case in cases]
    metrics = METRICS if judged is None else METRICS + JUDGED_METRICS
    _mark(cases, rows, metrics)
    return {
        "format": FORMAT,
        "manifest": found.manifest,
        "run_sha256": hashlib.sha256(run.read_bytes()).hexdigest(),  # by it a report finds the answers
        "items_n": len(items),
        "errors": [row["id"] for row in rows if row["error"]],
        "missing_gold": absent,
        "metrics": {metric.name: _summary(metric, rows) for metric in metrics},
        "slices": {name: _slice(name, rows, metrics) for name in SLICES},
        "detectable_change": detectable_change(len(items)),
        "risk_coverage": _risk_coverage(cases),
        "operations": _operations(cases, rows, prices),
        "judge": None if judged is None else judged.summary(),
        "judge_agreement": [] if judged is None else list(judged.agreement),
        "items": rows,
    }


def _case(item: Item, reply: Mapping[str, Any], texts: Mapping[tuple[str, int], str], judged: Judged | None) -> Case:
    if judged is None or reply["error"]:
        return Case(item, reply, texts)
    return Case(item, reply, texts, judged.supports(item.id, reply["answer"]))


def check_whole(items: Sequence[Item], run: Run, allow_missing_gold: bool = False) -> list[str]:
    """Return the items whose gold articles the corpus lacks, if that is allowed.

    Raises BadRun unless every item has one reply and every article is what the gold set says.
    """
    if not items or run.manifest["items"] != len(items):
        raise BadRun(f"the run names {run.manifest['items']} items, the gold set has {len(items)}")
    faults = [f"item {item.id} is missing from the run" for item in items if item.id not in run.replies]
    strangers = run.replies.keys() - {item.id for item in items}
    faults += [f"item {name} is not in the gold set" for name in sorted(strangers)]
    live: dict[str, list[str]] = defaultdict(list)
    for (article_id, _), row in run.articles.items():
        live[article_id].append(row["text"])
        if hashlib.sha256(row["text"].encode()).hexdigest() != row["sha256"]:
            faults.append(f"article {article_id}: the text is not the one that was hashed")
    absent = []
    for item in items:
        if run.replies.get(item.id, {}).get("error"):
            continue  # its articles were not kept
        lost = sorted(name for name in item.relevant | {span.article_id for span in item.gold} if not live[name])
        if lost and allow_missing_gold:
            absent.append(item.id)
        else:
            faults += [f"item {item.id}: the corpus does not hold article {name}" for name in lost]
        for span in item.gold:
            texts = live[span.article_id]
            if texts and not any(text[span.start : span.end] == span.text for text in texts):
                faults.append(f"item {item.id}: the corpus does not hold gold span {span.article_id} {span.start}")
    if faults:
        raise BadRun("\n".join(faults))
    return absent


def _item_row(case: Case, run: Run) -> dict[str, Any]:
    item = case.item
    sources = [row for (article_id, _), row in run.articles.items() if article_id in item.relevant]
    published = min((row["published_at"] for row in sources if row["published_at"]), default=None)
    several = min((len(one) for one in item.evidence_sets), default=0)
    return {
        "id": item.id,
        "cluster": item.cluster,
        "slices": {
            "category": item.category,
            "outlet": sorted({row["outlet"] for row in sources if row["outlet"]}),
            "answerable": "answerable" if item.answerable else "unanswerable",
            "articles": {0: "none", 1: "one"}.get(several, "several"),
            "year": (item.as_of or published or "none")[:4],
        },
        "status": case.answer["status"],
        "error": case.reply["error"],
        "faults": {} if case.failed else citation_faults(case.answer, case.texts, case.looked),
        "marks": {},
        "unscored": {},
    }


def _mark(cases: Sequence[Case], rows: Sequence[dict[str, Any]], metrics: Sequence[Metric]) -> None:
    for metric in metrics:
        if metric.needs and not any(metric.needs(case.item) for case in cases):
            for row in rows:
                row["unscored"][metric.name] = "no such item in the gold set"
            continue
        for case, row in zip(cases, rows, strict=True):
            try:
                row["marks"][metric.name] = list(mark_item(metric, case))
            except Unscored as exc:
                row["unscored"][metric.name] = str(exc)
            except ValueError as exc:
                raise BadRun(f"item {row['id']}: {exc}") from exc


def marks_of(rows: Iterable[Mapping[str, Any]], name: str) -> dict[str, Mark]:
    """Return the marks of one metric by item id."""
    return {row["id"]: (row["marks"][name][0], row["marks"][name][1]) for row in rows if name in row["marks"]}


def clusters_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the cluster of each item."""
    return {row["id"]: row["cluster"] for row in rows}


def _summary(metric: Metric, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    marks = marks_of(rows, metric.name)
    value = ratio(list(marks.values()))
    sums = cluster_sums(marks, clusters_of(rows))
    low, high = (bca(sums) if math.isfinite(value) else None) or (None, None)
    return {
        "value": value if math.isfinite(value) else None,
        "low": low,
        "high": high,
        "n": len(marks),
        "clusters": len(sums),
        "better": metric.better,
        "unscored": dict(Counter(row["unscored"][metric.name] for row in rows if metric.name in row["unscored"])),
    }


def _slice(name: str, rows: Sequence[Mapping[str, Any]], metrics: Sequence[Metric]) -> dict[str, dict[str, Any]]:
    parts: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        value = row["slices"][name]
        for part in value if isinstance(value, list) else [value]:
            parts[part].append(row)
    return {part: {"items_n": len(found), "metrics": _figures(found, metrics)} for part, found in sorted(parts.items())}


def _figures(rows: Sequence[Mapping[str, Any]], metrics: Sequence[Metric]) -> dict[str, dict[str, Any]]:
    figures = {}
    for metric in metrics:
        marks = list(marks_of(rows, metric.name).values())
        value = ratio(marks)
        if math.isfinite(value):
            figures[metric.name] = {"value": value, "n": len(marks)}
    return figures


def _risk_coverage(cases: Sequence[Case]) -> dict[str, Any]:
    """Return the curve of the answered items, wrong where no gold answer is said."""
    answered = [case for case in cases if not case.refused and not case.failed]
    if not answered:
        return {"unscored": "nothing answered"}
    if any(not isinstance(case.answer.get("confidence"), int | float) for case in answered):
        return {"unscored": "the answers state no confidence"}
    marks = [(float(case.answer["confidence"]), not _is_right(case)) for case in answered]
    return {
        "area": behaviour.risk_coverage_area(marks),
        "points": behaviour.risk_coverage(marks),
        "n": len(marks),
    }


def _is_right(case: Case) -> bool:
    return case.item.answerable and contains(case.said, case.item.answers)


def _operations(cases: Sequence[Case], rows: Sequence[Mapping[str, Any]], prices: Prices | None) -> dict[str, Any]:
    asked = [case.reply for case in cases if not case.failed]
    if not asked:
        return {"unscored": "no reply"}
    tokens = sum(sum(reply["answer"]["usage"].values()) for reply in asked)
    cost = sum(prices.cost(reply["answer"]["usage"]) for reply in asked) if prices else None
    right = sum(row["marks"].get("answer_contains", [0])[0] for row in rows)
    return {
        "latency_ms": _percentiles([reply["seconds"] * 1_000 for reply in asked]),
        "first_event_ms": _percentiles([reply["first_event_s"] * 1_000 for reply in asked]),
        "tokens_per_question": tokens / len(asked),
        "tokens_per_correct_answer": tokens / right if right else None,
        "cost_per_question": None if cost is None else cost / len(asked),
        "cost_per_correct_answer": cost / right if cost is not None and right else None,
        "n": len(asked),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {f"p{share}": round(behaviour.percentile(values, share), 1) for share in (50, 95, 99)}


def _spent(operations: Mapping[str, Any]) -> str:
    names = (
        ("tokens", "tokens_per_question", "tokens_per_correct_answer"),
        ("cost", "cost_per_question", "cost_per_correct_answer"),
    )
    return "; ".join(
        f"{what} per question {operations[each]:.6g}, per correct answer "
        + ("-" if operations[right] is None else f"{operations[right]:.6g}")
        for what, each, right in names
        if operations[each] is not None
    )


def table(scores: Mapping[str, Any]) -> str:
    """Return the scores as lines for a terminal."""
    lines = [f"{'metric':24} {'value':>7}  {'95 % interval':17} {'n':>5}  unscored"]
    for name, one in scores["metrics"].items():
        value = "-" if one["value"] is None else f"{one['value']:.4f}"
        interval = "-" if one["low"] is None else f"[{one['low']:.4f}, {one['high']:.4f}]"
        unscored = ", ".join(f"{count} {reason}" for reason, count in one["unscored"].items())
        lines.append(f"{name:24} {value:>7}  {interval:17} {one['n']:5}  {unscored}".rstrip())
    operations = scores["operations"]
    if "latency_ms" in operations:
        latency = operations["latency_ms"]
        if operations["tokens_per_question"]:
            lines.append(_spent(operations))
        lines.append(f"latency ms p50 {latency['p50']}, p95 {latency['p95']}, p99 {latency['p99']}")
    area = scores["risk_coverage"]
    lines.append(f"risk-coverage area {area['area']:.4f}" if "area" in area else f"risk-coverage: {area['unscored']}")
    lines.append(f"smallest change seen four times in five: {scores['detectable_change']:.3f} of a 0/1 metric")
    counts = f"{scores['items_n']} items, {len(scores['errors'])} failed"
    missing = len(scores["missing_gold"])
    return "\n".join([*lines, counts + (f", {missing} whose gold articles the corpus lacks" if missing else "")])
