"""Measure many streams at once: the real server, and a scripted model server that writes at a fixed rate.

    python -m eval bench load [--streams N] [--rounds N] [--embed minilm|none] [--json]

Readers ask one question after the other, their beginnings spread over the time of one answer, so that about N streams
are open at any moment. Stretch is how much longer a stream takes, from its first event to its end, than the model takes
to write it; the search is part of that, since the first event comes before it is done. Then all readers begin in one
instant, and while their streams hold every place more are turned away.

The processor seconds of the service for each answer stand beside the times, and what the readers and the model server
take of the same cores: they tell a slow service from a busy machine.
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

from eval.bench.speed.load_model import ModelServer
from eval.dataset.format import load as load_gold

CORES = 2
PROBES = 50
PROBE_S = 2.0  # a probe that is not refused by then was let in
SPARE = 10  # places beyond the readers: one who asks again may come before the old place is given back
START_S = 60.0
GOALS = {"stretch_p95": 0.10, "first_event_ms_p95": 300.0, "refused_ms_p95": 50.0}
_GOLD = Path(__file__).parents[2] / "gold"


@dataclass
class Seen:
    """What readers saw: seconds to the first event and words, stretch of each stream, and what went wrong."""

    first_s: list[float] = field(default_factory=list)
    words_s: list[float] = field(default_factory=list)
    stretch: list[float] = field(default_factory=list)
    tokens: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bench:
    """One running service and how it is asked."""

    http: httpx.AsyncClient
    model: ModelServer
    questions: Sequence[str]

    async def ask(self, place: int, seen: Seen, begun: asyncio.Event | None = None) -> None:
        """Read one answer to its end."""
        question = self.questions[place % len(self.questions)]
        body = {
            "model": "news-qa-markers",
            "messages": [{"role": "user", "content": question}],
            "as_of": "2026-06-15",
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        began = time.perf_counter()
        first = words = None
        usage: dict[str, int] = {}
        async with self.http.stream("POST", "/v1/chat/completions", json=body) as reply:
            async for line in reply.aiter_lines():
                if first is None and line.startswith("data: "):
                    first = time.perf_counter()
                    seen.first_s.append(first - began)
                    if begun is not None:
                        begun.set()
                if line.startswith("data: {"):
                    told = json.loads(line.removeprefix("data: "))
                    usage = told.get("usage") or usage
                    if words is None and any(one["delta"].get("content") for one in told.get("choices", ())):
                        words = time.perf_counter()
                        seen.words_s.append(words - began)
                    if "error" in told:
                        seen.faults.append(told["error"]["code"])
        if first is None:
            seen.faults.append(f"status {reply.status_code}")
        elif written := usage.get("completion_tokens"):
            seen.stretch.append((time.perf_counter() - first) * self.model.tokens_per_s / written - 1)
            seen.tokens += written

    async def steadily(self, streams: int, rounds: int) -> Seen:
        """Let each reader ask so many questions; their beginnings are spread."""
        seen = Seen()

        async def read(reader: int) -> None:
            await asyncio.sleep(reader / streams * self.model.tokens / self.model.tokens_per_s)
            for turn in range(rounds):
                await self.ask(reader * rounds + turn, seen)

        await asyncio.gather(*(read(one) for one in range(streams)))
        return seen

    async def at_once(self, streams: int) -> tuple[Seen, list[float], int]:
        """Begin all streams together; while they run, ask more and time the refusals. Then leave."""
        seen = Seen()
        begun = [asyncio.Event() for _ in range(streams)]
        reading = [asyncio.ensure_future(self.ask(place, seen, one)) for place, one in enumerate(begun)]
        await asyncio.wait_for(asyncio.gather(*(one.wait() for one in begun)), START_S)
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
        for one in reading:
            one.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        return seen, refused_s, let_in


def measure(streams: int, rounds: int, embed: str) -> dict[str, Any]:
    """Run the whole measurement and return the figures."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    return asyncio.run(_measure(streams, rounds, embed))


async def _measure(streams: int, rounds: int, embed: str) -> dict[str, Any]:
    busy = os.getloadavg()[0]
    questions = [one.question for one in load_gold(_GOLD)]
    with tempfile.TemporaryDirectory() as folder:
        async with ModelServer() as model, _service(Path(folder), model.url, streams + SPARE, embed) as (http, process):
            bench = Bench(http, model, questions)
            await bench.ask(0, Seen())  # the first question loads what later ones share
            began, cpu, own = time.perf_counter(), _cpu_s(process.pid), time.process_time()
            steady = await bench.steadily(streams, rounds)
            took, cpu, own = time.perf_counter() - began, _cpu_s(process.pid) - cpu, time.process_time() - own
            burst, refused_s, let_in = await bench.at_once(streams + SPARE)
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


def _cpu_s(pid: int) -> float:
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def _service(
    folder: Path, model_url: str, places: int, embed: str
) -> AsyncIterator[tuple[httpx.AsyncClient, subprocess.Popen[bytes]]]:
    """Serve the sample articles with a place for each stream."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("QA_", "OPENAI_"))}
    env |= {"QA_DATA_DIR": str(folder / "data"), "QA_EMBED_MODEL": embed, "QA_LLM_MODEL": "scripted"}
    env |= {"OPENAI_BASE_URL": model_url, "QA_MAX_IN_FLIGHT": str(places), "QA_LOG_LEVEL": "WARNING"}
    owner = folder / "data" / "owner.json"
    command = [str(Path(sys.executable).with_name("qa")), "serve", "--port", "0", "--samples"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=env, cwd=folder, stderr=log, stdout=log) as one,  # noqa: ASYNC220, S603  # our own server, started before anything is timed
    ):
        try:
            until = time.monotonic() + START_S
            while not (owner.exists() and (url := json.loads(owner.read_text() or "{}").get("url"))):
                if one.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the service did not start: {(folder / 'log').read_text()[-500:]}")
                await asyncio.sleep(0.1)
            # Connections are let go before the server closes them, which would read as a fault of the service.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=2.0)
            async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http:
                yield http, one
        finally:
            one.terminate()
            one.wait(20)


def misses(figures: dict[str, Any]) -> list[str]:
    """Return the goals that were not met."""
    missed = [name for name, goal in GOALS.items() if figures[name] is None or figures[name] > goal]
    return [*missed, *(["faults"] if figures["faults"] else [])]


def show(figures: dict[str, Any], as_json: bool) -> None:
    """Print the figures, one a line, each goal beside its figure."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        goal = f"   goal {GOALS[name]:g}" if name in GOALS else ""
        print(f"{name:28} {value}{goal}")
