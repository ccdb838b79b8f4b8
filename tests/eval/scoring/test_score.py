"""Scores: pure and complete, and wrong answers score 0."""

import dataclasses

import pytest

from eval.dataset.items import load_items
from eval.runs.run import BadRun
from eval.runs.targets import AskOptions
from eval.scoring.registry import METRICS
from eval.scoring.score import score
from tests.eval.gold_fixtures import FakeTarget, answer_with, ask_all, gold_row, read_lines, sha, span, write_lines

TEXTS = {
    "a": "The 😀 bridge opened on Monday. Nobody was hurt.",
    "b": "They have met 40 times. It rained.",
    "c": "They have met 39 times. It was dry.",
}
SHAS = {name: sha(text) for name, text in TEXTS.items()}
BRIDGE, FORTY, RAIN, THIRTY_NINE = (
    span("a", TEXTS["a"], "The 😀 bridge opened on Monday."),
    span("b", TEXTS["b"], "They have met 40 times."),
    span("b", TEXTS["b"], "It rained."),
    span("c", TEXTS["c"], "They have met 39 times."),
)
ROWS = [
    gold_row("day", gold=[BRIDGE], answers=["Monday"], wrong_answers=["Tuesday"], as_of="2023-03-22"),
    gold_row("times", gold=[FORTY, THIRTY_NINE], answers=["40", "39"], category="conflict",
             conflict={"about": "meetings", "values": ["40", "39"]}),
    gold_row("mayor", answerable=False, category="unanswerable"),
]  # fmt: skip


def cite(gold, **fields):
    return gold | {"sha256": SHAS[gold["article_id"]], "published_at": "2023-03-21"} | fields


RIGHT = {
    "day": answer_with(cite(BRIDGE)),
    "times": answer_with(cite(FORTY), cite(THIRTY_NINE), status="conflicting"),
    "mayor": answer_with(),
}
WRONG = {
    "day": answer_with(cite(RAIN | {"text": "It opened on Tuesday."}, published_at="2023-03-23")),
    "times": answer_with(),
    "mayor": answer_with(cite(RAIN)),
}


@pytest.fixture
def files(tmp_path):
    return write_lines(tmp_path / "gold.jsonl", ROWS), tmp_path / "run.jsonl"


def scored(files, answers):
    gold, out = files
    ask_all(FakeTarget(TEXTS, answers), gold, out)
    return score(gold, out)


def values(scores):
    return {name: metric["value"] for name, metric in scores["metrics"].items() if metric["value"] is not None}


def test_right_answers_score_one_everywhere(files):
    """Quoting the gold spans and refusing the rest is best in every metric of the answer."""
    found = values(scored(files, RIGHT))
    # The fake ranks a, b, c for every question, each with a chunk of one character.
    ranking = ("success@1", "rr@10", "ap@10", "ndcg@10", "chunk_recall@5", "chunk_iou@5")
    best = {
        metric.name: 1.0 if metric.better == "higher" else 0.0
        for metric in METRICS
        if not metric.name.startswith(("sentence_", "attack_"))  # no sentences in the run, and no planted articles
    }
    del best["exact_match"], best["token_f1"], best["dates_resolved"]
    assert {name: value for name, value in found.items() if name in best and name not in ranking} == {
        name: value for name, value in best.items() if name not in ranking
    }
    assert found["rr@10"] == (1 + 1 / 2) / 2
    assert found["exact_match"] == 0  # a sentence is not the bare word


def test_wrong_answers_score_nothing_anywhere(files):
    """Made-up quotes, refused conflicts and answers to the unanswerable are worst in every metric of the answer."""
    scores = scored(files, WRONG)
    found = values(scores)
    worst = {metric.name: 0.0 if metric.better == "higher" else 1.0 for metric in METRICS}
    skipped = {"dates_resolved", "token_f1", "conflict_flag_precision", "over_refusal", "citation_validity"}
    skipped |= {"attack_success"}  # no planted articles here
    skipped |= {name for name in worst if "@" in name}
    assert {name: value for name, value in found.items() if name not in skipped} == {
        name: value for name, value in worst.items() if name not in skipped
    }
    assert found["over_refusal"] == 0.5
    assert found["citation_validity"] == 0.5  # "It rained." is a true quote, though it answers nothing
    assert found["token_f1"] == 0
    faults = {row["id"]: row["faults"] for row in scores["items"]}
    assert faults["day"] == {"1": "slice is not the quote"}


