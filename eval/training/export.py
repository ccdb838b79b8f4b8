"""Write a trained judge as the int8 file that the service reads, and print its SHA-256.

    python -m eval.training.export --from FOLDER/checkpoint.pt --name reader|entailment [--out qa/judges]

The averaged weights of the last checkpoint are written in the names of the published model, so that the embedder's own
graph builder reads them; matrices as int8 with one scale for each output.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save

from eval.training.encoder import LAYERS, WIDTH
from qa.embeddings.minilm_graph import quantise
from qa.judges.sequence import MAX_TOKENS

_PARTS = {
    "mix": "attention.output.dense",
    "attended": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "out": "output.LayerNorm",
}


def convert(state: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the tensors of a judge's file from those of the encoder."""
    arrays = {name: value.float().numpy() for name, value in state.items()}
    places = "embeddings.position_embeddings.weight"
    tensors: dict[str, np.ndarray[Any, Any]] = {
        places: arrays["places.weight"][:MAX_TOKENS],
        "embeddings.token_type_embeddings.weight": np.zeros((2, WIDTH), np.float32),  # they are in the places already
        "embeddings.LayerNorm.weight": arrays["norm.weight"],
        "embeddings.LayerNorm.bias": arrays["norm.bias"],
    }
    matrices: dict[str, np.ndarray[Any, Any]] = {"row_hidden": arrays["row_hidden.weight"]}
    for layer in range(LAYERS):
        old, new = f"layers.{layer}", f"encoder.layer.{layer}"
        for part, (weight, bias) in enumerate(
            zip(np.split(arrays[f"{old}.qkv.weight"], 3), np.split(arrays[f"{old}.qkv.bias"], 3), strict=True)
        ):
            name = f"{new}.attention.self.{('query', 'key', 'value')[part]}"
            matrices[name], tensors[f"{name}.bias"] = weight, bias
        for ours, theirs in _PARTS.items():
            tensors[f"{new}.{theirs}.bias"] = arrays[f"{old}.{ours}.bias"]
            if theirs.endswith("LayerNorm"):
                tensors[f"{new}.{theirs}.weight"] = arrays[f"{old}.{ours}.weight"]
            else:
                matrices[f"{new}.{theirs}"] = arrays[f"{old}.{ours}.weight"]
    for name, matrix in matrices.items():
        product = quantise(matrix)
        assert product.scale is not None
        tensors[f"{name}.weight"], tensors[f"{name}.scale"] = product.values, product.scale
    for name in ("row_hidden.bias", "row_head.weight", "row_head.bias", "token_head.weight", "token_head.bias"):
        if name in arrays:
            tensors[name] = arrays[name]
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def main() -> None:
    """Write the file and print its size and SHA-256."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, required=True)
    parser.add_argument("--name", choices=("reader", "entailment"), required=True)
    parser.add_argument("--out", type=Path, default=Path("qa/judges"))
    arguments = parser.parse_args()
    state = torch.load(arguments.source)
    raw = save(convert(state["average"]))
    path = arguments.out / f"{arguments.name}.safetensors"
    path.write_bytes(raw)
    print(f"{path}: step {state['step']}, {len(raw):,} bytes, SHA-256 {hashlib.sha256(raw).hexdigest()}")


if __name__ == "__main__":
    main()
