"""Model server faults: every question ends in time, in one defined state, and its answer says nothing false.

Real sockets and the complete answerer. tests/llm pins what our client makes of each fault.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from qa.answering.reply_parser import Partial, ReplyParser, Sentence
from qa.errors import EmbeddingFailed
from qa.library import Library
from qa.llm.openai_chat import OpenAIChat
from qa.llm.openai_embeddings import EmbeddingServer
from qa.llm.protocols import ModelSettings
from qa.settings import Settings
from qa.types import Answer, Question
from tests.answer_shape import faults
from tests.fakes import Store, article
from tests.scripted_server import (
    Act,
    Computed,
    Embeddings,
    Hang,
    HangUp,
    Raw,
    ScriptedServer,
    Status,
    Stream,
    Wire,
    cite_first_sentence,
    evidence_of,
    traitor,
)

ALL = bool(os.environ.get("FULL_NUMBERS"))
TEXT = (
    "The Kestrel bridge reopened on 3 May after repairs that cost 4.2 million euros. 😀 "
    "Zoë Adámes did not cut the ribbon. “The wait is over,” said the mayor."
)
QUESTION = Question("How much did the repairs of the Kestrel bridge cost?")
AWAY = ("extractive", ("llm",), True)
WHOLE = ("llm", (), True)
CUT = ("llm", ("llm",), False)
SHORT = ("llm", (), False)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    own = Settings(data_dir=tmp_path_factory.mktemp("faults"), embed_model="none", deadline_s=4)
    with Library(own) as opened:
        opened.ingest([article("bridge", TEXT), article("ferry", "The ferry sank on 9 May. The ferry sank on 9 May.")])
        yield opened


NULL = b'data: {"choices": [{"index": 0, "delta": {"content": null}, "finish_reason": "stop"}]}\n\n'


@dataclass(frozen=True)
class Outcome:
    """How a question ended."""

    answer: Answer
    calls: int
    took_s: float
    left: bool  # the model server saw the last connection close before its reply was complete

    @property
    def state(self) -> tuple[str, tuple[str, ...], bool]:
        return self.answer.mode, self.answer.degraded, self.answer.complete


async def ask(library: Library, *acts: Act, deadline_s: float = 4, **changes: Any) -> Outcome:
    """Ask over a real connection. Every call checks spans, citations, the contract and the number of requests."""
    async with ScriptedServer(acts) as server:
        terms = {"backoff_s": 0.01, **changes}
        library.settings = library.settings.model_copy(update={"deadline_s": deadline_s})
        library.model = OpenAIChat(ModelSettings(terms.pop("base_url", server.url), "sk-canary", "m", **terms))
        began, tasks = time.monotonic(), len(asyncio.all_tasks())
        try:
            answer = await library.answerer().ask(QUESTION)
        finally:
            await library.model.aclose()
        took_s = time.monotonic() - began
        left = bool(server.seen) and await asyncio.to_thread(server.seen[-1].client_left.wait, 0.2)
        assert faults(answer, library.catalog) == []
        assert len(server.seen) <= 3
        assert len(asyncio.all_tasks()) == tasks, "a task was left behind"
        return Outcome(answer, len(server.seen), took_s, left)


def good(request: dict[str, Any]) -> list[str]:
    return cite_first_sentence(request)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_server_errors_are_retried_until_the_breaker_opens(library: Library, status: int) -> None:
    """Three calls, then an extractive answer; after five such questions the circuit breaker is open: no calls."""
    outcome = await ask(library, Status(status))
    assert (outcome.state, outcome.calls) == (AWAY, 3)
    async with ScriptedServer([Status(status)]) as server:
        library.model = OpenAIChat(ModelSettings(server.url, None, "m", calls=1, backoff_s=0.01))
        states = [await library.answerer().ask(QUESTION) for _ in range(8)]
        await library.model.aclose()
        assert len(server.seen) == 5
        assert {(state.mode, state.degraded, state.complete) for state in states} == {AWAY}


@pytest.mark.parametrize(
    ("value", "calls", "state"),
    [("1", 2, WHOLE), ("119", 1, AWAY), ("soon", 2, WHOLE), ("Wed, 21 Oct 2099 07:28:00 GMT", 1, AWAY)],
)
async def test_retry_after_is_kept_to_when_it_fits_the_deadline(
    library: Library, value: str, calls: int, state: object
) -> None:
    """A retry-after that fits the deadline is honoured; a longer one ends the calls at once."""
    outcome = await ask(library, Status(429, {"retry-after": value}), Computed(good))
    assert (outcome.state, outcome.calls) == (state, calls)
    assert outcome.took_s < 3.5


@pytest.mark.parametrize(
    "act", [Status(401), Status(429, {}, {"type": "insufficient_quota", "code": "insufficient_quota"})]
)
async def test_a_missing_quota_or_key_is_not_retried(
    library: Library, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    """One call, one line for the operator, and no key in it."""
    outcome = await ask(library, act)
    assert (outcome.state, outcome.calls) == (AWAY, 1)
    assert len([record for record in caplog.records if record.name == "qa.llm.openai_chat"]) == 1
    assert "sk-canary" not in caplog.text


async def test_a_server_that_cannot_be_reached_leaves_the_articles_to_answer(
    library: Library, unused_tcp_port: int, monkeypatch: Any
) -> None:
    """No listener, no TLS, no such name: an extractive answer comes within five seconds."""
    port = f"http://127.0.0.1:{unused_tcp_port}/v1"

    async def unknown(*_: object, **__: object) -> None:
        raise OSError(-2, "Name or service not known")

    assert (await ask(library, Hang(), base_url=port)).state == AWAY
    async with ScriptedServer([Hang()]) as server:
        url = server.url.replace("http:", "https:")
        assert (await ask(library, Hang(), base_url=url, connect_timeout_s=0.5)).state == AWAY
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    outcome = await ask(library, Hang(), base_url="http://no-such-host.invalid/v1")
    assert (outcome.state, outcome.took_s < 5) == (AWAY, True)


@pytest.mark.parametrize("act", [Hang(), Raw(repeat_s=0.05)], ids=["no head", "head only"])
async def test_a_server_that_hangs_is_left_at_the_deadline(library: Library, act: Act) -> None:
    """The question ends within a second of its deadline, and the connection is closed."""
    outcome = await ask(library, act, deadline_s=1)
    assert outcome.state == AWAY
    assert 0.8 <= outcome.took_s <= 2 and outcome.left


async def test_keep_alive_comments_do_not_extend_the_deadline(library: Library) -> None:
    """Keep-alive comments do not count as progress: the total deadline ends the call."""
    outcome = await ask(library, Raw(b": keep-alive\n\n", repeat_s=0.05), deadline_s=1)
    assert outcome.state == AWAY
    assert 0.8 <= outcome.took_s <= 2 and outcome.left


class Cut(Computed):
    """Cut the connection after so many bytes of a good answer of two sentences."""

    def __init__(self, after: int) -> None:
        super().__init__(two_sentences)
        object.__setattr__(self, "after", after)

    async def play(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        await Stream(self.reply(request), cut_after=self.after).play(request, writer)  # type: ignore[attr-defined]


def two_sentences(request: dict[str, Any]) -> list[str]:
    key, sentence = evidence_of(request)[0]
    return [f"{sentence} [{key}]\n", f"{sentence[:20]}", f"{sentence[20:]} [{key}]\n"]


async def test_a_stream_cut_at_any_byte_keeps_its_whole_sentences(library: Library) -> None:
    """Every position of a recorded stream: whole sentences are kept, and nothing is complete before the end mark."""
    recorded: list[bytes] = []

    class Recorded(Computed):
        async def play(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
            recorded.append(b"".join(Stream(self.reply(request)).events()))
            await super().play(request, writer)

    assert (await ask(library, Recorded(two_sentences))).state == WHOLE
    stream = recorded[0]
    first = stream.index(b"\n\n", stream.index(b"]\\n")) + 2  # the first sentence has come with its id
    stop = stream.index(b'"finish_reason": "stop"}]}\n\n') + len(b'"finish_reason": "stop"}]}\n\n')
    done = len(stream) - 1  # the end mark counts when its line has ended
    for cut in sorted({*range(0, len(stream), 1 if ALL else 197), *range(done - 2, len(stream) + 1)}):
        outcome = await ask(library, Cut(cut), calls=1)
        if cut < first:
            assert outcome.state == AWAY, cut
        elif cut < stop:
            assert outcome.state == CUT and outcome.answer.statements, cut
        else:  # all words have arrived, but only the end mark makes the answer complete
            assert outcome.state == (WHOLE if cut >= done else SHORT), cut


@pytest.mark.parametrize(
    ("act", "state"),
    [
        (lambda pieces: Stream(pieces, done=False), SHORT),
        (lambda pieces: Stream(pieces, finish=None), CUT),
        (lambda pieces: Stream(pieces, finish=None, done=False), CUT),
        (lambda pieces: Raw(b"".join(Stream(pieces).events()[:4]) + b'data: {"choices": [{"in'), CUT),
    ],
    ids=["no end mark", "no reason", "neither", "half an event"],
)
async def test_a_clean_end_without_the_end_mark_is_not_complete(
    library: Library, act: Callable[[Sequence[str]], Act], state: object
) -> None:
    """Without the stop reason and the end mark an answer is not complete."""

    class Early(Computed):
        async def play(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
            await act(two_sentences(request)).play(request, writer)

    assert (await ask(library, Early(good))).state == state


@pytest.mark.parametrize("reason", ["length", "content_filter", None])
async def test_other_finish_reasons_are_never_complete(library: Library, reason: str | None) -> None:
    """An answer that ended for another reason is never complete."""

    class Stops(Computed):
        async def play(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
            await Stream(two_sentences(request), finish=reason).play(request, writer)

    assert not (await ask(library, Stops(good))).answer.complete


@pytest.mark.parametrize(
    "act",
    [
        Raw(b"<html>Welcome</html>", "text/html"),
        Raw(b"", "text/event-stream"),
        Raw(b"", "application/json"),
        Raw(b"\x89PNG\r\n\x1a\n", "image/png"),
        Raw(b'{"choices": []}', "application/json"),
        Raw(b'data: {"choices": []}\n\ndata: [DONE]\n\n'),
        HangUp(),
    ],
    ids=["html", "empty", "empty json", "png", "no stream", "no choices", "hang up"],
)
async def test_an_empty_200_is_a_failure_of_the_model(library: Library, act: Act) -> None:
    """An empty 200 is a model failure, not a sign that the articles say nothing."""
    outcome = await ask(library, act)
    assert outcome.answer.mode == "extractive" and outcome.answer.degraded == ("llm",)


@pytest.mark.parametrize(
    "act",
    [
        Raw(NULL + b"data: [DONE]\n\n"),
        Stream([" ", "\n"]),
        Stream(["<think>The bridge, maybe?</think>"]),
        Stream(["```\n", "---\n"]),
        Stream(["I am happy to help!"]),
        Stream(["Sources: [1]"]),
    ],
    ids=["null", "blank", "thoughts", "rules", "chat", "sources"],
)
async def test_a_reply_that_holds_nothing_usable_is_not_a_refusal(library: Library, act: Act) -> None:
    """The articles answer in their own words, and `degraded` says that the model's were of no use."""
    outcome = await ask(library, act)
    assert outcome.answer.mode == "extractive" and outcome.answer.degraded == ("llm_unusable",)
    assert outcome.answer.status != "not_in_sources" and outcome.answer.complete


