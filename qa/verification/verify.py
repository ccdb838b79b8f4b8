"""Decide whether cited sentences support a statement. Pure.

A statement is aligned word by word with each sentence it cites. A verdict never comes from similarity alone: a number,
a name, a negation, a role or a quotation that the cited text does not have makes a statement unsupported, however many
of its other words are there. docs/verification.md has the rules and what they catch.
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
from qa.verification.aligned_statement import (
    AlignedStatement,
    ArticleContext,
    Discrepancy,
    Outlet,
    Period,
    without_attribution,
)
from qa.verification.alignment import align
from qa.verification.discrepancies import find_discrepancies
from qa.verification.lexicon import SYNONYMS
from qa.verification.meaning import spell_out
from qa.verification.openers import dateline_of, without_openers
from qa.verification.tokens import CLAIMING, Token, join_compounds, tokenise

# Shares of a statement's claiming words that its sources must have: `python -m eval.bench.verification.verdicts`.
PARTLY, FULLY = 0.3, 0.8
_EXACT = frozenset({"number", "month", "weekday"})  # if wrong, a discrepancy already
# So many words, or such a share, of a statement may come from around the cited sentence: names, but no claim.
BORROWED, BORROWED_SHARE = 2, 0.15
_CONTEXT_WEIGHT = 0.5  # what a word counts for that is only around the cited sentence
LIKELY = 0.5  # the support score from which on a statement in other words is taken for a retelling
_NO_TEXTS: Mapping[Source, str] = {}

Verdict = tuple[Support, tuple[str, ...]]


def check(
    statement: str,
    cited: Sequence[Evidence],
    others: Sequence[Evidence] = (),
    *,
    retrieved: Mapping[Source, str] = _NO_TEXTS,
    score: float | None = None,
) -> Verdict:
    """Return how far the cited sentences support a statement, and why not if they do not.

    `others` are sentences that were shown and not cited: a statement of one of them is misattributed, not invented; a
    quotation is looked for in the `retrieved` texts too. `score` is `support_score.score` of the statement.
    """
    if not cited:
        return "unsupported", ("cites nothing",)
    statement = without_openers(statement)
    if is_verbatim(statement, cited):
        return "supported", ()
    verdict = _check_wording(statement, cited, others, retrieved, score)
    spelled_out = spell_out(cited) if verdict[0] != "supported" else []
    if spelled_out and _check_wording(statement, spelled_out, others, retrieved, score)[0] == "supported":
        return "supported", ()
    return verdict


def _check_wording(
    statement: str,
    cited: Sequence[Evidence],
    others: Sequence[Evidence],
    retrieved: Mapping[Source, str],
    score: float | None,
) -> Verdict:
    aligned = align_statement(statement, cited, others, retrieved)
    discrepancies = [*find_discrepancies(aligned), *_find_wrong_speaker(statement, aligned, cited)]
    discrepancies += [
        Discrepancy(reason, True) for reason in quotations.find_wrong_quotations(statement, cited, others, retrieved)
    ]
    if any(discrepancy.hard for discrepancy in discrepancies):
        return "unsupported", _explain(statement, discrepancies, cited, others)
    share = coverage(aligned)
    if share < PARTLY and (score is None or score < LIKELY):
        return "unsupported", _explain(
            statement, [Discrepancy("says other things than the cited text", True)], cited, others
        )
    if discrepancies:
        return "partial", _without_repeats(discrepancy.reason for discrepancy in discrepancies)
    if share < FULLY or (not aligned.is_near_copy and _adds_words(aligned)) or _takes_claims_from_context(aligned):
        return "partial", ("says more than the cited text",)
    return "supported", ()


def is_verbatim(statement: str, cited: Sequence[Evidence]) -> bool:
    """Tell whether a statement is one of the cited sentences, but for white space and typography."""
    folded = stemming.fold(statement)
    return any(stemming.fold(sentence.text) == folded for sentence in cited)


def align_statement(
    statement: str,
    cited: Sequence[Evidence],
    others: Sequence[Evidence] = (),
    retrieved: Mapping[Source, str] = _NO_TEXTS,
) -> AlignedStatement:
    """Align a statement with the sentences it cites; `others` and `retrieved` have more of their articles."""
    texts = [tokenise(part) for sentence in cited for part in (sentence.context, sentence.source.title or "") if part]
    around = ArticleContext(texts, _outlets(cited), partial(_article_texts, cited, others, retrieved))
    sentences = [tokenise(sentence.text) for sentence in cited]
    keys = frozenset(token.key for words in sentences for token in words)
    own: Sequence[Token] = without_attribution(tokenise(without_openers(statement)), around.outlets, keys)
    own, sentences = _with_compounds_joined(own, sentences)
    context = {token.key for words in texts for token in words}
    context |= {token.key for outlet in around.outlets for token in outlet.name}
    context |= {f"{a.key} {b.key}" for words in texts for a, b in pairwise(words) if a.kind == b.kind == "name"}
    years = frozenset(f"#{sentence.source.published_at[:4]}" for sentence in cited if sentence.source.published_at)
    bodies = [len(tokenise(dateline_of(sentence.text))) for sentence in cited]
    pairs = [
        (align(own, words, body=body), align(own, words, name_blind=True, body=body))
        for words, body in zip(sentences, bodies, strict=True)
    ]
    return AlignedStatement(
        own,
        [alignment for alignment, _ in pairs],
        [name_blind for _, name_blind in pairs],
        frozenset(context),
        years,
        partial(_periods, cited),
        around,
    )


def _article_texts(
    cited: Sequence[Evidence], others: Sequence[Evidence], retrieved: Mapping[Source, str]
) -> list[tuple[Token, ...]]:
    articles = {sentence.source.article_id for sentence in cited}
    texts = [sentence.text for sentence in (*cited, *others) if sentence.source.article_id in articles]
    texts += [text for source, text in retrieved.items() if source.article_id in articles]
    return [tokenise(text) for text in texts]


def _with_compounds_joined(
    own: Sequence[Token], sentences: Sequence[tuple[Token, ...]]
) -> tuple[Sequence[Token], list[tuple[Token, ...]]]:
    """Join the words that the other side has as one word."""
    joined = join_compounds(own, frozenset(token.bare for words in sentences for token in words))
    wholes = frozenset(token.bare for token in own)
    return joined, [join_compounds(words, wholes) for words in sentences]


def _periods(cited: Sequence[Evidence]) -> list[Period]:
    found = [
        (resolved.phrase, *resolved.resolved.split("/"))
        for sentence in cited
        if sentence.source.published_at
        for resolved in phrases.resolve(sentence.text, sentence.source.published_at)
        if resolved.resolved
    ]
    return [
        Period(
            frozenset(token.key for token in tokenise(phrase)),
            date.fromisoformat(days[0]),
            date.fromisoformat(days[-1]),
        )
        for phrase, *days in found
    ]


def _outlets(cited: Sequence[Evidence]) -> list[Outlet]:
    """Return the cited outlets by all their names: "BBC News" is also the BBC."""
    found = []
    for outlet, day in dict.fromkeys((sentence.source.outlet or "", sentence.source.day) for sentence in cited):
        keys = frozenset(token.key for token in tokenise(day))
        found += [Outlet(tokenise(name), keys) for name in {outlet, outlet.removesuffix(" News")} if name]
    return found


def coverage(aligned: AlignedStatement) -> float:
    """Return the share of the statement's claiming words that the cited text has; a word of its context counts half."""
    marks = [
        1.0 if _is_covered(aligned, at, token) else _CONTEXT_WEIGHT * (token.key in aligned.context_keys)
        for at, token in enumerate(aligned.statement)
        if token.kind in CLAIMING
    ]
    return sum(marks) / len(marks) if marks else 1.0


