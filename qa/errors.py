"""The exception hierarchy of the project.

QaError
├── BadSettings          an unknown or impossible setting
├── BadInput             the caller sent something unusable
│   ├── BadArticle       one article of an ingest
│   └── BadQuestion      a question, its filters or its dates
├── NotFound             no such article, version or collection
├── Locked               another process owns the data directory
├── Closed               the library was closed
├── StoreFailed          the catalog or an index failed or is unreachable
│   └── StoreFull        the disk is full
├── EmbeddingFailed      the embedder failed or returned malformed vectors
├── JudgeFailed          the reader or the entailment judge cannot be opened or failed
└── ModelFailed          the model server
    ├── ModelRefused     not retryable: key, quota, unknown model, bad request
    ├── ModelUnavailable retryable: network, overload, 5xx
    └── ModelBroken      it answered, but the answer cannot be parsed
"""

from __future__ import annotations

import errno

# How each library reports a full disk: an error number, SQLite's name for the error, or only words.
_DISK_FULL_NUMBERS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# SQLite has separate names for writes that the system refuses for other reasons than a full disk.
_DISK_FULL_NAMES = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}
_DISK_FULL_WORDS = ("no space left", "file too large", "disk is full", "disk quota", "os error 27", "os error 28")


class QaError(Exception):
    """Base class of everything we raise on purpose."""


class BadSettings(QaError):
    """A setting is unknown or impossible."""


class BadInput(QaError):
    """The caller sent something unusable; `param` names the field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class BadArticle(BadInput):
    """One article of an ingest was refused."""


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
    """The library was closed; neither it nor any object it handed out works any more."""


class StoreFailed(QaError):
    """The catalog or an index failed or is unreachable."""


class StoreFull(StoreFailed):
    """The disk is full; reading still works."""


class JudgeFailed(QaError):
    """The reader or the entailment judge cannot be opened, or failed."""


class EmbeddingFailed(QaError):
    """The embedder failed, or returned the wrong number, size or kind of vectors."""


class ModelFailed(QaError):
    """The model server did not give a usable answer; `retryable` says whether a retry may help."""

    retryable = False


class ModelRefused(ModelFailed):
    """The server will not serve this: key, quota, unknown model or bad request."""


class ModelUnavailable(ModelFailed):
    """The server is unreachable, overloaded or failed; `retry_after_s` is the wait it asked for."""

    retryable = True

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelBroken(ModelFailed):
    """The server answered, but the answer cannot be parsed."""


class ModelUnusable(ModelBroken):
    """The reply is whole and holds nothing that can be shown, and does not say that the evidence has no answer."""


def store_failed(message: str, cause: BaseException) -> StoreFailed:
    """Translate a vendor's error: StoreFull if the disk is full, StoreFailed otherwise."""
    return StoreFull(message) if is_disk_full(cause) else StoreFailed(message)


def is_disk_full(cause: BaseException) -> bool:
    """Tell whether a vendor's error means that the disk is full."""
    original = getattr(cause, "orig", None) or cause  # SQLAlchemy wraps the driver's
    if (
        getattr(original, "errno", None) in _DISK_FULL_NUMBERS
        or getattr(original, "sqlite_errorname", None) in _DISK_FULL_NAMES
    ):
        return True
    message = str(original).lower()
    return any(words in message for words in _DISK_FULL_WORDS)
