"""The load: clients that ask over several protocols, search or disconnect early; and writers that change articles."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from tests.lanes.soak.truth import PLACES, THINGS, Truth

_STATUSES = {"answered", "partial", "conflicting", "not_in_sources"}
_TYPED = {503, 507}  # allowed while a dependency is away


class Load:
    """Threads that ask and write until stopped, with a count of the outcomes."""

    def __init__(self, url: str, truth: Truth, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.broken: list[str] = []
        self.away = threading.Event()  # the server is being killed or is starting: connections may fail
        self._url = url
        self._truth = truth
        self._seed = seed
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start one thread for each kind of client."""
        jobs = [self._ask, self._ask_streamed, self._chat, self._respond, self._search, self._leave, self._write]
        for number, job in enumerate(jobs):
            thread = threading.Thread(target=self._repeat, args=(job, random.Random(self._seed + number)), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop after the requests in flight."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _repeat(self, job: Callable[[httpx.Client, random.Random], None], dice: random.Random) -> None:
        with httpx.Client(base_url=self._url, timeout=90) as http:
            while not self._stop.wait(dice.uniform(0, 0.4)):
                name = job.__name__.strip("_")
                was_away = self.away.is_set()
                try:
                    job(http, dice)
                except httpx.TransportError as exc:
                    # A connection that was opened just before a kill may fail just after it.
                    if was_away or self.away.wait(1):
                        self._count(name, "server away")
                    else:
                        self._break(f"{name}: {type(exc).__name__} {exc} while the server should be there")
                except (KeyError, TypeError, ValueError) as exc:
                    self._break(f"{name}: a reply of another shape: {type(exc).__name__} {exc}")

    def _count(self, name: str, outcome: str) -> None:
        with self._lock:
            self.outcomes[f"{name}: {outcome}"] += 1

    def _break(self, problem: str) -> None:
        with self._lock:
            self.broken.append(problem)
        print(f"BROKEN {problem}", file=sys.stderr, flush=True)

    def _usable(self, name: str, response: httpx.Response) -> bool:
        """Count an error reply; return whether the reply is a 200, to be checked further."""
        if response.status_code == 200:
            return True
        if response.status_code >= 500 and response.status_code not in _TYPED:
            self._break(f"{name}: status {response.status_code} {response.text[:200]}")
        error = response.json()["error"]
        self._count(name, f"{response.status_code} {error['code']}")
        return False

    # -- readers ---------------------------------------------------------------------------------------------------

    def _question(self, dice: random.Random) -> str:
        return f"How many {dice.choice(THINGS)} did the council of {dice.choice(PLACES)} count?"

    def _ask(self, http: httpx.Client, dice: random.Random) -> None:
        began = time.monotonic()
        response = http.post("/v1/ask", json={"question": self._question(dice)})
        if self._usable("ask", response):
            self._check("ask", response.json(), began)

    def _ask_streamed(self, http: httpx.Client, dice: random.Random) -> None:
        began = time.monotonic()
        with http.stream("POST", "/v1/ask", json={"question": self._question(dice), "stream": True}) as response:
            body = response.read().decode()
        if not self._usable("ask streamed", response):
            return
        events = [dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and line[0] != ":")
                  for block in body.split("\n\n")]  # fmt: skip
        events = [event for event in events if "event" in event]
        last = json.loads(events[-1]["data"])
        if events[-1]["event"] == "error":
            self._count("ask streamed", f"error {last['error']['code']}")
            return
        streamed = "".join(json.loads(event["data"])["text"] for event in events if event["event"] == "delta")
        if streamed != last["answer"]:
            self._break(f"ask streamed: the deltas are not the answer: {streamed!r} {last['answer']!r}")
        self._check("ask streamed", last, began)

    def _chat(self, http: httpx.Client, dice: random.Random) -> None:
        stream = dice.random() < 0.5
        body = {"model": "news-qa", "messages": [{"role": "user", "content": self._question(dice)}], "stream": stream}
        response = http.post("/v1/chat/completions", json=body)
        if not self._usable("chat", response):
            return
        if stream:
            last = response.text.rstrip().rpartition("data: ")[2]
            if last.startswith('{"error": '):  # a stream that fails has no end mark
                self._count("chat", f"error {json.loads(last)['error']['code']}")
                return
            if last != "[DONE]":
                self._break(f"chat: the stream has no end: {response.text[-200:]!r}")
        elif not response.json()["choices"][0]["message"]["content"]:
            self._break("chat: an empty answer")
        self._count("chat", "200")

    def _respond(self, http: httpx.Client, dice: random.Random) -> None:
        response = http.post("/v1/responses", json={"model": "news-qa", "input": self._question(dice)})
        if self._usable("responses", response):
            status = response.json()["status"]
            if status not in ("completed", "incomplete", "failed"):
                self._break(f"responses: status {status}")
            self._count("responses", f"200 {status}")

    def _search(self, http: httpx.Client, dice: random.Random) -> None:
        began = time.monotonic()
        response = http.post("/v1/search", json={"query": self._question(dice), "top_k": 20})
        if not self._usable("search", response):
            return
        found = response.json()
        for hit in found["hits"]:
            if problem := self._truth.check_hit(hit, began):
                self._break(f"search: {problem}")
        self._count("search", "200 degraded" if found["degraded"] else "200")

    def _leave(self, http: httpx.Client, dice: random.Random) -> None:
        body = {"question": self._question(dice), "stream": True}
        with http.stream("POST", "/v1/ask", json=body) as response:
            for _ in response.iter_raw():
                if dice.random() < 0.5:
                    break
        self._count("leave", str(response.status_code))

    def _check(self, name: str, answer: dict[str, Any], began: float) -> None:
        if answer["status"] not in _STATUSES:
            self._break(f"{name}: status {answer['status']}")
        if (answer["status"] == "not_in_sources") == bool(answer["citations"]):
            self._break(f"{name}: {answer['status']} with {len(answer['citations'])} citations")
        for citation in answer["citations"]:
            if problem := self._truth.check_citation(citation, began):
                self._break(f"{name}: {problem}")
        self._count(name, f"200 {answer['status']} {answer['mode']}" + " degraded" * bool(answer["degraded"]))

    # -- writers --------------------------------------------------------------------------------------------------

    def _write(self, http: httpx.Client, dice: random.Random) -> None:
        article_id = dice.choice(list(self._truth.lives))
        life = self._truth.lives[article_id]
        if life.version and life.gone_since is None and dice.random() < 0.3:
            response = http.delete(f"/v1/articles/{article_id}")
            if response.status_code == 404 or self._usable("take down", response):
                self._truth.is_gone(article_id)
                self._count("take down", str(response.status_code))
            return
        text = self._truth.about_to_write(article_id)
        response = http.post("/v1/articles", json={"id": article_id, "text": text, "title": f"Report {article_id}"})
        if self._usable("ingest", response):
            report = response.json()
            if report["refused"]:
                self._break(f"ingest: refused {report['refused']}")
            self._count("ingest", "200 updated" if report["updated"] else "200 added")
