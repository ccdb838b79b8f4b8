"""Somebody's lawyer, aide or brother that became the person himself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from qa.verification import lexicon as words_lexicon
from qa.verification.aligned_statement import Discrepancy
from qa.verification.meaning.reading import Reading, is_claiming, lexicon, stem_lexicon

_LINKS = lexicon("of for to")
_REACH = 8  # how far on in the sentence the statement may go on
# They speak, or are counted, for the whole that follows: "a spokesman for the firm said", "the city of York".
_SPEAKERS = stem_lexicon("spokesman spokeswoman spokesperson statement report representative official website")
_NAMED_BY = stem_lexicon(
    "city town village state region province district county country nation republic kingdom island port group team"
    " crowd total couple pair number member people thousand hundred dozen million billion kind type sort form"
    " resident citizen set series range lot plenty piece bunch array case month year day age title name government"
    " capital area community population body majority line stretch mix variety host string wave spate level amount"
    " sum duo trio"
)


def find_lost_relation(reading: Reading) -> Iterator[Discrepancy]:
    """Yield a name that took the place of somebody or something that is only related to it."""
    for at, token in enumerate(reading.sentence):
        place = reading.place(at)
        if place is None or not is_claiming(token):
            continue
        head = _lost_owner(reading, at, place)
        if head is None:
            head = _lost_head(reading, at, place)
        if head is not None:
            shown = f"{reading.sentence[head].shown} of {token.shown}"
            yield Discrepancy(f"the cited text has this of another: {shown}", False, token.shown)


def _lost_owner(reading: Reading, at: int, place: int) -> int | None:
    """Return the noun that "Varga's" belongs to, if the statement has "Varga" and goes on behind that noun."""
    sentence = reading.sentence
    if not sentence[at].shown.endswith(("'s", "s'")) or sentence[at].kind not in ("name", "word"):
        return None
    if reading.statement[place].shown.endswith(("'s", "s'")):
        return None
    head = next((step for step in range(at + 1, min(len(sentence), at + 5)) if is_claiming(sentence[step])), None)
    if head is None or sentence[head].after_break or sentence[head].key in _SPEAKERS or reading.is_kept(head):
        return None
    after = place + 1
    if after >= len(reading.statement):
        return head
    position = reading.alignment.in_sentence[after]
    return head if position is not None and position > head else None


def _lost_head(reading: Reading, at: int, place: int) -> int | None:
    """Return the noun of "a lawyer for Varga", if the statement has only "Varga" in its place."""
    sentence = reading.sentence
    if sentence[at].kind == "name" and at + 1 < len(sentence) and sentence[at + 1].kind == "name":
        return None  # the last word of a name decides
    start = at
    while start and sentence[start].kind == sentence[start - 1].kind == "name" and not sentence[start].after_break:
        start -= 1
    if start < 2 or not (sentence[start].kind == "name" or sentence[start].after_article):
        return None
    head, link = start - 2, start - 1
    if sentence[link].bare not in _LINKS or sentence[start].after_break or sentence[link].after_break:
        return None
    noun = sentence[head]
    if noun.kind not in ("word", "name") or noun.key in _NAMED_BY or reading.is_kept(head):
        return None
    first = place - (at - start)
    if first < 0 or reading.alignment.in_sentence[first] != start:
        return None
    takes_place = _follows_what_is_before(reading, first, head) and _goes_on(reading, place + 1, at)
    spoken = noun.key in _SPEAKERS and any(
        token.bare in words_lexicon.SPEECH_WORDS for token in reading.statement[place + 1 : place + 2]
    )
    return head if takes_place and not spoken else None


def _follows_what_is_before(reading: Reading, first: int, head: int) -> bool:
    """Tell whether the name begins the statement or a clause of it, or is right behind what is before the noun."""
    if first == 0 or reading.statement[first].after_break:
        return True
    position = reading.alignment.in_sentence[first - 1]
    return position is not None and position < head


def _goes_on(reading: Reading, after: int, at: int) -> bool:
    """Tell whether the statement goes on as the sentence does, or ends."""
    if after >= len(reading.statement):
        return True
    position = reading.alignment.in_sentence[after]
    return position is not None and at < position <= at + _REACH
