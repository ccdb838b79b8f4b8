import asyncio
import inspect
import itertools
import json
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import httpx2
import numpy as np
import openai
import pytest
from hypothesis import given, strategies as st

from qa.errors import BadSettings, EmbeddingFailed, ModelBroken, ModelFailed, ModelRefused, ModelUnavailable
from qa.llm.openai_chat import OpenAIChat
from qa.llm.openai_embeddings import EmbeddingServer
from qa.llm.openai_faults import fault_of, translate
from qa.llm.openai_stream import ReplyStream, retry_after_s
from qa.llm.protocols import ChatModel, EndPiece, Message, ModelSettings, Piece, TextPiece
from qa.types import Embedder, Usage
from tests.scripted_server import (
    Act,
    Embeddings,
    Hang,
    HangUp,
    Raw,
    ScriptedServer,
    Status,
    Stream,
    cite_first_sentence,
    traitor,
)

KEY = "sk-canary-1234567890"
QUESTION = "canary question about the harbour?"
MESSAGES = [Message("system", "canary rules"), Message("user", QUESTION)]


def settings(url: str | None, **changes: Any) -> ModelSettings:
    return ModelSettings(**{"base_url": url, "api_key": KEY, "model": "small", "backoff_s": 0.01, **changes})


async def read(chat: ChatModel, timeout_s: float = 5.0) -> tuple[list[Piece], ModelFailed | None]:
    pieces: list[Piece] = []
    try:
        async with aclosing(chat.stream(MESSAGES, deadline=time.monotonic() + timeout_s, max_tokens=50)) as stream:
            async for piece in stream:
                pieces.append(piece)
    except ModelFailed as exc:
        return pieces, exc
    return pieces, None


async def ask(act: Act | Sequence[Act], timeout_s: float = 5.0, **changes: Any) -> tuple[str, Any, int]:
    """Return the text that came, the end (an EndPiece or the error) and the number of upstream calls."""
    async with ScriptedServer(act if isinstance(act, Sequence) else [act]) as server:
        chat = OpenAIChat(settings(server.url, **changes))
        pieces, error = await read(chat, timeout_s)
        await chat.aclose()
        words = "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
        ends = [piece for piece in pieces if isinstance(piece, EndPiece)]
        assert len(ends) + (error is not None) == 1, "one terminal state"
        return words, error or ends[0], len(server.seen)


# ---- what a good server's reply becomes


async def test_a_whole_reply_comes_in_pieces_and_ends_with_its_reason_and_usage() -> None:
    """The pieces joined are the reply; the EndPiece is last and carries what the server counted."""
    async with ScriptedServer([Stream(["Sie kam ", "an 🚢.\r\n", "漢字 [s2abcd]"], usage=(11, 5))]) as server:
        chat: ChatModel = OpenAIChat(settings(server.url))
        pieces, error = await read(chat)
        await chat.aclose()
    assert error is None
    assert pieces[:-1] == [TextPiece("Sie kam "), TextPiece("an 🚢.\r\n"), TextPiece("漢字 [s2abcd]")]
    assert pieces[-1] == EndPiece("stop", Usage(11, 5), terminated=True)


