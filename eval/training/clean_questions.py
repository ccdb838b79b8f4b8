"""Read the public question set (shared/train/qa) without the rows that are without a licence, wrong or broken.

268 rows were read by eye. A rule is about a source, a kind or a shape of text.
`python -m eval.training.clean_questions FOLDER` prints how many rows each rule removes.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's words and where they start in the context."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Return where the answer ends in the context."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A question and a context; without answers the context is a negative."""

    id: str
    group: str  # the rows of one question
    source: str  # of the context
    question: str
    context: str
    answers: tuple[Answer, ...]
    answer_kind: str  # span or sentence
    kind: str  # positive, human_unanswerable, or how the negative was found
    title: str

    @property
    def asked_by(self) -> str:
        """Return the source of the question."""
        return self.group.split(":")[0]

    @property
    def is_positive(self) -> bool:
        """Tell whether the context is said to answer."""
        return self.kind == "positive"

    @property
    def is_found(self) -> bool:
        """Tell whether the context is a negative that a search found and nobody read."""
        return self.kind in ("same_passage", "same_document", "bm25")

    @property
    def spans(self) -> tuple[Answer, ...]:
        """Return the answers of a positive row that are a stretch of the context."""
        return self.answers if self.is_positive and self.answer_kind == "span" else ()


# ---- words ----------------------------------------------------------------------------------------------------------

_STOP = frozenset(
    "a an the of in on at to for from by with and or but as is are was were be been being am do does did have has had"
    " this that these those it its he him his she her hers they them their theirs we us our you your i me my who whom"
    " whose which what when where why how than then there here so not no nor if into about over after before will would"
    " can could should shall may might must s t".split()
)
_POINTING = _STOP | {"one", "ones", "himself", "itself", "themselves"}
_FILLERS = frozenset(
    "kind type sort name happen thing result reason manner case example people".split()  # "What kind of ...?"
)
_DIGITS = {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _stem(word: str) -> str:
    word = _DIGITS.get(word, word)
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _content(text: str) -> list[str]:
    """Return the stems of the words that carry meaning."""
    return [_stem(word) for word in _words(text) if word not in _STOP]


def _fold(text: str) -> str:
    return " ".join(_words(text))


def _shared(question: str, context: str) -> float:
    """Return which share of the question's content is in the context."""
    asked = set(_content(question))
    return len(asked.intersection(_content(context))) / len(asked) if asked else 0.0


# ---- rules of both kinds --------------------------------------------------------------------------------------------


def _gives_answer(row: QuestionRow) -> bool:
    return bool(re.search(r"\banswer\s*:", row.question, re.IGNORECASE))


def _asks_nothing(row: QuestionRow) -> bool:
    least = 2 if row.asked_by.startswith("qamr") else 1
    return row.asked_by.startswith(("qamr", "qadiscourse")) and len({*_content(row.question)} - _FILLERS) < least


def _is_fragment(row: QuestionRow) -> bool:
    context = row.context.strip()
    if len(_words(context)) < 5:
        return True
    if row.is_positive:
        return False
    cut = context.endswith(("[...", "-LSB- ...", "-LSB-..."))
    bracketed = "-LSB-" in context or "-RSB-" in context
    return cut or (bracketed and len(_words(re.sub("-[LR]SB-", " ", context))) < 25)


# ---- rules of positives: what the answer says -----------------------------------------------------------------------

_QUANTITY = re.compile(
    r"\d|\b(?:zero|no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|half|third|quarter|both|single"
    r"|once|twice|thrice|several|many|few|most|all|more|less|majority|little|some|pair|couple|an?|double|tripled?|only"
    r"|numerous|every|any|enough|multiple|various|large|small|huge|significant\w*|fewer|unmanned|first|second|fourth"
    r"|fifth|sixth|seventh|eighth|ninth|tenth|\w+teenth|substantial\w*|very|much|fully|entire\w*|greatly"
    r"|considerabl\w*)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\d|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday"
    r"|wednesday|thursday|friday|saturday|sunday|centur\w+|decades?|years?|months?|weeks?|days?|daily|hours?|minutes?"
    r"|night\w*|morning|evening|noon|afternoon|today|tonight|tomorrow|yesterday|now|current\w*|recent\w*|present\w*"
    r"|spring|summer|autumn|fall|winter|season\w*|era|age|period|time|times|after|before|during|since|until|till|when\w*"
    r"|while|once|upon|as|if|at|on|in|by|late|early|mid|later|earlier|ago|medieval|prehistor\w*|ancient|war|reign|birth"
    r"|death|christmas|easter|soon|never|always|first|last|next|twent\w+|thirt\w+|\w+teenth|\w+ties|annual\w*|jurassic"
    r"|cretaceous|triassic|permian|ordovician|devonian|cambrian|\w+ocene|prior|following|renaissance|dynasty|shortly"
    r"|immediately|dawn|dusk|sunset|sunrise|midnight|eve|ad|bc|bce|ce)\b",
    re.IGNORECASE,
)
_DATED = ("squad1.1-dev", "squad2.0-dev", "nq-open", "qed-dev", "tydiqa", "timeqa", "quotesum")
_YES_NO = re.compile(
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might)\b(?! not only)", re.IGNORECASE
)
_NO_YES_NO = re.compile(
    r"\bor\b|^(?:can|could|will|would) you|^was was|\b(?:what|which|who|where|when|how)\b", re.IGNORECASE
)
_NAMES_ITS_CHOICES = re.compile(r"\bor\b|\bwhich (?:word|term)|\bcalled|\bnamed?\b", re.IGNORECASE)


