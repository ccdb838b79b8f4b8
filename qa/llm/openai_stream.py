"""Parse the replies of OpenAI-compatible servers: event streams, vectors, error codes. Pure; bytes in, values out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

from pydantic import BaseModel

from qa.errors import ModelBroken, ModelFailed, ModelRefused, ModelUnavailable
from qa.types import Usage

MAX_STREAM_BYTES = 16_000_000  # 40,000 characters in events of one character each are 10 MB
# A retry does not help: the account or the request has to change first.
_NOT_RETRYABLE = frozenset({
    "access_terminated", "account_deactivated", "billing_hard_limit_reached", "billing_not_active",
    "content_policy_violation", "context_length_exceeded", "insufficient_quota", "invalid_api_key",
    "invalid_request_error", "model_not_found",
})  # fmt: skip
_CODE = re.compile(r"[a-z_]{1,48}")  # no digit, no dash: a key that the server echoes must not get into our logs


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    index: int | None = 0
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0


class _Chunk(BaseModel):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None


class _Row(BaseModel):
    index: int
    embedding: list[float]


class _Vectors(BaseModel):
    data: list[_Row]


class ReplyStream:
    """Decode one streamed reply, however its bytes are split. Raises ValueError for invalid events."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self.usage = Usage()
        self.terminated = False
        self._bytes = 0
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[str]:
        """Take the next bytes and yield the texts they complete, including those before an invalid event."""
        self._bytes += len(data)
        if self._bytes > MAX_STREAM_BYTES:
            raise ModelBroken(f"the model server sent more than {MAX_STREAM_BYTES} bytes")
        # Not str.splitlines: it also splits at U+2028, which JSON may carry raw.
        *lines, rest = data.split(b"\n")
        if not lines:
            self._rest += rest
            return
        lines[0], self._rest = self._rest + lines[0], rest
        for line in lines:
            if text := self._line(line.removesuffix(b"\r")):
                yield text

    def end(self) -> None:
        """Note the end of the body. An event without its closing empty line is incomplete and does not count."""
        if self._rest.startswith(b"data:"):
            self._line(self._rest.removesuffix(b"\r"))

    def _line(self, line: bytes) -> str:
        if self.terminated:
            return ""
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self.terminated = self._data == [b"[DONE]"]
            return ""
        if line or not self._data:
            return ""  # a comment, or a field that we do not need
        payload, self._data = b"\n".join(self._data), []
        return self._event(payload)

    def _event(self, payload: bytes) -> str:
        chunk = _Chunk.model_validate_json(payload)
        if chunk.error:
            raise error_in_stream(chunk.error)
        if chunk.usage:
            self.usage = Usage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
        choice = next((choice for choice in chunk.choices or [] if not choice.index), None)
        if choice is None:
            return ""
        self.finish_reason = choice.finish_reason or self.finish_reason
        return (choice.delta.content if choice.delta else None) or ""


def read_vectors(body: bytes, count: int) -> list[list[float]]:
    """Return the vectors of an embeddings reply in the order of the inputs. Raises ValueError."""
    rows = _Vectors.model_validate_json(body).data
    if sorted(row.index for row in rows) != list(range(count)):
        raise ValueError(f"{len(rows)} vectors for {count} texts, or not one for each")
    return [row.embedding for row in sorted(rows, key=lambda row: row.index)]


def error_in_stream(error: object) -> ModelFailed:
    """Return our error for an error object that the server put into its stream."""
    codes = codes_of(error)
    message = f"the model server broke off with an error{_named(codes)}"
    return ModelRefused(message) if _NOT_RETRYABLE & set(codes) else ModelUnavailable(message)


def error_for_status(where: str, status: int, body: object, headers: Mapping[str, str], now: float) -> ModelFailed:
    """Return our error for an HTTP status: with the status, known codes and the waiting time, never the body's text."""
    codes = codes_of(body)
    message = f"{where} answered HTTP {status}{_named(codes)}"
    if status in (408, 409, 425, 429) or status >= 500:
        if _NOT_RETRYABLE & set(codes):
            return ModelRefused(message)
        return ModelUnavailable(message, retry_after_s(headers, now))
    hints = {401: "check the key", 403: "check the key's rights", 404: "check the base URL and the model's name"}
    hint = hints.get(status, "the base URL points at a redirect" if status < 400 else "")
    return ModelRefused(f"{message}: {hint}" if hint else message)


def codes_of(error: object) -> tuple[str, ...]:
    """Return an error object's `code` and `type`, if they are plain words."""
    if not isinstance(error, Mapping):
        return ()
    inner = error.get("error")
    fields = inner if isinstance(inner, Mapping) else error
    values = (fields.get("code"), fields.get("type"))
    return tuple(dict.fromkeys(code for code in values if isinstance(code, str) and _CODE.fullmatch(code)))


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds the server asks to wait; None if it does not say or the value is invalid."""
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after")
    if milliseconds is not None and (wait := _seconds(milliseconds)) is not None:
        return wait / 1000
    if value is None:
        return None
    if (wait := _seconds(value)) is not None:
        return wait
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _seconds(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _named(codes: tuple[str, ...]) -> str:
    return f" ({', '.join(codes)})" if codes else ""
