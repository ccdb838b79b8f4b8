"""Tell a store that has no room left from one that fails otherwise. Pure.

Each library says it in its own way: an error number, SQLite's name of the error, or only words.
"""

from __future__ import annotations

import errno

from qa.errors import StoreFailed, StoreFull

_NUMBERS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# A write that the system refuses for another reason than a full disk has a name of its own.
_NAMES = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}
_WORDS = ("no space left", "file too large", "disk is full", "disk quota", "os error 27", "os error 28")


def store_failed(message: str, cause: BaseException) -> StoreFailed:
    """Return what to raise for a vendor's error: StoreFull where there is no room, StoreFailed otherwise."""
    return StoreFull(message) if _is_full(cause) else StoreFailed(message)


def _is_full(cause: BaseException) -> bool:
    original = getattr(cause, "orig", None) or cause  # SQLAlchemy wraps the driver's
    if getattr(original, "errno", None) in _NUMBERS or getattr(original, "sqlite_errorname", None) in _NAMES:
        return True
    said = str(original).lower()
    return any(words in said for words in _WORDS)
