"""The ONNX graph of all-MiniLM-L6-v2, built from its published weights.

The graph takes rows of token ids of equal length, so it needs no mask and no padding: ONNX Runtime then takes its flash
attention path, and the vector of a text cannot depend on the other texts in its batch.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
WORDS = "embeddings.word_embeddings.weight"
EPSILON = 1e-12  # of the layer norms, as the model's config.json has it

_FUSED = "com.microsoft"
_DTYPES: Mapping[str, type[np.generic]] = {"F32": np.float32, "I64": np.int64, "I8": np.int8}
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


class Graph:
    """Collect the nodes and constants of an ONNX graph."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}

    def constant(self, name: str, value: Array) -> str:
        """Add a constant and return its name."""
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def add(self, op: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Add a node of one output and return the output's name."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, domain=domain, **attributes))
        return output


def build_graph(tensors: Mapping[str, Array], precision: Precision) -> tuple[bytes, dict[str, Array]]:
    """Return the serialised model (input `ids`, output `vectors`) and the large constants to pass when opening it."""
    graph = Graph()
    try:
        flow = add_body(graph, tensors, precision)
    except KeyError as exc:
        raise EmbeddingFailed(f"the model's weights lack the tensor {exc}") from exc
    graph.add("Reshape", [flow, "text_shape"], "tokens_out")
    graph.add("ReduceMean", ["tokens_out", "axis_1"], "pooled", keepdims=0)
    graph.add("LpNormalization", ["pooled"], "vectors", axis=-1, p=2)
    return serialise(graph, "all-MiniLM-L6-v2", {"vectors": ["texts", WIDTH]})


def serialise(graph: Graph, name: str, outputs: Mapping[str, Sequence[str | int]]) -> tuple[bytes, dict[str, Array]]:
    """Return the serialised model with these outputs and shapes, and its large constants."""
    large = {name: value for name, value in graph.constants.items() if value.nbytes >= _LARGE_BYTES}
    initializers = [
        _external(name, value) if name in large else numpy_helper.from_array(value, name)
        for name, value in graph.constants.items()
    ]
    body = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["texts", "tokens"])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape) for output, shape in outputs.items()],
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


def add_body(graph: Graph, tensors: Mapping[str, Array], precision: Precision) -> str:
    """Add the embeddings and the layers; return the name of their output, shape (texts * tokens, WIDTH)."""
    graph.constant("flat_shape", np.array([-1, WIDTH], np.int64))
    graph.constant("any_width", np.array([-1], np.int64))
    graph.constant("axis_1", np.array([1], np.int64))
    graph.add("Shape", ["ids"], "ids_shape")
    graph.add("Concat", ["ids_shape", "any_width"], "text_shape", axis=0)
    flow = _add_embedding(graph, tensors)
    for layer in range(LAYERS):
        flow = _add_layer(graph, tensors, precision, layer, flow)
    return flow


