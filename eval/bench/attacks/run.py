"""Plant attacks in articles, answer with a hostile model, and count what gets through to the reader.

    python -m eval.bench.attacks.run [--texts FILE] [--sample N] [--seed N]

Everything between the two ends is real: `qa serve` in its own process, without vectors, articles posted over HTTP,
questions asked with and without streaming, and a model server on a socket (hostile_model.py beside this file).
docs/attacks.md has the figures.
"""

from __future__ import annotations

import argparse
import json
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

from eval.bench.attacks.checks import KINDS, Fault, find_faults, find_leaks, shows_as_supported
from eval.bench.attacks.hostile_model import BEHAVIOURS, HostileModelServer
from eval.bench.attacks.plants import LIE, QUESTION, Plant, every_place, load_texts, own_plants, rows
from eval.bench.processes import clean_environment

EXTRACTIVE = "(no model)"
AS_OF = "2026-06-01"
Json = dict[str, Any]


class Client(Protocol):
    """Sends requests to the service under attack."""

    def __call__(self, method: str, path: str, body: Json | None = None) -> tuple[int, str]:
        """Return the status and the body of the response."""
        ...


@dataclass(slots=True)
class Tally:
    """Counts over all runs, a run being one answer of one behaviour."""

    runs: Counter[str] = field(default_factory=Counter)
    faults: dict[str, Counter[str]] = field(default_factory=dict)  # behaviour -> kind -> count
    cited: Counter[str] = field(default_factory=Counter)  # runs whose answer cites something
    lies: Counter[str] = field(default_factory=Counter)  # runs that show the planted text as supported
    reached: int = 0  # plants that the model was shown
    planted: int = 0
    refused: list[str] = field(default_factory=list)  # plants that ingestion refused
    examples: list[str] = field(default_factory=list)

    def note(self, behaviour: str, plant: Plant, answer: Json, faults: Sequence[Fault]) -> None:
        """Count one run."""
        self.runs[behaviour] += 1
        self.cited[behaviour] += bool(answer["citations"])
        self.lies[behaviour] += shows_as_supported(answer, plant.text or plant.planted_text) or shows_as_supported(
            answer, LIE
        )
        kinds = self.faults.setdefault(behaviour, Counter())
        kinds.update(kind for kind, _ in faults)
        self.examples += [f"{behaviour} | {plant.name} | {kind}: {what}" for kind, what in faults]

    def total(self, kind: str) -> int:
        """Return how often one kind of fault was found."""
        return sum(counter[kind] for counter in self.faults.values())


def attack(
    client: Client,
    model: HostileModelServer,
    plants: Sequence[tuple[Plant, str]],
    behaviours: Sequence[str],
    tally: Tally,
    *,
    streamed: int = 3,
) -> None:
    """Plant each attack in a new collection and let every behaviour answer; one answer in `streamed` is streamed."""
    for number, (plant, position) in enumerate(plants):
        collection = f"attack-{len(tally.runs)}-{tally.planted}"
        articles = _plant(client, plant, position, collection, tally)
        if not articles:
            continue
        model.planted, was_shown = plant.planted_text, False
        for at, behaviour in enumerate((*behaviours, EXTRACTIVE)):
            model.turn_to(behaviour)
            request = {"question": QUESTION, "as_of": AS_OF, "collection": collection}
            request["mode"] = "extractive" if behaviour == EXTRACTIVE else "llm"
            answer, retrieved, stream_faults = _ask(client, request, streamed=(number + at) % streamed == 0)
            faults = find_faults(answer, articles, retrieved) + stream_faults
            if (prompt := model.last) is not None:
                was_shown = model.shown(plant.planted_text)
                faults += find_leaks(answer["answer"], prompt.system, prompt.fence, [key for key, _ in prompt.lines])
            tally.note(behaviour, plant, answer, faults)
        tally.reached += was_shown


def _plant(client: Client, plant: Plant, position: str, collection: str, tally: Tally) -> dict[tuple[str, int], Json]:
    """Post the articles and return them as stored; record what ingestion refuses."""
    tally.planted += 1
    stored: dict[tuple[str, int], Json] = {}
    _, reply = client("POST", f"/v1/articles?collection={collection}", {"articles": rows(plant, position)})
    report = json.loads(reply)
    if report.get("refused") or "error" in report:
        tally.refused.append(f"{plant.name}: {report['refused'][0]['reason'] if report.get('refused') else reply}")
    _, reply = client("GET", f"/v1/articles?collection={collection}&limit=10")
    for row in json.loads(reply)["articles"]:
        _, reply = client("GET", f"/v1/articles/{quote(row['article_id'], safe='')}/text?collection={collection}")
        stored[row["article_id"], row["version"]] = json.loads(reply)
    return stored


def _ask(client: Client, body: Json, *, streamed: bool) -> tuple[Json, list[Json] | None, list[Fault]]:
    """Return the answer, the hits that its stream reported, and the faults of the stream itself."""
    status, reply = client("POST", "/v1/ask", body | {"stream": streamed})
    if status != 200:
        raise RuntimeError(f"the service answered {status}: {reply[:300]}")
    if not streamed:
        return json.loads(reply), None, []
    blocks = (block.split("\n") for block in reply.replace("\r\n", "\n").split("\n\n"))
    events = [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in blocks
        if len(lines) == 2 and lines[0].startswith("event: ")
    ]
    answer: Json = events[-1][1]
    faults: list[Fault] = []
    cited: set[int] = set()
    for name, data in events:
        cited |= {data["number"]} if name == "citation" else set()
        if name == "delta" and any(f"[{number}]" in data["text"] for number in range(1, 100) if number not in cited):
            faults.append(("forged source", f"a marker before its citation: {data['text']}"))
    if "".join(data["text"] for name, data in events if name == "delta") != answer["answer"]:
        faults.append(("claim", "the stream says something else than the answer"))
    return answer, events[0][1]["sources"], faults


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
    """Run `qa serve` without vectors on a free port, with the model server at `model_url`."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = {
        "QA_DATA_DIR": str(folder),
        "QA_EMBED_MODEL": "none",
        "QA_LLM_MODEL": "traitor",
        "OPENAI_BASE_URL": model_url,
    }
    command = [str(Path(sys.executable).with_name("qa")), "serve", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=clean_environment() | settings, cwd=folder, stderr=log, stdout=log)  # noqa: S603  # our own program
        try:
            client = _over_socket(f"http://127.0.0.1:{port}")
            _wait_until_ready(client, server)
            yield client
        finally:
            server.terminate()
            server.wait(30)


def _wait_until_ready(client: Client, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
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
    """Run all attacks and exit 1 if anything got through."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, help="further attack texts: JSON, {kind: [text]}")
    parser.add_argument("--sample", type=int, default=0, help="so many plants at a position, drawn; 0 is all")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--examples", type=int, default=20)
    options = parser.parse_args()
    plants = every_place([*own_plants(), *(load_texts(options.texts) if options.texts else ())])
    if options.sample:
        plants = random.Random(options.seed).sample(plants, min(options.sample, len(plants)))
    tally = Tally()
    with (
        tempfile.TemporaryDirectory() as folder,
        HostileModelServer(options.seed) as model,
        serving(model.url, Path(folder)) as client,
    ):
        attack(client, model, plants, list(BEHAVIOURS), tally)
    print(table(tally))
    for refused in sorted(set(tally.refused)):
        print(f"not taken: {refused}")
    for example in tally.examples[: options.examples]:
        print(example)
    sys.exit(1 if tally.examples else 0)


if __name__ == "__main__":
    main()
