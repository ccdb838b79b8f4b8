"""Builders of gold rows, spans and answers, and a fake target that runs can ask."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from eval.dataset.items import Item
from eval.runs.run import RunSummary, run
from eval.runs.targets import AskOptions, Reply

QUIET = Console(quiet=True)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def gold_row(item_id: str, **fields: Any) -> dict[str, Any]:
    """Return a row of the gold format, answerable by default."""
    row = {"id": item_id, "question": f"What of {item_id}?", "category": "factoid", "answers": [], "answerable": True,
           "as_of": None, "gold": []}  # fmt: skip
    return row | fields


def span(article_id: str, text: str, words: str) -> dict[str, Any]:
    """Return a gold span at the first occurrence of the words."""
    start = text.index(words)
    return {"article_id": article_id, "start": start, "end": start + len(words), "text": words}


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def answer_with(*cited: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return an answer that quotes whole gold spans, one statement each."""
    text, statements, citations = "", [], []
    for number, gold in enumerate(cited, start=1):
        statement = f"{gold['text']} [{number}]"
        statements.append({"text": statement, "citations": [number], "support": "supported"})
        text += (" " if text else "") + statement
        source = {"version": 1, "sha256": gold.get("sha256"), "published_at": gold.get("published_at")}
        places = {name: gold[name] for name in ("article_id", "start", "end")}
        citations.append({"number": number, "quote": gold["text"], **source, **places})
    answer = {
        "status": "answered" if cited else "not_in_sources", "answer": text or "The articles do not say.",
        "statements": statements, "citations": citations, "conflicts": [], "dates": [],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0},
    }  # fmt: skip
    return answer | fields


class FakeTarget:
    """A target with prepared articles and answers; an answer that is an exception is raised."""

    def __init__(self, texts: dict[str, str], answers: dict[str, dict[str, Any] | Exception]) -> None:
        self.texts = texts
        self.answers = answers
        self.asked: list[str] = []
        self.corpus_sha256 = "c" * 64

    async def describe(self) -> dict[str, Any]:
        return {"corpus_sha256": self.corpus_sha256, "articles": len(self.texts), "server": None, "settings": {}}

    async def ask(self, item: Item, options: AskOptions) -> Reply:
        self.asked.append(item.id)
        answer = self.answers[item.id]
        if isinstance(answer, Exception):
            raise answer
        hits = [
            {"article_id": name, "start": 0, "end": 1, "score": 1.0 - place / 10, "reprints": []}
            for place, name in enumerate(self.texts)
        ]
        return Reply(answer, hits, hits, 0.01, 0.02)

    async def article(self, article_id: str, version: int | None, collection: str) -> dict[str, Any] | None:
        if article_id not in self.texts:
            return None
        text = self.texts[article_id]
        return {
            "kind": "article", "article_id": article_id, "version": version or 1, "sha256": sha(text), "title": None,
            "outlet": "Corvane Wire", "url": None, "published_at": "2023-03-21", "text": text,
        }  # fmt: skip


def ask_all(target: Any, gold: Path, out: Path, **options: Any) -> RunSummary:
    """Run without a progress bar."""
    return asyncio.run(run(target, gold, out, console=QUIET, **options))
