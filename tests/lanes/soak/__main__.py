"""`make soak MINUTES=30`: a real server under mixed load while the model hangs, files are damaged and processes die.

The server is killed and its indexes are damaged in the first part of the run; in the rest only the model misbehaves, so
that the memory of one process can be measured over time.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from tests.lanes.soak.load import Load
from tests.lanes.soak.server import Process, free_port, with_model
from tests.lanes.soak.truth import Truth

_SAMPLE_S = 5.0
_WARM_UP_S = 120.0


def damage(folder: Path, dice: random.Random) -> str:
    """Damage one file of an index; the catalog is the source of truth and is left alone."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 100]
    indexes = [path for path in files if "chroma" in path.parts[-3:] or any("lexical" in part for part in path.parts)]
    file = dice.choice(sorted(indexes))
    content = bytearray(file.read_bytes())
    if dice.random() < 0.5:
        content = content[: len(content) // 2]
    else:
        at = dice.randrange(max(1, len(content) - 64))
        content[at : at + 64] = dice.randbytes(len(content[at : at + 64]))
    file.write_bytes(content)
    return file.name


def slope(samples: list[tuple[float, float]]) -> float:
    """Return the memory growth in MB per hour, by regression over the samples of (seconds, MB) after the warm-up."""
    warm = [sample for sample in samples if sample[0] - samples[0][0] >= _WARM_UP_S]
    if len(warm) < 10:
        return float("nan")
    seconds, megabytes = np.array(warm).T
    return float(np.polyfit(seconds / 3600, megabytes, 1)[0])


def spread(ms: list[float]) -> str:
    """Format the percentiles of durations in ms."""
    half, most, nearly = np.percentile(np.array(ms), [50, 99, 99.9])
    return f"p50 {half:.0f}, p99 {most:.0f}, p99.9 {nearly:.0f}, most {max(ms):.0f} ms, n = {len(ms)}"


def health_s(looks: str, away: list[tuple[float, float]]) -> list[float]:
    """Return the duration of each health check while the server was up."""
    seen = [tuple(map(float, line.split())) for line in looks.splitlines()]
    return [took for at, took in seen if all(at > end or at + took < start for start, end in away)]


def run(minutes: float, seed: int, killing: float, folder: Path) -> int:
    """Run the soak and print its report; return 1 when something is broken."""
    dice = random.Random(seed)
    model_port = free_port()
    model = subprocess.Popen([sys.executable, "-m", "tests.lanes.soak.model", str(model_port), str(seed)])
    server = Process(folder, free_port(), with_model(model_port))
    looks = folder / "health"
    with looks.open("w") as file:
        probe = subprocess.Popen([sys.executable, "-m", "tests.lanes.soak.health", server.url], stdout=file)
    load = Load(server.url, Truth(), seed)
    load.start()
    away: list[tuple[float, float]] = []  # from each kill until the server was ready again
    began = time.monotonic()
    events: list[str] = []
    samples: list[tuple[float, float]] = []
    peaks = {"fds": 0, "threads": 0}
    next_fault = began + 20
    try:
        while (now := time.monotonic()) - began < minutes * 60:
            time.sleep(_SAMPLE_S)
            samples.append((now, server.watched.memory_info().rss / 1e6))
            peaks["fds"] = max(peaks["fds"], server.watched.num_fds())
            peaks["threads"] = max(peaks["threads"], server.watched.num_threads())
            if now < next_fault:
                continue
            next_fault = now + dice.uniform(20, 50)
            may_kill = now - began < killing * minutes * 60
            fault = ("kill", "damage", "freeze", "term")[len(events) % 4] if may_kill else "freeze"
            events.append(fault)
            if fault == "freeze":
                model.send_signal(signal.SIGSTOP)
                time.sleep(8)
                model.send_signal(signal.SIGCONT)
                continue
            load.away.set()
            server.end(signal.SIGKILL if fault == "kill" else signal.SIGTERM)
            if fault == "damage":
                events[-1] += f" {damage(folder / 'store', dice)}"
            server.start()
            load.away.clear()
            away.append((now, time.monotonic()))
            samples.clear()
    finally:
        probe.kill()
        probe.wait()
        load.stop()
        last = {"fds": server.watched.num_fds(), "threads": server.watched.num_threads()}
        load.away.set()
        server.end(signal.SIGTERM)
        model.kill()
        model.wait()
    health = health_s(looks.read_text(), away)
    return report(minutes, seed, load, server, samples, peaks, last, events, health, server.verify())


def report(
    minutes: float,
    seed: int,
    load: Load,
    server: Process,
    samples: list[tuple[float, float]],
    peaks: dict[str, int],
    last: dict[str, int],
    events: list[str],
    health: list[float],
    verified: tuple[int, str],
) -> int:
    """Print the report; return 1 when an invariant is broken."""
    print(f"{minutes:g} minutes, seed {seed}: {sum(load.outcomes.values())} requests, {len(load.broken)} broken")
    for name, count in sorted(load.outcomes.items()):
        print(f"  {count:6} {name}")
    print(f"faults: {len(events)}: {', '.join(events)}")
    print(f"ready after a start: {', '.join(f'{seconds:.1f}' for seconds in server.ready_s)} s")
    if samples:
        print(
            f"memory: {samples[0][1]:.0f} MB at first, {samples[-1][1]:.0f} MB at last, {slope(samples):+.1f} MB/h",
            end=" ",
        )
        fifths = ", ".join(f"{samples[len(samples) * part // 5][1]:.0f}" for part in range(5))
        print(f"({slope(samples[len(samples) // 2 :]):+.1f} in its second half; at its fifths {fifths})", end=" ")
        print(f"over {(samples[-1][0] - samples[0][0]) / 60:.0f} min of the last process, {len(samples)} samples")
    print(f"open files: {last['fds']} at last, {peaks['fds']} at most; threads: {last['threads']}, {peaks['threads']}")
    if health:
        print(
            f"/healthz: {spread([1_000 * seconds for seconds in health])},"
            f" load of the machine {psutil.getloadavg()[2]:.1f}"
        )
    print(f"event loop too late: {spread(server.gaps_ms())}")
    print(f"index verify: status {verified[0]} {json.dumps(verified[1])}")
    for problem in load.broken[:20]:
        print(f"BROKEN {problem}")
    return 1 if load.broken or verified[0] else 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--killing", type=float, default=0.35, help="the share of the run in which the server is killed"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return run(options.minutes, options.seed, options.killing, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
