"""Kill the ingesting process again and again: what it acknowledged is there, and nothing is half there.

`CRASH_ROUNDS` (6) and `CRASH_SEED` say how often and when. Each process first checks, in a fresh interpreter, what the
one before it left behind, and then goes on ingesting until it is killed in turn; the last one only checks.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "6"))
SEED = int(os.environ.get("CRASH_SEED", "20230322"))
IDS = 40  # fewer than there are steps, so that later ones are updates
PER_STEP = 3


def test_what_was_acknowledged_survives(tmp_path: Path) -> None:
    """Every acknowledged article is there once with its exact text, the one in flight is whole or not there."""
    dice = random.Random(SEED)
    for number in range(ROUNDS):
        child = start(tmp_path, "ingest", number)
        try:
            assert child.stdout is not None
            said = child.stdout.readline()
            assert said == "checked\n", f"round {number} of seed {SEED}: {said}"
            if number % 2:  # also on a busy machine something must be acknowledged
                wait_for_progress(tmp_path)
            time.sleep(dice.uniform(0.02, 1.0))
        finally:
            child.send_signal(signal.SIGKILL)
            child.communicate()
    last = start(tmp_path, "check", ROUNDS)
    out, _ = last.communicate(timeout=60)
    assert (out, last.returncode) == ("checked\n", 0), f"after {ROUNDS} rounds of seed {SEED}"
    assert journal(tmp_path)[1] + 1 >= ROUNDS // 2  # else nothing was tried


def wait_for_progress(folder: Path) -> None:
    """Return when one more step is acknowledged."""
    before, deadline = journal(folder)[1], time.monotonic() + 30
    while journal(folder)[1] == before and time.monotonic() < deadline:
        time.sleep(0.01)


def start(folder: Path, work: str, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash.test_kill", work, str(folder), str(number)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
    )


# -- the child ---------------------------------------------------------------------------------------------------


def body_of(step: int, place: int) -> str:
    """Return a text that no other step has, of one to some chunks, with repeats and letters outside the first plane."""
    dice = random.Random(f"{step}/{place}")
    # Many different words, because vectors of texts that are all alike are lost in Chroma's graph without any crash.
    sentences = [
        " ".join(f"word{dice.randrange(2_000)}" for _ in range(12)) + " 😀." for _ in range(dice.randrange(40))
    ]
    return f"This is step {step}, article {place}. " + " ".join([*sentences, *sentences[:2], "Cafe\u0301 市长。"])


def articles_of(step: int) -> dict[str, str]:
    """Return the articles that a step writes, by id."""
    return {f"id-{(step * PER_STEP + place) % IDS}": body_of(step, place) for place in range(PER_STEP)}


def journal(folder: Path) -> tuple[int, int]:
    """Return the last step that was begun and the last that was acknowledged, -1 for none."""
    seen = {"begin": -1, "ack": -1}
    file = folder / "journal"
    for line in file.read_text().splitlines(keepends=True) if file.exists() else ():
        if line.endswith("\n"):  # else it is being written
            word, _, number = line.partition(" ")
            seen[word] = max(seen[word], int(number))
    return seen["begin"], seen["ack"]


def possible(begun: int, acknowledged: int) -> dict[str, set[str | None]]:
    """Return what each article's text may be now; None is not there."""
    expected: dict[str, set[str | None]] = {f"id-{number}": {None} for number in range(IDS)}
    for step in range(begun + 1):
        for one, body in articles_of(step).items():
            expected[one] = {body} if step <= acknowledged else expected[one] | {body}
    return expected


def check(folder: Path) -> None:
    """Open the store that a killed process left and compare it with the journal."""
    from tests.fakes import HashEmbedder, Store

    begun, acknowledged = journal(folder)
    with Store(folder, HashEmbedder()) as store:
        listed = [row.source.article_id for row in store.catalog.articles("default", 0, 10 * IDS)]
        assert len(listed) == len(set(listed)), "an article is listed twice"
        assert set(listed) <= {f"id-{number}" for number in range(IDS)}
        texts = {one: store.catalog.text("default", one).text for one in listed}
        expected = possible(begun, acknowledged)
        for one, bodies in expected.items():
            assert texts.get(one) in bodies, f"{one} is not what was acknowledged"
        whole = {body in texts.values() for body in articles_of(begun).values()} if begun > acknowledged else {True}
        assert len(whole) == 1, "a batch is half there"
        store.projections.catch_up()
        problems = store.problems()
        assert problems == [], problems
        check_chunks(store, texts)


def check_chunks(store: Any, texts: dict[str, str]) -> None:
    """Assert that the spans of the live chunks are exact, in order, and together cover the text."""
    rows = store.catalog.chunks_of(store.catalog.live_pks())
    assert {row.source.article_id for row in rows} == set(texts)
    covered: dict[str, int] = dict.fromkeys(texts, 0)
    for row in rows:
        body = texts[row.source.article_id]
        assert row.text == row.span.slice(body)
        assert not body[covered[row.source.article_id] : row.span.start].strip()
        covered[row.source.article_id] = max(row.span.end, covered[row.source.article_id])
    for one, end in covered.items():
        assert not texts[one][end:].strip()
    assert len(store.vectors.places()) == len(rows) == len(store.lexical.keys())


def ingest_for_ever(folder: Path) -> None:
    """Write step after step; a step is acknowledged when it could be asked about."""
    from tests.fakes import HashEmbedder, Store, article

    with Store(folder, HashEmbedder()) as store, (folder / "journal").open("a") as file:
        for step in steps(folder):
            note(file, f"begin {step}")
            store.add(*(article(one, body) for one, body in articles_of(step).items()))
            note(file, f"ack {step}")


def steps(folder: Path) -> Iterator[int]:
    begun, acknowledged = journal(folder)
    step = begun if begun > acknowledged else begun + 1  # the one in flight is tried again
    while True:
        yield step
        step += 1


def note(file: TextIO, line: str) -> None:
    file.write(line + "\n")
    file.flush()
    os.fsync(file.fileno())


if __name__ == "__main__":
    check(Path(sys.argv[2]))
    print("checked", flush=True)
    if sys.argv[1] == "ingest":
        ingest_for_ever(Path(sys.argv[2]))
