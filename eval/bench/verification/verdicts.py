"""Measure false acceptances and false rejections of the check of a statement against its citation.

    python -m eval.bench.verification.verdicts --bench PATH [--seeds PATH] [--half develop|report] [--examples N]

True sentences of news articles, unchanged and rewritten, must be supported by the original; the same with one thing
changed must not. Articles are split in halves by the hash of their id: rules were developed on `develop`.
"""

from __future__ import annotations

import argparse
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
from eval.dataset.importers import lines
from qa import Article, Evidence, Span, read, split_sentences
from qa.types import Source
from qa.verification.support_score import score
from qa.verification.verify import check

SEED = 7
PER_ARTICLE, _EVERY = 4, 1_000
_COMPLETE = re.compile(r"[“\"‘]?[A-Z].*[.!?][”\"’]?")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A true sentence as evidence, with names and sentences of its article."""

    evidence: Evidence
    names: Sequence[str]  # of its article
    others: tuple[Evidence, ...]  # sentences of its article


def articles(bench: Path, seeds: Path | None, skip: int, limit: int) -> Iterator[Article]:
    """Yield the sample articles, the seeds, and a fixed draw from the articles of RealTimeQA."""
    yield from (item for item in read([str(files("qa") / "sample")]) if isinstance(item, Article))
    if seeds is not None and seeds.is_dir():
        yield from (item for item in read([str(seeds)]) if isinstance(item, Article))
    rows: list[dict[str, str | None]] = []
    for year in (2022, 2023):
        rows += [json.loads(line) for line in lines(bench / "realtimeqa_docs" / f"docs_{year}.jsonl.gz")]
    rows.sort(key=lambda row: zlib.crc32(str(row["id"]).encode()))
    for row in rows[skip : skip + limit]:
        yield Article(
            str(row["id"]), str(row["text"]), title=row["title"], outlet=row["outlet"], published_at=row["published_at"]
        )


def half_of(article: Article) -> str:
    """Return the half that an article belongs to."""
    return "develop" if zlib.crc32(article.id.encode()) >> 8 & 1 else "report"


def sentences(article: Article, rng: random.Random, at_most: int = PER_ARTICLE) -> Iterator[Sentence]:
    """Yield a few complete sentences of an article."""
    spans = split_sentences(article.text)
    source = Source(article.id, 1, "0" * 64, article.title, article.outlet, article.url, article.published_at)
    complete = [at for at, span in enumerate(spans) if _is_complete(span.slice(article.text))]
    evidence = {at: _evidence(article, source, spans, at) for at in complete}
    article_names = names(article.text)
    for at in sorted(rng.sample(complete, min(at_most, len(complete)))):
        others = tuple(evidence[place] for place in complete if abs(place - at) <= 12 and place != at)
        yield Sentence(evidence[at], article_names, others)


def _is_complete(words: str) -> bool:
    return 45 <= len(words) <= 320 and bool(_COMPLETE.fullmatch(words)) and "\n" not in words


def _evidence(article: Article, source: Source, spans: Sequence[Span], at: int) -> Evidence:
    around = Span(spans[max(0, at - 1)].start, spans[min(len(spans) - 1, at + 1)].end)
    return Evidence(source, spans[at], spans[at].slice(article.text), 1.0, around.slice(article.text))


def measure(sampled: Sequence[Sentence], rng: random.Random, examples: int) -> None:
    """Check every rewrite and every falsification of the sentences; print the tables."""
    true_marks: dict[str, list[bool]] = defaultdict(list)
    false_verdicts: dict[str, list[str]] = defaultdict(list)
    failures: list[str] = []
    seconds: list[float] = []
    for sentence in sampled:
        for label, changed in (
            ("two sentences mixed", mixed(sentence.evidence.text, [other.text for other in sentence.others], rng)),
            ("cites the wrong sentence", rng.choice(sentence.others).text if sentence.others else None),
        ):
            if changed is not None and changed != sentence.evidence.text:
                support, _ = check(
                    changed, [sentence.evidence], sentence.others, score=score(changed, [sentence.evidence])
                )
                false_verdicts[label].append(support)
                if support == "supported":
                    failures.append(f"LET THROUGH {label}: \n    {changed}\n    {sentence.evidence.text}")
        for label, rewrite in REWRITES.items():
            rewritten = rewrite(sentence.evidence.text, sentence.evidence.source.outlet)
            if rewritten is None:
                continue
            support, reasons = check(rewritten, [sentence.evidence])
            true_marks[label].append(support == "supported")
            if support != "supported":
                failures.append(
                    f"HELD BACK {label}: {support} {reasons}\n    {rewritten}\n    {sentence.evidence.text}"
                )
            for change, mutate in MUTATORS.items():
                if label != "untouched" and rng.random() < 0.7:
                    continue
                changed = mutate(rewritten, sentence.names, rng)
                if changed is None or " ".join(changed.split()) == " ".join(rewritten.split()):
                    continue
                began = time.thread_time()
                support, reasons = check(changed, [sentence.evidence])
                seconds.append(time.thread_time() - began)
                false_verdicts[change].append(support)
                if support == "supported":
                    failures.append(f"LET THROUGH {change}: \n    {changed}\n    {sentence.evidence.text}")
    _tables(true_marks, false_verdicts, seconds)
    for example in failures[:examples]:
        print(example)


def measure_paraphrases(chosen: Sequence[Article], rng: random.Random, examples: int) -> None:
    """Check every paraphrase of the sentences of the articles; print the counts."""
    verdicts: dict[str, list[str]] = defaultdict(list)
    failures: list[str] = []
    for sentence in (sentence for article in chosen for sentence in sentences(article, rng, _EVERY)):
        before = sentence.evidence.context.partition(sentence.evidence.text)[0]
        for label, paraphrase in PARAPHRASES.items():
            paraphrased = paraphrase(sentence.evidence.text, before, sentence.evidence.source.published_at)
            if paraphrased is not None:
                support, reasons = check(
                    paraphrased, [sentence.evidence], score=score(paraphrased, [sentence.evidence])
                )
                verdicts[label].append(support)
                if support == "unsupported":
                    failures.append(f"RETOLD {label}: {reasons}\n    {paraphrased}\n    {sentence.evidence.text}")
    _verdicts("paraphrase", verdicts)
    for example in failures[:examples]:
        print(example)


def measure_wice(bench: Path, rng: random.Random) -> None:
    """Check the claims of WiCE, free paraphrases of their sources, against their gold sentences, and falsify them."""
    verdicts: dict[str, list[str]] = defaultdict(list)
    docs = {row["id"]: row for row in map(json.loads, lines(bench / "wice" / "docs.jsonl.gz"))}
    for row in map(json.loads, lines(bench / "wice" / "items.jsonl")):
        doc = docs[row["closed_docs"][0]]
        source = Source(doc["id"], 1, "0" * 64, doc["title"], None, None, doc["published_at"])
        cited = [Evidence(source, Span(span["start"], span["end"]), span["text"], 1.0) for span in row["gold"]]
        if not cited:
            continue
        claim, label = row["question"], row["meta"]["label"]
        verdicts[f"people say: {label}"].append(check(claim, cited)[0])
        if label == "supported":
            for mutate in MUTATORS.values():
                changed = mutate(claim, names(doc["text"][:20_000]), rng)
                if changed is not None:
                    verdicts["supported ones, one thing changed"].append(check(changed, cited)[0])
    print("\n| free retelling (WiCE) | n | supported | partial | unsupported |\n|---|---|---|---|---|")
    for label, counted in verdicts.items():
        counts = " | ".join(str(counted.count(verdict)) for verdict in ("supported", "partial", "unsupported"))
        print(f"| {label} | {len(counted)} | {counts} |")


def _tables(true_marks: dict[str, list[bool]], false_verdicts: dict[str, list[str]], seconds: list[float]) -> None:
    print("| true statement | n | supported |\n|---|---|---|")
    for label, marks in true_marks.items():
        print(f"| {label} | {len(marks)} | {_share(sum(marks), len(marks))} |")
    total = [mark for label, marks in true_marks.items() for mark in marks]
    print(f"| all | {len(total)} | {_share(sum(total), len(total))} |\n")
    _verdicts("changed statement", false_verdicts)
    seconds.sort()
    print(
        f"\ntime a check: median {1e3 * seconds[len(seconds) // 2]:.2f} ms,"
        f" 99 % {1e3 * seconds[int(len(seconds) * 0.99)]:.2f} ms"
    )


def _verdicts(what: str, by_label: dict[str, list[str]]) -> None:
    print(f"\n| {what} | n | supported | partial | unsupported |\n|---|---|---|---|---|")
    for label, verdicts in [*by_label.items(), ("all", [verdict for group in by_label.values() for verdict in group])]:
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
        article
        for article in articles(options.bench, options.seeds, options.skip, options.articles)
        if half_of(article) == options.half
    ]
    sampled = [sentence for article in chosen for sentence in sentences(article, rng)]
    print(f"half: {options.half}; articles {len(chosen)}, sentences {len(sampled)}, seed {SEED}\n")
    measure(sampled, rng, options.examples)
    measure_paraphrases(chosen, rng, options.examples)
    measure_wice(options.bench, rng)


if __name__ == "__main__":
    main()
