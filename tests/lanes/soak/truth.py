"""The oracle: what was written, deleted and acknowledged, to check every answer against."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

IDS = 120
PLACES = "Aldermont Birchwick Corvane Dunmarrow Eskholm Farleigh Gorsedene Hathersby".split()
THINGS = "boats bridges buses gardens libraries markets schools wells".split()


def body_of(article_id: str, version: int) -> str:
    """Return the text of one version: unique numbers, and letters of several scripts."""
    dice = random.Random(f"{article_id} {version}")
    lines = [f"This is report {article_id} in its version {version} 😀."]
    for _ in range(dice.randrange(3, 30)):
        place, thing = dice.choice(PLACES), dice.choice(THINGS)
        lines.append(
            f"The council of {place} counted {dice.randrange(10, 9_999)} {thing} on day {dice.randrange(400)}."
        )
    return "\n\n".join((" ".join(lines[:9]), " ".join(lines[9:]) or "市长来了。"))


@dataclass
class _Life:
    version: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    gone_since: float | None = None  # when its takedown was acknowledged


class Truth:
    """The articles as the writers know them. Thread-safe."""

    def __init__(self) -> None:
        self.lives = {f"soak-{number}": _Life() for number in range(IDS)}
        self.texts: dict[str, str] = {}  # by SHA-256
        self._lock = threading.Lock()

    def about_to_write(self, article_id: str) -> str:
        """Return the next text of an article; from now on it may be cited."""
        life = self.lives[article_id]
        life.version += 1
        life.gone_since = None
        text = body_of(article_id, life.version)
        with self._lock:
            self.texts[hashlib.sha256(text.encode()).hexdigest()] = text
        return text

    def is_gone(self, article_id: str) -> None:
        """Note that a takedown was acknowledged."""
        self.lives[article_id].gone_since = time.monotonic()

    def check_citation(self, citation: dict[str, Any], asked_at: float) -> str:
        """Return what is wrong with a citation of an answer to a question asked at that time."""
        text = self.texts.get(citation["sha256"])
        if text is None:
            return f"cites a text that was never written: {citation['article_id']} {citation['version']}"
        if text[citation["start"] : citation["end"]] != citation["quote"]:
            return f"the quote is not the span: {citation}"
        return self._check_gone(citation["article_id"], asked_at)

    def check_hit(self, hit: dict[str, Any], asked_at: float) -> str:
        """Return what is wrong with a hit of a search."""
        with self._lock:
            texts = list(self.texts.values())
        mine = [text for text in texts if text.startswith(f"This is report {hit['article_id']} in")]
        if not any(text[hit["start"] : hit["end"]] == hit["text"] for text in mine):
            return f"the hit is no span of any version: {hit['article_id']} {hit['start']}-{hit['end']}"
        return self._check_gone(hit["article_id"], asked_at)

    def _check_gone(self, article_id: str, asked_at: float) -> str:
        gone = self.lives[article_id].gone_since
        return f"{article_id} was taken down before the question" if gone is not None and gone < asked_at else ""
