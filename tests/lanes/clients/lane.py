"""Shared parts of the client lane: its folder, a server with the sample articles, and a client's report."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from qa.service.app import create_app
from tests import ROOT
from tests.scripted_server import Json, ScriptedServer, Stream, cite_first_sentence
from tests.service.serving import running, settings_for

FOLDER = ROOT / ".clients"  # made by `make test-clients`; git ignores it
QUESTION = "What will it cost to rebuild the eastern approach of the Orrin Bridge?"
KEY = "reader"
# Read here, because tests run without any setting of ours in their environment.
LANE = os.environ.get("TEST_CLIENTS") == "1"
ALL_LANES = os.environ.get("ALL_LANES") == "1"


def miss(reason: str) -> None:
    """Skip the test, or fail it if ALL_LANES is 1."""
    if ALL_LANES:
        pytest.fail(f"ALL_LANES=1, and {reason}")
    pytest.skip(reason)


@dataclass(frozen=True)
class Endless:
    """Write one cited sentence, then go on for ever, as a model that does not stop."""

    async def play(self, request: Json, writer: asyncio.StreamWriter) -> None:
        """Answer."""
        await Stream([*cite_first_sentence(request), *["and so on "] * 10_000], delay_s=0.02).play(request, writer)


@contextmanager
def samples(folder: Path, **more: Any) -> Iterator[str]:
    """Serve the sample articles and yield the address."""
    settings = settings_for(folder / "store", **more)
    with running(create_app(settings, load_samples=True)) as port:
        yield f"http://127.0.0.1:{port}"


@dataclass
class Report:
    """A client's events, by kind, and how long after it cancelled the model server saw the connection close."""

    events: dict[str, Json] = field(default_factory=dict)
    stopped_after_s: float | None = None
    error: str = ""


def report(command: Sequence[str], model_server: ScriptedServer, env: dict[str, str]) -> Report:
    """Run a client and collect its events; when it reports that it cancelled, watch the model server."""
    found = Report()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **env}) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if not line.startswith("{"):
                continue  # LiteLLM prints advertisements to stdout
            event = json.loads(line)
            found.events[event["kind"]] = event
            if event["kind"] == "cancelled":
                began = time.monotonic()
                model_server.seen[-1].client_left.wait(5)
                found.stopped_after_s = time.monotonic() - began
        found.error = process.stderr.read()
    return found
