"""The command line: its output, exit codes and effects. Only tests about the process itself start a process."""

import io
import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from qa.catalog.catalog import Catalog
from qa.ingest.ingest import ingest as write
from tests import ROOT
from tests.cli.shell import Shell
from tests.fakes import article
from tests.service.serving import reading


@pytest.fixture
def qa(tmp_path) -> Shell:
    return Shell(tmp_path)


ROWS = "\n".join(
    (
        json.dumps({"id": "a", "text": "🎉 The Kestrel bridge cost 4.2 million euros.", "published_at": "2026-05-04"}),
        "{ broken",
        json.dumps({"id": "b", "text": "The ferry carried 5,200 passengers in April.", "outlet": "Coast Wire"}),
    )
)


def test_ingest_reports_and_refuses_by_itself(qa):
    """A bad row is named with its line, exit code 1; the others are ingested, and a second run changes nothing."""
    (qa.folder / "rows.jsonl").write_text(ROWS)
    first = qa.process("ingest", "rows.jsonl", "--json")
    report = json.loads(first.stdout)
    assert first.returncode == 1
    assert (report["added"], report["updated"], report["unchanged"], report["chunks"]) == (2, 0, 0, 2)
    assert [refusal["source"] for refusal in report["refused"]] == ["rows.jsonl:2"]
    assert "rows.jsonl:2" in first.stderr
    again = json.loads(qa("ingest", "rows.jsonl", "--json").stdout)
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 2)


