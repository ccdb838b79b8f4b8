"""Decide whether cited sentences support a statement. Pure.

A statement is laid word by word along each sentence it cites. A verdict never comes from likeness alone: a number, a
name, a denial, a role or a quotation that the cited text does not have makes a statement unsupported, however many of
its other words are there. docs/verification.md has the rules and what they catch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import pairwise

from qa.temporal import phrases
from qa.text import stemming
from qa.types import Evidence, Source, Support
from qa.verification import quotations
from qa.verification.alignment import align
from qa.verification.case import Case, Departure, Period, without_outlet
from qa.verification.discrepancies import find_departures
from qa.verification.lexicon import ALIKE
from qa.verification.tokens import CLAIMING, Token, tokens

# Shares of a statement's claiming words that its sources must hold: `python -m eval.bench.verification.verdicts`.
PARTLY, FULLY = 0.3, 0.8
_EXACT = frozenset({"number", "month", "weekday"})  # right, or else a departure
# A statement may take so many words, or such a share, from around the cited sentence: whose words they are, not more.
BORROWED, BORROWED_SHARE = 2, 0.15
_BESIDE = 0.5  # what a word counts for that stands only around the cited sentence
LIKELY = 0.5  # the support score from which on other words are taken for a retelling
_NOWHERE: Mapping[Source, str] = {}

Checked = tuple[Support, tuple[str, ...]]


def check(
    statement: str,
    cited: Sequence[Evidence],
    others: Sequence[Evidence] = (),
    *,
    retrieved: Mapping[Source, str] = _NOWHERE,
    score: float | None = None,
) -> Checked:
    """Return how far the cited sentences support a statement, and why not if they do not.

    `others` are sentences that were shown and are not cited: what one of them says is told from what none does; a
    quotation is looked for in the `retrieved` texts too. `score` is what `support_score.score` says of the statement.
    """
    if not cited:
        return "unsupported", ("cites nothing",)
    if is_verbatim(statement, cited):
        return "supported", ()
    case = make_case(statement, cited)
    found = [*find_departures(case), *_spoken(statement, case, cited)]
    found += [Departure(reason, True) for reason in quotations.wrong_quotes(statement, cited, others, retrieved)]
    if any(one.hard for one in found):
        return "unsupported", _reasons(statement, found, cited, others)
    share = coverage(case)
    if share < PARTLY and (score is None or score < LIKELY):
        return "unsupported", _reasons(
            statement, [Departure("says other things than the cited text", True)], cited, others
        )
    if found:
        return "partial", _unique(one.reason for one in found)
    if share < FULLY or (not case.close and _adds_words(case)) or _joins_neighbours(case):
        return "partial", ("says more than the cited text",)
    return "supported", ()


def is_verbatim(statement: str, cited: Sequence[Evidence]) -> bool:
    """Tell whether a statement is one of the cited sentences, but for white space and typography."""
    folded = stemming.fold(statement)
    return any(stemming.fold(one.text) == folded for one in cited)


def make_case(statement: str, cited: Sequence[Evidence]) -> Case:
    """Lay a statement along the sentences it cites."""
    around = [tokens(part) for one in cited for part in (one.context, one.source.title or "") if part]
    outlets = [tokens(name) for one in cited for name in _outlet_names(one.source.outlet or "")]
    own = without_outlet(tokens(statement), outlets)
    near = {token.key for words in around for token in words}
    near |= {token.key for outlet in outlets for token in outlet}
    near |= {f"{a.key} {b.key}" for words in around for a, b in pairwise(words) if a.kind == b.kind == "name"}
    years = frozenset(f"#{one.source.published_at[:4]}" for one in cited if one.source.published_at)
    sides = [(align(own, tokens(one.text)), align(own, tokens(one.text), blind=True)) for one in cited]
    return Case(
        own,
        [seeing for seeing, _ in sides],
        [blind for _, blind in sides],
        frozenset(near),
        years,
        partial(_periods, cited),
    )


def _periods(cited: Sequence[Evidence]) -> list[Period]:
    found = [
        (one.phrase, *one.resolved.split("/"))
        for source in cited
        if source.source.published_at
        for one in phrases.resolve(source.text, source.source.published_at)
        if one.resolved
    ]
    return [
        Period(
            frozenset(token.key for token in tokens(phrase)), date.fromisoformat(days[0]), date.fromisoformat(days[-1])
        )
        for phrase, *days in found
    ]


def _outlet_names(outlet: str) -> list[str]:
    """Return what an outlet goes by: "BBC News" is also the BBC."""
    return [outlet, outlet.removesuffix(" News")] if outlet.endswith(" News") else [outlet] if outlet else []


def coverage(case: Case) -> float:
    """Return the share of the statement's claiming words that stand in the cited text, or in part beside it."""
    marks = [
        1.0 if _stands(case, at, token) else _BESIDE * (token.key in case.near)
        for at, token in enumerate(case.statement)
        if token.kind in CLAIMING
    ]
    return sum(marks) / len(marks) if marks else 1.0


