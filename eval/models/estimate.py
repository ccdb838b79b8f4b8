"""Token prices, and the estimate of a run's time, tokens and cost from its first questions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SAMPLE = 3  # questions asked one after the other to estimate the rest
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices per million tokens, in any currency."""

    per_million_in: float
    per_million_out: float

    def cost(self, usage: Mapping[str, int]) -> float:
        """Return the cost of an answer's tokens."""
        total = usage["prompt_tokens"] * self.per_million_in + usage["completion_tokens"] * self.per_million_out
        return total / _MILLION


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the remaining questions of a run will take, and the sample that the estimate is based on."""

    sample_n: int
    sample_s: float
    remaining: int
    seconds: float
    tokens: int
    cost: float | None

    def __str__(self) -> str:
        usage = f", about {self.tokens:,} tokens" if self.tokens else ""
        usage += "" if self.cost is None else f", about {self.cost:.2f} in money"
        sample = f"the first {self.sample_n} took {self.sample_s:.1f} s"
        return f"{sample}; {self.remaining} left, about {self.seconds:.0f} s{usage}"


def estimate(
    times_s: Sequence[float], usages: Sequence[Mapping[str, int]], remaining: int, workers: int, prices: Prices | None
) -> Estimate:
    """Return what the remaining questions will take if they go like the first ones."""
    sample_s = sum(times_s)
    tokens = sum(sum(usage.values()) for usage in usages) / max(1, len(usages))
    cost = None
    if prices is not None:
        cost = remaining * sum(map(prices.cost, usages)) / max(1, len(usages))
    # More workers than questions gain nothing.
    seconds = sample_s / max(1, len(times_s)) * remaining / max(1, min(workers, remaining))
    return Estimate(len(times_s), sample_s, remaining, seconds, round(tokens * remaining), cost)
