"""Compare sentence splitters on news text, at the places where they disagree.

    python -m eval.bench.tuning.sentence_splitters sheet     print a seeded sample of those places, to label by hand
    python -m eval.bench.tuning.sentence_splitters score     print the table of docs/chunking.md from the stored labels
    python -m eval.bench.tuning.sentence_splitters hostile   time each splitter on texts made to be slow

The texts are read from the evaluation data beside the repository and never stored here: a label is the hash of its
text, an offset, and whether a sentence starts there. The libraries are not in the lock; missing ones are left out.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib
import importlib.util
import json
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from qa.text.sentences import split_sentences

Pieces = list[tuple[int, int]]
Splitter = Callable[[str], Pieces]
Place = tuple[str, int]
Found = tuple[set[Place], int, float]  # starts, damaged lines (see is_exact), seconds of CPU

LABELS = Path(__file__).with_name("sentence_labels.json")
SHARED = Path(__file__).resolve().parents[4] / "shared"
SEED = 20230321
HOSTILE = {
    "letters": "a",
    "spaces": " ",
    "dots": ".",
    "marks": "\u0301",
    "initials": "A. ",
    "titles": "Mr. ",
    "quotes": '."',
    "words": "word ",
    "short sentences": "Yes. ",
}


def read_texts(shared: Path, sample: int = 200) -> dict[str, str]:
    """Return the five seed articles and a seeded sample of the articles of 2022, by the hash of their text."""
    seeds = [path.read_text(encoding="utf-8") for path in sorted((shared / "seeds").glob("*.txt"))]
    with gzip.open(shared / "bench/realtimeqa_docs/docs_2022.jsonl.gz", "rt", encoding="utf-8") as rows:
        news = [json.loads(row)["text"] for row in rows]
    chosen = seeds + random.Random(SEED).sample(news, sample)
    return {hashlib.sha256(text.encode()).hexdigest()[:12]: text for text in chosen}


def load_splitters() -> dict[str, Splitter]:
    """Return every splitter that is installed, each as a function from a line to its sentences' offsets."""
    makers = {"pysbd": _pysbd, "punkt": _punkt, "sentencex": _sentencex, "blingfire": _blingfire}
    loaded: dict[str, Splitter] = {"ours": lambda line: [(span.start, span.end) for span in split_sentences(line)]}
    for name, make in makers.items():
        try:
            loaded[name] = make()
        except ImportError as exc:
            print(f"{name} is left out: {exc}", file=sys.stderr)
    return loaded


def _pysbd() -> Splitter:
    segmenter = importlib.import_module("pysbd").Segmenter(language="en", clean=False, char_span=True)
    return lambda line: [(piece.start, piece.end) for piece in segmenter.segment(line)]


def _punkt() -> Splitter:
    llama_index = importlib.util.find_spec("llama_index")  # it ships the data; without it nltk would download
    if llama_index is None or not llama_index.submodule_search_locations:
        raise ImportError("llama-index-core, whose data it needs, is not installed")
    data = [f"{place}/core/_static/nltk_cache" for place in llama_index.submodule_search_locations]
    importlib.import_module("nltk").data.path[:] = data
    tokenizer = importlib.import_module("nltk.tokenize.punkt").PunktTokenizer("english")
    return lambda line: list(tokenizer.span_tokenize(line))


def _sentencex() -> Splitter:
    boundaries = importlib.import_module("sentencex").get_sentence_boundaries
    return lambda line: [(piece["start_index"], piece["end_index"]) for piece in boundaries("en", line)]


def _blingfire() -> Splitter:
    offsets = importlib.import_module("blingfire").text_to_sentences_and_offsets
    return lambda line: list(offsets(line)[1])


def lines_of(text: str) -> Iterable[tuple[int, str]]:
    """Yield each line that is not blank, stripped, with its offset: every splitter gets single lines."""
    at = 0
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        if bare:
            yield at + len(line) - len(line.lstrip()), bare
        at += len(line)


def find_starts(split: Splitter, texts: dict[str, str]) -> Found:
    """Return where sentences start inside lines, the number of damaged lines, and the seconds of CPU."""
    starts: set[Place] = set()
    damaged, seconds = 0, 0.0
    for key, text in texts.items():
        for at, line in lines_of(text):
            began = time.process_time()
            pieces = split(line)
            seconds += time.process_time() - began
            damaged += not is_exact(line, pieces)
            for start, end in pieces:
                start += len(line[start:end]) - len(line[start:end].lstrip())
                if start:
                    starts.add((key, at + start))
    return starts, damaged, seconds


def is_exact(line: str, pieces: Pieces) -> bool:
    """Tell whether the pieces are in order, do not overlap and cover every character that is not blank."""
    at = 0
    for start, end in pieces:
        if not at <= start < end <= len(line) or line[at:start].strip():
            return False
        at = end
    return not line[at:].strip()


