"""Load the prompt files and format the evidence, safe from prompt injection by articles."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from string import Template
from typing import Protocol, TypeVar

from qa.errors import BadSettings
from qa.text.english import WEEKDAYS
from qa.text.plain import visible_line
from qa.types import Evidence, Source, Turn

WISHES_CHARS = 1_000  # a frontend's system prompt may be pages long, and the evidence needs the room

# Each prompt file and exactly the placeholders it uses.
PROMPT_FILES: Mapping[str, frozenset[str]] = {
    "answer.system.txt": frozenset(),
    "answer.wishes.txt": frozenset({"wishes"}),
    "answer.user.txt": frozenset({"as_of", "evidence", "fence", "question"}),
    "rewrite.system.txt": frozenset(),
    "rewrite.user.txt": frozenset({"as_of", "fence", "history", "question"}),
}
_DIGITS = "23456789"
_LETTERS = "bcdfghjkmnpqrtvwxz"  # no vowels: an id never spells a word; no l, s: they look like 1 and 5
# Of the ids of two signs. No s, l, o, i (5, 1, 0), and no letter that is a unit after a digit (k, m, b, g, h, d, t, x)
# or a quarter before it (q). MOST_LINE_IDS is what two orders of ten pairs allow.
_LINE_LETTERS, _LINE_DIGITS = "aejpruvwyz", "0123456789"
MOST_LINE_IDS = len(_LINE_LETTERS) + len(_LINE_DIGITS)
_ID_WORDS = re.compile(r"[a-z0-9]+")
_TRIES = 200
# Common tokenisers need about one token for four letters of English, one for one or two letters of other alphabets,
# and up to two for a CJK character or an emoji. Too high an estimate only shows less evidence; too low a one overruns
# a small context window.
_PER_ASCII, _PER_LETTER, _PER_WIDE = 1 / 3, 1.0, 2.0
_WIDE = re.compile("[\u2e80-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00010000-\U0010ffff]")
# Otherwise an article could contain a line that looks like one of ours: `[id] ...` or a fence.
_LOOKALIKES = str.maketrans("[]［］【】〔〕⟦⟧〚〛", "()()()()()()")

Item = TypeVar("Item")


class Chooser(Protocol):
    """Choose from a sequence: the module `secrets`, or a `random.Random` in a test."""

    def choice(self, seq: Sequence[Item], /) -> Item:
        """Return one element."""
        ...


@dataclass(frozen=True, slots=True)
class Prompts:
    """The loaded prompt files; `hash` identifies exactly this set of texts."""

    system: str
    user_template: str
    rewrite_system: str
    rewrite_template: str
    wishes_template: str
    hash: str

    def user(self, *, question: str, as_of: str, evidence: str, fence: str) -> str:
        """Fill the user message. `evidence` comes from `evidence_block` with the same fence."""
        return Template(self.user_template).substitute(
            question=visible_line(question), as_of=day_with_name(as_of), evidence=evidence, fence=fence
        )

    def system_with(self, wishes: str) -> str:
        """Return the system prompt followed by a frontend's wishes about style, which cannot override the rules."""
        line = visible_line(wishes)[:WISHES_CHARS]
        return f"{self.system}\n\n{Template(self.wishes_template).substitute(wishes=line)}" if line else self.system

    def rewrite(self, *, question: str, as_of: str, history: str, fence: str) -> str:
        """Fill the user message that asks for a self-contained question. `history` is a `history_block`."""
        return Template(self.rewrite_template).substitute(
            question=visible_line(question), as_of=day_with_name(as_of), history=history, fence=fence
        )


