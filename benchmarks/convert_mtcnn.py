"""Write the three networks of MTCNN as ONNX files, from the weights in the `mtcnn` package (MIT).

    python benchmarks/convert_mtcnn.py [FOLDER]        (default: phototag/weights)

The package keeps each network's arrays in a joblib file, in Keras' order and layout (kernels
height, width, in, out). Nothing is trained or rounded here: the arrays are transposed to ONNX's
layout and the graphs are written around them. TensorFlow is not needed. Running it again writes
the same bytes.

Two liberties, both exact in real numbers: the two face/no-face columns become one (softmax of two
values is the sigmoid of their difference), and `Permute, Flatten, Dense` becomes one convolution
over the whole map.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 9
"""Both are old enough for every ONNX Runtime that phototag allows (1.20 and later)."""

Weights = list[NDArray[np.float32]]


def package_weights(name: str) -> Weights:
    """The arrays of `pnet`, `rnet` or `onet`, found without importing the package."""
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or spec.origin is None:
        raise SystemExit("The mtcnn package is not installed: pip install mtcnn")
    loaded: Weights = joblib.load(Path(spec.origin).parent / "assets" / "weights" / f"{name}.lz4")
    return loaded


class Graph:
    """A chain of layers under construction."""

    def __init__(self, name: str, shape: list[Any]) -> None:
        self.name = name
        self.input = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[onnx.TensorProto] = []
        self.last = "pixels"

    def add(self, kind: str, *arrays: NDArray[np.float32], out: str = "", **options: Any) -> None:
        inputs = [self.last]
        for array in arrays:
            label = f"w{len(self.arrays)}"
            self.arrays.append(numpy_helper.from_array(np.ascontiguousarray(array), label))
            inputs.append(label)
        self.last = out or f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [self.last], **options))

    def conv(self, kernel: NDArray[np.float32], bias: NDArray[np.float32], out: str = "") -> None:
        """A valid convolution; `kernel` in Keras' layout."""
        self.add("Conv", kernel.transpose(3, 2, 0, 1), bias, out=out)

    def prelu(self, slope: NDArray[np.float32]) -> None:
        self.add("PRelu", slope.reshape(-1, 1, 1))

    def pool(self, size: int, *, same: bool) -> None:
        """Max-pooling with stride 2; `same` as TensorFlow pads it: at the end."""
        padding = {"auto_pad": "SAME_UPPER"} if same else {}
        self.add("MaxPool", kernel_shape=[size, size], strides=[2, 2], **padding)

    def dense_over_map(
        self, weights: NDArray[np.float32], bias: NDArray[np.float32], side: int
    ) -> None:
        """Keras' `Permute((2, 1, 3)), Flatten, Dense` as a convolution over the whole map.

        The permutation makes the flattened order (column, row, channel).
        """
        depth = weights.shape[0] // side**2
        kernel = weights.reshape(side, side, depth, -1).transpose(1, 0, 2, 3)
        self.conv(kernel, bias)

    def model(self, outputs: dict[str, list[Any]]) -> onnx.ModelProto:
        infos = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ]
        graph = helper.make_graph(self.nodes, self.name, [self.input], infos, self.arrays)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        model.producer_name = "phototag"
        onnx.checker.check_model(model)
        return model


def heads(kernels: Weights, biases: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Side by side, each [in, out]; the last pair (no face, face) becomes the logit of face."""
    face = kernels[-1][:, 1:] - kernels[-1][:, :1]
    logit = biases[-1][1:] - biases[-1][:1]
    return (
        np.concatenate([*kernels[:-1], face], axis=1)[None, None],
        np.concatenate([*biases[:-1], logit]),
    )


def pnet() -> onnx.ModelProto:
    """[1, 3, h, w] -> `out` [1, 5, h', w']: four box offsets and the logit of face."""
    w = package_weights("pnet")
    graph = Graph("pnet", [1, 3, "height", "width"])
    graph.conv(w[0], w[1])
    graph.prelu(w[2])
    graph.pool(2, same=True)
    graph.conv(w[3], w[4])
    graph.prelu(w[5])
    graph.conv(w[6], w[7])
    graph.prelu(w[8])
    kernel, bias = heads([w[9][0, 0], w[11][0, 0]], [w[10], w[12]])
    graph.conv(kernel, bias, out="out")
    return graph.model({"out": [1, 5, "rows", "columns"]})


def rnet() -> onnx.ModelProto:
    """[n, 3, 24, 24] -> `out` [n, 5, 1, 1]: four box offsets and the logit of face."""
    w = package_weights("rnet")
    graph = Graph("rnet", ["faces", 3, 24, 24])
    graph.conv(w[0], w[1])
    graph.prelu(w[2])
    graph.pool(3, same=True)
    graph.conv(w[3], w[4])
    graph.prelu(w[5])
    graph.pool(3, same=False)
    graph.conv(w[6], w[7])
    graph.prelu(w[8])
    graph.dense_over_map(w[9], w[10], 3)
    graph.prelu(w[11])
    kernel, bias = heads([w[12], w[14]], [w[13], w[15]])
    graph.conv(kernel, bias, out="out")
    return graph.model({"out": ["faces", 5, 1, 1]})


def onet() -> onnx.ModelProto:
    """[n, 3, 48, 48] -> `out` [n, 15, 1, 1]: box offsets, five x, five y, the logit of face."""
    w = package_weights("onet")
    graph = Graph("onet", ["faces", 3, 48, 48])
    graph.conv(w[0], w[1])
    graph.prelu(w[2])
    graph.pool(3, same=True)
    graph.conv(w[3], w[4])
    graph.prelu(w[5])
    graph.pool(3, same=False)
    graph.conv(w[6], w[7])
    graph.prelu(w[8])
    graph.pool(2, same=True)
    graph.conv(w[9], w[10])
    graph.prelu(w[11])
    graph.dense_over_map(w[12], w[13], 3)
    graph.prelu(w[14])
    kernel, bias = heads([w[15], w[17], w[19]], [w[16], w[18], w[20]])
    graph.conv(kernel, bias, out="out")
    return graph.model({"out": ["faces", 15, 1, 1]})


def write(folder: Path) -> None:
    parts = {}
    for name, build in (("pnet", pnet), ("rnet", rnet), ("onet", onet)):
        data = build().SerializeToString(deterministic=True)
        (folder / f"mtcnn-{name}.onnx").write_bytes(data)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        parts[name] = {"file": f"mtcnn-{name}.onnx", "digest": digest}
        print(f"mtcnn-{name}.onnx: {len(data):,} bytes, {digest}")
    whole = hashlib.blake2b("".join(p["digest"] for p in parts.values()).encode(), digest_size=16)
    card = {
        "id": f"mtcnn-{whole.hexdigest()[:12]}",
        "name": "mtcnn",
        "kind": "detector",
        **parts["pnet"],
        "parts": {name: parts[name] for name in ("rnet", "onet")},
        "color": "rgb",
        "mean": 127.5,
        "scale": 128.0,
        "licence": "MIT (code and weights of the mtcnn package, © 2019-2024 Iván de Paz Centeno)",
        "source": f"weights of the Python package mtcnn {importlib.metadata.version('mtcnn')}, "
        "converted by benchmarks/convert_mtcnn.py",
        "paper": "Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multi-task "
        "Cascaded Convolutional Networks, 2016",
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (folder / "mtcnn.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    default = Path(__file__).resolve().parent.parent / "phototag" / "weights"
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