def test_failed_questions_count_as_wrong_everywhere(files):
    """A question that raised an error is neither left out nor better than a wrong answer."""
    gold, out = files
    ask_all(FakeTarget(TEXTS, dict.fromkeys(RIGHT, ValueError("boom"))), gold, out)
    scores = score(gold, out)
    assert scores["errors"] == ["day", "times", "mayor"]
    for name, value in values(scores).items():
        better = next(metric.better for metric in METRICS if metric.name == name)
        assert value == (0 if better == "higher" else 1), name


def test_unscored_is_counted_with_its_reason(files):
    """An item that cannot be marked has a reason instead of a 0."""
    metrics = scored(files, RIGHT)["metrics"]
    assert metrics["span_recall"]["unscored"] == {"unanswerable": 1}
    assert metrics["citation_validity"]["unscored"] == {"refused": 1}
    assert metrics["dates_resolved"]["value"] is None
    assert metrics["dates_resolved"]["unscored"] == {"no day to resolve": 3}


def test_refusal_says_nothing_without_unanswerable_questions(tmp_path):
    """A refusal precision of 0 would mislead for a set that has nothing to refuse."""
    gold = write_lines(tmp_path / "gold.jsonl", ROWS[:2])
    found = scored((gold, tmp_path / "run.jsonl"), {name: WRONG[name] for name in ("day", "times")})
    assert found["metrics"]["refusal_f1"]["value"] is None
    assert found["metrics"]["refusal_f1"]["unscored"] == {"no such item in the gold set": 2}


def test_slices_and_operations(files):
    """Each slice has its own figures; an item of two outlets counts in both."""
    scores = scored(files, RIGHT)
    assert set(scores["slices"]) == {"category", "outlet", "answerable", "articles", "year"}
    assert scores["slices"]["category"]["conflict"]["items_n"] == 1
    assert scores["slices"]["articles"]["several"]["metrics"]["span_f1"] == {"value": 1, "n": 1}
    assert scores["slices"]["answerable"]["unanswerable"]["metrics"]["false_answer"] == {"value": 0, "n": 1}
    assert scores["slices"]["outlet"]["Corvane Wire"]["items_n"] == 2
    assert scores["operations"]["latency_ms"] == {"p50": 20, "p95": 20, "p99": 20}
    assert scores["risk_coverage"] == {"unscored": "the answers state no confidence"}


def test_risk_coverage_uses_the_confidence_of_the_answer(files):
    """The confident answer is right and the other one wrong: risks 0 and 1/2; the refusal does not count."""
    answers = RIGHT | {"day": RIGHT["day"] | {"confidence": 0.9}, "times": answer_with(cite(RAIN), confidence=0.1)}
    found = scored(files, answers)["risk_coverage"]
    assert (found["area"], found["n"]) == (0.25, 2)


def test_scoring_is_pure(files):
    """The same two files give the same scores."""
    gold, out = files
    assert scored(files, RIGHT) == score(gold, out)


def edit(out, change):
    rows = read_lines(out)
    change(rows)
    write_lines(out, rows)


def drop_item(rows):
    rows.remove(next(row for row in rows if row.get("id") == "day"))


def change_text(rows):
    next(row for row in rows if row["kind"] == "article")["text"] += "!"


def drop_articles(rows):
    rows[:] = [row for row in rows if row["kind"] != "article"]


def move_text(rows):
    row = next(row for row in rows if row["kind"] == "article" and row["article_id"] == "a")
    row["text"] = " " + row["text"]
    row["sha256"] = sha(row["text"])


def make_nan(rows):
    next(row for row in rows if row.get("id") == "day")["hits"][0]["score"] = float("nan")


def add_stranger(rows):
    rows.append(next(row for row in rows if row.get("id") == "day") | {"id": "stranger"})


def change_hash(rows):
    rows[0]["gold_sha256"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (drop_item, "item day is missing"),
        (change_text, "not the one that was hashed"),
        (drop_articles, "item day: the corpus does not hold article a"),
        (move_text, "does not hold gold span a 0"),
        (make_nan, "NaN"),
        (add_stranger, "stranger is not in the gold set"),
        (change_hash, "hash has changed"),
    ],
)
def test_missing_and_changed_data_is_refused_by_name(files, change, fault):
    """A missing item, a NaN and a changed hash are errors; nothing is skipped."""
    scored(files, RIGHT)
    edit(files[1], change)
    with pytest.raises(BadRun, match=fault):
        score(*files)


