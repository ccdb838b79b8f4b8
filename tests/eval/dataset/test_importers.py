"""Importers on tiny made-up files in the formats of the public sets."""

import gzip
import json

import pytest

from eval.dataset.importers import import_set, question_text
from eval.dataset.items import load_items
from qa import QaError
from tests.eval.gold_fixtures import read_lines

TEXT = "The 😀 bridge opened on Monday.\nNobody was hurt, and it opened again on Friday.\n"


def doc_span(words, doc_id="d1", text=TEXT):
    start = text.index(words)
    return {"doc_id": doc_id, "start": start, "end": start + len(words), "text": words, "kind": "evidence"}


def bench_row(**fields):
    row = {"id": "x/1", "dataset": "made_up", "question": "When did it open?", "answers": ["Monday"],
           "wrong_answers": [], "answerable": True, "asof": "2022-06-17", "closed_docs": None, "gold": [], "meta": {},
           "split": "dev"}  # fmt: skip
    return row | fields


def imported(tmp_path, name, *rows, year=None):
    """Import rows of the common schema and read them back as a run would."""
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "gold.jsonl"
    import_set(name, folder, out, None, year)
    return load_items(out)


def test_spans_lose_their_blanks_and_keep_their_place(tmp_path):
    """A line break at the end of a span is cut off; a repeated span is kept once."""
    gold = [doc_span("The 😀 bridge opened on Monday.\n"), doc_span("The 😀 bridge opened on Monday.")]
    (item,) = imported(tmp_path, "clapnq", bench_row(gold=gold, closed_docs=["d1"]))
    (span,) = item.gold
    assert (span.start, span.end, span.text) == (0, 30, "The 😀 bridge opened on Monday.")
    assert TEXT[span.start : span.end] == span.text
    assert (item.article_ids, item.as_of, item.category) == (("d1",), "2022-06-17", "made_up")
    assert item.gold_sets is None


def test_each_span_of_a_silver_set_is_enough_and_known_articles_are_kept(tmp_path):
    """The answer occurs in several places, and citing any of them is right."""
    gold = [doc_span("opened on Monday"), doc_span("opened again")]
    (item,) = imported(tmp_path, "realtimeqa_goldlink", bench_row(gold=gold, meta={"gold_doc_ids": ["d1", "d2"]}))
    assert item.gold_sets == ((0,), (1,))
    assert item.relevant == {"d1", "d2"}


def test_a_year_selects_the_questions_of_that_year(tmp_path):
    """Questions of other years would be asked over the wrong articles."""
    rows = bench_row(), bench_row(id="x/2", asof="2023-01-06")
    assert [item.id for item in imported(tmp_path, "realtimeqa_silver", *rows, year="2023")] == ["x/2"]


def test_unanswerable_questions_lose_their_answers(tmp_path):
    """The true answer of a question about the future is not in the articles; risky ones are left out."""
    safe = bench_row(answerable=False, meta={"leak_risk": 0.2})
    risky = bench_row(id="x/2", answerable=False, meta={"leak_risk": 0.5})
    (item,) = imported(tmp_path, "realtimeqa_future_unanswerable", safe, risky)
    assert (item.answerable, item.answers, item.notes) == (False, (), "would be Monday")


def test_ramdocs_sides_are_a_conflict_with_sets_of_one_span_each(tmp_path):
    """Two right answers: a sufficient set has a span of each, and the wrong answer is kept once."""
    gold = [doc_span("Monday"), doc_span("Friday"), doc_span("Monday", "d2")]
    row = bench_row(answers=["Monday", "Friday"], wrong_answers=["Sunday", "Sunday"], gold=gold,
                    meta={"disambig": ["the bridge", "the road"]})  # fmt: skip
    (item,) = imported(tmp_path, "ramdocs", row)
    assert item.conflict.values == (("Monday",), ("Friday",))
    assert item.conflict.about == "the bridge; the road"
    assert item.gold_sets == ((0, 1), (2, 1))
    assert item.wrong_answers == ("Sunday",)


