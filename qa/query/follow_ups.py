"""Follow-up questions: tell which ones need the conversation, and add the words that they take from it. Pure.

English only: a question in another language is left unchanged, unless it is as short as an ellipsis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from qa.query.analysis import AnalysedQuestion, analyse, is_content_word
from qa.text import stemming
from qa.text.english import MONTHS, WEEKDAYS, WHOLE_WORD, capitalised
from qa.types import Turn

CHAIN = 3  # how many earlier questions are read, since a follow-up may follow a follow-up
_FEW_WORDS = 3  # a question with no name and no more content words than this leaves out what it is about
MOST_WORDS, _MOST_ANSWER_WORDS = 16, 10  # taken from the earlier questions and from the last answer

_NEW_TOPIC = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|right|thanks?(?: you)?|fine|now)\W+)*(?:(?:a )?(?:different|another|new|next|other)"
    r" (?:subject|topic|question|thing|matter)(?=\s*[:,;.!–—-])|by the way|btw|changing (?:the )?(?:subject|topic)"
    r"|unrelated(?:ly)?(?=\s*[:,;.!–—-])|on another (?:note|subject)|something else(?=\s*[:,;.!–—-])"
    r"|(?:ok(?:ay)?|right|fine|thanks?(?: you)?)\W+now)\b",
    re.IGNORECASE,
)
_CONJUNCTION = re.compile(r"^\W*(?:and|but|so|then|also|plus|or)\b(?!\W+so\b)", re.IGNORECASE)
_ELLIPSIS = re.compile(
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
_NOUN = re.compile(
    r"\b(?:the|an?|this|each|every|no|\w+(?:'|’)s)\s+[a-z]"
    r"|\b(?:who|which|what) (?!did|does|do|is|are|was|were|will|has)[a-z]",
    re.IGNORECASE,
)
_TIMES = (
    re.compile(r"\b(?:19|20)\d\d\b"),
    re.compile(rf"\b(?:{'|'.join(MONTHS)})\b"),
    re.compile(rf"\b(?:{'|'.join(WEEKDAYS)})\b"),
)
_PREPOSITION = re.compile(r"(?P<word>in|at|from|for|to|by|with|on)\s+(?:the\s+)?", re.IGNORECASE)
_PLURAL = re.compile(r"\b[a-z]{3,}(?<![aiosu])s\b")


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question with the words from the conversation that say what it is about."""

    question: str  # the follow-up, or the earlier question with its new part in place
    own_words: str  # the words that an answering sentence is expected to contain
    context: str = ""
    answer_words: str = ""  # words of the last answer: only searched for, never shown
    earlier_questions: str = ""  # searched for the time that they name
    is_follow_up: bool = False  # the question as asked cannot be understood without the conversation

    def __str__(self) -> str:
        """Return the question, with its context in brackets where it is not a part of the question."""
        shows_context = self.context and self.own_words == self.question
        return f"{self.question} ({self.context})" if shows_context else self.question

    def analyse(self) -> AnalysedQuestion:
        """Analyse the question with its context."""
        context = f"{self.context} {self.answer_words}".strip()
        return analyse(self.question, self.own_words, context, self.earlier_questions)


def standalone(question: str) -> Standalone:
    """Return a question that takes nothing from the conversation."""
    return Standalone(question, question)


def needs_context(question: str) -> bool:
    """Tell whether a question can be understood only with the conversation before it."""
    if _NEW_TOPIC.search(question):
        return False
    if _CONJUNCTION.search(question) or _ELLIPSIS.search(question):
        return True
    if any(pattern.search(question) for pattern in (_DEMONSTRATIVE, _PLACE_OR_TIME, _COMPARED)):
        return True
    if _refers_back(question):
        return True
    return not find_names(question) and (
        _MORE.search(question) is not None or len(list(content_words(question))) <= _FEW_WORDS
    )


def carry_over(question: str, turns: Sequence[Turn]) -> Standalone:
    """Return the question with the words it needs from the earlier turns, which are as `history.clean` returns them."""
    if not turns:
        return standalone(question)
    if not needs_context(question):
        return standalone(_NEW_TOPIC.sub("", question).lstrip(" ,.:;-–—") or question)
    earlier_questions = [turn.content for turn in turns if turn.role == "user"]
    before: Standalone | None = None
    for earlier in earlier_questions[-CHAIN:]:
        before = _combine(earlier, before) if before and needs_context(earlier) else standalone(earlier)
    combined = _combine(question, before) if before else standalone(question)
    answer_words = ""
    if turns[-1].role == "assistant":
        known = f"{combined.question} {combined.own_words} {combined.context}"
        answer_words = pick_words(turns[-1].content, _MOST_ANSWER_WORDS, known)
    return replace(combined, answer_words=answer_words, is_follow_up=True)


