"""`python -m eval matrix`: from models to result files to the table."""

import json
import re

import pytest
from typer.testing import CliRunner

from eval.__main__ import app
from eval.matrix.results import load_results
from eval.matrix.sets import prepare_sets
from qa import QaError
from tests import ROOT
from tests.eval.gold_fixtures import gold_row, read_lines, write_lines
from tests.eval.matrix.fixtures import forgets_ids, lies, obeys, write_set
from tests.scripted_server import Computed, ScriptedServer, Status, Stream

PRICES = ("--price-in", "1", "--price-out", "2")
MODELS = {"obeys": obeys, "lies": lies, "forgets-ids": forgets_ids}


def by_model(request):
    return MODELS[request["model"]](request)


def call(*words):
    return CliRunner().invoke(app, ["matrix", *map(str, words)])


def measure(folder, url, models, *more):
    gold, articles = write_set(folder)
    return call("--openai", url, "--models", models, "--gold", gold, "--articles", articles, "--embed", "none",
                "--out", folder / "out", *more)  # fmt: skip


def test_what_verification_buys(tmp_path):
    """A model that obeys loses nothing; a lie passes only as written; a sentence without an id is a false strip."""
    with ScriptedServer(reply=by_model) as model:
        done = measure(tmp_path, model.url, "obeys,lies,forgets-ids", *PRICES, "--server", "scripted 1, 4096")
        assert len(model.seen) == 9  # three models, three questions, one call each: both views come from one reply
    assert done.exit_code == 0, done.output
    results = {result.model: result for result in load_results(tmp_path / "out" / "results")}
    values = {
        name: {field: figure["value"] for field, figure in result.checked.model_dump().items()}
        for name, result in results.items()
    }
    assert values["obeys"] == {
        "right": 1, "span_f1": 1, "refused_rightly": 1, "refused_wrongly": 0, "false_pass": 0, "false_strip": 0,
        "replaced": 0, "fell_back": 0,
    }  # fmt: skip
    as_written = results["lies"].as_written
    assert as_written.false_pass.value == pytest.approx(2 / 3)  # two numbers turned round; the third is a quote
    assert values["lies"]["false_pass"] in (0, None)
    assert as_written.refused_rightly.value == 0
    assert results["forgets-ids"].as_written.right.value == 1
    spending = results["obeys"].spending
    assert (spending.prompt_tokens, spending.completion_tokens) == (7, 3)
    assert spending.cost == pytest.approx((7 * 1 + 3 * 2) / 1e6)
    assert results["obeys"].server == "scripted 1, 4096"
    table = done.stdout.split("\n")
    assert len(table) == 2 + 2 * 3 + 1
    assert table[2].startswith(
        "| obeys | gold | 3 | checked | 1.00 [1.00, 1.00] | 1.00 | 1.00 | .00 | .00 [.00, .00] |"
    )
    assert table[3].startswith("|  |  |  | as written | 1.00 [1.00, 1.00] | 1.00 |")


def test_a_server_that_counts_no_tokens_has_no_cost(tmp_path):
    """Nothing is no figure: neither zero tokens nor a price of zero."""

    class Uncounted:
        async def play(self, request, writer):
            await Stream(obeys(request), usage=(0, 0)).play(request, writer)

    with ScriptedServer([Uncounted()]) as model:
        assert measure(tmp_path, model.url, "m", *PRICES).exit_code == 0
    (result,) = load_results(tmp_path / "out" / "results")
    assert (result.spending.prompt_tokens, result.spending.completion_tokens, result.spending.cost) == (None,) * 3
    assert "| - / - |" in call("--table", "--results", tmp_path / "out" / "results").stdout


def test_an_interrupted_matrix_goes_on(tmp_path):
    """A question that failed is asked again by the same command, and only that one."""
    acts = [Computed(obeys), Status(401), Computed(obeys)]
    with ScriptedServer(acts) as model:
        first = measure(tmp_path, model.url, "m", "--json")
        assert first.exit_code == 1
        assert "m on gold: riders: ModelRefused" in first.stderr
        (result,) = json.loads(first.stdout)["results"]
        assert (result["n"], result["failed"], len(model.seen)) == (3, 1, 3)
        second = measure(tmp_path, model.url, "m", "--json")
        assert len(model.seen) == 4
    assert second.exit_code == 0, second.output
    (result,) = json.loads(second.stdout)["results"]
    assert (result["failed"], result["checked"]["right"]["value"]) == (0, 1)


def test_a_model_that_is_not_there_does_not_stop_the_others(tmp_path):
    """Its fault is named with its status, exit code 1, and the other's result is written."""

    class ByModel:
        async def play(self, request, writer):
            await (Status(404) if request["model"] == "absent" else Computed(obeys)).play(request, writer)

    with ScriptedServer([ByModel()]) as model:
        done = measure(tmp_path, model.url, "absent,there")
    assert done.exit_code == 1
    assert "absent on gold: no question was answered, the last: " in done.stderr and "HTTP 404" in done.stderr
    assert [result.model for result in load_results(tmp_path / "out" / "results")] == ["there"]