def test_an_answer_that_is_also_right_is_not_wrong(tmp_path):
    """RAMDocs lists what is right of one namesake as wrong of another, sometimes in another spelling."""
    answers = ["Film", "Ice hockey", "1,234"]
    row = bench_row(answers=answers, wrong_answers=["Film", "Ice Hockey", "1234", "Novel"])
    (item,) = imported(tmp_path, "ramdocs", row)
    assert item.wrong_answers == ("Novel",)


def test_one_ramdocs_answer_is_no_conflict(tmp_path):
    """Articles with wrong answers do not make a conflict of right ones."""
    (item,) = imported(tmp_path, "ramdocs", bench_row(gold=[doc_span("Monday"), doc_span("Monday", "d2")]))
    assert item.conflict is None
    assert item.gold_sets == ((0,), (1,))


def test_wice_alternatives_are_gold_sets(tmp_path):
    """Each alternative set supports the claim; a repeated set is kept once."""
    first, second = doc_span("The 😀 bridge opened on Monday."), doc_span("Nobody was hurt")
    row = bench_row(
        answers=[], gold=[first], meta={"label": "supported", "alternative_gold_sets": [[first, second], [first]]}
    )
    (item,) = imported(tmp_path, "wice", row)
    assert item.gold_sets == ((0,), (0, 1))
    assert item.notes == "supported"


def test_summhay_keeps_articles_not_answers(tmp_path):
    """Insights are parts of one answer, not alternative answers."""
    insights = [{"id": "i", "text": "A.", "gold_docs": ["d1", "d2"]}, {"id": "j", "text": "B.", "gold_docs": ["d2"]}]
    row = bench_row(answers=["A.", "B."], meta={"subtopic": "bridges", "insights": insights})
    (item,) = imported(tmp_path, "summhay_news", row)
    assert (item.answers, item.gold_articles) == ((), ("d1", "d2"))


def test_questions_lose_their_html():
    """Tags are removed and entities decoded; a less-than sign is not a tag."""
    assert question_text("Who said <em>no</em> &amp;\r\n why?") == "Who said no & why?"
    assert question_text("Is 3 < 4 > 2?") == "Is 3 < 4 > 2?"


def test_articles_of_a_set_are_written_as_rows(tmp_path):
    """`docs.jsonl.gz` beside the items is the corpus; without it `--articles` is an error."""
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "items.jsonl").write_text(json.dumps(bench_row(gold=[doc_span("Monday")])) + "\n")
    out, articles = tmp_path / "gold.jsonl", tmp_path / "articles.jsonl"
    with pytest.raises(QaError, match="no articles of its own"):
        import_set("clapnq", folder, out, articles, None)
    with gzip.open(folder / "docs.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"id": "d1", "text": TEXT}) + "\n")
    assert "1 articles" in import_set("clapnq", folder, out, articles, None)
    assert read_lines(articles) == [{"id": "d1", "text": TEXT}]


def test_squad_offsets_survive_crlf(tmp_path):
    """Stored text has no carriage returns, so offsets are moved accordingly."""
    context = "The 😀 bridge\r\nopened on Monday."
    answer = {"text": "Monday", "answer_start": context.index("Monday")}
    qas = [
        {"id": "s1", "question": " When? ", "answers": [answer, answer], "is_impossible": False},
        {"id": "s2", "question": "Who?", "answers": [], "is_impossible": True,
         "plausible_answers": [{"text": "bridge", "answer_start": 6}]},
    ]  # fmt: skip
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "A_Bridge", "paragraphs": [{"context": context, "qas": qas}]}]}))
    out, articles = tmp_path / "gold.jsonl", tmp_path / "articles.jsonl"
    import_set("squad", path, out, articles, None)
    (row,) = read_lines(articles)
    first, second = load_items(out)
    assert row == {"id": "squad/A_Bridge/0", "title": "A Bridge", "text": "The 😀 bridge\nopened on Monday."}
    assert [row["text"][gold.start : gold.end] for gold in first.gold] == ["Monday"]
    assert (first.question, first.answers, first.gold_sets) == ("When?", ("Monday",), ((0,),))
    assert (second.answerable, second.answers, second.wrong_answers) == (False, (), ("bridge",))


