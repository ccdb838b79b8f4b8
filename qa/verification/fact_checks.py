"""Check numbers, units, dates and names of a statement against what it cites. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from qa.text import english
from qa.verification import lexicon
from qa.verification.alignment import Alignment
from qa.verification.case import Case, Departure, Period, named
from qa.verification.tokens import CLAIMING, Token

_NEARLY, _ABOUT = 0.1, 0.05  # how far "more than 190" and "about 190" may be from the number they stand for


def check_spelling(case: Case, at: int) -> Iterator[Departure]:
    """Tell "Roberson" from "Robertson" though a stem may be the same."""
    own = case.statement[at]
    if own.kind != "name" or own.bare in lexicon.COUNTRIES:
        return
    there = [one.sentence[place] for one in case.alignments if (place := one.places[at]) is not None]
    if own.opens:
        return
    if all(token.shown[:1].islower() for token in there) and not case.embedded(at):
        yield Departure(f"altered: {own.shown} for {there[0].shown}", False, own.shown)
    if not all(token.kind == "name" and token.bare != own.bare and not token.opens for token in there):
        return
    if not any(token.bare in lexicon.COUNTRIES for token in there):
        hard = all(token.bare.rstrip("s") != own.bare.rstrip("s") for token in there)
        yield Departure(f"altered: {own.shown} for {there[0].shown}", hard, own.shown)


def check_bound(case: Case, at: int) -> Iterator[Departure]:
    """Yield why "more than 9" is wrong for "up to 9", and too much for "9"."""
    own = case.statement[at]
    mine = _bound_of(case.statement, at)
    theirs = {_bound_of(one.sentence, place) for one in case.alignments if (place := one.places[at]) is not None}
    if own.kind == "number" and mine and theirs and mine not in theirs:
        yield Departure(f"bound not in cited text: {mine} {own.shown}", theirs != {""}, own.shown)


def _bound_of(words: Sequence[Token], at: int) -> Literal["", "above", "below"]:
    before, last = (words[at - 2].bare if at > 1 else ""), (words[at - 1].bare if at else "")
    pair = before if last == "than" else f"{before} {last}"
    if last in ("over", "above", "exceeding") or pair in ("more", "greater", "higher", "larger", "at least"):
        return "above"
    if last in ("under", "below", "nearly", "almost") or pair in ("less", "fewer", "lower", "up to", "at most"):
        return "below"
    return ""


def check_number(case: Case, at: int) -> Iterator[Departure]:
    """Yield why a number, month or weekday without a place is wrong: changed, strange, or of something else."""
    own = case.statement[at]
    instead = named(case.slot(at), "number", "month", "weekday")
    if (own.key in case.days and not instead) or _resolved(case, at):
        return
    if case.moved(at) and not instead:
        return
    if own.kind == "number" and (_rounded(case, at) or ("," in own.shown and _torn(case.slot(at), own))):
        return
    if instead:
        yield Departure(f"altered: {own.shown} for {instead}", True, own.shown)
    elif own.key not in case.keys:
        what = "number" if own.kind == "number" else "date"
        if (
            own.key in case.near and not case.close
        ):  # as a name may: a retelling takes its year from the sentence before
            yield Departure(f"{what} not in cited text, only beside it: {own.shown}", False, own.shown)
        else:
            yield Departure(f"{what} not in cited text: {own.shown}", True, own.shown)
    elif case.close or (own.kind == "number" and not _bound(case, at)):
        what = "number" if own.kind == "number" else "date"
        yield Departure(f"{what} of something else in cited text: {own.shown}", case.close, own.shown)


def _resolved(case: Case, at: int) -> bool:
    """Tell whether the date that the word belongs to is what a time phrase of the sentence means."""
    if not _may_date(case.statement[at]) or named(case.slot(at), "name"):
        return False
    start = end = at
    while start and _may_date(case.statement[start - 1]):
        start -= 1
    while end < len(case.statement) and _may_date(case.statement[end]):
        end += 1
    own = {one.key for one in case.statement[start:end]}
    slot = {one.key for one in case.slot(at) if one.kind in ("number", "month", "weekday")}
    return any(slot <= one.phrase and own <= _names_of(one) for one in case.periods())


def _may_date(token: Token) -> bool:
    value = token.value
    return token.kind in ("month", "weekday") or (value is not None and (1 <= value <= 31 or 1800 <= value <= 2100))


def _names_of(period: Period) -> set[str]:
    """Return what a period may be called by: of a day all its parts, of a month its name and year, of a year that."""
    first, last = period.first, period.last
    names = {f"#{first.year}"} if first.year == last.year else set()
    if names and first.month == last.month:
        names |= {f"month:{first.month}"}
        if first == last:
            names |= {f"#{first.day}", f"day:{first.weekday()}"}
    return names


def _bound(case: Case, at: int) -> bool:
    """Tell whether the number stands beside one of the same words there, be they a little further off."""
    own = case.statement
    mine = {token.key for token in own[max(0, at - 3) : at + 4] if token.kind in CLAIMING} - {own[at].key}
    for one in case.alignments:
        for place, token in enumerate(one.sentence):
            if token.key == own[at].key:
                beside = {other.key for other in one.sentence[max(0, place - 3) : place + 4]}
                if mine & beside or not mine:
                    return True
    return False


def _torn(slot: Sequence[Token], own: Token) -> bool:
    """Tell whether the cited text has the same number with a blank behind its comma: "3, 800"."""
    pieces = [token.shown for token in slot if token.kind == "number"]
    return len(pieces) > 1 and "".join(pieces) == own.shown.replace(",", "")


def _rounded(case: Case, at: int) -> bool:
    """Tell whether "about 190 billion" stands for a number nearby."""
    value = case.statement[at].value
    if value is None or not at:
        return False
    word = case.statement[at - 1].bare
    low, high = value, value
    if word in lexicon.APPROXIMATE:
        low, high = value * Decimal(1 - _ABOUT), value * Decimal(1 + _ABOUT)
    elif word in lexicon.BELOW:
        low = value * Decimal(1 - _NEARLY)
    elif word in lexicon.ABOVE:
        high = value * Decimal(1 + _NEARLY)
    if low == high:
        return False
    there = [token.value for one in case.alignments for token in one.sentence if token.kind == "number"]
    return any(low <= other <= high and _digits(value) < _digits(other) for other in there if other is not None)


def _digits(value: Decimal) -> int:
    """Return how many digits say something: two of 190."""
    return len(str(value.normalize().as_tuple().digits))


def find_swapped_numbers(one: Alignment) -> Iterator[Departure]:
    """Yield a number that stands between the words of another one, which the statement has elsewhere."""
    mine, theirs = _between(one.statement), _between(one.sentence)
    own, cited = ({token.key for token in words if token.kind == "number"} for words in (one.statement, one.sentence))
    for key, words in mine:
        held = {other for other, beside in theirs if beside == words}
        if key in cited and key not in held and held & own:
            shown = key.removeprefix("#")
            yield Departure(f"number of something else in cited text: {shown}", True, shown)


def _between(words: Sequence[Token]) -> list[tuple[str, tuple[str, str]]]:
    """Return each number with the words before and behind it."""
    inner = zip(words, words[1:], words[2:], strict=False)
    return [
        (at.key, (before.key, after.key))
        for before, at, after in inner
        if at.kind == "number" and "number" not in (before.kind, after.kind)
    ]


def check_unit(case: Case, at: int) -> Iterator[Departure]:
    """Yield why the unit of a number is wrong."""
    own = case.statement[at]
    number = case.statement[at - 1].key
    for one in case.alignments:
        if any(
            a.key == number and own.key == (b.key if b.kind == "unit" else c.key) for a, b, c in _triples(one.sentence)
        ):
            return
    instead = named(case.slot(at), "unit")
    yield Departure(
        f"altered: {own.shown} for {instead}" if instead else f"unit not in cited text: {own.shown}", True, own.shown
    )


def _triples(words: Sequence[Token]) -> Iterator[tuple[Token, Token, Token]]:
    padded = [*words, words[-1], words[-1]] if words else []
    yield from zip(padded, padded[1:], padded[2:], strict=False)


def check_name(case: Case, at: int) -> Iterator[Departure]:
    """Yield why a name without a place is wrong; it may stand in for a pronoun or complete another name."""
    own, slot, whole = case.statement[at], case.slot(at), _missing_name(case, at)
    instead = named(slot, "name", "number", "month", "weekday")
    stands_in = any(token.bare in english.PRONOUNS for token in (*slot[:1], *slot[-1:]))
    if own.key in case.keys:
        if case.turned:
            return
        if not own.opens and not case.moved(at) and not case.named_somewhere(own.key):
            yield Departure(f"name not in cited text: {whole}", False, whole)
            return
        if instead and not case.moved(at) and not stands_in:
            # Two sentences that are cited together may name one thing in two ways: no proof, but no contradiction.
            yield Departure(f"altered: {whole} for {instead}", not _named_beside(case, at), whole)
        elif case.close and not stands_in and not case.moved(at) and not _genitive(case, at):
            yield Departure(f"name in another place than in cited text: {whole}", False, whole)
    elif _acronym(case, own):
        return
    elif own.key in case.near:
        # A name may stand in the sentence before, where the cited one says "he"; not where that says another name.
        if instead and not stands_in and not _completes(case, at):
            yield Departure(f"altered: {whole} for {instead}", True, whole)
        elif case.close and not stands_in and not _completes(case, at):
            yield Departure(f"name not in cited text, only beside it: {whole}", False, whole)
    elif instead:
        yield Departure(f"altered: {whole} for {instead}", True, whole)
    else:
        yield Departure(f"name not in cited text: {whole}", True, whole)


def _named_beside(case: Case, at: int) -> bool:
    """Tell whether another of the cited sentences has the name."""
    home, key = case.home(at), case.statement[at].key
    return any(
        token.key == key and token.kind == "name"
        for one in case.alignments
        if one is not home
        for token in one.sentence
    )


def _missing_name(case: Case, at: int) -> str:
    """Return the name with those beside it that have no place either."""
    start = end = at
    while start and case.statement[start - 1].kind == "name" and not case.placed(start - 1):
        start -= 1
    while end < len(case.statement) and case.statement[end].kind == "name" and not case.placed(end):
        end += 1
    return " ".join(one.shown for one in case.statement[start:end])


def _genitive(case: Case, at: int) -> bool:
    """Tell "Germany's bank" and "the bank of Germany" for one."""
    key, shown = case.statement[at].key, case.statement[at].shown
    pairs = [pair for one in case.alignments for pair in zip(one.sentence, one.sentence[1:], strict=False)]
    of = any(before.bare == "of" and name.key == key for before, name in pairs)
    had = any(name.key == key and name.shown.endswith("'s") for _, name in pairs)
    return of if shown.endswith("'s") else had and at > 0 and case.statement[at - 1].bare == "of"


def opens_only(case: Case, at: int) -> bool:
    """Tell whether the capital of a word may come from its place alone."""
    own = case.statement[at]
    if any(one.bare in lexicon.SPEAKING for one in case.statement[at + 1 : at + 2]):
        return False
    return own.opens and own.key not in case.keys | case.near and not named(case.slot(at), "name")


def _completes(case: Case, at: int) -> bool:
    """Tell whether the name belongs to the next, which the cited sentence has: the first name of a last one."""
    beside = [place for place in (at - 1, at + 1) if 0 <= place < len(case.statement)]
    names = [place for place in beside if case.statement[place].kind == "name" and case.placed(place)]
    return any(
        f"{case.statement[min(at, place)].key} {case.statement[max(at, place)].key}" in case.near for place in names
    )


def _acronym(case: Case, own: Token) -> bool:
    """Tell whether a name and the initials of names stand for each other."""
    letters = own.bare.replace(".", "")
    for one in case.alignments:
        initials = "".join(token.bare[0] if token.kind == "name" else " " for token in one.sentence)
        if own.shown.isupper() and len(letters) > 1 and letters in initials:
            return True
    short = {token.bare for one in case.alignments for token in one.sentence if token.shown.isupper()}
    for start in range(len(case.statement)):
        for size in range(2, 6):
            run = case.statement[start : start + size]
            initials = "".join(token.bare[0] for token in run if token.kind == "name")
            if own in run and len(initials) == size and initials in short:
                return True
    return False
