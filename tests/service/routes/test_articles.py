"""/v1/articles: ingesting, listing, showing and deleting articles."""

from __future__ import annotations

import gzip
import json
import threading
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.service.serving import BRIDGE, client, opened

NDJSON = {"Content-Type": "application/x-ndjson"}
IDS = [
    "https://a.example/x/text?y=1#z", "/text", "a/text/",
    "😀👨‍👩‍👧", "日本 語", "e\u0301", "50%25", "a+b&c=d", "..x", "a//b", "'\"<b>",
]  # fmt: skip


def test_one_article_and_a_list(tmp_path: Path) -> None:
    """An article is added; sent again it is unchanged; a new text is a new version."""
    with client(tmp_path) as http:
        assert _counts(http.post("/v1/articles", json=BRIDGE)) == (1, 0, 0, 0)
        assert _counts(http.post("/v1/articles", json=BRIDGE)) == (0, 0, 1, 0)
        changed = BRIDGE | {"text": "The bridge was closed again on Tuesday."}
        report = http.post("/v1/articles", json={"articles": [changed, BRIDGE | {"id": "bridge-2"}]})
        assert _counts(report) == (1, 1, 0, 0)
        assert set(report.json()) == {"added", "updated", "unchanged", "refused", "chunks", "seconds"}
        assert http.get("/v1/articles/bridge-1").json()["versions"] == [1, 2]
        old = http.get("/v1/articles/bridge-1/text?version=1").json()
        assert (old["text"], old["version"]) == (BRIDGE["text"], 1)
        assert http.get("/v1/articles/bridge-1/text").json()["version"] == 2
        assert http.get("/v1/articles/bridge-1/text?version=3").status_code == 404
        assert http.get("/v1/articles/bridge-1/text?version=0").status_code == 422


def _counts(reply: Any) -> tuple[int, int, int, int]:
    assert reply.status_code == 200, reply.text
    report = reply.json()
    return report["added"], report["updated"], report["unchanged"], len(report["refused"])


def test_bad_articles_are_refused_by_themselves(tmp_path: Path) -> None:
    """Bad articles are reported with their place and reason; the others are ingested."""
    bad = [{"id": "empty", "text": " "}, "text", {"id": "nul", "text": "a\0b"}, {"id": 5, "text": "x"}]
    rows: list[Any] = [BRIDGE, *bad]
    with client(tmp_path, max_article_bytes=1_000) as http:
        report = http.post("/v1/articles", json={"articles": [*rows, {"id": "long", "text": "word " * 300}]}).json()
        assert report["added"] == 1
        refused = [refusal["source"] for refusal in report["refused"]]
        assert refused == [f"articles[{number}]" for number in (1, 2, 3, 4, 5)]
        assert all(refusal["reason"] for refusal in report["refused"])
        assert http.get("/v1/articles").json()["total"] == 1


def test_surrogates_and_constants_in_articles(tmp_path: Path) -> None:
    """A lone surrogate gets its article refused, NaN the whole body; neither is a server error."""
    with client(tmp_path) as http:
        for body in (rb'{"id": "a", "text": "x \ud800 y"}', rb'{"id": "\ud800", "text": "Some text here."}'):
            reply = http.post("/v1/articles", content=body, headers={"Content-Type": "application/json"})
            assert _counts(reply) == (0, 0, 0, 1)
        for body in (b'{"id": "a", "text": "x", "published_at": NaN}', b"{", b"[" * 100_000, b'"\xff"', b""):
            reply = http.post("/v1/articles", content=body, headers={"Content-Type": "application/json"})
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "bad_body"), reply.text
        wrong: list[Any] = [[], 5, {"articles": 5}, {"articles": [], "outlet": "A"}]
        for value in wrong:
            assert http.post("/v1/articles", json=value).status_code == 422
        assert http.post("/v1/articles", content=b"x", headers={"Content-Type": "text/csv"}).status_code == 415
        assert http.post("/v1/articles").status_code == 415


