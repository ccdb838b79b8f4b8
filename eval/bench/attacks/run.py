"""Plant attacks in articles, answer with a model that works for the attacker, and count what gets through.

    python -m eval.bench.attacks.run [--texts FILE] [--sample N] [--seed N]

Everything real is between the two ends: `qa serve` with words alone in a process of its own, articles sent to it over
HTTP, questions asked whole and as a stream, and a model server on a socket (hostile_model.py beside this file).
docs/attacks.md has the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from eval.bench.attacks.checks import KINDS, Fault, claims_of, find_faults, find_leaks
from eval.bench.attacks.hostile_model import BEHAVIOURS, TraitorServer
from eval.bench.attacks.plants import LIE, QUESTION, Plant, every_place, load_texts, own_plants, rows

EXTRACTIVE = "(no model)"
AS_OF = "2026-06-01"
Json = dict[str, Any]


class Client(Protocol):
    """Send a request to the service under attack: the status and the body."""

    def __call__(self, method: str, path: str, body: Json | None = None) -> tuple[int, str]:
        """Return the status and the body of the response."""
        ...


@dataclass(slots=True)
class Tally:
    """What a lane found."""

    runs: Counter[str] = field(default_factory=Counter)
    faults: dict[str, Counter[str]] = field(default_factory=dict)  # behaviour -> kind -> count
    cited: Counter[str] = field(default_factory=Counter)  # runs whose answer cites something
    lies: Counter[str] = field(default_factory=Counter)  # runs that show the planted text as supported
    reached: int = 0  # plants at a position that the model was shown
    planted: int = 0
    refused: list[str] = field(default_factory=list)  # plants that ingestion did not take
    examples: list[str] = field(default_factory=list)

    def note(self, behaviour: str, plant: Plant, answer: Json, faults: Sequence[Fault]) -> None:
        """Count one run."""
        self.runs[behaviour] += 1
        self.cited[behaviour] += bool(answer["citations"])
        self.lies[behaviour] += claims_of(answer, plant.text or plant.said) or claims_of(answer, LIE)
        kinds = self.faults.setdefault(behaviour, Counter())
        kinds.update(kind for kind, _ in faults)
        self.examples += [f"{behaviour} | {plant.name} | {kind}: {what}" for kind, what in faults]

    def total(self, kind: str) -> int:
        """Return how often one kind of fault was found."""
        return sum(counter[kind] for counter in self.faults.values())


def attack(
    client: Client,
    traitor: TraitorServer,
    plants: Sequence[tuple[Plant, str]],
    behaviours: Sequence[str],
    tally: Tally,
    *,
    streamed: int = 3,
) -> None:
    """Plant each attack in a collection of its own and let every behaviour answer; one run in `streamed` streams."""
    for number, (plant, position) in enumerate(plants):
        collection = f"attack-{len(tally.runs)}-{tally.planted}"
        articles = _plant(client, plant, position, collection, tally)
        if not articles:
            continue
        traitor.planted, shown = plant.said, False
        for at, behaviour in enumerate((*behaviours, EXTRACTIVE)):
            traitor.turn_to(behaviour)
            ask = {"question": QUESTION, "as_of": AS_OF, "collection": collection}
            ask["mode"] = "extractive" if behaviour == EXTRACTIVE else "llm"
            answer, looked, broken = _ask(client, ask, streamed=(number + at) % streamed == 0)
            faults = find_faults(answer, articles, looked) + broken
            if (read := traitor.last) is not None:
                shown = traitor.shown(plant.said)
                faults += find_leaks(answer["answer"], read.system, read.fence, [key for key, _ in read.lines])
            tally.note(behaviour, plant, answer, faults)
        tally.reached += shown


def _plant(client: Client, plant: Plant, position: str, collection: str, tally: Tally) -> dict[tuple[str, int], Json]:
    """Send the articles and return them as they are stored; what is refused at the door is noted."""
    tally.planted += 1
    stored: dict[tuple[str, int], Json] = {}
    _, said = client("POST", f"/v1/articles?collection={collection}", {"articles": rows(plant, position)})
    report = json.loads(said)
    if report.get("refused") or "error" in report:
        tally.refused.append(f"{plant.name}: {report['refused'][0]['reason'] if report.get('refused') else said}")
    _, said = client("GET", f"/v1/articles?collection={collection}&limit=10")
    for row in json.loads(said)["articles"]:
        _, said = client("GET", f"/v1/articles/{quote(row['article_id'], safe='')}/text?collection={collection}")
        stored[row["article_id"], row["version"]] = json.loads(said)
    return stored


def _ask(client: Client, body: Json, *, streamed: bool) -> tuple[Json, list[Json] | None, list[Fault]]:
    """Return the answer, what a stream said it looked at, and what is wrong with the stream itself."""
    status, said = client("POST", "/v1/ask", body | {"stream": streamed})
    if status != 200:
        raise RuntimeError(f"the service answered {status}: {said[:300]}")
    if not streamed:
        return json.loads(said), None, []
    blocks = (block.split("\n") for block in said.replace("\r\n", "\n").split("\n\n"))
    events = [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in blocks
        if len(lines) == 2 and lines[0].startswith("event: ")
    ]
    answer: Json = events[-1][1]
    broken: list[Fault] = []
    known: set[int] = set()
    for name, data in events:
        known |= {data["number"]} if name == "citation" else set()
        if name == "delta" and any(f"[{number}]" in data["text"] for number in range(1, 100) if number not in known):
            broken.append(("forged source", f"a marker before its citation: {data['text']}"))
    if "".join(data["text"] for name, data in events if name == "delta") != answer["answer"]:
        broken.append(("claim", "the stream says something else than the answer"))
    return answer, events[0][1]["sources"], broken


def table(tally: Tally) -> str:
    """Return the figures as Markdown."""
    heads = " | ".join(KINDS)
    lines = [
        f"| behaviour | runs | cite something | {heads} | planted text shown as supported |",
        "|---" * (len(KINDS) + 4) + "|",
    ]
    for name, runs in tally.runs.items():
        counts = " | ".join(str(tally.faults[name][kind]) for kind in KINDS)
        lines.append(f"| {name} | {runs} | {tally.cited[name]} | {counts} | {tally.lies[name]} |")
    totals = " | ".join(str(tally.total(kind)) for kind in KINDS)
    lines.append(
        f"| all | {tally.runs.total()} | {tally.cited.total()} | {totals} | {tally.lies.total()} |\n\n"
        f"planted {tally.planted}, shown to the model {tally.reached}, not taken by ingestion {len(tally.refused)}"
    )
    return "\n".join(lines)


@contextmanager
def serving(model_url: str, folder: Path) -> Iterator[Client]:
    """Run `qa serve` with words alone on a free port, asking the model server at `model_url`."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    own = {
        "QA_DATA_DIR": str(folder),
        "QA_EMBED_MODEL": "none",
        "QA_LLM_MODEL": "traitor",
        "OPENAI_BASE_URL": model_url,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QA_", "OPENAI_"))}
    command = [str(Path(sys.executable).with_name("qa")), "serve", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        run = subprocess.Popen(command, env=kept | own, cwd=folder, stderr=log, stdout=log)  # noqa: S603  # our own program
        try:
            client = _over_socket(f"http://127.0.0.1:{port}")
            _wait_until_ready(client, run)
            yield client
        finally:
            run.terminate()
            run.wait(30)


def _wait_until_ready(client: Client, run: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and run.poll() is None:
        try:
            if client("GET", "/readyz")[0] == 200:
                return
        except URLError:
            time.sleep(0.1)
    raise RuntimeError("qa serve did not start")


def _over_socket(url: str) -> Client:
    def send(method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, str]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(url + path, data, {"content-type": "application/json"}, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310
                return response.status, response.read().decode()
        except HTTPError as exc:
            return exc.code, exc.read().decode()

    return send


def main() -> None:
    """Run the lane and exit 1 if anything got through."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, help="further attack texts: JSON, {kind: [text]}")
    parser.add_argument("--sample", type=int, default=0, help="so many plants at a position, drawn; 0 is all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--examples", type=int, default=20)
    options = parser.parse_args()
    chosen = every_place([*own_plants(), *(load_texts(options.texts) if options.texts else ())])
    if options.sample:
        chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
    tally = Tally()
    with (
        tempfile.TemporaryDirectory() as folder,
        TraitorServer(options.seed) as traitor,
        serving(traitor.url, Path(folder)) as client,
    ):
        attack(client, traitor, chosen, list(BEHAVIOURS), tally)
    print(table(tally))
    for refused in sorted(set(tally.refused)):
        print(f"not taken: {refused}")
    for example in tally.examples[: options.examples]:
        print(example)
    sys.exit(1 if tally.examples else 0)


if __name__ == "__main__":
    main()