def _is_misplaced(row: QuestionRow) -> bool:
    return any(row.context[answer.start : answer.end] != answer.text for answer in row.spans)


def _cuts_word(row: QuestionRow) -> bool:
    return bool(row.spans) and all(
        answer.text
        and (
            _are_one_word(row.context[max(0, answer.start - 1) : answer.start], answer.text[0])
            or _are_one_word(answer.text[-1], row.context[answer.end : answer.end + 1])
        )
        for answer in row.spans
    )


def _are_one_word(first: str, second: str) -> bool:
    return (first.isalpha() and second.isalpha()) or (first.isdigit() and second.isdigit())


def _has_loose_edge(row: QuestionRow) -> bool:
    texts = [answer.text.strip() for answer in row.spans]
    return bool(texts) and all(
        re.match(r"[-–—,;:.)\]](?!\d)", text) or re.search(r"[-–—(\[]$", text) or text.count("(") != text.count(")")
        for text in texts
    )


def _only_points(row: QuestionRow) -> bool:
    return bool(row.spans) and all(word in _POINTING for word in _words(row.spans[0].text))


def _repeats_question(row: QuestionRow) -> bool:
    if not row.asked_by.startswith(("qamr", "qadiscourse", "nq-open", "qed")) or not row.spans:
        return False
    asked = set(_content(row.question))
    answers = [set(_content(answer.text)) for answer in row.spans]
    return not _NAMES_ITS_CHOICES.search(row.question) and bool(answers[0]) and all(own <= asked for own in answers)


def _is_whole_context(row: QuestionRow) -> bool:
    shortest = min((len(answer.text) for answer in row.spans), default=0)
    return shortest > 250 or (shortest > 40 and shortest >= 0.85 * len(row.context.strip()))


def _asks_yes_or_no(row: QuestionRow) -> bool:
    return bool(row.spans and _YES_NO.match(row.question) and not _NO_YES_NO.search(row.question))


def _has_no_time(row: QuestionRow) -> bool:
    when = re.match(r"when (?:is|are|was|were|did|do|does|has|have|had|will|can)\b", row.question, re.IGNORECASE)
    return bool(row.spans and when) and row.asked_by.startswith(_DATED) and not _any_says(row, _TIME)


def _has_no_quantity(row: QuestionRow) -> bool:
    how_many = re.match(r"how many\b", row.question, re.IGNORECASE)
    return bool(row.spans and how_many) and not _any_says(row, _QUANTITY)


def _any_says(row: QuestionRow, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(answer.text) for answer in row.spans)