def test_an_article_without_a_name_is_named_by_its_text(tmp_path: Path) -> None:
    """Without id and URL the same text is the same article; a URL serves as the id."""
    with client(tmp_path) as http:
        nameless = {"text": "The mayor spoke. 😀 Nobody listened."}
        assert _counts(http.post("/v1/articles", json=nameless)) == (1, 0, 0, 0)
        assert _counts(http.post("/v1/articles", json={"articles": [nameless, nameless]})) == (0, 0, 2, 0)
        assert http.get("/v1/articles").json()["articles"][0]["article_id"].startswith("text-")
        http.post("/v1/articles", json=nameless | {"url": "https://a.example/mayor"})
        assert http.get(f"/v1/articles/{quote('https://a.example/mayor', safe='')}").status_code == 200


def test_any_id_survives_its_address(tmp_path: Path) -> None:
    """An id with slashes, question marks, emoji or the suffix of a route can be shown, cited, opened and deleted."""
    with client(tmp_path, *(BRIDGE | {"id": article_id} for article_id in IDS)) as http:
        for article_id in IDS:
            encoded = quote(article_id, safe="")
            assert http.get(f"/v1/articles/{encoded}").json()["article_id"] == article_id
            assert http.get(f"/v1/articles/{encoded}/text").json()["article_id"] == article_id
            body = {"question": "When did the bridge open?", "filters": {"article_ids": [article_id]}}
            citation = http.post("/v1/ask", json=body).json()["citations"][0]
            assert citation["article_id"] == article_id
            page = http.get(citation["link"])
            assert page.status_code == 200
            assert f'<mark id="span">{citation["quote"]}</mark>' in page.text
            assert http.delete(f"/v1/articles/{encoded}").json() == {"deleted": article_id}
            assert http.get(f"/v1/articles/{encoded}").status_code == 404
            assert http.get(citation["link"]).status_code == 404


def test_takedown_reaches_every_route(tmp_path: Path) -> None:
    """A deleted article is in no list, search, answer or page; deleting it again is 404."""
    with client(tmp_path, BRIDGE) as http:
        assert http.delete("/v1/articles/bridge-1").status_code == 200
        assert http.delete("/v1/articles/bridge-1").json()["error"]["code"] == "not_found"
        assert http.get("/v1/articles").json() == {"articles": [], "total": 0, "next_offset": None}
        assert http.post("/v1/search", json={"query": "bridge"}).json()["hits"] == []
        assert http.get("/v1/articles/bridge-1/text").status_code == 404


def test_takedowns_and_ratings_do_not_wait_for_an_ingest(tmp_path: Path) -> None:
    """A long ingest does not delay a deletion: the article is gone at once, and soon from the index too."""
    over = threading.Event()
    with client(tmp_path, BRIDGE) as http:
        answer_id = http.post("/v1/ask", json={"question": "When did the bridge open again?"}).json()["id"]
        service = opened(http.app)
        assert http.portal is not None
        ingest = http.portal.start_task_soon(service.write, over.wait, 60)
        try:
            assert http.post("/v1/feedback", json={"answer_id": answer_id, "rating": 1}).status_code == 201
            assert http.delete("/v1/articles/bridge-1").status_code == 200
            assert not ingest.done()
            assert http.get("/v1/articles/bridge-1").status_code == 404
            while any(state.behind for state in service.library.projections.states()):
                assert not over.wait(0.01)
            assert [state.problems for state in service.library.verify()] == [()]
        finally:
            over.set()


def test_paging(tmp_path: Path) -> None:
    """Following next_offset lists every article once, in the order of ingestion."""
    rows = [BRIDGE | {"id": f"a{number}"} for number in range(5)]
    with client(tmp_path, *rows) as http:
        seen: list[str] = []
        offset: Any = 0
        while offset is not None:
            page = http.get("/v1/articles", params={"offset": offset, "limit": 2}).json()
            assert page["total"] == 5
            seen += [article["article_id"] for article in page["articles"]]
            offset = page["next_offset"]
        assert seen == ["a0", "a1", "a2", "a3", "a4"]
        for wrong in ({"limit": 0}, {"limit": 201}, {"offset": -1}, {"offset": "x"}, {"collection": "a b"}):
            reply = http.get("/v1/articles", params=wrong)
            assert (reply.status_code, reply.json()["error"]["param"]) == (422, next(iter(wrong)))