@settings(max_examples=500 if ALL else 50, deadline=None)
@given(st.text(max_size=300) | st.text('[]s2abcd,; \n."“”<>think/`{}:0123', max_size=300), st.integers(1, 40))
def test_any_reply_is_read_with_known_ids_only(reply: str, size: int) -> None:
    """Fenced, truncated, repeated or nested: the grammar reads any text, however it is split, and only known ids."""
    at_once, parts = ReplyParser(["s2abcd"]), ReplyParser(["s2abcd"])
    once = [*at_once.feed(reply), *at_once.finish()]
    split = [part for at in range(0, len(reply), size) for part in parts.feed(reply[at : at + size])] + parts.finish()
    assert once == split
    assert all(set(part.ids) <= {"s2abcd"} for part in once if isinstance(part, Sentence))


@pytest.mark.parametrize(
    "reply",
    [
        "[" * 50_000,
        "<think>" * 30_000,
        "[s2abcd" * 30_000,
        "a [s2abcd] " * 50_000,
        '{"a":' * 30_000,
        "```json\n" * 50_000,
        "(" * 50_000,
        "x" * 1_000_000,
        "\n" * 50_000,
        "PARTIAL\n" * 10_000,
        "“" * 50_000,
    ],
    ids=lambda reply: reply[:8].strip(),
)
def test_deep_and_huge_replies_are_read_in_linear_time(reply: str) -> None:
    """Megabytes of brackets, tags and lines are read in linear time."""
    began = time.process_time()
    parser = ReplyParser(["s2abcd"])
    for at in range(0, len(reply), 50_000):
        parser.feed(reply[at : at + 50_000])
    parser.finish()
    assert time.process_time() - began < 8


