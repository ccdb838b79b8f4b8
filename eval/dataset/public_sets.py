"""Readers of SQuAD, BEIR, MultiHop-RAG and QAGS in the files they are published in."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.dataset.format import GoldSpan
from eval.dataset.items import Item
from qa import QaError


@dataclass(frozen=True, slots=True)
class Imported:
    """The questions of a dataset, and its articles, if it has any, as rows for `qa ingest`."""

    items: list[Item]
    articles: list[dict[str, Any]] = field(default_factory=list)


def _normalised(text: str) -> str:
    # As ingestion normalises articles: an offset into CRLF text would be off by one for every line before it.
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def read_squad(path: Path) -> Imported:
    """Read SQuAD 1.1 or 2.0. Each paragraph is an article; each marked answer is sufficient evidence."""
    imported = Imported([])
    for entry in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for number, paragraph in enumerate(entry["paragraphs"]):
            article_id = f"squad/{entry['title']}/{number}"
            text = _normalised(paragraph["context"])
            imported.articles.append({"id": article_id, "title": entry["title"].replace("_", " "), "text": text})
            rows = paragraph["qas"]
            imported.items.extend(_squad_item(row, article_id, paragraph["context"]) for row in rows)
    return imported


def _squad_item(row: dict[str, Any], article_id: str, context: str) -> Item:
    gold: dict[int, GoldSpan] = {}
    text = _normalised(context)
    for answer in row["answers"]:
        words = _normalised(answer["text"])
        start = len(_normalised(context[: answer["answer_start"]]))
        if text[start : start + len(words)] != words:
            raise QaError(f"{row['id']}: {words!r} does not stand at {answer['answer_start']}")
        gold.setdefault(start, GoldSpan(article_id=article_id, start=start, end=start + len(words), text=words))
    answerable = not row.get("is_impossible", False)
    return Item(
        id=row["id"],
        question=row["question"].strip(),
        category="squad",
        answers=tuple(dict.fromkeys(answer["text"] for answer in row["answers"])) if answerable else (),
        answerable=answerable,
        as_of=None,
        gold=tuple(gold.values()) if answerable else (),
        gold_sets=tuple((index,) for index in range(len(gold))) if answerable and gold else None,
        wrong_answers=tuple(dict.fromkeys(answer["text"] for answer in row.get("plausible_answers", ()))),
    )


def read_beir(folder: Path) -> Imported:
    """Read a BEIR folder with its test qrels: relevant articles, no spans. Queries without a judgement are left out."""
    relevant: dict[str, list[str]] = {}
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if int(row["score"]) > 0:
                relevant.setdefault(row["query-id"], []).append(row["corpus-id"])
    items = [
        Item(
            id=row["_id"],
            question=row["text"].strip(),
            category="beir",
            answers=(),
            answerable=True,
            as_of=None,
            gold=(),
            gold_articles=tuple(relevant[row["_id"]]),
        )
        for row in _rows(folder / "queries.jsonl")
        if row["_id"] in relevant
    ]
    articles = [
        {"id": row["_id"], "title": row.get("title") or None, "text": row["text"]}
        for row in _rows(folder / "corpus.jsonl")
        if row["text"].strip()
    ]
    return Imported(items, articles)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def read_multihop(folder: Path) -> Imported:
    """Read MultiHop-RAG (`corpus.json`, `MultiHopRAG.json`). A null query is one that its articles do not answer."""
    corpus = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
    articles = [
        {
            "id": row["url"],
            "url": row["url"],
            "title": row["title"],
            "outlet": row["source"],
            "published_at": row["published_at"],
            "text": _normalised(row["body"]),
        }
        for row in corpus
    ]
    texts = {row["id"]: row["text"] for row in articles}
    queries = json.loads((folder / "MultiHopRAG.json").read_text(encoding="utf-8"))
    return Imported([_multihop_item(number, row, texts) for number, row in enumerate(queries)], articles)


def _multihop_item(number: int, row: dict[str, Any], texts: dict[str, str]) -> Item:
    answerable = row["question_type"] != "null_query"
    evidence = row["evidence_list"] if answerable else []
    gold: dict[tuple[str, int], GoldSpan] = {}
    missing = 0
    for fact in evidence:
        words = _normalised(fact["fact"]).strip()
        start = texts.get(fact["url"], "").find(words)
        if start < 0:  # the fact is not verbatim: its article still counts
            missing += 1
        else:
            span = GoldSpan(article_id=fact["url"], start=start, end=start + len(words), text=words)
            gold[span.article_id, start] = span
    return Item(
        id=f"multihop/{number}",
        question=row["query"].strip(),
        category=row["question_type"],
        answers=(row["answer"],) if answerable else (),
        answerable=answerable,
        as_of=None,
        gold=() if missing else tuple(gold.values()),
        gold_articles=tuple(_unique(fact["url"] for fact in evidence)),
        notes=f"{missing} of {len(evidence)} facts are not verbatim" if missing else "",
    )


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def read_qags(path: Path) -> Imported:
    """Read QAGS (`mturk_*.jsonl`, or its folder): each summary sentence is a claim, supported by majority vote."""
    files = sorted(path.glob("mturk_*.jsonl")) if path.is_dir() else [path]
    imported = Imported([])
    for number, row in enumerate(row for file in files for row in _rows(file)):
        article_id = f"qags/{number}"
        imported.articles.append({"id": article_id, "text": row["article"]})
        for place, sentence in enumerate(row["summary_sentences"]):
            votes = [answer["response"] == "yes" for answer in sentence["responses"]]
            supported = 2 * sum(votes) > len(votes)
            imported.items.append(
                Item(
                    id=f"{article_id}/{place}",
                    question=sentence["sentence"],
                    category="qags",
                    answers=(),
                    answerable=supported,
                    as_of=None,
                    gold=(),
                    article_ids=(article_id,),
                    gold_articles=(article_id,) if supported else (),
                    notes=f"{sum(votes)} of {len(votes)} said yes",
                )
            )
    return imported
