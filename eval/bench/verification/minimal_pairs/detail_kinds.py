"""Minimal pairs about details: limits, times, places, counts, and words that mean something near."""

from __future__ import annotations

from eval.bench.verification.minimal_pairs import words
from eval.bench.verification.minimal_pairs.factual_kinds import trim_true
from eval.bench.verification.minimal_pairs.forms import Clauses, Vocabulary
from eval.bench.verification.minimal_pairs.words import Event

Counted = list[str]  # two subjects, what both did, to what

_LIMITS = (
    "fewer than|up to|nearly|at least|more than|almost|at most|over|no more than|less than|not quite|a minimum of"
    "|close to|under|as many as|just under|well over|around"
).split("|")
_PARTS = (
    "most of the|one of the|some of the|half of the|many of the|a few of the|part of the|several of the"
    "|a majority of the|a third of the|nearly all the|a quarter of the"
).split("|")
_HOURS = (
    "opened closed|left returned|arrived departed|rose set|landed took-off|began ended|docked sailed|woke slept"
    "|started stopped|met parted|signed-on signed-off|checked-in checked-out"
).split("|")
_PERIODS = "week|month|year|season|quarter|summer|decade|winter|spring|term|weekend|session".split("|")
_DOCUMENTS = (
    "the programme|the accounts|the budget|the figures|the timetable|the estimates|the calendar|the guest list"
    "|the fees|the targets|the menu|the rota|the plan|the survey|the price list|the draft|the bill|the report"
).split("|")
_PREPOSITIONS = (
    "before after|inside outside|above below|with without|to from|into out-of|ahead-of behind|for against|under over"
    "|towards away-from|near far-from|during after|up down|on off|before during|in-front-of behind|until after"
    "|west-of east-of"
).split("|")
_PLACES = (
    "the parade|the chapel|the customs shed|the lecture|the ferry terminal|the barracks|the vineyard|the referendum"
    "|the bandstand|the greenhouse|the tunnel|the town wall|the ceremony|the water tower|the assembly hall|the bridge"
    "|the fountain|the clock tower|the sluice|the dry dock|the royal box|the lighthouse"
).split("|")
_MOVES = (
    "waited|sang|camped|voted|slept|marched|spoke|played|fought|danced|rested|rehearsed|lined up|demonstrated|ate"
    "|gathered|stood|prayed"
).split("|")
_CROWDS = (
    "the rescue team|the brass band|the delegation|the night shift|the wedding party|the youth troupe|the platoon"
    "|the hiking club|the ferry crew|the school class|the search party|the women's choir"
).split("|")
# An act, a graver or later one that is often taken for it, and both passive.
_NEAR = (
    "arrested imprisoned|charged convicted|nominated appointed|suspended sacked|injured killed|accused convicted"
    "|questioned arrested|wounded killed|investigated charged|shortlisted selected|detained deported|warned punished"
    "|interviewed hired|sued defeated|examined treated|trailed caught|recommended appointed|invited hosted"
    "|threatened attacked|hurt killed|indicted sentenced|advised instructed|reprimanded dismissed|courted married"
).split("|")
_NEAR_THINGS = (
    "attacked invaded|damaged destroyed|postponed cancelled|proposed adopted|rented bought|drafted signed"
    "|ordered received|reduced abolished|tested approved|searched seized|borrowed kept|surrounded captured"
    "|shelled occupied|inspected closed|requested obtained|designed built|approached entered|auctioned donated"
    "|evacuated demolished|repaired replaced|slowed stopped|offered gave|valued sold|debated passed"
).split("|")
_SAME = (  # true synonyms, in a second clause of the evidence
    "purchased bought|began started|constructed built|assisted helped|ended finished|obtained got|permitted allowed"
    "|commenced started|required needed|selected chose|displayed showed|concluded ended"
).split("|")
_SAME_OBJECTS = (
    "a wooden shed|a photo show|a footbridge|the local school|a row of huts|a chess course|the flower stall"
    "|a small inn|the boat race"
).split("|")


def _count(v: Vocabulary) -> tuple[int, int]:
    first, second = v.rng.sample(range(12, 98), 2)
    return first, second


