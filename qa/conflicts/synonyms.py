"""Words that state the same of a figure, forms of one verb among them, and words that state the opposite. Pure."""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache

from qa.text import stemming
from qa.text.english import SAME_OF_A_FIGURE, UNSTEMMED_VERBS

_GAINED = frozenset(stemming.stems("create add gain hire recruit new extra more"))
_LOST = frozenset(
    stemming.stems("lose lost loss cut shed axe go went gone disappear vanish redundant redundancy fewer")
)


def holds(stems: Set[str], stem: str) -> bool:
    """Tell whether a stem, or one that states the same, is among the stems."""
    return stem in stems or not stems.isdisjoint(_others().get(stem, frozenset()))


def opposed(asked: Set[str], said: Set[str]) -> bool:
    """Tell whether one speaks of what was lost and the other of what was gained: jobs cut, jobs created."""
    return _leans(asked) * _leans(said) < 0


def _leans(stems: Set[str]) -> int:
    return (not _GAINED.isdisjoint(stems)) - (not _LOST.isdisjoint(stems))


@lru_cache(maxsize=1)
def _others() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in (*SAME_OF_A_FIGURE, *UNSTEMMED_VERBS):
        stems = set(stemming.stems(group))
        for stem in stems:
            found.setdefault(stem, set()).update(stems - {stem})
    return {stem: frozenset(others) for stem, others in found.items()}