async def test_the_request_says_what_was_asked() -> None:
    """Model, messages, limits and key arrive; a stream with usage is requested."""
    async with ScriptedServer([Stream(["Yes."])]) as server:
        chat = OpenAIChat(settings(server.url))
        await read(chat)
        await chat.aclose()
        seen = server.seen[0]
    assert seen.path == "/v1/chat/completions"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.body == {
        "model": "small",
        "messages": [{"role": "system", "content": "canary rules"}, {"role": "user", "content": QUESTION}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 50,
        "temperature": 0.0,
    }


async def test_a_redirect_does_not_carry_the_prompt_on() -> None:
    """Nobody configured the host that it leads to: that host receives nothing, and the error is logged."""
    async with ScriptedServer([Stream(["Yes."])]) as other:
        redirect = Status(307, {"location": f"{other.url}/chat/completions"})
        said, error, calls = await ask(redirect)
        assert (said, calls, len(other.seen)) == ("", 1, 0)
    assert isinstance(error, ModelRefused)
    assert "redirect" in str(error)


async def test_an_account_in_the_environment_is_not_sent_to_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client library reads these variables unasked; a configured server must not receive them."""
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "canary-ambient")
    async with ScriptedServer([Stream(["Yes."])]) as server:
        chat = OpenAIChat(settings(server.url, api_key=None))
        await read(chat)
        await chat.aclose()
        assert "canary-ambient" not in json.dumps(server.seen[0].headers)


# ---- faults: RELIABILITY.md 3.3, rows 1 to 16


@pytest.mark.parametrize("statuses", [(500, 502, 503), (504, 408, 429), (409, 529, 500)])
async def test_a_server_that_stays_unavailable_is_asked_three_times(statuses: tuple[int, ...]) -> None:
    """Row 1: at most three upstream calls, then a typed error that says that it may be temporary."""
    words, end, calls = await ask([Status(status) for status in statuses])
    assert (words, calls) == ("", 3)
    assert isinstance(end, ModelUnavailable)
    assert end.retryable


async def test_a_retry_that_works_leaves_no_trace() -> None:
    """The caller does not see a single failure before the first word."""
    words, end, calls = await ask([Status(503), Stream(["Yes."])])
    assert (words, calls) == ("Yes.", 2)
    assert isinstance(end, EndPiece)


async def test_five_failures_in_a_row_stop_the_asking_for_a_while() -> None:
    """Row 1: an open breaker fails at once without a call, then lets one call through, and a success closes it."""
    acts: list[Act] = [*[Status(500)] * 5, Stream(["Back."])]
    async with ScriptedServer(acts) as server:
        chat = OpenAIChat(settings(server.url, calls=1, breaker_pause_s=0.3))
        errors = [(await read(chat))[1] for _ in range(7)]
        assert len(server.seen) == 5
        assert isinstance(errors[6], ModelUnavailable)
        assert 0 < (errors[6].retry_after_s or 0) <= 0.3
        await asyncio.sleep(0.3)
        assert [(await read(chat))[1] for _ in range(2)] == [None, None]
        assert len(server.seen) == 7
        await chat.aclose()


@pytest.mark.parametrize(
    ("value", "calls", "at_least_s"),
    [("1", 2, 1.0), ("119", 1, 0.0), ("soon", 2, 0.0), ("-3", 2, 0.0), ("inf", 2, 0.0),
     ("Wed, 21 Oct 2099 07:28:00 GMT", 1, 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 2, 0.0)],
)  # fmt: skip
async def test_retry_after_is_waited_for_if_it_fits(value: str, calls: int, at_least_s: float) -> None:
    """Row 2: wait as the server asks if the deadline allows it, else fail at once; invalid values are ignored."""
    begun = time.monotonic()
    _, end, seen = await ask([Status(429, {"retry-after": value}), Stream(["Yes."])], timeout_s=20)
    assert seen == calls
    assert isinstance(end, EndPiece if calls == 2 else ModelUnavailable)
    assert at_least_s <= time.monotonic() - begun < 19  # the slack is the machine's


def test_retry_after_in_milliseconds_wins() -> None:
    """The more precise header takes precedence."""
    assert retry_after_s({"retry-after-ms": "250", "retry-after": "9"}, now=0) == 0.25
    assert retry_after_s({"retry-after-ms": "?", "retry-after": "9"}, now=0) == 9
    assert retry_after_s({}, now=0) is None


@pytest.mark.parametrize(
    "act",
    [Status(401), Status(403), Status(404), Status(400), Status(413), Status(422), Status(307, {"location": "/x"}),
     Status(429, {"retry-after": "0"}, {"type": "insufficient_quota", "code": "insufficient_quota"})],
)  # fmt: skip
async def test_what_will_never_work_is_asked_once(act: Status, caplog: pytest.LogCaptureFixture) -> None:
    """Row 3: no retry for keys, rights, names, bad requests and spent quotas, and one line in the log."""
    with caplog.at_level(logging.WARNING):
        words, end, calls = await ask(act)
    assert (words, calls) == ("", 1)
    assert isinstance(end, ModelRefused)
    assert not end.retryable
    assert len([record for record in caplog.records if record.name == "qa.llm.openai_chat"]) == 1


async def test_no_connection_is_a_quick_typed_error(unused_tcp_port: int) -> None:
    """Row 4: a port where nothing listens, and a server that does not speak TLS."""
    chat = OpenAIChat(settings(f"http://127.0.0.1:{unused_tcp_port}/v1"))
    begun = time.monotonic()
    assert isinstance((await read(chat))[1], ModelUnavailable)
    await chat.aclose()
    async with ScriptedServer([Stream(["Yes."])]) as server:
        chat = OpenAIChat(settings(server.url.replace("http:", "https:"), connect_timeout_s=1))
        assert isinstance((await read(chat))[1], ModelUnavailable)
        await chat.aclose()
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    "act",
    [Hang(), Raw(b": keep-alive\n\n", repeat_s=0.05), Stream(["Yes", "."], delay_s=0.6), Raw(repeat_s=0.05)],
    ids=["hang", "keep-alive", "slow", "headers only"],
)
async def test_the_deadline_ends_everything(act: Act) -> None:
    """Rows 5 and 6: one total deadline, whatever bytes arrive, and the server sees the disconnect."""
    async with ScriptedServer([act]) as server:
        chat = OpenAIChat(settings(server.url))
        begun = time.monotonic()
        _, error = await read(chat, timeout_s=0.7)
        assert isinstance(error, ModelUnavailable)
        assert 0.6 < time.monotonic() - begun < 1.2
        assert await asyncio.to_thread(server.seen[0].client_left.wait, 2)
        await chat.aclose()


async def test_a_deadline_that_has_passed_asks_nobody_for_long() -> None:
    """A question that comes too late costs no waiting."""
    begun = time.monotonic()
    _, end, calls = await ask(Hang(), timeout_s=-1)
    assert isinstance(end, ModelUnavailable)
    assert calls <= 1
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("cut_after", [1, 150, 200, 330, 380, 400, 500])
async def test_a_cut_connection_is_never_complete(cut_after: int) -> None:
    """Row 7 over a socket: the words that came are kept; without a stop reason it is an error."""
    whole = b"".join(Stream(["One ", "two."]).events())
    words, end, calls = await ask(Stream(["One ", "two."], cut_after=cut_after), calls=1)
    assert "One two.".startswith(words)
    assert calls == 1
    if b'"finish_reason": "stop"}]}\n\n' in whole[:cut_after]:
        assert (words, end.finish_reason, end.terminated) == ("One two.", "stop", False)
    else:
        assert isinstance(end, ModelBroken if words else ModelUnavailable)


def test_every_cut_of_a_stream_is_incomplete_until_its_end_mark() -> None:
    """Row 7, every position: what was read is a prefix, and the end mark is seen only when it was sent."""
    whole = b"".join(Stream(["Ün ", "двa ", "三."]).events())
    reason_at = whole.index(b'"finish_reason": "stop"}]}\n\n') + len(b'"finish_reason": "stop"}]}\n\n')
    for cut in range(len(whole) + 1):
        reply = ReplyStream()
        words = "".join(reply.feed(whole[:cut]))
        reply.end()
        assert "Ün двa 三.".startswith(words)
        assert (reply.finish_reason == "stop") == (cut >= reason_at)
        assert reply.terminated == (cut >= len(whole) - 2)


@given(st.lists(st.integers(0, 1200), max_size=12), st.sampled_from([b"\n", b"\r\n"]))
def test_it_does_not_matter_where_the_bytes_are_split(cuts: list[int], line_end: bytes) -> None:
    """Splits inside characters, lines and events change nothing; a raw U+2028 is not a line end."""
    whole = b"".join(Stream(["A\u2028b 👩\u200d🚀", "[s2abcd]\n", "漢"]).events()).replace(b"\n", line_end)
    reply = ReplyStream()
    edges = [0, *sorted(cuts), len(whole)]
    words = "".join(text for start, end in itertools.pairwise(edges) for text in reply.feed(whole[start:end]))
    assert words == "A\u2028b 👩\u200d🚀[s2abcd]\n漢"
    assert (reply.finish_reason, reply.terminated, reply.usage) == ("stop", True, Usage(7, 3))


HALF = b"".join(Stream(["Yes."]).events()[:2])


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (Stream(["Yes."], finish=None), "Yes."),
        (Stream(["Yes."], finish=None, done=False), "Yes."),
        (Raw(HALF + b'data: {"choices": [{"index": 0, "delta": {"content": "No'), "Yes."),
        (Raw(b"<html><body>Welcome, canary</body></html>", "text/html"), ""),
        (Raw(b""), ""),
        (Raw(b'{"choices": [{"message": {"content": "whole"}}]}', "application/json"), ""),
        (Raw(HALF + b"data: {canary\n\n"), "Yes."),
        (Raw(b'data: {"choices": [{"index": 0, "delta": {"content": ["canary"]}}]}\n\n'), ""),
        (Raw(b"data: " + b"[" * 100_000 + b"\n\n"), ""),
        (Raw(b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'), ""),
        (Stream([]), ""),
    ],
    ids=["no reason", "no reason, no end mark", "half an event", "html", "empty", "not a stream", "bad json",
         "wrong type", "deep json", "not utf-8", "not a word"],
)  # fmt: skip
async def test_a_reply_that_cannot_be_trusted_to_be_whole_is_broken(act: Act, said: str) -> None:
    """Rows 8 and 10: the words that came are passed on, then ModelBroken; it is not asked again."""
    words, end, calls = await ask(act)
    assert (words, calls) == (said, 1)
    assert isinstance(end, ModelBroken)
    assert "canary" not in str(end)


async def test_odd_but_harmless_events_are_taken() -> None:
    """Row 10: no choices, null content, null delta, unknown fields, other event fields and a second choice."""
    body = b"".join([
        b'event: message\ndata: {"choices": [], "usage": null}\n\n',
        b'id: 7\nretry: 100\ndata: {"choices": [{"index": 0, "delta": {"content": null}, "extra": 1}]}\n\n',
        b'data: {"choices": [{"index": 0, "delta": null}]}\n\n',
        b'data: {"choices": [{"index": 1, "delta": {"content": "other"}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": "Yes.", "reasoning_content": "hm"}}]}\n\n',
        b'data: {"choices": null}\n\ndata:{"choices": [{"index": 0,\ndata: "delta": {}, "finish_reason": "stop"}]}\n\n',
        b"data: [DONE]\n\n",
    ])  # fmt: skip
    words, end, _ = await ask(Raw(body))
    assert (words, end) == ("Yes.", EndPiece("stop", Usage(0, 0), terminated=True))


@pytest.mark.parametrize("reason", ["length", "content_filter", "tool_calls"])
async def test_the_servers_stop_reason_is_handed_on(reason: str) -> None:
    """Row 9: only the caller may call a reply complete, so it must see why it ended."""
    assert (await ask(Stream(["Half an ans"], finish=reason)))[1].finish_reason == reason


@pytest.mark.parametrize("end_body", [True, False])
async def test_a_stop_reason_without_the_end_mark_is_told_apart(end_body: bool) -> None:
    """A server that forgets [DONE], or hangs after its stop reason, gave the words but not the terminator."""
    words, end, _ = await ask(Stream(["Yes."], done=False, end_body=end_body), timeout_s=1)
    assert (words, end.finish_reason, end.terminated) == ("Yes.", "stop", False)


@pytest.mark.parametrize(
    ("code", "error", "calls"), [("insufficient_quota", ModelRefused, 1), ("server_error", ModelUnavailable, 3)]
)
async def test_an_error_inside_the_stream_is_an_error(code: str, error: type[ModelFailed], calls: int) -> None:
    """An error object inside a 200 is mapped by its code."""
    body = json.dumps({"error": {"message": "canary", "type": code, "code": code}}).encode()
    words, end, seen = await ask(Raw(b"data: " + body + b"\n\n"))
    assert (words, type(end), seen) == ("", error, calls)
    assert "canary" not in str(end)


async def test_a_huge_piece_is_cut_at_the_cap() -> None:
    """Row 15: a piece of 5 MB yields text up to the cap, then ModelBroken."""
    words, end, _ = await ask(Stream(["y" * 5_000_000]), reply_chars=1000)
    assert words == "y" * 1000
    assert isinstance(end, ModelBroken)


async def test_an_endless_reply_is_cut_at_the_cap() -> None:
    """Row 15: text up to the cap, then ModelBroken, and the server sees the disconnect."""
    act = Raw(Stream(["x" * 90]).events()[1], repeat_s=0.0)
    async with ScriptedServer([act]) as server:
        chat = OpenAIChat(settings(server.url, reply_chars=1000))
        pieces, error = await read(chat)
        assert sum(len(piece.text) for piece in pieces if isinstance(piece, TextPiece)) == 1000
        assert isinstance(error, ModelBroken)
        assert await asyncio.to_thread(server.seen[0].client_left.wait, 2)
        await chat.aclose()


# ---- leaving early: row 35


@pytest.mark.parametrize("act", [Hang(), Stream(["Yes. "] * 1000, delay_s=0.05)], ids=["silent", "mid-stream"])
async def test_cancelling_the_task_closes_the_upstream_connection(act: Act) -> None:
    """A caller that goes away must not leave the model working."""
    async with ScriptedServer([act]) as server:
        chat = OpenAIChat(settings(server.url))
        task = asyncio.create_task(read(chat, timeout_s=30))
        while not server.seen:  # noqa: ASYNC110  # the server is in another thread
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # the reply has begun
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.seen[0].client_left.wait, 1)
        assert len(asyncio.all_tasks()) == 1
        await chat.aclose()


async def test_leaving_the_loop_early_closes_the_upstream_connection() -> None:
    """Under `aclosing`, a `break` has the same effect as a cancellation."""
    async with ScriptedServer([Stream(["Yes. "] * 1000, delay_s=0.05)]) as server:
        chat = OpenAIChat(settings(server.url))
        async with aclosing(chat.stream(MESSAGES, deadline=time.monotonic() + 30, max_tokens=5)) as stream:
            async for piece in stream:
                assert piece == TextPiece("Yes. ")
                break
        assert await asyncio.to_thread(server.seen[0].client_left.wait, 1)
        await chat.aclose()


# ---- dialects


async def test_a_parameter_that_the_model_does_not_take_is_left_out() -> None:
    """Reasoning models reject two of our parameters by name; we learn that once, within the same three calls."""

    def unsupported(name: str) -> Status:
        return Status(400, {}, {"message": "canary", "param": name, "code": "unsupported_parameter", "type": "x"})

    acts: list[Act] = [unsupported("max_tokens"), unsupported("temperature"), Stream(["Yes."])]
    async with ScriptedServer(acts) as server:
        chat = OpenAIChat(settings(server.url))
        assert (await read(chat))[1] is None
        assert (await read(chat))[1] is None
        await chat.aclose()
        bodies = [seen.body for seen in server.seen]
    assert len(bodies) == 4
    assert [body.get("max_completion_tokens") for body in bodies] == [None, 50, 50, 50]
    assert ["max_tokens" in body for body in bodies] == [True, False, False, False]
    assert ["temperature" in body for body in bodies] == [True, True, False, False]


async def test_a_parameter_that_is_refused_in_words_only_is_left_out() -> None:
    """Anthropic's endpoint gives no name and no code of its own; it is believed once."""
    error = {"message": "`temperature` is deprecated for this model.", "type": "invalid_request_error", "code": None}
    async with ScriptedServer([Status(400, {}, error), Stream(["Yes."])]) as server:
        chat = OpenAIChat(settings(server.url))
        assert (await read(chat))[1] is None
        await chat.aclose()
        assert ["temperature" in seen.body for seen in server.seen] == [True, False]
    _, end, calls = await ask(Status(400, {}, error))
    assert (type(end), calls) == (ModelRefused, 2)


async def test_a_prompt_that_is_too_long_drops_no_parameter() -> None:
    """The message names max_tokens, which is not what is wrong: one call, refused."""
    words = "max_tokens is too large: 700. This model's maximum context length is 2048 tokens."
    _, end, calls = await ask(Status(400, {}, {"message": words, "type": "BadRequestError", "code": 400}))
    assert (type(end), calls) == (ModelRefused, 1)


async def test_a_parameter_that_stays_unsupported_is_refused() -> None:
    """Leaving it out is tried once."""
    error = {"message": "canary", "param": "max_tokens", "code": "unsupported_parameter", "type": "x"}
    _, end, calls = await ask(Status(400, {}, error))
    assert (type(end), calls) == (ModelRefused, 2)


# ---- the mapping of errors


def exception_classes() -> list[type[Exception]]:
    vendors = [getattr(module, name) for module in (openai, httpx2) for name in module.__all__]
    named = {kind for kind in vendors if inspect.isclass(kind) and issubclass(kind, Exception)}
    grown = {
        grandchild
        for kind in named
        for child in kind.__subclasses__()
        for grandchild in (child, *child.__subclasses__())
    }
    vendor = {kind for kind in grown if kind.__module__.startswith(("openai", "httpx2"))}
    return sorted(
        (kind for kind in named | vendor if not issubclass(kind, Warning)), key=lambda kind: kind.__qualname__
    )


@pytest.mark.parametrize("kind", exception_classes(), ids=lambda kind: kind.__qualname__)
def test_every_error_of_the_client_libraries_is_mapped(kind: type[Exception]) -> None:
    """A new class that only the root row catches needs a decision by a person: it fails here until it has a row."""
    known_roots = {  # raised by parts that we do not use, or about our own set-up: the root's row is right for them
        "APIError", "APIRemovedInV1", "AgentFilePreparationError", "AgentFileStagingError", "AgentOutputParseError",
        "AgentTurnResultError", "MissingDependencyError", "MutuallyExclusiveAuthError", "OpenAIError",
        "StreamAlreadyConsumed", "SubjectTokenProviderError", "_AmbiguousModuleClientUsageError",
    }  # fmt: skip
    meaning, said = fault_of(kind)
    assert issubclass(meaning, ModelFailed)
    if issubclass(kind, openai.OpenAIError) and not issubclass(kind, openai.APIStatusError):
        root = said in (fault_of(openai.OpenAIError)[1], fault_of(openai.APIError)[1])
        assert not root or kind.__name__ in known_roots


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, ModelRefused), (401, ModelRefused), (403, ModelRefused), (404, ModelRefused), (409, ModelUnavailable),
     (422, ModelRefused), (429, ModelUnavailable), (500, ModelUnavailable)],
)  # fmt: skip
def test_no_message_carries_the_key_the_prompt_or_the_servers_words(status: int, error: type[ModelFailed]) -> None:
    """A server's error message may repeat the request."""
    words = f"Incorrect API key provided: {KEY} for {QUESTION}"
    response = httpx2.Response(status, request=httpx2.Request("POST", "http://h/v1"), json={"message": words})
    kinds = {400: openai.BadRequestError, 401: openai.AuthenticationError, 403: openai.PermissionDeniedError,
             404: openai.NotFoundError, 409: openai.ConflictError, 422: openai.UnprocessableEntityError,
             429: openai.RateLimitError, 500: openai.InternalServerError}  # fmt: skip
    body = {"message": words, "code": KEY, "type": QUESTION}
    failed = translate(kinds[status](words, response=response, body=body), "model server h")
    assert type(failed) is error
    assert str(status) in str(failed)
    assert "canary" not in str(failed)