def _stands(case: Case, at: int, token: Token) -> bool:
    """Tell whether the cited text has a word of the statement."""
    held = case.placed(at) or token.key in case.keys or bool(case.keys & ALIKE.get(token.key, frozenset()))
    return held or token.kind in _EXACT


def _joins_neighbours(case: Case) -> bool:
    """Tell whether the statement says what a sentence beside the cited one says: a name may, no claim."""
    claiming = [(at, token) for at, token in enumerate(case.statement) if token.kind in CLAIMING]
    beside = [token for at, token in claiming if not _stands(case, at, token) and token.key in case.near]
    return len(beside) > max(BORROWED, BORROWED_SHARE * len(claiming))


def _adds_words(case: Case) -> bool:
    """Tell whether a retelling has a word that the cited text has in no form: "gas" where it says "savings"."""
    return any(
        token.kind == "word"
        and not case.placed(at)
        and token.key not in case.keys
        and case.keys.isdisjoint(ALIKE.get(token.key, frozenset()))
        for at, token in enumerate(case.statement)
    )


def _spoken(statement: str, case: Case, cited: Sequence[Evidence]) -> list[Departure]:
    """Return who is said to have spoken and has not."""
    plain = {token.key for one in case.alignments for token in one.sentence if token.kind == "word"}
    said = quotations.speaks(case.statement) - plain  # "Observers said", where the sentence has no capital for them
    said &= quotations.speaks(tokens(quotations.outside(statement)))  # 'The report said: "Trade is slow"'
    if not said:
        return []
    there = set[str]().union(*(quotations.speakers(one.sentence) for one in case.alignments))
    pronoun = any(quotations.pronoun_speaks(one.sentence) for one in case.alignments)
    if not there or pronoun:  # "he said", or a quotation that its speaker stands beside
        there |= set[str]().union(*({t.key for t in tokens(one.context) if t.kind == "name"} for one in cited))
        there |= {token.key for one in case.alignments for token in one.sentence if token.kind == "name"}
    if not there or said & there:
        return []
    shown = " ".join(token.shown for token in case.statement if token.key in said)
    what = (
        "quote is by another speaker" if quotations.holds_quotes(statement, cited) else "said by another in cited text"
    )
    return [Departure(f"{what}: {shown}", True, shown)]


def _reasons(
    statement: str, found: Sequence[Departure], cited: Sequence[Evidence], others: Sequence[Evidence]
) -> tuple[str, ...]:
    """Return the reasons; what another shown sentence says is misattributed, not invented."""
    strange = [one for one in others if one not in cited]
    reasons = [one.reason for one in found]
    own = stemming.stem_set(statement)
    for one in strange:
        if len(own & stemming.stem_set(one.text)) * 2 >= len(own) and check(statement, [one])[0] == "supported":
            return _unique([f"said in another sentence: {one.text[:80]}", *reasons])
    keys = {token.key for one in strange for token in tokens(one.text)}
    for at, departure in enumerate(found):
        elsewhere = departure.shown and all(token.key in keys for token in tokens(departure.shown))
        if elsewhere and "not in cited text" in departure.reason:
            reasons[at] = f"said in another sentence: {departure.shown}"
    return _unique(reasons)


def _unique(reasons: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reasons))