def test_too_many_writers_are_turned_away(tmp_path: Path) -> None:
    """Above the limit a write is refused before its body is read; reads still work."""
    with client(tmp_path, BRIDGE) as http:
        service = opened(http.app)
        for gate, send in (
            (service.writes, partial(http.post, "/v1/articles", json=BRIDGE)),
            (service.takedowns, partial(http.delete, "/v1/articles/bridge-1")),
        ):
            gate.taken = 8
            refused = send()
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
            assert http.get("/v1/articles/bridge-1").status_code == 200
            gate.taken = 7
            assert send().status_code == 200
            assert gate.taken == 7


def test_collections_are_apart(tmp_path: Path) -> None:
    """Collections are separate."""
    with client(tmp_path) as http:
        http.post("/v1/articles?collection=north", json=BRIDGE)
        assert http.get("/v1/articles").json()["total"] == 0
        assert http.get("/v1/articles?collection=north").json()["total"] == 1
        assert http.get("/articles/bridge-1").status_code == 404
        assert http.get("/articles/bridge-1?collection=north").status_code == 200


def test_lines(tmp_path: Path) -> None:
    """Newline-delimited JSON is read line by line: LF or CRLF, blank lines are skipped, a bad line is refused alone."""
    lines = b"\r\n".join(
        [json.dumps(BRIDGE).encode(), b"", b"{broken", json.dumps(BRIDGE | {"id": "bridge-2"}).encode() + b"\n"]
    )
    with client(tmp_path) as http:
        reply = http.post("/v1/articles", content=lines, headers=NDJSON)
        assert _counts(reply) == (2, 0, 0, 1)
        many = b"".join(json.dumps(BRIDGE | {"id": f"n{number}"}).encode() + b"\n" for number in range(200))
        pieces = (many[start : start + 1_000] for start in range(0, len(many), 1_000))
        assert _counts(http.post("/v1/articles", content=pieces, headers=NDJSON)) == (200, 0, 0, 0)


def test_files(tmp_path: Path) -> None:
    """Multipart files are read by their type; reports name them as sent, never our temporary paths."""
    files = [
        ("file", ("mayor.md", b"# Mayor speaks\n\nThe mayor spoke on Monday. Nobody listened.\n")),
        ("file", ("rows.jsonl.gz", gzip.compress(json.dumps(BRIDGE).encode()))),
        ("file", ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(100))),
        ("file", ("../../etc/na*me?.txt", "The ferry sank. 😀 All were saved.".encode())),
    ]
    with client(tmp_path) as http:
        report = http.post("/v1/articles?outlet=Harbour+Post&published=2023-03-20", files=files)
        assert _counts(report) == (3, 0, 0, 1)
        assert report.json()["refused"][0]["source"] == "photo.png"
        assert "/tmp" not in report.text
        ids = {article["article_id"]: article for article in http.get("/v1/articles").json()["articles"]}
        assert set(ids) == {"mayor.md", "bridge-1", "na_me_.txt"}
        assert ids["mayor.md"]["outlet"] == "Harbour Post"
        assert ids["mayor.md"]["published_at"] == "2023-03-20"
        assert ids["bridge-1"]["outlet"] == "Corvane Wire"
        assert _counts(http.post("/v1/articles?outlet=Harbour+Post&published=2023-03-20", files=files)) == (0, 0, 3, 1)
        assert http.post("/v1/articles", data={"a": "b"}, files={}).status_code == 415
        assert http.post("/v1/articles?published=soon", files=files).json()["error"]["param"] == "published"