async def test_nothing_secret_is_logged_or_said_by_any_failure(caplog: pytest.LogCaptureFixture) -> None:
    """Over a real socket: no key, question or answer in our log lines and messages."""
    with caplog.at_level(logging.DEBUG, logger="qa"):
        for act in (
            Status(401, {}, {"message": KEY + QUESTION, "code": KEY}),
            Stream(["canary"], finish=None),
            HangUp(),
        ):
            _, end, _ = await ask(act, calls=1)
            assert "canary" not in str(end)
    assert "canary" not in caplog.text
    assert KEY not in repr(settings("http://h"))


def test_a_base_url_with_a_password_is_named_without_it() -> None:
    """Messages name host and port, never what precedes the @."""
    chat = OpenAIChat(settings("http://canary:canary@127.0.0.1:1/v1"))
    _, error = asyncio.run(read(chat))
    assert isinstance(error, ModelUnavailable)
    assert "127.0.0.1:1" in str(error)
    assert "canary" not in str(error)
    with pytest.raises(BadSettings):
        OpenAIChat(settings("http://[::1/v1"))


# ---- embeddings: row 17


def embed(act: Act | Sequence[Act], texts: list[str], **changes: Any) -> tuple[Any, int]:
    with ScriptedServer(act if isinstance(act, Sequence) else [act]) as server:
        embedder = EmbeddingServer(settings(server.url, **changes), timeout_s=5)
        try:
            return embedder.embed_texts(texts), len(server.seen)
        except EmbeddingFailed as exc:
            return exc, len(server.seen)
        finally:
            embedder.close()


