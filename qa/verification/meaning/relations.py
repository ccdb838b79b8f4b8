"""Somebody's lawyer, aide or brother that became the person himself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from qa.verification import lexicon as words_lexicon
from qa.verification.aligned_statement import Discrepancy
from qa.verification.meaning.reading import Reading, is_claiming, lexicon, stem_lexicon

_LINKS = lexicon("of for to")
# They speak, or are counted, for the whole that follows: "a spokesman for the firm said", "the city of York".
_SPEAKERS = stem_lexicon("spokesman spokeswoman spokesperson statement report representative official website")
_NAMED_BY = stem_lexicon(
    "city town village state region province district county country nation republic kingdom island port group team"
    " crowd total couple pair number member people thousand hundred dozen million billion kind type sort form"
    " resident"
    " citizen set series range lot plenty piece bunch array case month year day age title name government"
    " capital area"
    " community population body majority line stretch mix variety host string wave spate level amount sum duo trio"
)


def find_lost_relation(reading: Reading) -> Iterator[Discrepancy]:
    """Yield a name that took the place of somebody or something that is only related to it."""
    sentence, alignment = reading.sentence, reading.alignment
    for at, token in enumerate(sentence):
        place = reading.place(at)
        if place is None or not is_claiming(token):
            continue
        head = _lost_owner(reading, at, place)
        if head is None:
            head = _lost_head(reading, at, place)
        if head is not None:
            yield Discrepancy(
                f"the cited text has this of another: {sentence[head].shown} of {token.shown}", False, token.shown
            )
    del alignment


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
    sentence, statement = reading.sentence, reading.statement
    start = at
    while start and sentence[start].kind == sentence[start - 1].kind == "name" and not sentence[start].after_break:
        start -= 1
    if start != at and sentence[at].kind != "name":
        return None
    first = place - (at - start)
    if first < 0 or start < 2 or reading.alignment.in_sentence[first] != start:
        return None
    if sentence[at].kind == "name" and at + 1 < len(sentence) and sentence[at + 1].kind == "name":
        return None  # its last word decides
    if sentence[start].kind != "name" and not sentence[start].after_article:
        return None
    link, head = start - 1, start - 2
    if sentence[link].bare not in _LINKS or sentence[start].after_break or sentence[link].after_break:
        return None
    noun = sentence[head]
    if noun.kind not in ("word", "name") or reading.is_kept(head) or noun.key in _NAMED_BY:
        return None
    if noun.kind == "name" and sentence[start].kind == "name" and noun.shown.isupper():
        return None
    before = statement[first - 1] if first else None
    if before is not None and reading.alignment.in_sentence[first - 1] is None and not statement[first].after_break:
        return None
    if before is not None and not statement[first].after_break:
        position = reading.alignment.in_sentence[first - 1]
        if position is None or position > head:
            return None
    after = place + 1
    if after < len(statement):
        position = reading.alignment.in_sentence[after]
        if position is None or position < at or position > at + 8:
            return None
        if noun.key in _SPEAKERS and statement[after].bare in words_lexicon.SPEECH_WORDS:
            return None
    elif before is None:
        return None
    return head
