"""The public sets of `eval bench tables`, the metrics of each, and the figures to beat; table.py measures them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eval.runs.targets import AsOfField

BEST_SENTENCES = 10  # kept of every question, since some metrics are of the best ten


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a metric of eval/scoring/registry.py, and the published or baseline figure to beat."""

    metric: str
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class BenchSet:
    """Questions of a public set, asked over a corpus."""

    folder: str  # of the questions, below DATA; also the name of the importer
    corpus: str  # a file of articles, below DATA
    rows: tuple[Row, ...]
    year: str = ""  # only questions of this year: the articles of the others are not in the corpus
    as_of_field: AsOfField = "as_of"
    by_article: bool = True  # False: too few articles to cluster by; intervals are by question


_2022 = "realtimeqa_docs/docs_2022.jsonl.gz"
_RANKED = (
    Row("success@1", "hits@1", "BM25 .425; fusion .489"),
    Row("success@4", "hits@4", "BM25 .620; fusion .681"),
    Row("success@10", "hits@10", "BM25 .748; fusion .783"),
    Row("rr@10", "MRR@10", "BM25 .526; fusion .582"),
)
_RANKED_BY_TIME = (
    Row("success@1", "hits@1", "fusion + recency .604"),
    Row("success@4", "hits@4", "fusion + recency .802"),
    Row("success@10", "hits@10", "fusion + recency .863"),
    Row("rr@10", "MRR@10", "fusion + recency .700"),
)

SETS: Mapping[str, BenchSet] = {
    "goldlink": BenchSet("realtimeqa_goldlink", _2022, _RANKED_BY_TIME, "2022"),
    "goldlink_undated": BenchSet("realtimeqa_goldlink", _2022, _RANKED, "2022", "none"),
    "silver": BenchSet(
        "realtimeqa_silver",
        _2022,
        (
            Row("success@1", "hits@1", "BM25 .694"),
            Row("sentence_answer@1", "answer in the best sentence", "overlap .54; with time and type .60"),
            Row("sentence_answer@3", "answer in the best three", "overlap .77; with time and type .82"),
            Row("sentence_answer@5", "answer in the best five", "overlap .845; with time and type .88"),
            Row("answer_cited", "answer in a cited quote", "-"),
            Row("span_f1", "cited spans, F1", "-"),
            Row("exact_match", "exact match of the whole answer", "models with web search .357"),
            Row("token_f1", "token F1 of the whole answer", "models with web search .476"),
            Row("over_refusal", "refused though answerable", "goal: at most .15"),
        ),
        "2022",
    ),
    "future": BenchSet(
        "realtimeqa_future_unanswerable",
        _2022,
        (Row("refusal_recall", "refused (leak risk below .5)", "goal: at least .80"),),
    ),
    "chroma_chunking": BenchSet(
        "chroma_chunking",
        "chroma_chunking/docs.jsonl.gz",
        (
            Row("chunk_recall@5", "recall of five chunks", "BM25 400: .73; 1600: .92; cluster chunker .897"),
            Row("chunk_iou@5", "IoU of five chunks", "BM25 400: .106; 1600: .034"),
            Row("sentence_recall@3", "recall of the best three sentences", ".54"),
            Row("sentence_iou@3", "IoU of the best three sentences", ".252"),
            Row("sentence_recall@10", "recall of the best ten sentences", ".74"),
            Row("sentence_iou@10", "IoU of the best ten sentences", ".129"),
        ),
        by_article=False,
    ),
    "clapnq": BenchSet(
        "clapnq",
        "clapnq/docs.jsonl.gz",
        (
            Row("span_f1", "evidence sentences, F1", "-"),
            Row("refusal_precision", "refusal precision", "-"),
            Row("refusal_recall", "refusal recall", "-"),
            Row("refusal_f1", "refusal F1", "goal: at least .75"),
        ),
    ),
    "ramdocs": BenchSet(
        "ramdocs",
        "ramdocs/docs.jsonl.gz",
        (
            Row("strict_match", "strict match", "Llama-3.3-70B .326; several agents .344"),
            Row("wrong_included", "wrong answer included (lower is better)", "-"),
            Row("conflict_flag_precision", "conflict told, precision", "-"),
            Row("conflict_flag_recall", "conflict told, recall", "-"),
            Row("conflict_flag_f1", "conflict told, F1", "-"),
        ),
    ),
    "robustrag": BenchSet(
        "robustrag_realtimeqa",
        "robustrag_realtimeqa/docs.jsonl.gz",
        (
            Row("sentence_answer@10", "answer in the best ten sentences", "in a web search's first ten snippets .74"),
            Row("answer_cited", "answer in a cited quote", "-"),
            Row("wrong_included", "the attacker's answer included (lower is better)", "-"),
        ),
    ),
    "summhay": BenchSet(
        "summhay_news",
        "summhay_news/docs.jsonl.gz",
        (Row("article_f1", "citation F1 by article", "o1-preview .570 (reranked); human .739"),),
    ),
}

# Human judgements of whether an article supports a claim; measured by eval/bench/verification/support_scores.py.
SUPPORT: Mapping[str, Row] = {
    "wice": Row("auroc", "support, AUROC", "lexical .787; goal .85"),
    "qags_cnndm": Row("auroc", "support, AUROC", "lexical .842; goal .90"),
}
