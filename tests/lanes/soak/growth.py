"""`python -m tests.lanes.soak.growth`: memory growth of the service by kind of request.

One server, one kind of request at a time, the same fifty questions and the same fifty articles again and again: growth
after the warm-up is a leak.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from tests.lanes.soak.server import Process, free_port, with_model
from tests.lanes.soak.truth import PLACES, THINGS, body_of

_ARTICLES = 50
_QUESTIONS = [f"How many {thing} did the council of {place} count?" for place in PLACES for thing in THINGS][:50]
_EVERY = 50  # requests between two memory samples
_WARM_UP = 0.4  # share of a kind's requests that fill pools and caches
_CLIENTS = 4

Send = Callable[[httpx.Client, int], httpx.Response]


def _ask(http: httpx.Client, number: int) -> httpx.Response:
    body = {"question": _QUESTIONS[number % len(_QUESTIONS)], "mode": "extractive"}
    return http.post("/v1/ask", json=body)


def _stream(http: httpx.Client, number: int) -> httpx.Response:
    body = {"question": _QUESTIONS[number % len(_QUESTIONS)], "mode": "extractive", "stream": True}
    return http.post("/v1/ask", json=body)


def _model(http: httpx.Client, number: int) -> httpx.Response:
    body = {"question": _QUESTIONS[number % len(_QUESTIONS)], "mode": "llm"}
    return http.post("/v1/ask", json=body)


def _leave(http: httpx.Client, number: int) -> httpx.Response:
    body = {"question": _QUESTIONS[number % len(_QUESTIONS)], "mode": "llm", "stream": True}
    with http.stream("POST", "/v1/ask", json=body) as response:
        next(response.iter_raw(), b"")
    return response


def _chat(http: httpx.Client, number: int) -> httpx.Response:
    message = {"role": "user", "content": _QUESTIONS[number % len(_QUESTIONS)]}
    body = {"model": "news-qa", "messages": [message], "stream": number % 2 == 0}
    return http.post("/v1/chat/completions", json=body)


def _respond(http: httpx.Client, number: int) -> httpx.Response:
    return http.post("/v1/responses", json={"model": "news-qa", "input": _QUESTIONS[number % len(_QUESTIONS)]})


def _search(http: httpx.Client, number: int) -> httpx.Response:
    return http.post("/v1/search", json={"query": _QUESTIONS[number % len(_QUESTIONS)], "top_k": 20})


def _replace(http: httpx.Client, number: int) -> httpx.Response:
    """Write an article with one of four texts, or take it down: the same words and vectors recur."""
    article_id = f"soak-{number % _ARTICLES}"
    round_ = number // _ARTICLES
    if round_ % 5 == 4:
        return http.delete(f"/v1/articles/{article_id}")
    body = {"id": article_id, "text": body_of(article_id, round_ % 5), "title": f"Report {article_id}"}
    return http.post("/v1/articles", json=body)


def _ready(http: httpx.Client, number: int) -> httpx.Response:
    return http.get(("/readyz", "/metrics", "/", "/healthz")[number % 4])


KINDS: dict[str, Send] = {
    "ready": _ready,
    "search": _search,
    "ask": _ask,
    "stream": _stream,
    "model": _model,
    "leave": _leave,
    "chat": _chat,
    "respond": _respond,
    "replace": _replace,
}


def drive(server: Process, send: Send, requests: int) -> tuple[list[tuple[int, float]], int]:
    """Send the requests from a few clients; return samples of (requests, MB) and the number of non-200 replies."""
    numbers: Iterator[int] = itertools.count()
    samples: list[tuple[int, float]] = []
    failed: list[int] = []
    turn = threading.Lock()

    def work() -> None:
        with httpx.Client(base_url=server.url, timeout=90) as http:
            while True:
                with turn:
                    number = next(numbers)
                    if number < requests and number % _EVERY == 0:
                        samples.append((number, server.watched.memory_info().rss / 1e6))
                if number >= requests:
                    return
                response = send(http, number)
                if response.status_code != 200:
                    failed.append(response.status_code)

    with ThreadPoolExecutor(_CLIENTS) as pool:
        for worker in [pool.submit(work) for _ in range(_CLIENTS)]:
            worker.result()
    samples.append((requests, server.watched.memory_info().rss / 1e6))
    return samples, len(failed)


def slope(samples: list[tuple[int, float]]) -> float:
    """Return the growth in MB per 1,000 requests, by regression over the samples after the warm-up."""
    warm = [sample for sample in samples if sample[0] >= _WARM_UP * samples[-1][0]]
    requests, megabytes = np.array(warm).T
    return float(np.polyfit(requests / 1_000, megabytes, 1)[0])


def main() -> None:
    """Read the arguments, run each kind and print its line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000, help="of each kind")
    parser.add_argument("--embed", default="none", help="QA_EMBED_MODEL")
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    port = free_port()
    model = subprocess.Popen([sys.executable, "-m", "tests.lanes.soak.model", str(port), "1", "--good"])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = Process(Path(folder), free_port(), with_model(port) | {"QA_EMBED_MODEL": options.embed})
        try:
            drive(server, _replace, _ARTICLES)
            for kind in options.kinds.split(","):
                began = time.monotonic()
                samples, failed = drive(server, KINDS[kind], options.requests)
                took_s = time.monotonic() - began
                fifths = ", ".join(f"{samples[(len(samples) - 1) * part // 5][1]:.0f}" for part in range(6))
                print(
                    f"{kind:8} {options.embed}: {slope(samples):+.2f} MB for 1,000 requests, n = {options.requests}"
                    f" ({failed} not 200) in {took_s:.0f} s; {fifths} MB; {server.watched.num_threads()} threads,"
                    f" {server.watched.num_fds()} files",
                    flush=True,
                )
        finally:
            server.end(signal.SIGTERM)
            model.kill()
            model.wait()


if __name__ == "__main__":
    main()
