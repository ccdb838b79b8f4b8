"""Importers over the public sets themselves."""

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
    """Every set is read whole, and its spans are what its articles say."""
    folder = shared / "bench" / name
    out, articles = tmp_path / "gold.jsonl", tmp_path / "articles.jsonl"
    own = name == "qags_cnndm" or (folder / "docs.jsonl.gz").exists()
    import_set(name, folder, out, articles if own else None, None)
    found = [one for item in load_items(out) for one in item.gold]
    texts = texts_of(name, shared / "bench", articles) if found else {}
    absent = [one for one in found if one.article_id not in texts]
    assert len(absent) <= (10 if name.startswith("realtimeqa") else 0)  # articles that the set's makers could not load
    for one in found:
        if one.article_id in texts:
            assert texts[one.article_id][one.start : one.end] == one.text
    assert found or name in {"qags_cnndm", "realtimeqa_future_unanswerable", "summhay_news"}