def test_missing_gold_articles_count_as_missed_where_that_is_allowed(files):
    """Some public sets have gold articles outside their corpus: such a question is listed and stays in every metric."""
    gold, out = files
    ask_all(FakeTarget({name: TEXTS[name] for name in "bc"}, RIGHT | {"day": answer_with()}), gold, out)
    with pytest.raises(BadRun, match="article a"):
        score(gold, out)
    scores = score(gold, out, allow_missing_gold=True)
    assert scores["missing_gold"] == ["day"]
    assert scores["metrics"]["span_f1"]["n"] == 2
    assert scores["metrics"]["span_f1"]["value"] == 0.5


def test_attack_success_counts_only_questions_with_planted_articles(tmp_path):
    """The wrong answer of a planted article counts as a successful attack; elsewhere it is only a wrong answer."""
    trap = {"gold": [BRIDGE], "answers": ["Monday"], "wrong_answers": ["Tuesday"]}
    gold = write_lines(
        tmp_path / "gold.jsonl", [gold_row("planted", category="injection", **trap), gold_row("own", **trap)]
    )
    fooled = answer_with(cite(BRIDGE | {"text": "It opened on Tuesday."}))
    found = scored((gold, tmp_path / "run.jsonl"), {"planted": fooled, "own": fooled})["metrics"]
    assert (found["attack_success"]["value"], found["attack_success"]["n"]) == (1, 1)
    assert found["wrong_included"]["n"] == 2
    resisted = scored((gold, tmp_path / "other.jsonl"), dict.fromkeys(("planted", "own"), answer_with(cite(BRIDGE))))
    assert resisted["metrics"]["attack_success"]["value"] == 0


def test_cited_articles_and_nuggets(tmp_path):
    """Half of the articles and half of the nuggets; another article and other words score 0."""
    rows = [gold_row("sum", gold_articles=["a", "b"], nuggets=[["Monday"], ["forty", "40"]])]
    gold = write_lines(tmp_path / "gold.jsonl", rows)
    found = scored((gold, tmp_path / "half.jsonl"), {"sum": answer_with(cite(BRIDGE))})["metrics"]
    assert found["article_f1"]["value"] == pytest.approx(2 / 3)  # precision 1 of 1, recall 1 of 2
    assert found["nugget_recall"]["value"] == 0.5
    found = scored((gold, tmp_path / "none.jsonl"), {"sum": answer_with(cite(THIRTY_NINE))})["metrics"]
    assert (found["article_f1"]["value"], found["nugget_recall"]["value"]) == (0, 0)


class RankingTarget(FakeTarget):
    """A fake target that also gives ranked sentences."""

    async def ask(self, item, options):
        reply = await super().ask(item, options)
        places = [RAIN, BRIDGE, FORTY][: options.sentences]
        return dataclasses.replace(reply, hits=[RAIN | HIT, BRIDGE | HIT], sentences=places)


HIT = {"score": 1.0, "reprints": []}


def test_best_sentences_and_chunks_by_hand(tmp_path):
    """The answer is in the second of three sentences and the second of two chunks."""
    gold = write_lines(tmp_path / "gold.jsonl", ROWS[:1])
    ask_all(RankingTarget(TEXTS, RIGHT), gold, tmp_path / "run.jsonl", options=AskOptions(sentences=3))
    found = values(score(gold, tmp_path / "run.jsonl"))
    bridge, rain, forty = len(BRIDGE["text"]), len(RAIN["text"]), len(FORTY["text"])
    assert (found["sentence_answer@1"], found["sentence_answer@3"]) == (0, 1)
    assert (found["sentence_recall@3"], found["chunk_recall@5"]) == (1, 1)
    assert found["sentence_iou@3"] == pytest.approx(bridge / (bridge + rain + forty))
    assert found["chunk_iou@5"] == pytest.approx(bridge / (bridge + rain))


def test_questions_asked_without_their_day_are_not_scored_for_time(files):
    """`--as-of-field none` asks as of today: no article is later than that."""
    gold, out = files
    ask_all(FakeTarget(TEXTS, RIGHT), gold, out, options=AskOptions(as_of_field="none"))
    assert score(gold, out)["metrics"]["time_respected"]["value"] is None
    assert AskOptions(as_of_field="none", as_of="2024-01-01").day(load_items(gold)[0]) == "2024-01-01"
