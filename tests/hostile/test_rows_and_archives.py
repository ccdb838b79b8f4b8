"""Hostile archives, dates and metadata: sizes are checked before anything is unpacked or trusted."""

from __future__ import annotations

import gzip
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings, strategies as st

from qa.errors import BadArticle
from qa.readers import read as readers
from qa.readers.read import read
from qa.readers.rows import article_from_row
from qa.types import Article, Refused
from tests.hostile.naughty import STRINGS
from tests.service.serving import client


@pytest.mark.parametrize(
    "line", [b'{"text": "Words.", "id": "1"}\n', b"\n", b"[]\n", b"x"], ids=["rows", "blank", "lists", "x"]
)
def test_a_gzip_bomb_is_left_at_a_hundred_times_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    """A file that unpacks to a thousand times its size is abandoned at a hundred times, and never held in memory."""
    monkeypatch.setattr(readers, "_FREE_BYTES", 100_000)
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(line * (3_000_000 // len(line)), 9))
    before = psutil.Process().memory_info().rss
    items = read([str(path)], max_bytes=2_000)
    seen, last = 0, None
    while (item := next(items, None)) is not None:
        seen, last = seen + 1, item
    assert isinstance(last, Refused) and ("100 times" in last.reason or "no end" in last.reason)
    assert seen < 1_500_000 // len(line)
    assert psutil.Process().memory_info().rss - before < 10_000_000


def test_honest_archives_are_read_whole(tmp_path: Path) -> None:
    """News that compresses as news does is not mistaken for a bomb, however small or large the file is."""
    rng = random.Random(1)
    rows = [
        {"id": str(n), "text": " ".join(rng.choices(["bridge", "council", "river", "vote"], k=2_000))}
        for n in range(200)
    ]
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    assert sum(isinstance(item, Article) for item in read([str(tmp_path / "a.jsonl.gz")])) == 200


@pytest.mark.parametrize("name", ["a.zip", "a.txt", "a.html", "a.jsonl", "a.json", "a.xml", "a.jsonl.gz"])
def test_zip_archives_are_not_opened(tmp_path: Path, name: str) -> None:
    """A ZIP archive is never opened, whatever its name: its entries, paths and links have no effect."""
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("../../escaped.txt", "Escaped.")
        archive.writestr("a.txt", "Words.")
    found = list(read([str(tmp_path / name)]))
    assert found and all(isinstance(item, Refused) for item in found)
    assert {path.name for path in tmp_path.parent.iterdir() if "escaped" in path.name} == set()


def test_many_files_are_walked_and_not_held(tmp_path: Path) -> None:
    """A folder of thousands of files is streamed, not held; a form of more than a thousand files is refused."""
    for number in range(300):
        (tmp_path / f"{number}.txt").write_bytes(b"x")
    items = read([str(tmp_path)])
    assert isinstance(next(items), Article)
    assert sum(1 for _ in items) == 299
    files = [("file", (f"{n}.txt", b"x")) for n in range(1_001)]
    with client(tmp_path / "served") as http:
        assert http.post("/v1/articles", files=files).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * 400_000 + b"1]",
        b'{"articles": [' + b"{}," * 400_000 + b"1]}",
        b"[" + b"1," * 1_000_000 + b"1]",
    ],
    ids=["lists", "objects", "numbers"],
)
def test_json_of_many_tiny_values_is_refused_unread(tmp_path: Path, body: bytes) -> None:
    """JSON that would take twenty times its size in memory is refused unparsed, in bodies and in files."""
    (tmp_path / "a.json").write_bytes(body)
    before = psutil.Process().memory_info().rss
    (refused,) = read([str(tmp_path / "a.json")])
    assert psutil.Process().memory_info().rss - before < 4 * len(body)
    assert isinstance(refused, Refused) and "too many values" in refused.reason
    with client(tmp_path / "served") as http:
        sent = http.post("/v1/articles", content=body, headers={"content-type": "application/json"})
        assert (sent.status_code, sent.json()["error"]["code"]) == (400, "bad_body")


