"""Synonyms in what is said of a figure, with the forms of irregular verbs, and opposites: gained, lost. Pure."""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache

from qa.text import stemming
from qa.text.english import FIGURE_SYNONYMS, UNSTEMMED_VERBS

_GAINED = frozenset(stemming.stems("create add gain hire recruit new extra more"))
_LOST = frozenset(
    stemming.stems("lose lost loss cut shed axe go went gone disappear vanish redundant redundancy fewer")
)


def holds(stems: Set[str], stem: str) -> bool:
    """Tell whether a stem or one of its synonyms is among the stems."""
    return stem in stems or not stems.isdisjoint(_synonyms().get(stem, frozenset()))


def opposed(question: Set[str], statement: Set[str]) -> bool:
    """Tell whether one is about a loss and the other about a gain: jobs cut, jobs created."""
    return _leans(question) * _leans(statement) < 0


def _leans(stems: Set[str]) -> int:
    return (not _GAINED.isdisjoint(stems)) - (not _LOST.isdisjoint(stems))


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, frozenset[str]]:
    synonyms: dict[str, set[str]] = {}
    for group in (*FIGURE_SYNONYMS, *UNSTEMMED_VERBS):
        stems = set(stemming.stems(group))
        for stem in stems:
            synonyms.setdefault(stem, set()).update(stems - {stem})
    return {stem: frozenset(others) for stem, others in synonyms.items()}
