"""The reader's training rows: questions with sentences that answer them or only look as if they did.

`read_groups` returns the public rows, cleaned, and the hand-written questions; `augment` changes some of them anew in
each pass: how a question is put, what of it is asked, and the answer's place in the sentence.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eval.training.clean_questions import QuestionRow, read_questions
from eval.training.data import NeighbourQuestion, load_questions
from qa.text.sentences import split_sentences

WHOLE = 0.2  # of the contexts of several sentences, as many are read whole
OUR_COPIES = 4  # times that a hand-written question is read in a pass: there are few, and they teach what others lack
HELD_OUT = 5  # of five hand-written passages one is for measuring
REPLACED, CUT, ECHOED, REWORDED, YEAR, NAME, SWAPPED = 0.06, 0.04, 0.02, 0.25, 0.35, 0.08, 0.25


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may answer: where it answers, `start` and `end` are the shortest answer, if that is known."""

    text: str
    title: str
    right: bool
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Group:
    """A question and its candidates."""

    source: str
    question: str
    candidates: tuple[Candidate, ...]


def read_groups(folder: Path, split: str) -> tuple[list[Group], Counter[str]]:
    """Return the groups of `train` or `dev` of the public rows, and how many rows each rule of cleaning removed."""
    rows, removed = read_questions(folder / f"{split}.jsonl.gz")
    groups: dict[str, list[QuestionRow]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return [Group(own[0].source, own[0].question, tuple(map(_candidate, own))) for own in groups.values()], removed


def _candidate(row: QuestionRow) -> Candidate:
    if not row.answers or row.answer_kind != "span":
        return Candidate(row.context, row.title, bool(row.answers))
    answer = min(row.answers, key=lambda answer: len(answer.text))
    return Candidate(row.context, row.title, True, answer.start, answer.end)


def shorten(candidate: Candidate, question: str, chance: random.Random) -> Candidate:
    """Return mostly one sentence of a longer context, as the service reads them: the answer's, else the likeliest."""
    sentences = [span for span in split_sentences(candidate.text) if span.end - span.start > 15]
    if len(sentences) < 2 or chance.random() < WHOLE or (candidate.right and candidate.start < 0):
        return candidate
    if candidate.right:
        chosen = next((s for s in sentences if s.start <= candidate.start and candidate.end <= s.end), None)
        if chosen is None:
            return candidate
        start, end = candidate.start - chosen.start, candidate.end - chosen.start
        return replace(candidate, text=candidate.text[chosen.start : chosen.end], start=start, end=end)
    asked = set(question.lower().split())
    texts = [candidate.text[span.start : span.end] for span in sentences]
    return replace(candidate, text=max(texts, key=lambda text: len(asked.intersection(text.lower().split()))))


def our_groups(*, held_out: bool) -> list[Group]:
    """Return the hand-written questions; of every fifth passage those that are held out."""
    passages: dict[tuple[str, ...], int] = {}
    groups = []
    for question in load_questions():
        number = passages.setdefault(question.sentences, len(passages))
        if (number % HELD_OUT == 0) == held_out:
            groups.append(_our_group(question))
    return groups


def _our_group(question: NeighbourQuestion) -> Group:
    title = ". ".join(filter(None, [question.outlet, question.date, question.title]))
    candidates = []
    for place, sentence in enumerate(question.sentences):
        right = place in question.right
        start = sentence.find(question.answer) if right and question.answer else -1
        end = start + len(question.answer or "") if start >= 0 else -1
        if right or place in question.neighbours or place % 3 == 0:
            candidates.append(Candidate(sentence, title, right, start, end))
    return Group("ours", question.question, tuple(candidates))


_CLAIM = re.compile(r"^((?:[^\s,]+ ){1,7}?)(is|was|are|were|has|have|had|will|can|could|would|did|does) (.+?)\.?$")


def yes_no_groups(rows: Iterable[tuple[str, str, str]], seed: int) -> list[Group]:
    """Return yes-no questions from claims: (source, claim, evidence that decides it, true or false).

    The likeliest other evidence, by shared words, is what does not decide it.
    """
    chance = random.Random(seed)
    rows = list(rows)
    by_word: dict[str, list[int]] = defaultdict(list)
    for number, (_, _, evidence) in enumerate(rows):
        for word in set(re.findall(r"\w{4,}", evidence.lower())):
            by_word[word].append(number)
    groups = []
    for source, claim, evidence in rows:
        match = _CLAIM.match(claim)
        if match is None or len(claim) > 150:
            continue
        question = f"{match[2].capitalize()} {match[1]}{match[3]}?"
        counted: Counter[int] = Counter()
        for word in sorted(set(re.findall(r"\w{4,}", claim.lower()))):  # in order: a run can be repeated
            if len(by_word[word]) < 400:
                counted.update(by_word[word])
        others = [rows[number][2] for number, _ in counted.most_common(12) if _differs(rows[number][2], evidence)]
        candidates = [Candidate(evidence, "", True), *(Candidate(other, "", False) for other in others[:2])]
        if chance.random() < 0.5:
            candidates.reverse()
        groups.append(Group(source, question, tuple(candidates)))
    return groups


def _differs(other: str, evidence: str) -> bool:
    own, theirs = set(evidence.lower().split()), set(other.lower().split())
    return len(own & theirs) < 0.5 * min(len(own), len(theirs))


def augment(group: Group, chance: random.Random, names: Sequence[str]) -> list[Group]:
    """Return the group as it is read in this pass, and perhaps a second one that is changed so that nothing answers."""
    group = replace(group, candidates=tuple(shorten(c, group.question, chance) for c in group.candidates))
    groups = [group]
    right = [candidate for candidate in group.candidates if candidate.right]
    if right:
        added = _spoiled(group.question, right[0], chance)
        if added is not None:
            groups[0] = replace(group, candidates=(*group.candidates, added))
        other = _asks_other(group.question, right[0], chance, names)
        if other is not None:
            groups.append(
                Group(group.source, other, tuple(replace(c, right=False, start=-1, end=-1) for c in right[:1]))
            )
    return [replace(each, question=_reword(each.question, chance)) for each in groups]


_STANDS_FOR = {
    "who": ("someone", "a man", "one of them", "a spokesman"),
    "when": ("recently", "some time ago", "at the time", "earlier"),
    "where": ("there", "somewhere else", "in the area"),
    "how many": ("some", "several", "many", "a number of"),
    "how much": ("some", "a sum", "more"),
}
_PREPOSITION = re.compile(r"\b(?:in|on|at|by|from|since|near) (?:the )?$", re.IGNORECASE)


def _spoiled(question: str, candidate: Candidate, chance: random.Random) -> Candidate | None:
    """Return the sentence that answers without its answer, or one that only repeats the question."""
    draw = chance.random()
    answer = candidate.text[candidate.start : candidate.end] if candidate.start >= 0 else ""
    if draw < REPLACED:
        kind = next((kind for kind in _STANDS_FOR if kind in question.lower()), None)
        if kind and 0 < len(answer.split()) <= 5:
            vague = chance.choice(_STANDS_FOR[kind])
            start = candidate.start
            if kind in ("when", "where"):  # with its preposition: "in 1990" becomes "recently"
                start = len(_PREPOSITION.sub("", candidate.text[:start]))
            text = candidate.text[:start] + vague + candidate.text[candidate.end :]
            return Candidate(text, candidate.title, False) if answer.lower() not in text.lower() else None
    elif draw < REPLACED + CUT:
        if 0 < len(answer.split()) <= 8:
            before = re.sub(
                r"\b(?:in|on|at|by|of|for|to|from|with|since|as|because|the|a|an)\s*$",
                "",
                candidate.text[: candidate.start],
            )
            text = f"{before.rstrip(' ,')} {candidate.text[candidate.end :].lstrip()}".strip()
            return (
                Candidate(text, candidate.title, False)
                if len(text.split()) > 4 and answer.lower() not in text.lower()
                else None
            )
    elif draw < REPLACED + CUT + ECHOED:
        bare = question.rstrip("? ")
        put = chance.choice(
            ("{q}?", "It is not known {l}.", "Many people have asked: {q}?", "The report does not say {l}.",
             "The question is {l}, and nobody has answered it.", "“{q}?” she asked.")
        )  # fmt: skip
        return Candidate(put.format(q=bare, l=bare[:1].lower() + bare[1:]), candidate.title, False)
    return None


_OPPOSITES = [
    pair.split("/")
    for pair in (
        "first/second first/last second/third largest/smallest highest/lowest oldest/youngest before/after north/south "
        "east/west northern/southern eastern/western former/current more/less most/least won/lost win/lose bought/sold "
        "opened/closed born/died mother/father son/daughter brother/sister wife/husband president/minister began/ended "
        "start/end started/finished increase/decrease rose/fell men/women boys/girls gold/silver winter/summer "
        "upper/lower"
    ).split()
]
_OTHER = {word: other for pair in _OPPOSITES for word, other in (pair, reversed(pair))}
_YEAR = re.compile(r"\b(1[5-9]\d\d|20[0-3]\d)\b")
_NAME = re.compile(r"\b[A-Z][\w'’.-]+(?: (?:of |the |de |van )?[A-Z][\w'’.-]+)*")


def _asks_other(question: str, candidate: Candidate, chance: random.Random, names: Sequence[str]) -> str | None:
    """Return the question with its year, its name or a word exchanged so that the sentence does not answer it."""
    year = _YEAR.search(question)
    if year and year[0] in candidate.text and chance.random() < YEAR:
        other = str(int(year[0]) + chance.choice((-10, -4, -3, -2, -1, 1, 2, 3, 4, 10)))
        return question.replace(year[0], other) if other not in candidate.text else None
    word = next((word for word in re.findall(r"[a-z]+", question) if word in _OTHER), None)
    if word and re.search(rf"\b{word}\b", candidate.text.lower()) and chance.random() < SWAPPED:
        other = _OTHER[word]
        if not re.search(rf"\b{other}\b", candidate.text.lower()):
            return re.sub(rf"\b{word}\b", other, question, count=1)
    found = [match[0] for match in _NAME.finditer(question) if match.start() and match[0] in candidate.text]
    if found and chance.random() < NAME:
        other = chance.choice(names)
        if other not in candidate.text and other not in question:
            return question.replace(chance.choice(found), other)
    return None


_POLITE = (
    "please tell me {l}", "can you tell me {l}?", "I would like to know {l}", "do you know {l}?", "tell me {l}",
    "hi, {l}?", "{q}, please?", "according to the articles, {l}?", "What do the articles say: {l}?",
    "Quick question: {l}?", "{q}??", "so {l}?", "I'm trying to find out {l}.", "could you find {l}? thanks",
)  # fmt: skip
_FUNCTION = frozenset(
    "a an the of in on at to for by with from is was are were be been do does did has have had that this it its as and "
    "or what which who whom whose when where why how".split()
)


def _reword(question: str, chance: random.Random) -> str:
    """Put a question as people put it: politely, in key words, without its mark, or with a slip of the finger."""
    if chance.random() >= REWORDED:
        return question
    bare = question.strip().rstrip("?").rstrip()
    put: Callable[[], str] = chance.choice((
        lambda: chance.choice(_POLITE).format(q=bare, l=bare[:1].lower() + bare[1:]),
        lambda: bare,
        lambda: " ".join(word for word in bare.split() if word.lower() not in _FUNCTION) or bare,
        lambda: _misspell(bare, chance),
    ))  # fmt: skip
    return put()


def _misspell(question: str, chance: random.Random) -> str:
    words = question.split()
    long = [place for place, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    for place in chance.sample(long, min(len(long), chance.choice((1, 1, 2)))):
        word = words[place]
        at = chance.randrange(1, len(word) - 2)
        words[place] = chance.choice((
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        ))  # fmt: skip
    return " ".join(words)
