"""Minimal pairs about who: relations, ranks, kinship, roles, pronouns, and which of two a verdict is of."""

from __future__ import annotations

from eval.bench.verification.minimal_pairs import words
from eval.bench.verification.minimal_pairs.factual_kinds import trim_true
from eval.bench.verification.minimal_pairs.forms import Clauses, Vocabulary
from eval.bench.verification.minimal_pairs.words import Event

_RELATIONS = (
    "a lawyer for {}|{}'s aide|a brother of {}|the daughter of {}|{}'s agent|the driver of {}|{}'s neighbour"
    "|a bodyguard of {}|{}'s accountant|the widow of {}|a supporter of {}|{}'s doctor|a colleague of {}"
    "|{}'s secretary|the nephew of {}|a friend of {}|{}'s lawyer|a critic of {}|{}'s father|a rival of {}|{}'s tenant"
).split("|")
_RANKS = (
    "deputy mayor|former minister|vice president|acting director|assistant coach|interim chairman|deputy governor"
    "|former ambassador|vice admiral|acting chancellor|assistant manager|ex-senator|deputy prosecutor|retired judge"
    "|vice chairman|trainee treasurer|junior minister|honorary consul|former champion|associate professor"
    "|caretaker premier|incoming rector|would-be mayor|co-pilot"
).split("|")
_KIN = (
    "brother sister|mother father|uncle aunt|son daughter|wife cousin|nephew niece|grandmother grandfather"
    "|stepson stepdaughter|husband brother-in-law|father uncle|sister cousin|grandson nephew|mother aunt|fiancé brother"
    "|widow daughter|godfather stepfather|daughter niece|twin mother-in-law"
).split("|")
_ROLES = (
    "nurse surgeon|plumber engineer|goalkeeper striker|prosecutor judge|pilot navigator|director producer|cook waiter"
    "|buyer seller|teacher pupil|landlord tenant|author translator|conductor soloist|doctor pharmacist|captain mate"
    "|clerk manager|drummer singer|bishop deacon|architect builder|sheriff deputy|coach physiotherapist|lender borrower"
    "|witness suspect|mechanic driver|editor reporter"
).split("|")
# What was done to the first and what to the second: the two exclude each other.
_VERDICTS = (
    "convicted acquitted|promoted demoted|hired sacked|praised criticised|arrested freed|elected rejected"
    "|fined cleared|pardoned jailed|selected dropped|rewarded punished|admitted expelled|backed opposed"
    "|charged released|defended accused|honoured censured|recalled suspended|endorsed condemned|accepted excluded"
    "|nominated vetoed|thanked blamed|retained dismissed|welcomed banned|decorated disciplined|exonerated indicted"
).split("|")
_JURIES = (
    "the court|the tribunal|the panel|the board|the committee|the jury|the commission|the academy|the federation"
    "|the bench|the senate|the inquiry"
).split("|")
_WHEN = (
    " after a long debate| at a closed hearing| on the advice of the auditors| without a public hearing"
    "| in a narrow vote| during the winter session"
).split("|")
_OWNED = (
    "passport|savings|violin|luggage|driving licence|speech|medal|farm|diary|right shoe|election|car keys|job|ring"
    "|seat|patience|dog|notes|helmet|phone|appeal|hat"
).split("|")
_LOST = "lost|sold|mislaid|found|hid|pawned|described|burned|left behind|showed|returned|signed away".split("|")
_WON = "and|while|but|after|before|because".split("|")


def _sexes(v: Vocabulary) -> tuple[str, str]:
    return v.rng.choice([("f", "m"), ("m", "f")])


def _act(event: Event, end: str = "") -> str:
    return f"{event.past} {event.object}{end}"


def _person_sister(event: Event, v: Vocabulary) -> str:
    other = v.rng.choice([entry for entry in v.own(words.PERSON_EVENTS) if entry.subject != event.subject])
    return f"{other.subject} {_act(other)}"


