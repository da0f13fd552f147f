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

Array = NDArray[np.float32]
Weights = list[Array]


def package_weights(name: str) -> Weights:
    """The arrays of `pnet`, `rnet` or `onet`, found without importing the package."""
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or spec.origin is None:
        raise SystemExit("The mtcnn package is not installed: pip install mtcnn")
    loaded: Weights = joblib.load(Path(spec.origin).parent / "assets" / "weights" / f"{name}.lz4")
    return loaded


class Graph:
    """A chain of layers under construction.

    Written for ONNX Runtime's blocked convolutions (NCHWc): their channels come in blocks of 8 or
    16, and `PRelu` is not among their operations. So the first layers' channels are padded with
    zeros, and PRelu is said by convolutions and Relu, which run in the blocked layout: half the
    time (P-Net at 768x512: 47 ms with PRelu, 25 so; R-Net at 256 faces: 30 and 17; O-Net at 64: 42
    and 25; one core with AVX-512, ONNX Runtime 1.31).
    """

    def __init__(self, name: str, shape: list[Any]) -> None:
        self.name = name
        self.input = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[onnx.TensorProto] = []

    def add(self, kind: str, source: str | list[str], *arrays: Array, **options: Any) -> str:
        """The name of the result of an operation on `source` and constant arrays."""
        inputs = [source] if isinstance(source, str) else list(source)
        for array in arrays:
            inputs.append(f"w{len(self.arrays)}")
            values = np.ascontiguousarray(array, dtype=np.float32)
            self.arrays.append(numpy_helper.from_array(values, inputs[-1]))
        result = options.pop("name", f"x{len(self.nodes)}")
        self.nodes.append(helper.make_node(kind, inputs, [result], **options))
        return str(result)

    def conv(self, x: str, kernel: Array, bias: Array, **options: Any) -> str:
        """A valid convolution; `kernel` in Keras' layout."""
        return self.add("Conv", x, kernel.transpose(3, 2, 0, 1), bias, **options)

    def times(self, x: str, factors: Array) -> str:
        """Each channel times its factor."""
        kernel = np.reshape(factors, (-1, 1, 1, 1))
        return self.add("Conv", x, kernel, group=len(kernel))

    def prelu(self, x: str, slope: Array) -> str:
        """x where positive, slope * x elsewhere: slope * x + (1 - slope) * relu(x)."""
        slope = slope.reshape(-1)
        positive = self.add("Relu", x)
        return self.add("Add", [self.times(x, slope), self.times(positive, 1 - slope)])

    def pool(self, x: str, size: int, *, same: bool) -> str:
        """Max-pooling with stride 2; `same` as TensorFlow pads it: at the end."""
        padding = {"auto_pad": "SAME_UPPER"} if same else {}
        return self.add("MaxPool", x, kernel_shape=[size, size], strides=[2, 2], **padding)

    def conv_prelu_pool(self, x: str, kernel: Array, bias: Array, slope: Array) -> str:
        """P-Net's first layers, pooled before PRelu: a quarter of the work. Sixteen channels.

        With slope >= 0 PRelu is monotone, so the order does not matter. With slope < 0 the pooled
        PRelu is the larger of relu(max x) and -slope * relu(max -x); `max -x` comes from a copy of
        the channel with the sign turned, and max(p, q) = p + relu(q - p).
        """
        slope = slope.reshape(-1)
        count, falling = len(slope), np.flatnonzero(slope < 0)
        copies = np.arange(count, count + len(falling))
        kernel = widened(np.concatenate([kernel, -kernel[..., falling]], axis=3), 16, 3)
        bias = widened(np.concatenate([bias, -bias[falling]]), 16, 0)
        most = self.pool(self.conv(x, kernel, bias), 2, same=True)
        positive = self.add("Relu", most)
        lead = np.zeros((16, 16), np.float32)
        lead[falling, copies], lead[falling, falling] = -slope[falling], -1
        by_copy = self.add("Relu", self.add("Conv", positive, lead[:, :, None, None]))
        slope = widened(np.maximum(slope, 0), 16, 0)
        rest = np.where(np.arange(16) < count, 1 - slope, 0)
        both = self.add("Add", [self.times(most, slope), self.times(positive, rest)])
        return self.add("Add", [both, by_copy])

    def dense_over_map(self, x: str, weights: Array, bias: Array, side: int) -> str:
        """Keras' `Permute((2, 1, 3)), Flatten, Dense` as a convolution over the whole map.

        The permutation makes the flattened order (column, row, channel).
        """
        depth = weights.shape[0] // side**2
        kernel = weights.reshape(side, side, depth, -1).transpose(1, 0, 2, 3)
        return self.conv(x, kernel, bias)

    def model(self, shape: list[Any]) -> onnx.ModelProto:
        """The whole, from `pixels` to `out`."""
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, self.name, [self.input], [out], self.arrays)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        model.producer_name = "phototag"
        onnx.checker.check_model(model)
        return model


