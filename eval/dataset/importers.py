"""Importers of public QA datasets into the gold format. A field that a dataset does not have is left out, not made up.

This module reads the datasets that share one schema (`items.jsonl` with an optional `docs.jsonl.gz` beside it);
public_sets.py reads SQuAD, BEIR, MultiHop-RAG and QAGS in the files they are published in.
"""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.dataset.format import Conflict, GoldSpan
from eval.dataset.items import Item
from eval.dataset.public_sets import Imported, read_beir, read_multihop, read_qags, read_squad
from eval.metrics.answer import plain_words
from qa import QaError

MAX_LEAK_RISK = 0.5  # a question about the future whose answer may already be in the articles is no test of refusal
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")

Row = Mapping[str, Any]


def import_set(name: str, path: Path, out: Path, articles: Path | None, year: str | None) -> str:
    """Write a set in the gold format, with its articles if `articles` is given; return the counts. Raises QaError."""
    if name not in SETS:
        raise QaError(f"no set {name!r}; there are {', '.join(sorted(SETS))}")
    try:
        imported = SETS[name](path)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise QaError(f"{path} cannot be read as {name}: {type(exc).__name__}: {exc}") from exc
    items = [item for item in imported.items if year is None or (item.as_of or "").startswith(year)]
    if not items:
        raise QaError(f"{path}: no question to import")
    _write(out, (item.model_dump(mode="json", exclude_defaults=True) | _required_fields(item) for item in items))
    summary = f"{len(items)} questions: {out}"
    if articles is not None:
        if not imported.articles:
            raise QaError(f"{name} has no articles of its own")
        _write(articles, imported.articles)
        summary += f"\n{len(imported.articles)} articles: {articles}"
    return summary


def _required_fields(item: Item) -> dict[str, Any]:
    """Return the fields that every line of the gold format must have, defaults included."""
    return item.model_dump(mode="json", include={"answers", "answerable", "as_of", "gold"})


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _reader(convert: Callable[[Row], Item | None]) -> Callable[[Path], Imported]:
    def read(folder: Path) -> Imported:
        rows = [json.loads(line) for line in lines(folder / "items.jsonl")]
        items = [item for row in rows if (item := convert(row)) is not None]
        docs = folder / "docs.jsonl.gz"
        return Imported(items, [json.loads(line) for line in lines(docs)] if docs.exists() else [])

    return read


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a plain or gzipped file that are not blank."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        yield from (line for line in file if line.strip())


def question_text(words: str) -> str:
    """Return a question without the HTML that some datasets left in it."""
    return " ".join(html.unescape(_TAG.sub("", words)).split())


def spans(rows: Iterable[Row]) -> list[GoldSpan]:
    """Return gold spans without blanks at their ends and without duplicates."""
    unique: dict[tuple[str, int, int], GoldSpan] = {}
    for row in rows:
        words = row["text"].strip()
        if words:
            start = row["start"] + len(row["text"]) - len(row["text"].lstrip())
            span = GoldSpan(article_id=row["doc_id"], start=start, end=start + len(words), text=words)
            unique.setdefault((span.article_id, span.start, span.end), span)
    return list(unique.values())


def _item(row: Row, gold: Sequence[GoldSpan], sets: Sequence[Sequence[int]] | None, **more: Any) -> Item:
    answerable = row["answerable"]
    answers = tuple(answer for answer in row["answers"] if answer.strip())
    fields: dict[str, Any] = {
        "id": row["id"],
        "question": question_text(row["question"]),
        "category": row["dataset"],
        "answers": answers if answerable else (),
        "answerable": answerable,
        "as_of": row["asof"],
        "gold": gold if answerable else (),
        "gold_sets": [list(indexes) for indexes in sets] if sets and answerable else None,
        "wrong_answers": _wrong_answers(row),
        "article_ids": tuple(row["closed_docs"] or ()),
    }
    return Item(**fields | more)


def _wrong_answers(row: Row) -> tuple[str, ...]:
    """Return the answers that are only wrong: RAMDocs lists what is right of one namesake as wrong of another."""
    right = {plain_words(answer) for answer in row["answers"]}
    return tuple(dict.fromkeys(answer for answer in row["wrong_answers"] if plain_words(answer) not in right))


def _all_spans_needed(row: Row) -> Item:
    """Convert a row whose gold spans together are the evidence."""
    return _item(row, spans(row["gold"]), None)


def _any_span_suffices(row: Row) -> Item:
    """Convert a row of which every single gold span proves the answer."""
    gold = spans(row["gold"])
    gold_articles = tuple(row["meta"].get("gold_doc_ids", ()))
    return _item(row, gold, [[index] for index in range(len(gold))], gold_articles=gold_articles)


def _future(row: Row) -> Item | None:
    if row["meta"]["leak_risk"] >= MAX_LEAK_RISK:
        return None
    return _item(row, (), None, notes=f"would be {row['answers'][0]}" if row["answers"] else "")


def _ramdocs(row: Row) -> Item:
    """Convert a row about an ambiguous name: each answer is right of one namesake and needs a span of its own."""
    gold = spans(row["gold"])
    sides = [[index for index, span in enumerate(gold) if span.text == answer] for answer in row["answers"]]
    longest = max(map(len, sides), default=0)
    complete = longest > 0 and all(sides) and {index for side in sides for index in side} == set(range(len(gold)))
    sets = [[side[at % len(side)] for side in sides] for at in range(longest)] if complete else None
    conflict = None
    if len(row["answers"]) > 1:
        about = "; ".join(row["meta"].get("disambig", ())) or row["question"]
        conflict = Conflict(about=about, values=tuple((answer,) for answer in row["answers"]))
    return _item(row, gold, sets, conflict=conflict)


def _wice(row: Row) -> Item:
    """Convert a claim into a question; each alternative set of sentences supports it."""
    groups = [row["gold"], *row["meta"]["alternative_gold_sets"]]
    gold = spans(span for group in groups for span in group)
    index_of = {span: index for index, span in enumerate(gold)}
    sets = {tuple(sorted(index_of[span] for span in spans(group))): None for group in groups if group}
    return _item(row, gold, list(sets), notes=row["meta"]["label"])


def _summhay(row: Row) -> Item:
    """Convert a topic to summarise: its insights are not alternative answers, but their articles are known."""
    articles = dict.fromkeys(name for insight in row["meta"]["insights"] for name in insight["gold_docs"])
    return _item(row, (), None, answers=(), gold_articles=tuple(articles), notes=row["meta"]["subtopic"])


SETS: Mapping[str, Callable[[Path], Imported]] = {
    "beir": read_beir,
    "chroma_chunking": _reader(_all_spans_needed),
    "clapnq": _reader(_all_spans_needed),
    "multihop_rag": read_multihop,
    "qags_cnndm": read_qags,
    "ramdocs": _reader(_ramdocs),
    "realtimeqa_future_unanswerable": _reader(_future),
    "realtimeqa_goldlink": _reader(_any_span_suffices),
    "realtimeqa_silver": _reader(_any_span_suffices),
    "robustrag_realtimeqa": _reader(_any_span_suffices),
    "squad": read_squad,
    "summhay_news": _reader(_summhay),
    "wice": _reader(_wice),
}
