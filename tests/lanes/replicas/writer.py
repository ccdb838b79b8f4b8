"""A writer: it sends its steps to any replica that accepts them, and journals what was acknowledged.

python -m tests.lanes.replicas.writer NUMBER FOLDER URL...
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.lanes.crash import journal

# Sent by every writer in every step: that they are there once shows that ingestion is idempotent.
COMMON = {f"common-{n}": f"Common article {n}. Both writers send it again and again 😀." for n in range(5)}


def named(number: int, state: journal.State) -> journal.State:
    """Return a state with its ids prefixed for one writer."""
    return {f"w{number}-{article_id}": text for article_id, text in state.items()}


def main() -> None:
    """Write until killed."""
    number, folder, urls = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    with (
        (folder / "journal").open("a") as file,
        httpx.Client(timeout=60, trust_env=False) as http,
    ):
        for step in journal.steps(folder):
            journal.note(file, f"begin {step}")
            changes = named(number, journal.written(step))
            _send(http, urls, step, {article_id: text for article_id, text in changes.items() if text} | COMMON)
            for article_id in (article_id for article_id, text in changes.items() if text is None):
                _take_down(http, urls, step, article_id)
            journal.note(file, f"ack {step}")


def _send(http: httpx.Client, urls: Sequence[str], step: int, texts: dict[str, str]) -> None:
    body = {"articles": [{"id": article_id, "text": text} for article_id, text in texts.items()]}
    _send_until_accepted(urls, step, lambda url: http.post(f"{url}/v1/articles", json=body).status_code == 200)


def _take_down(http: httpx.Client, urls: Sequence[str], step: int, article_id: str) -> None:
    _send_until_accepted(
        urls,
        step,
        lambda url: http.delete(f"{url}/v1/articles/{quote(article_id, safe='')}").status_code in (200, 204, 404),
    )


def _send_until_accepted(urls, step, send) -> None:  # type: ignore[no-untyped-def]
    """Try one replica after the other until one accepts."""
    turn = step
    while True:
        try:
            if send(urls[turn % len(urls)]):
                return
        except httpx.HTTPError:
            time.sleep(0.05)
        turn += 1


if __name__ == "__main__":
    main()
