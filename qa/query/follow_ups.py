"""Follow-up questions: which ones need the conversation to be understood, and the words that they take from it. Pure.

English only: a question in another language stays as it is, unless it is as short as an ellipsis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from qa.query.analysis import Asked, analyse, carries_meaning
from qa.text import stemming
from qa.text.english import MONTHS, WEEKDAYS, WHOLE_WORD, capitalised
from qa.types import Turn

CHAIN = 3  # earlier questions that are read for a chain of follow-ups
_SHORT = 3  # a question with fewer words of its own, and no name, leaves out what it is about
MOST_WORDS, _MOST_ANSWER_WORDS = 16, 10  # taken from the earlier questions, and from the last answer

_NEW_TOPIC = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|right|thanks?(?: you)?|fine|now)\W+)*(?:(?:a )?(?:different|another|new|next|other)"
    r" (?:subject|topic|question|thing|matter)(?=\s*[:,;.!–—-])|by the way|btw|changing (?:the )?(?:subject|topic)"
    r"|unrelated(?:ly)?(?=\s*[:,;.!–—-])|on another (?:note|subject)|something else(?=\s*[:,;.!–—-])"
    r"|(?:ok(?:ay)?|right|fine|thanks?(?: you)?)\W+now)\b",
    re.IGNORECASE,
)
_JOINED = re.compile(r"^\W*(?:and|but|so|then|also|plus|or)\b(?!\W+so\b)", re.IGNORECASE)
_ABOUT = re.compile(
    r"^\W*(?:(?:and|but|so|then|ok(?:ay)?)\W+)*(?:(?:what|how) about|and(?: (?:what|how))?(?: of)?)\s+"
    r"(?P<other>.+?)\W*$",
    re.IGNORECASE | re.DOTALL,
)
_CLAUSE = re.compile(
    r"\b(?:who|whom|whose|what|which|when|where|why|how|did|does|do|is|are|was|were|will|would|has|have|had|can|could"
    r"|should|(?-i:may)|might|must)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"\b(?:he|him|his|she|her|hers|himself|herself)\b", re.IGNORECASE)
_IMPERSONAL = re.compile(r"\b(?:it|its|itself|they|them|their|theirs|themselves)\b", re.IGNORECASE)
_DEMONSTRATIVE = re.compile(
    r"\b(?:these(?! days\b)|those(?! who\b)|this(?! (?:week|month|year|morning|afternoon|evening|spring|summer|autumn"
    r"|fall|winter|season|time)\b))\b"
    r"|(?:^\W*|\b(?:did|does|do|is|was|were|are|has|had|in|on|at|of|for|after|before|by|about|with|from|than|to|since"
    r"|until|why|how|when|who)\s+)that\b"
    r"|\bthat (?:day|night|week|month|year|time|morning|afternoon|evening|moment|place|one|same)\b",
    re.IGNORECASE,
)
_PLACE_OR_TIME = re.compile(
    r"(?<!was )(?<!were )(?<!is )(?<!are )(?<!been )(?<!be )\bthere\b"
    r"(?! (?:is|are|was|were|been|be|has|have|had|will)\b)"
    r"|\b(?:back then|then|afterwards|beforehand|since then|at the time)\W*$|\bback then\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:the same|the others?|the rest|the latter|the former|instead|else|as well|too|(?:any|what) more"
    r"|(?:which|what|the|other|another|each) ones?|of (?:them|those|these))\b",
    re.IGNORECASE,
)
_MORE = re.compile(r"\bhow (?:many|much) more\b", re.IGNORECASE)
_WORD = re.compile(WHOLE_WORD)
_SUBJECT_WHO = re.compile(
    r"^\W*(?:who|which \w+|what \w+)\s+(?!did|does|do|is|are|was|were|will|would|has|have|had|can|could|should)\w+",
    re.IGNORECASE,
)
_THING = re.compile(
    r"\b(?:the|an?|this|each|every|no|\w+(?:'|’)s)\s+[a-z]"
    r"|\b(?:who|which|what) (?!did|does|do|is|are|was|were|will|has)[a-z]",
    re.IGNORECASE,
)
_TIMES = (
    re.compile(r"\b(?:19|20)\d\d\b"),
    re.compile(rf"\b(?:{'|'.join(MONTHS)})\b"),
    re.compile(rf"\b(?:{'|'.join(WEEKDAYS)})\b"),
)
_LEAD = re.compile(r"(?P<word>in|at|from|for|to|by|with|on)\s+(?:the\s+)?", re.IGNORECASE)
_PLURAL = re.compile(r"\b[a-z]{3,}(?<![aiosu])s\b")


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question and the words that it takes from the conversation, which say what it is about."""

    question: str  # the follow-up, or the earlier question with its new part in place
    own_words: str  # the words that an answering sentence may be expected to hold
    context: str = ""
    answer_words: str = ""  # words of the last answer: used for the search alone, never shown
    earlier_questions: str = ""  # read for the time that they name
    is_follow_up: bool = False  # it cannot be understood without the conversation

    def __str__(self) -> str:
        """Return it as a person can read it."""
        shows_context = self.context and self.own_words == self.question
        return f"{self.question} ({self.context})" if shows_context else self.question

    def analyse(self) -> Asked:
        """Take the question apart."""
        context = f"{self.context} {self.answer_words}".strip()
        return analyse(self.question, self.own_words, context, self.earlier_questions)


