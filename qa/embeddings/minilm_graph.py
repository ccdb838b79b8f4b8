"""The ONNX graph of all-MiniLM-L6-v2, built from its published weights.

The graph takes rows of token ids of equal length, so it needs no mask and no padding: ONNX Runtime then takes its flash
attention path, and the vector of a text cannot depend on the other texts in its batch.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from qa.errors import EmbeddingFailed

Precision = Literal["fp32", "int8"]
Array = NDArray[Any]

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12  # of the layer norms, as the model's config.json has it

_FUSED = "com.microsoft"
_DTYPES: Mapping[str, type[np.generic]] = {"F32": np.float32, "I64": np.int64}
# Weights have 7 bits: processors without VNNI add two products in 16 bits and saturate (255 * 127 * 2 > 32767), so
# that 8 bits would give different vectors there. 255 * 63 * 2 fits, and every processor computes the same.
_WEIGHT_LEVELS = 63
_ACTIVATION_LEVELS = 127
_LARGE_BYTES = 4096  # from this size a constant is kept out of the serialised model: copying took a second


def read_safetensors(raw: bytes) -> dict[str, Array]:
    """Return the tensors of a safetensors file as read-only views of its bytes."""
    try:
        (header_bytes,) = struct.unpack_from("<Q", raw)
        header = json.loads(raw[8 : 8 + header_bytes])
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            dtype = np.dtype(_DTYPES[entry["dtype"]])
            flat = np.frombuffer(raw, dtype, (end - begin) // dtype.itemsize, 8 + header_bytes + begin)
            tensors[name] = flat.reshape(entry["shape"])
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise EmbeddingFailed(f"the model's weights are not a readable safetensors file: {exc!r}") from exc
    return tensors


class _Graph:
    """Collect the nodes and constants of an ONNX graph."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}

    def constant(self, name: str, value: Array) -> str:
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def add(self, op: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, domain=domain, **attributes))
        return output


def build_graph(tensors: Mapping[str, Array], precision: Precision) -> tuple[bytes, dict[str, Array]]:
    """Return the serialised model (input `ids`, output `vectors`) and the large constants to pass when opening it."""
    graph = _Graph()
    try:
        _add_network(graph, tensors, precision)
    except KeyError as exc:
        raise EmbeddingFailed(f"the model's weights lack the tensor {exc}") from exc
    large = {name: value for name, value in graph.constants.items() if value.nbytes >= _LARGE_BYTES}
    initializers = [
        _external(name, value) if name in large else numpy_helper.from_array(value, name)
        for name, value in graph.constants.items()
    ]
    body = helper.make_graph(
        graph.nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["texts", "tokens"])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", WIDTH])],
        initializers,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10).SerializeToString(), large


def _external(name: str, value: Array) -> TensorProto:
    tensor = TensorProto(
        name=name,
        dims=value.shape,
        data_type=helper.np_dtype_to_tensor_dtype(value.dtype),
        data_location=TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value="given-in-memory")
    return tensor


def _add_network(graph: _Graph, tensors: Mapping[str, Array], precision: Precision) -> None:
    graph.constant("flat_shape", np.array([-1, WIDTH], np.int64))
    graph.constant("any_width", np.array([-1], np.int64))
    graph.constant("axis_1", np.array([1], np.int64))
    graph.add("Shape", ["ids"], "ids_shape")
    graph.add("Concat", ["ids_shape", "any_width"], "text_shape", axis=0)
    flow = _add_embedding(graph, tensors)
    for layer in range(LAYERS):
        flow = _add_layer(graph, tensors, precision, layer, flow)
    graph.add("Reshape", [flow, "text_shape"], "tokens_out")
    graph.add("ReduceMean", ["tokens_out", "axis_1"], "pooled", keepdims=0)
    graph.add("LpNormalization", ["pooled"], "vectors", axis=-1, p=2)


def _add_embedding(graph: _Graph, tensors: Mapping[str, Array]) -> str:
    """Add word and position embeddings; the only segment's embedding is added to the positions."""
    positions = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    inputs = [
        "ids",
        "",
        graph.constant("words", tensors["embeddings.word_embeddings.weight"]),
        graph.constant("places", positions),
        "",
        graph.constant("norm_scale", tensors["embeddings.LayerNorm.weight"]),
        graph.constant("norm_shift", tensors["embeddings.LayerNorm.bias"]),
    ]
    outputs = ["embedded", "unused_lengths"]
    graph.nodes.append(
        helper.make_node("EmbedLayerNormalization", inputs, outputs, name="embed", domain=_FUSED, epsilon=EPSILON)
    )
    return graph.add("Reshape", ["embedded", "flat_shape"], "flat")


