"""docker-compose.yml, as far as it can be checked without a Docker engine."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from qa.cli import app
from qa.settings import Settings, load_settings
from tests.service.serving import running, settings_for

ROOT = Path(__file__).parent.parent
COMPOSE: Any = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
API = COMPOSE["services"]["api"]
DOCKERFILE: str = API["build"]["dockerfile_inline"].replace("$$", "$")


def test_every_setting_is_one_that_we_read() -> None:
    """A misspelt name would stop the container at its start; empty values mean "not set"."""
    given = {name: re.sub(r"\$\{[A-Z_]+:?[-?][^}]*\}", "", str(value)) for name, value in API["environment"].items()}
    known = {field.alias for field in Settings.model_fields.values()}
    assert set(given) <= known
    settings = load_settings(given | {"QA_API_KEYS": "ask:key"}, dotenv=None)
    assert settings.catalog_url.startswith("postgresql://")
    assert settings.chroma_url == "http://chroma:8000"


def test_what_must_be_set_is_asked_for() -> None:
    """Without a key the service would refuse to start on a public address; compose says so before."""
    assert API["environment"]["QA_API_KEYS"].startswith("${QA_API_KEYS:?")


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_images_are_pinned_and_healthy(name: str) -> None:
    """`latest` is another program every week; a dependent service waits for what it needs."""
    service = COMPOSE["services"][name]
    assert re.fullmatch(r"[a-z./-]+:\d+\.\d+(\.\d+)?", service["image"]), service["image"]
    assert all(one["condition"] == "service_healthy" for one in service.get("depends_on", {}).values())
    for needed in service.get("depends_on", {}):
        assert "healthcheck" in COMPOSE["services"][needed]
    for volume in service["volumes"]:
        assert volume.startswith("/") or volume.split(":")[0] in COMPOSE["volumes"]


def test_the_catalog_is_a_database_that_only_the_api_reaches() -> None:
    """Its password is asked for and stands in both places; the driver is among what the image installs."""
    postgres = COMPOSE["services"]["postgres"]
    assert "ports" not in postgres
    assert API["environment"]["QA_DATABASE_URL"].startswith("postgresql://qa:${POSTGRES_PASSWORD:?")
    assert postgres["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD}"
    assert "-r requirements.lock" in DOCKERFILE
    assert re.search(r"^psycopg-binary==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)


def test_replicas_share_no_data_directory() -> None:
    """One process owns a directory: each container gets a volume without a name, for what it can build again."""
    assert API["volumes"] == ["/data"]


def test_the_store_of_vectors_is_not_published() -> None:
    """Chroma's server knows no keys here: only the api may reach it, of the version that its client is."""
    import chromadb

    assert "ports" not in COMPOSE["services"]["chroma"]
    assert COMPOSE["services"]["chroma"]["image"] == f"chromadb/chroma:{chromadb.__version__}"


def test_what_is_copied_is_there_and_nothing_else() -> None:
    """No `COPY .`: a local store or an .env file must not end up in an image."""
    copied = [shlex.split(line)[1:-1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    names = [name for line in copied for name in line]
    assert {"qa", "eval", "prompts", "pyproject.toml", "requirements.lock"} <= set(names)
    assert all((ROOT / name).exists() for name in names)
    assert "USER qa" in DOCKERFILE


def test_the_command_is_one_of_ours() -> None:
    """The image's command line is read by our own parser."""
    found = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found
    program, *words = json.loads(found[1])
    assert program == "qa"
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output


def test_the_health_check_tells_up_from_down(tmp_path: Path) -> None:
    """It fails where nothing listens and passes on a server that is ready."""
    kind, _, *words = API["healthcheck"]["test"]
    assert kind == "CMD"

    def check(port: int) -> int:
        command = [sys.executable, *(word.replace(":8000", f":{port}") for word in words)]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode

    from qa.service.app import create_app

    with running(create_app(settings_for(tmp_path / "store"))) as port:
        assert check(port) == 0
    assert check(port) != 0
