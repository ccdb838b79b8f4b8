"""Load test: many concurrent streams from the real server, with a scripted model server that writes at a fixed rate.

    python -m eval bench load [--streams N] [--rounds N] [--embed minilm|none] [--json]

Readers ask one question after the other, their starts spread over the time of one answer, so that about N streams are
open at any moment. Stretch is how much longer a stream takes, from its first event to its end, than the model takes to
write it; it includes the search, since the first event is sent before that. Then all readers start at once, and while
their streams take every place, further requests are refused.

The processor seconds of the service for each answer, and the share of the same cores that the readers and the model
server use, are reported beside the times: they distinguish a slow service from a busy machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from eval.bench.processes import clean_environment, cpu_s
from eval.bench.speed.load_model import ModelServer
from eval.dataset.format import load as load_gold

CORES = 2
PROBES = 50
PROBE_S = 2.0  # a probe that is not refused within this time was admitted
SPARE = 10  # places beyond the readers: a reader may ask again before its last place is released
START_S = 60.0
GOALS = {"stretch_p95": 0.10, "first_event_ms_p95": 300.0, "refused_ms_p95": 50.0}
_GOLD = Path(__file__).parents[2] / "gold"


@dataclass
class Observed:
    """What the readers measured: seconds to the first event and the first words, stretch of each stream, faults."""

    first_s: list[float] = field(default_factory=list)
    words_s: list[float] = field(default_factory=list)
    stretch: list[float] = field(default_factory=list)
    tokens: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Service:
    """A running service, its model server, and the questions to ask."""

    http: httpx.AsyncClient
    model: ModelServer
    questions: Sequence[str]

    async def ask(self, place: int, observed: Observed, started: asyncio.Event | None = None) -> None:
        """Ask a question and read the stream to its end."""
        question = self.questions[place % len(self.questions)]
        body = {
            "model": "news-qa-markers",
            "messages": [{"role": "user", "content": question}],
            "as_of": "2026-06-15",
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        began = time.perf_counter()
        first_event_at = first_words_at = None
        usage: dict[str, int] = {}
        async with self.http.stream("POST", "/v1/chat/completions", json=body) as reply:
            async for line in reply.aiter_lines():
                if first_event_at is None and line.startswith("data: "):
                    first_event_at = time.perf_counter()
                    observed.first_s.append(first_event_at - began)
                    if started is not None:
                        started.set()
                if line.startswith("data: {"):
                    event = json.loads(line.removeprefix("data: "))
                    usage = event.get("usage") or usage
                    if first_words_at is None and any(
                        choice["delta"].get("content") for choice in event.get("choices", ())
                    ):
                        first_words_at = time.perf_counter()
                        observed.words_s.append(first_words_at - began)
                    if "error" in event:
                        observed.faults.append(event["error"]["code"])
        if first_event_at is None:
            observed.faults.append(f"status {reply.status_code}")
        elif tokens := usage.get("completion_tokens"):
            observed.stretch.append((time.perf_counter() - first_event_at) * self.model.tokens_per_s / tokens - 1)
            observed.tokens += tokens

    async def steady(self, streams: int, rounds: int) -> Observed:
        """Let each reader ask `rounds` questions, the starts of the readers spread."""
        observed = Observed()

        async def read(reader: int) -> None:
            await asyncio.sleep(reader / streams * self.model.tokens / self.model.tokens_per_s)
            for turn in range(rounds):
                await self.ask(reader * rounds + turn, observed)

        await asyncio.gather(*(read(reader) for reader in range(streams)))
        return observed

    async def burst(self, streams: int) -> tuple[Observed, list[float], int]:
        """Start all streams at once; while they run, send further requests and time the refusals. Then disconnect."""
        observed = Observed()
        started = [asyncio.Event() for _ in range(streams)]
        streams_open = [asyncio.ensure_future(self.ask(place, observed, event)) for place, event in enumerate(started)]
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in started)), START_S)
        refused_s, let_in = [], 0
        for _ in range(PROBES):
            began = time.perf_counter()
            try:
                reply = await self.http.post("/v1/ask", json={"question": self.questions[0]}, timeout=PROBE_S)
            except httpx.TimeoutException:
                let_in += 1
                continue
            if reply.status_code == 503:
                refused_s.append(time.perf_counter() - began)
            else:
                let_in += 1
        for stream in streams_open:
            stream.cancel()
        await asyncio.gather(*streams_open, return_exceptions=True)
        return observed, refused_s, let_in


def measure(streams: int, rounds: int, embed: str) -> dict[str, Any]:
    """Run the whole measurement and return the figures."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    return asyncio.run(_measure(streams, rounds, embed))


