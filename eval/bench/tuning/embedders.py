"""Compare precisions (fp32, int8) of the bundled embedder: speed, cosine to fp32, and retrieval of real news articles.

Run as `python -m eval.bench.tuning.embedders --bench PATH`; PATH holds `realtimeqa_goldlink` and `realtimeqa_docs`.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from eval.dataset.importers import lines
from qa.embeddings.minilm import MiniLM
from qa.embeddings.minilm_graph import Precision
from qa.embeddings.minilm_weights import PACKAGE, find_weights
from qa.types import Vectors

LEAD_CHARS = 700
CORPUS_SIZE = 1000
SEED = 20220617
RESAMPLES = 10_000
METRICS = ("hits@1", "hits@4", "hits@10", "MRR@10")

Marks = NDArray[np.float64]  # shape (questions, metrics)


@dataclass(frozen=True, slots=True)
class Sample:
    """Questions, each with the indices of its gold articles in the corpus, and the texts of the corpus."""

    questions: tuple[str, ...]
    gold: tuple[frozenset[int], ...]
    articles: tuple[str, ...]


def load_sample(bench: Path, corpus_size: int = CORPUS_SIZE) -> Sample:
    """Read the questions of 2022 and a corpus of their gold articles and others, drawn by a fixed seed."""
    rows = [json.loads(line) for line in lines(bench / "realtimeqa_docs" / "docs_2022.jsonl.gz")]
    known = {row["id"] for row in rows}
    items = [json.loads(line) for line in lines(bench / "realtimeqa_goldlink" / "items.jsonl")]
    items = [item for item in items if known & set(item["meta"]["gold_doc_ids"])]
    chosen = {doc_id for item in items for doc_id in item["meta"]["gold_doc_ids"]} & known
    others = sorted(known - chosen)
    random.Random(SEED).shuffle(others)
    chosen.update(others[: max(0, corpus_size - len(chosen))])
    corpus = [row for row in rows if row["id"] in chosen]
    places = {row["id"]: place for place, row in enumerate(corpus)}
    return Sample(
        questions=tuple(item["question"] for item in items),
        gold=tuple(frozenset(places[d] for d in item["meta"]["gold_doc_ids"] if d in places) for item in items),
        articles=tuple(f"{row.get('title') or ''}\n{row['text'][:LEAD_CHARS]}" for row in corpus),
    )


def mark_ranks(ranks: Sequence[int]) -> Marks:
    """Return the metrics of each question, given the rank (from 1) of its first gold article."""
    return np.array([[r <= 1, r <= 4, r <= 10, 1 / r if r <= 10 else 0.0] for r in ranks], dtype=np.float64)


def rank_gold(questions: Vectors, articles: Vectors, gold: Sequence[frozenset[int]]) -> list[int]:
    """Return for each question the rank (from 1) of its best gold article; ties count against it."""
    ranks = []
    for row, places in zip(questions @ articles.T, gold, strict=True):
        best = max(row[place] for place in places)
        ranks.append(1 + sum(1 for place, score in enumerate(row) if score >= best and place not in places))
    return ranks


def bootstrap_interval(differences: Marks, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Return the 95 % bootstrap interval of the mean paired difference, a column for each metric."""
    draws = np.random.default_rng(SEED).integers(0, len(differences), (resamples, len(differences)))
    means = np.stack([differences[draw].mean(axis=0) for draw in draws])
    interval: NDArray[np.float64] = np.percentile(means, [2.5, 97.5], axis=0)
    return interval


def cut_texts(texts: Sequence[str], tokens: int, count: int) -> list[str]:
    """Return the first `count` texts that are long enough, each cut to about `tokens` tokens."""
    folder = find_weights(PACKAGE)
    if folder is None:
        raise SystemExit(f"{PACKAGE} is not installed")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    cut: list[str] = []
    spread = random.Random(SEED)
    for text in texts:
        ends = [end for _, end in tokenizer.encode(text, add_special_tokens=False).offsets]
        length = round(tokens * spread.uniform(0.8, 1.2)) - 2  # lengths vary, as those of real chunks do
        if len(ends) > length and len(cut) < count:
            cut.append(text[: ends[length - 1]])
    return cut


def measure_speed(embedder: MiniLM, texts: Sequence[str]) -> dict[str, float]:
    """Return texts per second of wall clock and of processor time (less noisy on a shared machine); best of three."""
    by_clock = by_processor = 0.0
    for _ in range(3):
        clock, processor = time.perf_counter(), time.process_time()
        embedder.embed_texts(texts)
        by_clock = max(by_clock, len(texts) / (time.perf_counter() - clock))
        by_processor = max(by_processor, len(texts) / (time.process_time() - processor))
    return {"per second": round(by_clock, 1), "per processor second": round(by_processor, 1)}


def run(bench: Path, threads: Sequence[int], corpus_size: int) -> dict[str, Any]:
    """Measure every precision and return the report."""
    sample = load_sample(bench, corpus_size)
    rows = islice(lines(bench / "realtimeqa_docs" / "docs_2022.jsonl.gz"), 600)
    texts = [json.loads(row)["text"] for row in rows]
    chunks, sentences = cut_texts(texts, 220, 128), cut_texts(texts, 25, 512)
    report: dict[str, Any] = {"questions": len(sample.questions), "articles": len(sample.articles), "seed": SEED}
    marks: dict[str, Marks] = {}
    vectors: dict[str, Vectors] = {}
    precisions: tuple[Precision, ...] = ("fp32", "int8")
    for precision in precisions:
        entry: dict[str, Any] = {}
        for count in threads:
            embedder = MiniLM(precision=precision, threads=count)
            entry[f"chunks, threads={count}"] = measure_speed(embedder, chunks)
            entry[f"sentences, threads={count}"] = measure_speed(embedder, sentences)
        embedder = MiniLM(precision=precision)
        vectors[precision] = embedder.embed_texts(sample.articles)
        ranks = rank_gold(embedder.embed_texts(sample.questions), vectors[precision], sample.gold)
        marks[precision] = mark_ranks(ranks)
        cosines = (vectors[precision] * vectors["fp32"]).sum(axis=1)
        entry["cosine to fp32"] = {"mean": round(float(cosines.mean()), 5), "min": round(float(cosines.min()), 5)}
        entry |= dict(zip(METRICS, marks[precision].mean(axis=0).round(4).tolist(), strict=True))
        report[precision] = entry
    low, high = bootstrap_interval(marks["int8"] - marks["fp32"]).round(4).tolist()
    mean = (marks["int8"] - marks["fp32"]).mean(axis=0).round(4).tolist()
    report["int8 - fp32 [95% interval]"] = {
        metric: f"{mean[i]:+.4f} [{low[i]:+.4f}, {high[i]:+.4f}]" for i, metric in enumerate(METRICS)
    }
    return report


def main() -> None:
    """Parse the command line, measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--corpus-size", type=int, default=CORPUS_SIZE)
    options = parser.parse_args()
    print(json.dumps(run(options.bench, options.threads, options.corpus_size), indent=2))


if __name__ == "__main__":
    main()