def _add_layer(graph: _Graph, tensors: Mapping[str, Array], precision: Precision, layer: int, flow: str) -> str:
    source, name = f"encoder.layer.{layer}", f"layer{layer}"

    def joined(kind: str) -> Array:
        parts = [tensors[f"{source}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
        return np.concatenate(parts)

    _add_product(graph, precision, flow, joined("weight"), f"{name}.qkv")
    graph.add("Reshape", [f"{name}.qkv", "text_shape"], f"{name}.qkv3")
    parts = [f"{name}.q", f"{name}.k", f"{name}.v"]
    graph.nodes.append(helper.make_node("Split", [f"{name}.qkv3"], parts, name=f"{name}.split", axis=2, num_outputs=3))
    bias = graph.constant(f"{name}.qkv_bias", joined("bias"))
    graph.add("MultiHeadAttention", [*parts, bias], f"{name}.heads3", _FUSED, num_heads=HEADS)
    graph.add("Reshape", [f"{name}.heads3", "flat_shape"], f"{name}.heads")

    _add_product(graph, precision, f"{name}.heads", tensors[f"{source}.attention.output.dense.weight"], f"{name}.mix")
    attended = _add_norm(graph, tensors, f"{source}.attention.output", f"{name}.mix", flow, f"{name}.attended")
    _add_product(graph, precision, attended, tensors[f"{source}.intermediate.dense.weight"], f"{name}.wide")
    wide_bias = graph.constant(f"{name}.wide_bias", tensors[f"{source}.intermediate.dense.bias"])
    graph.add("BiasGelu", [f"{name}.wide", wide_bias], f"{name}.gelu", _FUSED)
    _add_product(graph, precision, f"{name}.gelu", tensors[f"{source}.output.dense.weight"], f"{name}.narrow")
    return _add_norm(graph, tensors, f"{source}.output", f"{name}.narrow", attended, f"{name}.out")


def _add_norm(graph: _Graph, tensors: Mapping[str, Array], source: str, flow: str, skip: str, name: str) -> str:
    """Add the dense bias and the residual, and normalise."""
    inputs = [
        flow,
        skip,
        graph.constant(f"{name}.scale", tensors[f"{source}.LayerNorm.weight"]),
        graph.constant(f"{name}.shift", tensors[f"{source}.LayerNorm.bias"]),
        graph.constant(f"{name}.bias", tensors[f"{source}.dense.bias"]),
    ]
    return graph.add("SkipLayerNormalization", inputs, name, _FUSED, epsilon=EPSILON)


def _add_product(graph: _Graph, precision: Precision, flow: str, weight: Array, name: str) -> None:
    """Multiply by a weight of shape (out, in), in float32 or int8."""
    if precision == "fp32":
        graph.add("MatMul", [flow, graph.constant(f"{name}.weight", weight.T)], name)
        return
    # One scale for each token. ONNX Runtime's own dynamic quantisation has one scale for a batch: the cosine to the
    # float model fell from .995 to .991, and a text's vector changed with its neighbours (cosine down to .969).
    graph.add("Abs", [flow], f"{name}.abs")
    graph.add("ReduceMax", [f"{name}.abs", "axis_1"], f"{name}.peak", keepdims=0)
    step = graph.constant(f"{name}.step", np.array(1 / _ACTIVATION_LEVELS, np.float32))
    graph.add("Mul", [f"{name}.peak", step], f"{name}.token_scale")
    graph.add("Shape", [f"{name}.token_scale"], f"{name}.token_count")
    middle = helper.make_tensor("middle", TensorProto.UINT8, [1], [128])
    graph.add("ConstantOfShape", [f"{name}.token_count"], f"{name}.middles", value=middle)
    graph.add("QuantizeLinear", [flow, f"{name}.token_scale", f"{name}.middles"], f"{name}.rounded", axis=0)

    scale = np.abs(weight).max(axis=1) / np.float32(_WEIGHT_LEVELS)  # one for each output column
    quantised = np.rint(weight / scale[:, None]).astype(np.int8)
    inputs = [
        f"{name}.rounded",
        graph.constant(f"{name}.weight", quantised.T),
        graph.constant("one", np.array(1, np.float32)),
        graph.constant(f"{name}.weight_scale", scale),
        graph.constant("middle", np.array(128, np.uint8)),
        graph.constant(f"{name}.weight_zero", np.zeros(len(scale), np.int8)),
    ]
    graph.add("MatMulIntegerToFloat", inputs, f"{name}.unscaled", _FUSED)
    graph.add("Unsqueeze", [f"{name}.token_scale", "axis_1"], f"{name}.row_scale")
    graph.add("Mul", [f"{name}.unscaled", f"{name}.row_scale"], name)
