"""Estimates before a run: time, tokens and cost, calculated by hand."""

import pytest

from eval.models.estimate import Prices, estimate
from eval.runs.run import CostLimitExceeded, read_run
from eval.scoring.score import score
from tests.eval.gold_fixtures import FakeTarget, answer_with, ask_all, gold_row, sha, span, write_lines

TEXTS = {"a": "The 😀 bridge opened on Monday."}
USAGE = {"prompt_tokens": 1_000, "completion_tokens": 100}
PRICES = Prices(per_million_in=3.0, per_million_out=15.0)  # 1,000 in and 100 out cost .0045


def test_an_estimate_by_hand():
    """Two questions in 3 s are 1.5 s each: ten more with two workers take 7.5 s, 11,000 tokens and .045."""
    found = estimate([1.0, 2.0], [USAGE, USAGE], remaining=10, workers=2, prices=PRICES)
    assert (found.seconds, found.tokens, found.cost) == (7.5, 11_000, pytest.approx(0.045))
    assert str(found) == "the first 2 took 3.0 s; 10 left, about 8 s, about 11,000 tokens, about 0.04 in money"


def test_without_a_model_there_is_time_only():
    """An extractive run uses no tokens; workers without a question to ask save no time."""
    free = {"prompt_tokens": 0, "completion_tokens": 0}
    found = estimate([2.0], [free], remaining=1, workers=8, prices=None)
    assert str(found) == "the first 1 took 2.0 s; 1 left, about 2 s"
    assert estimate([2.0], [], remaining=0, workers=4, prices=PRICES).cost == 0


@pytest.fixture
def files(tmp_path):
    rows = [gold_row(f"q{number}", gold=[span("a", TEXTS["a"], "Monday")], answers=["Monday"]) for number in range(10)]
    return write_lines(tmp_path / "gold.jsonl", rows), tmp_path / "run.jsonl"


def target():
    right = answer_with(span("a", TEXTS["a"], "The 😀 bridge opened on Monday.") | {"sha256": sha(TEXTS["a"])})
    answers = {f"q{number}": right | {"usage": USAGE} for number in range(10)}
    return FakeTarget(TEXTS, answers | {"q9": answer_with(usage=USAGE)})


def test_a_run_over_its_cost_limit_stops_and_keeps_its_answers(files):
    """Three answers are paid for; seven more at .0045 are .0315, and only a higher limit allows them."""
    with pytest.raises(CostLimitExceeded, match=r"about 0\.03, more than 0\.03"):
        ask_all(target(), *files, prices=PRICES, max_cost=0.031)
    assert sorted(read_run(files[1]).replies) == ["q0", "q1", "q2"]
    again = target()
    assert ask_all(again, *files, prices=PRICES, max_cost=0.032).skipped == 3
    assert len(again.asked) == 7


def test_cost_per_question_and_per_correct_answer(files):
    """Ten questions cost .045; nine are right."""
    ask_all(target(), *files)
    operations = score(*files, prices=PRICES)["operations"]
    assert operations["tokens_per_question"] == 1_100
    assert operations["cost_per_question"] == pytest.approx(0.0045)
    assert operations["cost_per_correct_answer"] == pytest.approx(0.045 / 9)
    assert score(*files)["operations"]["cost_per_question"] is None
