"""Three replicas, two writers, one PostgreSQL, and `kill -9` at random.

    python -m tests.lanes.replicas [--rounds N] [--seed N] [--articles N] [--chroma]

Prints: how long a takedown takes, from its request until no replica shows the article, how long a new replica takes
until it is ready, how many acknowledged articles are lost, duplicated or cited wrongly, and which statuses readers got
meanwhile. Exit 1 if anything is wrong; the logs of all processes are then kept.
"""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from qa.catalog.catalog import Catalog
from tests.lanes.crash import journal
from tests.lanes.replicas.fleet import Program, Replica, Stage, stage, until, vector_server
from tests.lanes.replicas.reader import Reader
from tests.lanes.replicas.writer import COMMON, named

WRITERS = 2
KILLS, TAKEDOWNS = 5, 5  # per round


class Fleet:
    """Replicas, writers and readers, and the measurements on them."""

    def __init__(self, on: Stage, env: dict[str, str], seed: int) -> None:
        self.stage = on
        self.dice = random.Random(seed)
        self.env = env
        self.replicas = [on.starts(Replica(f"replica-{n}", on.folder, env)) for n in range(3)]
        self.wait()
        urls = [replica.url for replica in self.replicas]
        self.journals = [on.folder / f"writer-{n}" for n in range(WRITERS)]
        self.writers: list[Program] = []
        for n, own in enumerate(self.journals):
            own.mkdir()
            command = [sys.executable, "-m", "tests.lanes.replicas.writer", str(n), str(own), *urls]
            self.writers.append(on.starts(Program(f"writer-{n}", command, on.folder, {})))
        self.readers = [Reader(replica, seed + n) for n, replica in enumerate(self.replicas)]
        self.takedowns: list[
            tuple[float, float]
        ] = []  # seconds from the request until acknowledged, and until gone everywhere

    def wait(self) -> None:
        """Wait until every replica is ready."""
        for replica in self.replicas:
            until(replica.is_ready, f"{replica.name} is ready")

    def kill_one(self, number: int) -> None:
        """Kill a replica or a writer; now and then the database. The victim is started again."""
        time.sleep(self.dice.uniform(0.2, 2.0))
        if number % 10 == 9:
            self.stage.cluster.stop()
            self.stage.cluster.start()
            return
        victim = self.dice.choice([*self.replicas, *self.replicas, *self.writers])
        victim.kill()
        time.sleep(self.dice.uniform(0.0, 0.5))
        victim.start()

    def take_down_one(self, number: int) -> None:
        """Write an article on one replica, take it down on another, and see when it is gone on all."""
        canary, word = f"canary-{number}", f"zyzzyva{number}"
        first, second = self.dice.sample(self.replicas, 2)
        sent = {"id": canary, "text": f"The {word} canary sang in the harbour on Monday."}
        first.http.post("/v1/articles", json=sent).raise_for_status()
        for replica in self.replicas:
            until(partial(replica.finds, word, canary), f"{canary} is found on {replica.name}")
        began = time.monotonic()
        second.http.delete(f"/v1/articles/{canary}").raise_for_status()
        answered = time.monotonic()

        def gone_at(replica: Replica) -> float:
            while True:
                sent_at = time.monotonic()
                if not replica.finds(word, canary) and not replica.has(canary):
                    return sent_at

        with ThreadPoolExecutor(3) as pool:
            gone = max(
                pool.map(gone_at, self.replicas)
            )  # when the first request that does not see the article was sent
        self.takedowns.append((answered - began, gone - began))
        for replica in self.replicas:
            answer = replica.ask(f"What did the {word} canary do on Monday?")
            assert all(cited["article_id"] != canary for cited in answer["citations"]), f"{replica.name} cites {canary}"

    def judge(self) -> list[str]:
        """Stop writers and readers and compare what every replica shows with what was acknowledged."""
        for writer in self.writers:
            writer.kill()
        for reader in self.readers:
            reader.close()
        marks = [journal.marks(own) for own in self.journals]
        problems = [problem for reader in self.readers for problem in reader.problems]
        for replica in self.replicas:
            until(replica.is_ready, f"{replica.name} is ready at the end")
            listed = replica.articles()
            problems += [f"{replica.name}: an article is listed twice"] * (len(listed) != len(set(listed)))
            problems += [f"{replica.name}: {name} is missing" for name in COMMON if name not in listed]
            problems += [f"{replica.name}: {name} was taken down" for name in listed if name.startswith("canary")]
            for n, (begun, acknowledged) in enumerate(marks):
                texts = {name: _text(replica, name) for name in listed if name.startswith(f"w{n}-")}
                problems += _wrong(
                    replica.name, texts, *(named(n, state) for state in journal.allowed(begun, acknowledged))
                )
        return problems