def test_vectors_come_in_the_order_of_the_texts_at_unit_length() -> None:
    """The vector of a text is (its length, 1), so the rows are 3:1 and 1:1; the order sent does not count."""
    for spoil in (lambda rows: rows, lambda rows: rows[::-1]):
        vectors, calls = embed(Embeddings(spoil=spoil), ["漢字🚢", "x"])
        assert calls == 1
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, [[3 / 10**0.5, 1 / 10**0.5], [0.5**0.5, 0.5**0.5]], rtol=1e-6)


def test_many_texts_go_in_batches_and_keep_their_order() -> None:
    """130 texts are three requests of at most 64."""
    vectors, calls = embed(Embeddings(vector=lambda text: [float(text), 1.0]), [str(n) for n in range(130)])
    assert calls == 3
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], np.arange(130), rtol=1e-4)


def test_the_embedding_server_is_an_embedder() -> None:
    """It has the protocol's name, query and text calls, and asks for plain floats."""
    with ScriptedServer([Embeddings()]) as server:
        server_embedder = EmbeddingServer(settings(server.url, model="text-embedding-3-small"))
        embedder: Embedder = server_embedder
        assert embedder.model == "openai:text-embedding-3-small"
        assert embedder.embed_query("abc").shape == (2,)
        assert embedder.embed_texts([]).shape == (0, 2)
        assert server.seen[0].body["encoding_format"] == "float"
        assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
        server_embedder.close()


