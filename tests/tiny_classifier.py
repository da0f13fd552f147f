"""A run folder as training leaves it, with a network that was never trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from phototag.vision.models import digest_of


def trained_run(folder: Path, seed: int = 3) -> Path:
    """A run folder with a network of random weights that knows Alice and Bob."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir()
    weights = np.random.default_rng(seed).normal(size=(192, 2)).astype(np.float32) * 3
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["faces"], ["p"], kernel_shape=[4, 4], strides=[4, 4]),
            helper.make_node("Flatten", ["p"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    digest = digest_of(folder / "model.onnx")
    card = {
        "id": f"classifier-tiny-{digest[:12]}", "name": "tiny", "kind": "classifier", "format": 1,
        "file": "model.onnx", "digest": digest, "size": 32, "dim": 2, "classes": ["Alice", "Bob"],
        "not_recognised": {"threshold": 0.6},
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder
