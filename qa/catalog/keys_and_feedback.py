"""API keys and feedback, which the catalog's database stores besides articles."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from qa.catalog.engine import reading, writing
from qa.catalog.tables import api_keys, feedback
from qa.errors import NotFound

_PREFIX = "nqa_"  # so that scanners for leaked secrets can find ours


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A stored API key: its digest, never its secret."""

    id: str
    name: str
    digest: bytes
    scopes: tuple[str, ...]
    created_at: str
    expires_at: str | None
    revoked_at: str | None

    def opens(self, now: datetime) -> bool:
        """Tell whether the key is valid at a moment."""
        expired = self.expires_at is not None and datetime.fromisoformat(self.expires_at) <= now
        return self.revoked_at is None and not expired


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's rating of an answer. `exchange` is the question and the answer, if the service still knew them."""

    number: int
    answer_id: str
    rating: int
    comment: str
    given_at: str
    exchange: dict[str, Any] | None


class Records:
    """Read and write keys and feedback. Safe to share between threads. Raises StoreFailed when the database fails."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_key(self, name: str, scopes: Sequence[str], expires_at: datetime | None) -> tuple[KeyRow, str]:
        """Create a key and return it with its secret, which is not stored and cannot be shown again."""
        secret = _PREFIX + secrets.token_urlsafe(32)
        row = KeyRow(
            secrets.token_hex(4),
            name,
            digest_of(secret.encode()),
            tuple(scopes),
            _now().isoformat(timespec="seconds"),
            expires_at.isoformat(timespec="seconds") if expires_at else None,
            None,
        )
        values = {name: getattr(row, name) for name in KeyRow.__slots__} | {"scopes": list(row.scopes)}
        with writing(self._engine) as connection:
            connection.execute(sa.insert(api_keys), values)
        return row, secret

    def keys(self) -> list[KeyRow]:
        """Return every key, including expired and revoked ones, oldest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
            return [KeyRow(**{**row._mapping, "scopes": tuple(row.scopes)}) for row in rows]

    def revoke_key(self, key_id: str) -> None:
        """Revoke a key. Raises NotFound."""
        statement = (
            sa.update(api_keys)
            .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=_now().isoformat(timespec="seconds"))
        )
        with writing(self._engine) as connection:
            if not connection.execute(statement).rowcount:
                raise NotFound(f"no key {key_id!r} that is not revoked; `qa keys list` shows them")

    def add_feedback(self, answer_id: str, rating: int, comment: str, exchange: dict[str, Any] | None) -> None:
        """Store a user's rating of an answer."""
        values = {
            "answer_id": answer_id,
            "rating": rating,
            "comment": comment,
            "given_at": _now().isoformat(timespec="seconds"),
            "exchange": exchange,
        }
        with writing(self._engine) as connection:
            connection.execute(sa.insert(feedback), values)

    def feedback(self, after: int = 0, limit: int = 1_000) -> list[Feedback]:
        """Return the feedback after the number `after`, in order."""
        query = sa.select(feedback).where(feedback.c.number > after).order_by(feedback.c.number).limit(limit)
        with reading(self._engine) as connection:
            return [Feedback(**row._mapping) for row in connection.execute(query)]


def digest_of(secret: bytes) -> bytes:
    """Return the stored digest of a secret. A secret of 256 random bits needs no slow hash."""
    return hashlib.sha256(secret).digest()


def _now() -> datetime:
    return datetime.now(UTC)
