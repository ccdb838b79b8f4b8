import gzip
import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qa.errors import BadArticle
from qa.readers.html_process import PageReader
from qa.readers.read import read
from qa.text.normalise import sha256
from qa.types import Article, Refused


@pytest.fixture(scope="module")
def pages() -> Iterator[PageReader]:
    with PageReader(limit_s=20) as reader:
        yield reader


def _read(*paths: Path | str, **options: object) -> tuple[list[Article], list[Refused]]:
    items = list(read([str(path) for path in paths], **options))  # type: ignore[arg-type]  # each test gives its own
    return [item for item in items if isinstance(item, Article)], [item for item in items if isinstance(item, Refused)]


def _refusals(folder: Path, *paths: Path | str, **options: object) -> dict[str, str]:
    """Return the reasons of the refusals, by path below the folder."""
    _, refused = _read(*paths, **options)
    return {refusal.source.removeprefix(f"{folder}/"): refusal.reason for refusal in refused}


def test_folder_is_read_whole_and_in_order(tmp_path: Path) -> None:
    """All files below a folder are read, sorted; hidden files are not; one of an unknown kind is refused by name."""
    root = tmp_path / "news"
    (root / "b" / ".git").mkdir(parents=True)
    for name in ("b/2.txt", "a.txt", "c.TXT", ".hidden.txt", "b/.git/x.txt"):
        (root / name).write_text(f"Words of {name}.", encoding="utf-8")
    (root / "a.bin").write_bytes(b"\x00\x01")
    articles, refused = _read(root)
    assert [article.id for article in articles] == ["news/a.txt", "news/c.TXT", "news/b/2.txt"]
    assert [article.source for article in articles] == [f"{root}/a.txt", f"{root}/c.TXT", f"{root}/b/2.txt"]
    assert [refusal.source for refusal in refused] == [f"{root}/a.bin"]
    assert refused[0].reason.startswith("not a kind of file I read (.txt, .md, ")


def test_single_files_and_globs(tmp_path: Path) -> None:
    """The id of a file is its name, that of a match of a glob its path below the literal part of the pattern."""
    for name in ("x/1.txt", "y/1.txt", "y/2.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Words.", encoding="utf-8")
    assert [article.id for article in _read(tmp_path / "x" / "1.txt")[0]] == ["1.txt"]
    assert [article.id for article in _read(tmp_path / "*" / "1.txt")[0]] == ["x/1.txt", "y/1.txt"]
    assert [article.id for article in _read(tmp_path / "**" / "*.md")[0]] == ["y/2.md"]


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    """A missing path, a pattern without matches, a pipe and an impossible name are refused individually."""
    os.mkfifo(tmp_path / "pipe.txt")
    assert _refusals(tmp_path, tmp_path / "no.txt", tmp_path / "*.md", tmp_path / "pipe.txt", tmp_path, "a\0b") == {
        "no.txt": "no such file or folder",
        "*.md": "nothing matches",
        "pipe.txt": "not a regular file",
        "a\0b": "no path holds a NUL character",
    }


