"""The targets: the library and a server give the same run."""

import asyncio
import json

import pytest

from eval.dataset.items import load_items
from eval.runs.run import read_run
from eval.runs.server_target import ServerTarget
from eval.runs.targets import AskOptions, LibraryTarget, open_library
from eval.scoring.score import score
from qa import QaError
from qa.service.app import create_app
from tests.eval.gold_fixtures import ask_all, gold_row, span, write_lines
from tests.service.serving import running, settings_for

ROWS = [
    {"id": "wire/bridge 1", "title": "Bridge opens", "outlet": "Corvane Wire", "published_at": "2023-03-21",
     "text": "The 😀 bridge opened again on Monday. Nobody was hurt."},
    {"id": "old", "title": "Bridge shut", "outlet": "Corvane Wire", "published_at": "2022-03-21",
     "text": "The bridge was shut on a Friday for repairs."},
    {"id": "later", "title": "Bridge again", "outlet": "Corvane Wire", "published_at": "2023-04-21",
     "text": "The bridge opened again on Sunday after another repair."},
]  # fmt: skip


@pytest.fixture
def gold(tmp_path):
    rows = [
        gold_row("when", question="When did the bridge open again?", answers=["Monday"], as_of="2023-03-22",
                 gold=[span("wire/bridge 1", ROWS[0]["text"], "The 😀 bridge opened again on Monday.")]),
        gold_row("among", question="When did the bridge open again?", answers=["Sunday"], as_of="2023-05-01",
                 article_ids=["old", "later"],
                 gold=[span("later", ROWS[2]["text"], "The bridge opened again on Sunday")]),
        gold_row("next", question="On which day?", as_of="2023-03-22", answers=["Monday"],
                 history=[{"role": "user", "content": "Did the bridge open?"},
                          {"role": "assistant", "content": "It did."}],
                 gold=[span("wire/bridge 1", ROWS[0]["text"], "Monday")]),
        gold_row("nothing", question="Who plays the cello in the town band?", answerable=False, as_of="2023-03-22"),
    ]  # fmt: skip
    return write_lines(tmp_path / "gold.jsonl", rows)


@pytest.fixture
def articles(tmp_path):
    return write_lines(tmp_path / "articles.jsonl", ROWS)


def test_a_library_and_a_server_give_the_same_run(gold, articles, tmp_path):
    """Answers, hits and articles are equal; only ids and times differ."""
    with open_library(tmp_path / "store", articles, "none") as library:
        assert ask_all(LibraryTarget(library, "default"), gold, tmp_path / "library.jsonl", workers=2).errors == ()
    with running(create_app(settings_for(tmp_path / "store"))) as port:
        target = ServerTarget(f"http://127.0.0.1:{port}/", None, "default")
        assert ask_all(target, gold, tmp_path / "server.jsonl", workers=2).errors == ()
    library_run, server_run = read_run(tmp_path / "library.jsonl"), read_run(tmp_path / "server.jsonl")
    assert library_run.manifest["corpus_sha256"] == server_run.manifest["corpus_sha256"]
    assert library_run.articles == server_run.articles
    for name, reply in library_run.replies.items():
        other = server_run.replies[name]
        for part in ("status", "answer", "citations", "statements"):
            assert reply["answer"][part] == other["answer"][part], (name, part)
        for part in ("looked", "hits"):
            assert [hit["article_id"] for hit in reply[part]] == [hit["article_id"] for hit in other[part]]
    values = [score(gold, tmp_path / f"{name}.jsonl")["metrics"] for name in ("library", "server")]
    assert values[0] == values[1]
    assert values[0]["citation_validity"]["value"] == 1


def test_a_run_keeps_to_the_articles_and_the_day_of_its_question(gold, articles, tmp_path):
    """`article_ids` restricts the search, no hit is later than `as_of`, and follow-ups are not searched separately."""
    out = tmp_path / "run.jsonl"
    with open_library(None, articles, "none") as library:
        ask_all(LibraryTarget(library, "default"), gold, out)
    replies = read_run(out).replies
    assert {hit["article_id"] for hit in replies["among"]["hits"]} == {"old", "later"}
    assert "later" not in {hit["article_id"] for hit in replies["when"]["hits"]}
    assert replies["next"]["hits"] == []


def test_a_run_keeps_the_requested_number_of_ranked_sentences(gold, articles, tmp_path):
    """Each sentence is at its place in its article; without the option the field is None, not an empty list."""
    out = tmp_path / "run.jsonl"
    with open_library(None, articles, "none") as library:
        ask_all(LibraryTarget(library, "default"), gold, out, options=AskOptions(sentences=2))
        ask_all(LibraryTarget(library, "default"), gold, tmp_path / "bare.jsonl")
    texts = {row["id"]: row["text"] for row in ROWS}
    sentences = read_run(out).replies["when"]["sentences"]
    assert len(sentences) == 2
    for sentence in sentences:
        assert texts[sentence["article_id"]][sentence["start"] : sentence["end"]] == sentence["text"]
    assert {reply["sentences"] for reply in read_run(tmp_path / "bare.jsonl").replies.values()} == {None}


def test_the_day_of_a_run_is_for_items_without_one(articles, tmp_path):
    """`--as-of` makes a run over undated questions reproducible."""
    gold = write_lines(tmp_path / "gold.jsonl", [gold_row("q", question="When did the bridge open again?")])
    (item,) = load_items(gold)
    with open_library(None, articles, "none") as library:
        target = LibraryTarget(library, "default")
        reply = asyncio.run(target.ask(item, AskOptions(as_of="2022-12-31")))
    assert {hit["article_id"] for hit in reply.hits} == {"old"}


def test_refused_articles_stop_a_run(tmp_path):
    """A gold set over only part of its articles would measure something else."""
    path = tmp_path / "articles.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n{broken\n")
    with pytest.raises(QaError, match="1 articles refused"), open_library(None, path, "none"):
        pass


def test_secrets_stay_out_of_the_manifest(gold, articles, tmp_path, monkeypatch):
    """Run files are shared with others."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("QA_API_KEYS", "admin:qk-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:secret@models.example/v1")
    with open_library(None, articles, "none") as library:
        ask_all(LibraryTarget(library, "default"), gold, tmp_path / "run.jsonl")
    manifest = json.dumps(read_run(tmp_path / "run.jsonl").manifest)
    assert "secret" not in manifest
    assert '"embed_model": "none"' in manifest
    assert '"openai_base_url": "models.example"' in manifest


def test_an_unreachable_server_is_named():
    """The error is a QaError with the address, not a socket error; an address must be an http URL."""
    with pytest.raises(QaError, match=r"127\.0\.0\.1:9"):
        asyncio.run(ServerTarget("http://127.0.0.1:9", None, "default").describe())
    with pytest.raises(QaError, match="begins with http"):
        ServerTarget("file:///etc/passwd", None, "default")
