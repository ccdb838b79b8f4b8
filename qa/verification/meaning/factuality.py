"""What the cited text gives as planned, asked for, denied or believed, and the statement as done. Pure.

A verb that embeds another one does not say that the other's act took place. Where the statement keeps the embedded
verb and leaves the embedding one out, a plan is told as done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from qa.verification import lexicon as words_lexicon
from qa.verification.aligned_statement import Discrepancy
from qa.verification.meaning.reading import (
    AUXILIARIES,
    BE,
    CONNECTORS,
    RELATIVES,
    Reading,
    clause_end,
    is_claiming,
    is_verb_like,
    lexicon,
    stem_lexicon,
)
from qa.verification.tokens import Token

# Verbs, nouns and adjectives after which an infinitive is not yet, or not certainly, a fact. "Manage", "begin",
# "continue", "force" and "help" are none: what they embed took place.
_PLAN = stem_lexicon(
    "plan expect hope intend intention aim want agree agreement promise pledge vow threaten threat offer prepare"
    " propose proposal consider contemplate mull weigh decide decision determine seek try attempt effort wish mean"
    " schedule slate likely unlikely bound ready poise eager willing keen reluctant suppose ought need hesitate long"
    " aspire strive struggle volunteer swear resolve commit commitment undertake arrange apply bid campaign lobby"
    " push ambition desire goal readiness willingness determination chance opportunity option right mandate duty tend"
    " tip predict forecast anticipate envisage foresee project destine fate earmark design vote move race rush urge"
    " due prospect possibility potential opt elect fear worry tempt dream yearn crave reserve sign contract"
)
_PLAIN_PLAN = lexicon("set about going due")  # only right before "to": "set to", "about to", "going to"
_ASK = stem_lexicon(
    "ask urge order tell advise beg instruct press invite encourage petition implore remind direct command request"
    " require oblige recommend counsel call allow permit permission authorise authorize enable empower entitle"
    " pressure lobby demand appeal plead challenge dare entreat exhort prompt caution warn summon task assign"
    " nominate appoint select choose expect want need"
)
_DENY = stem_lexicon(
    "deny denial decline refuse refusal reject dismiss dispute fail failure refrain abstain avoid oppose doubt"
    " question discourage forbid ban prohibit prevent block bar stop keep abandon drop cancel shelve scrap disavow"
    " repudiate rebut refute contradict debunk contest quash resist neglect omit forget disown rule decide advise"
    " warn threaten delay postpone consider contemplate suggest discuss propose recommend risk mull debate resent"
    " condemn"
)
_BELIEVE = stem_lexicon(
    "allege allegation accuse suspect believe think say report rumour rumor claim understand presume assume suppose"
    " deem fear expect estimate consider charge hold know reckon argue contend maintain insist speculate insinuate"
    " imply hint guess suggest predict hope doubt deny dispute feign pretend profess purport appear seem"
)
_CLAUSAL = stem_lexicon(  # before "that": what follows is denied, hoped or only believed, not reported
    "deny denial dispute doubt dismiss reject refute rebut debunk disbelieve question contest quash hope fear suspect"
    " allege allegation believe assume presume suppose speculate speculation imagine guess expect wish pretend claim"
    " rumour rumor suggestion accusation demand insist request propose proposal recommend predict prediction risk"
    " danger possibility chance prospect likelihood threaten threat warn warning disprove brush play"
)
_EMBEDDING = _PLAN | _ASK | _DENY | _BELIEVE
_BEFORE_INFINITIVE = _PLAN | _ASK | _DENY
_BEFORE_GERUND = _PLAN | _DENY
_HEARSAY = _BELIEVE | _CLAUSAL
_ONLY_DENY = _DENY - _PLAN
_FUTURE = _PLAN | _ASK | lexicon("set about go")
_CLAUSE_ENDS = CONNECTORS | RELATIVES
_GERUND_PREPOSITIONS = lexicon("of out against for about to from in on over with")
_OF = lexicon("of")
_PASSED_OVER = (
    AUXILIARIES | lexicon("not also soon later now again either") | lexicon("it he she they i we you him them us")
)
_DO = lexicon("do does did done doing")
_SUBJECTS = lexicon("he she they it we i")
_ADVERBS = lexicon("yet ever even also really fully quite always just still then now")
_REACH = 9  # how far an infinitive may be from its verb: "asked the council of the old town to close"
_NEAR = 8  # how far before its verb the statement may have another embedding one


def find_lost_embedding(reading: Reading) -> Iterator[Discrepancy]:
    """Yield a verb such as "plan", "ask" or "deny" that was left out while what it embeds was kept."""
    words = reading.sentence
    if any(a.bare in _DO and b.bare == "so" for a, b in pairwise(words)):
        return  # "told to install them, nine have done so"
    for at, token in enumerate(words):
        if reading.is_kept(at) and token.kind != "negation":
            continue
        if token.kind == "negation":
            if at in reading.alignment.in_statement:
                continue
            complement = _negated_complement(words, at)
        else:
            complement = find_complement(words, at)
        for position in complement:
            place = reading.place(position)
            if place is None or _is_embedded(reading, place, token):
                continue
            what = "not" if token.kind == "negation" else token.shown
            yield Discrepancy(f"the cited text has {words[position].shown!r} only after {what!r}", False, token.shown)
            break


def find_complement(words: Sequence[Token], at: int) -> list[int]:
    """Return the positions of the verb that the word embeds; none where it embeds none."""
    key, bare = words[at].key, words[at].bare
    follows = words[at + 1].bare if at + 1 < len(words) else ""
    believed = key in _BELIEVE and any(token.bare in BE for token in words[max(0, at - 2) : at])  # "is said to"
    found: list[int] = []
    if (bare in _PLAIN_PLAN and follows == "to") or key in _BEFORE_INFINITIVE or believed:
        found += _infinitive(words, at)
    if key in _BEFORE_GERUND:
        found += _gerund(words, at, _GERUND_PREPOSITIONS)
    elif key in _BELIEVE:
        found += _gerund(words, at, _OF)
    if key in _CLAUSAL:
        found += _clause(words, at)
    return found


def _infinitive(words: Sequence[Token], at: int) -> list[int]:
    """Return the verb of "to close": the first "to" in reach that is before a verb, in the same clause."""
    for position in range(_behind_aside(words, at + 1), min(len(words) - 1, at + 1 + _REACH)):
        token = words[position]
        if token.bare == "to":
            verb = _skip(words, position + 1)
            after = words[position + 1]
            if verb is None or after.after_article or words[verb].after_article or words[verb].kind != "word":
                continue
            if words[verb].shown[:1].isupper() and not words[verb].opens_sentence:
                continue
            return [verb]
        ends = token.after_break or token.bare in _CLAUSE_ENDS or token.kind == "modal"
        if position > at + 1 and ends:
            return []
        if token.bare in _SUBJECTS and position + 1 < len(words) and words[position + 1].bare != "to":
            return []  # "the turbines it wants to build"
    return []


def _behind_aside(words: Sequence[Token], start: int) -> int:
    """Return where the sentence goes on if an aside begins here: "poised, friends say, to sing"."""
    if start >= len(words) or not words[start].after_break:
        return start
    end = next((step for step in range(start + 1, min(len(words), start + _REACH)) if words[step].after_break), None)
    return end if end is not None and words[end].bare == "to" else len(words)


def _gerund(words: Sequence[Token], at: int, prepositions: frozenset[str]) -> list[int]:
    """Return the gerund of "denied closing", "ruled out closing", "is accused of closing"."""
    for position in range(at + 1, min(len(words), at + 1 + _REACH)):
        token, before = words[position], words[position - 1]
        if token.after_break or token.bare in _CLAUSE_ENDS:
            return []
        is_gerund = token.kind in ("word", "denial") and token.bare.endswith("ing") and len(token.bare) > 4
        follows = before.bare in prepositions or before.bare in ("having", "been", "being")
        if is_gerund and not token.after_article and (follows or (position == at + 1 and prepositions is not _OF)):
            return [position]
    return []


def _clause(words: Sequence[Token], at: int) -> list[int]:
    """Return the verbs of "that it had closed", also where "that" is left out before a pronoun."""
    for position in range(at + 1, min(len(words), at + 4)):
        token = words[position]
        if token.after_break:
            return []
        if token.bare == "that" or (token.bare in ("it", "he", "she", "they") and position + 1 < len(words)):
            end = clause_end(words, position + 1)
            claiming = [step for step in range(position + 1, end) if is_claiming(words[step])]
            verbs = [step for step in claiming if is_verb_like(words[step])]
            return verbs[:1] or claiming[:1]
    return []


def _negated_complement(words: Sequence[Token], at: int) -> list[int]:
    """Return what a negated verb embeds: "did not vote to close", "would not commit to closing"."""
    following = range(at + 1, min(len(words), at + 5))
    is_adverb = [words[step].bare in _ADVERBS or words[step].bare.endswith("ly") for step in following]
    verb = next(
        (step for step, adverb in zip(following, is_adverb, strict=True) if is_claiming(words[step]) and not adverb),
        None,
    )
    if verb is None or words[at].bare in ("cannot", "without"):
        return []
    behind_adverb = [verb] if is_adverb[0] and not words[verb].after_break else []
    return [*behind_adverb, *_infinitive(words, verb), *_gerund(words, verb, _GERUND_PREPOSITIONS)]


def _skip(words: Sequence[Token], position: int) -> int | None:
    """Return the first full verb from here on: "be fined", "have closed"."""
    while position < len(words) and words[position].bare in _PASSED_OVER and not words[position].after_break:
        position += 1
    return position if position < len(words) and not (words[position].after_break) else None


def _is_embedded(reading: Reading, place: int, lost: Token) -> bool:
    """Tell whether the statement embeds the verb too, in another word: "intends to" for "plans to"."""
    added = reading.added_before(place, _NEAR)
    if lost.key in _HEARSAY and any(token.bare in words_lexicon.SPEECH_WORDS for token in added):
        return True
    if lost.kind == "negation" or lost.key in _ONLY_DENY:
        return any(
            token.kind in ("negation", "denial") or token.key in _DENY or (token.key in _CLAUSAL) for token in added
        )
    if any(token.key in _EMBEDDING or token.kind == "denial" for token in added):
        return True
    before = reading.statement[place - 1].bare if place else ""
    is_future = any(token.kind == "modal" for token in added) or before == "to"
    return is_future and lost.key in _FUTURE
