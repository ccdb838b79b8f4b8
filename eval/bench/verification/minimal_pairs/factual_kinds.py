"""Minimal pairs about what happened at all: plans, requests, denials, conditions, hearsay, what was left undone."""

from __future__ import annotations

from eval.bench.verification.minimal_pairs import words
from eval.bench.verification.minimal_pairs.forms import Clauses, Vocabulary
from eval.bench.verification.minimal_pairs.words import Event

# An embedding and another inflection of it, as the true twin may have it.
_PLANS = [
    tuple(entry.split("/"))
    for entry in (
        "plans to/is planning to|is expected to/was expected to|is due to/was due to|hopes to/is hoping to"
        "|agreed to/has agreed to|threatened to/has threatened to|intends to/intended to|vowed to/has vowed to"
        "|is set to/was set to|wants to/wanted to|promised to/has promised to|is scheduled to/was scheduled to"
        "|offered to/has offered to|is preparing to/was preparing to|aims to/is aiming to|is about to/was about to"
        "|decided to/has decided to|pledged to/has pledged to|is likely to/was likely to|is ready to/was ready to"
        "|proposed to/has proposed to"
    ).split("|")
]
_PASSIVE_PLANS = (
    "is expected to be|is due to be|is likely to be|is set to be|is about to be|is scheduled to be|was going to be"
    "|was supposed to be|was meant to be"
).split("|")
_ASKED = (
    "asked|urged|begged|ordered|told|advised|called on|instructed|pressed|invited|encouraged|petitioned|implored"
    "|reminded|directed|wanted|expected|lobbied"
).split("|")
_ASKERS = (
    "the union|a group of residents|the opposition|the auditor|the bishop|the governor|the consumer lobby"
    "|a panel of experts|the ombudsman|the tenants' league|the treasury|the harbour pilots"
).split("|")
_DENIED = (  # with a gerund, with a past participle after "had", or with an infinitive
    "denied {gerund}|ruled out {gerund}|declined to {base}|denied that it had {participle}|refused to {base}"
    "|dismissed reports that it had {participle}|rejected a demand to {base}|decided against {gerund}"
    "|stopped short of {gerund}|rejected claims that it had {participle}|failed to {base}"
    "|disputed that it had {participle}"
).split("|")
_CONDITIONS = (
    "if the vote passes|unless the court objects|once the permit is granted|if the grant arrives"
    "|unless a donor steps in|subject to a safety test|provided that the lender agrees|as long as prices fall"
    "|on condition that the state pays|only if the members consent|should the audit succeed|if the winter is mild"
).split("|")
_HEARSAY = (  # before the verb; the past, the participle or the gerund follows
    "allegedly {past}|reportedly {past}|supposedly {past}|is alleged to have {participle}|is said to have {participle}"
    "|is believed to have {participle}|is accused of {gerund}|is suspected of {gerund}|is rumoured to have {participle}"
    "|claims to have {participle}|is thought to have {participle}|purportedly {past}"
).split("|")
_ACCORDING = (
    "according to a leaked memo|according to a rival|according to an unnamed source|according to its critics"
    "|according to the defence|according to a former clerk"
).split("|")
_NOT = (
    "did not agree to {base}|has no plans to {base}|did not promise to {base}|never agreed to {base}"
    "|would not commit to {gerund}|did not vote to {base}|is not expected to {base}|no longer intends to {base}"
    "|did not {base}|has not yet {participle}|never {past}|did not offer to {base}"
).split("|")


def _fill(phrase: str, event: Event) -> str:
    return phrase.format(
        base=event.base, past=event.past, participle=event.participle, gerund=event.gerund, object=event.object
    )


def _around(v: Vocabulary) -> tuple[str, str]:
    """Return what is beside a subject, and what ends a clause: both may be left out."""
    return v.phrase(words.OF_PLACE), v.pick(words.ENDINGS)


def trim_true(v: Vocabulary, of: str, end: str) -> tuple[str, str]:
    """Leave out at least one of two harmless phrases."""
    return v.rng.choice([("", end), (of, ""), (of, ""), ("", "")])


def trim_false(v: Vocabulary, of: str, end: str, lost: int) -> tuple[str, str]:
    """Leave out less where the fault has cost more words already, so that both twins are alike in length."""
    share = 0.5 if lost <= 2 else 0.25 if lost <= 3 else 0.0
    return "" if v.chance(share) else of, "" if v.chance(share) else end


def _another(event: Event, v: Vocabulary) -> Event:
    return v.rng.choice([other for other in v.own(words.GROUP_EVENTS) if other.subject != event.subject])


def _done(event: Event) -> str:
    return f"{event.subject} {event.past} {event.object}"