def test_reports_stay_short(tmp_path: Path) -> None:
    """A hundred thousand bad lines make a thousand refusals and one that says so; JSON over its limit is 413."""
    with client(tmp_path) as http:
        sent = http.post("/v1/articles", content=b"1\n" * 100_000, headers={"content-type": "application/x-ndjson"})
        refused = sent.json()["refused"]
        assert len(refused) == 1_001 and "not read" in refused[-1]["reason"]
        large = b'{"id": "a", "text": "' + b"x" * 16_000_000 + b'"}'
        sent = http.post("/v1/articles", content=large, headers={"content-type": "application/json"})
        assert (sent.status_code, sent.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "date",
    [
        "2026-02-30", "2026-13-01", "2026-00-10", "0000-01-01", "0000", "10000-01-01", "-2026-01-01",
        "2026-01-01T25:00",
        "2026-01-01T00:00+99:00", "03/04/05", "12-11-10", "soon", "today", "yesterday", "now", "1679356800000",
        "1e9", "NaN", "", " ", "\u0662\u0660\u0662\u0666-01-01", 1679356800, 1679356800000, -1, 2**63, 1e400, True,
        ["2026-01-01"], {"d": 1}, None,
    ],
)  # fmt: skip
def test_dates_are_read_or_refused_and_never_made_up(date: object) -> None:
    """No value becomes today's date: it is kept as meant, refused by its field's name, or left empty."""
    try:
        article = article_from_row({"text": "Words.", "published_at": date}, "test")
    except BadArticle as exc:
        assert "published_at" in str(exc) or "date" in str(exc)
    else:
        year = article.published_at[:4] if article.published_at else None
        assert year in (None, "2023") or str(date).startswith("1e9")


@pytest.mark.parametrize(
    ("date", "kept"),
    [
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01T23:30:00+14:00", "2026-03-01T23:30:00+14:00"),
        ("2099-01-01", "2099-01-01"),
        ("2038-01-19T03:14:08Z", "2038-01-19T03:14:08+00:00"),
    ],
)
def test_dates_are_kept_as_stated(date: str, kept: str) -> None:
    """A date far from now, or fourteen hours ahead of Greenwich, is what the article says."""
    assert article_from_row({"text": "Words.", "published_at": date}, "test").published_at == kept


VALUES: list[Any] = [
    [],
    [[]],
    {},
    {"a": {"b": 1}},
    1,
    2**63,
    1.5,
    float("inf"),
    float("nan"),
    True,
    ["a", 1],
    [None],
    b"x",
]


@pytest.mark.parametrize("field", ["id", "title", "url", "outlet", "language", "authors", "text", "html"])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_metadata_of_a_wrong_shape_refuses_its_article(field: str, value: Any) -> None:
    """A field of a wrong shape refuses its article by the field's name; none is turned into text."""
    row = {"text": "Words.", "id": "a", field: value}
    try:
        article = article_from_row(row, "test")
    except BadArticle as exc:
        assert field in str(exc)
    else:
        assert field in ("authors", "html") and article.authors == ()


def test_reserved_names_are_ignored_and_odd_ids_are_only_names(tmp_path: Path) -> None:
    """Keys that stores reserve are ignored, ids that look like paths are only names, and no id is a megabyte long."""
    row = {"text": "The bridge opened.", "_node_content": "{}", "chroma:document": "x", "rowid": 1, "__proto__": {}}
    ids = ["../../x", "/etc/hosts", "a/../b", "..", ".", "CON", "a;b", "%2e%2e", "x" * 1_000_000, "x" * 513, "\u202eab"]
    with client(tmp_path) as http:
        report = http.post("/v1/articles", json={"articles": [row | {"id": article_id} for article_id in ids]}).json()
        assert (report["added"], len(report["refused"])) == (6, 5)
        assert {listed["article_id"] for listed in http.get("/v1/articles").json()["articles"]} == set(
            ids[:3] + ids[5:8]
        )
    assert {path.name for path in tmp_path.iterdir()} == {"store"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(STRINGS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ["id", "text", "title", "url", "outlet", "published_at", "authors", "language", "x"]


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=9),
    st.none() | st.text(min_size=1) | st.sampled_from(STRINGS),
)
def test_any_json_row_is_an_article_or_refused(row: dict[str, Any], words: str | None) -> None:
    """Whatever JSON a row is, it becomes an article that can be stored, or BadArticle."""
    if words is not None:  # otherwise hardly any row becomes an article
        row["text"] = words
    try:
        article = article_from_row(row, "test")
    except BadArticle:
        return
    for kept in (article.id, article.text, article.title or "", article.url or "", *article.authors):
        assert "\0" not in kept
        kept.encode()  # no lone surrogate
    assert article.id and len(article.id) <= 512 and article.text.strip()


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([".txt", ".md", ".jsonl", ".json", ".jsonl.gz"]))
def test_any_bytes_in_any_file(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str) -> None:
    """Any bytes give articles and refusals, never another error."""
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    for content in (data, gzip.compress(data)):
        path.write_bytes(content)
        for item in read([str(path)]):
            assert isinstance(item, Refused | Article)
