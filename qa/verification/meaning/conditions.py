"""Conditions that the statement leaves out, and sources that vouch for what it says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.text import english
from qa.verification.aligned_statement import Discrepancy
from qa.verification.meaning.reading import (
    COORDINATORS,
    PREPOSITIONS,
    Reading,
    clause_end,
    is_claiming,
    is_verb_like,
    lexicon,
    stem_lexicon,
)
from qa.verification.tokens import Token

# What makes a condition, longest first; those in the second list only where the main clause has a modal verb.
_MARKERS = tuple(
    tuple(phrase.split())
    for phrase in (
        "on condition that|on the condition that|on condition of|provided that|providing that|provided|so long as"
        "|as long as|only if|only when|only after|only once|if and when|if|unless|subject to|contingent on"
        "|contingent upon|conditional on|dependent on|depending on|assuming that|assuming|in the event|in case"
        "|in return for|in exchange for|pending|barring|should|were|had"
    ).split("|")
)
_WEAK = (("once",),)
_INVERTED = lexicon("should were had")  # "should the audit succeed": no "if"
_WHETHER = stem_lexicon(
    "ask wonder know see decide determine question doubt unclear sure check test say tell learn find consider examine"
    " investigate discuss debate unsure uncertain assess establish understand verify inquire enquire mind care"
)
_LIGHT = PREPOSITIONS | lexicon("that as so only and")
_NO_CONDITION_BEFORE = lexicon("even as what")
_CONDITIONAL = lexicon(
    "if unless once when provided condition subject assuming depending depends should until after pending only"
)
_MODALS = frozenset({"~will", "~can", "~may", "~must"})
_REACH = 14

# Sources whose word is not taken for the fact: nobody knows who they are, or they are a party.
_CONTESTED = stem_lexicon(
    "leak unnamed anonymous unidentified unconfirmed rumour rumor gossip critic opponent rival accuser plaintiff"
    " defendant defence defense prosecution prosecutor lawsuit complaint indictment informant whistleblower insider"
    " detractor supporter foe adversary enemy claimant complainant former ex propaganda allegation claim suspect"
    " accomplice lawyer attorney dissident conspiracy tabloid blog blogger troll purported unverified disputed"
    " competitor ally relative"
)


def find_lost_condition(reading: Reading) -> Iterator[Discrepancy]:
    """Yield a condition that was left out while the clause that depends on it was kept."""
    words = reading.sentence
    at = 0
    while at < len(words):
        marker = _marker_at(words, at)
        if marker is None:
            at += 1
            continue
        size, weak = marker
        if not _is_kept(reading, at, size) and not (weak and _is_past(words, at + size)):
            main = _main_clause(words, at, size)
            place = _kept_head(reading, main, at, weak=weak)
            terms = range(at + size, clause_end(words, at + size))
            reworded = any(reading.is_kept(step) for step in terms if is_claiming(words[step]))
            if place is not None and not reworded and not _has_own_condition(reading):
                shown = " ".join(token.shown for token in words[at : at + size + 2])
                yield Discrepancy(f"the cited text has a condition that the statement lacks: {shown}", False, shown)
        at += size


def _marker_at(words: Sequence[Token], at: int) -> tuple[int, bool] | None:
    """Return how many words the marker has that begins here, and whether it is a weak one."""
    bare = words[at].bare
    for weak, markers in ((False, _MARKERS), (True, _WEAK)):
        for marker in markers:
            phrase = tuple(word for word in marker if word != "the")
            if tuple(token.bare for token in words[at : at + len(phrase)]) != phrase:
                continue
            if len(phrase) == 1 and bare in _INVERTED and not _is_inverted(words, at):
                continue
            before = words[at - 1] if at else None
            if bare == "if" and before is not None and (before.key in _WHETHER or before.bare in _NO_CONDITION_BEFORE):
                return None
            follows = words[at + len(phrase) : at + len(phrase) + 1]
            if weak and follows and not (follows[0].after_article or follows[0].kind == "name" or _opens(follows[0])):
                return None  # "once famous"
            if not follows or follows[0].after_break or (bare == "if" and follows[0].kind == "negation"):
                return None
            return len(phrase), weak
    return None


def _opens(token: Token) -> bool:
    return token.bare in english.PRONOUNS or token.bare in ("all", "both", "each", "no", "enough")


def _is_inverted(words: Sequence[Token], at: int) -> bool:
    """Tell whether "should" stands before its subject, behind a clause: no subject is right before it."""
    follows = words[at + 1] if at + 1 < len(words) else None
    if follows is None or not (
        follows.after_article or follows.kind == "name" or follows.bare in ("he", "she", "it", "they")
    ):
        return False
    before = words[at - 1] if at else None
    if before is None or words[at].opens_sentence or words[at].after_break:
        return words[at].bare == "should" or at == 0
    return (
        words[at].bare == "should"
        and is_claiming(before)
        and any(token.kind == "modal" for token in words[max(0, at - _REACH) : at])
    )


def _is_past(words: Sequence[Token], start: int) -> bool:
    """Tell whether the clause is in the past: "once the union had agreed" is no condition."""
    clause = words[start : clause_end(words, start)]
    present = any(token.bare in ("is", "are", "has", "have", "does", "do") for token in clause)
    return not present and any(map(is_verb_like, clause))


def _is_kept(reading: Reading, at: int, size: int) -> bool:
    """Tell whether the statement has the marker, by the words of it that are not "on" or "that"."""
    marker = range(at, at + size)
    telling = [step for step in marker if reading.sentence[step].bare not in _LIGHT] or list(marker)
    return any(map(reading.is_kept, telling))


def _main_clause(words: Sequence[Token], at: int, size: int) -> range:
    """Return where the clause is that the condition is of: behind it if it is the first, else before it."""
    leads = at == 0 or words[at].opens_sentence or (words[at - 1].bare in (*COORDINATORS, "that"))
    end = next((step for step in range(at + size + 1, len(words)) if words[step].after_break), len(words))
    if leads and end < len(words):
        stop = next(
            (
                step
                for step in range(end + 1, len(words))
                if words[step].after_break or words[step].bare in COORDINATORS
            ),
            len(words),
        )
        return range(end, stop)
    start = at
    while start and not (words[start].bare in COORDINATORS and _opens_clause(words, start)) and at - start < 2 * _REACH:
        start -= 1
    return range(start, at)


def _opens_clause(words: Sequence[Token], at: int) -> bool:
    """Tell whether a conjunction joins clauses, not nouns: it is behind a comma or a verb phrase with a subject"
    " follows."""
    return words[at].after_break


