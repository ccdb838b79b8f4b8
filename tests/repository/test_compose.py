"""docker-compose.yml and Dockerfile, as far as they can be checked without Docker: our command lines run verbatim.

The images of ollama and Open WebUI are not run here; `make test-open-webui` runs Open WebUI itself.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from qa.cli.main import app
from qa.settings import Settings, load_settings
from tests import ROOT
from tests.lanes.postgres.cluster import Cluster, programs
from tests.lanes.replicas.fleet import Program, free_port, until
from tests.service.serving import BRIDGE

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
    """Without a key the service refuses to start on a public address; compose reports it earlier."""
    assert API["environment"]["QA_API_KEYS"].startswith("${QA_API_KEYS:?")


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_images_are_pinned_and_healthy(name: str) -> None:
    """`latest` changes every week; a dependent service waits until the others are healthy."""
    service = COMPOSE["services"][name]
    assert re.fullmatch(r"[a-z./-]+:\d+\.\d+(\.\d+)?", service["image"]), service["image"]
    assert all(dependency["condition"] == "service_healthy" for dependency in service.get("depends_on", {}).values())
    assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()
    assert service["security_opt"] == ["no-new-privileges:true"]
    for volume in service["volumes"]:
        assert volume.startswith("/") or volume.split(":")[0] in COMPOSE["volumes"]


def test_the_catalog_is_a_database_that_only_the_api_reaches() -> None:
    """Its password is required and used in both places; the image installs the driver."""
    postgres = COMPOSE["services"]["postgres"]
    assert "ports" not in postgres
    assert API["environment"]["QA_DATABASE_URL"].startswith("postgresql://qa:${POSTGRES_PASSWORD:?")
    assert postgres["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD}"
    assert "-r requirements.lock" in DOCKERFILE
    assert re.search(r"^psycopg-binary==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)


def test_replicas_share_no_data_directory() -> None:
    """One process owns a directory: each container gets an anonymous volume for what it can rebuild."""
    assert API["volumes"] == ["/data"]


def test_the_store_of_vectors_is_not_published() -> None:
    """Chroma's server has no authentication: only the api may reach it; its version is that of our client."""
    chroma = COMPOSE["services"]["chroma"]
    assert "ports" not in chroma
    assert (chroma["image"], chroma["build"]) == (API["image"], API["build"])


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


def test_what_compose_itself_reads() -> None:
    """`docker compose config` accepts the file with every profile; without a key it fails and names the variable."""
    found = [["docker", "compose"], ["docker-compose"]]
    usable = [
        command
        for command in found
        if shutil.which(command[0]) and _stdout_of([*command, "version"]).startswith("Docker Compose")
    ]
    if not usable:
        pytest.skip("Docker Compose 2 is not installed (Debian 13: docker-compose)")
    config = [*usable[0], "--file", str(ROOT / "docker-compose.yml"), "--profile", "*", "config"]
    read = yaml.safe_load(_stdout_of(config, QA_API_KEYS="ask:key", POSTGRES_PASSWORD="pass"))
    assert read["services"].keys() == COMPOSE["services"].keys()
    assert read["services"]["api"]["environment"]["QA_DATABASE_URL"] == "postgresql://qa:pass@postgres/qa"
    refused = subprocess.run(config, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "QA_API_KEYS" in refused.stderr


def _stdout_of(command: list[str], **env: str) -> str:
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(command, env=path | env, capture_output=True, text=True, check=False).stdout


class Stack:
    """The three services that always run, as in the file except for their ports and folders."""

    def __init__(self, folder: Path) -> None:
        self.api_port, self.chroma_port = free_port(), free_port()
        self.cluster = Cluster(initdb=COMPOSE["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"])
        self.cluster.execute("CREATE DATABASE qa")
        self._folder = folder
        self._started: list[Program] = []

    def start(self, name: str, command: list[str], **env: str) -> None:
        program, *words = command
        path = str(Path(sys.executable).with_name(program))
        self._started.append(Program(name, [path, *words], self._folder, env))

    def is_healthy(self, name: str) -> bool:
        """Run the service's own health check, which asks on the port inside of its container."""
        kind, program, *words = COMPOSE["services"][name]["healthcheck"]["test"]
        assert kind == "CMD"
        port = {"api": self.api_port, "chroma": self.chroma_port}.get(name, 0)
        where = programs()
        path = str(where / program) if program == "pg_isready" and where else sys.executable
        words = [word.replace(":8000", f":{port}") for word in words]
        env = {"PGHOST": "127.0.0.1", "PGPORT": str(self.cluster.port)}
        return subprocess.run([path, *words], env=env, capture_output=True, timeout=60, check=False).returncode == 0

    def close(self) -> None:
        for program in reversed(self._started):
            program.stop()
        self.cluster.close()


@pytest.fixture
def stack(cluster: Cluster, tmp_path: Path) -> Iterator[Stack]:  # `cluster` skips where there is no PostgreSQL
    made = Stack(tmp_path)
    yield made
    made.close()


def test_the_services_run_as_the_file_has_them(stack: Stack, tmp_path: Path) -> None:
    """Each command line and each health check of api, chroma and postgres: down, then up, then a cited answer."""
    assert stack.is_healthy("postgres")
    assert not stack.is_healthy("chroma")
    assert not stack.is_healthy("api")
    chroma = [word.replace("8000", str(stack.chroma_port)) for word in COMPOSE["services"]["chroma"]["command"]]
    stack.start("chroma", [str(tmp_path / "vectors") if word == "/data" else word for word in chroma])
    until(lambda: stack.is_healthy("chroma"), "chroma is healthy", 60)

    given = {"QA_API_KEYS": "key", "POSTGRES_PASSWORD": "pass"}
    hosts = {
        "@postgres/": f"@127.0.0.1:{stack.cluster.port}/",
        "//chroma:8000": f"//127.0.0.1:{stack.chroma_port}",
    }
    env = {name: _filled(value, given, hosts) for name, value in API["environment"].items()}
    found = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert found
    command = [word.replace("8000", str(stack.api_port)) for word in json.loads(found[1])]
    stack.start("api", command, **env, QA_DATA_DIR=str(tmp_path / "data"))
    until(lambda: stack.is_healthy("api"), "the api is healthy", 120)

    with httpx.Client(base_url=f"http://127.0.0.1:{stack.api_port}", trust_env=False, timeout=60) as http:
        http.headers["Authorization"] = "Bearer key"
        assert http.post("/v1/articles", json=BRIDGE).json()["added"] == 1
        answer = http.post("/v1/ask", json={"question": "When did the bridge open again?"}).json()
    assert answer["citations"][0]["quote"] == "The bridge opened again on Monday."
    assert answer["degraded"] == []


def _filled(value: str, given: dict[str, str], hosts: dict[str, str]) -> str:
    """Return a value with variables interpolated as compose does, and with the addresses of this machine."""
    value = re.sub(r"\$\{([A-Z_]+):?[-?][^}]*\}", lambda found: given.get(found[1], ""), value)
    for name, here in hosts.items():
        value = value.replace(name, here)
    return value
