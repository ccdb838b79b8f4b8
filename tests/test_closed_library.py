"""After `close` every use of a library raises Closed: another process may own its directory by then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qa.errors import Closed
from qa.library import Library
from qa.settings import Settings
from qa.types import Article, Question, SearchBounds, Turn
from tests.fakes import ScriptedChat

ASKED = Question("When did the bridge open?", as_of="2026-06-15")
FERRY = Article("ferry", "The ferry costs four euros.")


async def read_all(events: AsyncGenerator[Any, None]) -> None:
    async for _ in events:
        pass


USES: dict[str, Callable[[Library], object]] = {
    "__enter__": lambda library: library.__enter__(),
    "add": lambda library: library.add(FERRY),
    "add nothing": lambda library: library.add(),
    "ask": lambda library: library.ask(ASKED),
    "aask": lambda library: asyncio.run(library.aask(ASKED)),
    "stream": lambda library: asyncio.run(read_all(library.stream(ASKED))),
    "answerer": lambda library: library.answerer(),
    "answerer that is not filled": lambda library: library.answerer(fill=False),
    "ingest": lambda library: library.ingest([FERRY]),
    "remove": lambda library: library.remove("bridge"),
    "search": lambda library: library.search("bridge"),
    "search that is not filled": lambda library: library.search("bridge", fill=False),
    "text": lambda library: library.text("bridge"),
    "verify": lambda library: library.verify(),
    "its catalog": lambda library: library.catalog.count(),
    "its records": lambda library: library.catalog.records.keys(),
    "its retriever": lambda library: library.retriever.search("bridge", SearchBounds(date(2026, 6, 15))),
    "its projections": lambda library: library.projections.catch_up(),
    "how far they are": lambda library: library.projections.states(),
    "a rebuild": lambda library: library.projections.rebuild(),
}


def opened(folder: Path, embed_model: str = "none") -> Library:
    library = Library(Settings(data_dir=folder, embed_model=embed_model))
    library.ingest([Article("bridge", "The bridge opened on Monday.", published_at="2026-05-05")])
    return library


def test_every_public_method_is_looked_at() -> None:
    """Every public method of Library is covered by USES."""
    public = {name for name in vars(Library) if not name.startswith("_")}
    assert public - USES.keys() == {"close"}


@pytest.mark.parametrize("embed_model", ["none", "minilm"])
def test_a_closed_library_does_not_answer(tmp_path: Path, embed_model: str) -> None:
    """Every use raises Closed before anything is written; closing again is harmless."""
    library = opened(tmp_path, embed_model)
    library.close()
    library.close()
    for name, use in USES.items():
        try:
            use(library)
        except Closed:
            continue
        pytest.fail(f"{name} works in a closed library")
    with opened(tmp_path, embed_model) as again:
        assert again.catalog.count() == (1, 1)
        for name, use in USES.items():  # the same uses of an open library work
            if name != "__enter__":
                use(again)
                again.ingest([Article("bridge", "The bridge opened on Monday.", published_at="2026-05-05")])


@pytest.mark.parametrize("history", [(), (Turn("user", "Tell me about the bridge."),)])
async def test_what_it_handed_out_does_not_answer_either(tmp_path: Path, history: tuple[Turn, ...]) -> None:
    """Nor does an answerer, or a stream that nobody has read yet; no model is called."""
    model = ScriptedChat(lambda messages: ["NOT_IN_SOURCES"])
    library = opened(tmp_path)
    library.model = model
    answerer = library.answerer()
    question = Question("When did it open?", history, as_of="2026-06-15", mode="llm")
    unread = answerer.stream(question)
    library.close()
    for use in (answerer.ask(question), read_all(answerer.stream(question)), read_all(unread)):
        with pytest.raises(Closed, match="the library is closed"):
            await use
    with pytest.raises(Closed):
        answerer.look(question)
    assert model.messages == []
