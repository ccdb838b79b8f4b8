"""Words of one clause that were joined to another's: "A met B, and C left" made "A left". Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qa.verification.aligned_statement import AlignedStatement, Discrepancy
from qa.verification.lexicon import SYNONYMS
from qa.verification.meaning.reading import (
    PREPOSITIONS,
    RELATIVES,
    SUBORDINATORS,
    Reading,
    is_claiming,
    is_verb_like,
    lexicon,
)
from qa.verification.tokens import Token

_JOINTS = lexicon("and or but nor while whereas as after before because so though although when since")
_PREPOSITIONAL = lexicon("before after since as")
_PRONOUNS = lexicon("it he she they its his her their who which i we this that these those")
_NO_SUBJECT = PREPOSITIONS | RELATIVES
_ADVERBS = lexicon("later then also now still even just soon again already once ago earlier today yesterday tomorrow")


def find_spliced_clauses(reading: Reading) -> Iterator[Discrepancy]:
    """Yield two neighbours of the statement that belong to different clauses of the sentence."""
    in_sentence = reading.alignment.in_sentence
    for at in range(len(reading.statement) - 1):
        first, second = in_sentence[at], in_sentence[at + 1]
        if first is None or second is None or second - first < 3:
            continue
        if not (reading.is_source_of(at) and reading.is_source_of(at + 1)):
            continue
        follows = at + 1
        while (  # "northern bank ... savings bank": the statement's "bank" may be either
            follows + 1 < len(in_sentence)
            and in_sentence[follows + 1] == second + 1
            and reading.sentence[first + 1].key == reading.sentence[second].key
        ):
            first, second, follows = first + 1, second + 1, follows + 1
        before = in_sentence[at - 1] if at else None
        may_be_second = (  # "in Spain, in 2020": the statement's "in" may be either
            before is not None
            and reading.sentence[second - 1].key == reading.sentence[first].key
            and not _is_splice(reading, before, second - 1)
        )
        if not may_be_second and _is_splice(reading, first, second):
            pair = f"{reading.sentence[first].shown} ... {reading.sentence[second].shown}"
            yield Discrepancy(f"of different clauses in cited text: {pair}", False, reading.statement[at + 1].shown)


def _is_splice(reading: Reading, first: int, second: int) -> bool:
    """Tell whether what is left out between two words holds the head of the phrase that the second belongs to."""
    words = reading.sentence
    gap = range(first + 1, second)
    if not gap:
        return False
    joint = next(
        (step for step in reversed(gap) if _is_joint(words, step, second) or _joins(words, step, first, second)), None
    )
    if joint is None or (joint == first + 1 and words[joint].bare in _JOINTS):
        return False
    head = words[first + 1 : joint]
    tail = words[joint + 1 : second] if words[joint].bare in _JOINTS else words[joint:second]
    content = [
        token for token in tail if is_claiming(token) and token.bare not in _ADVERBS and not token.bare.endswith("ly")
    ]
    last = words[second]
    if any(token.key in reading.moved_keys for token in content) or words[second - 1].bare in _PRONOUNS:
        return False  # the head was moved, or is a pronoun that may mean the same
    if not content or (last.after_break and (any(map(is_verb_like, tail)) or not is_verb_like(last))):
        return False
    if _is_aside(words, first, second):
        return False
    opens_with = tail[0].bare if tail else ""
    verb_last = is_verb_like(
        next((token for token in reversed(content) if token.kind not in ("number", "unit")), content[0])
    )
    head = _without_aside(head)
    if head and head[0].bare in RELATIVES and sum(map(is_verb_like, head)) < 2:
        return False
    if head and head[0].after_break and not any(map(is_verb_like, head)) and not verb_last:
        return False  # "the mayor, the clerk and the judge resigned"
    if opens_with in PREPOSITIONS and not any(map(is_verb_like, tail)):
        return False  # "met Ana and in June praised"
    if verb_last:
        return not (last.kind == "name" and content[-1].after_article)
    if tail[-1].bare in PREPOSITIONS:
        return True
    in_phrase = bool(head) and head[0].bare in PREPOSITIONS
    if in_phrase and last.bare == head[0].bare and last.bare in PREPOSITIONS:
        return True  # "the plan for June and the bill for July"
    if in_phrase and not any(map(is_verb_like, head)):
        return False  # "a fire at the port of A and B killed"
    if is_verb_like(last) or last.kind == "modal":
        has_verb = any(map(is_verb_like, head)) or words[joint].bare in SUBORDINATORS
        return has_verb and not _joins_nouns(words, joint, head)
    if last.after_article:
        return True
    numbers = [token for token in head if token.kind == "number"]
    return last.kind == "number" and bool(numbers)


def _without_aside(head: Sequence[Token]) -> Sequence[Token]:
    """Leave out an aside that the left-out words begin with: ", who was born in Lyon, wrote the letter"."""
    while head and head[0].after_break:
        end = next((step for step in range(1, len(head)) if head[step].after_break), None)
        if end is None or not any(map(is_verb_like, head[end:])):
            return head
        head = [replace(head[end], after_break=False), *head[end + 1 :]]
    return head


def _joins(words: Sequence[Token], step: int, first: int, second: int) -> bool:
    """Tell whether a stop, a comma or a semicolon separates two clauses here, both with a verb."""
    return (
        step > first + 1
        and words[step].after_break
        and words[step].bare not in _NO_SUBJECT
        and is_verb_like(words[second])
        and any(map(is_verb_like, words[first + 1 : step]))
    )


def _is_joint(words: Sequence[Token], step: int, second: int) -> bool:
    """Tell whether a conjunction joins clauses or phrases; "before lunch" is neither."""
    if words[step].bare not in _JOINTS:
        return False
    return words[step].bare not in _PREPOSITIONAL or any(map(is_verb_like, words[step + 1 : second + 1]))


def _is_aside(words: Sequence[Token], first: int, second: int) -> bool:
    """Tell whether the gap is set off by commas on both sides, with no main clause in between."""
    head = words[first + 1 : second]
    return head[0].after_break and words[second].after_break and _without_aside(head) is head


def _joins_nouns(words: Sequence[Token], joint: int, head: Sequence[Token]) -> bool:
    """Tell whether "and" joins two names behind a participle: "arrested in Spain and Italy was jailed"."""
    if words[joint].bare not in ("and", "or") or words[joint].after_break or joint + 2 >= len(words):
        return False
    before, after = words[joint - 1], words[joint + 1]
    if before.kind != after.kind or before.kind != "name":
        return False
    verbs = [at for at, token in enumerate(head) if is_verb_like(token)]
    return len(verbs) == 1 and verbs[0] + 1 < len(head) and head[verbs[0] + 1].bare in PREPOSITIONS


def find_exchanged_phrase(reading: Reading) -> Iterator[Discrepancy]:
    """Yield a subject from elsewhere in the sentence in place of one that the statement lacks, before the same"
    " verb."""
    if reading.aligned.changes_voice:
        return
    statement, sentence, in_sentence = reading.statement, reading.sentence, reading.alignment.in_sentence
    for end in range(1, len(statement)):
        verb = in_sentence[end]
        if verb is None or not is_verb_like(sentence[verb]) or statement[end].after_break:
            continue
        subject = _subject(statement, end)
        own = [token for token in subject if token.key in reading.moved_keys]
        replaced = [token for token in _subject(sentence, verb) if token.key not in reading.stated_keys]
        if (
            own
            and replaced
            and not any(SYNONYMS.get(token.key, frozenset()) & {other.key for other in replaced} for token in own)
            and all(token.kind in ("word", "name") and token.key in reading.sentence_keys for token in own)
            and _follows_on(reading, end)
            and reading.is_source_of(end)
        ):
            shown = " ".join(token.shown for token in own)
            instead = " ".join(token.shown for token in replaced)
            yield Discrepancy(f"altered: {shown} for {instead}", False, shown)