def _counted_sister(counted: Counted, v: Vocabulary) -> str:
    other = v.rng.choice([entry for entry in v.own(words.GROUP_EVENTS) if entry.subject not in counted])
    return f"{other.subject} {other.past} {other.object}"


def limit(counted: Counted, v: Vocabulary, turned: bool) -> Clauses:
    """Leave out what limits a number or a group."""
    subject, _, past, things = counted
    of, end = v.phrase(words.OF_PLACE), v.pick(words.ENDINGS)
    t_of, t_end = trim_true(v, of, end)
    f_of, f_end = (of if v.chance(0.5) else ""), (end if v.chance(0.5) else "")
    if turned:
        part = v.pick(_PARTS)
        one_of = part.startswith("one of")
        whole = f"the {things[:-1] if things.endswith('s') else things}" if one_of else f"the {things}"
        return Clauses(
            subject + of,
            f"{subject}{of} {past} {part} {things}{end}",
            f"{subject}{f_of} {past} {whole}{f_end}",
            f"{subject}{t_of} {past} {part} {things}{t_end}",
        )
    bound, number = v.pick(_LIMITS), v.rng.randint(11, 95) * v.rng.choice([1, 1, 10])
    return Clauses(
        subject + of,
        f"{subject}{of} {past} {bound} {number} {things}{end}",
        f"{subject}{f_of} {past} {number} {things}{f_end}",
        f"{subject}{t_of} {past} {bound} {number} {things}{t_end}",
        sister=_counted_sister(counted, v),
    )


def half_of_day(counted: Counted, v: Vocabulary, turned: bool) -> Clauses:
    """Take morning for evening."""
    subject = counted[0]
    first, second = v.rng.sample(range(1, 12), 2)
    one, other = v.rng.choice(
        [("a.m.", "p.m."), ("am", "pm"), ("in the morning", "in the evening"), ("p.m.", "a.m."), ("pm", "am")]
    )
    minutes = v.rng.choice(["", "", ":15", ":30", ":45"])
    glue = "" if one in ("am", "pm") and v.chance(0.5) else " "
    one, other = glue + one, glue + other
    starts, ends = (verb.replace("-", " ") for verb in v.pick(_HOURS).split())
    end = v.pick(words.ENDINGS)
    kept = end if v.chance(0.5) else ""
    day = v.pick(words.DAYS)
    hour = f"at {first}{minutes}"
    if turned:
        return Clauses(
            subject,
            f"{subject} {starts}{end} at {first}{minutes}{one} on {day}, not at {second}{other}",
            f"{subject} {starts}{kept} at {first}{minutes}{other} on {day}",
            f"{subject} {starts}{kept} at {first}{minutes}{one} on {day}",
        )
    return Clauses(
        subject,
        f"{subject} {starts}{end} {hour}{one} and {ends} at {second}{other}",
        f"{subject} {starts}{kept} {hour}{other}",
        f"{subject} {starts}{kept} {hour}{one}",
        sister=_counted_sister(counted, v),
    )


