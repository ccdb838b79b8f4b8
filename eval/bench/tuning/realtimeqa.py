"""Measure retrieval, sentences and refusal on RealTimeQA (development halves), on a store that holds its articles.

    python -m eval.bench.tuning.realtimeqa --data-dir DIR --bench PATH [--embed minilm|none] \\
        [--with-2023] [--retrieval-only]

Prints hits@k and MRR of articles on `realtimeqa_goldlink` 2022. On `realtimeqa_silver` 2022, prints how often the best
sentence, the best three, and the quotes of the extractive answer contain a gold answer, and how often that answer is a
refusal; also how often questions about 2026 are refused. Intervals are 95 % bootstrap over questions.

22 gold articles of questions of 2022 are in the file of 2023. `--with-2023` first adds to the store the articles of
that file dated up to a week after the last question: later ones can never be shown to a question with its day.
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

from eval.bench.intervals import interval
from qa import Article, Library, Question, Settings, read


def arguments(about: str | None) -> argparse.ArgumentParser:
    """Return the argument parser shared by the measurements over several development sets."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True, help="holds realtimeqa_docs of the year")
    parser.add_argument(
        "--year", default="2022", help="of RealTimeQA; 2023 is kept for figures, nothing is fitted on it"
    )
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
            print(f"of the file of 2023: {_add_2023(library, options.bench, max(item['asof'] for item in linked))}")
        library.projections.catch_up()
        for dated in (True, False):
            _retrieval(library, linked[: options.limit], dated)
        if options.retrieval_only:
            return
        silver = list(items(options.bench, "realtimeqa_silver"))[: options.limit]
        future = [
            item
            for item in items(options.bench, "realtimeqa_future_unanswerable", year="")
            if item["meta"]["leak_risk"] < 0.5
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
    """Add the articles that a question of the year can be shown, and return a text with the counts."""
    until = (date.fromisoformat(last) + timedelta(days=7)).isoformat()
    found = read([str(bench / "realtimeqa_docs" / "docs_2023.jsonl.gz")])
    report = library.ingest(
        article
        for article in found
        if isinstance(article, Article) and article.published_at and article.published_at[:10] <= until
    )
    return f"{report.added} articles added, {report.unchanged} were there, {len(report.refused)} refused"


def _retrieval(library: Library, questions: Sequence[dict[str, Any]], dated: bool) -> None:
    here = set(
        library.catalog.known("default", sorted({article_id for item in questions for article_id in _gold(item)}))
    )
    ranks: list[int | None] = []
    for item in questions:
        found = library.search(item["question"], as_of=item["asof"] if dated else None, top_k=40).hits
        order = list(dict.fromkeys(source for hit in found for source in (hit.source, *hit.reprints)))
        ids = list(dict.fromkeys(source.article_id for source in order))[:10]
        ranks.append(next((place for place, article_id in enumerate(ids, start=1) if article_id in _gold(item)), None))
    parts = [ranks, [rank for rank, item in zip(ranks, questions, strict=True) if _gold(item) & here]]
    print(f"goldlink 2022, {'dated' if dated else 'undated'}: all {len(ranks)}; {len(parts[1])} whose article is here")
    for k in (1, 4, 10):
        print(f"  hits@{k:<3} {'; '.join(interval([float(0 < (r or 0) <= k) for r in part]) for part in parts)}")
    print(f"  MRR@10   {'; '.join(interval([1 / rank if rank else 0.0 for rank in part]) for part in parts)}")


def _gold(item: dict[str, Any]) -> set[str]:
    return set(item["meta"]["gold_doc_ids"])


def _answers(library: Library, silver: Sequence[dict[str, Any]], future: Sequence[dict[str, Any]]) -> None:
    in_best, in_best_three, cited, refused = [], [], [], []
    answerer = library.answerer()
    for item in silver:
        _, ranked, _ = answerer.look(Question(item["question"], as_of=item["asof"]))
        holding = [holds(sentence.text, item["answers"]) for sentence in ranked.evidence[:3]]
        in_best.append(float(any(holding[:1])))
        in_best_three.append(float(any(holding)))
        answer = asyncio.run(answerer.ask(Question(item["question"], as_of=item["asof"])))
        refused.append(float(answer.status == "not_in_sources"))
        cited.append(float(any(holds(citation.quote, item["answers"]) for citation in answer.citations)))
    print(f"silver 2022, n={len(silver)}")
    print(f"  answer in best sentence   {interval(in_best)}")
    print(f"  answer in best three      {interval(in_best_three)}")
    print(f"  answer in a cited quote   {interval(cited)}")
    print(f"  refused though answerable {interval(refused)}")
    rejected = [
        float(asyncio.run(answerer.ask(Question(item["question"]))).status == "not_in_sources") for item in future
    ]
    print(f"future unanswerable, leak_risk < .5, n={len(rejected)}\n  refused {interval(rejected)}")


def holds(sentence: str, answers: Sequence[str]) -> bool:
    """Tell whether a sentence contains one of the answers, at word boundaries, ignoring case and punctuation."""
    plain = f" {_plain(sentence)} "
    return any(f" {_plain(answer)} " in plain for answer in answers)


def _plain(words: str) -> str:
    return " ".join(re.findall(r"[\w]+", words.casefold()))


if __name__ == "__main__":
    main()