def _add_embedding(graph: Graph, tensors: Mapping[str, Array]) -> str:
    """Add word and position embeddings; the only segment's embedding is added to the positions."""
    positions = tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
    inputs = [
        "ids",
        "",
        graph.constant("words", tensors[WORDS]),
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


def _add_layer(graph: Graph, tensors: Mapping[str, Array], precision: Precision, layer: int, flow: str) -> str:
    source, name = f"encoder.layer.{layer}", f"layer{layer}"

    def weight(part: str) -> Weight:
        return read_weight(tensors, f"{source}.{part}", precision)

    qkv = [f"attention.self.{part}" for part in ("query", "key", "value")]
    add_product(graph, flow, Weight.join([weight(part) for part in qkv]), f"{name}.qkv")
    graph.add("Reshape", [f"{name}.qkv", "text_shape"], f"{name}.qkv3")
    parts = [f"{name}.q", f"{name}.k", f"{name}.v"]
    graph.nodes.append(helper.make_node("Split", [f"{name}.qkv3"], parts, name=f"{name}.split", axis=2, num_outputs=3))
    bias = graph.constant(f"{name}.qkv_bias", np.concatenate([tensors[f"{source}.{part}.bias"] for part in qkv]))
    graph.add("MultiHeadAttention", [*parts, bias], f"{name}.heads3", _FUSED, num_heads=HEADS)
    graph.add("Reshape", [f"{name}.heads3", "flat_shape"], f"{name}.heads")

    add_product(graph, f"{name}.heads", weight("attention.output.dense"), f"{name}.mix")
    attended = _add_norm(graph, tensors, f"{source}.attention.output", f"{name}.mix", flow, f"{name}.attended")
    add_product(graph, attended, weight("intermediate.dense"), f"{name}.wide")
    wide_bias = graph.constant(f"{name}.wide_bias", tensors[f"{source}.intermediate.dense.bias"])
    graph.add("BiasGelu", [f"{name}.wide", wide_bias], f"{name}.gelu", _FUSED)
    add_product(graph, f"{name}.gelu", weight("output.dense"), f"{name}.narrow")
    return _add_norm(graph, tensors, f"{source}.output", f"{name}.narrow", attended, f"{name}.out")


def _add_norm(graph: Graph, tensors: Mapping[str, Array], source: str, flow: str, skip: str, name: str) -> str:
    """Add the dense bias and the residual, and normalise."""
    inputs = [
        flow,
        skip,
        graph.constant(f"{name}.scale", tensors[f"{source}.LayerNorm.weight"]),
        graph.constant(f"{name}.shift", tensors[f"{source}.LayerNorm.bias"]),
        graph.constant(f"{name}.bias", tensors[f"{source}.dense.bias"]),
    ]
    return graph.add("SkipLayerNormalization", inputs, name, _FUSED, epsilon=EPSILON)


@dataclass(frozen=True, slots=True)
class Weight:
    """A matrix of shape (out, in): float32, or int8 with one scale for each output."""

    values: Array
    scale: Array | None

    @staticmethod
    def join(weights: Sequence[Weight]) -> Weight:
        """Return one matrix with the outputs of all."""
        scales = [weight.scale for weight in weights if weight.scale is not None]
        values = np.concatenate([weight.values for weight in weights])
        return Weight(values, np.concatenate(scales) if scales else None)


def quantise(weight: Array) -> Weight:
    """Return a matrix of shape (out, in) as int8."""
    scale = np.abs(weight).max(axis=1) / np.float32(_WEIGHT_LEVELS)
    return Weight(np.rint(weight / scale[:, None]).astype(np.int8), scale)


def read_weight(tensors: Mapping[str, Array], name: str, precision: Precision) -> Weight:
    """Return the weight of a layer; a file of ours has it as int8 already, with its `scale`."""
    values = tensors[f"{name}.weight"]
    if values.dtype == np.int8:
        return Weight(values, tensors[f"{name}.scale"])
    return quantise(values) if precision == "int8" else Weight(values, None)


def add_product(graph: Graph, flow: str, weight: Weight, name: str) -> None:
    """Multiply by a weight, in float32 or int8."""
    if weight.scale is None:
        graph.add("MatMul", [flow, graph.constant(f"{name}.weight", weight.values.T)], name)
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
    inputs = [
        f"{name}.rounded",
        graph.constant(f"{name}.weight", weight.values.T),
        graph.constant("one", np.array(1, np.float32)),
        graph.constant(f"{name}.weight_scale", weight.scale),
        graph.constant("middle", np.array(128, np.uint8)),
        graph.constant(f"{name}.weight_zero", np.zeros(len(weight.scale), np.int8)),
    ]
    graph.add("MatMulIntegerToFloat", inputs, f"{name}.unscaled", _FUSED)
    graph.add("Unsqueeze", [f"{name}.token_scale", "axis_1"], f"{name}.row_scale")
    graph.add("Mul", [f"{name}.unscaled", f"{name}.row_scale"], name)
