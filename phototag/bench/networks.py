"""The embedders in Keras 3: the face VGG16, and MobileNetV2 and InceptionV3 trunks under the same
head.

All take RGB faces [n, px, px, 3], (x - 127.5) / 127.5, and give embeddings [n, dim] that are not
yet of unit length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import layers

from phototag.bench.checkpoint import Checkpoint
from phototag.bench.folded import (
    BLOCK_ENDS,
    BN_EPSILON,
    HEAD_SIDE,
    NAMES,
    WIDTHS,
    FoldedVGG16,
    fold_checkpoint,
    has_fifth_pool,
    map_side,
    torch_positions,
)
from phototag.errors import UsageError

Trunk = Literal["vgg16", "mobilenet", "inception"]

DIM = 256
"""Length of an embedding: the teacher's."""

BN_MOMENTUM = 0.9

SMALLEST = {"vgg16": 32, "mobilenet": 32, "inception": 75}
"""Smallest face, in pixels, that a trunk takes."""


def embedder(
    trunk: Trunk = "vgg16",
    px: int = 112,
    *,
    dim: int = DIM,
    dropout: float = 0.1,
    weights: str | None = None,
) -> Any:
    """A network to train. `weights="imagenet"` starts MobileNetV2 or InceptionV3 from ImageNet's
    (Keras fetches them).

    Raises UsageError for a trunk that does not exist or a face too small for it.
    """
    if trunk not in SMALLEST:
        raise UsageError(f"There is no trunk {trunk!r}; there are {', '.join(SMALLEST)}.")
    if px < SMALLEST[trunk]:
        raise UsageError(f"{trunk} takes faces of {SMALLEST[trunk]} px and more, not {px}.")
    faces = keras.Input((px, px, 3), name="faces")
    flow = _vgg16(faces, px) if trunk == "vgg16" else _application(trunk, faces, px, weights)
    return keras.Model(faces, _head(flow, dim, dropout), name=f"face-{trunk}")


def _vgg16(flow: Any, px: int) -> Any:
    """13 convolutions, each with batch normalisation and ReLU. The last map is 3x3x512 at 112 and
    48 px; at other sizes it is resized to that, so that the head keeps its shape while the faces
    grow."""
    widths = [w for block in WIDTHS for w in block]
    for i, (name, width) in enumerate(zip(NAMES, widths, strict=True)):
        flow = layers.Conv2D(
            width,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", seed=i),
            name=name,
        )(flow)
        flow = _normalised(flow, f"{name}_bn")
        flow = layers.ReLU(name=f"{name}_relu")(flow)
        if pools_after(i, px):
            flow = layers.MaxPooling2D(name=f"block{BLOCK_ENDS.index(i + 1) + 1}_pool")(flow)
    if map_side(px) != HEAD_SIDE:
        flow = layers.Resizing(HEAD_SIDE, HEAD_SIDE, name="resize")(flow)
    return flow


def pools_after(position: int, px: int) -> bool:
    """Whether a pooling follows the convolution of that number (from 0), for faces of `px`."""
    return position + 1 in BLOCK_ENDS and (position + 1 < len(NAMES) or has_fifth_pool(px))


def _normalised(flow: Any, name: str) -> Any:
    return layers.BatchNormalization(momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=name)(flow)


def _head(flow: Any, dim: int, dropout: float) -> Any:
    """The map flattened, dropout, dense, batch normalisation."""
    flow = layers.Flatten(name="flatten")(flow)
    flow = layers.Dropout(dropout, seed=1, name="dropout")(flow)
    flow = layers.Dense(dim, name="embedding")(flow)
    return _normalised(flow, "embedding_bn")


def _application(trunk: str, faces: Any, px: int, weights: str | None) -> Any:
    """A trunk of keras.applications, its last map reduced to 3x3 so that the head sees where things
    are."""
    flow = application(trunk, px, weights)(faces)
    if flow.shape[1] != HEAD_SIDE:
        flow = layers.Resizing(HEAD_SIDE, HEAD_SIDE, name="resize")(flow)
    return flow


def application(trunk: str, px: int, weights: str | None) -> Any:
    """A network of keras.applications without its top, at random or with ImageNet's weights
    (fetched by Keras once, and kept). Raises UsageError where they cannot be had."""
    build = {
        "vgg16": keras.applications.VGG16,
        "mobilenet": keras.applications.MobileNetV2,
        "inception": keras.applications.InceptionV3,
    }[trunk]
    try:
        return build(include_top=False, weights=weights, input_shape=(px, px, 3))
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise UsageError(
            f"ImageNet's weights for {trunk} cannot be fetched or read ({error}). Try again with a "
            "network connection, or go without them (--weights none)."
        ) from error


