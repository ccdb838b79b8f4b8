"""API keys: what is configured, what was made by `qa keys`, and what a secret opens."""

from __future__ import annotations

import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from qa.catalog.keys_and_feedback import KeyRow, Records, digest_of
from qa.errors import BadSettings

Scope = Literal["ask", "admin"]
_BOTH: frozenset[Scope] = frozenset({"ask", "admin"})
_SCOPES: dict[str, frozenset[Scope]] = {"ask": frozenset({"ask"}), "admin": frozenset({"admin"})}
_FRESH_S = 1.0  # how long the keys of the catalog are believed; a revoked key works no longer than that


@dataclass(frozen=True, slots=True)
class Key:
    """A key's name in logs and limits, its digest and what it opens."""

    id: str
    digest: bytes
    scopes: frozenset[Scope]


class KeyRing:
    """Every key that is good now: those of the settings, and those of the catalog once it is open."""

    def __init__(self, configured: Sequence[str]) -> None:
        self._configured = read_keys(configured)
        self._records: Records | None = None
        self._kept: tuple[Key, ...] = ()
        self._any_kept = False
        self._read_at = -_FRESH_S

    def open(self, records: Records) -> None:
        """Look into the catalog too, from now on."""
        self._records = records
        self.current()

    @property
    def is_empty(self) -> bool:
        """Tell whether there has never been a key: the service is open. A key that expired does not open it again."""
        return not self._configured and not self._any_kept

    @property
    def stale(self) -> bool:
        """Tell whether `current` will read the catalog."""
        return self._records is not None and time.monotonic() - self._read_at >= _FRESH_S

    def current(self) -> tuple[Key, ...]:
        """Return the keys that are good now. Raises StoreFailed."""
        if self.stale and self._records is not None:
            rows = self._records.keys()
            now = datetime.now(UTC)
            self._kept = tuple(_key(row) for row in rows if row.opens(now))
            self._any_kept = bool(rows)
            self._read_at = time.monotonic()
        return self._configured + self._kept


def _key(row: KeyRow) -> Key:
    scopes: frozenset[Scope] = frozenset()
    for name in row.scopes:
        scopes |= _SCOPES.get(name, frozenset())
    return Key(row.id, row.digest, scopes)


def read_keys(configured: Sequence[str]) -> tuple[Key, ...]:
    """Read `QA_API_KEYS`: `SECRET` opens everything, `ask:SECRET` and `admin:SECRET` one scope. Raises BadSettings."""
    keys: list[Key] = []
    for place, one in enumerate(configured, start=1):
        prefix, _, rest = one.partition(":")
        secret, scopes = (rest, _SCOPES[prefix]) if prefix in _SCOPES and ":" in one else (one, _BOTH)
        if not secret:
            raise BadSettings(f"QA_API_KEYS: entry {place} is empty")
        keys.append(Key(f"configured-{place}", digest_of(secret.encode()), scopes))
    return tuple(keys)


def find_key(secret: str | None, keys: Sequence[Key]) -> Key | None:
    """Return the key with a secret; a header brings its bytes as Latin-1. Every key is compared, always."""
    digest = digest_of((secret or "").encode("latin-1", "replace"))
    same = [key for key in keys if hmac.compare_digest(digest, key.digest)]
    return Key(same[0].id, digest, frozenset().union(*(key.scopes for key in same))) if same else None