def planned(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Tell a plan as done."""
    of, end = _around(v)
    s, obj = event.subject, event.object
    t_of, t_end = trim_true(v, of, end)
    f_of, f_end = trim_false(v, of, end, 2)
    sister = _done(_another(event, v))
    if turned:
        plan = v.pick(_PASSIVE_PLANS)
        return Clauses(
            obj,
            f"{obj} {plan} {event.participle} by {s}{of}{end}",
            f"{obj} was {event.participle} by {s}{f_of}{f_end}",
            f"{obj} {plan} {event.participle} by {s}{t_of}{t_end}",
        )
    plan, other = v.pick(_PLANS)
    kept = other if v.chance(0.3) else plan
    return Clauses(
        s + of,
        f"{s}{of} {plan} {event.base} {obj}{end}",
        f"{s}{f_of} {event.past} {obj}{f_end}",
        f"{s}{t_of} {kept} {event.base} {obj}{t_end}",
        sister=sister,
    )


def asked(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Tell a request as done."""
    of, end = _around(v)
    s, asker, ask = event.subject, v.pick(_ASKERS), v.pick(_ASKED)
    act = f"{event.base} {event.object}"
    t_of, t_end = trim_true(v, of, end)
    if turned:
        ask = v.rng.choice([verb for verb in v.own(_ASKED) if verb not in ("called on", "wanted")])
        return Clauses(
            s + of,
            f"{s}{of} was {ask} by {asker} to {act}{end}",
            f"{s}{of} {event.past} {event.object}{end}",
            f"{s}{t_of} was {ask} by {asker} to {act}{t_end}",
        )
    return Clauses(
        asker,
        f"{asker} {ask} {s}{of} to {act}{end}",
        f"{s}{of} {event.past} {event.object}{end}",
        f"{asker} {ask} {s}{t_of} to {act}{t_end}",
        sister=_done(_another(event, v)),
    )


def denied(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Leave out a denial."""
    of, end = _around(v)
    s, denial = event.subject, _fill(v.pick(_DENIED), event)
    f_of, f_end = trim_false(v, of, end, len(denial.split()) - 1)
    t_of, t_end = trim_true(v, of, end)
    if turned:
        claim = v.pick(["reports", "rumours", "claims", "a report", "an online claim", "suggestions"])
        verb = v.pick(["denied", "dismissed", "rejected", "disputed", "played down", "brushed aside"])
        said = f"that it had {event.participle} {event.object}"
        return Clauses(
            s + of,
            f"{s}{of} {verb} {claim} {said}{end}",
            f"{s}{of} had {event.participle} {event.object}{end}",
            f"{s}{t_of} {verb} {claim} {said}{t_end}",
        )
    return Clauses(
        s + of,
        f"{s}{of} {denial} {event.object}{end}",
        f"{s}{f_of} {event.past} {event.object}{f_end}",
        f"{s}{t_of} {denial} {event.object}{t_end}",
        sister=_done(_another(event, v)),
    )


def condition(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Leave out a condition."""
    of, end = _around(v)
    s, act, terms = event.subject, f"will {event.base} {event.object}", v.pick(_CONDITIONS)
    t_of, t_end = trim_true(v, of, end)
    if turned:  # the condition comes first
        return Clauses(
            terms,
            f"{terms}, {s}{of} {act}{end}",
            f"{s}{of} {act}{end}",
            f"{terms}, {s}{t_of} {act}{t_end}",
        )
    return Clauses(
        s + of,
        f"{s}{of} {act}{end} {terms}",
        f"{s}{of} {act}{end}",
        f"{s}{t_of} {act}{t_end} {terms}",
        sister=_done(_another(event, v)),
    )


def hearsay(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Tell as fact what is only alleged."""
    of, end = _around(v)
    s = event.subject
    t_of, t_end = trim_true(v, of, end)
    if turned:
        source = v.pick(_ACCORDING)
        return Clauses(
            s + of,
            f"{s}{of} {event.past} {event.object}{end}, {source}",
            f"{s}{of} {event.past} {event.object}{end}",
            f"{s}{t_of} {event.past} {event.object}{t_end}, {source}",
        )
    claim = _fill(v.pick(_HEARSAY), event)
    f_of, f_end = trim_false(v, of, end, len(claim.split()) - 1)
    return Clauses(
        s + of,
        f"{s}{of} {claim} {event.object}{end}",
        f"{s}{f_of} {event.past} {event.object}{f_end}",
        f"{s}{t_of} {claim} {event.object}{t_end}",
        sister=_done(_another(event, v)),
    )


def speaker(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Give the words of one to another."""
    one, other = v.people(v.rng.choice("fm"), v.rng.choice("fm"))
    verb = v.pick(
        "said|announced that|argued that|said that|warned that|explained that|insisted|testified that|added that".split(
            "|"
        )
    )
    reply = v.pick(
        [
            "called it a mistake",
            "praised the news",
            "declined to comment",
            "welcomed the step",
            "asked for proof",
            "spoke of a scandal",
        ]
    )
    of, _ = _around(v)
    said = f"{verb} {event.subject}{of} {event.past} {event.object}"
    short = f"{verb} {event.subject} {event.past} {event.object}"
    first, second = (short, said) if v.chance(0.5) else (said, short)
    if turned:
        return Clauses(
            one, f"{one} {reply} after {other} {said}", f"{one} {first}", f"{other} {second}", is_person=True
        )
    sister = f"{other} {reply}"
    if v.chance(0.5):
        return Clauses(one, f"{one} {said}, while {sister}", f"{other} {first}", f"{one} {second}", is_person=True)
    return Clauses(other, f"{sister}, but {one} {said}", f"{other} {first}", f"{one} {second}", is_person=True)


def negation(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Leave out a negation with the verb that it belongs to."""
    of, end = _around(v)
    s = event.subject
    t_of, t_end = trim_true(v, of, end)
    if turned:  # what the second did not do has no verb of its own
        other = _another(event, v)
        not_too = v.pick(
            ["but {} did not", "and {} refused to", "unlike {}", "which {} did not", "though {} never did"]
        )
        rest = not_too.format(other.subject)
        return Clauses(
            s + of,
            f"{s}{of} {event.past} {event.object}{end}, {rest}",
            f"{other.subject} {event.past} {event.object}{end}",
            f"{s} {event.past} {event.object}{t_end}",
        )
    denial = _fill(v.pick(_NOT), event)
    f_of, f_end = trim_false(v, of, end, len(denial.split()) - 1)
    return Clauses(
        s + of,
        f"{s}{of} {denial} {event.object}{end}",
        f"{s}{f_of} {event.past} {event.object}{f_end}",
        f"{s}{t_of} {denial} {event.object}{t_end}",
        sister=_done(_another(event, v)),
    )


def rather_than(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Tell what was not chosen as chosen."""
    other = v.rng.choice([entry.object for entry in v.own(words.GROUP_EVENTS) if entry.object != event.object])
    of, end = _around(v)
    s, obj = event.subject, event.object
    joint = v.pick(
        ["rather than", "instead of", "but not", "and not", "as opposed to", "in place of", "not", "in preference to"]
    )
    k_of, k_end = trim_true(v, of, end)
    if turned:
        lead = v.pick(["instead of", "rather than", "in place of"])
        evidence = f"{lead} {other}, {s}{of} {event.past} {obj}{end}"
        return Clauses(
            f"{lead} {other},",
            evidence,
            f"{s}{k_of} {event.past} {other}{k_end}",
            f"{s}{k_of} {event.past} {obj}{k_end}",
        )
    return Clauses(
        s + of,
        f"{s}{of} {event.past} {obj} {joint} {other}{end}",
        f"{s}{k_of} {event.past} {other}{k_end}",
        f"{s}{k_of} {event.past} {obj}{k_end}",
        sister=_done(_another(event, v)),
    )


def and_or(event: Event, v: Vocabulary, turned: bool) -> Clauses:
    """Tell one of two as both, or the other way round."""
    others = [entry.object for entry in v.own(words.GROUP_EVENTS) if entry.object != event.object]
    first, second = v.rng.sample(others, 2)
    of, end = _around(v)
    s, modal = event.subject, v.pick(["will", "must", "can", "should", "may", "could"])
    k_of, k_end = trim_true(v, of, end)
    stated, wrong = ("or", "and") if v.chance(0.7) else ("and", "or")
    if turned:  # two subjects
        other = _another(event, v).subject
        if other == s:
            other = "the court"
        both = f"{modal} {event.base} {event.object}"
        return Clauses(
            s,
            f"{s} {stated} {other}{of} {both}{end}, {wrong} {first} is lost",
            f"{s} {wrong} {other}{k_of} {both}{k_end}",
            f"{s} {stated} {other}{k_of} {both}{k_end}",
        )
    pair, kept = f"{event.object} {stated} {first}", f"{s}{k_of} {modal} {event.base}"
    return Clauses(
        s + of,
        f"{s}{of} {modal} {event.base} {pair}{end}, {wrong} lose {second}",
        f"{kept} {event.object} {wrong} {first}{k_end}",
        f"{kept} {pair}{k_end}",
        sister=_done(_another(event, v)),
    )
