"""API keys: what is configured, and what a secret opens. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qa.errors import BadSettings

Scope = Literal["ask", "admin"]
_BOTH: frozenset[Scope] = frozenset({"ask", "admin"})
_SCOPES: dict[str, frozenset[Scope]] = {"ask": frozenset({"ask"}), "admin": frozenset({"admin"})}


@dataclass(frozen=True, slots=True)
class Key:
    """A key's digest and what it opens."""

    digest: bytes
    scopes: frozenset[Scope]


def read_keys(configured: Sequence[str]) -> tuple[Key, ...]:
    """Read `QA_API_KEYS`: `SECRET` opens everything, `ask:SECRET` and `admin:SECRET` one scope. Raises BadSettings."""
    keys: list[Key] = []
    for place, one in enumerate(configured, start=1):
        prefix, _, rest = one.partition(":")
        secret, scopes = (rest, _SCOPES[prefix]) if prefix in _SCOPES and ":" in one else (one, _BOTH)
        if not secret:
            raise BadSettings(f"QA_API_KEYS: entry {place} is empty")
        keys.append(Key(_digest(secret.encode()), scopes))
    return tuple(keys)


def scopes_of(secret: str | None, keys: Sequence[Key]) -> frozenset[Scope]:
    """Return what a secret opens; a header brings its bytes as Latin-1. Every key is compared, always."""
    digest = _digest((secret or "").encode("latin-1", "replace"))
    opened: frozenset[Scope] = frozenset()
    for key in keys:
        if hmac.compare_digest(digest, key.digest):
            opened |= key.scopes
    return opened


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
