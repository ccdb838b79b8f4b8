"""Words that state the same of a figure, forms of one verb among them, and words that state the opposite. Pure."""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache

from qa.text import stemming

# Beside the synonyms of `questions`, which rank sentences and may be looser.
_ALIKE = (
    "invest investment spend spent spending cost costs pay paid put putting budget",
    "injure injured injuring hurt wounded injuries casualties",
    "start begin began begun commence",
    "issue issued impose imposed",
    "find found bring brought recover recovered raise raised discover discovered salvage",
    "carry carried transport transported use used ride rode board boarded",
    "kill killed die died dead death fatality",
    "collapse collapsed fall fell fallen give gave given",
    "build built construct constructed",
    "establish established found founded",
    "population people inhabitants residents",
    "steal stole stolen take took taken",
    "buy bought acquire acquired",
    "destroy destroyed burn burned burnt",
)
# Forms of one verb that no stemmer brings together.
_FORMS = (
    "blow blew blown, break broke broken, catch caught, come came, draw drew drawn, drive drove driven, fight fought,"
    " fly flew flown, freeze froze frozen, get got, go went gone, grow grew grown, hold held, keep kept, lead led,"
    " leave left, lose lost, make made, meet met, rise rose risen, run ran, see saw seen, sell sold, send sent,"
    " shoot shot, sink sank sunk, speak spoke spoken, stand stood, strike struck stricken, sweep swept, swim swam swum,"
    " teach taught, throw threw thrown, win won, write wrote written"
)
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
    for group in (*_ALIKE, *_FORMS.split(",")):
        stems = set(stemming.stems(group))
        for stem in stems:
            found.setdefault(stem, set()).update(stems - {stem})
    return {stem: frozenset(others) for stem, others in found.items()}
