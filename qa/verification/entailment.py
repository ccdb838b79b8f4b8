"""Join the verdict of the rules with that of the entailment judge. Pure.

The rules know what they see: a number, a name or a quotation that is not there stays unsupported, whatever the judge
says. The judge knows what the words mean together: a plan told as done, a condition or a speaker left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from qa.types import Entailed
from qa.verification.verify import LIKELY, Verdict

# Of the estimated share that a statement is supported. What was chosen on what: docs/models.md.
RAISED = 0.8  # from here on `partial` without a hard departure becomes supported, if the support score says so too
REFUSED = 0.1  # below, a statement is not supported: a quote in its place costs little, a falsehood much
_REASON = "the cited text may not say this"


def combine(verdict: Verdict, readings: Iterable[Entailed], score: float) -> Verdict:
    """Return the verdict of both.

    `readings` are of the same statement on its evidence with more or less around it: the likeliest counts. `score` is
    `support_score.score` of the statement.
    """
    support, reasons = verdict
    if support == "unsupported":
        return verdict
    share = max(map(estimate, readings))
    if share < REFUSED:
        return "unsupported", (*reasons, _REASON)
    if support == "partial" and share >= RAISED and score >= LIKELY:
        return "supported", ()
    return verdict


def estimate(entailed: Entailed) -> float:
    """Return how likely it is that a statement is covered by its evidence and faithful to it, 0..1."""
    return (1 + math.tanh(entailed.covered / 2)) * (1 + math.tanh(entailed.faithful / 2)) / 4
