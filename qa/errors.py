"""Every error of the project.

QaError
├── BadSettings          an unknown or impossible setting
├── BadInput             what the caller sent cannot be used
│   ├── BadArticle       one article of an ingest
│   └── BadQuestion      a question, its filters or its dates
├── NotFound             no such article, version or collection
├── Locked               another process owns the data directory
├── Closed               the library was closed
├── StoreFailed          the catalog or an index failed or is away
│   └── StoreFull        there is no room left to write
├── EmbeddingFailed      the embedder failed or answered nonsense
└── ModelFailed          the model server
    ├── ModelRefused     it will never say yes to this: key, quota, unknown model, bad request
    ├── ModelUnavailable it may say yes later: network, overload, 5xx
    └── ModelBroken      it answered, and the answer cannot be read
"""

from __future__ import annotations

import errno

# How each library reports a full disk: an error number, SQLite's name for the error, or only words.
_DISK_FULL_NUMBERS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# When the system refuses a write for another reason than a full disk, SQLite gives it a name of its own.
_DISK_FULL_NAMES = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}
_DISK_FULL_WORDS = ("no space left", "file too large", "disk is full", "disk quota", "os error 27", "os error 28")


class QaError(Exception):
    """The root: everything we raise on purpose."""


class BadSettings(QaError):
    """A setting is unknown or impossible."""


class BadInput(QaError):
    """What the caller sent cannot be used; `param` names the field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class BadArticle(BadInput):
    """One article of an ingest cannot be taken."""


class BadQuestion(BadInput):
    """A question, its filters or its dates cannot be used."""


class NotFound(QaError):
    """There is no such article, version or collection."""


class Locked(QaError):
    """Another process owns the data directory; `url` is where it serves, if it does."""

    def __init__(self, message: str, url: str | None = None) -> None:
        super().__init__(message)
        self.url = url


class Closed(QaError):
    """The library was closed: neither it nor what it handed out answers any more."""


class StoreFailed(QaError):
    """The catalog or an index failed or is away."""


class StoreFull(StoreFailed):
    """There is no room left to write; what is there can be read."""


class EmbeddingFailed(QaError):
    """The embedder failed, or answered with the wrong number, size or kind of vectors."""


class ModelFailed(QaError):
    """The model server did not give a usable answer; `retryable` says whether asking again may help."""

    retryable = False


class ModelRefused(ModelFailed):
    """The server will not serve this: key, quota, unknown model or bad request."""


class ModelUnavailable(ModelFailed):
    """The server cannot be reached, is overloaded or failed; `retry_after_s` is what it asked for."""

    retryable = True

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelBroken(ModelFailed):
    """The server answered and the answer cannot be read."""


def store_failed(message: str, cause: BaseException) -> StoreFailed:
    """Return what to raise for a vendor's error: StoreFull where the disk is full, StoreFailed otherwise."""
    return StoreFull(message) if is_disk_full(cause) else StoreFailed(message)


def is_disk_full(cause: BaseException) -> bool:
    """Tell whether a vendor's error says that there is no room left to write."""
    original = getattr(cause, "orig", None) or cause  # SQLAlchemy wraps the driver's
    if (
        getattr(original, "errno", None) in _DISK_FULL_NUMBERS
        or getattr(original, "sqlite_errorname", None) in _DISK_FULL_NAMES
    ):
        return True
    message = str(original).lower()
    return any(words in message for words in _DISK_FULL_WORDS)
