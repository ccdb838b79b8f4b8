"""Where a statement departs from the sentences it cites: each departure with its reason. Pure.

A hard departure makes a statement unsupported, a soft one keeps it from being fully supported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from qa import lexicon
from qa.alignment import Alignment, exchanged
from qa.facts import CLAIMING, Token

CLOSE = 0.6  # from here on a statement repeats its source, and a word in another's place is a changed word
_NEARLY, _ABOUT = 0.1, 0.05  # how far "more than 190" and "about 190" may be from the number they stand for
_GOVERNED = 4  # how far from its "not" the denied word may stand, in words
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "mis", "anti")
_TITLED = 3


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that a statement says otherwise."""

    reason: str
    hard: bool
    shown: str = ""  # the word it is about


@dataclass(frozen=True)
class Case:
    """A statement beside what it cites."""

    statement: Sequence[Token]
    alignments: Sequence[Alignment]
    near: frozenset[str]  # keys of the words around the cited sentences, of titles and outlets
    days: frozenset[str] = field(default=frozenset())  # keys that the publication dates vouch for

    @cached_property
    def keys(self) -> frozenset[str]:
        """Return the keys of all cited words."""
        return frozenset(token.key for one in self.alignments for token in one.sentence)

    @cached_property
    def close(self) -> bool:
        """Tell whether the statement repeats its sources rather than retells them."""
        claiming = [at for at, token in enumerate(self.statement) if token.kind in CLAIMING]
        placed = sum(self.placed(at) for at in claiming)
        return bool(claiming) and placed >= CLOSE * len(claiming)

    def placed(self, at: int) -> bool:
        """Tell whether a word has its place in a cited sentence."""
        return any(one.places[at] is not None for one in self.alignments)

    def home(self, at: int) -> Alignment:
        """Return the sentence that the words around come from."""
        return max(self.alignments, key=lambda one: (one.near(at), one.share()))

    def slot(self, at: int) -> list[Token]:
        """Return what its sentence says in the word's stead; nothing where the statement is no repetition."""
        return self.home(at).slot(at) if self.close else []

    def moved(self, at: int) -> bool:
        """Tell whether the word stands elsewhere beside one of its neighbours."""
        return any(one.moved(at) for one in self.alignments)


def without_outlet(words: Sequence[Token], outlets: Sequence[Sequence[Token]]) -> list[Token]:
    """Leave out "Reuters reported that" and "according to Reuters", where Reuters is whom we cite."""
    out = set[int]()
    for at, token in enumerate(words):
        if token.bare in lexicon.SPEAKING:
            to = token.bare == "according" and at + 1 < len(words) and words[at + 1].bare == "to"
            for outlet in outlets:
                # As it stands, not by key: one key holds for "American" and for the USA of USA Today.
                own = [one.bare for one in outlet]
                for start in (at - len(own), at + 2 if to else at + 1):
                    if own and start >= 0 and [one.bare for one in words[start : start + len(own)]] == own:
                        out |= {at, *range(min(at, start), max(at + 1, start + len(own)))}
                        out |= {at + 1} if start < at and words[at + 1 : at + 2] and words[at + 1].bare == "that" else set()
    return [token for at, token in enumerate(words) if at not in out]


def find_departures(case: Case) -> Iterator[Departure]:
    """Yield every departure of the statement, word by word."""
    for at, token in enumerate(case.statement):
        if case.placed(at):
            yield from _renamed(case, at)
        elif token.kind in ("number", "month", "weekday"):
            yield from _number(case, at)
        elif token.kind == "unit" and at and case.statement[at - 1].kind == "number":
            yield from _unit(case, at)
        elif token.kind == "name" and not _opening(case, at):
            yield from _name(case, at)
        elif token.kind == "negation":
            yield from _negation(case, at)
        elif token.kind == "modal":
            yield from _modal(case, at)
        else:
            yield from _word(case, at)
    for one in case.alignments:
        yield from _lost(case, one)
        yield from _roles(one)
        pair = exchanged(one) if case.close and one.share() >= CLOSE / 2 else None
        if pair is not None:
            yield Departure(f"altered: {pair[0]} for {pair[1]}", True, pair[0])


