"""What the cited text excludes, and the statement affirms: "to Ana rather than Bo", "but the club did not". Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.verification.aligned_statement import Discrepancy
from qa.verification.meaning.reading import (
    AUXILIARIES,
    CONNECTORS,
    RELATIVES,
    Reading,
    is_claiming,
    lexicon,
    phrase_end,
)
from qa.verification.tokens import Token

_EXCLUDING = tuple(
    tuple(phrase.split())
    for phrase in (
        "rather than|instead of|as opposed to|in place of|in preference to|in lieu of|but not|and not|though not"
        "|although not|if not|but never|other than|apart from|aside from|with exception of|to exclusion of"
        "|in contrast to|as distinct from|let alone|never mind|except for|except|excluding|unlike|not|nor|as against"
        "|at expense of"
    ).split("|")
)
_BEFORE_NOUN = lexicon("at in on for to from by with")
_DECLINING = lexicon("refused refuses refuse declined declines decline failed fails fail")
_SENTENCE_ENDS = CONNECTORS | RELATIVES


def find_excluded(reading: Reading) -> Iterator[Discrepancy]:
    """Yield a phrase that the sentence excludes and the statement has without saying so."""
    if any(token.kind in ("negation", "denial") for token in reading.statement) or _excludes(reading.statement):
        return
    words = reading.sentence
    for at in range(len(words)):
        size = _size_of_exclusion(words, at)
        if size:
            end = phrase_end(words, at + size)
            phrase = range(at + size, end)
        else:
            phrase = _left_out_subject(words, at)
        claiming = [step for step in phrase if is_claiming(words[step])]
        if not claiming or not all(words[step].key in reading.stated_keys for step in claiming):
            continue
        if _is_elsewhere(words, phrase, claiming) or not _is_taken_from_here(reading, phrase, at):
            continue
        shown = " ".join(words[step].shown for step in phrase)
        yield Discrepancy(f"the cited text excludes this: {shown}", False, shown)


def _size_of_exclusion(words: Sequence[Token], at: int) -> int:
    """Return how many words the excluding phrase has that begins here."""
    for marker in _EXCLUDING:
        bares = tuple(token.bare for token in words[at : at + len(marker)])
        if bares != marker:
            continue
        follows = words[at + len(marker)] if at + len(marker) < len(words) else None
        if follows is None or follows.after_break:
            return 0
        excludes_noun = follows.after_article or follows.kind == "name" or follows.bare in _BEFORE_NOUN
        if marker[-1] in ("not", "never", "nor") and not excludes_noun:
            return 0  # "did not close" denies a verb, which is checked elsewhere
        before = words[at - 1] if at else None
        if marker == ("not",) and (before is None or before.bare in AUXILIARIES or before.kind == "modal"):
            return 0
        return len(marker)
    return 0


def _left_out_subject(words: Sequence[Token], at: int) -> range:
    """Return the subject of "but the club did not" or "and the club refused to", where no verb follows."""
    token = words[at]
    ends = at + 1 == len(words) or words[at + 1].after_break or words[at + 1].bare in _SENTENCE_ENDS
    denies = ends and (
        (token.kind == "negation" and at > 0 and words[at - 1].bare in AUXILIARIES)
        or (token.bare in AUXILIARIES and at > 0 and words[at - 1].kind == "negation")
        or (token.bare == "to" and at > 0 and words[at - 1].bare in _DECLINING)
    )
    if not denies:
        return range(0)
    end = at - 1
    start = end
    while start and not words[start].after_break and words[start - 1].bare not in _SENTENCE_ENDS:
        start -= 1
    return range(start, end)


def _is_elsewhere(words: Sequence[Token], phrase: range, claiming: Sequence[int]) -> bool:
    """Tell whether the sentence has all of the phrase outside it too, so that the statement may mean that."""
    outside = {token.key for step, token in enumerate(words) if step not in phrase}
    return all(words[step].key in outside for step in claiming)


def _is_taken_from_here(reading: Reading, phrase: range, at: int) -> bool:
    """Tell whether the statement has the phrase from this sentence, with words of the clause that excludes it."""
    words = reading.sentence
    opens = at == 0 or words[at].after_break or words[at - 1].bare in CONNECTORS
    leads = opens and at < phrase.start and phrase.stop < len(words) and words[phrase.stop].after_break
    clause = {token.key for token in (words[phrase.stop :] if leads else words[: min(at, phrase.start)])}
    keys = {reading.sentence[step].key for step in phrase}
    places = [at for at, token in enumerate(reading.statement) if token.key in keys]
    others = [
        at
        for at, token in enumerate(reading.statement)
        if token.key not in keys and is_claiming(token) and token.key in clause
    ]
    return bool(others) and all(reading.is_source_of(at) for at in places)


def _excludes(words: Sequence[Token]) -> bool:
    return any(_size_of_exclusion(words, at) for at in range(len(words)))
