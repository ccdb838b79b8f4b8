"""Runs: complete answers after a manifest, resumable after an interruption."""

import json

import pytest

from eval.runs.run import BadRun, read_run
from qa import QaError
from tests.eval.gold_fixtures import FakeTarget, answer_with, ask_all, gold_row, read_lines, sha, span, write_lines

TEXTS = {"a": "The 😀 bridge opened on Monday. Nobody was hurt.", "b": "Another article.\nIt is long."}


@pytest.fixture
def gold(tmp_path):
    rows = [
        gold_row("q1", gold=[span("a", TEXTS["a"], "Monday")], answers=["Monday"]),
        gold_row("q2", gold=[span("b", TEXTS["b"], "long")], answers=["long"]),
        gold_row("q3", answerable=False),
    ]
    return write_lines(tmp_path / "gold.jsonl", rows)


def target(**answers):
    cited = span("a", TEXTS["a"], "The 😀 bridge opened on Monday.") | {"sha256": sha(TEXTS["a"])}
    return FakeTarget(TEXTS, {"q1": answer_with(cited), "q2": answer_with(cited), "q3": answer_with()} | answers)


def test_a_run_holds_manifest_answers_and_articles(gold, tmp_path):
    """The first line is the manifest; each article is stored once, before the item that needs it."""
    out = tmp_path / "run.jsonl"
    summary = ask_all(target(), gold, out, workers=2, seed=7)
    rows = read_lines(out)
    assert (summary.items, summary.skipped, summary.errors) == (3, 0, ())
    assert [row["kind"] for row in rows].count("article") == 2
    manifest = rows[0]
    assert (manifest["kind"], manifest["items"], manifest["seed"], manifest["corpus_sha256"]) == (
        "manifest", 3, 7, "c" * 64,
    )  # fmt: skip
    assert {"commit", "code_sha256", "gold_sha256", "python", "cpu_count", "mode", "as_of"} <= manifest.keys()
    run = read_run(out)
    assert run.replies["q1"]["answer"] == target().answers["q1"]
    assert run.replies["q1"]["seconds"] == 0.02
    assert run.articles["a", 1]["text"] == TEXTS["a"]


def test_an_interrupted_run_is_resumed(gold, tmp_path):
    """Answered items are not asked again, also if the last line is truncated."""
    out = tmp_path / "run.jsonl"
    ask_all(target(), gold, out)
    lines = out.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("id") != "q3"]
    out.write_bytes(b"".join(kept) + b'{"kind": "item", "id": "q3", "ans')
    again = target()
    summary = ask_all(again, gold, out)
    assert again.asked == ["q3"]
    assert (summary.items, summary.skipped) == (3, 2)
    assert sorted(read_run(out).replies) == ["q1", "q2", "q3"]


def test_a_finished_run_asks_nothing(gold, tmp_path):
    """A second call leaves the file as it is."""
    out = tmp_path / "run.jsonl"
    ask_all(target(), gold, out)
    before, again = out.read_bytes(), target()
    ask_all(again, gold, out)
    assert again.asked == []
    assert out.read_bytes() == before


@pytest.mark.parametrize("change", ["corpus", "gold", "seed"])
def test_a_run_with_another_manifest_is_not_resumed(gold, tmp_path, change):
    """A partial run over other articles, questions or options cannot be completed by this one."""
    out = tmp_path / "run.jsonl"
    ask_all(target(), gold, out)
    other, options = target(), {}
    if change == "corpus":
        other.corpus_sha256 = "d" * 64
    elif change == "gold":
        gold.write_text(gold.read_text() + "\n")
    else:
        options = {"seed": 1}
    with pytest.raises(BadRun, match=change):
        ask_all(other, gold, out, **options)
    assert other.asked == []


def test_a_failed_question_is_recorded_and_asked_again(gold, tmp_path):
    """One failure does not end a run; resuming the run repairs it."""
    out = tmp_path / "run.jsonl"
    summary = ask_all(target(q2=QaError("the model is away")), gold, out)
    assert summary.errors == ("q2: QaError: the model is away",)
    assert read_run(out).replies["q2"]["error"] == {"type": "QaError", "message": "the model is away"}
    again = target()
    assert ask_all(again, gold, out).errors == ()
    assert again.asked == ["q2"]
    assert read_run(out).replies["q2"]["error"] is None


def test_a_run_whose_first_questions_all_fail_stops(tmp_path):
    """An unavailable server is not asked for hours; when it is back, the same command resumes."""
    rows = [gold_row(f"q{number}", answerable=False) for number in range(9)]
    gold, out = write_lines(tmp_path / "gold.jsonl", rows), tmp_path / "run.jsonl"
    away = FakeTarget(TEXTS, {row["id"]: QaError("away") for row in rows})
    with pytest.raises(BadRun, match="the first 3 questions failed, the last of them: q2: QaError: away"):
        ask_all(away, gold, out)
    assert away.asked == ["q0", "q1", "q2"]
    back = FakeTarget(TEXTS, {row["id"]: answer_with() for row in rows})
    assert ask_all(back, gold, out).errors == ()
    assert len(back.asked) == 9


def test_a_limit_takes_the_first_questions(gold, tmp_path):
    """The manifest has the number of questions asked."""
    out = tmp_path / "run.jsonl"
    limited = target()
    ask_all(limited, gold, out, limit=2)
    assert limited.asked == ["q1", "q2"]
    assert read_run(out).manifest["items"] == 2


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "not a manifest"),
        ('{"kind": "item", "id": "q"}\n', "not a manifest"),
        ('{"kind": "manifest"}\n{"kind": "item", "id": "q", "seconds": NaN, "error": null}\n', ":2: NaN"),
        ('{"kind": "manifest"}\n{"kind": "it', "cut"),
        ('{"kind": "manifest"}\n{"kind": "it\n', ":2:"),
        ('{"kind": "manifest"}\n' + '{"kind": "item", "id": "q", "error": null}\n' * 2, "answered twice"),
    ],
)
def test_a_broken_run_is_refused(tmp_path, content, fault):
    """A truncated file, a NaN and a repeated item are errors, each with its place."""
    path = tmp_path / "run.jsonl"
    path.write_text(content)
    with pytest.raises(BadRun, match=fault):
        read_run(path)