def last_next(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Take last for next."""
    period, (one, other) = v.pick(_PERIODS), v.rng.choice([("last", "next"), ("next", "last")])
    first, second = v.rng.sample(v.own(_DOCUMENTS), 2)
    of, end = v.phrase(words.OF_PLACE), v.pick(words.ENDINGS)
    k_of, k_end = trim_true(v, of, end)
    verb = v.pick(["published", "discussed", "lost", "presented", "printed", "compared"])
    s = event.subject
    if turned:
        return Clauses(
            s + of,
            f"{s}{of} {verb} {one} {period}'s {first[4:]} and {other} {period}'s {second[4:]}{end}",
            f"{s}{k_of} {verb} {other} {period}'s {first[4:]}{k_end}",
            f"{s}{k_of} {verb} {one} {period}'s {first[4:]}{k_end}",
        )
    return Clauses(
        s + of,
        f"{s}{of} {verb} {first} for {one} {period} and {second} for {other} {period}{end}",
        f"{s}{k_of} {verb} {first} for {other} {period}{k_end}",
        f"{s}{k_of} {verb} {first} for {one} {period}{k_end}",
        sister=_counted_sister([s], v),
    )


def preposition(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Take the opposite preposition."""
    one, other = (word.replace("-", " ") for word in v.pick(_PREPOSITIONS).split())
    if v.chance(0.5):
        one, other = other, one
    first, second = v.rng.sample(v.own(_PLACES), 2)
    move, crowd = v.pick(_MOVES), v.pick(_CROWDS)
    day = " on " + v.pick(words.DAYS)
    kept = day if v.chance(0.5) else ""
    if turned:  # the wrong one is not in the evidence
        thing = event.object
        return Clauses(
            event.subject,
            f"{event.subject} {event.past} {thing} {one} {first}{day}",
            f"{event.subject} {event.past} {thing} {other} {first}{kept}",
            f"{event.subject} {event.past} {thing} {one} {first}",
        )
    return Clauses(
        crowd,
        f"{crowd} {move} {one} {first} and {other} {second}{day}",
        f"{crowd} {move} {other} {first}{kept}",
        f"{crowd} {move} {one} {first}{kept}",
        sister=_counted_sister([event.subject], v),
    )


def number_of_clause(counted: Counted, v: Vocabulary, turned: bool) -> Clauses:
    """Take the number of the other clause."""
    one, other, past, things = counted
    first, second = _count(v)
    end = v.pick(words.ENDINGS)
    kept = end if v.chance(0.5) else ""
    true = f"{one} {past} {first} {things}{kept}"
    if turned:
        joint = v.pick(["compared with", "against", "after"])
        return Clauses(
            one,
            f"{one} {past} {first} {things}{end}, {joint} {second} by {other}",
            f"{one} {past} {second} {things}{kept}",
            true,
        )
    joint = v.pick([" and", ", while", "; "]).rstrip()
    return Clauses(
        one,
        f"{one} {past} {first} {things}{end}{joint} {other} {past if v.chance(0.4) else ''}".rstrip() + f" {second}",
        f"{one} {past} {second} {things}{kept}" if v.chance(0.5) else f"{other} {past} {first} {things}",
        true if v.chance(0.7) else f"{other} {past} {second} {things}",
        sister=_counted_sister(counted, v),
    )


def number_of_citation(counted: Counted, v: Vocabulary, turned: bool) -> Clauses:
    """Take the number of another cited sentence."""
    one, other, past, things = counted
    first, second = _count(v)
    end, second_end = v.rng.sample(v.own(words.ENDINGS), 2)
    day, kept = " on " + v.pick(words.DAYS), end if v.chance(0.5) else ""
    far = f"{other} {past} {second} {things}{second_end}"
    if turned:
        far = f"for {other} the count of {things} was {second}{second_end}"
    return Clauses(
        one,
        f"{one} {past} {first} {things}{end}{day}",
        f"{one} {past} {second} {things}{kept}",
        f"{one} {past} {first} {things}{kept}",
        other=far,
        sister="" if turned else _counted_sister(counted, v),
    )


def near_word(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Take a graver word for a milder one; the true twin may have a synonym."""
    person = v.chance(0.5)
    mild, grave = v.pick(_NEAR if person else _NEAR_THINGS).split()
    if v.chance(0.15):
        mild, grave = grave, mild
    same, synonym = v.pick(_SAME).split()
    thing = v.people(v.rng.choice("fm"))[0] if person else event.object
    s = v.rng.choice([entry.subject for entry in v.own(words.GROUP_EVENTS) if entry.object != thing])
    other = v.pick(_SAME_OBJECTS)
    if turned:
        end = v.pick(words.ENDINGS)
        kept = end if v.chance(0.5) else ""
        return Clauses(
            thing,
            f"{thing} was {mild} by {s}{end}",
            f"{thing} was {grave} by {s}{kept}",
            f"{thing} was {mild} by {s}",
            is_person=person,
        )
    if v.chance(0.5):
        evidence, sister = f"{s} {mild} {thing} and {same} {other}", f"{s} {synonym} {other}"
    else:
        evidence, sister = f"{s} {same} {other} and {mild} {thing}", f"{s} {synonym} {other}"
    return Clauses(s, evidence, f"{s} {grave} {thing}", sister)