def test_from_stdin_to_an_answer_and_out_again(qa):
    """Articles from stdin are answered with an exact quote, and can be listed, shown and deleted."""
    assert qa.process("ingest", "-", stdin=ROWS.replace("{ broken\n", "")).returncode == 0
    done = qa("ask", "How much did the Kestrel bridge cost?", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and answer["status"] == "answered"
    assert answer["citations"][0]["quote"] == "🎉 The Kestrel bridge cost 4.2 million euros."
    shown = json.loads(qa("articles", "show", "a", "--json").stdout)
    quote = answer["citations"][0]
    assert shown["text"][quote["start"] : quote["end"]] == quote["quote"]
    assert json.loads(qa("search", "ferry", "--json").stdout)["hits"][0]["article_id"] == "b"
    assert qa("articles", "delete", "a").returncode == 0
    assert json.loads(qa("articles", "list", "--json").stdout)["total"] == 1
    refused = qa("ask", "How much did the Kestrel bridge cost?")
    assert refused.returncode == 0 and "not_in_sources" in refused.stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_short_answer_is_printed_first(qa, monkeypatch):
    """Plain where the output is not a terminal, bold where it is; `--json` has it as a span."""
    qa("ingest", "-", stdin=ROWS)
    question = ("ask", "How much did the Kestrel bridge cost?")
    plain = qa(*question, QA_READER="off").stdout
    assert not plain.startswith("4.2 million euros")
    with reading("4.2 million euros"):
        short = json.loads(qa(*question, "--json").stdout)["short_answer"]
        assert short == {"text": "4.2 million euros", "citation": 1, "start": 26, "end": 43}
        assert qa(*question).stdout == f"4.2 million euros\n\n{plain}"
        monkeypatch.setattr(io, "StringIO", Terminal)
        assert qa(*question).stdout == f"\x1b[1m4.2 million euros\x1b[0m\n\n{plain}"


def test_indexes_can_be_lost_and_backups_restored(qa):
    """`index verify` finds a difference, `rebuild` repairs it, and a restored backup answers in another folder."""
    qa("ingest", "-", stdin=ROWS)
    status = json.loads(qa("index", "status", "--json").stdout)
    assert status["articles"] == 2 and status["indexes"]["lexical"]["behind"] == 0
    assert qa("index", "verify").returncode == 0
    assert qa("index", "rebuild").returncode == 0
    assert qa("backup", "saved").returncode == 0
    assert qa("restore", "saved", QA_DATA_DIR="other").stdout.startswith("2 articles")
    answer = json.loads(qa("ask", "How much did the Kestrel bridge cost?", "--json", QA_DATA_DIR="other").stdout)
    assert answer["status"] == "answered"
    assert qa("restore", "saved", QA_DATA_DIR="other").returncode == 2


def test_a_damaged_text_is_told_and_can_be_taken_in_again(qa):
    """`index verify` names the article and the remedy; ingesting the same text is a no-op until it is deleted."""
    qa("ingest", "-", stdin=ROWS)
    with closing(sqlite3.connect(qa.folder / ".qa-data" / "catalog.sqlite3")) as raw, raw:
        raw.execute("UPDATE versions SET text = replace(text, '4.2', '9.2')")
    done = qa("index", "verify", "--json")
    assert done.returncode == 1 and "take damaged articles down" in done.stderr
    assert json.loads(done.stdout)["problems"] == ["article 'a', version 1: its text is not the one that came in"]
    assert "9.2" not in qa("ask", "How much did the Kestrel bridge cost?").stdout
    qa("articles", "delete", "a")
    qa("ingest", "-", stdin=ROWS)
    assert qa("index", "verify").returncode == 0
    assert "4.2 million euros" in qa("ask", "How much did the Kestrel bridge cost?").stdout


def test_what_a_killed_ingest_left_behind_is_indexed(qa):
    """Articles that reached the catalog but not the indexes are indexed before the next question."""
    catalog = Catalog(f"sqlite:///{qa.folder / '.qa-data' / 'catalog.sqlite3'}")
    write([article("a", "The Kestrel bridge cost 4.2 million euros.")], catalog, None)
    catalog.close()
    assert json.loads(qa("index", "status", "--json").stdout)["indexes"]["lexical"]["behind"] == 1
    assert "4.2 million euros" in qa("ask", "How much did the Kestrel bridge cost?").stdout
    assert json.loads(qa("index", "status", "--json").stdout)["indexes"]["lexical"]["behind"] == 0
    assert qa("index", "verify").returncode == 0


@pytest.mark.parametrize(
    ("words", "env", "code", "message"),
    [
        (("ask", "Who?"), {"QA_SPEED": "11"}, 2, "QA_SPEED"),
        (("ask", "Who?"), {"QA_EMBED_MODEL": "word2vec"}, 2, "QA_EMBED_MODEL"),
        (("ask", "Who?", "--as-of", "yesterday"), {}, 1, "as_of"),
        (("ask", " "), {}, 1, "question"),
        (("articles", "show", "nobody"), {}, 1, "nobody"),
        (("ingest", "nowhere.txt"), {}, 1, "nowhere.txt"),
        (("serve", "--workers", "2"), {}, 2, "workers"),
        (("ask", "Who?"), {"QA_DATABASE_URL": "mysql://x"}, 2, "QA_DATABASE_URL"),
        (("backup", "/dev/null"), {}, 2, "/dev/null"),
        (("restore", "nowhere"), {}, 2, "nowhere"),
    ],
)
def test_faults_are_one_line_that_names_the_thing(qa, words, env, code, message):
    """Wrong settings exit with 2, refused input with 1, each without a traceback."""
    done = qa(*words, **env)
    assert done.returncode == code, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr


def test_a_process_that_cannot_serve_ends_with_one_line(qa):
    """A non-loopback address needs keys: exit code 2, and nothing is served."""
    done = qa.process("serve", "--host", "0.0.0.0")
    assert done.returncode == 2, done.stderr
    assert "QA_API_KEYS" in done.stderr and "Traceback" not in done.stderr and not done.stdout


def test_a_running_server_answers_for_its_directory(qa):
    """While a server owns the directory, it answers `ask`, and picks up an `ingest` within seconds."""
    server = subprocess.Popen(
        [*qa.command, "serve", "--port", "0"], cwd=qa.folder, env=qa.env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("serving on http://127.0.0.1:")
        assert qa.process("serve", "--port", "0").returncode == 2
        assert qa("ingest", "-", stdin=ROWS).returncode == 1
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            answer = json.loads(qa("ask", "How much did the Kestrel bridge cost?", "--json").stdout)
            if answer["status"] == "answered":
                break
            time.sleep(0.1)
        assert answer["citations"][0]["article_id"] == "a"
    finally:
        server.terminate()
        assert server.wait(15) in (0, -15)  # uvicorn ends by the signal it was stopped with
        server.stdout.close()


def test_help_is_light():
    """`qa --help` and `import qa` load no slow library."""
    code = "import sys, qa.cli.main; print(sorted(set(sys.modules) & set('chromadb openai onnxruntime numpy'.split())))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() == "[]", done.stderr