@pytest.mark.parametrize(
    "act",
    [
        Embeddings(spoil=lambda rows: rows[:-1]),
        Embeddings(spoil=lambda rows: [*rows, *rows]),
        Embeddings(spoil=lambda rows: [{**row, "index": 0} for row in rows]),
        Embeddings(vector=lambda text: [1.0] * len(text)),
        Embeddings(vector=lambda text: []),
        Embeddings(vector=lambda text: [float("nan"), 1.0]),
        Embeddings(vector=lambda text: [float("inf"), 1.0]),
        Embeddings(vector=lambda text: [0.0, 0.0]),
        Embeddings(spoil=lambda rows: [{**row, "embedding": "base64"} for row in rows]),
        Raw(b"<html>", "text/html"),
        Raw(b"", "application/json"),
        Status(401),
        Status(400),
    ],
    ids=["fewer", "more", "one index", "mixed sizes", "no numbers", "nan", "inf", "zero", "base64", "html", "empty",
         "401", "400"],
)  # fmt: skip
def test_vectors_that_cannot_be_right_are_refused(act: Act) -> None:
    """Row 17: no partial batch, no guess, no retry of what cannot succeed."""
    failed, calls = embed(act, ["a", "bcd"])
    assert isinstance(failed, EmbeddingFailed)
    assert calls == 1


