"""The metrics that a judged run has beside those of every run: they replace none, so that all runs stay comparable."""

from __future__ import annotations

from eval.metrics.stats import Mark
from eval.metrics.support import citation_precision, citation_recall
from eval.runs.case import Case
from eval.scoring.registry import Metric


def _recall(case: Case) -> Mark:
    """Mark the share of statements that their citations support, a half where in part. Source: ALCE, weighted."""
    return citation_recall(case.judged_supported), 1


def _precision(case: Case) -> Mark:
    """Mark the share of citations that their statement is supported by and needs, a half where in part."""
    return citation_precision(case.judged_supported), 1


JUDGED_METRICS: tuple[Metric, ...] = (
    Metric("judged_citation_recall", "higher", _recall),
    Metric("judged_citation_precision", "higher", _precision),
)
