"""Talk to a model server: chat and embeddings over the OpenAI protocol. The only file that imports openai.

One retry layer (this one), one total deadline, one terminal state: an EndPiece or an error.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

import anyio
import httpx2
import numpy as np
import openai
from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception
from tenacity.wait import wait_exponential_jitter

from qa import tracing
from qa.errors import BadSettings, EmbeddingFailed, ModelBroken, ModelFailed, ModelRefused, ModelUnavailable
from qa.llm.openai_stream import ReplyStream, error_for_status, read_vectors
from qa.llm.protocols import ChatModel, EndPiece, Message, ModelSettings, Piece, TextPiece
from qa.types import Vectors

__all__ = [
    "ChatModel",
    "EmbeddingServer",
    "EndPiece",
    "Message",
    "ModelSettings",
    "OpenAIChat",
    "Piece",
    "TextPiece",
    "translate",
]

_log = logging.getLogger(__name__)
_OPENAI_URL = "https://api.openai.com/v1"
_LAST_WORDS_S = 2.0  # after the stop reason only the usage and the end mark are missing: not worth a long wait
_GATHER_S = 0.25
_AT_ONCE_S = 0.002
_BATCH = 64
# What a relayed request may say: not the model, not whether to stream or to store.
_RELAYED = ("messages", "response_format", "tools", "tool_choice", "temperature", "top_p", "max_tokens", "stop", "seed")
_MAX_VECTOR_BYTES = 64_000_000

# What each fault means, most specific first. HTTP statuses are read by error_for_status.
_FAULTS: tuple[tuple[type[Exception], type[ModelFailed], str], ...] = (
    (TimeoutError, ModelUnavailable, "gave no full answer before the deadline"),
    (openai.APITimeoutError, ModelUnavailable, "did not answer in time"),
    (openai.APIConnectionError, ModelUnavailable, "could not be reached"),
    (openai.APIResponseValidationError, ModelBroken, "answered with something else than was asked for"),
    (openai.LengthFinishReasonError, ModelBroken, "stopped at its length limit"),
    (openai.ContentFilterFinishReasonError, ModelBroken, "stopped at its content filter"),
    (openai.WebSocketConnectionClosedError, ModelUnavailable, "closed the connection"),
    (openai.WebSocketQueueFullError, ModelUnavailable, "does not take more input"),
    (openai.APIError, ModelUnavailable, "answered with an error"),
    (openai.OpenAIError, ModelRefused, "cannot be asked with these settings"),
    (httpx2.TimeoutException, ModelUnavailable, "did not answer in time"),
    (httpx2.UnsupportedProtocol, ModelRefused, "has a base URL that is not http or https"),
    (httpx2.TooManyRedirects, ModelRefused, "redirects in circles"),
    (httpx2.DecodingError, ModelBroken, "sent a body that cannot be decompressed"),
    (httpx2.HTTPError, ModelUnavailable, "broke the connection"),
    (httpx2.InvalidURL, ModelRefused, "has a base URL that cannot be read"),
    (httpx2.CookieConflict, ModelBroken, "sent cookies that contradict each other"),
    (httpx2.StreamError, ModelBroken, "was read twice"),
    (anyio.EndOfStream, ModelUnavailable, "broke the connection"),
    (UnicodeEncodeError, ModelRefused, "cannot be sent lone surrogates"),
    (ValueError, ModelBroken, "answered with something that cannot be read"),
    (OSError, ModelUnavailable, "could not be reached"),
)
_CAUGHT = tuple(kind for kind, _, _ in _FAULTS)


class _Misspoken(ModelRefused):
    """The server does not know one of our parameters, and can be asked without it."""


class _Breaker:
    """Stop asking for a while once a server was unavailable several times in a row."""

    def __init__(self, failures: int, pause_s: float) -> None:
        self._limit, self._pause_s = failures, pause_s
        self._failures = 0
        self._closed_until = 0.0

    def check(self, where: str) -> None:
        now = time.monotonic()
        if self._failures < self._limit:
            return
        if now < self._closed_until:
            raise ModelUnavailable(f"{where} failed {self._failures} times in a row", self._closed_until - now)
        self._closed_until = now + self._pause_s  # let one question through; the others wait for what becomes of it

    def note(self, *, available: bool) -> None:
        self._failures = 0 if available else self._failures + 1
        self._closed_until = time.monotonic() + self._pause_s


class OpenAIChat:
    """A chat model behind an OpenAI-compatible server: OpenAI, vLLM, Ollama, llama.cpp and many others."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._where, url = _address(settings.base_url)
        self._client = openai.AsyncOpenAI(
            base_url=url,
            api_key=settings.api_key or "none",  # servers without keys ignore it
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(
                timeout=httpx2.Timeout(None, connect=settings.connect_timeout_s),
                follow_redirects=False,  # a redirect would carry the prompt to a host that nobody configured
            ),
        )
        _forget_ambient_account(self._client, settings.base_url)
        self._breaker = _Breaker(settings.breaker_failures, settings.breaker_pause_s)
        self._unknown_parameters: set[str] = set()

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self._settings.model

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        deadline: float,
        max_tokens: int,
        temperature: float = 0.0,
        calls: int | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces: see ChatModel."""
        self._breaker.check(self._where)
        asked = [{"role": message.role, "content": message.content} for message in messages]
        body = {"messages": asked, "max_tokens": max_tokens, "temperature": temperature}
        try:
            first, pieces = await self._begin(body, deadline, calls)
            async with aclosing(pieces):
                yield first
                async for piece in pieces:
                    yield piece
        except ModelFailed as exc:
            self._breaker.note(available=not isinstance(exc, ModelUnavailable))
            _log.warning("%s", exc)
            raise
        self._breaker.note(available=True)

    async def relay(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Pass a chat request on as it came, but for its model, and return the reply whole. Raises ModelFailed."""
        self._breaker.check(self._where)
        asked = {name: body[name] for name in _RELAYED if body.get(name) is not None}
        deadline = time.monotonic() + timeout_s
        reply: dict[str, Any] = {}
        try:
            async for attempt in AsyncRetrying(**_patience(self._settings, deadline), sleep=asyncio.sleep):
                with attempt:
                    reply = await self._relay_once(asked, deadline)
        except ModelFailed as exc:
            self._breaker.note(available=not isinstance(exc, ModelUnavailable))
            _log.warning("%s", exc)
            raise
        self._breaker.note(available=True)
        return reply

    async def _relay_once(self, asked: dict[str, Any], deadline: float) -> dict[str, Any]:
        body = self._spoken({"model": self._settings.model, **asked})
        try:
            with tracing.call("model", model=self._settings.model) as headers:
                async with asyncio.timeout(deadline - time.monotonic()):
                    response = await self._client.post(
                        "/chat/completions", body=body, cast_to=httpx2.Response, options={"headers": headers}
                    )
            reply = json.loads(response.content)
        except _CAUGHT as exc:
            raise self._failed(exc, begun=False) from exc
        if not isinstance(reply, dict) or not reply.get("choices"):
            raise ModelBroken(f"{self._where} answered with no choice")
        return reply

    async def _begin(
        self, body: dict[str, Any], deadline: float, calls: int | None
    ) -> tuple[Piece, AsyncGenerator[Piece, None]]:
        """Ask until the first piece is there: once a word was passed on, asking again would say it twice."""
        async for attempt in AsyncRetrying(**_patience(self._settings, deadline, calls), sleep=asyncio.sleep):
            with attempt:
                pieces = self._read(body, deadline)
                return await anext(pieces), pieces
        raise AssertionError("tenacity ends with a result or an error")

    async def _read(self, body: dict[str, Any], deadline: float) -> AsyncGenerator[Piece, None]:
        """Ask once and yield the pieces. Every wait has its own timer: one around a yield would hit our caller."""
        reply, chars, kind = ReplyStream(), 0, ""
        until = deadline
        try:
            async with AsyncExitStack() as stack:
                headers = stack.enter_context(tracing.call("model", model=self._settings.model))
                async with asyncio.timeout(until - time.monotonic()):
                    response = await stack.enter_async_context(self._ask(body, headers))
                kind = _media_type(response.headers.get("content-type", ""))
                chunks = await stack.enter_async_context(
                    aclosing(cast("AsyncGenerator[bytes, None]", response.iter_bytes()))
                )
                while not reply.terminated:
                    asked = time.monotonic()
                    async with asyncio.timeout(until - asked):
                        data = await anext(chunks, None)
                    waited = time.monotonic() - asked > _AT_ONCE_S
                    if data is None:
                        reply.end()
                        break
                    for text in reply.feed(data):
                        room = self._settings.reply_chars - chars
                        chars += len(text)
                        if room > 0:
                            yield TextPiece(text[:room])
                        if len(text) > room:
                            raise ModelBroken(f"{self._where} wrote more than {self._settings.reply_chars} characters")
                    if reply.finish_reason:
                        until = min(until, time.monotonic() + _LAST_WORDS_S)
                    elif waited:  # all that was written is read: let some words gather, waking up for each is dear
                        await asyncio.sleep(min(_GATHER_S, max(0.0, until - time.monotonic())))
        except _CAUGHT as exc:
            if reply.finish_reason is None:
                raise self._failed(exc, begun=chars > 0) from exc
        if reply.finish_reason is None:
            raise ModelBroken(f"{self._where} ended without a finish reason ({kind})")
        if reply.finish_reason == "stop" and not chars:
            raise ModelBroken(f"{self._where} finished without a word")
        yield EndPiece(reply.finish_reason, reply.usage, reply.terminated)

    def _ask(self, body: dict[str, Any], headers: dict[str, str]) -> Any:
        asked = {"model": self._settings.model, "stream_options": {"include_usage": True}, **body}
        return self._client.chat.completions.with_streaming_response.create(
            stream=True, extra_headers=headers, **self._spoken(asked)
        )

    def _spoken(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters that this server takes."""
        if "max_tokens" in self._unknown_parameters and "max_tokens" in asked:
            asked = {"max_completion_tokens": asked["max_tokens"], **asked}
        return {name: value for name, value in asked.items() if name not in self._unknown_parameters}

    def _failed(self, exc: Exception, *, begun: bool) -> ModelFailed:
        if isinstance(exc, openai.APIStatusError) and exc.code in ("unsupported_parameter", "unsupported_value"):
            name = exc.param or ""
            if name in ("max_tokens", "temperature", "stream_options") and name not in self._unknown_parameters:
                self._unknown_parameters.add(name)  # reasoning models refuse the first two, old servers the third
                return _Misspoken(f"{self._where} does not take the parameter {name}")
        failed = translate(exc, self._where)
        if begun and isinstance(failed, ModelUnavailable) and not isinstance(exc, TimeoutError):
            return ModelBroken(f"{self._where} ended without a finish reason: it broke off")
        return failed


class EmbeddingServer:
    """An Embedder behind an OpenAI-compatible embeddings endpoint."""

    def __init__(self, settings: ModelSettings, timeout_s: float = 60.0) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._where, url = _address(settings.base_url)
        self._client = openai.OpenAI(
            base_url=url,
            api_key=settings.api_key or "none",
            max_retries=0,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )
        _forget_ambient_account(self._client, settings.base_url)
        self._dimension: int | None = None

    @property
    def model(self) -> str:
        """Name the model; vectors are stored under it."""
        return f"openai:{self._settings.model}"

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text, shape (n, dimension), float32, unit length. Raises EmbeddingFailed."""
        blank = next((place for place, text in enumerate(texts) if not text.strip()), None)
        if blank is not None:
            raise EmbeddingFailed(f"text {blank} of {len(texts)} is blank")
        batches = [self._batch(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(batches) if batches else np.zeros((0, self._dimension or 0), np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query, shape (dimension,). Raises EmbeddingFailed."""
        vector: Vectors = self.embed_texts([text])[0]
        return vector

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _batch(self, texts: Sequence[str]) -> Vectors:
        deadline = time.monotonic() + self._timeout_s
        try:
            for attempt in Retrying(**_patience(self._settings, deadline), sleep=time.sleep):
                with attempt:
                    rows = self._fetch(texts, deadline)
        except ModelFailed as exc:
            raise EmbeddingFailed(str(exc)) from exc
        return self._checked(rows, len(texts))

    def _fetch(self, texts: Sequence[str], deadline: float) -> list[list[float]]:
        left = max(0.01, deadline - time.monotonic())
        timeout = httpx2.Timeout(left, connect=min(left, self._settings.connect_timeout_s))
        body = bytearray()
        try:
            with self._client.embeddings.with_streaming_response.create(
                model=self._settings.model, input=list(texts), encoding_format="float", timeout=timeout
            ) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MAX_VECTOR_BYTES:
                        raise ModelBroken(f"{self._where} sent more than {_MAX_VECTOR_BYTES} bytes")
                    if time.monotonic() > deadline:  # the read timeout alone lets a trickle go on for ever
                        raise TimeoutError
            return read_vectors(bytes(body), len(texts))
        except _CAUGHT as exc:
            raise translate(exc, self._where) from exc

    def _checked(self, rows: list[list[float]], count: int) -> Vectors:
        sizes = {len(row) for row in rows}
        wanted = self._dimension or next(iter(sizes), 0)
        if sizes != {wanted} or wanted == 0:
            raise EmbeddingFailed(f"{self._where} sent vectors of {sorted(sizes)} numbers, wanted {wanted or 'some'}")
        vectors = np.asarray(rows, dtype=np.float64).reshape(count, wanted)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not (lengths > 0).all():
            raise EmbeddingFailed(f"{self._where} sent a vector that is not finite, or all zero")
        self._dimension = wanted
        unit: Vectors = (vectors / lengths).astype(np.float32)
        return unit


def translate(exc: Exception, where: str) -> ModelFailed:
    """Return our error for a client library's. Its text never holds the key, the prompt or the server's words."""
    if isinstance(exc, openai.APIStatusError):
        return error_for_status(where, exc.status_code, exc.body, exc.response.headers, time.time())
    meaning, said = fault_of(type(exc))
    return meaning(f"{where} {said}")


def fault_of(kind: type[Exception]) -> tuple[type[ModelFailed], str]:
    """Return what an exception class means."""
    return next((meaning, said) for known, meaning, said in _FAULTS if issubclass(kind, known))


def _patience(settings: ModelSettings, deadline: float, calls: int | None = None) -> dict[str, Any]:
    """Return tenacity's terms: few calls, only where asking again may help, never a wait past the deadline."""
    most = settings.calls if calls is None else min(calls, settings.calls)
    backoff = wait_exponential_jitter(multiplier=settings.backoff_s, max=2.0, jitter=settings.backoff_s)

    def wait(state: RetryCallState) -> float:
        exc = state.outcome.exception() if state.outcome else None
        asked = exc.retry_after_s if isinstance(exc, ModelUnavailable) else 0.0
        return backoff(state) if asked is None else asked

    def stop(state: RetryCallState) -> bool:
        return state.attempt_number >= most or time.monotonic() + state.upcoming_sleep >= deadline

    return {
        "stop": stop,
        "wait": wait,
        "retry": retry_if_exception(_worth_asking_again),
        "reraise": True,
    }


def _worth_asking_again(exc: BaseException) -> bool:
    # A host that swallows packets has used up its connect timeout; twice more would be three times as long.
    swallowed = isinstance(exc.__cause__, openai.APITimeoutError | httpx2.TimeoutException)
    return isinstance(exc, _Misspoken) or (isinstance(exc, ModelUnavailable) and not swallowed)


def _media_type(value: str) -> str:
    found = re.match(r"[a-z]{1,20}/[a-z0-9.+-]{1,40}", value)
    return found.group() if found else "no content type"


def _address(base_url: str | None) -> tuple[str, str]:
    url = base_url or _OPENAI_URL
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as exc:
        raise BadSettings("the base URL of the model server cannot be read") from exc
    return f"model server {parsed.host}{f':{parsed.port}' if parsed.port else ''}", url


def _forget_ambient_account(client: openai.OpenAI | openai.AsyncOpenAI, base_url: str | None) -> None:
    # openai reads these from the environment and would send them to whatever server we configured.
    if base_url is not None:
        client.organization = client.project = None
