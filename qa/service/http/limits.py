"""Rate limits and token budgets per caller. The only file that imports limits."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import Any, cast

from limits import RateLimitItem, parse_many
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from qa.errors import BadSettings
from qa.service.http.errors import LimitsAway, TooMany

_IN_MEMORY = "async+memory://"
_REDIS_TIMEOUT_S = 1.0  # short, because every answer waits for Redis first
_REDIS: dict[str, Any] = {
    "implementation": "redispy",
    "wrap_exceptions": True,
    "socket_connect_timeout": _REDIS_TIMEOUT_S,
    "socket_timeout": _REDIS_TIMEOUT_S,
}
_log = logging.getLogger(__name__)

# Set where the key is checked, read where questions and tokens are counted, both in the task of the same request.
caller: ContextVar[str] = ContextVar("caller", default="")


class Limits:
    """Count each caller's questions and tokens, in memory, or in Redis if several processes share the limits."""

    def __init__(self, rate: str | None, token_budget: str | None, redis_url: str | None) -> None:
        """Read limits such as `60/minute; 1000/day`. Raises BadSettings."""
        self._rates = _parse("QA_RATE_LIMIT", rate)
        self._budgets = _parse("QA_TOKEN_BUDGET", token_budget)
        try:
            # redis-py accepts all common Redis URL schemes; any other client would be one more dependency.
            self._storage = (
                storage_from_string("async+" + redis_url, **_REDIS) if redis_url else storage_from_string(_IN_MEMORY)
            )
        except (ConfigurationError, ValueError) as exc:
            raise BadSettings(f"QA_REDIS_URL: {exc}; install the extra `redis`, and say redis://HOST:PORT") from exc
        self._counts = MovingWindowRateLimiter(self._storage)
        self.shared = redis_url is not None

    async def take(self) -> None:
        """Count one question of the caller. Raises TooMany, and LimitsAway if Redis cannot be asked (fail closed)."""
        who = caller.get()
        try:
            for item in self._budgets:
                if not await self._counts.test(item, "tokens", who):
                    raise await self._refusal(item, "tokens", who)
            for item in self._rates:
                if not await self._counts.hit(item, "questions", who):
                    raise await self._refusal(item, "questions", who)
        except StorageError as exc:
            raise LimitsAway(f"Redis: {type(exc.storage_error).__name__}") from exc

    async def spend(self, tokens: int) -> None:
        """Count the tokens of an answer. The last answer may overdraw a budget: its cost is unknown beforehand."""
        who = caller.get()
        try:
            for item in self._budgets:
                left = (await self._counts.get_window_stats(item, "tokens", who)).remaining
                if tokens and left:
                    await self._counts.hit(item, "tokens", who, cost=min(tokens, left))
        except StorageError as exc:  # the answer is finished, so deliver it; the next question is refused
            _log.warning("%d tokens were not counted: Redis: %s", tokens, type(exc.storage_error).__name__)

    async def is_reachable(self) -> bool:
        """Tell whether the counter storage answers."""
        try:
            return bool(await cast("Awaitable[bool]", self._storage.check()))
        except StorageError:
            return False

    async def aclose(self) -> None:
        """Close the Redis connections, which belong to this event loop."""
        if isinstance(self._storage, RedisStorage):
            await cast("Any", self._storage.bridge).get_connection().aclose()

    async def _refusal(self, item: RateLimitItem, what: str, who: str) -> TooMany:
        stats = await self._counts.get_window_stats(item, what, who)
        wait_s = max(1, math.ceil(stats.reset_time - time.time()))
        return TooMany(f"{item.amount} {what} per {item.multiples} {item.GRANULARITY.name} are allowed", wait_s)


def _parse(name: str, value: str | None) -> list[RateLimitItem]:
    try:
        return parse_many(value) if value else []
    except ValueError as exc:
        raise BadSettings(f"{name}={value!r}: say `60/minute`, or several as `60/minute; 1000/day`") from exc
