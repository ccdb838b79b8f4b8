"""`qa doctor`: what it finds, what it advises, and its exit codes."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from qa.cli.model_exam import QUESTIONS, place_of
from tests.cli.shell import Shell
from tests.scripted_server import Hang, HangUp, Json, Raw, ScriptedServer, Status, Stream, evidence_of

ROW = json.dumps({"id": "a", "text": "The Kestrel bridge cost 4.2 million euros.", "published_at": "2026-05-04"})


@pytest.fixture
def qa(tmp_path) -> Shell:
    return Shell(tmp_path)


def obeys(request):
    """Answer as the exam wants it: each needed sentence with its id, or a refusal."""
    prompt = request["messages"][-1]["content"]
    question = next(question for question in QUESTIONS if question.question in prompt)
    ids = {words: sentence_id for sentence_id, words in evidence_of(request)}
    needed = [question.articles[article][sentence] for (article, sentence), _ in question.needed]
    return [f"{words} [{ids[words]}]\n" for words in needed] or ["NOT_IN_SOURCES"]


def turns_numbers(request):
    """Obey but for the numbers."""
    return [piece.replace("47", "74").replace("14 May", "15 May").replace("6,310", "3,610") for piece in obeys(request)]


@dataclass(frozen=True)
class Replies:
    """Stream what a function returns, and count the prompt's tokens as a server does that read all of it."""

    reply: Callable[[Json], list[str]]
    prompt_tokens: int = 4_000

    async def play(self, request, writer):
        await Stream(self.reply(request), usage=(self.prompt_tokens, 20)).play(request, writer)


def examine(qa, *, model="m", acts=(), reply=obeys, words=("--json",), **env):
    with ScriptedServer(acts or [Replies(reply)]) as server:
        done = qa("doctor", *words, OPENAI_BASE_URL=server.url, QA_LLM_MODEL=model, **env)
        return done, server.seen


def parts(done):
    return {check["part"]: check for check in json.loads(done.stdout)["checks"]}


def test_without_model_and_store(qa):
    """Nothing is configured: nothing is wrong, and the check leaves no store behind."""
    done = qa("doctor", "--json")
    assert done.returncode == 0
    found = parts(done)
    assert {part: found[part]["state"] for part in ("prompts", "embedder", "store", "model")} == {
        "prompts": "ok", "embedder": "off", "store": "off", "model": "off",
    }  # fmt: skip
    assert "qa ingest" in found["store"]["message"]
    assert not (qa.folder / ".qa-data").exists()


def test_a_store_is_counted(qa):
    """An open store says how much is in it."""
    qa("ingest", "-", stdin=ROW)
    assert "1 articles, 1 chunks" in parts(qa("doctor", "--json"))["store"]["message"]


def test_a_model_that_obeys(qa):
    """Every check of every question holds; three calls were made."""
    done, seen = examine(qa)
    report = json.loads(done.stdout)
    assert (done.returncode, report["obeys"], len(seen)) == (0, True, 3)
    assert [(row["ids"], row["words"], row["refusal"], row["window"]) for row in report["questions"]] == [
        (True, True, None, True), (None, None, True, True), (True, True, None, True),
    ]  # fmt: skip
    assert all(row["problems"] == [] and row["seconds"] > 0 for row in report["questions"])
    shown, _ = examine(qa, words=())
    assert "m at model server 127.0.0.1" in shown.stdout and "obeys: 3 of 3 questions as told" in shown.stdout


def test_the_third_prompt_is_a_full_one(qa):
    """What it needs stands first and last in the evidence, with all that a prompt shows between."""
    _, seen = examine(qa)
    sentences = [words for _, words in evidence_of(seen[2].body)]
    assert "14 May 2024" in sentences[0] and "6,310" in sentences[-1]
    assert 700 < len(seen[2].body["messages"][-1]["content"].split()) < 2_000


@pytest.mark.parametrize(
    ("reply", "check", "problem"),
    [
        (turns_numbers, "words", "does not follow from what it cites"),
        (lambda request: [line.split(" [")[0] + "\n" for line in obeys(request)], "ids", "without the ids"),
        (lambda request: [f"{evidence_of(request)[1][1]} [{evidence_of(request)[1][0]}]"], "ids", "“47”"),
        (lambda request: ["Forty-seven. [s2zzzz]"], "ids", "ids that it was not given"),
        (lambda request: ["NOT_IN_SOURCES"], "ids", "does not cite"),
    ],
)
def test_a_model_that_does_not_obey(qa, reply, check, problem):
    """The first question says which rule it breaks and shows its words; that is a result, so the exit code is 0."""
    done, _ = examine(qa, reply=reply)
    report = json.loads(done.stdout)
    first = report["questions"][0]
    assert (done.returncode, report["obeys"], first["obeys"], first[check]) == (0, False, False, False)
    assert any(problem in each for each in first["problems"]), first["problems"]
    assert first["reply"]


