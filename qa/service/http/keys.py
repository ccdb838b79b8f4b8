"""API keys, from the settings and from `qa keys`, and the scopes of each."""

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
_FRESH_S = 1.0  # how long keys from the catalog are cached; a revoked key works at most this long


@dataclass(frozen=True, slots=True)
class Key:
    """A key: its id for logs and limits, its digest and its scopes."""

    id: str
    digest: bytes
    scopes: frozenset[Scope]


class KeyRing:
    """All valid keys: those from the settings, and those from the catalog once it is open."""

    def __init__(self, configured: Sequence[str]) -> None:
        self._configured = read_keys(configured)
        self._records: Records | None = None
        self._from_catalog: tuple[Key, ...] = ()
        self._any_in_catalog = False
        self._read_at = -_FRESH_S

    def open(self, records: Records) -> None:
        """Also use the catalog's keys from now on."""
        self._records = records
        self.current()

    @property
    def is_empty(self) -> bool:
        """Tell whether no key was ever made, so the service is open. It does not reopen when the last key expires."""
        return not self._configured and not self._any_in_catalog

    @property
    def stale(self) -> bool:
        """Tell whether the next call of `current` reads the catalog."""
        return self._records is not None and time.monotonic() - self._read_at >= _FRESH_S

    def current(self) -> tuple[Key, ...]:
        """Return the keys that are valid now. Raises StoreFailed."""
        if self.stale and self._records is not None:
            rows = self._records.keys()
            now = datetime.now(UTC)
            self._from_catalog = tuple(_key(row) for row in rows if row.opens(now))
            self._any_in_catalog = bool(rows)
            self._read_at = time.monotonic()
        return self._configured + self._from_catalog


def _key(row: KeyRow) -> Key:
    scopes: frozenset[Scope] = frozenset()
    for name in row.scopes:
        scopes |= _SCOPES.get(name, frozenset())
    return Key(row.id, row.digest, scopes)


def read_keys(configured: Sequence[str]) -> tuple[Key, ...]:
    """Parse `QA_API_KEYS`: `SECRET` has both scopes, `ask:SECRET` and `admin:SECRET` have one. Raises BadSettings."""
    keys: list[Key] = []
    for number, entry in enumerate(configured, start=1):
        prefix, _, rest = entry.partition(":")
        secret, scopes = (rest, _SCOPES[prefix]) if prefix in _SCOPES and ":" in entry else (entry, _BOTH)
        if not secret:
            raise BadSettings(f"QA_API_KEYS: entry {number} is empty")
        keys.append(Key(f"configured-{number}", digest_of(secret.encode()), scopes))
    return tuple(keys)


def find_key(secret: str | None, keys: Sequence[Key]) -> Key | None:
    """Return the key with this secret, given as a header's Latin-1 text. Always compares with every key (timing)."""
    digest = digest_of((secret or "").encode("latin-1", "replace"))
    same = [key for key in keys if hmac.compare_digest(digest, key.digest)]
    return Key(same[0].id, digest, frozenset().union(*(key.scopes for key in same))) if same else None
