"""The importers, run over the real public sets."""

import functools
import json

import pytest

from eval.dataset.importers import SETS, import_set, lines
from eval.dataset.items import load_items
from tests.eval.gold_fixtures import read_lines


def texts_of(name, bench, articles):
    """Return the articles that a set points into: its own, or those of RealTimeQA."""
    if articles.exists():
        return {row["id"]: row["text"] for row in read_lines(articles)}
    return realtimeqa_texts(bench / "realtimeqa_docs") if name.startswith("realtimeqa") else {}


@functools.cache
def realtimeqa_texts(folder):
    return {
        row["id"]: row["text"] for path in sorted(folder.glob("*.jsonl.gz")) for row in map(json.loads, lines(path))
    }


@pytest.mark.parametrize("name", sorted(SETS.keys() - {"beir", "multihop_rag", "squad"}))
def test_a_set_imports_as_it_is(name, shared, tmp_path):
    """Every set is read completely, and each gold span is the slice of its article."""
    folder = shared / "bench" / name
    out, articles = tmp_path / "gold.jsonl", tmp_path / "articles.jsonl"
    own = name == "qags_cnndm" or (folder / "docs.jsonl.gz").exists()
    import_set(name, folder, out, articles if own else None, None)
    spans = [span for item in load_items(out) for span in item.gold]
    texts = texts_of(name, shared / "bench", articles) if spans else {}
    absent = [span for span in spans if span.article_id not in texts]
    assert len(absent) <= (10 if name.startswith("realtimeqa") else 0)  # articles that the set's makers could not load
    for span in spans:
        if span.article_id in texts:
            assert texts[span.article_id][span.start : span.end] == span.text
    assert spans or name in {"qags_cnndm", "realtimeqa_future_unanswerable", "summhay_news"}
