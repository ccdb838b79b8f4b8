"""Failure handling for model servers: mapping exceptions to our errors, the retry policy, the circuit breaker."""

from __future__ import annotations

import time
from typing import Any

import anyio
import httpx2
import openai
from tenacity import RetryCallState, retry_if_exception
from tenacity.wait import wait_exponential_jitter

from qa.errors import BadSettings, ModelBroken, ModelFailed, ModelRefused, ModelUnavailable
from qa.llm.openai_stream import error_for_status
from qa.llm.protocols import ModelSettings

_OPENAI_URL = "https://api.openai.com/v1"
# Our error for each exception class, most specific first. HTTP statuses are mapped by error_for_status.
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
CAUGHT = tuple(kind for kind, _, _ in _FAULTS)


class UnknownParameter(ModelRefused):
    """The server does not know one of our parameters; the request can be repeated without it."""


class CircuitBreaker:
    """Stop calling a server for a while after it was unavailable several times in a row."""

    def __init__(self, failures: int, pause_s: float) -> None:
        self._limit, self._pause_s = failures, pause_s
        self._failures = 0
        self._open_until = 0.0

    def check(self, where: str) -> None:
        """Raise ModelUnavailable while the breaker is open; let one call through after the pause."""
        now = time.monotonic()
        if self._failures < self._limit:
            return
        if now < self._open_until:
            raise ModelUnavailable(f"{where} failed {self._failures} times in a row", self._open_until - now)
        self._open_until = now + self._pause_s  # half-open: this call goes through, and the others wait for its outcome

    def record(self, *, available: bool) -> None:
        """Record the outcome of a call."""
        self._failures = 0 if available else self._failures + 1
        self._open_until = time.monotonic() + self._pause_s


def translate(exc: Exception, where: str) -> ModelFailed:
    """Map a client library's exception to our error, whose text never contains the key, the prompt or the reply."""
    if isinstance(exc, openai.APIStatusError):
        return error_for_status(where, exc.status_code, exc.body, exc.response.headers, time.time())
    error, message = fault_of(type(exc))
    return error(f"{where} {message}")


def fault_of(kind: type[Exception]) -> tuple[type[ModelFailed], str]:
    """Return our error class for an exception class, and its message."""
    return next((error, message) for known, error, message in _FAULTS if issubclass(kind, known))


def retry_policy(settings: ModelSettings, deadline: float, calls: int | None = None) -> dict[str, Any]:
    """Return tenacity's arguments: few calls, only for errors that a retry may fix, and no wait past the deadline."""
    most = settings.calls if calls is None else min(calls, settings.calls)
    backoff = wait_exponential_jitter(multiplier=settings.backoff_s, max=2.0, jitter=settings.backoff_s)

    def wait(state: RetryCallState) -> float:
        exc = state.outcome.exception() if state.outcome else None
        retry_after_s = exc.retry_after_s if isinstance(exc, ModelUnavailable) else 0.0
        return backoff(state) if retry_after_s is None else retry_after_s

    def stop(state: RetryCallState) -> bool:
        return state.attempt_number >= most or time.monotonic() + state.upcoming_sleep >= deadline

    return {
        "stop": stop,
        "wait": wait,
        "retry": retry_if_exception(_is_worth_retrying),
        "reraise": True,
    }


def _is_worth_retrying(exc: BaseException) -> bool:
    # A host that drops packets has used up its connect timeout; two retries would take three times as long.
    timed_out = isinstance(exc.__cause__, openai.APITimeoutError | httpx2.TimeoutException)
    return isinstance(exc, UnknownParameter) or (isinstance(exc, ModelUnavailable) and not timed_out)


def address_of(base_url: str | None) -> tuple[str, str]:
    """Return the name of the server in messages, and its base URL. Raises BadSettings."""
    url = base_url or _OPENAI_URL
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as exc:
        raise BadSettings("the base URL of the model server cannot be read") from exc
    return f"model server {parsed.host}{f':{parsed.port}' if parsed.port else ''}", url


def forget_ambient_account(client: openai.OpenAI | openai.AsyncOpenAI, base_url: str | None) -> None:
    """Drop the account that openai reads from the environment: it would be sent to whatever server is configured."""
    if base_url is not None:
        client.organization = client.project = None
