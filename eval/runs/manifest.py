"""What made a run: enough to say whether two runs may be compared, and whether one may be taken up again."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qa import QaError, Settings

FORMAT = 1
_SECRET = {"openai_api_key", "api_keys"}
_PLACES = {"data_dir", "database_url", "chroma_url", "prompts_dir", "public_url", "log_level"}


def build_manifest(
    *,
    gold_sha256: str,
    items: int,
    corpus_sha256: str,
    articles: int,
    target: Mapping[str, Any],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the first line of a run."""
    return {
        "kind": "manifest",
        "format": FORMAT,
        "commit": commit(),
        "code_sha256": hash_code(),
        "gold_sha256": gold_sha256,
        "items": items,
        "corpus_sha256": corpus_sha256,
        "articles": articles,
        **target,
        **options,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu_count": os.cpu_count(),
    }


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields in which two manifests differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def hash_corpus(articles: Iterable[tuple[str, str]]) -> str:
    """Return one hash of all (id, SHA-256 of the text), whatever their order."""
    digest = hashlib.sha256()
    for article_id, sha256 in sorted(articles):
        digest.update(f"{article_id}\0{sha256}\n".encode())
    return digest.hexdigest()


def settings_json(settings: Settings) -> dict[str, Any]:
    """Return the settings that can change an answer: no secret, no place on a disk."""
    shown: dict[str, Any] = settings.model_dump(mode="json", exclude=_SECRET | _PLACES)
    # An address may carry a password; the host is what tells two providers of one model apart.
    shown["openai_base_url"] = settings.openai_base_url and urlsplit(settings.openai_base_url).hostname
    return shown


def hash_prompts(prompts_dir: Path | None) -> str:
    """Return one hash of the prompt files in use. Raises QaError when there are none."""
    package = Path(str(files("qa")))
    for folder in [prompts_dir] if prompts_dir else [package / "prompts", package.parent / "prompts"]:
        found = sorted(folder.glob("*.txt"))
        if found:
            return _hash_files(found)
    raise QaError("no prompt files found")


def hash_code() -> str:
    """Return one hash of the service's sources: a working tree may differ from its commit."""
    return _hash_files(sorted(Path(str(files("qa"))).rglob("*.py")))


def commit() -> str | None:
    """Return the commit of the working tree, None outside of one."""
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run(  # noqa: S603  # a fixed command
        [git, "rev-parse", "HEAD"],
        cwd=Path(str(files("eval"))).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or None


def _hash_files(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