async def _measure(streams: int, rounds: int, embed: str) -> dict[str, Any]:
    busy = os.getloadavg()[0]
    questions = [item.question for item in load_gold(_GOLD)]
    with tempfile.TemporaryDirectory() as folder:
        async with ModelServer() as model, _service(Path(folder), model.url, streams + SPARE, embed) as (http, process):
            service = Service(http, model, questions)
            await service.ask(0, Observed())  # warm-up: the first question loads what later ones share
            began, cpu, own = time.perf_counter(), cpu_s(process.pid), time.process_time()
            steady = await service.steady(streams, rounds)
            took, cpu, own = time.perf_counter() - began, cpu_s(process.pid) - cpu, time.process_time() - own
            burst, refused_s, let_in = await service.burst(streams + SPARE)
    return {
        "embed": embed,
        "cores": len(os.sched_getaffinity(0)),
        "load_average_before": round(busy, 1),
        "streams": streams,
        "answers": len(steady.stretch),
        "tokens_per_answer": round(steady.tokens / max(1, len(steady.stretch))),
        "faults": sorted({*steady.faults, *burst.faults}),
        "service_cores_busy": round(cpu / took, 2),
        "readers_and_model_cores_busy": round(own / took, 2),
        "service_cpu_s_per_answer": round(cpu / max(1, len(steady.stretch)), 3),
        "service_cpu_ms_per_token": round(1_000 * cpu / max(1, steady.tokens), 3),
        **_percentiles("stretch", steady.stretch, 1, 3),
        **_percentiles("first_event_ms", steady.first_s, 1_000, 0),
        **_percentiles("first_words_ms", steady.words_s, 1_000, 0),
        **_percentiles("burst_first_event_ms", burst.first_s, 1_000, 0),
        **_percentiles("refused_ms", refused_s, 1_000, 1),
        "refused": len(refused_s),
        "let_in_beyond": let_in,
    }


def _percentiles(name: str, values: Sequence[float], unit: float, digits: int) -> dict[str, float | None]:
    return {f"{name}_p{p}": round(float(np.percentile(values, p)) * unit, digits) if values else None for p in (50, 95)}


@asynccontextmanager
async def _service(
    folder: Path, model_url: str, places: int, embed: str
) -> AsyncIterator[tuple[httpx.AsyncClient, subprocess.Popen[bytes]]]:
    """Run `qa serve` on the sample articles, with a place for each stream."""
    env = clean_environment() | {
        "QA_DATA_DIR": str(folder / "data"),
        "QA_EMBED_MODEL": embed,
        "QA_LLM_MODEL": "scripted",
    }
    env |= {"OPENAI_BASE_URL": model_url, "QA_MAX_IN_FLIGHT": str(places), "QA_LOG_LEVEL": "WARNING"}
    owner = folder / "data" / "owner.json"
    command = [str(Path(sys.executable).with_name("qa")), "serve", "--port", "0", "--samples"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=env, cwd=folder, stderr=log, stdout=log) as process,  # noqa: ASYNC220, S603  # our own server, started before anything is timed
    ):
        try:
            deadline = time.monotonic() + START_S
            while not (owner.exists() and (url := json.loads(owner.read_text() or "{}").get("url"))):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the service did not start: {(folder / 'log').read_text()[-500:]}")
                await asyncio.sleep(0.1)
            # Connections expire here before the server closes them, which would count as a fault of the service.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=2.0)
            async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http:
                yield http, process
        finally:
            process.terminate()
            process.wait(20)


def misses(figures: dict[str, Any]) -> list[str]:
    """Return the names of the missed goals."""
    missed = [name for name, goal in GOALS.items() if figures[name] is None or figures[name] > goal]
    return [*missed, *(["faults"] if figures["faults"] else [])]


def show(figures: dict[str, Any], as_json: bool) -> None:
    """Print one figure a line, with its goal if it has one."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        goal = f"   goal {GOALS[name]:g}" if name in GOALS else ""
        print(f"{name:28} {value}{goal}")