def _others(slot: Sequence[Token], *kinds: str) -> str:
    return " ".join(token.shown for token in slot if token.kind in kinds)


def _renamed(case: Case, at: int) -> Iterator[Departure]:
    """Tell "Roberson" from "Robertson" though a stem may be the same."""
    own = case.statement[at]
    if own.kind != "name" or own.key in case.near or own.bare in lexicon.COUNTRIES:
        return
    there = [one.sentence[place] for one in case.alignments if (place := one.places[at]) is not None]
    if all(token.kind == "name" and token.bare.rstrip("s") != own.bare.rstrip("s") for token in there):
        if not any(token.bare in lexicon.COUNTRIES for token in there):
            yield Departure(f"altered: {own.shown} for {there[0].shown}", True, own.shown)


def _number(case: Case, at: int) -> Iterator[Departure]:
    own = case.statement[at]
    instead = _others(case.slot(at), "number", "month", "weekday")
    if own.key in case.days and not instead:
        return
    if case.moved(at) and not instead:
        return
    if own.kind == "number" and _rounded(case, at):
        return
    if instead:
        yield Departure(f"altered: {own.shown} for {instead}", True, own.shown)
    elif own.key not in case.keys:
        what = "number" if own.kind == "number" else "date"
        yield Departure(f"{what} not in cited text: {own.shown}", True, own.shown)
    elif case.close or (own.kind == "number" and not _bound(case, at)):
        what = "number" if own.kind == "number" else "date"
        yield Departure(f"{what} of something else in cited text: {own.shown}", case.close, own.shown)


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


def _unit(case: Case, at: int) -> Iterator[Departure]:
    own = case.statement[at]
    number = case.statement[at - 1].key
    for one in case.alignments:
        if any(a.key == number and own.key in (b.key, c.key) for a, b, c in _triples(one.sentence)):
            return
    instead = _others(case.slot(at), "unit")
    yield Departure(f"altered: {own.shown} for {instead}" if instead else f"unit not in cited text: {own.shown}", True, own.shown)


def _triples(words: Sequence[Token]) -> Iterator[tuple[Token, Token, Token]]:
    padded = [*words, words[-1], words[-1]] if words else []
    yield from zip(padded, padded[1:], padded[2:], strict=False)


def _name(case: Case, at: int) -> Iterator[Departure]:
    own, slot = case.statement[at], case.slot(at)
    instead = _others(slot, "name", "number", "month", "weekday")
    stands_in = any(token.bare in lexicon.PRONOUNS for token in (*slot[:1], *slot[-1:]))
    if own.key in case.keys:
        if instead and not case.moved(at) and not stands_in:
            yield Departure(f"altered: {own.shown} for {instead}", True, own.shown)
        elif case.close and not slot and not case.moved(at) and not _genitive(case, at):
            yield Departure(f"name in another place than in cited text: {own.shown}", False, own.shown)
    elif _acronym(case, own):
        return
    elif own.key in case.near:
        # A name may stand in the sentence before, where the cited one says "he"; not where that says another name.
        if instead and not stands_in and not _completes(case, at):
            yield Departure(f"altered: {own.shown} for {instead}", True, own.shown)
        elif case.close and not any(one.kind in CLAIMING or stands_in for one in slot) and not _completes(case, at):
            yield Departure(f"name not in cited text, only beside it: {own.shown}", False, own.shown)
    elif instead:
        yield Departure(f"altered: {own.shown} for {instead}", True, own.shown)
    else:
        yield Departure(f"name not in cited text: {own.shown}", True, own.shown)


