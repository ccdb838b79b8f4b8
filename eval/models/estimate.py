"""What a run will take, from its first questions: time, tokens and, where prices are known, money. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SAMPLE = 3  # questions asked one after the other before the rest is promised
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in whatever money the prices are in."""

    per_million_in: float
    per_million_out: float

    def cost(self, usage: Mapping[str, int]) -> float:
        """Return what an answer's tokens cost."""
        spent = usage["prompt_tokens"] * self.per_million_in + usage["completion_tokens"] * self.per_million_out
        return spent / _MILLION


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is still to come."""

    asked: int
    took_s: float
    left: int
    seconds: float
    tokens: int
    cost: float | None

    def __str__(self) -> str:
        spent = f", about {self.tokens:,} tokens" if self.tokens else ""
        spent += "" if self.cost is None else f", about {self.cost:.2f} in money"
        return f"the first {self.asked} took {self.took_s:.1f} s; {self.left} left, about {self.seconds:.0f} s{spent}"


def estimate(
    times_s: Sequence[float], usages: Sequence[Mapping[str, int]], left: int, workers: int, prices: Prices | None
) -> Estimate:
    """Return what `left` questions will take when they go as the first ones did."""
    took = sum(times_s)
    tokens = sum(sum(usage.values()) for usage in usages) / max(1, len(usages))
    cost = None
    if prices is not None:
        cost = left * sum(map(prices.cost, usages)) / max(1, len(usages))
    # More workers than questions gain nothing.
    seconds = took / max(1, len(times_s)) * left / max(1, min(workers, left))
    return Estimate(len(times_s), took, left, seconds, round(tokens * left), cost)