def test_a_dimension_that_changes_is_refused() -> None:
    """All vectors of one model have one size."""
    with ScriptedServer([Embeddings(), Embeddings(vector=lambda text: [1.0, 2.0, 3.0])]) as server:
        embedder = EmbeddingServer(settings(server.url))
        embedder.embed_query("a")
        with pytest.raises(EmbeddingFailed, match="wanted 2"):
            embedder.embed_query("a")
        embedder.close()


def test_a_blank_text_is_refused_before_any_call() -> None:
    """Servers refuse the whole batch for it, or make a vector of nothing."""
    failed, calls = embed(Embeddings(), ["a", " \n"])
    assert (type(failed), calls) == (EmbeddingFailed, 0)


def test_embedding_is_tried_again_when_the_server_is_busy() -> None:
    """The same rule as for chat: three calls, and only where it may help."""
    vectors, calls = embed([Status(503), Embeddings()], ["a"])
    assert (vectors.shape, calls) == ((1, 2), 2)


def test_a_trickle_of_vectors_ends_at_the_time_limit() -> None:
    """The read timeout starts anew with each byte; the total one does not."""
    with ScriptedServer([Raw(b" ", "application/json", repeat_s=0.05)]) as server:
        embedder = EmbeddingServer(settings(server.url), timeout_s=0.5)
        begun = time.monotonic()
        with pytest.raises(EmbeddingFailed):
            embedder.embed_query("a")
        assert time.monotonic() - begun < 1.5
        embedder.close()