@contextmanager
def _bound_by_permissions() -> Iterator[None]:
    """Give up root's privileges, to which permissions do not apply."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("path", ["", "*", "**", "**/*"])
def test_a_folder_that_may_not_be_read_is_refused_alone(path: str) -> None:
    """A folder that may not be listed, or may be listed but not entered, is named; everything else is read."""
    with tempfile.TemporaryDirectory() as name:  # not pytest's, which nobody else may enter
        root = Path(name).resolve() / "news"
        for place in ("a.txt", "shut/in.txt", "listed/in.txt", "z.txt"):
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_text(f"Words of {place}.", encoding="utf-8")
        (root / "listed" / "link.txt").symlink_to("in.txt")
        (root / "m.txt").symlink_to("shut/in.txt")
        for folder, mode in ((root.parent, 0o755), (root / "listed", 0o444), (root / "shut", 0)):
            folder.chmod(mode)
        try:
            with _bound_by_permissions():
                articles, refused = _read(root / path)
        finally:
            for folder in ("shut", "listed"):
                (root / folder).chmod(0o755)
        assert [article.text for article in articles] == ["Words of a.txt.", "Words of z.txt."]
        reasons = {refusal.source.removeprefix(f"{root}/"): refusal.reason for refusal in refused}
        assert reasons == dict.fromkeys(["shut", "listed/in.txt", "listed/link.txt", "m.txt"], "Permission denied")


def test_one_path_may_be_given_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A string is a path, not an iterable of letters; a Path works too, and an iterable of both is read in order."""
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in ("a.txt", "b.txt", "-"):
        (folder / name).write_text(f"Words of {name}.", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    a, b = "Words of a.txt.", "Words of b.txt."
    for paths, texts in [
        ("archive/", [a, b]),
        (folder, [a, b]),
        (Path("archive/b.txt"), [b]),
        ("archive/[ab].txt", [a, b]),
        (folder / "*.txt", [a, b]),
        ([Path("archive/b.txt"), "archive/a.txt"], [b, a]),
        (folder.glob("a*"), [a]),
        ({"archive/a.txt": 1}, [a]),
        ([], []),
    ]:
        assert [item.text for item in read(paths) if isinstance(item, Article)] == texts, paths
    for paths in (Path("archive/-"), [Path("archive/-")]):
        assert [item.source for item in read(paths)] == ["archive/-"]  # not standard input
    monkeypatch.chdir(folder)
    assert [item.source for item in read(Path("-"))] == ["-"]
    assert [item.source for item in read("-", stdin=io.BytesIO(b'{"text": "Words.", "id": "x"}'))] == ["stdin:1"]
    assert list(read("https://example.com/a")) == list(read(["https://example.com/a"]))


def test_links_do_not_lead_out_of_a_folder(tmp_path: Path) -> None:
    """A link out of the folder is refused; a link to a folder inside is followed neither twice nor for ever."""
    root = tmp_path / "news"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("Secret.", encoding="utf-8")
    (root / "a.txt").write_text("Words.", encoding="utf-8")
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "up").symlink_to(tmp_path)
    (root / "loop").symlink_to(root)
    (root / "gone.txt").symlink_to(root / "nothing.txt")
    articles, refused = _read(root)
    assert [article.text for article in articles] == ["Words."]
    assert {refusal.source.removeprefix(f"{root}/") for refusal in refused} == {"out.txt", "up", "gone.txt"}


