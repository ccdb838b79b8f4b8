"""Measure retrieval, sentences and refusal on RealTimeQA (development halves), on a store that holds its articles.

    python -m eval.bench.tuning.realtimeqa --data-dir DIR --bench PATH [--embed minilm|none] \\
        [--with-2023] [--retrieval-only]

Prints hits@k and MRR of articles on `realtimeqa_goldlink` 2022, and on `realtimeqa_silver` 2022 how often the answer
stands in the best sentence, the best three and the quotes of the extractive answer, how often that answer refuses, and
how often it refuses questions about 2026. Intervals are 95 % bootstrap over questions.

22 articles that questions of 2022 point at stand in the file of 2023. `--with-2023` first adds to the store those
articles of that file that are dated up to a week after the last question: no other can be shown to one with its day.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from qa import Article, Library, Question, Settings, read


def arguments(about: str | None) -> argparse.ArgumentParser:
    """Return a parser of what the measures over several development sets are given."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True, help="holds realtimeqa_docs of 2022")
    parser.add_argument("--gold", type=Path, default=Path("eval/gold"))
    parser.add_argument("--embed", default="minilm")
    return parser


def main() -> None:
    """Run the measurements and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--embed", default="none")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--with-2023", action="store_true", help="also the articles of 2023's file that can be shown")
    parser.add_argument("--retrieval-only", action="store_true")
    options = parser.parse_args()
    with Library(Settings(data_dir=options.data_dir, embed_model=options.embed)) as library:
        linked = list(items(options.bench, "realtimeqa_goldlink"))
        if options.with_2023:
            print(f"of the file of 2023: {_add_2023(library, options.bench, max(one['asof'] for one in linked))}")
        library.projections.catch_up()
        for dated in (True, False):
            _retrieval(library, linked[: options.limit], dated)
        if options.retrieval_only:
            return
        silver = list(items(options.bench, "realtimeqa_silver"))[: options.limit]
        future = [
            one
            for one in items(options.bench, "realtimeqa_future_unanswerable", year="")
            if one["meta"]["leak_risk"] < 0.5
        ][: options.limit]
        _answers(library, silver, future)


def items(bench: Path, name: str, year: str = "2022") -> Iterator[dict[str, Any]]:
    """Yield the items of a set whose question was asked in the year."""
    with (bench / name / "items.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            if (item["asof"] or "").startswith(year):
                yield item


def _add_2023(library: Library, bench: Path, last: str) -> str:
    """Add the articles that a question of the year can be shown, and say how many; those that are there stay."""
    until = (date.fromisoformat(last) + timedelta(days=7)).isoformat()
    found = read([str(bench / "realtimeqa_docs" / "docs_2023.jsonl.gz")])
    report = library.ingest(
        one for one in found if isinstance(one, Article) and one.published_at and one.published_at[:10] <= until
    )
    return f"{report.added} articles added, {report.unchanged} were there, {len(report.refused)} refused"


def _retrieval(library: Library, questions: Sequence[dict[str, Any]], dated: bool) -> None:
    here = set(library.catalog.known("default", sorted({one for item in questions for one in _gold(item)})))
    ranks: list[int | None] = []
    for item in questions:
        found = library.search(item["question"], as_of=item["asof"] if dated else None, top_k=40).hits
        order = list(dict.fromkeys(one for hit in found for one in (hit.source, *hit.reprints)))
        ids = list(dict.fromkeys(source.article_id for source in order))[:10]
        ranks.append(next((place for place, one in enumerate(ids, start=1) if one in _gold(item)), None))
    parts = [ranks, [rank for rank, item in zip(ranks, questions, strict=True) if _gold(item) & here]]
    print(f"goldlink 2022, {'dated' if dated else 'undated'}: all {len(ranks)}; {len(parts[1])} whose article is here")
    for k in (1, 4, 10):
        print(f"  hits@{k:<3} {'; '.join(interval([float(0 < (r or 0) <= k) for r in part]) for part in parts)}")
    print(f"  MRR@10   {'; '.join(interval([1 / rank if rank else 0.0 for rank in part]) for part in parts)}")


def _gold(item: dict[str, Any]) -> set[str]:
    return set(item["meta"]["gold_doc_ids"])


def _answers(library: Library, silver: Sequence[dict[str, Any]], future: Sequence[dict[str, Any]]) -> None:
    first, three, cited, refused = [], [], [], []
    answerer = library.answerer()
    for item in silver:
        _, ranked, _ = answerer.look(Question(item["question"], as_of=item["asof"]))
        found = [holds(one.text, item["answers"]) for one in ranked.evidence[:3]]
        first.append(float(any(found[:1])))
        three.append(float(any(found)))
        answer = asyncio.run(answerer.ask(Question(item["question"], as_of=item["asof"])))
        refused.append(float(answer.status == "not_in_sources"))
        cited.append(float(any(holds(one.quote, item["answers"]) for one in answer.citations)))
    print(f"silver 2022, n={len(silver)}")
    print(f"  answer in best sentence   {interval(first)}")
    print(f"  answer in best three      {interval(three)}")
    print(f"  answer in a cited quote   {interval(cited)}")
    print(f"  refused though answerable {interval(refused)}")
    rejected = [
        float(asyncio.run(answerer.ask(Question(item["question"]))).status == "not_in_sources") for item in future
    ]
    print(f"future unanswerable, leak_risk < .5, n={len(rejected)}\n  refused {interval(rejected)}")


def holds(sentence: str, answers: Sequence[str]) -> bool:
    """Tell whether one of the answers stands in a sentence, at word bounds, whatever the case and punctuation."""
    plain = f" {_plain(sentence)} "
    return any(f" {_plain(answer)} " in plain for answer in answers)


def _plain(words: str) -> str:
    return " ".join(re.findall(r"[\w]+", words.casefold()))


def interval(marks: Sequence[float]) -> str:
    """Return the mean with its 95 % bootstrap interval."""
    values = np.array(marks)
    rng = np.random.default_rng(0)
    means = rng.choice(values, (2_000, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
