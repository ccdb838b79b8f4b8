"""The sentence forms of the minimal pairs: what stands around the clause that a fault is in.

A form adds words to the evidence that both statements leave out or keep alike, so only the clause tells them apart.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from eval.bench.verification.minimal_pairs import words

Half = Literal["train", "report"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clauses:
    """A clause of the evidence, without capital and full stop, and two statements of it."""

    subject: str  # the beginning of the evidence, after which an aside may come
    evidence: str
    false: str
    true: str
    other: str = ""  # a second sentence of evidence
    sister: str = ""  # another clause, of the evidence too, that is true as it is
    is_person: bool = False


@dataclass
class Vocabulary:
    """The words of one half, drawn by one random generator."""

    half: Half
    rng: random.Random
    _names: list[str] = field(default_factory=list)

    def own(self, entries: Sequence[T]) -> list[T]:
        """Return the entries of this half."""
        return [entry for at, entry in enumerate(entries) if (at % 3 == 2) == (self.half == "report")]

    def pick(self, entries: Sequence[T]) -> T:
        """Return an entry of this half."""
        return self.rng.choice(self.own(entries))

    def phrase(self, entries: Sequence[str]) -> str:
        """Return an entry of this half with its place filled in."""
        return self.pick(entries).format(place=self.pick(words.PLACES))

    def chance(self, share: float) -> bool:
        """Return True in such a share of calls."""
        return self.rng.random() < share

    def people(self, *sexes: str) -> list[str]:
        """Return full names of women ("f") and men ("m"), all different."""
        firsts = {sex: self.own(words.FEMALE if sex == "f" else words.MALE) for sex in "fm"}
        surnames = self.rng.sample(self.own(words.SURNAMES), len(sexes))
        chosen = {sex: self.rng.sample(firsts[sex], min(len(firsts[sex]), sexes.count(sex))) for sex in "fm"}
        return [f"{chosen[sex].pop()} {surname}" for sex, surname in zip(sexes, surnames, strict=True)]


def capitalise(clause: str) -> str:
    """Return the clause with a capital first letter."""
    return clause[:1].upper() + clause[1:]


Form = Callable[[Clauses, Vocabulary], tuple[str, str, str]]  # evidence, false and true without their full stops


def plain(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Add nothing."""
    return clauses.evidence, clauses.false, clauses.true


def dateline(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Add a dateline: WEXCOMBE, Oct. 3 (Meridian) - The council plans ..."""
    day = f"{v.pick(words.MONTHS)} {v.rng.randint(1, 28)}"
    line = f"{v.pick(words.PLACES).upper()}, {day} ({v.pick(words.AGENCIES)}) - "
    return line + capitalise(clauses.evidence), clauses.false, clauses.true


def relative(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Add an aside: The council, which meets twice a month, plans ..."""
    aside = v.phrase(words.PERSON_RELATIVES if clauses.is_person else words.GROUP_RELATIVES)
    return _with_aside(clauses, f", {aside},"), clauses.false, clauses.true


def parenthetical(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Add an aside in dashes: The council — much discussed in Wexcombe — plans ..."""
    return _with_aside(clauses, f" — {v.phrase(words.ASIDES)} —"), clauses.false, clauses.true


def _with_aside(clauses: Clauses, aside: str) -> str:
    assert clauses.evidence.startswith(clauses.subject)
    return clauses.subject + aside + clauses.evidence.removeprefix(clauses.subject)


def attributed(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Add a speaker: The council plans ..., the mayor said on Friday."""
    speaker = v.pick(words.SPEAKERS)
    kept = f", {speaker} said" if v.chance(0.5) else ""
    said = f", {speaker} said on {v.pick(words.DAYS)}"
    return clauses.evidence + said, clauses.false + kept, clauses.true + kept


def quoted(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Quote: “The council plans ...,” said the mayor."""
    speaker = v.pick(words.SPEAKERS)
    kept = f", {speaker} said" if v.chance(0.5) else ""
    return f"“{capitalise(clauses.evidence)},” said {speaker}", clauses.false + kept, clauses.true + kept


def coordinated(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Add a clause: The council plans ..., and the bus service ran late."""
    return f"{clauses.evidence}, and {v.phrase(words.FILLER_CLAUSES)}", clauses.false, clauses.true


def coordinated_second(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Put a clause first: The bus service ran late, and the council plans ..."""
    return f"{v.phrase(words.FILLER_CLAUSES)}, and {clauses.evidence}", clauses.false, clauses.true


def leading(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Put a phrase first: In the northern town of Wexcombe, the council plans ..."""
    return v.phrase(words.LEADS) + clauses.evidence, clauses.false, clauses.true


def trailing(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Add a phrase: The council plans ..., as snow covered the province."""
    return f"{clauses.evidence}, {v.phrase(words.TRAILS)}", clauses.false, clauses.true


def sister(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Add a true clause, which is the true twin: The council plans ..., and the museum sold the statue."""
    return f"{clauses.evidence}, and {clauses.sister}", clauses.false, clauses.sister


def sister_first(clauses: Clauses, v: Vocabulary) -> tuple[str, str, str]:
    """Put the true clause first: The museum sold the statue, and the council plans ..."""
    return f"{clauses.sister}, and {clauses.evidence}", clauses.false, clauses.sister


FORMS: dict[Half, tuple[Form, ...]] = {
    "train": (plain, dateline, relative, attributed, coordinated, trailing, sister),
    "report": (leading, quoted, coordinated_second, parenthetical, sister_first),
}
NEEDS_SISTER: tuple[Form, ...] = (sister, sister_first)
NEEDS_SPEAKER: tuple[Form, ...] = (attributed, quoted)
