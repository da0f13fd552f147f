"""Write the folded VGG16 as ONNX, node by node: in float32, or quantised to int8 (QDQ, per
channel).

Both take `faces`, float32 [n, 3, px, px], RGB, (x - MEAN) / SCALE, and give `embedding`, float32
[n, dim], not yet of unit length. MEAN is 128, not the 127.5 of training: then the int8 model's
first quantisation is exact (one step for each grey level). The first bias makes up for the
difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from phototag.bench.folded import BLOCK_ENDS, NAMES, Floats, FoldedVGG16, has_fifth_pool
from phototag.bench.onnx_graph import Graph

if TYPE_CHECKING:
    from onnx import ModelProto

MEAN = 128.0
SCALE = 127.5
TRAINED_MEAN = 127.5
WEIGHT_LIMIT = 64
"""Quantised weights stay within -64..64 (7 bits). Processors without VNNI add two products of an
unsigned and a signed byte in 16 bits; 2 * 255 * 64 is the most that cannot saturate there, so
every processor gives the same integers."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Largest activation that the 8 bits after each convolution can hold; all are >= 0 (ReLU)."""

    activations: tuple[float, ...]
    """13 values, for the outputs of the convolutions in order."""
    weight_limit: int = WEIGHT_LIMIT


def float_model(network: FoldedVGG16) -> ModelProto:
    """The network in float32."""
    graph, flow = Graph(), "faces"
    for i, (name, kernel) in enumerate(zip(NAMES, network.kernels, strict=True)):
        ends = [
            graph.constant(f"{name}_kernel", _oihw(kernel)),
            graph.constant(f"{name}_bias", _bias(network, i)),
        ]
        flow = graph.add("Conv", [flow, *ends], name, pads=[1] * 4, kernel_shape=[3, 3])
        flow = graph.add("Relu", [flow], f"{name}_relu")
        flow = _maybe_pool(graph, network, i, flow)
    flow = graph.add("Flatten", [flow], "flat", axis=1)
    ends = [
        graph.constant("embedding_kernel", _flat_dense(network)),
        graph.constant("embedding_bias", network.dense_bias),
    ]
    graph.add("Gemm", [flow, *ends], "embedding", transB=0)
    return _finished(graph, network)


def int8_model(network: FoldedVGG16, ranges: Ranges) -> ModelProto:
    """The network quantised: activations to unsigned bytes by `ranges`, weights to signed ones,
    each output channel with its own scale; sums in 32 bits. The embedding leaves the last layer
    as float32."""
    graph = Graph()
    scale = 1 / SCALE
    flow = graph.quantized("faces", "faces", scale, 128)
    for i, (name, kernel) in enumerate(zip(NAMES, network.kernels, strict=True)):
        ends = _quantized_weights(graph, name, _oihw(kernel), _bias(network, i), scale, ranges)
        flow = graph.add("Conv", [flow, *ends], name, pads=[1] * 4, kernel_shape=[3, 3])
        flow = graph.add("Relu", [flow], f"{name}_relu")
        scale = ranges.activations[i] / 255
        flow = graph.quantized(name, flow, scale, 0)
        pooled = _maybe_pool(graph, network, i, flow)
        if pooled != flow:  # the pooled bytes are bytes of the same scale
            flow = graph.quantized(f"{name}_pool", pooled, scale, 0)
    flow = graph.add("Flatten", [flow], "flat", axis=1)
    flow = graph.quantized("flat", flow, scale, 0)
    dense = np.ascontiguousarray(_flat_dense(network).T)
    ends = _quantized_weights(graph, "embedding", dense, network.dense_bias, scale, ranges)
    graph.add("Gemm", [flow, *ends], "embedding", transB=1)
    return _finished(graph, network)


def _finished(graph: Graph, network: FoldedVGG16) -> ModelProto:
    return graph.model("face-vgg16", (3, network.px, network.px), "embedding", network.dim)


def _quantized_weights(
    graph: Graph, name: str, weight: Floats, bias: Floats, input_scale: float, ranges: Ranges
) -> tuple[str, str]:
    """Weights [out, ...] as signed bytes, bias as 32-bit integers, both with one scale for each
    output channel."""
    scales, whole = quantize_weights(weight, ranges.weight_limit)
    bias_scales = (scales.astype(np.float64) * np.float64(np.float32(input_scale))).astype(
        np.float32
    )
    whole_bias = np.rint(bias.astype(np.float64) / bias_scales).astype(np.int32)
    out = []
    for part, step, values in (("kernel", scales, whole), ("bias", bias_scales, whole_bias)):
        ends = [
            graph.constant(f"{name}_{part}_q", values),
            graph.constant(f"{name}_{part}_scale", step),
            graph.constant(f"{name}_{part}_zero", np.zeros(len(step), dtype=values.dtype)),
        ]
        out.append(graph.add("DequantizeLinear", ends, f"{name}_{part}", axis=0))
    return out[0], out[1]


def quantize_weights(weight: Floats, limit: int) -> tuple[Floats, NDArray[np.int8]]:
    """(scales [out], integers of `weight`'s shape): the largest of each output channel becomes
    `limit`."""
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1)
    scales = (np.maximum(largest, 1e-12) / limit).astype(np.float32)
    shaped = scales.reshape(-1, *[1] * (weight.ndim - 1))
    return scales, np.clip(np.rint(weight / shaped), -limit, limit).astype(np.int8)


def _maybe_pool(graph: Graph, network: FoldedVGG16, position: int, flow: str) -> str:
    last = position + 1 == len(NAMES)
    if position + 1 not in BLOCK_ENDS or (last and not has_fifth_pool(network.px)):
        return flow
    block = BLOCK_ENDS.index(position + 1) + 1
    return graph.add("MaxPool", [flow], f"block{block}_pool", kernel_shape=[2, 2], strides=[2, 2])


def _oihw(kernel: Floats) -> Floats:
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _flat_dense(network: FoldedVGG16) -> Floats:
    """[512 * side * side, dim] for ONNX, which flattens by channel, row, column."""
    return np.ascontiguousarray(network.dense.transpose(2, 0, 1, 3).reshape(-1, network.dim))


def _bias(network: FoldedVGG16, position: int) -> Floats:
    """The bias of a convolution; the first one's makes up for MEAN."""
    bias = network.biases[position]
    if position:
        return bias
    shift = (MEAN - TRAINED_MEAN) / SCALE
    moved: Floats = (bias + network.kernels[0].sum(axis=(0, 1, 2)) * shift).astype(np.float32)
    return moved