def plain_vgg16(network: FoldedVGG16, *, outputs: Sequence[str] = ()) -> Any:
    """The folded network in Keras, with its weights. With `outputs`, it gives those layers' outputs
    first."""
    faces = keras.Input((network.px, network.px, 3), name="faces")
    flow, seen = faces, {}
    for i, (name, kernel) in enumerate(zip(NAMES, network.kernels, strict=True)):
        flow = layers.Conv2D(kernel.shape[-1], 3, padding="same", activation="relu", name=name)(
            flow
        )
        seen[name] = flow
        if pools_after(i, network.px):
            flow = layers.MaxPooling2D(name=f"block{BLOCK_ENDS.index(i + 1) + 1}_pool")(flow)
    flow = layers.Flatten(name="flatten")(flow)
    flow = layers.Dense(network.dim, name="embedding")(flow)
    model = keras.Model(faces, [*(seen[n] for n in outputs), flow] if outputs else flow)
    load_trunk(model, network)
    dense = network.dense.reshape(-1, network.dim)
    model.get_layer("embedding").set_weights([dense, network.dense_bias])
    return model


def load_trunk(model: Any, network: FoldedVGG16) -> None:
    """Put the 13 kernels and biases into a model with keras.applications' names (VGG16 of Keras
    itself, too)."""
    for name, kernel, bias in zip(NAMES, network.kernels, network.biases, strict=True):
        model.get_layer(name).set_weights([kernel, bias])


def start_from(model: Any, network: FoldedVGG16) -> None:
    """Give an `embedder("vgg16")` the folded weights, its batch normalisations at rest: the way to
    fine-tune what ships.

    Raises UsageError where the dense layer was made for another map.
    """
    if network.dense.shape[0] != HEAD_SIDE:
        raise UsageError(
            "Only weights whose last map is 3x3 (48 or 112 px) can be trained further."
        )
    for name, kernel, bias in zip(NAMES, network.kernels, network.biases, strict=True):
        model.get_layer(name).set_weights([kernel])
        model.get_layer(f"{name}_bn").set_weights(_at_rest(bias))
    dense = network.dense.reshape(-1, network.dim)
    model.get_layer("embedding").set_weights([dense, np.zeros(network.dim, np.float32)])
    model.get_layer("embedding_bn").set_weights(_at_rest(network.dense_bias))


def _at_rest(bias: Any) -> list[Any]:
    """Scale, shift, mean and variance of a batch normalisation that only adds `bias`."""
    ones = np.ones(len(bias), dtype=np.float32)
    return [np.sqrt(ones + np.float32(BN_EPSILON)), bias, 0 * ones, ones]


def reference_state(model: Any) -> dict[str, Any]:
    """The weights of an `embedder("vgg16")` under the names and in the layout of the PyTorch
    reference."""
    state: dict[str, Any] = {}
    for position, name in zip(torch_positions(), NAMES, strict=True):
        kernel = model.get_layer(name).get_weights()[0]
        state[f"trunk.{position}.weight"] = kernel.transpose(3, 2, 0, 1)
        state |= _norm_state(f"trunk.{position + 1}", model.get_layer(f"{name}_bn"))
    dense, bias = model.get_layer("embedding").get_weights()
    cells = dense.reshape(HEAD_SIDE, HEAD_SIDE, -1, dense.shape[-1])
    state["head.1.weight"] = cells.transpose(3, 2, 0, 1).reshape(dense.shape[-1], -1)
    state["head.1.bias"] = bias
    return state | _norm_state("head.2", model.get_layer("embedding_bn"))


_NORM = ("weight", "bias", "running_mean", "running_var")


def _norm_state(name: str, layer: Any) -> dict[str, Any]:
    return {f"{name}.{part}": v for part, v in zip(_NORM, layer.get_weights(), strict=True)}


def load_reference(model: Any, state: Mapping[str, Any]) -> None:
    """Give an `embedder("vgg16")` the weights of the PyTorch reference (the inverse of
    `reference_state`)."""

    def norm(layer: str, name: str) -> None:
        model.get_layer(layer).set_weights([state[f"{name}.{part}"] for part in _NORM])

    for position, name in zip(torch_positions(), NAMES, strict=True):
        model.get_layer(name).set_weights([state[f"trunk.{position}.weight"].transpose(2, 3, 1, 0)])
        norm(f"{name}_bn", f"trunk.{position + 1}")
    weight = state["head.1.weight"]
    cells = weight.reshape(len(weight), -1, HEAD_SIDE, HEAD_SIDE).transpose(2, 3, 1, 0)
    model.get_layer("embedding").set_weights([cells.reshape(-1, len(weight)), state["head.1.bias"]])
    norm("embedding_bn", "head.2")


def fold(model: Any, px: int) -> FoldedVGG16:
    """Fold an `embedder("vgg16")` of Keras by the same arithmetic as a PyTorch checkpoint."""
    return fold_checkpoint(Checkpoint(reference_state(model), px, 0))
