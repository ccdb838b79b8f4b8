"""`Client` and `connect`: over HTTP the same methods, answers and errors as `Library`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from qa import (
    Answer,
    Article,
    BadQuestion,
    BadSettings,
    Client,
    Closed,
    Delta,
    Event,
    Library,
    Locked,
    ModelUnavailable,
    NotFound,
    Question,
    Retrieved,
    Settings,
    StoreFailed,
    Turn,
    connect,
    sample_articles,
)
from qa.client import key_of
from qa.service.app import create_app
from qa.service.schemas import examples
from qa.service.schemas.requests import AskBody
from qa.service.schemas.responses import AnswerOut, ReportOut
from qa.types import IngestReport, Refused
from tests.scripted_server import ScriptedServer, Status
from tests.service.serving import opened, reading, running, settings_for

COST = "What will it cost to rebuild the eastern approach of the Orrin Bridge?"
DAY = "2026-06-15"
REPLY = AnswerOut.from_domain(examples.ANSWER)
ODD = "The ferry 🛳️ costs €4.\n\nCafe\u0301 Nø opened again. It opened again. It opened again."


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Make a store with the sample articles, without embeddings."""
    settings = settings_for(tmp_path_factory.mktemp("client") / "store")
    with Library(settings) as library:
        library.add(sample_articles())
    return settings


@pytest.fixture
def served(settings: Settings) -> Iterator[Settings]:
    """Serve the store, and announce the URL in its directory, as `qa serve` does."""
    app = create_app(settings)
    with running(app) as port:
        opened(app).library.owner.announce(f"http://127.0.0.1:{port}")
        yield settings


@pytest.fixture
def client(served: Settings) -> Iterator[Client]:
    """Connect to the server that has the store open."""
    with connect(served) as client:
        assert isinstance(client, Client)
        yield client


def _same(answer: Answer) -> Answer:
    return replace(answer, id="", timings_ms={})


def test_connect_opens_what_nobody_holds(settings: Settings) -> None:
    """Without a server the store itself is opened, and opening it twice is still refused."""
    with connect(settings) as library:
        assert isinstance(library, Library)
        with pytest.raises(Locked):
            connect(settings)


def test_answers_are_those_of_the_library(settings: Settings) -> None:
    """Every field of an answer, a refusal and a hit is transmitted, except those that the class docstring lists."""
    questions = [
        COST,
        "How old is Dorothea Lanyon, the bus driver?",
        "When was the boil-water notice in Marrowby lifted?",
    ]
    app = create_app(settings)
    with running(app) as port, Client(f"http://127.0.0.1:{port}/") as client:
        over_http = [_same(client.ask(question, as_of=DAY)) for question in questions]
        hits = client.search(COST, as_of=DAY).hits
        narrowed = client.ask(COST, as_of=DAY, outlets=["The Aldermont Observer"], after="2026-04-01")
        history = [Turn("user", COST), Turn("assistant", "€46 million.")]
        follow_up = client.ask("And who said so?", as_of=DAY, history=history)
    with Library(settings) as library:
        assert {answer.status for answer in over_http} == {"conflicting", "not_in_sources", "answered"}
        assert over_http == [_same(library.ask(question, as_of=DAY)) for question in questions]
        own = library.search(COST, as_of=DAY).hits
        assert [(hit.source, hit.span, hit.text, hit.lexical_rank) for hit in hits] == [
            (hit.source, hit.span, hit.text, hit.lexical_rank) for hit in own
        ]
        options = {"outlets": ["The Aldermont Observer"], "after": "2026-04-01"}
        assert _same(narrowed) == _same(library.ask(COST, as_of=DAY, **options))  # type: ignore[arg-type]
        assert _same(follow_up) == _same(library.ask(Question("And who said so?", tuple(history), as_of=DAY)))


async def test_a_stream_comes_as_it_is_made(client: Client) -> None:
    """Sources first, pieces that join to the text, the answer last; `aask` returns the same."""
    events = [event async for event in client.stream(COST, as_of=DAY)]
    last = events[-1]
    assert isinstance(events[0], Retrieved)
    assert events[0].hits
    assert isinstance(last, Answer)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == last.answer
    assert _same(last) == _same(await client.aask(COST, as_of=DAY)) == _same(client.ask(COST, as_of=DAY))


async def test_a_short_answer_is_transmitted(settings: Settings) -> None:
    """Whole and streamed, before the words; it is the one that the library gives."""
    question = "When was the boil-water notice in Marrowby lifted?"
    with reading("on Saturday"):
        with running(create_app(settings)) as port, Client(f"http://127.0.0.1:{port}/") as client:
            events = [event async for event in client.stream(question, as_of=DAY)]
            answer = client.ask(question, as_of=DAY)
        with Library(settings) as library:
            assert _same(answer) == _same(library.ask(question, as_of=DAY))
    assert answer.short_answer is not None
    assert events[1] == answer.short_answer == _last(events).short_answer


def _last(events: list[Event]) -> Answer:
    assert isinstance(events[-1], Answer)
    return events[-1]