def test_an_answer_where_there_is_none(qa):
    """A model that answers the second question does not refuse."""
    done, _ = examine(qa, reply=lambda request: [f"{evidence_of(request)[0][1]} [{evidence_of(request)[0][0]}]"])
    second = json.loads(done.stdout)["questions"][1]
    assert (second["refusal"], second["obeys"]) == (False, False)


def test_a_prompt_that_was_cut_off(qa):
    """A server that reports fewer tokens than the prompt has words did not read it; the window is named."""
    done, _ = examine(qa, acts=[Replies(obeys, 500)])
    questions = json.loads(done.stdout)["questions"]
    assert [row["window"] for row in questions] == [True, True, False]
    assert "read 500 tokens of a prompt of" in questions[2]["problems"][0]
    assert "4,096" in questions[2]["problems"][0]


def test_a_full_prompt_that_is_refused(qa):
    """A server that took the short prompts and refuses the long one has too small a window; that is a result."""
    acts = [Replies(obeys), Replies(obeys), Status(400, error={"code": "context_length_exceeded"})]
    done, _ = examine(qa, acts=acts)
    third = json.loads(done.stdout)["questions"][2]
    assert (done.returncode, third["obeys"], third["window"]) == (0, False, False)
    assert "context_length_exceeded" in third["problems"][0] and "4,096" in third["problems"][0]


def test_a_reply_that_was_stopped(qa):
    """Stopped for length, perhaps while it was thinking: the window and thinking are named."""
    done, _ = examine(qa, acts=[Stream(["<think>well"], finish="length")])
    first = json.loads(done.stdout)["questions"][0]
    assert not first["window"] and any("switch off thinking" in problem for problem in first["problems"])


NAMES = Raw(json.dumps({"data": [{"id": "qwen3:8b"}, {"id": "other\x1b[31m\u202e"}]}).encode(), "application/json")
UNKNOWN = Status(404, error={"message": "no", "type": "not_found", "code": "model_not_found"})


@pytest.mark.parametrize(
    ("acts", "code", "advice"),
    [
        ([UNKNOWN, NAMES], 2, "the server has no model m; set QA_LLM_MODEL to one of qwen3:8b, other"),
        ([Status(404)], 2, "check the base URL and the model's name"),
        ([Status(401)], 2, "check OPENAI_API_KEY"),
        ([Status(403)], 2, "check the key's rights"),
        ([Status(429, error={"code": "insufficient_quota"})], 3, "nothing left to spend"),
        ([Status(503, {"retry-after": "0"})], 3, "its log says why"),
        ([Hang()], 3, "too slow for QA_DEADLINE_S=1"),
        ([HangUp()], 3, "is it running at OPENAI_BASE_URL?"),
        ([Raw(b"<html>hello</html>", "text/html")], 2, "It mostly ends in /v1"),
    ],
)
def test_a_server_that_cannot_be_asked(qa, acts, code, advice):
    """What is wrong and what to do, in one line, with the exit code of the contract and without the key."""
    done, _ = examine(qa, acts=acts, OPENAI_API_KEY="sk-secret-7", QA_DEADLINE_S="1")
    assert done.returncode == code
    assert json.loads(done.stdout)["obeys"] is None
    message = parts(done)["model"]["message"]
    assert advice in message
    assert "sk-secret" not in done.stdout + done.stderr and "\x1b" not in message and "\u202e" not in message


def test_what_was_learnt_before_the_server_hung_is_shown(qa):
    """The full prompt takes a slow server longest: the questions before it are reported all the same."""
    done, _ = examine(qa, acts=[Replies(obeys), Replies(obeys), Hang()], QA_DEADLINE_S="1")
    report = json.loads(done.stdout)
    assert (done.returncode, report["obeys"], len(report["questions"])) == (3, None, 2)
    assert all(row["obeys"] for row in report["questions"])


def test_a_server_that_is_not_there(qa):
    """Nobody listens: exit code 3, and the other parts are still reported."""
    done = qa("doctor", "--json", OPENAI_BASE_URL="http://127.0.0.1:9/v1", QA_LLM_MODEL="m")
    assert done.returncode == 3
    assert parts(done)["prompts"]["state"] == "ok"
    assert "is it running" in parts(done)["model"]["message"]


@pytest.mark.parametrize(
    ("env", "code", "named"),
    [
        ({"QA_LLM_MODEL": "m"}, 2, "QA_LLM_MODEL"),
        ({"QA_PROMPTS_DIR": "nowhere"}, 2, "nowhere"),
        ({"QA_EMBED_MODEL": "openai:e", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, 3, "127.0.0.1:9"),
        ({"QA_EMBED_MODEL": "word2vec"}, 2, "QA_EMBED_MODEL"),
    ],
)
def test_wrong_settings(qa, env, code, named):
    """A setting that cannot work is named, exit code 2; an embedding server that is away, 3."""
    done = qa("doctor", **env)
    assert done.returncode == code
    assert named in done.stdout + done.stderr


def test_spans_of_the_exam_are_those_of_its_sentences():
    """A citation is compared by its place, so the places must be right."""
    for question in QUESTIONS:
        for article in question.articles:
            text = " ".join(article)
            assert [place_of(article, number).slice(text) for number in range(len(article))] == list(article)
