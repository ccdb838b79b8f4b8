"""Check the numbers, units and dates of a statement against what it cites. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from qa.verification import lexicon
from qa.verification.aligned_statement import AlignedStatement, Discrepancy, Period, words_of_kind
from qa.verification.alignment import Alignment
from qa.verification.tokens import CLAIMING, Token

_NEARLY, _ABOUT = 0.1, 0.05  # how far "more than 190" and "about 190" may be from the number they are given for


def check_bound(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why "more than 9" is wrong for "up to 9", and too much for "9"."""
    own = aligned.statement[at]
    stated = _bound_of(aligned.statement, at)
    cited = {
        _bound_of(alignment.sentence, position)
        for alignment in aligned.alignments
        if (position := alignment.in_sentence[at]) is not None
    }
    if own.kind == "number" and stated and cited and stated not in cited:
        yield Discrepancy(f"bound not in cited text: {stated} {own.shown}", cited != {""}, own.shown)


def _bound_of(words: Sequence[Token], at: int) -> Literal["", "above", "below"]:
    before, last = (words[at - 2].bare if at > 1 else ""), (words[at - 1].bare if at else "")
    pair = before if last == "than" else f"{before} {last}"
    if last in ("over", "above", "exceeding") or pair in ("more", "greater", "higher", "larger", "at least"):
        return "above"
    if last in ("under", "below", "nearly", "almost") or pair in ("less", "fewer", "lower", "up to", "at most"):
        return "below"
    return ""