def choose_places(found: dict[str, set[Place]], disputed: int, agreed: int) -> list[Place]:
    """Draw, by the seed, places that the splitters dispute, and some that they all call a start."""
    everywhere = set.intersection(*found.values())
    somewhere = set.union(*found.values()) - everywhere
    draw = random.Random(SEED)
    return _draw(draw, somewhere, disputed) + _draw(draw, everywhere, agreed)


def _draw(draw: random.Random, places: set[Place], count: int, most_each: int = 3) -> list[Place]:
    """Draw at random, at most a few from each article: a single list of concerts would fill the sample."""
    taken: Counter[str] = Counter()
    drawn: list[Place] = []
    for place in draw.sample(sorted(places), len(places)):
        taken[place[0]] += 1
        if taken[place[0]] <= most_each and len(drawn) < count:
            drawn.append(place)
    return drawn


def print_sheet(texts: dict[str, str], places: list[Place]) -> None:
    """Print each place with its context, to label by hand."""
    for number, (key, offset) in enumerate(places):
        text = texts[key]
        before, after = text[max(0, offset - 70) : offset], text[offset : offset + 50]
        print(f"{number:3} {key} {offset} {before!r:>80} ┃ {after!r}")


def print_table(texts: dict[str, str], found: dict[str, Found], labels: dict[Place, bool]) -> None:
    """Print the accuracy of each splitter at the labelled places and at those outside quotations, damage and speed."""
    size = sum(len(text.encode()) for text in texts.values())
    outside = {place: label for place, label in labels.items() if not is_quoted(texts[place[0]], place[1])}
    print(f"{len(texts)} articles, {size / 1e6:.2f} MB")
    for title, marks in (("all labelled places", labels), ("outside quotations", outside)):
        print(f"\n{title}: {len(marks)}, of which {sum(marks.values())} are starts")
        print("splitter     right  precision  recall  F1     damaged  MB/s")
        for name, (starts, damaged, seconds) in found.items():
            right, precision, recall, f1 = score(starts, marks)
            figures = f"{right:.3f}  {precision:.3f}      {recall:.3f}   {f1:.3f}"
            print(f"{name:12} {figures}  {damaged:<7}  {size / 1e6 / seconds:.1f}")


def score(starts: set[Place], marks: dict[Place, bool]) -> tuple[float, float, float, float]:
    """Return the share of places judged right, then precision, recall and F1 of the starts."""
    truth = {place for place, label in marks.items() if label}
    predicted = starts & marks.keys()
    hits = len(predicted & truth)
    right = sum((place in starts) == label for place, label in marks.items()) / len(marks)
    return right, hits / max(1, len(predicted)), hits / len(truth), 2 * hits / (len(predicted) + len(truth))


def is_quoted(text: str, offset: int) -> bool:
    """Tell whether the place is inside a quotation, which some libraries keep whole on purpose."""
    before = text[text.rfind("\n", 0, offset) + 1 : offset]
    return before.count("“") > before.count("”") or before.count('"') % 2 == 1


def print_hostile(splitters: Iterable[str], size: int, limit_s: float) -> None:
    """Print the seconds each splitter takes on one long line made to be slow."""
    for splitter in splitters:
        took = [
            f"{name} {_time_apart(splitter, unit * (size // len(unit)), limit_s)}" for name, unit in HOSTILE.items()
        ]
        print(f"{splitter:12} {', '.join(took)}")


def _time_apart(splitter: str, text: str, limit_s: float) -> str:
    """Time one call in its own process, because a loop in a library can only be stopped by killing the process."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_send_time, args=(there, splitter, text))
    process.start()
    there.close()
    try:
        return f"{here.recv():.2f}" if here.poll(limit_s) else f">{limit_s:.0f}"
    except EOFError:
        return "failed"
    finally:
        process.kill()
        process.join()


def _send_time(there: Connection, splitter: str, text: str) -> None:
    split = load_splitters()[splitter]
    began = time.perf_counter()
    split(text)
    there.send(time.perf_counter() - began)


def read_labels() -> dict[Place, bool]:
    """Return the stored labels."""
    stored: dict[str, list[list[Any]]] = json.loads(LABELS.read_text(encoding="utf-8"))
    return {(key, offset): bool(label) for key, rows in stored.items() for offset, label in rows}


def main() -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["sheet", "score", "hostile"])
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder that holds seeds/ and bench/")
    parser.add_argument("--size", type=int, default=200_000, help="characters of each hostile text")
    parser.add_argument("--limit-s", type=float, default=20, help="seconds after which a hostile run is ended")
    chosen = parser.parse_args()
    splitters = load_splitters()
    if chosen.command == "hostile":
        print_hostile(splitters, chosen.size, chosen.limit_s)
        return
    texts = read_texts(chosen.shared)
    found = {name: find_starts(split, texts) for name, split in splitters.items()}
    if chosen.command == "sheet":
        print_sheet(texts, choose_places({name: starts for name, (starts, _, _) in found.items()}, 200, 40))
    else:
        print_table(texts, found, read_labels())


if __name__ == "__main__":
    main()
