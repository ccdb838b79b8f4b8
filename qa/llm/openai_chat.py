"""Client for chat models behind OpenAI-compatible servers: streaming, with one retry layer and one total deadline.

A reply ends in exactly one way: with an EndPiece or with an error.
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
from weakref import WeakKeyDictionary

import httpx2
import openai
from tenacity import AsyncRetrying

from qa import tracing
from qa.errors import ModelBroken, ModelFailed, ModelRefused, ModelUnavailable, ModelUnusable
from qa.llm.openai_faults import (
    CAUGHT,
    CircuitBreaker,
    UnknownParameter,
    address_of,
    forget_ambient_account,
    retry_policy,
    translate,
)
from qa.llm.openai_stream import ReplyStream
from qa.llm.protocols import EndPiece, Message, ModelSettings, Piece, TextPiece

_log = logging.getLogger(__name__)
_USAGE_TIMEOUT_S = 2.0  # after the stop reason only the usage and the end mark follow: not worth a long wait
_GATHER_S = 0.25  # pause that lets words of a slow stream accumulate
_NO_WAIT_S = 0.002  # a read that takes no longer found its bytes buffered
# Parameters passed on from a relayed request: not the model, not whether to stream or to store.
_RELAYED = ("messages", "response_format", "tools", "tool_choice", "temperature", "top_p", "max_tokens", "stop", "seed")


class OpenAIChat:
    """A chat model behind an OpenAI-compatible server: OpenAI, vLLM, Ollama, llama.cpp and many others."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._where, self._url = address_of(settings.base_url)
        # Connections belong to the event loop that opened them, and a caller may have several: `Library.ask` runs one
        # for each question.
        self._tls = httpx2.create_ssl_context()  # takes 50 ms: once, and not on an event loop
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI] = WeakKeyDictionary()
        self._breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_pause_s)
        self._unknown_parameters: set[str] = set()
        self.trouble: str | None = None  # why the latest call failed, if the server refused it or was away

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self._settings.model

    @property
    def _client(self) -> openai.AsyncOpenAI:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            client = self._clients[loop] = openai.AsyncOpenAI(
                base_url=self._url,
                api_key=self._settings.api_key or "none",  # servers without keys ignore it
                max_retries=0,
                http_client=openai.DefaultAsyncHttpxClient(
                    verify=self._tls,
                    timeout=httpx2.Timeout(None, connect=self._settings.connect_timeout_s),
                    follow_redirects=False,  # a redirect would send the prompt to a host that nobody configured
                ),
            )
            forget_ambient_account(client, self._settings.base_url)
        return self._clients[loop]

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        deadline: float,
        max_tokens: int,
        temperature: float = 0.0,
        calls: int | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of the reply, see ChatModel."""
        self._breaker.check(self._where)
        prompt = [{"role": message.role, "content": message.content} for message in messages]
        body = {"messages": prompt, "max_tokens": max_tokens, "temperature": temperature}
        try:
            first, pieces = await self._begin(body, deadline, calls)
            async with aclosing(pieces):
                yield first
                async for piece in pieces:
                    yield piece
        except ModelFailed as exc:
            self._note(exc)
            raise
        self._note(None)

    async def relay(self, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Relay a chat request unchanged except for its model, and return the whole reply. Raises ModelFailed."""
        self._breaker.check(self._where)
        parameters = {name: body[name] for name in _RELAYED if body.get(name) is not None}
        deadline = time.monotonic() + timeout_s
        reply: dict[str, Any] = {}
        try:
            async for attempt in AsyncRetrying(**retry_policy(self._settings, deadline), sleep=asyncio.sleep):
                with attempt:
                    reply = await self._relay_once(parameters, deadline)
        except ModelFailed as exc:
            self._note(exc)
            raise
        self._note(None)
        return reply

    def _note(self, failure: ModelFailed | None) -> None:
        """Remember how the latest call ended."""
        self._breaker.record(available=not isinstance(failure, ModelUnavailable))
        self.trouble = str(failure) if isinstance(failure, ModelRefused | ModelUnavailable) else None
        if failure is not None:
            _log.warning("%s", failure)

    async def _relay_once(self, parameters: dict[str, Any], deadline: float) -> dict[str, Any]:
        body = self._without_unknown({"model": self._settings.model, **parameters})
        try:
            with tracing.call("model", model=self._settings.model) as headers:
                async with asyncio.timeout(deadline - time.monotonic()):
                    response = await self._client.post(
                        "/chat/completions", body=body, cast_to=httpx2.Response, options={"headers": headers}
                    )
            reply = json.loads(response.content)
        except CAUGHT as exc:
            raise self._our_error(exc, begun=False) from exc
        if not isinstance(reply, dict) or not reply.get("choices"):
            raise ModelBroken(f"{self._where} answered with no choice")
        return reply

    async def _begin(
        self, body: dict[str, Any], deadline: float, calls: int | None
    ) -> tuple[Piece, AsyncGenerator[Piece, None]]:
        """Retry until the first piece arrives, but not after it: the caller would get the first words twice."""
        async for attempt in AsyncRetrying(**retry_policy(self._settings, deadline, calls), sleep=asyncio.sleep):
            with attempt:
                pieces = self._read(body, deadline)
                return await anext(pieces), pieces
        raise AssertionError("tenacity ends with a result or an error")

    async def _read(self, body: dict[str, Any], deadline: float) -> AsyncGenerator[Piece, None]:
        """Send a request and yield the pieces. Each wait has its own timer: one around a yield would hit the caller."""
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
                    began = time.monotonic()
                    async with asyncio.timeout(until - began):
                        data = await anext(chunks, None)
                    waited = time.monotonic() - began > _NO_WAIT_S
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
                        until = min(until, time.monotonic() + _USAGE_TIMEOUT_S)
                    elif waited:  # the buffer is empty: let words accumulate, since waking up for each is expensive
                        await asyncio.sleep(min(_GATHER_S, max(0.0, until - time.monotonic())))
        except CAUGHT as exc:
            if reply.finish_reason is None:
                raise self._our_error(exc, begun=chars > 0) from exc
        if reply.finish_reason is None:
            raise ModelBroken(f"{self._where} ended without a finish reason ({kind})")
        if reply.finish_reason == "stop" and not chars:
            raise ModelUnusable(f"{self._where} finished without a word")
        yield EndPiece(reply.finish_reason, reply.usage, reply.terminated)

    def _ask(self, body: dict[str, Any], headers: dict[str, str]) -> Any:
        parameters = {"model": self._settings.model, "stream_options": {"include_usage": True}, **body}
        return self._client.chat.completions.with_streaming_response.create(
            stream=True, extra_headers=headers, **self._without_unknown(parameters)
        )

    def _without_unknown(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters that this server accepts."""
        if "max_tokens" in self._unknown_parameters and "max_tokens" in parameters:
            parameters = {"max_completion_tokens": parameters["max_tokens"], **parameters}
        return {name: value for name, value in parameters.items() if name not in self._unknown_parameters}

    def _our_error(self, exc: Exception, *, begun: bool) -> ModelFailed:
        if isinstance(exc, openai.APIStatusError):
            name = _refused_parameter(exc)
            if name and name not in self._unknown_parameters:
                self._unknown_parameters.add(name)  # reasoning models refuse the first two, old servers the third
                return UnknownParameter(f"{self._where} does not take the parameter {name}")
        failed = translate(exc, self._where)
        if begun and isinstance(failed, ModelUnavailable) and not isinstance(exc, TimeoutError):
            return ModelBroken(f"{self._where} ended without a finish reason: it broke off")
        return failed


def _refused_parameter(exc: openai.APIStatusError) -> str:
    """Return the parameter of ours that the server does not take, or an empty string."""
    if exc.code in ("unsupported_parameter", "unsupported_value"):
        return exc.param if exc.param in ("max_tokens", "temperature", "stream_options") else ""
    # Anthropic's endpoint names it in words only: "`temperature` is deprecated for this model". Messages about a prompt
    # that is too long name max_tokens too, so that one is not read from them.
    words = str(exc.body.get("message")) if exc.status_code in (400, 422) and isinstance(exc.body, Mapping) else ""
    return next((name for name in ("temperature", "stream_options") if name in words), "")


def _media_type(value: str) -> str:
    found = re.match(r"[a-z]{1,20}/[a-z0-9.+-]{1,40}", value)
    return found.group() if found else "no content type"