def widened(array: Array, count: int, axis: int) -> Array:
    """Zeros added at the end of an axis, up to `count`."""
    room = [(0, 0)] * array.ndim
    room[axis] = (0, count - array.shape[axis])
    return np.pad(array, room)


def heads(kernels: Weights, biases: Weights) -> tuple[Array, Array]:
    """Side by side, each [in, out]; the last pair (no face, face) becomes the logit of face."""
    face = kernels[-1][:, 1:] - kernels[-1][:, :1]
    logit = biases[-1][1:] - biases[-1][:1]
    return (
        np.concatenate([*kernels[:-1], face], axis=1)[None, None],
        np.concatenate([*biases[:-1], logit]),
    )


def pnet() -> onnx.ModelProto:
    """[1, 3, h, w] -> [1, 5, h', w']: four box offsets and the logit of face."""
    w = package_weights("pnet")
    g = Graph("pnet", [1, 3, "height", "width"])
    x = g.conv_prelu_pool("pixels", w[0], w[1], w[2])
    x = g.prelu(g.conv(x, widened(w[3], 16, 2), w[4]), w[5])
    x = g.prelu(g.conv(x, w[6], w[7]), w[8])
    g.conv(x, *heads([w[9][0, 0], w[11][0, 0]], [w[10], w[12]]), name="out")
    return g.model([1, 5, "rows", "columns"])


def rnet() -> onnx.ModelProto:
    """[n, 3, 24, 24] -> [n, 5, 1, 1]: four box offsets and the logit of face."""
    w = package_weights("rnet")
    g = Graph("rnet", ["faces", 3, 24, 24])
    x = g.conv("pixels", widened(w[0], 32, 3), widened(w[1], 32, 0))
    x = g.pool(g.prelu(x, widened(w[2].reshape(-1), 32, 0)), 3, same=True)
    x = g.prelu(g.conv(x, widened(w[3], 32, 2), w[4]), w[5])
    x = g.prelu(g.conv(g.pool(x, 3, same=False), w[6], w[7]), w[8])
    x = g.prelu(g.dense_over_map(x, w[9], w[10], 3), w[11])
    g.conv(x, *heads([w[12], w[14]], [w[13], w[15]]), name="out")
    return g.model(["faces", 5, 1, 1])


def onet() -> onnx.ModelProto:
    """[n, 3, 48, 48] -> [n, 15, 1, 1]: box offsets, five x, five y, the logit of face."""
    w = package_weights("onet")
    g = Graph("onet", ["faces", 3, 48, 48])
    x = g.pool(g.prelu(g.conv("pixels", w[0], w[1]), w[2]), 3, same=True)
    x = g.pool(g.prelu(g.conv(x, w[3], w[4]), w[5]), 3, same=False)
    x = g.pool(g.prelu(g.conv(x, w[6], w[7]), w[8]), 2, same=True)
    x = g.prelu(g.conv(x, w[9], w[10]), w[11])
    x = g.prelu(g.dense_over_map(x, w[12], w[13], 3), w[14])
    g.conv(x, *heads([w[15], w[17], w[19]], [w[16], w[18], w[20]]), name="out")
    return g.model(["faces", 15, 1, 1])


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
