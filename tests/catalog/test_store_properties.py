"""The store agrees with a plain dict after any sequence of adds, changes, takedowns, questions, kills and rebuilds."""

import multiprocessing
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qa.errors import NotFound
from qa.types import Embedder
from tests.answer_shape import faults
from tests.fakes import HashEmbedder, Store, article, live_texts
from tests.lanes.crash.points import POINTS, WORDS_ONLY, install, killer

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.lanes.crash.worker"])

IDS = ("a", "A", "it's/b?", "新闻")
SENTENCES = (
    "The bridge opened.",
    "Forty people came 😀.",
    "Cafe\u0301 closed.",
    "市长来了。",
    "He did not resign, they said on Monday, and nobody in the town hall had anything to add to that.",
)
BODIES = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=40).map(" ".join)
TITLES = st.sampled_from((None, "Bridge", "市长"))


def write_and_die(folder: Path, embedder: Embedder | None, bodies: dict[str, str], point: str) -> None:
    """Write, and be killed at a named point, if the write passes it."""
    install(killer(point, 1))
    with Store(folder, embedder) as store:
        store.add(*(article(article_id, body) for article_id, body in bodies.items()))
    os._exit(0)


class StoreMachine(RuleBasedStateMachine):
    """The store without vectors, which is quick; `NearMachine` below has vectors too."""

    def embedder(self) -> Embedder | None:
        return None

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.store = Store(self.folder, self.embedder())
        self.live: dict[str, str] = {}
        self.titles: dict[str, str | None] = {}
        self.last: dict[str, int] = {}  # the last version that an id ever had

    @rule(article_id=st.sampled_from(IDS), body=BODIES, title=TITLES)
    def put(self, article_id: str, body: str, title: str | None) -> None:
        old = self.live.get(article_id)
        report = self.store.add(article(article_id, body, title=title))
        outcome = (report.added, report.updated, report.unchanged)
        if old == body:
            assert outcome == ((0, 0, 1) if title in (None, self.titles[article_id]) else (0, 1, 0))
            self.titles[article_id] = title or self.titles[article_id]
        else:
            assert outcome == ((1, 0, 0) if old is None else (0, 1, 0))
            self.titles[article_id] = title
            self.last[article_id] = self.last.get(article_id, 0) + 1
        self.live[article_id] = body

    @rule(bodies=st.dictionaries(st.sampled_from(IDS), BODIES, min_size=2))
    def put_many(self, bodies: dict[str, str]) -> None:
        self.store.add(*(article(article_id, body) for article_id, body in bodies.items()))
        for article_id, body in bodies.items():
            if self.live.get(article_id) != body:
                self.titles[article_id] = None
                self.last[article_id] = self.last.get(article_id, 0) + 1
            self.live[article_id] = body

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def put_again(self, data: st.DataObject) -> None:
        article_id = data.draw(st.sampled_from(sorted(self.live)))
        change = self.store.catalog.last_change()
        assert self.store.add(article(article_id, self.live[article_id])).unchanged == 1
        assert self.store.catalog.last_change() == change

    @rule(article_id=st.sampled_from(IDS))
    def take_down(self, article_id: str) -> None:
        if article_id in self.live:
            self.store.take_down(article_id)
            del self.live[article_id]
        else:
            with pytest.raises(NotFound):
                self.store.take_down(article_id)

    @rule()
    def reopen(self) -> None:
        self.store.__exit__()
        self.store = Store(self.folder, self.embedder())
        assert [state.behind for state in self.store.projections.states()] in ([0], [0, 0])

    @rule()
    def rebuild(self) -> None:
        self.store.projections.rebuild()

    @precondition(lambda self: self.live)
    @rule(sentence=st.sampled_from(SENTENCES))
    def ask(self, sentence: str) -> None:
        """Cite only live articles, each by its span; find a sentence that a live text contains word for word."""
        hits = self.store.search(sentence, top_k=50).hits
        assert all(self.live[hit.source.article_id][hit.span.start : hit.span.end] == hit.text for hit in hits)
        assert hits or not any(sentence in body for body in self.live.values())
        answer = self.store.ask(sentence)
        assert faults(answer, self.store.catalog) == []
        assert {citation.source.article_id for citation in answer.citations} <= self.live.keys()

    @rule(bodies=st.dictionaries(st.sampled_from(IDS), BODIES, min_size=1), data=st.data())
    def crash(self, bodies: dict[str, str], data: st.DataObject) -> None:
        """Let a separate process write and be killed at a named point: all of its write is there, or nothing."""
        point = data.draw(st.sampled_from(WORDS_ONLY if self.store.embedder is None else POINTS))
        self.store.__exit__()
        process = _CONTEXT.Process(target=write_and_die, args=(self.folder, self.embedder(), bodies, point))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        self.store = Store(self.folder, self.embedder())
        self.store.projections.catch_up()
        assert self.store.problems() == []
        texts = live_texts(self.store.catalog)
        assert texts in (self.live, self.live | bodies)
        if texts != self.live or process.exitcode == 0:
            assert texts == self.live | bodies
            for article_id, body in bodies.items():
                if self.live.get(article_id) != body:
                    self.titles[article_id] = None
                    self.last[article_id] = self.last.get(article_id, 0) + 1
                self.live[article_id] = body

    @invariant()
    def is_what_the_dict_says(self) -> None:
        catalog = self.store.catalog
        rows = {row.source.article_id: row for row in catalog.articles("default", 0, 99)}
        assert set(rows) == set(self.live)
        chunks = catalog.chunks_of(catalog.live_pks())
        assert self.store.lexical.keys() == {row.key for row in chunks}
        for article_id, body in self.live.items():
            assert catalog.text("default", article_id).text == body
            assert rows[article_id].source.version == self.last[article_id] == max(rows[article_id].versions)
            assert rows[article_id].source.title == self.titles[article_id]
            own = [row for row in chunks if row.source.article_id == article_id]
            assert [row.text for row in own] == [row.span.slice(body) for row in own]
            assert own[0].span.start == 0
            assert own[-1].span.end == len(body)

    def teardown(self) -> None:
        self.store.__exit__()
        shutil.rmtree(self.folder)


class NearMachine(StoreMachine):
    """The same with Chroma: it has exactly the catalog's places, and no text is embedded twice."""

    def embedder(self) -> Embedder | None:
        return HashEmbedder()

    @invariant()
    def vectors_are_those_of_the_chunks(self) -> None:
        catalog = self.store.catalog
        chunks = catalog.chunks_of(catalog.live_pks())
        assert self.store.vectors.places() == {(row.article, row.version, row.ordinal) for row in chunks}
        kept = catalog.vectors("hash-256", [row.embed_sha for row in chunks])
        assert set(kept) == {row.embed_sha for row in chunks}

    @rule()
    def rebuild(self) -> None:
        self.store.embedder.embedded.clear()
        self.store.projections.rebuild()
        assert self.store.embedder.embedded == []


MORE = 10 if os.environ.get("FULL_NUMBERS") else 1  # `make faults`
TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=15 * MORE, stateful_step_count=12, deadline=None)
TestStoreWithVectors = NearMachine.TestCase
TestStoreWithVectors.settings = settings(max_examples=6 * MORE, stateful_step_count=8, deadline=None)