def test_articles_go_in_and_out(tmp_path: Path) -> None:
    """Adding over HTTP, in several requests, stores what a Library would; refusals name their source."""
    (tmp_path / "one.txt").write_text(ODD, encoding="utf-8", newline="\r\n")
    many = [Article(id=f"n{number}", text=f"Notice {number} was lifted.") for number in range(230)]
    bad = Article(id="bad", text="\x00", source="the caller's own")
    app = create_app(settings_for(tmp_path / "store"))
    with running(app) as port, Client(f"http://127.0.0.1:{port}") as client:
        report = client.add("one.txt", "missing.txt", *many, bad, Article(id="https://a.example/b?c=d", text=ODD))
        assert (report.added, report.updated, report.unchanged) == (232, 0, 0)
        assert [refused.source for refused in report.refused] == ["missing.txt", "the caller's own"]
        assert client.text("https://a.example/b?c=d") == client.text("one.txt") == ODD
        assert client.add(*many).unchanged == 230
        client.remove("https://a.example/b?c=d")
        for missing in (client.text, client.remove):
            with pytest.raises(NotFound):
                missing("https://a.example/b?c=d")


def test_errors_have_the_classes_of_the_library(client: Client) -> None:
    """Bad input is refused by name, locally or by the server."""
    with pytest.raises(BadQuestion, match="as_of") as caught:
        client.ask(COST, as_of="someday")
    assert caught.value.param == "as_of"
    with pytest.raises(BadQuestion, match="question"):
        client.ask(" ")
    with pytest.raises(BadQuestion, match="mode"):
        client.ask(COST, mode="llm")
    with pytest.raises(BadQuestion, match="top_k"):
        client.search("bridge", top_k=1_000)
    with pytest.raises(NotFound):
        client.text("ledger-bridge-1", version=99)


async def test_a_refused_stream_is_an_error(client: Client) -> None:
    """A stream that the server ends early is an error, never an endless wait."""
    with pytest.raises(BadQuestion, match="mode"):
        [event async for event in client.stream(COST, mode="llm")]


def test_a_model_that_fails_is_the_models_error(tmp_path: Path) -> None:
    """With `on_llm_failure=error` the model's error is raised, also from a stream."""
    with ScriptedServer([Status(503)]) as model:
        settings = settings_for(
            tmp_path / "store", openai_base_url=model.url, llm_model="small", on_llm_failure="error", deadline_s=5
        )
        app = create_app(settings)
        with running(app) as port, Client(f"http://127.0.0.1:{port}") as client:
            client.add(sample_articles())
            with pytest.raises(ModelUnavailable):
                client.ask(COST, as_of=DAY)


def test_the_key_that_opens_most_is_sent(tmp_path: Path) -> None:
    """`connect` picks a configured key; a missing or wrong key is reported."""
    assert key_of(settings_for(tmp_path, api_keys=("ask:a", "admin:b", "both"))) == "both"
    assert key_of(settings_for(tmp_path, api_keys=("admin:b",))) == "b"
    assert key_of(settings_for(tmp_path)) is None
    settings = settings_for(tmp_path / "store", api_keys=("ask:reader", "both"))
    app = create_app(settings)
    with running(app) as port:
        url = f"http://127.0.0.1:{port}"
        opened(app).library.owner.announce(url)
        with connect(settings) as client:
            assert client.add(Article(id="a", text="The ferry costs four euros.")).added == 1
        with connect(url, key="reader") as client:
            assert client.text("a") == "The ferry costs four euros."
            with pytest.raises(BadSettings):
                client.remove("a")
        with Client(url, key="wrong") as stranger, pytest.raises(BadSettings):
            stranger.ask(COST)


async def test_a_closed_client_asks_nothing(served: Settings) -> None:
    """Every method raises Closed; the server keeps running."""
    with connect(served) as client:
        pass
    with pytest.raises(Closed):
        client.ask(COST)
    with pytest.raises(Closed):
        client.search("bridge")
    with pytest.raises(Closed):
        [event async for event in client.stream(COST)]
    with connect(served) as another:
        assert another.search("bridge").hits


def test_a_server_that_is_gone_is_named() -> None:
    """If nothing listens there, the error has the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(StoreFailed, match=f"127.0.0.1:{port}"):
        client.ask(COST)


def test_another_program_at_the_address_is_no_server_of_ours() -> None:
    """The replies of another service are not taken for answers."""
    with ScriptedServer([Status(404)]) as other, Client(other.url) as client, pytest.raises(StoreFailed, match="404"):
        client.ask(COST)


def _answered_with(reply: dict[str, Any]) -> AnswerOut:
    app = FastAPI()

    @app.post("/v1/ask")
    async def ask() -> dict[str, Any]:
        return reply

    with running(app) as port, Client(f"http://127.0.0.1:{port}") as client:
        return client.post("/v1/ask", AskBody(question="When?"), AnswerOut)


def test_a_newer_server_may_say_more() -> None:
    """Unknown fields are ignored at any depth."""
    reply = REPLY.model_dump() | {"nearest": []}
    reply["citations"][0]["notice"] = "retracted"
    assert _answered_with(reply) == REPLY


def test_an_older_server_is_named() -> None:
    """A reply without a required field is a one-line error that names the server and the field."""
    reply = REPLY.model_dump()
    del reply["usage"]
    with pytest.raises(StoreFailed, match=r"^http://127\.0\.0\.1:\d+ answers as another version does: usage: .*$"):
        _answered_with(reply)


def test_a_file_name_that_is_no_text_can_be_reported() -> None:
    """A file name that is not valid UTF-8 is reported unchanged and does not break the report."""
    report = ReportOut.from_domain(IngestReport(0, 0, 0, (Refused("bad\udcff.bin", "not read"),), 0, 0.0))
    assert report.model_dump()["refused"] == [{"source": "bad\udcff.bin", "reason": "not read"}]
