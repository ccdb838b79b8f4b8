"""The command line: run, score, compare and import, with their exit codes."""

import json

import pytest
from typer.testing import CliRunner

from eval.__main__ import app
from tests.eval.gold_fixtures import gold_row, read_lines, span, write_lines

TEXT = "The 😀 bridge opened again on Monday. Nobody was hurt."


@pytest.fixture
def files(tmp_path):
    row = {"id": "a", "title": "Bridge", "outlet": "Corvane Wire", "published_at": "2023-03-21", "text": TEXT}
    write_lines(tmp_path / "articles.jsonl", [row])
    gold = [span("a", TEXT, "The 😀 bridge opened again on Monday.")]
    rows = [gold_row("when", question="When did the bridge open again?", answers=["Monday"], gold=gold)]
    write_lines(tmp_path / "gold.jsonl", rows)
    return tmp_path


def call(*args):
    return CliRunner().invoke(app, [str(argument) for argument in args])


def run_and_score(files):
    common = ("--gold", files / "gold.jsonl")
    ran = call("run", *common, "--articles", files / "articles.jsonl", "--embed", "none", "--out", files / "run.jsonl")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith("1 items, 0 from before, 0 failed")
    assert "the first 1 took" in ran.stderr
    return call("score", *common, "--run", files / "run.jsonl", "--out", files / "scores.json")


def test_run_score_compare(files):
    """Three commands from articles to a verdict; equal runs pass a custom gate."""
    scored = run_and_score(files)
    assert scored.exit_code == 0, scored.output
    assert "citation_validity         1.0000" in scored.stdout
    scores = files / "scores.json"
    assert json.loads(scores.read_text())["metrics"]["answer_contains"]["value"] == 1
    (files / "gates.toml").write_text("alpha = 0.05\n[gated.citation_validity]\nfloor = 1.0\n")
    compared = call("compare", scores, scores, "--gate", files / "gates.toml")
    assert compared.exit_code == 0, compared.output
    assert compared.stdout.endswith("passed\n")
    as_json = call("compare", scores, scores, "--gate", files / "gates.toml", "--json")
    assert json.loads(as_json.stdout)["passed"] is True


def test_the_projects_gates_fail_a_set_that_leaves_gated_metrics_unscored(files):
    """A single question without a wrong answer or a refusal leaves gated metrics unscored: exit 1, with their names."""
    run_and_score(files)
    compared = call("compare", files / "scores.json", files / "scores.json")
    assert compared.exit_code == 1
    assert "FAILED refusal_f1: unscored" in compared.stdout


def test_a_broken_run_exits_1_and_names_it(files):
    """A missing item is reported as one line on stderr, and no scores are written."""
    run_and_score(files)
    (files / "scores.json").unlink()
    rows = [row for row in read_lines(files / "run.jsonl") if row["kind"] != "item"]
    write_lines(files / "run.jsonl", rows)
    scored = call("score", "--gold", files / "gold.jsonl", "--run", files / "run.jsonl", "--out", files / "scores.json")
    assert (scored.exit_code, scored.stdout) == (1, "")
    assert scored.stderr == "item when is missing from the run\n"
    assert not (files / "scores.json").exists()


def test_a_run_asks_exactly_one_target(files):
    """None or two of the three target options are a usage error."""
    common = ("run", "--gold", files / "gold.jsonl", "--out", files / "run.jsonl")
    assert call(*common).exit_code == 2
    assert call(*common, "--data-dir", files, "--server", "http://127.0.0.1:9").exit_code == 2
    assert call(*common, "--server", "http://127.0.0.1:9").exit_code == 1


def test_import_lists_the_known_sets(files):
    """An unknown set exits 1 and lists the known ones."""
    found = call("import", "nope", files, "--out", files / "out.jsonl")
    assert found.exit_code == 1
    assert "squad" in found.stderr
