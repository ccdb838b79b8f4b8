"""Find the files of a path argument: one file, all files below a folder, or those that match a glob."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from qa.types import Refused


@dataclass(frozen=True, slots=True)
class File:
    """A file to read, its printable name, and the id for an article in it that has no id of its own."""

    path: Path
    source: str
    id: str


def find(path: str) -> Iterator[File | Refused]:
    """Yield the files of a path in order. Hidden files are skipped; links that lead out of a folder are refused."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        yield from _match(path)
    except (OSError, ValueError) as exc:
        # Python's message about a NUL changes from version to version.
        reason = "no path holds a NUL character" if "\0" in path else str(exc)
        yield Refused(_show(path), getattr(exc, "strerror", None) or reason)
    else:
        yield from _open(Path(path), mode, Path(path).name)


def _open(path: Path, mode: int, made_id: str) -> Iterator[File | Refused]:
    """Yield a file, or the files below a folder."""
    if S_ISDIR(mode):
        yield from _walk(path)
    elif S_ISREG(mode):
        yield File(path, _show(str(path)), made_id)
    else:
        yield Refused(_show(str(path)), "not a regular file")


def _match(pattern: str) -> Iterator[File | Refused]:
    """Yield the files that match a glob; their ids are their paths below the literal folders of the pattern."""
    if not glob.has_magic(pattern):
        yield Refused(_show(pattern), "no such file or folder")
        return
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  # Path.glob takes no absolute pattern
    if not matches:
        yield Refused(_show(pattern), "nothing matches")
    parts = Path(pattern).parts
    fixed = Path(*parts[: next(number for number, part in enumerate(parts) if glob.has_magic(part))])
    for match in map(Path, matches):
        try:
            mode = match.stat().st_mode
            if S_ISDIR(mode) and "**" in pattern:
                # Its files are matches themselves, but glob says nothing about a folder that may not be listed.
                os.scandir(match).close()
            else:
                yield from _open(match, mode, match.relative_to(fixed).as_posix())
        except OSError as exc:
            yield Refused(_show(str(match)), exc.strerror or str(exc))


def _walk(root: Path) -> Iterator[File | Refused]:
    """Yield the files below a folder, each folder's own files first, all sorted by name."""
    real = root.resolve()
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listed:
                entries = sorted(
                    (entry for entry in listed if not entry.name.startswith(".")), key=lambda entry: entry.name
                )
        except OSError as exc:
            yield Refused(_show(str(folder)), exc.strerror or str(exc))
            continue
        below = []
        for entry in entries:
            path = Path(entry.path)
            try:  # a folder that may be listed but not entered does not show where its links lead
                if entry.is_dir(follow_symlinks=False):
                    below.append(path)
                elif reason := _refuse(entry, real):
                    yield Refused(_show(entry.path), reason)
                elif entry.is_file():
                    yield File(path, _show(entry.path), (real.name / path.relative_to(root)).as_posix())
            except OSError as exc:
                yield Refused(_show(entry.path), exc.strerror or str(exc))
        folders.extend(reversed(below))


def _refuse(entry: os.DirEntry[str], real: Path) -> str | None:
    """Return why an entry that is not a folder is not read, None if it is read."""
    if entry.is_symlink():
        target = Path(os.path.realpath(entry.path))
        if not target.is_relative_to(real):
            return "a link that leads out of the folder"
        if target.is_dir():
            return None  # its files are read at their real place
    return None if entry.is_file() else "not a regular file"


def _show(path: str) -> str:
    """Return a form of a path that can be printed and stored, whatever bytes its name consists of."""
    return os.fsencode(path).decode("utf-8", "replace")
