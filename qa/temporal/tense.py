"""Determine the tense, past or future, that governs a time phrase in an English sentence. Pure.

News writes "on Tuesday" for the last Tuesday and for the next one; only the verb tells them apart. That needs no full
parser: the tense of an adverbial is mostly that of the nearest verb group before it or, if it opens its clause, of the
first one after it.
"""

from __future__ import annotations

import re
from typing import Literal

from qa.text.english import IRREGULAR_VERBS

Tense = Literal["past", "future"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE, _AFTER = 160, 120  # characters inspected on each side: longer than any clause that helps
_NEAR = 8  # at most this many words between a verb in the present and the time it announces
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|[^\w\s]")
_STOPS = _words("; : — – “ ( …")
_OPENERS = _words(
    'and but that while which who where as when because if so or then whether how , ; : — – - “ ( " ‘ … !'
)
_SAYS = _words("said says say added told")

_MODALS = _words(
    "will would shall should may might must can could cannot won't wouldn't shan't shouldn't mustn't can't couldn't"
    " it'll he'll she'll we'll they'll you'll i'll that'll there'll he'd she'd they'd we'd i'd it'd"
)
_PRESENT_BE = _words("is are isn't aren't it's he's she's that's there's we're they're you're i'm who's what's")
_STATES = _words("located situated based known called named aged used set")
_PAST_BE = _words("was were wasn't weren't")
_PAST_AUXILIARY = _words("had did hadn't didn't got been")
_PERFECT = _words("has have hasn't haven't having i've we've they've you've who've")
_TO_COME = _words("due expected scheduled slated planned poised likely projected tipped billed bound forecast set")
_NEEDS_BE = _words("set forecast projected bound tipped billed poised")  # otherwise nouns or plain past verbs
_INTEND = _words(  # followed by "to", they announce the future
    "plan plans planned hope hopes hoped aim aims aimed want wants wanted intend intends intended expect expects"
    " promise promises promised prepare prepares prepared vow vows vowed pledge pledges pledged agree agrees agreed"
    " threaten threatens threatened ask asked urge urged order ordered told invite invited decide decides decided"
    " voted need needs needed wait waits waiting preparing planning hoping going"
)
_OPINION = _words("accused charged suspected alleged believed thought reported known convicted understood feared said")
_ADJECTIVE = _words(  # in -ed, and verbs only after a form of "be" or "have"
    "accused based called named known aged linked related backed owned dubbed suspected wanted entitled titled united"
    " alleged disputed proposed armed crowded unprecedented"
)
_NOT_PAST = _words(
    "need needed indeed speed hundred feed seed breed exceed succeed proceed shed bed red hatred sacred naked wicked"
    " kindred embed infrared wed"
)
_IRREGULAR = IRREGULAR_VERBS.keys() | _words(
    "beat become broke broken burnt cost cut did ended felt forgave froze had hit hurt learnt let lit overtook put quit"
    " read showed shut slid spread stuck undertook underwent upheld was were withdrawn withdrew woke"
)
_SCHEDULE = _words(  # in the present these announce: "talks resume on Monday", "the show opens on Friday"
    "start begin open close meet vote resume end return arrive leave go play host face run take come expire reopen"
    " conclude kick travel appear launch decide publish continue visit finish head fly sit speak elect choose hold"
    " mark"
)
_SCHEDULES = frozenset(word + ending for word in _SCHEDULE for ending in ("s", "es")) | {"flies"}
_DETERMINERS = _words(
    "the a an his her its their our my your this that these those of no some any more two three four five six most"
    " every free new first last second final early political one"
)
_BEFORE_ADJECTIVES = _words("the a an his her its their our my your this these those no every with of by for in from")
_CLAUSES = _words("that which who as if when because while after before")
_RELATIVES = _words("who which whose where who's")
_PRONOUNS = _words("we they you i who")
_ADVERBS = _words("not also now then never still since already only just both all soon once again first even")
_FINITE = _MODALS | _PRESENT_BE | _PAST_BE | _words("has have had did")
_NAMES = ("May", "Will")
_SHIFTS = _words("extended postponed delayed rescheduled moved pushed put brought adjourned")
_COMING = _words("upcoming forthcoming looming possible")
_REPORTING = _words(
    "saying stating telling announcing adding writing warning claiming tweeting reporting killing injuring"
)
_INVITATIONS = _words("enjoy join watch catch visit check tune book celebrate expect")  # at the head of a sentence
_SILENT = _words("comment say confirm discuss elaborate speculate answer reveal")  # "would not say": past


def tense_at(sentence: str, start: int, end: int) -> Tense | None:
    """Return the tense that governs `sentence[start:end]`, None if no verb decides it."""
    before = _TOKEN.findall(sentence, max(0, start - _BEFORE), start)
    after = _TOKEN.findall(sentence, end, end + _AFTER)
    possessive = after[:1] in (["'"], ["’"])
    lead = before[-1].lower() if before else ","
    if lead == "since":
        return "past"
    if lead in ("until", "till"):  # "will not open until Monday", "did not open until Monday"
        return "past" if _read_back(before) == "past" and _denied(before[-12:]) else "future"
    if before[-2:] == ["ahead", "of"] or lead == "for":  # "flights for Monday"
        return "future"
    if lead == "after" and possessive:
        return _read_back(before) or "past"
    if lead == "to" and _SHIFTS.intersection(before[-8:]):  # "was postponed to Monday"
        return "future"
    if _looks_ahead(before, lead, sentence[start:end], after, possessive):
        return _read_on(after, possessive) or _read_back(before)
    return _read_back(_clause(before)) or _read_on(after) or _read_back(before)


def _looks_ahead(before: list[str], lead: str, phrase: str, after: list[str], possessive: bool) -> bool:
    """Tell whether the verb that decides the tense comes after the phrase."""
    if possessive:
        return lead in _OPENERS or lead in _SAYS
    if after and after[0].lower() in _FINITE:  # "the vote on Tuesday will": the phrase belongs to the subject
        return True
    if lead in ("and", "or", "then"):  # "on Monday and Tuesday" goes on, "and on Tuesday" begins anew
        return not phrase[:1].isupper()
    if lead == "," and after[:1] == [","]:
        return _read_back(_clause(before)) is None
    return lead in _OPENERS


def _denied(words: list[str]) -> bool:
    return any(word in ("not", "never", "only") or word.endswith(("n't", "n’t")) for word in words)


def _clause(before: list[str]) -> list[str]:
    """Return the words after the last punctuation mark that ends a clause."""
    closed = False
    for i in range(len(before) - 1, -1, -1):
        closed = closed or before[i] == "”"
        if before[i] in _STOPS and not (before[i] == "“" and closed):
            return before[i + 1 :]
    return before


def _read_back(words: list[str]) -> Tense | None:
    infinitive = False
    for i in range(len(words) - 1, -1, -1):
        if words[i] == "to":
            infinitive = infinitive or _is_infinitive(words, i)
        elif found := _signal(words, i, infinitive, len(words) - i <= _NEAR):
            return found
    return None


def _is_infinitive(words: list[str], to: int) -> bool:
    """Tell "to meet" from "to a meeting" and "to London"."""
    following = words[to + 1] if to + 1 < len(words) else ""
    return following.islower() and following not in _DETERMINERS


def _read_on(words: list[str], possessive: bool = False) -> Tense | None:
    aside = False
    for i, word in enumerate(words):
        if word in _STOPS or (possessive and word in _CLAUSES):
            return None
        if word == "," and aside:
            aside = False
        elif word.lower().replace("’", "'") in _RELATIVES and words[i - 1 : i] == [","]:
            aside = True  # "on Monday the judge, who is new, ruled"
        if aside:
            continue
        infinitive = any(words[j] == "to" and _is_infinitive(words, j) for j in range(i + 1, min(i + 4, len(words))))
        if found := _signal(words, i, infinitive, i < _NEAR):
            return found
        if word.lower() in _PRESENT_BE and _next(words, i) not in _STATES:
            # "On Monday the court is in session", but "Monday's ruling is a blow"
            return None if possessive or i >= _NEAR else "future"
    return None


def _signal(words: list[str], i: int, infinitive: bool, near: bool) -> Tense | None:
    """Return the tense that this word signals, None if it is no verb or an earlier verb governs it."""
    word = words[i].lower().replace("’", "'")
    inside = i > 0 and words[i - 1] not in '"“‘,:;'
    if words[i].isupper() or (inside and words[i][0].isupper()):  # a name: US, Will
        return None
    if words[i] in _NAMES and _is_past(_next(words, i)):
        return None
    previous = _previous(words, i)
    if word in _MODALS:
        return _read_modal(words, i, word, previous)
    if word in _PRESENT_BE or word in _PAST_BE:
        return _read_be(words, i, word)
    if word in _TO_COME and (found := _read_to_come(words, i, word, previous)):
        return found
    if word in _INTEND and infinitive:
        return "past" if previous in ("did", "didn't") else None if previous in _DETERMINERS else "future"
    if word in _PERFECT:
        return _read_perfect(words, i, previous)
    if word in _PAST_AUXILIARY or _is_past(word):
        return _read_past(words, i, word, previous)
    if (word in _COMING and near) or (word in _INVITATIONS and i == 0 and words[i][0].isupper()):
        return "future"
    if word in _REPORTING and near:
        return "past"
    if word in _SCHEDULES and near:
        return None if previous in _DETERMINERS or previous.endswith(("'s", "’s")) else "future"
    if word in _SCHEDULE and near:
        plural = (i == 1 or words[i - 1].islower()) and previous.endswith("s") and len(previous) > 3
        return "future" if plural or previous in _PRONOUNS else None
    return None


def _previous(words: list[str], i: int) -> str:
    """Return the word before, skipping adverbs, in lower case."""
    for j in range(i - 1, max(-1, i - 4), -1):
        word = words[j] if words[j] in _NAMES else words[j].lower()
        if word not in _ADVERBS and not (word.endswith("ly") and len(word) > 4):
            return word
    return ""


def _next(words: list[str], i: int) -> str:
    """Return the word after, skipping adverbs, in lower case."""
    for j in range(i + 1, min(len(words), i + 4)):
        word = words[j].lower()
        if word not in _ADVERBS and not (word.endswith("ly") and len(word) > 4):
            return word
    return ""


def _read_modal(words: list[str], i: int, word: str, previous: str) -> Tense | None:
    following = _next(words, i)
    if previous in _DETERMINERS and word == "will":  # "his will", "the will"
        return None
    if following == "have" and word not in ("will", "won't", "shall") and not word.endswith("'ll"):
        return "past"
    denied = word.endswith("n't") or "not" in (w.lower() for w in words[i + 1 : i + 2])
    if denied and word.startswith("could"):  # "could not be reached on Monday"
        return "past"
    if denied and word.startswith("would") and (following in _SILENT or "drawn" in words[i + 1 : i + 4]):
        return "past"
    return "future"


def _read_be(words: list[str], i: int, word: str) -> Tense | None:
    following = _next(words, i)
    if following in _TO_COME or following == "to" or "going to" in " ".join(words[i + 1 : i + 4]):
        return "future"
    if following in _STATES:
        return "past" if word in _PAST_BE else None
    if word in _PAST_BE:
        return "past"
    if following in _OPINION:
        return "past"
    # "The trial is on Monday", "is meeting on Monday"; a distant "is" says nothing about the tense.
    near = len(words) - i <= 3
    return "future" if near or following.endswith("ing") or _is_past(following) else None


def _read_to_come(words: list[str], i: int, word: str, previous: str) -> Tense | None:
    following = words[i + 1].lower() if i + 1 < len(words) else ""
    be = previous in _PRESENT_BE or previous in _PAST_BE or previous in ("be", "been", "being")
    if previous == "been":
        return "past" if "had" in (w.lower() for w in words[max(0, i - 4) : i]) else "future"
    if "originally" in words[max(0, i - 1) : i] or "Originally" in words[max(0, i - 1) : i]:
        return "past"
    if previous in ("than", "as") or (word in _NEEDS_BE and not be):
        return None
    if word == "due" and following == "to":
        cause = i + 2 < len(words) and words[i + 2].lower() in _DETERMINERS
        return None if cause or not be else "future"
    return "future"


def _read_perfect(words: list[str], i: int, previous: str) -> Tense | None:
    following = _next(words, i)
    if previous in _MODALS:
        return None  # the modal itself decides
    if following in ("until", "to", "a", "an", "two", "three", "another"):
        return "future"
    return "past"


def _is_past(word: str) -> bool:
    return word in _IRREGULAR or (word.endswith("ed") and len(word) > 3 and word not in _NOT_PAST)


def _read_past(words: list[str], i: int, word: str, previous: str) -> Tense | None:
    """Read a past form by the auxiliary before it: "will be held", "is held", "was held", "held"."""
    if previous in _MODALS or previous in ("to", "be"):  # "will shut", "to be held": what governs them decides
        return None
    if previous == "being":
        return None
    if previous in _PRESENT_BE and word not in _PAST_AUXILIARY:
        return "past" if word in _OPINION else "future"
    if previous in _PAST_BE or previous in _PERFECT or previous in _PAST_AUXILIARY:
        return None if previous in _PERFECT else "past"
    if previous == "if":
        return "future"
    if word in _ADJECTIVE or previous == "-":
        return None
    return None if previous in _BEFORE_ADJECTIVES and word.endswith("ed") else "past"