def _kept_head(reading: Reading, main: range, at: int, *, weak: bool) -> int | None:
    """Return where the statement has the main verb of the clause, which follows its last modal verb."""
    words = reading.sentence
    modals = [step for step in main if words[step].key in _MODALS]
    if modals:
        head = next((step for step in range(modals[-1] + 1, main.stop) if words[step].kind in ("word", "denial")), None)
        return None if head is None else reading.place(head)
    if weak:
        return None
    claiming = [step for step in main if is_claiming(words[step])]
    nearest = claiming[-2:] if main.stop == at else claiming[:2]
    places = [reading.place(step) for step in nearest]
    return places[0] if places and all(place is not None for place in places) else None


def _has_own_condition(reading: Reading) -> bool:
    """Tell whether the statement has a condition in other words: "when" for "once"."""
    bares = {
        token.bare
        for token, position in zip(reading.statement, reading.alignment.in_sentence, strict=True)
        if position is None
    }
    return not bares.isdisjoint(
        lexicon(
            "if unless once when provided condition subject assuming depending depends should until after pending only"
        )
    )


def find_lost_source(reading: Reading) -> Iterator[Discrepancy]:
    """Yield an "according to" that was left out, where it names a party or nobody."""
    words = reading.sentence
    for at, token in enumerate(words):
        if token.bare != "according" or reading.is_kept(at) or at + 1 >= len(words) or words[at + 1].bare != "to":
            continue
        end = next((step for step in range(at + 3, len(words)) if words[step].after_break), len(words))
        source = words[at + 2 : min(end, at + 8)]
        contested = next((word for word in source if word.key in _CONTESTED and word.kind != "name"), None)
        if contested is None or any(word.key in reading.stated_keys for word in source if is_claiming(word)):
            continue
        start = max(
            (step for step in range(at) if words[step].bare in COORDINATORS and words[step].after_break), default=0
        )
        main = range(start, at) if at - start > 1 else range(end, len(words))
        claiming = [step for step in main if is_claiming(words[step])]
        if claiming and sum(reading.place(step) is not None for step in claiming) * 2 >= len(claiming):
            shown = " ".join(word.shown for word in words[at : at + 2 + len(source)])
            yield Discrepancy(
                f"the cited text has this only from a source that the statement lacks: {shown}", False, shown
            )