def _is_number_for_name(row: QuestionRow) -> bool:
    name = re.match(r"(?:who|whom|whose|where)\b(?! old)", row.question, re.IGNORECASE)
    return bool(row.spans and name) and all(re.fullmatch(r"[\d\s.,/–-]+", answer.text) for answer in row.spans)


def _disagree(row: QuestionRow) -> bool:
    """Tell whether annotators' answers share no word; those of QAMR not even through a third answer."""
    if not row.spans or not row.asked_by.startswith(("qamr", "squad1")):
        return False
    answers = [set(_content(answer.text)) or set(_words(answer.text)) for answer in row.spans]
    if row.asked_by.startswith("squad1"):
        return len(answers) > 1 and all(first.isdisjoint(second) for first, second in combinations(answers, 2))
    linked, apart = answers[0], answers[1:]
    while near := [own for own in apart if own & linked]:
        linked = linked.union(*near)
        apart = [own for own in apart if not own & linked]
    return bool(apart)


# ---- rules of positives: QADiscourse, which asks for the result, the reason or the manner ----------------------------

_CAUSE = re.compile(
    r"\b(?:because|since|as|due|so|therefore|thus|hence|thereby|result\w*|reasons?|caus\w+|led|lead\w*|consequen\w+|after"
    r"|following|if|when|allow\w*|enabl\w+|forc\w+|mean\w*|order|made|make|makes|making|leaving|prompt\w*|trigger\w*"
    r"|owing|thanks|why|given|for|to|by|until|through|from|accordingly|which|where|once|spark\w*|\w+ing)\b",
    re.IGNORECASE,
)
_REASON_AFTER = re.compile(
    r"\b(?:because|since|as|due|after|by|thanks|owing|when|if|from|for|following|with|having|given)\b", re.IGNORECASE
)
_COMPLEMENT = re.compile(
    r"(?:for|by|with|to|due|through|in|because|from|on|of|not|as|over|\w+ing|\d)\b|.*\d", re.IGNORECASE
)
_RESULT_FOLLOWS = re.compile(
    r"[^.]{0,6}\b(?:so|therefore|thus|and so|leading|causing|making|forcing|meaning|in turn)\b", re.IGNORECASE
)
_MARKS = {
    "reason": re.compile(
        r"\b(?:because|since|due to|owing|so that|in order|thanks to|given|after|for|to|by|as|over|caus\w+|led|from"
        r"|reasons?|result(?:ed|s|ing)? (?:of|from|in)|follow\w+|mean\w*|why|so|therefore|thus|concern\w*|fear\w*)\b",
        re.IGNORECASE,
    ),
    "result": re.compile(
        r"\b(?:so|therefore|thus|hence|thereby|result\w*|caus\w+|lead\w*|led|making|leaving|allow\w*|forc\w+|meaning|means"
        r"|because|since|due|after|following|consequen\w+|enabl\w+|creat\w+|produc\w+|prompt\w*|trigger\w*)\b",
        re.IGNORECASE,
    ),
    "manner": re.compile(
        r"^\W*(?:by|with|through|via|using|as|like|in|on|under|without|based|according|depending|from|\w+ly|\w+ing)\b"
        r"|\w+ly$",
        re.IGNORECASE,
    ),
}


def _relation(row: QuestionRow) -> str | None:
    """Return "result", "reason" or "manner" where QADiscourse asks for it."""
    asked = re.match(r"(?:what is the (result|reason)|in what (manner))\b", row.question, re.IGNORECASE)
    if asked is None or not row.spans or row.asked_by != "qadiscourse":
        return None
    return (asked[1] or asked[2]).lower()


def _has_no_cause(row: QuestionRow) -> bool:
    return _relation(row) in ("result", "reason") and not _CAUSE.search(row.context)


def _result_is_first(row: QuestionRow) -> bool:
    if _relation(row) != "result" or not re.match("what is the result of", row.question, re.IGNORECASE):
        return False
    before, after = row.context[: row.spans[0].start], row.context[row.spans[0].end :]
    if _REASON_AFTER.search(after):
        return False
    asked = [word for word in _content(row.question) if word != "result"]
    in_before, in_after = set(_content(before)), set(_content(after))
    return sum(word in in_after for word in asked) > sum(word in in_before for word in asked)


