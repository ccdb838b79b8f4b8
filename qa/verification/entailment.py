"""Join the verdict of the rules with that of the entailment judge. Pure.

The rules know what they see: a number, a name or a quotation that is not there stays unsupported, whatever the judge
says. The judge knows what the words mean together: a plan told as done, a condition or a speaker left out.
"""

from __future__ import annotations

import math

from qa.types import Entailed
from qa.verification.verify import Verdict

# Of the estimated share that a statement is supported: chosen on the held-out fifth of eval/training/data/pairs.jsonl
# (docs/verification.md).
ACCEPTED = 0.1  # from here on `supported` by the rules stays so
RAISED = 0.7  # from here on `partial` without a hard departure becomes supported
REFUSED = 0.05  # below, a statement is not shown
_REASON = "the cited text may not say this"


def combine(verdict: Verdict, entailed: Entailed) -> Verdict:
    """Return the verdict of both."""
    support, reasons = verdict
    if support == "unsupported":
        return verdict
    share = estimate(entailed)
    if share < REFUSED:
        return "unsupported", (*reasons, _REASON)
    if support == "supported" and share < ACCEPTED:
        return "partial", (_REASON,)
    if support == "partial" and share >= RAISED:
        return "supported", ()
    return verdict


def estimate(entailed: Entailed) -> float:
    """Return how likely it is that a statement is covered by its evidence and faithful to it, 0..1."""
    return (1 + math.tanh(entailed.covered / 2)) * (1 + math.tanh(entailed.faithful / 2)) / 4