def find_names(question: str) -> list[str]:
    """Return the runs of capitalised words of a question, without a first word that is not a content word."""
    if question.upper() == question:
        return []
    runs: list[list[re.Match[str]]] = []
    for word in capitalised(question):
        if word.group() == "I":
            continue
        first = not question[: word.start()].strip("“\"'‘¿( ")
        if first and not is_content_word(word.group()):
            continue
        if runs and question[runs[-1][-1].end() : word.start()] in (" ", " & "):
            runs[-1].append(word)
        else:
            runs.append([word])
    return [question[run[0].start() : run[-1].end()].rstrip(".,-") for run in runs]


def _refers_back(question: str) -> bool:
    """Tell whether a pronoun comes before anything in the question that it could refer to."""
    for pattern, may_be_thing in ((_PERSONAL, False), (_IMPERSONAL, True)):
        pronoun = pattern.search(question)
        if pronoun:
            ahead = question[: pronoun.start()]
            # "Did Anna see him?": one name is the subject, so the pronoun cannot mean it.
            named = len(find_names(ahead)) > (pronoun.group().lower() in ("him", "them"))
            if not (named or _SUBJECT_WHO.search(ahead) or (may_be_thing and _NOUN.search(ahead))):
                return True
    return False


def _combine(question: str, before: Standalone) -> Standalone:
    """Combine a follow-up with the question before it: substitute an ellipsis, else add its words as context."""
    ellipsis = _ELLIPSIS.search(question)
    if ellipsis and not _CLAUSE.search(ellipsis["other"]):
        substitution = _substitute(ellipsis["other"], before.question)
        if substitution:
            substituted, dropped = substitution
            context = pick_words(
                f"{before.own_words} {before.context}", MOST_WORDS, known=f"{ellipsis['other']} {dropped}"
            )
            return Standalone(substituted, ellipsis["other"], context, earlier_questions=before.earlier_questions)
    context = pick_words(f"{before.question} {before.context}", MOST_WORDS, known=question)
    earlier_questions = f"{before.question} {before.earlier_questions}".strip()
    return Standalone(question, question, context, earlier_questions=earlier_questions)


def _substitute(new_part: str, before: str) -> tuple[str, str] | None:
    """Return the earlier question with `new_part` in place of its part of the same kind, and that part; or None."""
    for pattern in _TIMES:
        new, old = pattern.search(new_part), pattern.search(before)
        if new and old:
            return before[: old.start()] + new.group() + before[old.end() :], old.group()
        if new:
            return None  # a time cannot replace a name
    old_names = [name for name in find_names(before) if not any(time.search(name) for time in _TIMES)]
    preposition = _PREPOSITION.match(new_part)
    if preposition:  # "in Y" replaces only "in X"
        pattern_before = rf"\b{preposition['word']} (?:the )?"
        old_names = [name for name in old_names if re.search(pattern_before + re.escape(name), before, re.IGNORECASE)]
        new_part = new_part[preposition.end() :]
    if find_names(new_part) and old_names:
        old_name = re.sub(r"['’]s$", "", old_names[0])
        return before.replace(old_name, new_part, 1), old_name
    if re.fullmatch(r"(?:for |the )?[a-z]+s", new_part, re.IGNORECASE):
        plurals = [plural for plural in _PLURAL.finditer(before) if is_content_word(plural.group())]
        if plurals:
            plural = plurals[0]
            return before[: plural.start()] + new_part.split()[-1] + before[plural.end() :], plural.group()
    return None


def content_words(words: str) -> Iterator[str]:
    """Yield the content words, spelt as in the text."""
    return (word.group() for word in _WORD.finditer(words) if is_content_word(word.group()))


def pick_words(words: str, most: int, known: str) -> str:
    """Return the first content words, each once, without those that occur in `known`."""
    known_stems = stemming.stem_set(known)
    kept: list[str] = []
    for word in content_words(words):
        stems = stemming.stem_set(word)
        if not stems <= known_stems and len(kept) < most:
            known_stems |= stems
            kept.append(word)
    return " ".join(kept)
