"""Damage in the catalog itself is found: a wrong text would be cited, and its quote would be "exact"."""

import hashlib
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from qa.catalog.backup import restore, write_checksum
from qa.catalog.catalog import Catalog
from qa.errors import QaError, StoreFailed
from qa.types import Span
from tests.catalog.test_catalog import in_file, write
from tests.fakes import Store, article, live_texts

BODY = "Forty people 👩‍👩‍👧 came to the cafe\u0301.\r\n\r\nThey stayed. " * 40
SEEDS = 600 if os.environ.get("FULL_NUMBERS") else 60
AD = "Subscribe now. "
OTHER = "UPDATE versions SET text = replace(text, 'Forty', 'Fifty')"


def fill(catalog: Catalog) -> None:
    """Write articles of one and of several versions, one with boilerplate, and one that is taken down."""
    write(catalog, article("a", BODY), article("b", AD + "The dog ran.", furniture=(Span(0, len(AD)),)))
    write(catalog, article("a", BODY * 2, title="Café"), article("c", "The cat sat."))
    catalog.remove("default", "c")


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    """Open a catalog of each kind in turn."""
    opened = Catalog(url)
    fill(opened)
    yield opened
    opened.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the file of a closed catalog."""
    opened = Catalog(in_file(tmp_path))
    fill(opened)
    opened.close()
    return tmp_path / "catalog.sqlite3"


def test_a_whole_catalog_has_no_faults(catalog: Catalog) -> None:
    """Old versions, boilerplate, takedowns, emoji and CRLF are no faults."""
    assert catalog.faults() == []


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (f"{OTHER} WHERE version = 2", "'a', version 2: its text is not"),
        (f"{OTHER} WHERE version = 1", "'a', version 1: its text is not"),
        ("UPDATE versions SET text = CAST(x'ff' || text AS TEXT) WHERE article = 2", "'b', version 1: its text is not"),
        ("UPDATE versions SET text = text || ' '", "its text is not"),
        ('UPDATE chunks SET "end" = "end" + 90000 WHERE article = 2', "'b', version 1: chunk 0 is out of place"),
        ("UPDATE chunks SET start = 0 WHERE article = 1 AND ordinal = 1", "'a', version 2: chunk 1 is out of place"),
        ("UPDATE chunks SET sentences = x'0000' WHERE article = 2", "'b', version 1: its spans cannot be read"),
        ("UPDATE chunks SET sentences = x'' WHERE article = 2", "'b', version 1: its spans cannot be read"),
        (
            "UPDATE chunks SET sentences = x'0100000003000000' WHERE article = 2",
            "'b', version 1: the sentences of chunk 0 are out of place",
        ),
        ("DELETE FROM chunks WHERE article = 1 AND ordinal = 1", "'a', version 2: words of it are in no chunk"),
        ("DELETE FROM chunks WHERE article = 2", "'b', version 1: words of it are in no chunk"),
        ("UPDATE versions SET furniture = x''  WHERE article = 2", "'b', version 1: words of it are in no chunk"),
        ("DELETE FROM versions WHERE article = 2", "'b': it has no text"),
    ],
)
def test_what_does_not_fit_is_named(file: Path, tmp_path: Path, sql: str, told: str) -> None:
    """A changed word, in an old version too; a misplaced chunk or sentence; missing rows."""
    with closing(sqlite3.connect(file)) as raw, raw:
        assert raw.execute(sql).rowcount
    opened = Catalog(in_file(tmp_path))
    try:
        assert any(told in fault for fault in opened.faults()), opened.faults()
    finally:
        opened.close()
    with pytest.raises(StoreFailed, match="restore another backup"):
        restore(file, in_file(tmp_path / "new"))
    assert list((tmp_path / "new").iterdir()) == []


def test_damaged_words_are_not_cited(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged text is not quoted: it is logged for the operator, and other articles answer."""
    with Store(tmp_path) as store:
        store.add(
            article("a", "The Kestrel bridge cost four million euros."),
            article("b", "The Kestrel bridge cost five million euros."),
        )
        with closing(sqlite3.connect(tmp_path / "catalog.sqlite3")) as raw, raw:
            raw.execute("UPDATE versions SET text = replace(text, 'four', 'nine')")
        answer = store.ask("How much did the Kestrel bridge cost?")
        assert {citation.source.article_id for citation in answer.citations} == {"b"}
    assert "'a', version 1" in caplog.text and "million" not in caplog.text


def spoil(content: bytes, dice: random.Random) -> bytes:
    """Change, blank or swap some bytes anywhere."""
    spoiled = bytearray(content)
    at, length = dice.randrange(len(spoiled)), dice.choice((1, 8, 300))
    part = spoiled[at : at + length]
    spoiled[at : at + length] = dice.choice((bytes(len(part)), part[::-1], bytes(byte ^ 1 for byte in part)))
    return bytes(spoiled)


@pytest.mark.parametrize("noted", [True, False], ids=["checksum", "no checksum"])
def test_a_spoiled_backup_never_brings_other_words(file: Path, tmp_path: Path, noted: bool) -> None:
    """With its checksum any change is refused; without it, a restored catalog has every word that it had."""
    content = file.read_bytes()
    wanted = texts(tmp_path)
    copy = tmp_path / "copy"
    copy.write_bytes(content)
    if noted:
        write_checksum(copy)
    refused = 0
    for seed in range(SEEDS):
        copy.write_bytes(spoil(content, random.Random(seed)))
        changed = copy.read_bytes() != content
        target = tmp_path / str(seed)
        try:
            restore(copy, in_file(target))
        except QaError:
            refused += 1
            assert list(target.iterdir()) == []
            continue
        assert not (noted and changed), f"seed {seed} was taken"
        assert texts(target) == wanted, f"seed {seed}"
    assert refused > 5  # the rest met free pages and vectors


def texts(folder: Path) -> dict[str, str]:
    """Return the live texts of the catalog in a folder."""
    with closing(Catalog(in_file(folder))) as catalog:
        return live_texts(catalog)


def test_a_checksum_is_what_sha256sum_reads(file: Path) -> None:
    """One line with the hash and the name: other tools can check it too."""
    write_checksum(file)
    line = file.with_name("catalog.sqlite3.sha256").read_text()
    assert line == f"{hashlib.sha256(file.read_bytes()).hexdigest()}  catalog.sqlite3\n"


@pytest.mark.parametrize("spoiled", [b"", b"\n", b"\xff\xfe\x00 catalog.sqlite3", "\N{GRINNING FACE}".encode() * 64])
def test_a_spoiled_checksum_refuses_the_backup(file: Path, tmp_path: Path, spoiled: bytes) -> None:
    """Whatever it contains, even bytes that are not text."""
    file.with_name("catalog.sqlite3.sha256").write_bytes(spoiled)
    with pytest.raises(StoreFailed, match="has changed since it was made"):
        restore(file, in_file(tmp_path / "new"))