def covered_words(aligned: AlignedStatement) -> set[int]:
    """Return the places of the statement's claiming words that the cited text has."""
    return {
        at for at, token in enumerate(aligned.statement) if token.kind in CLAIMING and _is_covered(aligned, at, token)
    }


def _is_covered(aligned: AlignedStatement, at: int, token: Token) -> bool:
    """Tell whether the cited text has a word of the statement."""
    matched = (
        aligned.is_matched(at)
        or token.key in aligned.cited_keys
        or bool(aligned.cited_keys & SYNONYMS.get(token.key, frozenset()))
    )
    return matched or token.kind in _EXACT


def _takes_claims_from_context(aligned: AlignedStatement) -> bool:
    """Tell whether the statement claims what only a sentence beside the cited one says; a name may come from there."""
    claiming = [(at, token) for at, token in enumerate(aligned.statement) if token.kind in CLAIMING]
    borrowed = [
        token for at, token in claiming if not _is_covered(aligned, at, token) and token.key in aligned.context_keys
    ]
    return len(borrowed) > max(BORROWED, BORROWED_SHARE * len(claiming))


def _adds_words(aligned: AlignedStatement) -> bool:
    """Tell whether a retelling has a word that the cited text has in no form: "gas" where it says "savings"."""
    return any(
        token.kind == "word"
        and not aligned.is_matched(at)
        and token.key not in aligned.cited_keys
        and aligned.cited_keys.isdisjoint(SYNONYMS.get(token.key, frozenset()))
        for at, token in enumerate(aligned.statement)
    )