def check_number(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why an unmatched number, month or weekday is wrong: changed, not in the sources, or of something else."""
    own = aligned.statement[at]
    replaced = words_of_kind(aligned.slot(at), "number", "month", "weekday")
    if (own.key in aligned.publication_years and not replaced) or _resolves_time_phrase(aligned, at):
        return
    if aligned.is_moved(at) and not replaced:
        return
    if own.kind == "number" and (
        _is_rounded(aligned, at) or ("," in own.shown and _is_split_at_comma(aligned.slot(at), own))
    ):
        return
    what = "number" if own.kind == "number" else "date"
    if own.key == "#2" and own.key not in aligned.cited_keys and _has_both(aligned):
        return
    if replaced:
        if not _is_in_turned_list(aligned, at):
            hard = own.kind != "number" or not _keeps_its_neighbour(aligned, at)
            yield Discrepancy(f"altered: {own.shown} for {replaced}", hard, own.shown)
    elif own.key not in aligned.cited_keys:
        if own.key in aligned.context_keys and (not aligned.is_near_copy or _has_context_unit(aligned, at)):
            # As with a name: a retelling takes its year from the sentence before.
            yield Discrepancy(f"{what} not in cited text, only beside it: {own.shown}", False, own.shown)
        else:
            yield Discrepancy(f"{what} not in cited text: {own.shown}", True, own.shown)
    elif aligned.is_near_copy or (own.kind == "number" and not _shares_neighbours(aligned, at)):
        is_only_one = own.kind == "number" and _is_only_one_of_its_kind(aligned, at)
        if own.kind == "number" and (
            _is_in_turned_list(aligned, at)
            or _counts_the_same(aligned, at)
            or (is_only_one and _measure(aligned.statement, at))
        ):
            return
        hard = aligned.is_near_copy and not is_only_one and not _has_its_noun(aligned, at)
        yield Discrepancy(f"{what} of something else in cited text: {own.shown}", hard, own.shown)


def _has_both(aligned: AlignedStatement) -> bool:
    return any(token.bare == "both" for alignment in aligned.alignments for token in alignment.sentence)


def _keeps_its_neighbour(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the word before or after the number is so in a cited sentence too, and of no other number there."""
    for alignment in aligned.alignments:
        words = alignment.sentence
        places = [place for place, token in enumerate(words) if token.kind == "number"]
        for step in (-1, 1):
            own = _next_claim(aligned.statement, at, step)
            with_it = {words[place].key for place in places if own and _next_claim(words, place, step) == own}
            if with_it == {aligned.statement[at].key}:
                return True
    return False


def _next_claim(words: Sequence[Token], at: int, step: int) -> str:
    """Return the key of the next word that claims something, its unit apart; empty where a number or none is there."""
    at += step
    while 0 <= at < len(words) and words[at].kind in ("filler", "unit"):
        at += step
    return words[at].key if 0 <= at < len(words) and words[at].kind in ("word", "name", "month", "weekday") else ""


def _has_context_unit(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether a text beside the cited one has the number with the unit that it has here."""
    unit = _unit_after(aligned.statement, at)
    return unit != "" and aligned.around.measures(aligned.statement[at].key, unit)


def _unit_after(words: Sequence[Token], at: int) -> str:
    """Return the key of a number's unit, or of the word it counts; empty where none follows."""
    after = next((token for token in words[at + 1 : at + 3] if token.kind in CLAIMING), None)
    return after.key if after is not None and after.kind in ("unit", "word") else ""


def _is_only_one_of_its_kind(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the number cannot be another one's: statement and cited text have one with its unit, or one bare."""
    own = aligned.statement[at]
    unit = _measure(aligned.statement, at)
    stated = {
        token.key
        for place, token in enumerate(aligned.statement)
        if _is_amount(aligned.statement, place) and _measure(aligned.statement, place) == unit
    }
    cited = {
        token.key
        for alignment in aligned.alignments
        for place, token in enumerate(alignment.sentence)
        if _is_amount(alignment.sentence, place) and _measure(alignment.sentence, place) == unit
    }
    return stated == cited == {own.key}


def _has_its_noun(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether a sentence that has no other number has what the number counts, and none of the others has it."""
    if aligned.statement[at].kind != "number":
        return False
    counted = next((token.key for token in aligned.statement[at + 1 : at + 2] if token.kind == "word"), "")
    having = [
        alignment.sentence
        for alignment in aligned.alignments
        if any(token.key == counted for token in alignment.sentence)
    ]
    return len(having) == 1 and {
        having[0][place].key for place in range(len(having[0])) if _is_amount(having[0], place)
    } == {aligned.statement[at].key}


def _measure(words: Sequence[Token], at: int) -> str:
    """Return the key of the unit directly after a number; empty for a bare number."""
    after = words[at + 1] if at + 1 < len(words) else None
    return after.key if after is not None and after.kind == "unit" else ""


def _is_amount(words: Sequence[Token], at: int) -> bool:
    """Tell whether a word is a number that is no part of a date."""
    return words[at].kind == "number" and not _is_in_date(words, at)


_COUNTING = frozenset("number total count figure toll tally".split())


def _counts_the_same(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether "87 people" is said for "the number of people ... rose to 87", the only bare number there."""
    counted = next((token.key for token in aligned.statement[at + 1 : at + 2] if token.kind == "word"), "")
    for alignment in aligned.alignments:
        words = alignment.sentence
        for place, token in enumerate(words):
            noun = next((word.key for word in words[place + 1 : place + 4] if word.kind in CLAIMING), "")
            if token.bare in _COUNTING and noun == counted != "":
                return _is_only_one_of_its_kind(aligned, at)
    return False


def _is_in_turned_list(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether "29 for steel, 11 for piers" is said for "steel takes 29, piers 11", each number with its words."""
    statement, sentence = aligned.statement, aligned.nearest(at).sentence
    stated, cited = (
        [place for place in range(len(words)) if _is_amount(words, place)] for words in (statement, sentence)
    )
    keys = [sentence[place].key for place in cited]
    if len(stated) < 2 or len(set(keys)) < len(keys) or any(statement[place].key not in keys for place in stated):
        return False
    return _has_words_across(statement, stated, sentence, cited)


def _has_words_across(
    first: Sequence[Token], numbers: Sequence[int], last: Sequence[Token], same_numbers: Sequence[int]
) -> bool:
    """Tell whether the words after each number in one text are before the same number in the other."""
    before = {
        last[place].key: {token.key for token in last[start + 1 : place] if token.kind in CLAIMING}
        for start, place in zip([-1, *same_numbers], same_numbers, strict=False)
    }
    for place, end in zip(numbers, [*numbers[1:], len(first)], strict=True):
        after = {token.key for token in first[place + 1 : end] if token.kind in ("word", "name")}
        if not after or not after <= before.get(first[place].key, set()):
            return False
    return True


def _resolves_time_phrase(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the date that the word is part of is what a time phrase of the sentence means."""
    if not _is_in_date(aligned.statement, at) or words_of_kind(aligned.slot(at), "name"):
        return False
    start = end = at
    while start and _is_in_date(aligned.statement, start - 1):
        start -= 1
    while end < len(aligned.statement) and _is_in_date(aligned.statement, end):
        end += 1
    own = {token.key for token in aligned.statement[start:end]}
    nearest = aligned.nearest(at)
    is_anchored = start > 0 and nearest.in_sentence[start - 1] is not None
    slot = nearest.slot(at) if is_anchored else aligned.slot(at)
    replaced = {token.key for place, token in enumerate(slot) if _is_in_date(slot, place)}
    return any(own <= _keys_of(period) and replaced <= period.phrase | _keys_of(period) for period in aligned.periods())


def _is_in_date(words: Sequence[Token], at: int) -> bool:
    """Tell whether a word is a month, a weekday, the day after its month, or a year; "14 days" is no date."""
    value = words[at].value
    if value is None:
        return words[at].kind in ("month", "weekday")
    if at + 1 < len(words) and words[at + 1].kind == "unit":
        return False
    return (1 <= value <= 31 and at > 0 and words[at - 1].kind == "month") or 1800 <= value <= 2100


def _keys_of(period: Period) -> set[str]:
    """Return the keys that may name a period: of a day all its parts, of a month its name and year, of a year that."""
    first, last = period.first, period.last
    keys = {f"#{first.year}"} if first.year == last.year else set()
    if keys and first.month == last.month:
        keys |= {f"month:{first.month}"}
        if first == last:
            keys |= {f"#{first.day}", f"day:{first.weekday()}"}
    return keys


def _shares_neighbours(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the number has one of its neighbouring words near it in a cited sentence too."""
    words = aligned.statement
    stated = {token.key for token in words[max(0, at - 3) : at + 4] if token.kind in CLAIMING} - {words[at].key}
    for alignment in aligned.alignments:
        for position, token in enumerate(alignment.sentence):
            if token.key == words[at].key:
                cited = {other.key for other in alignment.sentence[max(0, position - 3) : position + 4]}
                if stated & cited or not stated:
                    return True
    return False


def _is_split_at_comma(slot: Sequence[Token], own: Token) -> bool:
    """Tell whether the cited text has the same number with a space after its comma: "3, 800"."""
    pieces = [token.shown for token in slot if token.kind == "number"]
    return len(pieces) > 1 and "".join(pieces) == own.shown.replace(",", "")


def _is_rounded(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether "about 190 billion" is given for a number of the cited text that is near to it."""
    value = aligned.statement[at].value
    if value is None or not at:
        return False
    word = aligned.statement[at - 1].bare
    low, high = value, value
    if word in lexicon.APPROXIMATE:
        low, high = value * Decimal(1 - _ABOUT), value * Decimal(1 + _ABOUT)
    elif word in lexicon.BELOW:
        low = value * Decimal(1 - _NEARLY)
    elif word in lexicon.ABOVE:
        high = value * Decimal(1 + _NEARLY)
    if low == high:
        return False
    cited = [token.value for alignment in aligned.alignments for token in alignment.sentence if token.kind == "number"]
    return any(
        low <= other <= high and _significant_digits(value) < _significant_digits(other)
        for other in cited
        if other is not None
    )


def _significant_digits(value: Decimal) -> int:
    """Return how many digits are significant: two of 190."""
    return len(str(value.normalize().as_tuple().digits))


def find_swapped_numbers(alignment: Alignment) -> Iterator[Discrepancy]:
    """Yield a number that is between the words of another number, which the statement has elsewhere."""
    stated, cited = _numbers_between(alignment.statement), _numbers_between(alignment.sentence)
    stated_keys, cited_keys = (
        {token.key for token in words if token.kind == "number"} for words in (alignment.statement, alignment.sentence)
    )
    for key, neighbours in stated:
        cited_here = {other for other, other_neighbours in cited if other_neighbours == neighbours}
        if key in cited_keys and key not in cited_here and cited_here & stated_keys:
            shown = key.removeprefix("#")
            yield Discrepancy(f"number of something else in cited text: {shown}", True, shown)


def _numbers_between(words: Sequence[Token]) -> list[tuple[str, tuple[str, str]]]:
    """Return each number with the words before and after it."""
    triples = zip(words, words[1:], words[2:], strict=False)
    return [
        (number.key, (before.key, after.key))
        for before, number, after in triples
        if number.kind == "number" and "number" not in (before.kind, after.kind)
    ]


def check_unit(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why the unit of a number is wrong; the unit of a number that is only beside the cited text is there too."""
    own = aligned.statement[at]
    number = aligned.statement[at - 1].key
    for alignment in aligned.alignments:
        if any(
            a.key == number and own.key == (b.key if b.kind == "unit" else c.key)
            for a, b, c in _triples(alignment.sentence)
        ):
            return
    if number not in aligned.cited_keys and aligned.around.measures(number, own.key):
        return
    if _is_understood(aligned, at):
        yield Discrepancy(f"unit not with this number in cited text: {own.shown}", False, own.shown)
        return
    replaced = words_of_kind(aligned.slot(at), "unit")
    yield Discrepancy(
        f"altered: {own.shown} for {replaced}" if replaced else f"unit not in cited text: {own.shown}", True, own.shown
    )


def _is_understood(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether a cited sentence has the number without a unit, and the unit elsewhere: "1.3m euros, took 11m"."""
    own, number = aligned.statement[at], aligned.statement[at - 1].key
    return any(
        token.key == number
        and not any(word.kind == "unit" for word in alignment.sentence[place + 1 : place + 3])
        and own.key in (word.key for word in alignment.sentence[:place])
        for alignment in aligned.alignments
        for place, token in enumerate(alignment.sentence)
    )


def _triples(words: Sequence[Token]) -> Iterator[tuple[Token, Token, Token]]:
    padded = [*words, words[-1], words[-1]] if words else []
    yield from zip(padded, padded[1:], padded[2:], strict=False)
