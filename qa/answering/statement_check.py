"""Check a statement against what it cites: by rules, by the support score, and by the entailment judge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from qa.answering.draft import Judged
from qa.answering.extractive import with_attribution
from qa.errors import EmbeddingFailed, JudgeFailed
from qa.types import Embedder, EntailmentJudge, Evidence, Source
from qa.verification import entailment, support_score, verify

# Prose without remains of markup, codes and ids, which the judge was never shown: it cannot accept those.
_PLAIN = re.compile(
    r"""(?x)(?: (?!--) (?:
        (?<!\w) \d[\d.,:]* (?:st|nd|rd|th|s|m|bn|k|km|kg|pm|am)? (?!\w)  # a number, with what is written to it
      | (?<!\w) (?: [^\W\d_]{2,24} | [aAI] ) (?!\w)  # a word
      | (?<!\w) [^\W\d_] (?=[.'’]) | (?<=['’]) [^\W\d_] (?!\w)  # an initial, or the "s" of "Ann's"
      | [^\w<>\[\]{}=|\\^~`*\#@]
    ))+"""
)


def check_statement(
    statement: str,
    cited: Sequence[Evidence],
    others: Sequence[Evidence] = (),
    *,
    texts: Mapping[Source, str] | None = None,
    embedder: Embedder | None = None,
    judge: EntailmentJudge | None = None,
) -> tuple[Judged, str]:
    """Return the verdict, and the name of a part that failed over it.

    `others` are sentences that were shown and not cited, `texts` those of all articles found.
    """
    try:
        score = support_score.score(statement, cited, embedder)
    except EmbeddingFailed:  # the retriever has reported it in `degraded` already
        score = support_score.score(statement, cited, None)
    verdict = verify.check(statement, cited, others, retrieved=texts or {}, score=score)
    failed = ""
    if judge and verdict[0] != "unsupported" and not verify.is_verbatim(statement, cited):
        try:
            readings = judge.judge([(statement, words) for words in _evidence_texts(cited)])
            verdict = entailment.combine(verdict, readings, score if _PLAIN.fullmatch(statement) else 0.0)
        except JudgeFailed:
            failed = "entailment"
    return Judged(*verdict, round(score, 4)), failed


def _evidence_texts(cited: Sequence[Evidence]) -> list[str]:
    """Return the cited sentences as the judge reads them: alone, after their sources, and with what is around them.

    A statement may name the outlet and the day, and who "he" is may be in the sentence before.
    """
    texts = [
        [each.text for each in cited],
        [with_attribution(each) for each in cited],
        [with_attribution(each, each.context) for each in cited],
    ]
    return list(dict.fromkeys(" ".join(dict.fromkeys(own)) for own in texts))