def _find_wrong_speaker(statement: str, aligned: AlignedStatement, cited: Sequence[Evidence]) -> list[Discrepancy]:
    """Return the speaker that the statement names and the cited text does not, as a discrepancy."""
    uncapitalised = {
        token.key for alignment in aligned.alignments for token in alignment.sentence if token.kind == "word"
    }
    # "Observers said", where the sentence has no capital for them
    stated = quotations.find_speakers(aligned.statement) - uncapitalised
    # 'The report said: "Trade is slow"'
    stated &= quotations.find_speakers(tokenise(quotations.without_quotations(statement)))
    stated -= {token.key for token in aligned.statement if aligned.is_common_word(token)}
    if not stated:
        return []
    cited_speakers = set[str]().union(
        *(quotations.find_possible_speakers(alignment.sentence) for alignment in aligned.alignments)
    )
    unnamed = any(quotations.has_unnamed_speaker(alignment.sentence) for alignment in aligned.alignments)
    if not cited_speakers or unnamed:  # "he said", or a quotation with its speaker in the next sentence
        cited_speakers |= set[str]().union(
            *({token.key for token in tokenise(sentence.context) if token.kind == "name"} for sentence in cited)
        )
        cited_speakers |= {
            token.key for alignment in aligned.alignments for token in alignment.sentence if token.kind == "name"
        }
    if not cited_speakers or stated & cited_speakers:
        return []
    shown = " ".join(token.shown for token in aligned.statement if token.key in stated)
    what = (
        "quote is by another speaker"
        if quotations.quotes_verbatim(statement, cited)
        else "said by another in cited text"
    )
    return [Discrepancy(f"{what}: {shown}", True, shown)]


def _explain(
    statement: str, discrepancies: Sequence[Discrepancy], cited: Sequence[Evidence], others: Sequence[Evidence]
) -> tuple[str, ...]:
    """Return the reasons; what another of the shown sentences says is misattributed, not invented."""
    uncited = [sentence for sentence in others if sentence not in cited]
    reasons = [discrepancy.reason for discrepancy in discrepancies]
    own = stemming.stem_set(statement)
    for sentence in uncited:
        if (
            len(own & stemming.stem_set(sentence.text)) * 2 >= len(own)
            and check(statement, [sentence])[0] == "supported"
        ):
            return _without_repeats([f"said in another sentence: {sentence.text[:80]}", *reasons])
    keys = {token.key for sentence in uncited for token in tokenise(sentence.text)}
    for at, discrepancy in enumerate(discrepancies):
        elsewhere = discrepancy.word and all(token.key in keys for token in tokenise(discrepancy.word))
        if elsewhere and "not in cited text" in discrepancy.reason:
            reasons[at] = f"said in another sentence: {discrepancy.word}"
    return _without_repeats(reasons)


def _without_repeats(reasons: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reasons))