def test_a_key_is_in_no_file_and_no_output(tmp_path, monkeypatch):
    """Results, runs and scores are made to be passed on."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-1")
    monkeypatch.setenv("QA_REDIS_URL", "redis://:hidden@cache.internal/0")
    monkeypatch.setenv("QA_ALLOWED_HOSTS", "news.internal")
    with ScriptedServer(reply=obeys) as model:
        done = measure(tmp_path, model.url.replace("http://", "http://me:hidden@"), "m")
        assert all("authorization" in seen.headers for seen in model.seen)
    assert done.exit_code == 0, done.output
    written = [path.read_bytes() for path in (tmp_path / "out").rglob("*.json*")]
    assert written and not [content for content in written if b"sk-secret-1" in content or b"hidden" in content]
    assert "sk-secret-1" not in done.output and "hidden" not in done.output
    (result,) = (tmp_path / "out" / "results").iterdir()
    assert "internal" not in result.read_text()


def test_the_table_needs_only_result_files(tmp_path):
    """Names in files that others sent cannot change the page; every fault of every file is named."""
    with ScriptedServer(reply=obeys) as model:
        assert measure(tmp_path, model.url, "m").exit_code == 0
    folder = tmp_path / "out" / "results"
    (path,) = folder.glob("*.json")
    result = json.loads(path.read_text()) | {"model": "a|b <img src=x> [c](javascript:d)"}
    path.write_text(json.dumps(result))
    shown = call("--table", "--results", folder)
    assert shown.exit_code == 0
    assert r"a\|b \<img src=x\> \[c\](javascript:d)" in shown.stdout
    path.write_text(json.dumps(result | {"n": 0, "rating": 5}))
    (folder / "broken.json").write_text("{")
    refused = call("--table", "--results", folder)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "broken.json" in refused.stderr and ": n: " in refused.stderr and ": rating: " in refused.stderr


def test_usage_faults(tmp_path):
    """Models without a server, one price, and a set that is not there are each named."""
    assert call("--models", "m").exit_code == 2
    assert call("--openai", "http://127.0.0.1:9/v1").exit_code == 2
    assert measure(tmp_path, "http://127.0.0.1:9/v1", "m", "--price-in", "1").exit_code == 2
    assert measure(tmp_path, "http://127.0.0.1:9/v1", "m", "--max-cost", "1").exit_code == 2
    unknown = measure(tmp_path, "http://127.0.0.1:9/v1", "m", "--sets", "clapnq")
    assert unknown.exit_code == 1 and "no set clapnq; there are gold" in unknown.stderr


def test_a_limit_spreads_over_the_set(tmp_path):
    """A gold set is sorted by category: its first questions would be of one kind."""
    gold = write_lines(tmp_path / "gold.jsonl", [gold_row(f"q{number}") for number in range(10)])
    (limited,) = prepare_sets(tmp_path / "sets", gold, tmp_path, limit=3)
    assert [row["id"] for row in read_lines(limited.gold)] == ["q0", "q3", "q6"]
    assert limited.of == 10
    (whole,) = prepare_sets(tmp_path / "sets", gold, tmp_path, limit=10)
    assert (whole.gold, whole.of) == (gold, 10)


def test_public_sets_are_those_in_the_folder(tmp_path):
    """A set is imported where its folder is; one whose articles are missing is a fault with the path."""
    item = {"id": "r1", "dataset": "ramdocs", "question": "Who?", "answers": ["Ann"], "wrong_answers": [],
            "answerable": True, "asof": None, "closed_docs": ["d"], "gold": [], "meta": {}}  # fmt: skip
    (tmp_path / "ramdocs").mkdir()
    write_lines(tmp_path / "ramdocs" / "items.jsonl", [item])
    with pytest.raises(QaError, match=r"ramdocs: its articles, .*docs\.jsonl\.gz, are missing"):
        prepare_sets(tmp_path / "sets", public=tmp_path)
    (tmp_path / "ramdocs" / "docs.jsonl.gz").write_bytes(b"")
    sets = prepare_sets(tmp_path / "sets", public=tmp_path, names=["ramdocs"])
    assert [(each.name, each.of) for each in sets] == [("ramdocs", 1)]
    with pytest.raises(QaError, match="no set clapnq; there are sample, ramdocs"):
        prepare_sets(tmp_path / "sets", public=tmp_path, names=["clapnq"])


def test_the_published_results_are_valid_and_in_the_page():
    """Every file of docs/matrix keeps to the schema, and docs/matrix.md shows the table of exactly these files."""
    shown = call("--table")
    assert shown.exit_code == 0, shown.stderr
    page = (ROOT / "docs" / "matrix.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"(?m)^\| model \|.*\n(?:\|.*\n)+", page)
    assert table.strip() == shown.stdout.strip(), "print it again: python -m eval matrix --table"