# ---- the scripted server's own replies


def test_the_ready_made_replies_cite_what_stands_in_the_prompt() -> None:
    """The good model cites the first sentence's id; the traitor also cites ids that nobody gave it."""
    prompt = "Article 1: BBC\n[s2abcd] It reopened.\n[s3wxyz] It closed."
    request = {"messages": [{"role": "system", "content": "[s9rule] x"}, {"role": "user", "content": prompt}]}
    assert "".join(cite_first_sentence(request)) == "It reopened. [s2abcd]\n"
    assert "[s9zzzz]" in "".join(traitor(request))
    assert cite_first_sentence({"messages": []}) == ["NOT_IN", "_SOURCES"]


def test_a_model_is_asked_from_one_event_loop_after_the_other() -> None:
    """Connections belong to a loop: after those of one loop are closed, the model works from the next."""

    async def ask_and_close(chat: OpenAIChat) -> list[Piece]:
        pieces, error = await read(chat)
        await chat.aclose()
        assert error is None
        return pieces

    with ScriptedServer([Stream(["It ", "did."])]) as server:
        chat = OpenAIChat(settings(server.url))
        first, second = (asyncio.run(ask_and_close(chat)) for _ in range(2))
    assert first == second
    assert "".join(piece.text for piece in first if isinstance(piece, TextPiece)) == "It did."
