"""Go on training weights that ship: their batch normalisations, folded long ago, are opened again.

In training a batch normalisation looks at its batch, so weights put into one at rest would mean
something else. Here each is given the mean and the variance of real faces at its place, and the
scale and shift that undo them: on those faces the opened network gives what the folded one gave.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from phototag.bench.folded import BN_EPSILON, NAMES, Floats, FoldedVGG16
from phototag.bench.networks import pools_after

LOOKED_AT = 256
"""Faces whose statistics the convolutions' normalisations are given: a batch of training."""

RIDGE = 0.02
"""Weight of the dense layer's size, as a share of the features' mean square."""


def restart(
    model: Any, network: FoldedVGG16, faces: NDArray[np.uint8], targets: NDArray[np.float32]
) -> None:
    """Give an `embedder("vgg16")` the trunk of `network`, and a dense layer fitted to the teacher.

    `faces` [n, px, px, 3] of the model's size, a few thousand; `targets` [n, dim] the teacher's
    vectors of them. What ships is whitened, which the teacher's vectors are not: so the dense layer
    is made anew, by ridge regression on the trunk's features.
    """
    _open_trunk(model, network, faces[:LOOKED_AT])
    trunk = keras.Model(model.input, model.get_layer("flatten").output)
    features = np.concatenate(
        [trunk.predict_on_batch(_seen(faces[i : i + 256])) for i in range(0, len(faces), 256)]
    )
    dense, bias = _fitted(features, targets)
    size = np.float32(np.sqrt(1 / len(dense)) / np.sqrt(np.mean(dense**2)))
    answers = (features @ dense + bias) * size
    model.get_layer("embedding").set_weights([dense * size, bias * size])
    mean, variance = answers.mean(axis=0), answers.var(axis=0)
    spread = np.sqrt(variance + BN_EPSILON)
    model.get_layer("embedding_bn").set_weights([spread, mean, mean, variance])


def _open_trunk(model: Any, network: FoldedVGG16, faces: NDArray[np.uint8]) -> None:
    px = faces.shape[1]
    flow: Any = ops.convert_to_tensor(_seen(faces))
    for position, (name, kernel, bias) in enumerate(
        zip(NAMES, network.kernels, network.biases, strict=True)
    ):
        # As large as a fresh kernel: the optimizer's rate is meant for that size.
        wanted = np.sqrt(2 / (9 * kernel.shape[3])) * np.sqrt(kernel[..., 0].size)
        size = wanted / np.maximum(
            np.linalg.norm(kernel.reshape(-1, kernel.shape[3]), axis=0), 1e-6
        )
        size = size.astype(np.float32)
        raw = ops.conv(flow, kernel * size, padding="same", data_format="channels_last")
        values = np.asarray(ops.convert_to_numpy(raw), dtype=np.float64)
        mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
        model.get_layer(name).set_weights([kernel * size])
        model.get_layer(f"{name}_bn").set_weights(
            [np.sqrt(variance + BN_EPSILON) / size, bias + mean / size, mean, variance]
        )
        flow = ops.relu(raw / size + bias)
        if pools_after(position, px):
            flow = ops.max_pool(flow, 2, data_format="channels_last")


def _seen(faces: NDArray[np.uint8]) -> Floats:
    return faces.astype(np.float32) / np.float32(127.5) - 1


def _fitted(features: Floats, targets: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """(dense [f, d], bias [d]) with the least squared error and a small dense layer."""
    values = features.astype(np.float64)
    centre, middle = values.mean(axis=0), targets.mean(axis=0, dtype=np.float64)
    values -= centre
    gram = values.T @ values
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    dense = np.linalg.solve(gram, values.T @ (targets - middle))
    return dense.astype(np.float32), (middle - centre @ dense).astype(np.float32)
