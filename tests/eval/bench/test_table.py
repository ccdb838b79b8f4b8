"""`eval bench tables`: sets are imported, asked and scored, and missing ones reported."""

import gzip
import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from eval.__main__ import app
from eval.bench.public.sets import SETS, SUPPORT
from eval.bench.public.table import corpus_name
from eval.bench.verification.support_scores import auroc, choose, claims
from eval.dataset.importers import SETS as IMPORTERS
from eval.runs.run import read_run
from eval.scoring.registry import METRICS
from qa.verification.support_score import score
from tests.eval.gold_fixtures import write_lines

TEXT = "The 😀 tower in Vessen was built in 1931. It stands by the river."


@pytest.fixture
def data(tmp_path):
    """Return a folder with one set of two questions, one of which has no answer."""
    folder = tmp_path / "data" / "clapnq"
    folder.mkdir(parents=True)
    words = "The 😀 tower in Vessen was built in 1931."
    gold = [{"doc_id": "d1", "kind": "x", "start": 0, "end": len(words), "text": words}]
    row = {"dataset": "clapnq", "wrong_answers": [], "asof": None, "closed_docs": ["d1"], "meta": {}, "split": "dev"}
    asked = {"question": "When was the tower in Vessen built?", "answers": ["1931"], "answerable": True, "gold": gold}
    strange = {"question": "Who paints owls on Mars?", "answers": [], "answerable": False, "gold": []}
    write_lines(folder / "items.jsonl", [row | asked | {"id": "c/1"}, row | strange | {"id": "c/2"}])
    with gzip.open(folder / "docs.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"id": "d1", "text": TEXT, "title": "Tower"}) + "\n")
    return tmp_path / "data"


def call(data, *more):
    cache = data.parent / "cache"
    common = ("bench", "tables", "--data", data, "--embed", "none", "--cache", cache)
    return CliRunner().invoke(app, [str(argument) for argument in (*common, *more)])


def test_a_set_becomes_lines_of_the_table(data):
    """Each line has the number of questions, a value, and the figure to beat."""
    result = call(data, "--sets", "clapnq", "--out", data / "table.json")
    assert result.exit_code == 0, result.output
    assert re.search(r"^\| clapnq \| evidence sentences, F1 \| 1 \| [01]\.\d{3} \| - \| - \|$", result.stdout, re.M)
    assert re.search(
        r"^\| clapnq \| refusal F1 \| 2 \| [01]\.\d{3} \| .* \| goal: at least \.75 \|$", result.stdout, re.M
    )
    assert "the first 2 took" in result.stderr
    figures = json.loads((data / "table.json").read_text())
    assert (figures["embed"], figures["faults"], len(figures["figures"])) == ("none", [], 4)


def test_a_second_call_asks_nothing_again(data):
    """Stores and runs stay in the cache."""
    first = call(data, "--sets", "clapnq")
    runs = data.parent / "cache" / "runs"
    before = (runs / "clapnq-none.run.jsonl").read_bytes()
    again = call(data, "--sets", "clapnq")
    assert again.stdout == first.stdout
    assert (runs / "clapnq-none.run.jsonl").read_bytes() == before
    assert len(list((data.parent / "cache" / "stores").iterdir())) == 1


def test_a_run_of_other_options_is_started_anew(data):
    """A run limited to one question is not resumed as half of a full run."""
    call(data, "--sets", "clapnq", "--limit", 1)
    result = call(data, "--sets", "clapnq")
    assert "started anew" in result.stderr
    assert len(read_run(data.parent / "cache" / "runs" / "clapnq-none.run.jsonl").replies) == 2


def test_what_is_missing_is_said_and_fails(data):
    """The other sets are still measured."""
    result = call(data, "--sets", "ramdocs,clapnq,wice")
    assert result.exit_code == 1
    assert "| clapnq | refusal F1 |" in result.stdout
    assert [line.split(":")[0] for line in result.stdout.splitlines() if line.startswith("MISSING")] == [
        "MISSING ramdocs", "MISSING wice",
    ]  # fmt: skip


def test_a_store_made_before_is_asked(data):
    """`--store` names the corpus; nothing is indexed again."""
    call(data, "--sets", "clapnq")
    (store,) = (data.parent / "cache" / "stores").iterdir()
    moved = store.rename(data.parent / "given")
    assert call(data, "--sets", "clapnq", "--store", f"clapnq={moved}").exit_code == 0
    assert not list((data.parent / "cache" / "stores").iterdir())
    assert call(data, "--sets", "clapnq", "--store", "clapnq").exit_code == 2


def test_an_unknown_set_lists_the_known():
    """A misspelt set would be a table without it."""
    result = CliRunner().invoke(app, ["bench", "tables", "--data", ".", "--sets", "nope"])
    assert result.exit_code == 1
    assert "goldlink, goldlink_undated, silver" in result.stderr


def test_every_line_of_the_table_is_a_metric_of_an_imported_set():
    """A misspelt metric would fail after an hour of asking."""
    metrics = {metric.name for metric in METRICS}
    for bench_set in SETS.values():
        assert bench_set.folder in IMPORTERS
        assert {row.metric for row in bench_set.rows} <= metrics
    assert SUPPORT.keys() <= IMPORTERS.keys()
    assert corpus_name("realtimeqa_docs/docs_2022.jsonl.gz") == "docs_2022"
    assert corpus_name("clapnq/docs.jsonl.gz") == "clapnq"


@pytest.fixture
def judged(data):
    """Add a set of forty claims, of which every other one is true; some true ones are far from their words."""
    rows = []
    for number in range(40):
        true, year = number % 2 == 0, 1900 + number
        said = f"The tower was built in {year if true else year + 7}." if number % 5 else "It is by a stream."
        text = f"The tower of Vessen was built in {year}. It stands by the river {number}."
        votes = [{"response": "yes" if true else "no"}] * 3
        rows.append({"article": text, "summary_sentences": [{"sentence": said, "responses": votes}]})
    (data / "qags_cnndm").mkdir()
    write_lines(data / "qags_cnndm" / "mturk_cnndm.jsonl", rows)
    return data


def test_the_support_score_is_measured_as_it_ships(judged):
    """Weights fitted on the measured set would flatter the score: only `--refit` shows them, on lines of their own."""
    result = call(judged, "--sets", "qags_cnndm", "--json")
    assert result.exit_code == 0, result.output
    (figure,) = json.loads(result.stdout)["figures"]
    rows = list(claims(judged, "qags_cnndm"))
    scores = np.array([score(claim, choose(claim, body, title, None)) for claim, body, title, _ in rows])
    assert figure["value"] == auroc(scores, np.array([float(label) for *_, label in rows]))
    assert figure["label"] == "support, AUROC, weights as shipped"


def test_weights_that_are_fitted_anew_say_what_on(judged):
    """The figure of the shipped weights stays, and a second line names the folds and the sets."""
    plain = call(judged, "--sets", "qags_cnndm").stdout.splitlines()
    refitted = call(judged, "--sets", "qags_cnndm", "--refit").stdout.splitlines()
    assert refitted[:-1] == plain
    assert "| support, AUROC, weights fitted on the other 4 of 5 folds of qags_cnndm | 40 |" in refitted[-1]