def alone(question: str) -> Standalone:
    """Return a question that takes nothing from the conversation."""
    return Standalone(question, question)


def depends(question: str) -> bool:
    """Tell whether a question needs what was said before to be understood."""
    if _NEW_TOPIC.search(question):
        return False
    if _JOINED.search(question) or _ABOUT.search(question):
        return True
    if any(found.search(question) for found in (_DEMONSTRATIVE, _PLACE_OR_TIME, _COMPARED)):
        return True
    if _refers_back(question):
        return True
    return not names(question) and (_MORE.search(question) is not None or len(list(telling(question))) <= _SHORT)


def carry_over(question: str, turns: Sequence[Turn]) -> Standalone:
    """Return the question with what it needs of the turns before it, as `history.clean` returns them."""
    if not turns:
        return alone(question)
    if not depends(question):
        return alone(_NEW_TOPIC.sub("", question).lstrip(" ,.:;-–—") or question)
    earlier_questions = [turn.content for turn in turns if turn.role == "user"]
    before: Standalone | None = None
    for earlier in earlier_questions[-CHAIN:]:
        before = _joined(earlier, before) if before and depends(earlier) else alone(earlier)
    found = _joined(question, before) if before else alone(question)
    answer_words = ""
    if turns[-1].role == "assistant":
        known = f"{found.question} {found.own_words} {found.context}"
        answer_words = taken(turns[-1].content, _MOST_ANSWER_WORDS, known)
    return replace(found, answer_words=answer_words, is_follow_up=True)


def names(question: str) -> list[str]:
    """Return the runs of capitalised words of a question, but not a first word that is capitalised as such."""
    if question.upper() == question:
        return []
    runs: list[list[re.Match[str]]] = []
    for word in capitalised(question):
        if word.group() == "I":
            continue
        first = not question[: word.start()].strip("“\"'‘¿( ")
        if first and not carries_meaning(word.group()):
            continue
        if runs and question[runs[-1][-1].end() : word.start()] in (" ", " & "):
            runs[-1].append(word)
        else:
            runs.append([word])
    return [question[run[0].start() : run[-1].end()].rstrip(".,-") for run in runs]


def _refers_back(question: str) -> bool:
    """Tell whether a pronoun comes before anything in the question that it could refer to."""
    for pattern, thing in ((_PERSONAL, False), (_IMPERSONAL, True)):
        found = pattern.search(question)
        if found:
            ahead = question[: found.start()]
            # "Did Anna see him?": one name is the subject, and cannot be whom the pronoun means.
            named = len(names(ahead)) > (found.group().lower() in ("him", "them"))
            if not (named or _SUBJECT_WHO.search(ahead) or (thing and _THING.search(ahead))):
                return True
    return False


def _joined(question: str, before: Standalone) -> Standalone:
    """Return a follow-up of `before`: in its place if it is only a part, else with its words as context."""
    found = _ABOUT.search(question)
    if found and not _CLAUSE.search(found["other"]):
        replaced = _in_place(found["other"], before.question)
        if replaced:
            whole, dropped = replaced
            context = taken(f"{before.own_words} {before.context}", MOST_WORDS, known=f"{found['other']} {dropped}")
            return Standalone(whole, found["other"], context, earlier_questions=before.earlier_questions)
    context = taken(f"{before.question} {before.context}", MOST_WORDS, known=question)
    earlier_questions = f"{before.question} {before.earlier_questions}".strip()
    return Standalone(question, question, context, earlier_questions=earlier_questions)


def _in_place(other: str, before: str) -> tuple[str, str] | None:
    """Return the earlier question with `other` in place of its part of the same kind, and that part; None without."""
    for pattern in _TIMES:
        new, old = pattern.search(other), pattern.search(before)
        if new and old:
            return before[: old.start()] + new.group() + before[old.end() :], old.group()
        if new:
            return None  # a time cannot take the place of a name
    known = [name for name in names(before) if not any(time.search(name) for time in _TIMES)]
    lead = _LEAD.match(other)
    if lead:  # "in Y" takes the place of "in X" alone
        preposition = rf"\b{lead['word']} (?:the )?"
        known = [name for name in known if re.search(preposition + re.escape(name), before, re.IGNORECASE)]
        other = other[lead.end() :]
    if names(other) and known:
        old_name = re.sub(r"['’]s$", "", known[0])
        return before.replace(old_name, other, 1), old_name
    if re.fullmatch(r"(?:for |the )?[a-z]+s", other, re.IGNORECASE):
        plurals = [plural for plural in _PLURAL.finditer(before) if carries_meaning(plural.group())]
        if plurals:
            first = plurals[0]
            return before[: first.start()] + other.split()[-1] + before[first.end() :], first.group()
    return None


def telling(words: str) -> Iterator[str]:
    """Yield the words that carry meaning, spelt as in the text."""
    return (word.group() for word in _WORD.finditer(words) if carries_meaning(word.group()))


def taken(words: str, most: int, known: str) -> str:
    """Return the telling words in order, each once, without those that occur in `known`."""
    known_stems = stemming.stem_set(known)
    kept: list[str] = []
    for word in telling(words):
        stems = stemming.stem_set(word)
        if not stems <= known_stems and len(kept) < most:
            known_stems |= stems
            kept.append(word)
    return " ".join(kept)
