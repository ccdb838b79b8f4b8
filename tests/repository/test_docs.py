"""The documentation: everything that it names exists, and its examples run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

import qa
from qa.cli.main import app
from qa.library import Library, sample_articles
from qa.settings import Settings
from tests import ROOT
from tests.service.serving import client

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "eval" / "gold" / "README.md"])
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ids = [page.relative_to(ROOT).as_posix() for page in PAGES]


def _code(page: Path) -> str:
    """Return a page's code: fenced blocks and inline code."""
    text = page.read_text(encoding="utf-8")
    return "\n".join([*(block for _, block in _FENCED.findall(text)), *re.findall(r"`([^`\n]+)`", text)])


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link is a file of the repository, and each anchor a heading in it."""
    prose = re.sub(r"`[^`\n]+`", "", _FENCED.sub("", page.read_text(encoding="utf-8")))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(_anchor, headings), target


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_paths_exist(page: Path) -> None:
    """Each file and folder of ours that a page names exists: no page uses an old path."""
    for path in re.findall(r"(?<![\w./-])(?:qa|eval|tests|prompts|docs)/[\w./*-]*\w", _code(page)):
        assert list(ROOT.glob(path)), path


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_commands_exist(page: Path) -> None:
    """Each `make` target, `python -m` module and `qa` command that a page names exists."""
    code = _code(page)
    for target in re.findall(r"(?:^|&& |\s)make ([a-z][\w-]+)", code):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"make {target}"
    for module in re.findall(r"python -m ((?:eval|qa|tests)[\w.]*)", code):
        assert find_spec(module), module
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {group.name for group in app.registered_groups if group.name}
    for command in re.findall(r"(?:^|\$ )(?:\.venv/bin/)?qa ([a-z]+)", code):
        assert command in known, f"qa {command}"


def test_the_settings_table_is_the_settings() -> None:
    """docs/settings.md lists every setting, and no other."""
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    named = {name for row in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == {field.alias for field in Settings.model_fields.values()}


def test_the_curl_of_the_readme_works(tmp_path: Path) -> None:
    """Its body is accepted, and the sample articles answer it with a citation."""
    block = next(block for _, block in _FENCED.findall(README) if block.startswith("curl"))
    words = shlex.split(block.replace("\\\n", " "))
    path = re.sub(r"^https?://[^/]+", "", next(word for word in words if word.startswith("http")))
    with client(tmp_path) as http:
        files = [("files", (path.name, path.read_bytes())) for path in sorted(sample_articles().glob("*.md"))]
        assert http.post("/v1/articles", files=files).status_code == 200
        reply = http.post(path, json=json.loads(words[words.index("-d") + 1]))
    assert reply.status_code == 200
    assert reply.json()["citations"]


@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")], ids=str)
def test_python_examples_run(page: Path, tmp_path: Path) -> None:
    """Each Python block runs unchanged, in a folder with a store of the sample articles."""
    with Library(Settings.model_validate({"data_dir": tmp_path / ".qa-data", "embed_model": "none"})) as library:
        library.ingest(qa.read([str(sample_articles())]))
    for language, block in _FENCED.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            done = subprocess.run(
                [sys.executable, "-c", block],
                cwd=tmp_path,
                env={"PYTHONPATH": str(ROOT), "QA_EMBED_MODEL": "none"},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr


def test_each_public_name_is_explained() -> None:
    """The reference that `make docs` builds has no name without a docstring."""
    for name in qa.__all__:
        thing = getattr(qa, name)
        assert thing.__doc__ or name in {"Event", "Mode", "Status", "Support", "Verdict"}, (
            name
        )  # aliases have no docstring


def test_the_map_of_the_readme_is_what_ls_shows() -> None:
    """Each folder and module at the top of `qa` is in the map, and each file that the README names is there."""
    section = README.split("## Folders", 1)[1]
    table = "\n".join(line for line in section.splitlines() if line.startswith("| `"))
    mapped = {name.rstrip("/") for name in re.findall(r"`([\w./]+)`", table)}
    shown = {path.name for path in (ROOT / "qa").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert shown - {"__init__.py", "__pycache__", "sample"} <= mapped
    for name in re.findall(r"`(\w+/\w+\.py)`", section):
        assert (ROOT / "qa" / name).is_file(), name
    for folder in re.findall(r"`(\w+/)`", section.split("`eval/` is", 1)[1]):
        assert (ROOT / "eval" / folder).is_dir() or (ROOT / folder).is_dir(), folder


def test_help_names_every_command() -> None:
    """`qa --help` lists every command."""
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    for group in app.registered_groups:
        assert group.name is not None
        assert group.name in shown
