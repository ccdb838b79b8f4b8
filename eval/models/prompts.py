"""Loader of the suite's own prompts: the judge's and the drafter's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from qa import Message, QaError

# Each prompt with exactly the placeholders of its user message.
PROMPTS: Mapping[str, frozenset[str]] = {
    "judge": frozenset({"evidence", "fence", "statement"}),
    "draft": frozenset({"answerable", "evidence", "fence", "unanswerable"}),
}
FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A system message and the template of a user message; `hash` is the SHA-256 of both."""

    system: str
    user: str
    hash: str

    def messages(self, **values: str) -> list[Message]:
        """Return the messages with the placeholders filled in."""
        return [Message("system", self.system), Message("user", Template(self.user).substitute(values))]


def load_prompt(name: str, folder: Path = FOLDER) -> Prompt:
    """Read a prompt. Raises QaError listing every fault of its two files."""
    texts: list[str] = []
    faults: list[str] = []
    for part, expected in (("system", frozenset[str]()), ("user", PROMPTS[name])):
        path = folder / f"{name}.{part}.txt"
        try:
            texts.append(path.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as exc:
            faults.append(f"{path}: cannot be read ({type(exc).__name__})")
            continue
        faults += [f"{path}: {fault}" for fault in _name_faults(Template(texts[-1]), expected)]
    if faults:
        raise QaError("\n".join(faults))
    system, user = texts
    return Prompt(system, user, hashlib.sha256(f"{len(system)}\0{system}{user}".encode()).hexdigest())


def _name_faults(template: Template, expected: frozenset[str]) -> list[str]:
    if not template.is_valid():
        return ["has a `$` that begins no name (write `$$` for a dollar sign)"]
    names = set(template.get_identifiers())
    missing = [f"missing ${name}" for name in sorted(expected - names)]
    return missing + [f"unknown ${name}" for name in sorted(names - expected)]