def _text(replica: Replica, article_id: str) -> str:
    got = replica.http.get(f"/v1/articles/{article_id}/text")
    return str(got.json()["text"]) if got.status_code == 200 else got.text


def _wrong(name: str, texts: dict[str, str], before: journal.State, after: journal.State) -> list[str]:
    ids = before.keys() | texts.keys()
    return [
        f"{name}: {article_id} is not what was acknowledged"
        for article_id in sorted(ids)
        if texts.get(article_id) not in (before.get(article_id), after.get(article_id))
    ]


def citations(replica: Replica, dice: random.Random) -> tuple[int, int]:
    """Ask with words of articles and compare each quote with its span; return the counts of all and of wrong quotes."""
    seen = wrong = 0
    names = replica.articles()
    for name in dice.sample(names, min(40, len(names))):
        words = _text(replica, name).split()
        for cited in replica.ask(f"What about {' '.join([*words[:6], *dice.choices(words, k=6)])}?")["citations"]:
            path = f"/v1/articles/{cited['article_id']}/text"
            text = replica.http.get(path, params={"version": cited["version"]}).json()["text"]
            seen += 1
            wrong += text[cited["start"] : cited["end"]] != cited["quote"]
    return seen, wrong


def run(arguments: Any) -> int:
    """Run the rounds and print the figures."""
    dice = random.Random(arguments.seed)
    with stage() as on:
        database = on.cluster.url(on.cluster.create())
        fill(database, arguments.articles)
        env = {"QA_EMBED_MODEL": "none", "QA_DATABASE_URL": database}
        if arguments.chroma:
            env |= {"QA_EMBED_MODEL": "minilm", "QA_EMBED_THREADS": "1", "QA_CHROMA_URL": vector_server(on)}
        fleet = Fleet(on, env, arguments.seed)
        for part in range(arguments.rounds):
            for number in range(KILLS):
                fleet.kill_one(part * KILLS + number)
            fleet.wait()
            for number in range(TAKEDOWNS):
                fleet.take_down_one(part * TAKEDOWNS + number)
            print(f"round {part}: {len(fleet.takedowns)} takedowns so far", file=sys.stderr, flush=True)
        problems = fleet.judge()
        late = on.starts(Replica("late", on.folder, env))
        late_s = until(late.is_ready, "the late replica is ready")
        everyone = [*fleet.replicas, late]
        checked = [citations(replica, dice) for replica in everyone]
        count = len(late.articles())
        problems += [problem for problem in [replica.verify() for replica in everyone] if problem]
        report(fleet, late_s, count, checked, problems)
        on.failed = bool(problems or sum(wrong for _, wrong in checked))
    return int(on.failed)


def fill(database: str, articles: int) -> None:
    """Write articles into the catalog beforehand, for a new replica to build its index from."""
    from qa.ingest.ingest import ingest
    from tests.fakes import article

    catalog = Catalog(database)
    texts = (next(iter(journal.written(n).values()), None) for n in range(10 * articles))
    made = [article(f"old-{n}", text) for n, text in enumerate(filter(None, texts))][:articles]
    ingest(made, catalog, None)
    catalog.close()


def report(fleet: Fleet, late_s: float, count: int, checked: list[tuple[int, int]], problems: list[str]) -> None:
    """Print the figures."""
    acknowledged = [journal.marks(own)[1] + 1 for own in fleet.journals]
    print(f"steps acknowledged by the writers: {acknowledged}; articles in the end: {count}")
    for what, times in zip(("acknowledged", "gone on every replica"), zip(*fleet.takedowns, strict=True), strict=True):
        p50, most = statistics.median(times), max(times)
        print(f"takedown: from its request until {what}: {p50:.2f} s (p50), {most:.2f} s (max), n = {len(times)}")
    statuses = sum((reader.statuses for reader in fleet.readers), Counter[int]())
    print(f"readers were answered {statuses.total()} times, by status: {dict(statuses)}")
    print(f"a new replica was ready after {late_s:.1f} s with {count} articles")
    print(f"citations: {sum(wrong for _, wrong in checked)} of {sum(seen for seen, _ in checked)} not exact")
    print(f"lost, doubled or wrong: {len(problems)}")
    for problem in problems[:20]:
        print(f"  {problem}")


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Three replicas, two writers and kill -9.")
    parser.add_argument("--rounds", type=int, default=6, help=f"of {KILLS} kills and {TAKEDOWNS} takedowns")
    parser.add_argument("--articles", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20230322)
    parser.add_argument("--chroma", action="store_true", help="with embeddings in one shared Chroma server")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that child processes are ended
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