def _is_bare_noun(row: QuestionRow) -> bool:
    return (
        _relation(row) in ("result", "reason")
        and len(_words(row.spans[0].text)) <= 2
        and not _COMPLEMENT.match(row.spans[0].text)
    )


def _lacks_mark(row: QuestionRow) -> bool:
    relation = _relation(row)
    if relation is None:
        return False
    answer, rest = row.spans[0], row.context[row.spans[0].end :]
    if relation == "manner":
        return not _MARKS[relation].search(answer.text.strip()) or bool(re.match(r"by the [A-Z]", answer.text))
    near = row.context[max(0, answer.start - 25) : answer.start] + answer.text[:20]
    if relation == "result":
        near += " " + rest[:25]
    elif _RESULT_FOLLOWS.match(rest):
        return False
    return not _MARKS[relation].search(near)


# ---- the rules ------------------------------------------------------------------------------------------------------

Rule = Callable[[QuestionRow], bool]

_OF_THE_ROW: tuple[tuple[str, Rule], ...] = (
    # "(Answer: Kanal 11?)"
    ("question: gives the answer", _gives_answer),
    # "What kind of frequency?", "What is it?": of QAMR under two words of content, of QADiscourse none.
    ("question: asks nothing", _asks_nothing),
    # Under five words; of negatives also what is cut at "[..." or torn at "-LSB-".
    ("context: fragment", _is_fragment),
    ("answer: misplaced", _is_misplaced),
    # "nfluenza, ...", "5" of "Super Bowl 50".
    ("answer: cut word", _cuts_word),
    # Starts or ends with a hyphen or a bracket, or opens one that it does not close. A comma is only trimmed.
    ("answer: loose edge", _has_loose_edge),
    # "it", "the one".
    ("answer: only points", _only_points),
    # All its content is in the question, which offers no choice and asks for no name.
    ("answer: repeats the question", _repeats_question),
    # Nearly the whole sentence, or over 250 characters: there is no place in it to learn.
    ("answer: whole context", _is_whole_context),
    # A stretch of the text is not the answer to a question of yes or no.
    ("answer: to yes or no", _asks_yes_or_no),
    # "When was George Strait born?", "Poteet, Texas".
    ("answer: no time", _has_no_time),
    ("answer: no quantity", _has_no_quantity),
    # "Who ...?", "1952".
    ("answer: number for a name", _is_number_for_name),
    ("qadiscourse: no cause in the context", _has_no_cause),
    # The cause is after the answer and has no mark: the sentence tells it as the other's result.
    ("qadiscourse: result before its cause", _result_is_first),
    # "The document".
    ("qadiscourse: bare noun", _is_bare_noun),
    # "present-day" and "Old Persian".
    ("answers: disagree", _disagree),
    # The strictest: result, reason and manner without a mark of it ("because", "by") at the answer's edge.
    ("qadiscourse: no mark", _lacks_mark),
)


