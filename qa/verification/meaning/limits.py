"""Limits that the statement leaves out beside what they limit: bounds of numbers, parts of a group, ranks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.text.english import NAME_TITLES
from qa.verification.aligned_statement import Discrepancy
from qa.verification.meaning.reading import Reading, is_claiming, lexicon
from qa.verification.tokens import Token


def _phrases(written: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.split()) for phrase in written.split("|"))


# Right before a number; longest first. "Only 12" and "exactly 12" leave it what it is.
_BOUNDS = _phrases(
    "no more than|no fewer than|no less than|not more than|not less than|not fewer than|as many as|as much as"
    "|as few as|as little as|as high as|as low as|minimum of|maximum of|upwards of|in excess of|north of"
    "|somewhere around|more than|less than|fewer than|greater than|higher than|lower than|larger than|smaller than"
    "|better than|worse than|older than|younger than|longer than|shorter than|at least|at most|up to|close to"
    "|close on|just over|just under|well over|well under|just short of|short of|not quite|nearly|almost|approximately"
    "|approx|roughly|around|about|some|over|under|above|below|exceeding|circa|virtually|practically|barely|maximum"
    "|minimum|between|estimated"
)
_LONGEST_BOUND = max(map(len, _BOUNDS))
_AFTER_NUMBER = _phrases(
    "or more|or fewer|or less|or so|at least|at most|or higher|or older|or younger|and over|and under"
)
_APPROXIMATE_DURATION = lexicon("over around about some between above below under")
_TIME_UNITS = lexicon("minute hour day week month year decade century seconds")
# Before "of": a part. With the article only, where the word may also name a whole ("hundreds of people").
_PARTS = lexicon(
    "most some half part parts many several few one none majority minority third quarter quarters fifth tenth portion"
    " fraction percent percentage share bulk much little all any section segment handful two three four five six"
    " seven eight nine ten dozens scores hundreds thousands rest remainder number couple either neither"
)
_ALWAYS_PARTS = lexicon(
    "most half majority minority third quarter quarters fifth tenth portion fraction percent share bulk few none"
)
_WHOLES = lexicon("all any each every both")
_QUANTITIES = _PARTS | _WHOLES
_DEFINITE = lexicon("his her its their our my your these those them us")
# Before a title: not the holder of it.
_RANKS = lexicon(
    "vice deputy sub assistant associate adjunct junior acting interim caretaker provisional temporary former ex"
    " onetime erstwhile retired outgoing incoming honorary titular nominal trainee apprentice aspiring prospective"
    " potential presumptive presumed alleged styled proclaimed fake false bogus mock pretend purported supposed"
    " reserve substitute backup shadow co proposed planned unofficial deposed understudy"
)
_BEHIND = lexicon("elect designate nominee candidate emeritus hopeful")  # "President-elect"
_ALL_RANKS = _RANKS | _BEHIND
_LIMITING = lexicon(
    "most least limit limits limited maximum minimum cap capped more fewer less than nearly almost about"
)


def find_lost_limit(reading: Reading) -> Iterator[Discrepancy]:
    """Yield a limit of the sentence that the statement lacks where it has what is limited."""
    words = reading.sentence
    for at in range(len(words)):
        place = reading.place(at)
        if place is None:
            continue
        if words[at].kind == "number":
            yield from _lost_bound(reading, at, place)
        if is_claiming(words[at]):
            yield from _lost_part(reading, at, place)
        if words[at].kind in ("word", "name", "unit"):
            yield from _lost_rank(reading, at, place)


def _lost_bound(reading: Reading, at: int, place: int) -> Iterator[Discrepancy]:
    words = reading.sentence
    bound = _bound_before(words, at)
    after = _bound_after(words, at)
    unit = words[at + 1].key if at + 1 < len(words) else ""
    if bound and bound[0] in _APPROXIMATE_DURATION and len(bound) == 1 and unit in _TIME_UNITS:
        bound = ()
    if bound[:1] == ("some",) and words[at - 1].after_article:
        bound = ()
    if bound and "between" in bound:
        bound = ()
    lost = bound or after
    if not lost:
        return
    if _bound_before(reading.statement, place) or _bound_after(reading.statement, place):
        return  # another bound is another discrepancy
    if any(token.bare in _LIMITING for token in reading.statement if token.key in reading.moved_keys):
        return
    shown = " ".join(lost)
    yield Discrepancy(f"limit left out: {shown} {words[at].shown}", False, words[at].shown)


def _bound_before(words: Sequence[Token], at: int) -> tuple[str, ...]:
    while at and words[at - 1].kind == "unit" and words[at - 1].shown in "$€£":
        at -= 1
    before = " ".join(token.bare for token in words[max(0, at - _LONGEST_BOUND) : at]).split()  # "no more" is one token
    for phrase in _BOUNDS:
        if tuple(before[-len(phrase) :]) == phrase:
            return phrase
    return ()


def _bound_after(words: Sequence[Token], at: int) -> tuple[str, ...]:
    for skip in (1, 2):
        for phrase in _AFTER_NUMBER:
            if tuple(token.bare for token in words[at + skip : at + skip + len(phrase)]) == phrase and not (
                words[at + skip].after_break
            ):
                return phrase
    return ()


def _lost_part(reading: Reading, at: int, place: int) -> Iterator[Discrepancy]:
    """Yield "most of the" before a noun, or "most" alone, that the statement lacks."""
    words = reading.sentence
    head = at
    while head and is_claiming(words[head - 1]) and not words[head].after_article and not words[head].after_break:
        head -= 1
        if at - head > 3:
            return
    part = None
    if head > 1 and words[head - 1].bare == "of":
        quantity = words[head - 2]
        if (
            quantity.bare in _ALWAYS_PARTS
            or quantity.key == "percent"
            or (
                (words[head].after_article or _is_definite(words[head]))
                and (quantity.bare in _PARTS or quantity.kind == "number" or quantity.key == "#1")
            )
        ) and quantity.bare not in _WHOLES:
            part = head - 2
    if part is None and words[head].bare in ("most", "few") and head < at:
        plural = words[at].shown.endswith("s")
        part = head if plural and not words[head].after_article and words[head].kind in ("word", "filler") else None
    if part is None:
        return
    if reading.is_kept(part) or (part + 1 in reading.alignment.in_statement and words[part + 1].bare == "of"):
        return
    if any(_is_quantity(token) for token in reading.statement[max(0, place - 5) : place]):
        return
    shown = words[part].shown
    yield Discrepancy(f"limit left out: {shown} of {words[at].shown}", False, words[at].shown)


def _is_definite(token: Token) -> bool:
    return token.kind == "name" or token.bare in _DEFINITE


def _is_quantity(token: Token) -> bool:
    return token.bare in _QUANTITIES or token.kind == "number" or token.key in ("percent", "#1")


def _lost_rank(reading: Reading, at: int, place: int) -> Iterator[Discrepancy]:
    """Yield "deputy" or "former" before a title, or "elect" behind it, that the statement lacks."""
    words = reading.sentence
    if words[at].kind == "name" and words[at].bare not in NAME_TITLES:
        return  # "trainee Ana Moss" is Ana Moss
    beside = [step for step in (at - 1, at + 1) if 0 <= step < len(words)]
    for step in beside:
        ranks = _RANKS if step < at else _BEHIND
        separated = words[max(step, at)].after_break or words[max(step, at)].after_article
        if words[step].bare not in ranks or separated or reading.is_kept(step):
            continue
        if any(token.bare in _ALL_RANKS for token in reading.statement[max(0, place - 2) : place + 2]):
            continue
        shown = " ".join(token.shown for token in words[min(step, at) : max(step, at) + 1])
        yield Discrepancy(f"limit left out: {shown}", False, words[at].shown)