def _subject(words: Sequence[Token], verb: int) -> list[Token]:
    """Return the claiming words of the phrase right before a verb, or before the aside that ends there."""
    end = verb
    if words[verb].after_break:  # ", known for its band, destroyed"
        end = max((step for step in range(1, verb) if words[step].after_break), default=0)
    start = end
    while start and (start == end or not words[start].after_break) and words[start - 1].bare not in _JOINTS:
        start -= 1
    phrase = words[start:end]
    return [] if any(map(is_verb_like, phrase)) else [token for token in phrase if is_claiming(token)]


def _follows_on(reading: Reading, start: int) -> bool:
    """Tell whether the statement goes on as the sentence does, for the verb and at least one more claiming word."""
    position, claimed = reading.alignment.in_sentence[start], 0
    for at in range(start, len(reading.statement)):
        if reading.alignment.in_sentence[at] != position or position is None:
            break
        claimed += is_claiming(reading.statement[at])
        position += 1
    return claimed >= 2


def find_number_of_other_citation(aligned: AlignedStatement) -> Iterator[Discrepancy]:
    """Yield a number from another cited sentence than the words that it counts."""
    if len(aligned.alignments) < 2:
        return
    for at, token in enumerate(aligned.statement):
        if token.kind != "number":
            continue
        others = [
            step
            for step, other in enumerate(aligned.statement)
            if other.kind in ("word", "name", "denial") and step != at
        ]
        shares = [
            (sum(alignment.in_sentence[step] is not None for step in others), alignment)
            for alignment in aligned.alignments
        ]
        most = max(share for share, _ in shares)
        holders = [share for share, alignment in shares if alignment.in_sentence[at] is not None]
        best = [alignment for share, alignment in shares if share == most]
        if not holders or max(holders) >= most:
            continue
        replaced = [word for word in best[0].slot(at) if word.kind == "number"]
        if replaced:
            yield Discrepancy(
                f"number of another cited sentence: {token.shown} for {replaced[0].shown}", True, token.shown
            )