class QuestionRules:
    """The rules, with what other rows say of the same question."""

    def __init__(self, rows: Iterable[QuestionRow]) -> None:
        self._of_group: dict[str, tuple[str, ...]] = {}
        self._of_question: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row.is_positive:
                self._of_group[row.group] = tuple(answer.text for answer in row.answers)
                long = (_fold(answer.text) for answer in row.spans if len(answer.text) > 1)
                self._of_question[_fold(row.question)].update(filter(None, long))
        self.rules: tuple[tuple[str, Rule], ...] = (
            *_OF_THE_ROW,
            # "Genie in a Bottle": holds what answers the same question of another group.
            ("negative: answers another group", self._answers_twin),
            # "Shastri hit six sixes" for "Ravi Shastri", where neither question nor title has the surname.
            ("negative: holds the surname", self._holds_surname),
            # All content of the answer, stemmed and with digits. Not TimeQA's: its wrong period is what it teaches.
            ("negative: holds the answer in other words", self._rewords_answer),
            # "He sculpted ..." under the title that is the answer.
            ("negative: its title is the answer", self._is_about_answer),
            # Questions that were made vague: what shares their words answers them too.
            ("quotesum: negative shares the words", _is_vague),
            # As vague with its own context: about half of the labels that were read are wrong.
            ("quotesum", lambda row: row.asked_by.startswith("quotesum")),
        )

    def broken(self, row: QuestionRow) -> str | None:
        """Name the first rule that removes a row."""
        return next((name for name, is_broken in self.rules if is_broken(row)), None)

    def _answers_twin(self, row: QuestionRow) -> bool:
        if row.is_positive:
            return False
        context = f" {_fold(row.context)} "
        return any(f" {answer} " in context for answer in self._of_question.get(_fold(row.question), ()))

    def _holds_surname(self, row: QuestionRow) -> bool:
        who = re.match(r"\s*who|.*\b(?:who(?:m|se)?|names? of)\b", row.question, re.IGNORECASE)
        if not row.is_found or who is None:
            return False
        asked = set(_words(row.question))
        for answer in self._of_group.get(row.group, ()):
            names = answer.strip(" .,\"'").split()
            if not 2 <= len(names) <= 4 or not all(name[:1].isupper() for name in names):
                continue
            surname = names[-1].strip(".,\"'")
            if len(surname) < 4 or surname.lower() in asked:
                continue
            if re.search(rf"\b{re.escape(surname)}\b", row.context):
                return True
        return False

    def _rewords_answer(self, row: QuestionRow) -> bool:
        if not row.is_found or row.asked_by.startswith("timeqa"):
            return False
        context, asked = set(_content(row.context)), set(_content(row.question))
        for answer in self._of_group.get(row.group, ()):
            words = set(_content(answer))
            if len(answer) <= 60 and words <= context and words - asked and not all(word.isdigit() for word in words):
                return True
        return False

    def _is_about_answer(self, row: QuestionRow) -> bool:
        if not row.is_found or not row.title or _shared(row.question, row.context) < 0.5:
            return False
        title = set(_content(re.sub(r"\(.*?\)", "", row.title)))
        return bool(title) and any(set(_content(answer)) == title for answer in self._of_group.get(row.group, ()))


def _is_vague(row: QuestionRow) -> bool:
    return row.asked_by.startswith("quotesum") and row.is_found and _shared(row.question, row.context) >= 0.65


def trim(row: QuestionRow) -> QuestionRow:
    """Return the row with its answers without blanks and stray punctuation at their edges."""
    return replace(row, answers=tuple(_trim(answer) for answer in row.answers))


def _trim(answer: Answer) -> Answer:
    left = answer.text.lstrip(" ,;:\n")
    text = left.rstrip(" ,;:\n")
    return Answer(text, answer.start + len(answer.text) - len(left)) if text else answer


# ---- reading --------------------------------------------------------------------------------------------------------


def read_raw(path: Path) -> list[QuestionRow]:
    """Read every row of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        raw = [json.loads(line) for line in lines]
    return [
        QuestionRow(
            row["id"], row["group"], row["source"], row["question"], row["context"],
            tuple(Answer(answer["text"], answer["start"]) for answer in row["answers"]),
            row["answer_kind"], row["kind"], row["title"],
        )
        for row in raw
    ]  # fmt: skip


def read_questions(path: Path) -> tuple[list[QuestionRow], Counter[str]]:
    """Read a file without the rows that a rule removes, trimmed, and count those that each rule removed."""
    rows = read_raw(path)
    licensed = [row for row in rows if "squadshifts" not in row.group and "squadshifts" not in row.source]
    rules = QuestionRules(licensed)
    removed = Counter({"without a licence": len(rows) - len(licensed)})
    kept = []
    for row in licensed:
        rule = rules.broken(row)
        if rule is None:
            kept.append(trim(row))
        else:
            removed[rule] += 1
    return kept, removed


def main(folder: Path) -> None:
    """Print how many rows are left, and how many each rule removed."""
    for split in ("train", "dev"):
        kept, removed = read_questions(folder / f"{split}.jsonl.gz")
        print(
            f"{split}: {len(kept) + removed.total()} -> {len(kept)} (positive {sum(row.is_positive for row in kept)})"
        )
        for rule, count in removed.most_common():
            print(f"{count:7} {rule}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
