"""Score a run against its gold set: two files in, the scores out. Pure. Missing or changed data is an error."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.dataset.items import Item, hash_gold, load_items
from eval.judging.judgements import RunJudgements
from eval.metrics import behaviour
from eval.metrics.answer import contains
from eval.metrics.span import citation_faults
from eval.metrics.stats import Mark, bca, cluster_sums, detectable_change, ratio
from eval.models.estimate import Prices
from eval.runs.run import BadRun, Run, read_run
from eval.runs.scored_item import ScoredItem, Unscored
from eval.scoring.registry import JUDGED_METRICS, METRICS, Metric, mark_item

FORMAT = 1
SLICES = ("category", "outlet", "answerable", "articles", "year")


def score(
    gold: Path,
    run: Path,
    *,
    allow_missing_gold: bool = False,
    prices: Prices | None = None,
    judged: RunJudgements | None = None,
    more: Sequence[Metric] = (),
) -> dict[str, Any]:
    """Return the scores of a run. Raises BadRun for missing or changed data, and QaError for a bad gold set.

    Some public sets have gold articles that their corpus lacks: with `allow_missing_gold` their questions count as
    missed. Judgements of the run add the judged metrics; `more` are metrics that only some runs can have.
    """
    loaded = read_run(run)
    if loaded.manifest["gold_sha256"] != hash_gold(gold):
        raise BadRun(f"{gold} is not the gold set of {run}: its hash has changed")
    items = load_items(gold)[: loaded.manifest["items"]]
    if loaded.manifest.get("as_of_field") == "none":  # asked without their day, so not marked against it either
        items = [item.model_copy(update={"as_of": None}) for item in items]
    missing_gold = check_complete(items, loaded, allow_missing_gold)
    texts = {key: row["text"] for key, row in loaded.articles.items()}
    scored_items = [_scored_item(item, loaded.replies[item.id], texts, judged) for item in items]
    rows = [_item_row(scored, loaded) for scored in scored_items]
    metrics = (*METRICS, *(JUDGED_METRICS if judged is not None else ()), *more)
    _mark(scored_items, rows, metrics)
    return {
        "format": FORMAT,
        "manifest": loaded.manifest,
        "run_sha256": hashlib.sha256(run.read_bytes()).hexdigest(),  # a report finds the run by it
        "items_n": len(items),
        "errors": [row["id"] for row in rows if row["error"]],
        "missing_gold": missing_gold,
        "metrics": {metric.name: _summary(metric, rows) for metric in metrics},
        "slices": {name: _slice(name, rows, metrics) for name in SLICES},
        "detectable_change": detectable_change(len(items)),
        "risk_coverage": _risk_coverage(scored_items),
        "operations": _operations(scored_items, rows, prices),
        "judge": None if judged is None else judged.summary(),
        "judge_agreement": [] if judged is None else list(judged.agreement),
        "items": rows,
    }


def _scored_item(
    item: Item, reply: Mapping[str, Any], texts: Mapping[tuple[str, int], str], judged: RunJudgements | None
) -> ScoredItem:
    if judged is None or reply["error"]:
        return ScoredItem(item, reply, texts)
    return ScoredItem(item, reply, texts, judged.supports(item.id, reply["answer"]))


def check_complete(items: Sequence[Item], run: Run, allow_missing_gold: bool = False) -> list[str]:
    """Return the ids of items whose gold articles the corpus lacks, if that is allowed.

    Raises BadRun unless every item has one reply and every article has the text that the gold set expects.
    """
    if not items or run.manifest["items"] != len(items):
        raise BadRun(f"the run names {run.manifest['items']} items, the gold set has {len(items)}")
    faults = [f"item {item.id} is missing from the run" for item in items if item.id not in run.replies]
    unknown_ids = run.replies.keys() - {item.id for item in items}
    faults += [f"item {item_id} is not in the gold set" for item_id in sorted(unknown_ids)]
    versions: dict[str, list[str]] = defaultdict(list)  # texts by article id
    for (article_id, _), row in run.articles.items():
        versions[article_id].append(row["text"])
        if hashlib.sha256(row["text"].encode()).hexdigest() != row["sha256"]:
            faults.append(f"article {article_id}: the text is not the one that was hashed")
    missing_gold = []
    for item in items:
        if run.replies.get(item.id, {}).get("error"):
            continue  # a failed item stores no articles
        needed = item.relevant | {span.article_id for span in item.gold}
        missing = sorted(article_id for article_id in needed if not versions[article_id])
        if missing and allow_missing_gold:
            missing_gold.append(item.id)
        else:
            faults += [f"item {item.id}: the corpus does not hold article {article_id}" for article_id in missing]
        for span in item.gold:
            texts = versions[span.article_id]
            if texts and not any(text[span.start : span.end] == span.text for text in texts):
                faults.append(f"item {item.id}: the corpus does not hold gold span {span.article_id} {span.start}")
    if faults:
        raise BadRun("\n".join(faults))
    return missing_gold


def _item_row(scored: ScoredItem, run: Run) -> dict[str, Any]:
    item = scored.item
    sources = [row for (article_id, _), row in run.articles.items() if article_id in item.relevant]
    published = min((row["published_at"] for row in sources if row["published_at"]), default=None)
    articles_n = min((len(articles) for articles in item.evidence_sets), default=0)
    return {
        "id": item.id,
        "cluster": item.cluster,
        "slices": {
            "category": item.category,
            "outlet": sorted({row["outlet"] for row in sources if row["outlet"]}),
            "answerable": "answerable" if item.answerable else "unanswerable",
            "articles": {0: "none", 1: "one"}.get(articles_n, "several"),
            "year": (item.as_of or published or "none")[:4],
        },
        "status": scored.answer["status"],
        "error": scored.reply["error"],
        "faults": {} if scored.failed else citation_faults(scored.answer, scored.texts, scored.retrieved_ids),
        "marks": {},
        "unscored": {},
    }


def _mark(scored_items: Sequence[ScoredItem], rows: Sequence[dict[str, Any]], metrics: Sequence[Metric]) -> None:
    for metric in metrics:
        if metric.needs and not any(metric.needs(scored.item) for scored in scored_items):
            for row in rows:
                row["unscored"][metric.name] = "no such item in the gold set"
            continue
        for scored, row in zip(scored_items, rows, strict=True):
            try:
                row["marks"][metric.name] = list(mark_item(metric, scored))
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
    return {
        part: {"items_n": len(part_rows), "metrics": _figures(part_rows, metrics)}
        for part, part_rows in sorted(parts.items())
    }


def _figures(rows: Sequence[Mapping[str, Any]], metrics: Sequence[Metric]) -> dict[str, dict[str, Any]]:
    figures = {}
    for metric in metrics:
        marks = list(marks_of(rows, metric.name).values())
        value = ratio(marks)
        if math.isfinite(value):
            figures[metric.name] = {"value": value, "n": len(marks)}
    return figures


def _risk_coverage(scored_items: Sequence[ScoredItem]) -> dict[str, Any]:
    """Return the risk-coverage curve of the answered items; an answer without a gold answer in it is wrong."""
    answered = [scored for scored in scored_items if not scored.refused and not scored.failed]
    if not answered:
        return {"unscored": "nothing answered"}
    if any(not isinstance(scored.answer.get("confidence"), int | float) for scored in answered):
        return {"unscored": "the answers state no confidence"}
    marks = [(float(scored.answer["confidence"]), not _is_right(scored)) for scored in answered]
    return {
        "area": behaviour.risk_coverage_area(marks),
        "points": behaviour.risk_coverage(marks),
        "n": len(marks),
    }


def _is_right(scored: ScoredItem) -> bool:
    return scored.item.answerable and contains(scored.answer_text, scored.item.answers)


def _operations(
    scored_items: Sequence[ScoredItem], rows: Sequence[Mapping[str, Any]], prices: Prices | None
) -> dict[str, Any]:
    replies = [scored.reply for scored in scored_items if not scored.failed]
    if not replies:
        return {"unscored": "no reply"}
    tokens = sum(sum(reply["answer"]["usage"].values()) for reply in replies)
    cost = sum(prices.cost(reply["answer"]["usage"]) for reply in replies) if prices else None
    right = sum(row["marks"].get("answer_contains", [0])[0] for row in rows)
    return {
        "latency_ms": _percentiles([reply["seconds"] * 1_000 for reply in replies]),
        "first_event_ms": _percentiles([reply["first_event_s"] * 1_000 for reply in replies]),
        "tokens_per_question": tokens / len(replies),
        "tokens_per_correct_answer": tokens / right if right else None,
        "cost_per_question": None if cost is None else cost / len(replies),
        "cost_per_correct_answer": cost / right if cost is not None and right else None,
        "n": len(replies),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {f"p{share}": round(behaviour.percentile(values, share), 1) for share in (50, 95, 99)}


def _spending(operations: Mapping[str, Any]) -> str:
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
    for name, metric in scores["metrics"].items():
        value = "-" if metric["value"] is None else f"{metric['value']:.4f}"
        interval = "-" if metric["low"] is None else f"[{metric['low']:.4f}, {metric['high']:.4f}]"
        unscored = ", ".join(f"{count} {reason}" for reason, count in metric["unscored"].items())
        lines.append(f"{name:24} {value:>7}  {interval:17} {metric['n']:5}  {unscored}".rstrip())
    operations = scores["operations"]
    if "latency_ms" in operations:
        latency = operations["latency_ms"]
        if operations["tokens_per_question"]:
            lines.append(_spending(operations))
        lines.append(f"latency ms p50 {latency['p50']}, p95 {latency['p95']}, p99 {latency['p99']}")
    area = scores["risk_coverage"]
    lines.append(f"risk-coverage area {area['area']:.4f}" if "area" in area else f"risk-coverage: {area['unscored']}")
    lines.append(f"smallest change seen four times in five: {scores['detectable_change']:.3f} of a 0/1 metric")
    counts = f"{scores['items_n']} items, {len(scores['errors'])} failed"
    missing = len(scores["missing_gold"])
    return "\n".join([*lines, counts + (f", {missing} whose gold articles the corpus lacks" if missing else "")])