def relation(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Make of somebody's lawyer the person himself."""
    (name,) = v.people(v.rng.choice("fm"))
    who, end = v.pick(_RELATIONS).format(name), v.pick(words.ENDINGS)
    of, t_end = trim_true(v, " on " + v.pick(words.DAYS), end)
    day = " on " + v.pick(words.DAYS)
    if turned:
        act = f"{event.object} was {event.participle} by"
        return Clauses(
            event.object,
            f"{act} {who}{end}{day}",
            f"{act} {name}{end if of else day}",
            f"{act} {who}{t_end if of else ''}",
        )
    return Clauses(
        who,
        f"{who} {_act(event, end)}{day}",
        f"{name} {_act(event, end if v.chance(0.4) else '')}",
        f"{who} {_act(event, t_end)}",
        sister=_person_sister(event, v),
        is_person=True,
    )


def rank(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Make a deputy the chief."""
    (name,) = v.people(v.rng.choice("fm"))
    surname = name.split()[-1]
    title, end = v.pick(_RANKS), v.pick(words.ENDINGS)
    place = v.pick(words.PLACES)
    higher = title.split("-", 1)[1] if title.startswith(("ex-", "co-")) else title.split(" ", 1)[1]
    kept = end if v.chance(0.5) else ""
    if turned:
        return Clauses(
            name,
            f"{name}, the {title} of {place}, {_act(event, end)}",
            f"{surname}, the {higher} of {place}, {_act(event, kept)}",
            f"{surname}, the {title} of {place}, {_act(event, kept)}",
            is_person=True,
        )
    return Clauses(
        f"the {title} of {place}",
        f"the {title} of {place} {_act(event, end)}",
        f"the {higher} of {place} {_act(event, kept)}",
        f"the {title} of {place} {_act(event)}" if kept else f"the {title} {_act(event, end)}",
        sister=_person_sister(event, v),
        is_person=True,
    )


def kin(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Take another relative."""
    (name,) = v.people(v.rng.choice("fm"))
    one, other = v.pick(_KIN).split()
    second = v.rng.choice([entry for entry in v.own(words.PERSON_EVENTS) if entry.subject != event.subject])
    end = v.pick(words.ENDINGS)
    kept = end if v.chance(0.5) else ""
    if turned:  # no relative of that kind in the evidence
        return Clauses(
            f"{name}'s {one}",
            f"{name}'s {one} {_act(event, end)}",
            f"{name}'s {other} {_act(event, kept)}",
            f"{name}'s {one} {_act(event)}",
            is_person=True,
        )
    if v.chance(0.5):
        return Clauses(
            f"{name}'s {one}",
            f"{name}'s {one} {_act(event, end)} and the {other} {_act(second)}",
            f"{name}'s {other} {_act(event, kept)}",
            f"{name}'s {one} {_act(event, kept)}",
            is_person=True,
        )
    return Clauses(
        f"the {other} of {name}",
        f"the {other} of {name} {_act(second)}, while the {one} {_act(event, end)}",
        f"the {other} of {name} {_act(event, kept)}",
        f"the {other} of {name} {_act(second)}",
        is_person=True,
    )


def role(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Tell of one what the other did, neither with a name."""
    one, other = v.pick(_ROLES).split()
    second = v.rng.choice([entry for entry in v.own(words.PERSON_EVENTS) if entry.object != event.object])
    end = v.pick(words.ENDINGS)
    kept = end if v.chance(0.5) else ""
    false = f"the {other} {_act(event, kept)}"
    true = f"the {one} {_act(event, kept)}"
    if turned:
        (name,) = v.people(v.rng.choice("fm"))
        return Clauses(
            name,
            f"{name}, a {one} from {v.pick(words.PLACES)}, {_act(event, end)} for the {other}",
            f"{name}, a {other}, {_act(event, kept)}",
            f"{name}, a {one}, {_act(event, kept)}",
            is_person=True,
        )
    joint = v.pick([", and", ", while", ", but", " after", " before", ", so"])
    return Clauses(
        f"the {one}",
        f"the {one} {_act(event, end)}{joint} the {other} {_act(second)}",
        false,
        true if v.chance(0.5) else f"the {other} {_act(second)}",
        sister=_person_sister(event, v),
        is_person=True,
    )


def pronoun(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Take the possessive of another."""
    a, b = _sexes(v)
    one, other = v.people(a, b)
    his = {"f": "her", "m": "his"}
    thing, second = v.rng.sample(v.own(_OWNED), 2)
    verb, joint, end = v.pick(_LOST), v.pick(_WON), v.pick(words.ENDINGS)
    kept = end if v.chance(0.5) else ""
    if turned:
        wrong = v.rng.choice([his[b], "their"])
        return Clauses(
            one,
            f"{one} {verb} {his[a]} {thing}{end} and thanked {other} and {wrong} friends",
            f"{one} {verb} {wrong} {thing}{kept}",
            f"{one} {verb} {his[a]} {thing}{kept}",
            is_person=True,
        )
    return Clauses(
        one,
        f"{one} {verb} {his[a]} {thing}{end} {joint} {other} {event.past} {his[b]} {second}",
        f"{one} {verb} {his[b]} {thing}{kept}",
        f"{one} {verb} {his[a]} {thing}{kept}",
        sister=_person_sister(event, v),
        is_person=True,
    )


def verdict(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Tell of one the verdict on the other."""
    good, bad = v.pick(_VERDICTS).split()
    if v.chance(0.5):
        good, bad = bad, good
    jury, when = v.pick(_JURIES), v.pick(_WHEN)
    kept = when if v.chance(0.5) else ""
    one, other = (
        v.people(v.rng.choice("fm"), v.rng.choice("fm"))
        if v.chance(0.6)
        else v.rng.sample([entry.subject for entry in v.own(words.PERSON_EVENTS)], 2)
    )
    if turned:
        joint = v.pick(["and", "while", "but"])
        return Clauses(
            one,
            f"{one} was {good} by {jury}{when} {joint} {other} was {bad}",
            f"{other} was {good} by {jury}{kept}",
            f"{one} was {good} by {jury}{kept}",
            is_person=True,
        )
    return Clauses(
        jury,
        f"{jury} {good} {one} and {bad} {other}{when}",
        *(
            (f"{jury} {good} {other}{kept}", f"{jury} {good} {one}{kept}")
            if v.chance(0.5)
            else (f"{jury} {bad} {one}{kept}", f"{jury} {bad} {other}{kept}")
        ),
        sister=_person_sister(event, v),
    )
