"""Measure what the check of a statement against its citation lets through, and what it holds back.

    python -m eval.bench.verification.verdicts --bench PATH [--seeds PATH] [--half develop|report] [--examples N]

True sentences of news articles, untouched and rewritten, must be supported by themselves; the same with one thing
changed must not. Articles are split in halves by the hash of their id: rules were made on `develop`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from statistics import NormalDist

from eval.bench.verification.mutations import MUTATORS, REWRITES, mixed, names
from eval.bench.verification.paraphrases import PARAPHRASES
from qa import Article, Evidence, Span, read, split_sentences
from qa.types import Source
from qa.verification.support_score import score
from qa.verification.verify import check

SEED = 7
PER_ARTICLE, _EVERY = 4, 1_000
_WHOLE = re.compile(r"[“\"‘]?[A-Z].*[.!?][”\"’]?")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A true sentence as evidence, with what stands around it."""

    evidence: Evidence
    names: Sequence[str]  # of its article
    others: tuple[Evidence, ...]  # sentences of its article


def articles(bench: Path, seeds: Path | None, skip: int, limit: int) -> Iterator[Article]:
    """Yield the sample articles, the seeds, and a seeded draw from RealTimeQA's."""
    yield from (one for one in read([str(files("qa") / "sample")]) if isinstance(one, Article))
    if seeds is not None and seeds.is_dir():
        yield from (one for one in read([str(seeds)]) if isinstance(one, Article))
    rows: list[dict[str, str | None]] = []
    for year in (2022, 2023):
        with gzip.open(bench / "realtimeqa_docs" / f"docs_{year}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    rows.sort(key=lambda row: zlib.crc32(str(row["id"]).encode()))
    for row in rows[skip : skip + limit]:
        yield Article(
            str(row["id"]), str(row["text"]), title=row["title"], outlet=row["outlet"], published_at=row["published_at"]
        )


def half_of(article: Article) -> str:
    """Return the half that an article belongs to."""
    return "develop" if zlib.crc32(article.id.encode()) >> 8 & 1 else "report"


def sentences(article: Article, rng: random.Random, at_most: int = PER_ARTICLE) -> Iterator[Sentence]:
    """Yield a few whole sentences of an article."""
    spans = split_sentences(article.text)
    source = Source(article.id, 1, "0" * 64, article.title, article.outlet, article.url, article.published_at)
    fit = [at for at, span in enumerate(spans) if _is_whole(span.slice(article.text))]
    made = {at: _evidence(article, source, spans, at) for at in fit}
    article_names = names(article.text)
    for at in sorted(rng.sample(fit, min(at_most, len(fit)))):
        others = tuple(made[one] for one in fit if abs(one - at) <= 12 and one != at)
        yield Sentence(made[at], article_names, others)


def _is_whole(words: str) -> bool:
    return 45 <= len(words) <= 320 and bool(_WHOLE.fullmatch(words)) and "\n" not in words


def _evidence(article: Article, source: Source, spans: Sequence[Span], at: int) -> Evidence:
    around = Span(spans[max(0, at - 1)].start, spans[min(len(spans) - 1, at + 1)].end)
    return Evidence(source, spans[at], spans[at].slice(article.text), 1.0, around.slice(article.text))


def measure(found: Sequence[Sentence], rng: random.Random, examples: int) -> None:
    """Check every rewrite and every mutation of the sentences; print the tables."""
    kept: dict[str, list[bool]] = defaultdict(list)
    let: dict[str, list[str]] = defaultdict(list)
    shown: list[str] = []
    spent: list[float] = []
    for one in found:
        for label, false in (
            ("two sentences mixed", mixed(one.evidence.text, [other.text for other in one.others], rng)),
            ("cites the wrong sentence", rng.choice(one.others).text if one.others else None),
        ):
            if false is not None and false != one.evidence.text:
                support, _ = check(false, [one.evidence], one.others, score=score(false, [one.evidence]))
                let[label].append(support)
                if support == "supported":
                    shown.append(f"LET THROUGH {label}: \n    {false}\n    {one.evidence.text}")
        for label, rewrite in REWRITES.items():
            true = rewrite(one.evidence.text, one.evidence.source.outlet)
            if true is None:
                continue
            support, reasons = check(true, [one.evidence])
            kept[label].append(support == "supported")
            if support != "supported":
                shown.append(f"HELD BACK {label}: {support} {reasons}\n    {true}\n    {one.evidence.text}")
            for change, mutate in MUTATORS.items():
                if label != "untouched" and rng.random() < 0.7:
                    continue
                false = mutate(true, one.names, rng)
                if false is None or " ".join(false.split()) == " ".join(true.split()):
                    continue
                began = time.thread_time()
                support, reasons = check(false, [one.evidence])
                spent.append(time.thread_time() - began)
                let[change].append(support)
                if support == "supported":
                    shown.append(f"LET THROUGH {change}: \n    {false}\n    {one.evidence.text}")
    _tables(kept, let, spent)
    for example in shown[:examples]:
        print(example)


def retell(chosen: Sequence[Article], rng: random.Random, examples: int) -> None:
    """Check every paraphrase that fits a sentence of the articles; print the shares."""
    retold: dict[str, list[str]] = defaultdict(list)
    shown: list[str] = []
    for one in (sentence for article in chosen for sentence in sentences(article, rng, _EVERY)):
        before = one.evidence.context.partition(one.evidence.text)[0]
        for label, put in PARAPHRASES.items():
            other = put(one.evidence.text, before, one.evidence.source.published_at)
            if other is not None:
                support, reasons = check(other, [one.evidence], score=score(other, [one.evidence]))
                retold[label].append(support)
                if support == "unsupported":
                    shown.append(f"RETOLD {label}: {reasons}\n    {other}\n    {one.evidence.text}")
    _verdicts("paraphrase", retold)
    for example in shown[:examples]:
        print(example)


def paraphrase(bench: Path, rng: random.Random) -> None:
    """Check the claims of WiCE, which retell their sources freely, against their gold sentences; and change them."""
    verdicts: dict[str, list[str]] = defaultdict(list)
    with gzip.open(bench / "wice" / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        docs = {row["id"]: row for row in map(json.loads, lines)}
    for line in (bench / "wice" / "items.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        doc = docs[row["closed_docs"][0]]
        source = Source(doc["id"], 1, "0" * 64, doc["title"], None, None, doc["published_at"])
        cited = [Evidence(source, Span(one["start"], one["end"]), one["text"], 1.0) for one in row["gold"]]
        if not cited:
            continue
        claim, label = row["question"], row["meta"]["label"]
        verdicts[f"people say: {label}"].append(check(claim, cited)[0])
        if label == "supported":
            for mutate in MUTATORS.values():
                false = mutate(claim, names(doc["text"][:20_000]), rng)
                if false is not None:
                    verdicts["supported ones, one thing changed"].append(check(false, cited)[0])
    print("\n| free retelling (WiCE) | n | supported | partial | unsupported |\n|---|---|---|---|---|")
    for label, found in verdicts.items():
        counts = " | ".join(str(found.count(verdict)) for verdict in ("supported", "partial", "unsupported"))
        print(f"| {label} | {len(found)} | {counts} |")


def _tables(kept: dict[str, list[bool]], let: dict[str, list[str]], spent: list[float]) -> None:
    print("| true statement | n | supported |\n|---|---|---|")
    for label, marks in kept.items():
        print(f"| {label} | {len(marks)} | {_share(sum(marks), len(marks))} |")
    total = [mark for label, marks in kept.items() for mark in marks]
    print(f"| all | {len(total)} | {_share(sum(total), len(total))} |\n")
    _verdicts("changed statement", let)
    spent.sort()
    print(
        f"\ntime a check: median {1e3 * spent[len(spent) // 2]:.2f} ms,"
        f" 99 % {1e3 * spent[int(len(spent) * 0.99)]:.2f} ms"
    )


def _verdicts(what: str, found: dict[str, list[str]]) -> None:
    print(f"\n| {what} | n | supported | partial | unsupported |\n|---|---|---|---|---|")
    for label, verdicts in [*found.items(), ("all", [one for some in found.values() for one in some])]:
        counts = [verdicts.count(verdict) for verdict in ("supported", "partial", "unsupported")]
        print(f"| {label} | {len(verdicts)} | {counts[0]} | {counts[1]} | {counts[2]} |")


def _share(hits: int, n: int) -> str:
    """Return a share with its 95 % Wilson interval."""
    z = NormalDist().inv_cdf(0.975)
    p = hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
    return f"{p:.3f} [{middle - half:.3f}, {middle + half:.3f}]"


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--seeds", type=Path)
    parser.add_argument("--half", choices=("develop", "report"), default="report")
    parser.add_argument("--articles", type=int, default=1_000)
    parser.add_argument("--skip", type=int, default=0, help="articles of the draw to leave out, for a fresh one")
    parser.add_argument("--examples", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(SEED)
    chosen = [
        one
        for one in articles(options.bench, options.seeds, options.skip, options.articles)
        if half_of(one) == options.half
    ]
    found = [sentence for article in chosen for sentence in sentences(article, rng)]
    print(f"half: {options.half}; articles {len(chosen)}, sentences {len(found)}, seed {SEED}\n")
    measure(found, rng, options.examples)
    retell(chosen, rng, options.examples)
    paraphrase(options.bench, rng)


if __name__ == "__main__":
    main()