def load_prompts(directory: Path | None = None) -> Prompts:
    """Read all prompt files, by default the packaged ones. Raises BadSettings that lists every fault."""
    folder = directory or _packaged()
    texts: dict[str, str] = {}
    faults: list[str] = []
    for name, placeholders in PROMPT_FILES.items():
        path = folder / name
        try:
            texts[name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            faults.append(f"{path}: cannot be read ({type(exc).__name__})")
            continue
        faults += [f"{path}: {fault}" for fault in _placeholder_faults(Template(texts[name]), placeholders)]
    if faults:
        raise BadSettings("prompts: " + "; ".join(faults))
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(f"{name}\0{len(texts[name])}\0{texts[name]}".encode())
    answer, rewrite = (
        (texts[f"{name}.system.txt"].strip(), texts[f"{name}.user.txt"].strip()) for name in ("answer", "rewrite")
    )
    return Prompts(*answer, *rewrite, texts["answer.wishes.txt"].strip(), digest.hexdigest())


def make_fence() -> str:
    """Return a random token, so that no article can contain the fence of a request."""
    return secrets.token_hex(8)


def make_ids(n: int, rng: Chooser = secrets) -> tuple[str, ...]:
    """Return `n` different random sentence ids such as `s7fk3q`: an `s` and five characters, always with a digit."""
    ids: dict[str, None] = {}
    while len(ids) < n:
        # The digit distinguishes an invented id from a word in brackets: see qa/answering/reply_parser.py.
        ids["s" + rng.choice(_DIGITS) + "".join(rng.choice(_DIGITS + _LETTERS) for _ in range(4))] = None
    return tuple(ids)


def make_line_ids(n: int, texts: Iterable[str] = (), rng: Chooser = secrets) -> tuple[str, ...]:
    """Return at most MOST_LINE_IDS random ids of a letter and a digit, such as `w4` and `7r`.

    No two of them share a sign in the same place, so that one with a wrong sign is no other, and none is another one
    turned round. None is a word of the texts; if the texts have too many such words, the ids are those of `make_ids`.
    """
    words = {word for text in texts for word in _ID_WORDS.findall(text.lower())}
    for _ in range(_TRIES):
        letters, digits = (_shuffled(signs, rng) for signs in (_LINE_LETTERS, _LINE_DIGITS))
        pairs = list(zip(letters, digits, strict=True))
        shift = rng.choice(range(1, len(pairs)))
        # Those that begin with a digit pair the signs otherwise: none may be one of the others turned round.
        turned = [(digits[(at + shift) % len(pairs)], letter) for at, letter in enumerate(letters)]
        ids = [first + second for first, second in _shuffled([*pairs, *turned], rng)]
        free = [each for each in ids if each not in words]
        if len(free) >= n:
            return tuple(free[:n])
    return make_ids(n, rng)


def _shuffled(items: Sequence[Item], rng: Chooser) -> list[Item]:
    left = list(items)
    return [left.pop(left.index(rng.choice(left))) for _ in items]


def evidence_block(items: Sequence[tuple[str, Evidence]], fence: str) -> str:
    """Format (id, evidence) pairs article by article, each sentence on a line of its own, inside the fence.

    Articles come in the order given, their sentences in the order of the text. Text from articles is sanitised for the
    prompt only: citations refer to spans, never to these lines.
    """
    groups: dict[tuple[str, int], list[tuple[str, Evidence]]] = {}
    for key, item in items:
        groups.setdefault((item.source.article_id, item.source.version), []).append((key, item))
    lines = [f"<<< {fence}"]
    for number, group in enumerate(groups.values(), start=1):
        lines.append(f"Article {number}: {_heading(group[0][1].source)}")
        lines += [f"[{key}] {_neutralised(item.text)}" for key, item in sorted(group, key=lambda pair: pair[1].span)]
    return "\n".join([*lines, f"{fence} >>>"])


def history_block(turns: Sequence[Turn], fence: str) -> str:
    """Format the turns of a conversation, each on a line of its own, inside the fence that none of them can close."""
    messages = [f"{'User' if turn.role == 'user' else 'Answer'}: {_neutralised(turn.content)}" for turn in turns]
    return "\n".join([f"<<< {fence}", *messages, f"{fence} >>>"])


def day_with_name(moment: str | None) -> str:
    """Return `2023-03-21 (Tuesday)` for an ISO date or moment, `date unknown` for a missing or invalid one."""
    try:
        day = date.fromisoformat((moment or "")[:10])
    except ValueError:
        return "date unknown"
    return f"{day.isoformat()} ({WEEKDAYS[day.weekday()]})"


def estimate_tokens(text: str) -> int:
    """Return an upper estimate of a text's tokens for any common tokeniser, since the model is not known."""
    ascii_ = len(text.encode("ascii", "ignore"))
    wide = 0 if ascii_ == len(text) else len(_WIDE.findall(text))
    return math.ceil(_PER_ASCII * ascii_ + _PER_WIDE * wide + _PER_LETTER * (len(text) - ascii_ - wide))


def _heading(source: Source) -> str:
    outlet = _neutralised(source.outlet or "") or "outlet unknown"
    return f"{outlet} | {day_with_name(source.published_at)} | {_neutralised(source.title or '') or 'no title'}"


def _neutralised(text: str) -> str:
    line = visible_line(text).translate(_LOOKALIKES)
    while "<<" in line or ">>" in line:
        line = line.replace("<<", "<").replace(">>", ">")
    return line


def _packaged() -> Path:
    # A wheel has the folder inside the package; a checkout has it at the top.
    package = Path(__file__).parents[1]
    inside = package / "prompts"
    return inside if inside.is_dir() else package.parent / "prompts"


def _placeholder_faults(template: Template, expected: frozenset[str]) -> list[str]:
    if not template.is_valid():
        return ["has a `$` that begins no name (write `$$` for a dollar sign)"]
    found = set(template.get_identifiers())
    missing = [f"missing ${name}" for name in sorted(expected - found)]
    return missing + [f"unknown ${name}" for name in sorted(found - expected)]
