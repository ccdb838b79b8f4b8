"""POST /v1/ask and /v1/search."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.service.serving import BRIDGE, client, events, opened, reading

ASKED = {"question": "When did the bridge open again?", "as_of": "2023-03-22"}


def test_citation_slices_the_text(tmp_path: Path) -> None:
    """A citation's offsets select its quote in the text of the text route, in code points and in UTF-16."""
    with client(tmp_path, BRIDGE | {"text": "😀 Two were named.\r\nThe bridge opened again on Monday."}) as http:
        answer = http.post("/v1/ask", json=ASKED).json()
        assert answer["status"] == "answered"
        for citation in answer["citations"]:
            text = http.get(
                f"/v1/articles/{citation['article_id']}/text", params={"version": citation["version"]}
            ).json()
            assert text["text"][citation["start"] : citation["end"]] == citation["quote"]
            units = text["text"].encode("utf-16-le")[2 * citation["start_utf16"] : 2 * citation["end_utf16"]]
            assert units.decode("utf-16-le") == citation["quote"]
            assert text["sha256"] == citation["sha256"]


def test_answer_has_the_shape_of_the_contract(tmp_path: Path) -> None:
    """Every field of the contract is present, and markers, numbers and citations agree."""
    with client(tmp_path, BRIDGE) as http:
        answer = http.post("/v1/ask", json=ASKED).json()
    assert set(answer) == set(
        "id status answer statements citations conflicts dates rejected mode model degraded complete usage"
        " timings_ms question confidence short_answer".split()
    )
    assert "[1]" in answer["answer"]
    assert [citation["number"] for citation in answer["citations"]] == [1]
    assert answer["citations"][0]["link"] == "/articles/bridge-1?span=0-34"
    statement = answer["statements"][0]
    assert answer["answer"][statement["start"] : statement["end"]] == statement["text"]


def test_nothing_found_is_a_status(tmp_path: Path) -> None:
    """A refusal has an answer text, but no statements and no citations."""
    with client(tmp_path) as http:
        answer = http.post("/v1/ask", json={"question": "Who won?"}).json()
    assert (answer["status"], answer["statements"], answer["citations"]) == ("not_in_sources", [], [])


def test_stream_tells_the_same_answer(tmp_path: Path) -> None:
    """A stream begins with the retrieved sources, its deltas join to the answer text, and it ends with the answer."""
    with client(tmp_path, BRIDGE) as http:
        unstreamed = http.post("/v1/ask", json=ASKED).json()
        reply = http.post("/v1/ask", json=ASKED | {"stream": True})
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-cache"
        assert reply.headers["x-accel-buffering"] == "no"
        sent = events(reply.text)
    assert [name for name, _ in sent] == ["retrieved", "short_answer", "citation", "delta", "answer"]
    assert sent[0][1]["sources"][0] | {"score": 1} == {
        "article_id": "bridge-1", "version": 1, "title": "Bridge opens again", "outlet": "Corvane Wire",
        "url": "https://wire.example/bridge", "published_at": "2023-03-21", "start": 0, "end": 53, "score": 1,
        "reprints": [],
    }  # fmt: skip
    last = sent[-1][1]
    assert "".join(data["text"] for name, data in sent if name == "delta") == last["answer"]
    assert [data for name, data in sent if name == "citation"] == last["citations"]
    for own in ("id", "timings_ms"):
        assert unstreamed.pop(own) and last.pop(own)
    assert last == unstreamed


def test_the_short_answer_is_streamed_first(tmp_path: Path) -> None:
    """It is a span of the article inside its citation, and in a stream comes before the words."""
    text = "Monday 😀 came.\r\nThe bridge opened again on Monday, not on any Monday."
    with reading("on Monday"), client(tmp_path, BRIDGE | {"text": text}) as http:
        whole = http.post("/v1/ask", json=ASKED).json()
        sent = events(http.post("/v1/ask", json=ASKED | {"stream": True}).text)
        stored = http.get("/v1/articles/bridge-1/text").json()["text"]
    short, cited = whole["short_answer"], whole["citations"][0]
    assert short == {"text": "on Monday", "citation": 1, "start": 39, "end": 48}
    assert stored[short["start"] : short["end"]] == short["text"]
    assert cited["start"] <= short["start"] and short["end"] <= cited["end"]
    assert [name for name, _ in sent] == ["retrieved", "short_answer", "citation", "delta", "answer"]
    assert sent[1][1] == sent[-1][1]["short_answer"] == short
    assert cited["link"] == "/articles/bridge-1?span=15-68"


def test_links_carry_the_public_address_and_the_collection(tmp_path: Path) -> None:
    """A link contains the public URL if one is set, and the collection if it is not the default."""
    with client(tmp_path, public_url="https://news.example/qa/") as http:
        http.post("/v1/articles?collection=north", json=BRIDGE)
        answer = http.post("/v1/ask", json=ASKED | {"collection": "north"}).json()
    assert answer["citations"][0]["link"] == "https://news.example/qa/articles/bridge-1?span=0-34&collection=north"


