"""A reader: it searches and asks one replica all the time, while processes are killed and articles replaced."""

from __future__ import annotations

import random
import threading
from collections import Counter

import httpx

from tests.lanes.crash import journal
from tests.lanes.replicas.fleet import Replica

_PAUSE_S = 0.2  # the machine has two cores, and this is to find faults, not to load it


class Reader:
    """Read from one replica until it is closed. A status other than 200 and 503 is a problem."""

    def __init__(self, replica: Replica, seed: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.problems: list[str] = []
        self._replica = replica
        self._dice = random.Random(seed)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"reader of {replica.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the request in flight."""
        self._done.set()
        self._thread.join()

    def _read(self) -> None:
        with httpx.Client(base_url=self._replica.url, timeout=60, trust_env=False) as http:
            while not self._done.wait(_PAUSE_S):
                try:
                    self._judge(self._request(http))
                except httpx.HTTPError:  # the replica was killed
                    continue

    def _request(self, http: httpx.Client) -> httpx.Response:
        # Words of articles that the writers replace and take down all the time.
        words = " ".join(str(text)[:200] for text in journal.written(self._dice.randrange(400)).values() if text)
        words = " ".join(self._dice.sample(words.split(), min(6, len(words.split())))) or "common article"
        if self._dice.random() < 0.5:
            return http.post("/v1/search", json={"query": words, "top_k": 20})
        return http.post("/v1/ask", json={"question": f"What about {words}?"})

    def _judge(self, got: httpx.Response) -> None:
        self.statuses[got.status_code] += 1
        if got.status_code not in (200, 503):
            self.problems.append(f"{self._replica.name}: {got.request.url.path} gave {got.status_code}: {got.text}")