def test_names_of_any_bytes(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 is read, and its id and source can be printed and stored."""
    with open(os.fsencode(tmp_path) + b"/\xff.txt", "wb") as file:  # noqa: PTH123  # a path of bytes
        file.write(b"Words.")
    ((article,), _) = _read(tmp_path)
    assert article.id.encode() == f"{tmp_path.name}/\ufffd.txt".encode()
    assert article.source.encode().endswith(b".txt")


def test_plain_text_states_its_head(tmp_path: Path) -> None:
    """Title, author and date are read from a text; defaults fill the gaps and override a copyright line."""
    body = "The bridge, closed to traffic since the flood of last May, will be rebuilt by the end of next year."
    path = tmp_path / "a.txt"
    path.write_bytes(
        f"\ufeffA bridge 😀\r\n\r\nBy Ann Lee\r\nMarch 21, 2023\r\n\r\n{body}\r\n\r\n© 2023 Marsh News\r\n".encode()
    )
    ((article,), _) = _read(path, published="2001-01-01")
    assert (article.title, article.authors, article.published_at) == ("A bridge 😀", ("Ann Lee",), "2023-03-21")
    assert article.outlet == "Marsh News"
    assert article.text.startswith("A bridge 😀\n\nBy")
    assert [span.slice(article.text) for span in article.furniture] == ["© 2023 Marsh News"]
    assert _read(path, outlet="Given")[0][0].outlet == "Given"


def test_markdown_front_matter(tmp_path: Path) -> None:
    """Front matter becomes fields and is not part of the text."""
    path = tmp_path / "a.md"
    path.write_text("---\nid: x1\npublished_at: 2023-03-21\n---\n# Bridge\n\nIt fell.\n", encoding="utf-8")
    ((article,), _) = _read(path)
    assert (article.id, article.title, article.published_at) == ("x1", "Bridge", "2023-03-21")
    assert article.text == "# Bridge\n\nIt fell.\n"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "text: empty"),
        ("a.txt", b" \r\n ", "text: empty"),
        ("a.txt", b"caf\xe9 in Latin-1", "byte 0xe9"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        ("a.txt", b"\x00\x01\x02" * 50, "binary"),
        ("a.txt", b"x" * 201, "more than 200 bytes"),
        ("a.md", b"---\npublished_at: 2026-02-30\n---\nWords.", "2026-02-30"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b"3", "an article is an object, not int"),
        ("a.json", b"[" * 9_999, "nested too deep"),
        ("a.xml", b"<html/>", "not an RSS or Atom feed"),
        ("a.jsonl.gz", b"not gzip", "damaged gzip"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "a"}', mtime=0)[:-9], "damaged gzip"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(
    tmp_path: Path, pages: PageReader, name: str, data: bytes, reason: str
) -> None:
    """A file that cannot be read is refused, and the next one is read."""
    (tmp_path / name).write_bytes(data)
    (tmp_path / "z.txt").write_text("Words.", encoding="utf-8")
    articles, refused = _read(tmp_path / name, tmp_path / "z.txt", max_bytes=200, pages=pages)
    assert [article.text for article in articles][-1] == "Words."
    assert [refusal.source for refusal in refused] == [str(tmp_path / name)]
    assert reason in refused[0].reason


def test_json_lines_go_on_after_a_bad_row(tmp_path: Path) -> None:
    """Each bad row is refused with file and line, and all the others are read."""
    rows = [
        b'\xef\xbb\xbf{"text": "One."}\r',
        b"",
        b"not json",
        b"[1]",
        b'{"title": "no text"}',
        b'{"text": ""}',
        b'{"text": 5}',
        b'{"text": "x", "published_at": "2026-02-30"}',
        b'{"text": "x", "published_at": ' + b"9" * 5000 + b"}",
        b'{"text": "x", "published_at": NaN}',
        b'{"text": "' + b"y" * 1001 + b'"}',
        b'{"text": "' + b"z" * 100_000 + b'"}',
        b'{"text": "\\ud800"}',
        b'{"text": "caf\xe9"}',
        b"[" * 60_000,
        '{"text": "Letzte 😀", "url": "https://example.com/a#b", "rank": 1e999}'.encode(),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(rows))
    articles, refused = _read(path, max_bytes=1000)
    assert [(article.id, article.text) for article in articles] == [
        ("rows.jsonl#1", "One."),
        ("https://example.com/a", "Letzte 😀"),
    ]
    assert articles[1].source == f"{path}:16"
    reasons = {refusal.source.removeprefix(f"{tmp_path}/"): refusal.reason for refusal in refused}
    assert list(reasons) == [f"rows.jsonl:{number}" for number in range(3, 16)]
    for number, word in {3: "not JSON", 4: "not list", 7: "text", 8: "published_at", 9: "published_at"}.items():
        assert word in reasons[f"rows.jsonl:{number}"]
    assert "more than 1000 bytes" in reasons["rows.jsonl:11"]
    assert "a line of more than" in reasons["rows.jsonl:12"]


def test_gzip_and_streams(tmp_path: Path) -> None:
    """Gzipped lines are read like plain ones; in a stream the id is made from the text, not from the line number."""
    data = b'{"text": "One."}\n{"text": "Two.", "id": "2"}\n'
    (tmp_path / "r.jsonl.gz").write_bytes(gzip.compress(data))
    (tmp_path / "r.ndjson").write_bytes(data)
    assert [article.id for article in _read(tmp_path)[0]] == [
        f"{tmp_path.name}/r.jsonl.gz#1",
        "2",
        f"{tmp_path.name}/r.ndjson#1",
        "2",
    ]
    articles, refused = _read("-", stdin=io.BytesIO(b"oops\n" + data))
    assert [article.id for article in articles] == [f"text-{sha256('One.')[:16]}", "2"]
    assert [refusal.source for refusal in refused] == ["stdin:1"]
    assert _read("-", stdin=io.BytesIO(data))[0][0].id == articles[0].id


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """Reading stops at an endless line: the file ends with one refusal."""
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wb", compresslevel=1) as bomb:
        bomb.write(b'{"text": "One."}\n{"text": "')
        for _ in range(40):
            bomb.write(b"a" * 1_000_000)
    articles, refused = _read(tmp_path / "bomb.jsonl.gz", max_bytes=1000)
    assert [article.text for article in articles] == ["One."]
    assert len(refused) == 1
    assert "line 2 has no end" in refused[0].reason


def test_json_shapes(tmp_path: Path) -> None:
    """A JSON file is one row, a list of rows, or an object with a list of them; a bad one is refused by its number."""
    rows = [{"text": "One."}, {"text": None}, 5, {"text": "Two."}]
    (tmp_path / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps({"articles": rows[:1]}), encoding="utf-8")
    (tmp_path / "c.json").write_text(json.dumps(rows[0]), encoding="utf-8")
    articles, refused = _read(tmp_path / "a.json", tmp_path / "b.json", tmp_path / "c.json")
    assert [article.id for article in articles] == ["a.json#1", "a.json#4", "b.json#1", "c.json"]
    assert [refusal.source for refusal in refused] == [f"{tmp_path}/a.json item 2", f"{tmp_path}/a.json item 3"]


@pytest.mark.parametrize(
    "data",
    [
        "<p>Café 😀</p>".encode(),
        "<p>Café 😀</p>".encode("utf-16"),
        b'<meta charset="iso-8859-2"><p>Caf\xe9 &#x1f600;</p>',
        b"<meta http-equiv='Content-Type' content='text/html; charset=windows-1252'><p>Caf\xe9 &#128512;</p>",
    ],
)
def test_charset_of_a_page(tmp_path: Path, pages: PageReader, data: bytes) -> None:
    """A page is read by its byte order mark, else as UTF-8, else by the charset that it declares."""
    (tmp_path / "a.html").write_bytes(data)
    assert [article.text for article in _read(tmp_path, pages=pages)[0]] == ["Café 😀"]


def test_feed_items(tmp_path: Path, pages: PageReader) -> None:
    """Items of a feed are articles of the outlet that its title names; a broken one is refused by its number."""
    (tmp_path / "feed.xml").write_text(
        "<rss><channel><title>Example News</title>"
        "<item><title>Bridge</title><link>https://example.com/1</link><pubDate>Tue, 21 Mar 2023 10:00:00 GMT</pubDate>"
        "<description>&lt;p&gt;It fell.&lt;/p&gt;&lt;p&gt;Nobody was hurt.&lt;/p&gt;</description></item>"
        "<item><link>https://example.com/2</link><pubDate>soon</pubDate><description>Text.</description></item>"
        "<item><title>Empty</title></item>"
        "<item><guid>x4</guid><description>Last.</description></item></channel></rss>",
        encoding="utf-8",
    )
    articles, refused = _read(tmp_path / "feed.xml", outlet="Given", published="2001-01-01", pages=pages)
    first = articles[0]
    assert (first.id, first.title, first.outlet) == ("https://example.com/1", "Bridge", "Example News")
    assert (first.text, first.published_at) == ("It fell.\nNobody was hurt.", "2023-03-21T10:00:00+00:00")
    assert [(article.id, article.text, article.published_at) for article in articles[1:]] == [
        ("x4", "Last.", "2001-01-01")
    ]
    assert [refusal.source for refusal in refused] == [f"{tmp_path}/feed.xml item {number}" for number in (2, 3)]


def test_a_bad_default_date_is_an_error(tmp_path: Path) -> None:
    """A default date that is no date stops the reading before it begins."""
    with pytest.raises(BadArticle, match="someday"):
        next(read([str(tmp_path)], published="someday"))


def test_reading_streams(tmp_path: Path) -> None:
    """The first article is yielded before the second line is read."""

    class Lines(io.BytesIO):
        asked = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            self.asked += 1
            return b'{"text": "Words."}\n'

    lines = Lines()
    assert isinstance(next(read(["-"], stdin=lines)), Article)
    assert lines.asked == 1


def test_a_file_beyond_the_limit_is_not_read_whole(tmp_path: Path) -> None:
    """It is refused for its size: the part that was read may look complete, and the rest would be lost."""
    (tmp_path / "a.json").write_text('[{"text": "Words."}]' + " " * 50 * 200, encoding="utf-8")
    articles, refused = _read(tmp_path / "a.json", max_bytes=200)
    assert articles == []
    assert [refusal.reason for refusal in refused] == ["more than 10000 bytes"]
