"""The manifest of a run: the code, data, settings and machine that made it.

It decides whether two runs may be compared and whether a run may be resumed.
"""

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
_SECRET = {"openai_api_key", "api_keys", "redis_url"}
_LOCAL = {"data_dir", "database_url", "chroma_url", "prompts_dir", "public_url", "log_level"}


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


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return the names of the fields that differ between two manifests."""
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def hash_corpus(articles: Iterable[tuple[str, str]]) -> str:
    """Return one hash of all pairs (id, SHA-256 of the text), independent of their order."""
    digest = hashlib.sha256()
    for article_id, sha256 in sorted(articles):
        digest.update(f"{article_id}\0{sha256}\n".encode())
    return digest.hexdigest()


def settings_json(settings: Settings) -> dict[str, Any]:
    """Return the settings that can change an answer, without secrets and local paths."""
    public: dict[str, Any] = settings.model_dump(mode="json", exclude=_SECRET | _LOCAL)
    # A URL may contain a password; the host alone distinguishes two providers of the same model.
    public["openai_base_url"] = settings.openai_base_url and urlsplit(settings.openai_base_url).hostname
    return public


def hash_prompts(prompts_dir: Path | None) -> str:
    """Return one hash of the prompt files in use. Raises QaError if there are none."""
    package = Path(str(files("qa")))
    for folder in [prompts_dir] if prompts_dir else [package / "prompts", package.parent / "prompts"]:
        paths = sorted(folder.glob("*.txt"))
        if paths:
            return _hash_files(paths)
    raise QaError("no prompt files found")


def hash_code() -> str:
    """Return one hash of qa's source files, because a working tree may differ from its commit."""
    return _hash_files(sorted(Path(str(files("qa"))).rglob("*.py")))


def commit() -> str | None:
    """Return the commit of the working tree, None outside a working tree."""
    git = shutil.which("git")
    if git is None:
        return None
    process = subprocess.run(  # noqa: S603  # a fixed command
        [git, "rev-parse", "HEAD"],
        cwd=Path(str(files("eval"))).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return process.stdout.strip() or None


def _hash_files(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