def _opening(case: Case, at: int) -> bool:
    """Tell whether the capital of a word may come from its place alone."""
    own = case.statement[at]
    return own.opens and own.key not in case.keys | case.near and not _others(case.slot(at), "name")


def _genitive(case: Case, at: int) -> bool:
    """Tell "Germany's bank" and "the bank of Germany" for one."""
    key, shown = case.statement[at].key, case.statement[at].shown
    pairs = [pair for one in case.alignments for pair in zip(one.sentence, one.sentence[1:], strict=False)]
    of = any(before.bare == "of" and name.key == key for before, name in pairs)
    return (shown.endswith("'s") and of) or any(name.key == key and name.shown.endswith("'s") for _, name in pairs)


def _completes(case: Case, at: int) -> bool:
    """Tell whether the name belongs to the next, which the cited sentence has: the first name of a last one."""
    beside = [place for place in (at - 1, at + 1) if 0 <= place < len(case.statement)]
    names = [place for place in beside if case.statement[place].kind == "name" and case.placed(place)]
    return any(f"{case.statement[min(at, place)].key} {case.statement[max(at, place)].key}" in case.near for place in names)


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
            if own in run and all(token.kind == "name" for token in run):
                if "".join(token.bare[0] for token in run) in short:
                    return True
    return False


def _governed(words: Sequence[Token], at: int) -> int | None:
    """Return where the word stands that a "not" or a "may" is about."""
    for place in range(at + 1, min(len(words), at + 1 + _GOVERNED)):
        if words[place].kind in CLAIMING:
            return place
    return None


def _negation(case: Case, at: int) -> Iterator[Departure]:
    governed = _governed(case.statement, at)
    for one in case.alignments:
        place = one.places[governed] if governed is not None else None
        around = one.sentence[max(0, place - _GOVERNED) : place] if place is not None else one.sentence
        first = place - len(around) if place is not None else 0
        free = [token for step, token in enumerate(around, first) if token.kind == "negation" and step not in one.back]
        if free and not (case.close and place is None):
            return
    yield Departure(f"negation not in cited text: {case.statement[at].shown}", True, case.statement[at].shown)


def _modal(case: Case, at: int) -> Iterator[Departure]:
    own = case.statement[at]
    if case.keys & lexicon.FUTURE[own.key] and not case.close:
        return
    slot = case.slot(at)
    if any(token.key in lexicon.FUTURE[own.key] or token.bare in lexicon.FUTURE[own.key] for token in slot):
        return
    yield Departure(f"not said as {own.shown!r} in cited text", False, own.shown)


def _word(case: Case, at: int) -> Iterator[Departure]:
    own, slot = case.statement[at], case.slot(at)
    claimed = [token for token in slot if token.kind in CLAIMING and token.kind != "name"]
    opposite = next((token for token in slot if opposed(own.key, token.key)), None)
    if opposite is not None:
        yield Departure(f"opposite of cited text: {own.shown} for {opposite.shown}", True, own.shown)
        return
    if own.kind == "filler":
        number = [token for token in slot if token.kind == "number"]
        if number and own.key == "#1":
            yield Departure(f"altered: {own.shown} for {number[0].shown}", True, own.shown)
        elif own.shown[0].isupper() and not own.opens and own.bare not in lexicon.PRONOUNS and _others(slot, "name"):
            yield Departure(f"altered: {own.shown} for {_others(slot, 'name')}", True, own.shown)
        return
    names = _others(slot, "name")
    if own.shown[0].isupper() and names:
        yield Departure(f"altered: {own.shown} for {names}", True, own.shown)
        return
    if own.kind == "denial" and case.close and not case.moved(at):
        yield Departure(f"not said as {own.shown!r} in cited text", False, own.shown)
        return
    if own.key in case.keys:
        if claimed and not case.moved(at):
            yield Departure(f"altered: {own.shown} for {claimed[0].shown}", False, own.shown)
        return
    alike = lexicon.ALIKE.get(own.key, frozenset())
    if alike & (frozenset(token.key for token in slot) if slot else case.keys):
        return
    if not case.close and any(opposed(own.key, key) for key in case.keys):
        yield Departure(f"opposite of cited text: {own.shown}", False, own.shown)
    elif claimed:
        yield Departure(f"altered: {own.shown} for {claimed[0].shown}", False, own.shown)
    elif case.close and own.key not in case.near:
        yield Departure(f"not in cited text: {own.shown}", False, own.shown)


