"""Decide what of a model's sentences is shown: as written, as a quote of what they cite, or not at all.

A sentence is shown as written only if its citations support it. Otherwise the sentence of an article that it cites
stands in its place, word for word with its source, once: a reader sees supported words or a quote. A sentence without a
usable id is laid along the sentences that the model was shown and gets the one that bears it, never several
together: that would make falsehoods supported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qa.answering import extractive, reply_words
from qa.answering.draft import VERBATIM, Judged
from qa.answering.prompt_injection import is_injected_instruction
from qa.answering.reply_parser import Sentence
from qa.answering.shown_evidence import ShownEvidence
from qa.answering.statement_check import check_statement
from qa.text import stemming
from qa.types import Embedder, EntailmentJudge, Evidence
from qa.verification import verify

# The share of a statement's claiming words that a sentence must have to be what a statement without an id is about ...
BEARS, BY_MORE = 0.5, 0.1  # those with a share that is less by so much count as well
# ... and to stand as a quote for a statement that cites it; for one of the best sentences little is enough.
RELATED, RELATED_IF_BEST, BEST = 0.25, 0.1, 3
NEIGHBOUR_BY_MORE = 0.2  # by so much more a neighbour must have the words to be quoted instead
SECOND_ADDS = 2  # claiming words that a second cited sentence must add to be quoted too
_COMPARED = 8  # sentences that a statement without an id is aligned with, those with most of its words
_LOOPS = 4  # repeated sentences in a row: the model goes round in circles
_CLAIM_WORDS = 4  # from which on a sentence without an id may be a claim
NOT_CONFIRMED = "Not confirmed: "  # before what is shown with QA_UNSUPPORTED=mark though no citation supports it
_IN_BRACKETS = re.compile(r"\s*[(—–-]\s*(?:source:\s*)?([^()—–]{2,60}?)\)?\s*([.!?]?)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is shown for a sentence of the model, a quote if `replaced`."""

    text: str
    cited: tuple[Evidence, ...]
    judged: Judged
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sentence: `accepted` is shown; `reasons` say why its own words are not.

    `lost` says that it claims something and nothing is shown for it, `failed` names a part that failed.
    """

    accepted: tuple[Accepted, ...] = ()
    reasons: tuple[str, ...] = ()
    lost: bool = False
    failed: str = ""


class Acceptance:
    """Judge the sentences of one reply, in order."""

    def __init__(
        self,
        shown: ShownEvidence,
        embedder: Embedder | None,
        entailment_judge: EntailmentJudge | None,
        unsupported: Literal["drop", "mark"],
    ) -> None:
        self._shown = shown
        self._embedder = embedder
        self._entailment_judge = entailment_judge
        self._marks = unsupported == "mark"
        self._outlets = {stemming.fold(each.source.outlet) for each in shown.by_id.values() if each.source.outlet}
        self._said: list[str] = []  # folded
        self._repeats = 0

    @property
    def loops(self) -> bool:
        """Tell whether the model only repeats itself."""
        return self._repeats >= _LOOPS

    def judge(self, sentence: Sentence) -> Outcome:
        """Return what is shown for a sentence. Takes tens of milliseconds of computing."""
        if sentence.cut:
            return Outcome(reasons=("cut short",))
        text = self._without_outlet(reply_words.without_preamble(sentence.text))
        cited = [self._shown.by_id[sentence_id] for sentence_id in sentence.ids]
        if text.rstrip("\"'”’ ").endswith("?") and not verify.is_verbatim(text, cited):
            return Outcome(reasons=("asks and tells nothing",))
        if not cited:
            bearer = self._find_bearer(text, [self._shown.by_id[sentence_id] for sentence_id in sentence.guesses])
            if bearer is None:
                is_claim = bool(sentence.unknown) or _may_claim(text)
                return Outcome(reasons=("cites nothing",), lost=is_claim)
            cited = [bearer]
        if self._is_repeated(text):
            self._repeats += 1
            return Outcome(reasons=("said before",))
        self._repeats = 0
        judged, failed = check_statement(
            text,
            cited,
            [evidence for evidence in self._shown.by_id.values() if evidence not in cited],
            texts=self._shown.texts,
            embedder=self._embedder,
            judge=self._entailment_judge,
        )
        if judged.support == "supported" or self._marks:
            self._said.append(stemming.fold(text))
            shown = text if judged.support == "supported" else f"{NOT_CONFIRMED}{text}"
            return Outcome((Accepted(shown, tuple(cited), judged),), failed=failed)
        quoted = self._choose_quotes(text, cited)
        fresh = [each for each in quoted if not self._is_repeated(each.text)]
        self._said += [stemming.fold(each.text) for each in fresh]
        accepted = tuple(
            Accepted(extractive.with_attribution(each), (each,), VERBATIM, replaced=True) for each in fresh
        )
        return Outcome(accepted, judged.reasons, lost=not quoted, failed=failed)

    def _find_bearer(self, text: str, guesses: Sequence[Evidence]) -> Evidence | None:
        """Return the one sentence that a statement without an id says; None if none does.

        Of several that have about as many of its words it is one that supports it, else the best one.
        """
        own = stemming.stem_set(text)
        if len(own) < 2:
            return None
        for candidates in filter(None, (guesses, list(self._shown.by_id.values()))):
            nearest = sorted(candidates, key=lambda each: -len(own & stemming.stem_set(each.text)))[:_COMPARED]
            shares = [(_share(text, each), each) for each in nearest]
            most = max(share for share, _ in shares)
            alike = [each for share, each in shares if share >= max(BEARS, most - BY_MORE)]
            supporting = [each for each in alike if verify.check(text, [each])[0] == "supported"]
            if alike:
                return max(supporting or alike, key=lambda each: each.score)
        return guesses[0] if len(guesses) == 1 else None

    def _choose_quotes(self, text: str, cited: Sequence[Evidence]) -> list[Evidence]:
        """Return the cited sentences, or a neighbour, that stand for a statement: those that have most of its words."""
        quotable = [each for each in cited if not is_injected_instruction(each.text)]
        beside = [
            near for each in quotable for near in self._shown.neighbours(each) if not is_injected_instruction(near.text)
        ]
        if not quotable:
            return []
        share, best = max(((_share(text, each), each) for each in quotable), key=lambda pair: pair[0])
        near_share, near = max(
            ((_share(text, each), each) for each in beside), key=lambda pair: pair[0], default=(0, best)
        )
        if near_share >= share + NEIGHBOUR_BY_MORE:
            return [near]
        is_among_best = best in list(self._shown.by_id.values())[:BEST]
        if share < (RELATED_IF_BEST if is_among_best else RELATED):
            return []
        had = verify.covered_words(verify.align_statement(text, [best]))
        added = [(verify.covered_words(verify.align_statement(text, [each])) - had, each) for each in quotable]
        words, second = max(added, key=lambda pair: len(pair[0]))
        return [best, second] if len(words) >= SECOND_ADDS else [best]

    def _is_repeated(self, text: str) -> bool:
        folded = stemming.fold(text)
        return any(folded in said for said in self._said)

    def _without_outlet(self, text: str) -> str:
        """Return a statement without an outlet in brackets at its end: that is how some models cite."""
        found = _IN_BRACKETS.search(text)
        return text[: found.start()] + found[2] if found and stemming.fold(found[1]) in self._outlets else text


def _share(text: str, evidence: Evidence) -> float:
    """Return the share of a statement's claiming words that a sentence has by itself."""
    return verify.coverage(verify.align_statement(text, [replace(evidence, context="")]))


def _may_claim(text: str) -> bool:
    """Tell whether a sentence without an id may say something about the question's matter."""
    is_about_answer = reply_words.leads_in(text) or reply_words.is_chat(text) or text.rstrip().endswith("?")
    return not is_about_answer and len(stemming.stem_set(text)) >= _CLAIM_WORDS
