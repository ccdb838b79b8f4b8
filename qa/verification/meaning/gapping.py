"""Clauses whose verb or noun is left to the clause before: "the army lost 7 men and the navy 9". Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qa.types import Evidence, Span
from qa.verification.meaning.reading import CONNECTORS, PREPOSITIONS, is_claiming, is_noun_like, is_verb_like
from qa.verification.tokens import Token, tokenise

_MOST = 6  # words that the subject of such a clause may have


def spell_out(cited: Sequence[Evidence]) -> list[Evidence]:
    """Return such clauses with what they leave out: "navy lost 9 men". Articles are left out, as from all tokens."""
    found = []
    for sentence in cited:
        for clause in _clauses(tokenise(sentence.text)):
            text = " ".join(token.shown for token in clause)
            found.append(replace(sentence, text=text, span=Span(0, len(text)), context=sentence.text))
    return found


def _clauses(words: Sequence[Token]) -> Iterator[list[Token]]:
    for at, token in enumerate(words):
        if token.kind != "number" or not _ends_phrase(words, at + 1):
            continue
        start = _subject_start(words, at)
        model = _model(words, start) if start is not None else None
        if start is None or model is None:
            continue
        verb, noun = model
        subject = words[start:at]
        yield [*subject, *([] if any(map(is_verb_like, subject)) else verb), token, *noun]


def _ends_phrase(words: Sequence[Token], at: int) -> bool:
    if at >= len(words):
        return True
    return words[at].after_break or words[at].bare in CONNECTORS or words[at].bare in PREPOSITIONS


def _subject_start(words: Sequence[Token], at: int) -> int | None:
    """Return where the subject before the number begins: behind a conjunction, a comma or a semicolon."""
    start = at
    while start and at - start < _MOST and not words[start].after_break and words[start - 1].bare not in CONNECTORS:
        start -= 1
    subject = words[start:at]
    opens = start > 0 and (words[start].after_break or words[start - 1].bare in CONNECTORS)
    verbs = sum(map(is_verb_like, subject))
    named = any(map(is_noun_like, subject)) and not any(token.kind == "number" for token in subject)
    return start if opens and named and (verbs == 0 or (verbs == 1 and is_verb_like(subject[-1]))) else None


def _model(words: Sequence[Token], before: int) -> tuple[list[Token], list[Token]] | None:
    """Return the verb and the counted noun of the clause before, which has a number as well."""
    for at in range(before - 1, 0, -1):
        if words[at].kind != "number":
            continue
        noun = []
        for token in words[at + 1 : at + 4]:
            if not is_claiming(token) or token.after_break or is_verb_like(token):
                break
            noun.append(token)
        verb = next((step for step in range(at - 1, max(-1, at - 4), -1) if is_verb_like(words[step])), None)
        if noun and verb is not None and not any(words[step].after_break for step in range(verb + 1, at + 1)):
            return list(words[verb:at]), noun
    return None