def opposed(own: str, other: str) -> bool:
    """Tell whether two stems say the contrary, by the list or by a prefix: legal, illegal."""
    if other in lexicon.OPPOSITES.get(own, ()):
        return True
    longer, shorter = (own, other) if len(own) > len(other) else (other, own)
    return len(shorter) > 3 and any(longer == prefix + shorter for prefix in _PREFIXES)


def _lost(case: Case, one: Alignment) -> Iterator[Departure]:
    """Yield what the sentence denies or doubts and the statement, with the same words, does not."""
    for at, token in enumerate(one.sentence):
        if token.kind not in ("negation", "modal", "denial") or at in one.back:
            continue
        governed = _governed(one.sentence, at)
        place = one.back.get(governed) if governed is not None else None
        if place is None:
            place = _gap(one, at)
        if place is None or any(o is not one and place < len(o.places) and o.places[place] is not None for o in case.alignments):
            continue
        before = range(max(0, place - _GOVERNED), place)
        if any(_keeps(token, case.statement[step]) for step in before if one.places[step] is None):
            continue
        hard = token.kind == "negation" and case.close
        what = {"negation": "a negation", "modal": "a possibility", "denial": "a reservation"}[token.kind]
        yield Departure(f"the cited text holds {what} that the statement lacks: {token.shown}", hard, token.shown)


def _gap(one: Alignment, at: int) -> int | None:
    """Return where the word would stand in the statement, if it alone is missing there."""
    before = one.back.get(at - 1) if at else -1
    after = one.back.get(at + 1) if at + 1 < len(one.sentence) else len(one.statement)
    return after if before is not None and after is not None and before < after <= before + 2 else None


def _keeps(lost: Token, other: Token) -> bool:
    if lost.kind == "modal":
        return other.key in lexicon.FUTURE[lost.key] or other.bare in lexicon.FUTURE[lost.key]
    return other.kind == lost.kind or (lost.kind == "negation" and other.kind == "denial")


def _roles(one: Alignment) -> Iterator[Departure]:
    """Yield a pair of names that stand on each other's side of the same verb, unless active became passive."""
    for at, token in enumerate(one.statement):
        if token.kind != "word":
            continue
        for place, other in enumerate(one.sentence):
            if other.key != token.key:
                continue
            mine, theirs = _sides(one.statement, at), _sides(one.sentence, place)
            if not (mine[0] and mine[1] and theirs[0] and theirs[1]):
                continue
            same = _passive(one.statement, at) == _passive(one.sentence, place)
            if same and mine[0] == theirs[1] and mine[1] == theirs[0] and mine[0] != mine[1]:
                yield Departure(f"roles swapped: {mine[0]}, {mine[1]}", True, token.shown)
            elif not same and mine == theirs and mine[0] != mine[1]:
                yield Departure(f"roles swapped: {mine[0]}, {mine[1]}", True, token.shown)


def _sides(words: Sequence[Token], at: int) -> tuple[str, str]:
    before = next((one.key for one in reversed(words[max(0, at - 4) : at]) if one.kind == "name"), "")
    after = next((one.key for one in words[at + 1 : at + 5] if one.kind == "name"), "")
    return before, after


def _passive(words: Sequence[Token], at: int) -> bool:
    helped = any(one.bare in ("was", "were", "been", "being", "is", "are", "be") for one in words[max(0, at - 3) : at])
    return helped and any(one.bare == "by" for one in words[at + 1 : at + 4])