def test_squad_with_a_wrong_offset_is_refused(tmp_path):
    """A gold span must have the text of its answer."""
    qas = [{"id": "s1", "question": "When?", "answers": [{"text": "Monday", "answer_start": 1}]}]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "A", "paragraphs": [{"context": "On Monday.", "qas": qas}]}]}))
    with pytest.raises(QaError, match="s1"):
        import_set("squad", path, tmp_path / "gold.jsonl", None, None)


def test_beir_has_articles_and_no_spans(tmp_path):
    """Articles with a judgement of 0 are not relevant; queries without a judgement are left out."""
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\nq1\td3\t2\n")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "a \\"bridge"}\n{"_id": "q2", "text": "x"}\n')
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "One."}\n{"_id": "d2", "text": " "}\n')
    out, articles = tmp_path / "gold.jsonl", tmp_path / "articles.jsonl"
    import_set("beir", tmp_path, out, articles, None)
    (item,) = load_items(out)
    assert (item.question, item.gold_articles, item.gold, item.answers) == ('a "bridge', ("d1", "d3"), (), ())
    assert read_lines(articles) == [{"id": "d1", "title": None, "text": "One."}]


def test_multihop_facts_become_spans_if_they_are_verbatim(tmp_path):
    """All facts are needed; if one is not verbatim only the articles are kept; a null query is unanswerable."""
    corpus = [
        {"title": "T", "author": "A", "source": "Wire", "published_at": "2023-10-03T00:00:00+00:00", "category": "c",
         "url": f"https://x.example/{name}", "body": body}
        for name, body in (("1", TEXT), ("2", "It cost\r\nmuch."))
    ]  # fmt: skip
    facts = [
        {"url": "https://x.example/1", "fact": "opened on Monday"},
        {"url": "https://x.example/2", "fact": "much."},
    ]
    queries = [
        {"query": "Both?", "answer": "Yes", "question_type": "inference_query", "evidence_list": facts},
        {"query": "Lost?", "answer": "No", "question_type": "inference_query",
         "evidence_list": [facts[0], {"url": "https://x.example/2", "fact": "cost little"}]},
        {"query": "Null?", "answer": "Insufficient information.", "question_type": "null_query", "evidence_list": []},
    ]  # fmt: skip
    (tmp_path / "corpus.json").write_text(json.dumps(corpus))
    (tmp_path / "MultiHopRAG.json").write_text(json.dumps(queries))
    out, articles = tmp_path / "gold.jsonl", tmp_path / "articles.jsonl"
    import_set("multihop_rag", tmp_path, out, articles, None)
    both, lost, null = load_items(out)
    texts = {row["id"]: row["text"] for row in read_lines(articles)}
    assert [texts[span.article_id][span.start : span.end] for span in both.gold] == ["opened on Monday", "much."]
    assert both.evidence_sets == [{"https://x.example/1", "https://x.example/2"}]
    assert (lost.gold, len(lost.gold_articles), lost.notes) == ((), 2, "1 of 2 facts are not verbatim")
    assert (null.answerable, null.answers) == (False, ())


def test_qags_sentences_are_claims_by_majority(tmp_path):
    """Two of three yes is supported, one is not."""
    sentences = [
        {"sentence": "It opened.", "responses": [{"worker_id": 0, "response": vote} for vote in ("yes", "no", "yes")]},
        {"sentence": "It fell.", "responses": [{"worker_id": 0, "response": vote} for vote in ("yes", "no", "no")]},
    ]
    path = tmp_path / "mturk_made_up.jsonl"
    path.write_text(json.dumps({"article": TEXT, "summary_sentences": sentences}) + "\n")
    out = tmp_path / "gold.jsonl"
    import_set("qags_cnndm", tmp_path, out, None, None)
    opened, fell = load_items(out)
    assert (opened.answerable, opened.notes, opened.article_ids) == (True, "2 of 3 said yes", ("qags/0",))
    assert (fell.answerable, fell.relevant) == (False, frozenset())


def test_an_unknown_set_and_an_unreadable_one_are_named(tmp_path):
    """The message lists the known sets; a malformed file is a QaError."""
    with pytest.raises(QaError, match="chroma_chunking, clapnq"):
        import_set("nope", tmp_path, tmp_path / "gold.jsonl", None, None)
    with pytest.raises(QaError, match="cannot be read as wice"):
        import_set("wice", tmp_path, tmp_path / "gold.jsonl", None, None)