@pytest.mark.parametrize(
    "cited", ["-1", "0", "1", "999", "1,2", "s2zzzz", "s-1", "bridge", "bridge:1:0", "s2abcd,1", "../x", "１"]
)
async def test_a_sentence_with_unknown_ids_is_dropped_and_reported(library: Library, cited: str) -> None:
    """A sentence that cites an unknown id is dropped and reported; the other sentence stays."""

    def reply(request: dict[str, Any]) -> list[str]:
        key, sentence = evidence_of(request)[0]
        return [f"{sentence} [{key}]\n", f"The ferry was late. [{cited}]\n"]

    outcome = await ask(library, Computed(reply))
    assert "late" not in outcome.answer.answer
    assert len(outcome.answer.statements) == 1


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("Repairs cost 4.2 million euros.", True),
        ("Repairs  cost 4.2 million euros.", True),
        ("Repairs cost 4.3 million euros.", False),
        ("Repairs cost 42 million euros.", False),
        ("The Kestrel bridge reopened on 4 May.", False),
        ("Repairs did not cost 4.2 million euros.", False),
        ("The mayor said: “The repairs are cheap.”", False),
        ("Zoe Brown paid 4.2 million euros for the repairs.", False),
    ],
)
async def test_words_that_the_source_does_not_hold_are_not_supported(
    library: Library, sentence: str, supported: bool
) -> None:
    """Changed digits, a changed day, an added negation, an invented quotation or name: the source is quoted instead."""

    def reply(request: dict[str, Any]) -> list[str]:
        key = next(key for key, sentence in evidence_of(request) if "4.2 million" in sentence)
        return [f"{sentence} [{key}]\n"]

    answer = (await ask(library, Computed(reply))).answer
    (statement,) = answer.statements
    assert answer.mode == "llm" and statement.support == "supported" and statement.replaced != supported
    assert (" ".join(sentence.split()) in statement.text) == supported