def test_filters_narrow(tmp_path: Path) -> None:
    """Filters by outlet, id and day admit only matching articles."""
    other = BRIDGE | {"id": "bridge-2", "outlet": "Harbour Post", "published_at": "2023-02-01", "url": None}
    other["text"] = "A bridge was closed for a night in the north of the town."
    with client(tmp_path, BRIDGE, other) as http:

        def found(**filters: Any) -> list[str]:
            body = {"query": "bridge", "as_of": "2023-03-22", "filters": filters}
            return sorted(hit["article_id"] for hit in http.post("/v1/search", json=body).json()["hits"])

        assert found() == ["bridge-1", "bridge-2"]
        assert found(outlets=["harbour post"]) == ["bridge-2"]
        assert found(article_ids=["bridge-1"]) == ["bridge-1"]
        assert found(after="2023-03-01") == ["bridge-1"]
        assert found(before="2023-03-01") == ["bridge-2"]


def test_search_shape(tmp_path: Path) -> None:
    """A hit has its place, its text and its rank in each index."""
    with client(tmp_path, BRIDGE) as http:
        found = http.post("/v1/search", json={"query": "bridge", "as_of": "2023-03-22"}).json()
    assert set(found) == {"hits", "degraded", "timings_ms"}
    hit = found["hits"][0]
    assert hit["text"] == BRIDGE["text"][hit["start"] : hit["end"]]
    assert hit["ranks"] == {"lexical": 1, "vector": None}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "question"),
        ({"question": ""}, "question"),
        ({"question": " \n\t"}, "question"),
        ({"question": "x" * 2_001}, "question"),
        ({"question": 5}, "question"),
        ({"question": "x", "filter": {"outlets": ["A"]}}, "filter"),
        ({"question": "x", "filters": {"outlet": ["A"]}}, "filters.outlet"),
        ({"question": "x", "filters": {"outlets": ["A"] * 201}}, "filters.outlets"),
        ({"question": "x", "filters": {"after": "2023-02-30"}}, "filters.after"),
        ({"question": "x", "filters": {"after": "2023-03-02", "before": "2023-03-01"}}, "filters"),
        ({"question": "x", "as_of": "2023-03-22garbage"}, "as_of"),
        ({"question": "x", "as_of": "01/02/2023"}, "as_of"),
        ({"question": "x", "history": [{"role": "system", "content": "x"}]}, "history.0.role"),
        ({"question": "x", "history": [{"role": "user", "content": "x"}] * 101}, "history"),
        ({"question": "x", "mode": "fast"}, "mode"),
        ({"question": "x", "mode": "llm"}, "mode"),
        ({"question": "x", "top_k": 0}, "top_k"),
        ({"question": "x", "top_k": 51}, "top_k"),
        ({"question": "x", "top_k": True}, "top_k"),
        ({"question": "x", "top_k": "8"}, "top_k"),
        ({"question": "x", "stream": "yes"}, "stream"),
        ({"question": "x", "collection": "a b"}, "collection"),
        ({"question": "x", "collection": "c\n"}, "collection"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_wrong_is_named(served: Any, body: dict[str, Any], param: str, stream: bool) -> None:
    """An invalid body is a 422 whose message and `param` name the field, also when a stream was requested."""
    reply = served.post("/v1/ask", json={"stream": stream} | body)
    assert reply.status_code == 422, reply.text
    error = reply.json()["error"]
    assert set(error) == {"type", "message", "param", "code"}
    assert error["param"] == param
    assert param.rpartition(".")[2] in error["message"] or param in error["message"]


HOSTILE = [
    '"', "*", "NEAR(a b)", "title:x", "AND OR NOT", "' OR 1=1 --", "\\", "[1]", "{}", "😀🏴󠁧󠁢󠁥󠁮󠁧󠁿👨‍👩‍👧", "e\u0301",
    "日本語は?",     "\u202ebackwards", "a\u0000b", "\ufeff", "%s%n", "<script>", "${x}", "x" * 2_000, "\u2028", "٣ ٤",
]  # fmt: skip


@pytest.mark.parametrize("question", HOSTILE)
def test_no_question_breaks_it(served: Any, question: str) -> None:
    """Any text is accepted as a question: the reply is an answer, or a 422 for a blank one."""
    assert served.post("/v1/ask", json={"question": question}).status_code in (200, 422)
    assert served.post("/v1/search", json={"query": question}).status_code in (200, 422)


def test_long_history_is_taken(served: Any) -> None:
    """A hundred turns of history are accepted."""
    turns = [{"role": "user", "content": "And then?"}, {"role": "assistant", "content": "It opened [1]."}] * 50
    assert served.post("/v1/ask", json={"question": "When?", "history": turns}).status_code == 200


def test_too_many_at_once_are_turned_away(tmp_path: Path) -> None:
    """Above the limit a question is refused at once with a typed 503 and Retry-After; slots are freed again."""
    with client(tmp_path, BRIDGE, max_in_flight=64) as http:
        gate = opened(http.app).asks
        gate.taken = 64
        began = time.monotonic()
        reply = http.post("/v1/ask", json=ASKED)
        assert time.monotonic() - began < 0.5
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "overloaded")
        assert int(reply.headers["retry-after"]) > 0
        gate.taken = 63
        assert http.post("/v1/ask", json=ASKED | {"stream": True}).status_code == 200
        assert http.post("/v1/ask", json={"question": ""}).status_code == 422
        assert gate.taken == 63
