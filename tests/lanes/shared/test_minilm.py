"""The bundled MiniLM embedder against reference vectors from sentence-transformers."""

from qa.embeddings.minilm import MiniLM
from tests.embeddings.test_minilm import read_reference


def test_fp32_agrees_with_an_independent_reference(shared):
    """Its fp32 vectors agree with independent ones from sentence-transformers."""
    texts, vectors = read_reference(shared / "bench" / "minilm_reference.json")
    assert (MiniLM(precision="fp32", threads=2).embed_texts(texts) * vectors).sum(axis=1).min() > 0.999