async def test_the_id_tells_which_of_two_equal_sentences_is_cited(library: Library) -> None:
    """The id identifies the sentence, so the span is that of the cited one."""

    def reply(request: dict[str, Any]) -> list[str]:
        twice = [key for key, sentence in evidence_of(request) if sentence == "The ferry sank on 9 May."]
        return [f"The ferry sank on 9 May. [{key}]\n" for key in twice]

    async with ScriptedServer([Computed(reply)]) as server:
        library.model = OpenAIChat(ModelSettings(server.url, None, "m"))
        answer = await library.answerer().ask(Question("When did the ferry sink?"))
        await library.model.aclose()
    assert faults(answer, library.catalog) == []
    assert {(citation.span.start, citation.span.end) for citation in answer.citations} <= {(0, 24), (25, 49)}


class Tokens(Computed):
    """Stream a good sentence, and then one piece over and over, as fast as the client reads."""

    piece = "x"
    times = 10**9

    async def play(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        wire = Wire(writer)
        await wire.head(200, {"content-type": "text/event-stream"})
        for event in Stream(self.reply(request)).events()[:-3]:
            await wire.send(event)
        event = Stream([self.piece]).events()[1] * max(1, 8_000 // len(self.piece))
        for _ in range(self.times):
            await wire.send(event)


class OneToken(Tokens):
    piece = "y" * 5_000_000


@pytest.mark.parametrize("kind", [Tokens, OneToken], ids=["endless tiny tokens", "tokens of 5 MB"])
async def test_an_endless_reply_is_cut_at_its_cap(library: Library, kind: type[Tokens]) -> None:
    """It is cut at the cap, the connection is closed, and the sentence before the cut stays."""
    outcome = await ask(library, kind(good), deadline_s=30)
    assert (outcome.state, outcome.left) == (CUT, True)
    assert outcome.took_s < 30, "the deadline ended it, not the cap"
    assert len(outcome.answer.answer) < 1_000


async def test_a_model_that_obeys_every_article_emits_no_link_or_markup(library: Library) -> None:
    """No link, markup or invented source of a hostile model reaches the answer; tests/attacks has the rest."""
    outcome = await ask(library, Computed(traitor))
    assert not any(sign in outcome.answer.answer for sign in ("://", "<", "](", "javascript", "\u202e", "1999"))


SPOILT: dict[str, Act] = {
    "another size": Embeddings(vector=lambda text: [1.0, 2.0, 3.0]),
    "NaN": Embeddings(vector=lambda text: [float("nan"), 1.0]),
    "infinite": Embeddings(vector=lambda text: [float("inf"), 1.0]),
    "too few": Embeddings(spoil=lambda rows: rows[:-1]),
    "too many": Embeddings(spoil=lambda rows: [*rows, {**rows[0], "index": len(rows)}]),
    "one index twice": Embeddings(spoil=lambda rows: [{**row, "index": 0} for row in [*rows, *rows]]),
    "none": Embeddings(spoil=lambda rows: []),
    "zero": Embeddings(vector=lambda text: [0.0, 0.0]),
    "html": Raw(b"<html>", "text/html"),
    "401": Status(401),
    "hang up": HangUp(),
}


@pytest.mark.parametrize("name", SPOILT)
def test_impossible_embeddings_are_refused_and_the_old_version_is_served(tmp_path: Path, name: str) -> None:
    """The article is refused or the ingest fails entirely, and the old version is still served and found."""
    terms: dict[str, Any] = {"backoff_s": 0.01}
    with ScriptedServer([Embeddings()]) as server:
        good_one = EmbeddingServer(ModelSettings(server.url, None, "m", **terms))
        with Store(tmp_path, good_one) as store:
            assert store.add(article("a", "The bridge opened on Monday.")).added == 1
            with ScriptedServer([SPOILT[name]]) as spoilt:
                bad = EmbeddingServer(ModelSettings(spoilt.url, None, "m", **terms))
                bad._dimension = 2
                store.embedder = store.projections._embedder = bad
                with suppress(EmbeddingFailed):
                    report = store.add(article("a", "The bridge closed again on Friday."))
                    assert (report.updated, len(report.refused)) == (0, 1)
                bad.close()
            store.embedder = store.projections._embedder = good_one
            store.projections.catch_up()
            assert store.catalog.text("default", "a").text == "The bridge opened on Monday."
            assert store.problems() == [] and store.found("bridge Monday") == ["a"]
        good_one.close()


def test_vectors_in_another_order_are_put_in_order() -> None:
    """Rows are ordered by their `index`, not by their place in the reply."""
    with ScriptedServer([Embeddings(spoil=lambda rows: rows[::-1])]) as server:
        embedder = EmbeddingServer(ModelSettings(server.url, None, "m"))
        rows = embedder.embed_texts(["a", "bcd"])
        embedder.close()
    assert json.dumps([round(float(row[0]), 2) for row in rows]) == "[0.71, 0.95]"


def test_marks_are_read() -> None:
    """The parser also reads status marks, so a reply of nothing but marks is covered here too."""
    parser = ReplyParser([])
    assert [*parser.feed("PARTIAL\n"), *parser.finish()] == [Partial()]
