"""Files of the vector index are damaged between runs. It is rebuilt completely, and nothing is embedded again.

The damage that ends a process or loses neighbours in silence is in the graph, which Chroma writes to files only after
a thousand rows; here after a hundred.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qa.indexes import chroma_client, chroma_index
from tests.fakes import HashEmbedder, Store, article

TIMES = 10 if os.environ.get("FULL_NUMBERS") else 1
ARTICLES = 130


def body(number: int) -> str:
    dice = random.Random(number)
    return " ".join(f"word{dice.randrange(900)}" for _ in range(12)) + " 😀."


@pytest.fixture(scope="module")
def sound_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return an undamaged store whose graph is in files."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            chroma_index, "_SPACE", {"hnsw": {**chroma_index._SPACE["hnsw"], "sync_threshold": 100, "batch_size": 50}}
        )
        with Store(folder, HashEmbedder()) as store:
            store.add(*(article(f"a{number}", body(number)) for number in range(ARTICLES)))
    assert graph(folder), "Chroma did not write its graph"
    yield folder


def graph(folder: Path) -> Path | None:
    return next((path.parent for path in folder.rglob("data_level0.bin")), None)


def in_graph(
    name: str, change: Callable[[bytes, random.Random], bytes | None]
) -> Callable[[Path, random.Random], None]:
    def damage(folder: Path, dice: random.Random) -> None:
        directory = graph(folder)
        assert directory is not None
        change_file(directory / name, change, dice)

    return damage


def in_database(change: Callable[[bytes, random.Random], bytes | None]) -> Callable[[Path, random.Random], None]:
    return lambda folder, dice: change_file(folder / "chroma" / "chroma.sqlite3", change, dice)


def change_file(file: Path, change: Callable[[bytes, random.Random], bytes | None], dice: random.Random) -> None:
    content = change(file.read_bytes(), dice)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)


def lose_graph(folder: Path, dice: random.Random) -> None:
    directory = graph(folder)
    assert directory is not None
    shutil.rmtree(directory)


def cut(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content) // 4, 3 * len(content) // 4)]


def flip(content: bytes, dice: random.Random) -> bytes:
    spoiled = bytearray(content)
    for _ in range(64):
        spoiled[dice.randrange(len(spoiled))] ^= 0xFF
    return bytes(spoiled)


def empty(content: bytes, dice: random.Random) -> bytes:
    return b""


def zero(content: bytes, dice: random.Random) -> bytes:
    return bytes(len(content))


def lose(content: bytes, dice: random.Random) -> None:
    return None


DAMAGES = {
    "graph folder deleted": lose_graph,
    "ids deleted": in_graph("index_metadata.pickle", lose),
    "ids cut": in_graph("index_metadata.pickle", cut),
    "vectors cut": in_graph("data_level0.bin", cut),
    "bytes flipped": in_graph("data_level0.bin", flip),
    "header empty": in_graph("header.bin", empty),
    "database cut": in_database(cut),
    "database zeroed": in_database(zero),
}


CASES = [(kind, closed) for kind in DAMAGES for closed in (True, False)]
FEW = [("vectors cut", True), ("bytes flipped", False), ("graph folder deleted", False), ("database cut", False)]


@pytest.mark.parametrize(("kind", "closed"), CASES if TIMES > 1 else FEW)
def test_a_damaged_index_comes_back_whole(sound_store: Path, tmp_path: Path, kind: str, closed: bool) -> None:
    """After a clean close any change is noticed; after a kill a child process tries the files. All are found."""
    for seed in range(TIMES):
        folder = tmp_path / f"{seed}"
        shutil.copytree(sound_store, folder)
        if not closed:
            (folder / "chroma" / chroma_client._SEAL).unlink()
        DAMAGES[kind](folder, random.Random(seed))
        with Store(folder, HashEmbedder()) as store:
            store.projections.catch_up()
            assert store.problems() == [], f"seed {seed}"
            assert len(store.vectors.places()) == ARTICLES
            assert store.embedder.embedded == []


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
def test_a_whole_index_is_kept(sound_store: Path, tmp_path: Path, closed: bool) -> None:
    """Neither the checksums nor the child process report an undamaged index: nothing is applied again."""
    shutil.copytree(sound_store, tmp_path / "store")
    if not closed:
        (tmp_path / "store" / "chroma" / chroma_client._SEAL).unlink()
    with Store(tmp_path / "store", HashEmbedder()) as store:
        assert [state.behind for state in store.projections.states()] == [0, 0]
        assert store.problems() == []


def test_a_large_index_is_given_the_time_that_it_takes(
    sound_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill the trial's time limit grows with the index: a sound index is not discarded for being large."""
    monkeypatch.setattr(chroma_client, "_PROBE_S", 0.0)
    monkeypatch.setattr(chroma_client, "_PROBE_BYTES", 5_000)
    shutil.copytree(sound_store, tmp_path / "store")
    (tmp_path / "store" / "chroma" / chroma_client._SEAL).unlink()
    with Store(tmp_path / "store", HashEmbedder()) as store:
        assert [state.behind for state in store.projections.states()] == [0, 0]


def test_the_seal_is_broken_while_the_index_is_open(sound_store: Path, tmp_path: Path) -> None:
    """Files written after opening are not sealed: a kill is then not mistaken for a clean close."""
    shutil.copytree(sound_store, tmp_path / "store")
    seal = tmp_path / "store" / "chroma" / chroma_client._SEAL
    with Store(tmp_path / "store", HashEmbedder()):
        assert not seal.exists()
    assert seal.exists()
