"""One call of the model, two answers: checked, and as the model wrote it."""

import asyncio

import pytest

from eval.dataset.items import load_items
from eval.matrix.target import PairedTarget, with_uncited, write_as_written
from eval.runs.run import read_run
from eval.runs.targets import AskOptions, open_library
from eval.scoring.score import score
from qa import ModelRefused, ModelUnavailable, QaError
from tests.eval.gold_fixtures import ask_all
from tests.eval.matrix.fixtures import forgets_ids, lies, obeys, write_set
from tests.scripted_server import ScriptedServer, Status, Stream

LLM = AskOptions("llm")


def ask(tmp_path, number, **server):
    """Return the paired reply to a question of the small set, and how often the model was asked."""
    gold, articles = write_set(tmp_path)
    item = load_items(gold)[number]
    with ScriptedServer(**server) as model:
        environ = {"OPENAI_BASE_URL": model.url, "QA_LLM_MODEL": "m"}
        with open_library(None, articles, "none", environ) as library:
            target = PairedTarget(library, "default")

            async def once():
                try:
                    return await target.ask(item, LLM)
                finally:
                    await target.aclose()

            return asyncio.run(once()), len(model.seen)


def test_a_model_that_obeys_is_shown_as_it_wrote(tmp_path):
    """Both answers are the same, from one call, and the citation points at the right place."""
    reply, calls = ask(tmp_path, 0, reply=obeys)
    assert calls == 1
    assert reply.answer["answer"] == reply.as_written["answer"] == "The Kestrel bridge cost 42 million euros. [1]"
    assert reply.as_written["citations"] == reply.answer["citations"]


def test_a_lie_is_shown_only_as_written(tmp_path):
    """The check takes a changed number away; what the model wrote keeps it with its citation."""
    reply, calls = ask(tmp_path, 0, reply=lies)
    assert calls == 1
    assert "24 million" not in reply.answer["answer"]
    assert reply.as_written["answer"] == "The Kestrel bridge cost 24 million euros. [1]"
    assert reply.as_written["statements"][0]["citations"] == [1]


def test_a_sentence_without_an_id_gets_the_one_that_bears_it_in_both(tmp_path):
    """The service finds the sentence that says it, with or without verification."""
    reply, _ = ask(tmp_path, 0, reply=forgets_ids)
    assert reply.as_written["answer"] == "The Kestrel bridge cost 42 million euros. [1]" == reply.answer["answer"]


def test_a_refusal_is_one_in_both(tmp_path):
    """Nothing is shown, whichever way it is looked at."""
    reply, _ = ask(tmp_path, 2, reply=obeys)
    assert reply.answer["status"] == reply.as_written["status"] == "not_in_sources"


def test_a_refusal_with_words_is_a_refusal(tmp_path):
    """A sentence of apology before the mark makes no answer of it."""
    reply, _ = ask(tmp_path, 2, reply=lambda request: ["The evidence does not say who.\nNOT_IN_SOURCES\n"])
    assert reply.as_written["status"] == "not_in_sources"


def test_an_unusable_reply_is_quoted_instead_and_shows_nothing_as_written(tmp_path):
    """The service falls back to quotes, as its readers see; the model itself said nothing."""
    reply, _ = ask(tmp_path, 0, reply=lambda request: ["<think>42, or 24?</think>"])
    assert reply.answer["mode"] == "extractive"
    assert reply.as_written is None


@pytest.mark.parametrize(("status", "error"), [(401, ModelRefused), (404, ModelRefused), (503, ModelUnavailable)])
def test_an_outage_is_no_answer(tmp_path, status, error):
    """Where the server is away or refuses, the quotes of the service would be taken for the model's answer."""
    with pytest.raises(error, match=str(status)):
        ask(tmp_path, 0, acts=[Status(status, {"retry-after": "0"})])


def test_a_store_without_a_model_is_refused(tmp_path):
    """There is nothing to measure."""
    _, articles = write_set(tmp_path)
    with open_library(None, articles, "none") as library, pytest.raises(QaError, match="needs a model"):
        PairedTarget(library, "default")


def test_an_invented_id_is_no_sentence():
    """What was rejected for being an unknown id is not shown as text."""
    answer = {"answer": "The articles do not say.", "status": "not_in_sources", "statements": [], "citations": [],
              "rejected": [{"reason": "cites an id that was not given", "text": "s9zzzz"}]}  # fmt: skip
    assert with_uncited(answer, "x [s9zzzz]") == answer


def test_the_second_run_is_a_run_of_its_own(tmp_path):
    """It is scored like any other, its citations are valid, and an unusable reply is a failure in it."""
    gold, articles = write_set(tmp_path)
    run, acts = tmp_path / "run.jsonl", [Stream(["<think>no</think>"]), Stream(["NOT_IN_SOURCES"])]
    with ScriptedServer(acts) as model:
        environ = {"OPENAI_BASE_URL": model.url, "QA_LLM_MODEL": "m"}
        with open_library(None, articles, "none", environ) as library:
            assert ask_all(PairedTarget(library, "default"), gold, run, options=LLM).errors == ()
    second = read_run(write_as_written(run, tmp_path / "second.jsonl"))
    assert second.manifest["settings"]["unsupported"] == "mark"
    assert second.replies["cost"]["error"]["type"] == "ModelBroken"
    assert second.replies["riders"]["answer"]["status"] == "not_in_sources"
    assert score(gold, tmp_path / "second.jsonl")["errors"] == ["cost"]
