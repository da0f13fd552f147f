"""ONNX networks written on the spot: a VGG16 with random weights, and small ones with one flaw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from phototag.vision.models import ModelCard, digest_of

VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)
"""Channels of the convolutions; 0: pooling. Without the last pooling, as for 48 px."""


def model(
    nodes: list[Any],
    weights: dict[str, NDArray[Any]],
    takes: list[Any],
    gives: list[Any],
    kind: int = TensorProto.FLOAT,
) -> ModelProto:
    """A network from `faces` to `embedding`."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("faces", kind, takes)],
        [helper.make_tensor_value_info("embedding", kind, gives)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9)


def vgg16(seed: int = 0) -> ModelProto:
    """[n, 3, 48, 48] -> [n, 256]."""
    random = np.random.default_rng(seed)
    nodes, weights, last, depth = [], {}, "faces", 3
    for i, width in enumerate(VGG16):
        if not width:
            options = {"kernel_shape": [2, 2], "strides": [2, 2]}
            nodes.append(helper.make_node("MaxPool", [last], [f"pool{i}"], **options))
            last = f"pool{i}"
            continue
        kernel = random.standard_normal((width, depth, 3, 3), np.float32)
        weights[f"k{i}"] = kernel * np.float32((2 / (9 * depth)) ** 0.5)
        weights[f"b{i}"] = random.standard_normal(width, np.float32) * np.float32(0.05)
        inputs = [last, f"k{i}", f"b{i}"]
        nodes.append(helper.make_node("Conv", inputs, [f"c{i}"], pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        last, depth = f"r{i}", width
    weights["dense"] = random.standard_normal((9 * 512, 256), np.float32) * np.float32(0.01)
    nodes.append(helper.make_node("Flatten", [last], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "dense"], ["embedding"]))
    return model(nodes, weights, ["n", 3, 48, 48], ["n", 256])


def projection(
    *,
    shape: tuple[Any, ...] = (3, 16, 16),
    batch: Any = "n",
    dim: int = 32,
    factor: float = 1.0,
    kind: int = TensorProto.FLOAT,
) -> ModelProto:
    """[n, *shape] -> [n, dim]: all values in a random matrix."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    values = int(np.prod([s if isinstance(s, int) else 16 for s in shape]))
    matrix = np.random.default_rng(1).standard_normal((values, dim)) * factor
    nodes = [
        helper.make_node("Flatten", ["faces"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
    ]
    weights = {"matrix": matrix.astype(dtype)}
    return model(nodes, weights, [batch, *shape], [batch, dim], kind)


def saved(network: ModelProto, path: Path) -> Path:
    path.write_bytes(network.SerializeToString())
    return path


def card_of(path: Path, **values: Any) -> ModelCard:
    """An embedder's card for a file."""
    card = ModelCard(
        id=f"test-{path.stem}",
        name=path.stem,
        kind="embedder",
        file=path.name,
        digest=digest_of(path),
        folder=path.parent,
        dim=32,
    )
    return replace(card, **values)
