"""Function words that decide: morning or evening, and or or, before or after, his or her. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.verification.aligned_statement import Discrepancy
from qa.verification.meaning.reading import PREPOSITIONS, Reading, is_claiming, lexicon
from qa.verification.tokens import Token

_HALVES = {
    **dict.fromkeys(("am", "morning", "dawn"), "am"),
    **dict.fromkeys(("pm", "afternoon", "evening", "dusk"), "pm"),
}
_PERSONS = {
    **dict.fromkeys(("he", "him", "his", "himself"), "he"),
    **dict.fromkeys(("she", "her", "hers", "herself"), "she"),
    **dict.fromkeys(("it", "its", "itself"), "it"),
    **dict.fromkeys(("they", "them", "their", "theirs", "themselves"), "they"),
}
# "They" may be a company, as "it" may.
_SAME_PERSON = {("it", "they"), ("they", "it")}
# Each group excludes the others of its line. A phrase is one word here: "far from" is far-from.
_EXCLUSIVE = tuple(
    tuple(lexicon(group) for group in line.split("/"))
    for line in (
        "before until till by ahead-of prior-to/during amid throughout/after since following",
        "inside within into/outside beyond",
        "above over atop on-top-of/below under beneath underneath",
        "with/without",
        "to toward towards into onto/from away-from out-of off",
        "near beside at by next-to close-to/far-from away-from",
        "for/against",
        "up/down",
        "on onto/off",
        "in-front-of/behind",
        "ahead-of/behind",
        "into/out-of",
        "in/out-of outside",
        "east-of/west-of",
        "north-of/south-of",
        "left-of/right-of",
    )
)
_PHRASES = tuple(
    tuple(phrase.split())
    for phrase in (
        "in front of|on top of|ahead of|prior to|out of|away from|far from|next to|close to|east of|west of|north of"
        "|south of|left of|right of|instead of|because of|along with|together with"
    ).split("|")
)
_CONJUNCTIONS = {"and": "and", "or": "or", "nor": "or"}
_BETWEEN = 5  # how many words of the sentence may be between two that are neighbours in the statement


def find_changed_function_words(reading: Reading) -> Iterator[Discrepancy]:
    """Yield function words of the statement that the sentence has otherwise in that place."""
    yield from _changed_half_of_day(reading)
    yield from _changed_conjunction(reading)
    yield from _changed_preposition(reading)
    yield from _changed_person(reading)


def _hours(words: Sequence[Token]) -> list[tuple[str, str, int]]:
    """Return each hour with its half of the day: "6 p.m.", "7pm", "at 8 in the evening"."""
    found = []
    for at, token in enumerate(words):
        if token.kind == "word" and token.bare[:1].isdigit() and token.bare[-2:] in ("am", "pm"):
            found.append((token.bare[:-2], token.bare[-2:], at))
        if token.kind != "number":
            continue
        after = [word.bare for word in words[at + 1 : at + 3] if not word.after_break]
        half = _HALVES.get(after[0]) if after else None
        if half is None and len(after) > 1 and after[0] in ("in", "this", "that"):
            half = _HALVES.get(after[1])
        if half is not None:
            found.append((token.key.removeprefix("#"), half, at))
    return found


def _changed_half_of_day(reading: Reading) -> Iterator[Discrepancy]:
    cited = {
        hour: {half for other, half, _ in _hours(reading.sentence) if other == hour}
        for hour, *_ in _hours(reading.sentence)
    }
    for hour, half, at in _hours(reading.statement):
        if hour in cited and half not in cited[hour] and reading.is_source_of(at):
            shown = reading.statement[at].shown
            yield Discrepancy(f"altered: {shown} {half} for {shown} {''.join(cited[hour])}", True, shown)


def _changed_conjunction(reading: Reading) -> Iterator[Discrepancy]:
    for at in range(1, len(reading.statement) - 1):
        own = _CONJUNCTIONS.get(reading.statement[at].bare)
        if own is None:
            continue
        ends = _ends_around(reading, at, at + 1)
        if ends is None:
            continue
        left, right = ends
        between = {_CONJUNCTIONS.get(token.bare) for token in reading.sentence[left + 1 : right]} - {None}
        if not between and reading.sentence[right].after_break:  # "tea, milk or water"
            between = {
                next(
                    (
                        _CONJUNCTIONS[token.bare]
                        for token in reading.sentence[right + 1 : right + 1 + _BETWEEN]
                        if token.bare in _CONJUNCTIONS
                    ),
                    None,
                )
            } - {None}
        if between and own not in between:
            shown = reading.statement[at].shown
            yield Discrepancy(f"altered: {shown} for {'or' if own == 'and' else 'and'}", False, shown)


def _ends_around(reading: Reading, start: int, stop: int) -> tuple[int, int] | None:
    """Return where the sentence has the words before and after a stretch of the statement, if near each other."""
    if start < 1 or stop >= len(reading.statement):
        return None
    left, right = reading.statement[start - 1], reading.statement[stop]
    lefts = [at for at, token in enumerate(reading.sentence) if token.key == left.key]
    rights = [at for at, token in enumerate(reading.sentence) if token.key == right.key]
    near = [(b - a, a, b) for a in lefts for b in rights if 0 < b - a <= _BETWEEN + 1]
    if not near or not reading.is_source_of(start - 1):
        return None
    _, a, b = min(near)
    return a, b


def _changed_preposition(reading: Reading) -> Iterator[Discrepancy]:
    at = 0
    while at < len(reading.statement):
        own, size = _preposition(reading.statement, at)
        if own and at:
            yield from _other_preposition(reading, at, own, size)
        at += max(1, size)


def _other_preposition(reading: Reading, at: int, own: str, size: int) -> Iterator[Discrepancy]:
    """Yield the preposition that the sentence has before the same noun, if one excludes the other."""
    stop = at + size
    if stop >= len(reading.statement) or not reading.is_source_of(at) or not is_claiming(reading.statement[stop]):
        return
    key = reading.statement[stop].key
    cited = [
        word
        for position, token in enumerate(reading.sentence)
        if token.key == key and (word := _preposition_before(reading.sentence, position))
    ]
    if not cited or own in cited:
        return
    if all(_exclude(own, other) for other in cited):
        shown = own.replace("-", " ")
        yield Discrepancy(f"altered: {shown} for {cited[0].replace('-', ' ')}", False, shown)


def _preposition_before(words: Sequence[Token], position: int) -> str:
    for start in range(max(0, position - 3), position):
        word, size = _preposition(words, start)
        if word and start + size == position:
            return word  # the longest: "out of", not "of"
    return ""


def _preposition(words: Sequence[Token], at: int) -> tuple[str, int]:
    """Return the preposition that begins here, and how many words it has."""
    for phrase in _PHRASES:
        if tuple(token.bare for token in words[at : at + len(phrase)]) == phrase:
            return "-".join(phrase), len(phrase)
    bare = words[at].bare if at < len(words) else ""
    return (bare, 1) if bare in PREPOSITIONS or bare in ("following", "prior") else ("", 0)


def _exclude(own: str, other: str) -> bool:
    return any(
        own in group and other in another
        for line in _EXCLUSIVE
        for group in line
        for another in line
        if group is not another
    )


def _changed_person(reading: Reading) -> Iterator[Discrepancy]:
    for at, token in enumerate(reading.statement):
        own = _PERSONS.get(token.bare)
        if own is None or at + 1 >= len(reading.statement) or not reading.is_source_of(at):
            continue
        following = reading.statement[at + 1]
        if following.after_break or not (is_claiming(following) or following.kind == "modal"):
            continue
        cited = {
            (_PERSONS.get(before.bare), before.shown)
            for before, word in zip(reading.sentence, reading.sentence[1:], strict=False)
            if word.key == following.key and not word.after_break and before.bare in _PERSONS
        }
        persons = {person for person, _ in cited}
        if cited and own not in persons and not any((own, person) in _SAME_PERSON for person in persons):
            shown = min(shown for _, shown in cited)
            yield Discrepancy(f"altered: {token.shown} for {shown}", {own, *persons} == {"he", "she"}, token.shown)
