"""The classifiers in Keras 3: a trained trunk under a new head, or convolutions from scratch.

All take prepared faces [n, size, size, 3] (`training_plan.Input`) and give probabilities [n,
classes]; a binary one [n, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from phototag.bench.folded import NAMES, FoldedVGG16
from phototag.bench.networks import application, load_trunk
from phototag.bench.training_plan import Input, Plan

LAST_BLOCK = {"mobilenet": "block_15_add", "inception": "mixed9"}
"""The layer after which the last block begins."""

FILTERS = (32, 64, 128)
"""Of the blocks of the network from scratch: two convolutions and a pooling each."""

MOMENTUM = 0.9
"""Of batch normalisations that learn. Keras's own .99, and MobileNet's .999, are for thousands of
batches: after the hundreds of ours they would still hold what they began with."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A network to train."""

    network: Any
    trunk: Sequence[Any]
    """Layers that are frozen in the first stage; none where all is trained from scratch."""
    last_block: Sequence[Any]
    """Those of them that are unfrozen in the second."""

    def stage(self, number: int) -> None:
        """0: the trunk frozen; 1: its last block not. Batch normalisations of the trunk stay as
        they are."""
        for layer in self.trunk:
            layer.trainable = False
        if number == 1:
            for layer in self.last_block:
                layer.trainable = not isinstance(layer, layers.BatchNormalization)


def classifier(plan: Plan, seen: Input, classes: int, face: FoldedVGG16 | None) -> Staged:
    """The network of a plan; `face` are the weights of our VGG16, where the plan wants them.

    Raises UsageError where ImageNet's weights cannot be had.
    """
    faces = keras.Input((seen.size, seen.size, 3), name="faces")
    trunk: list[Any] = []
    last: list[Any] = []
    if plan.model in ("cnn", "cnn-binary"):
        flow = _blocks(faces, plan)
    elif face is not None:
        flow, trunk, last = _face_vgg16(faces, face)
    else:
        flow, trunk, last = _application(faces, seen.size, plan)
    flow = _head(flow, plan, classes)
    name = f"classifier-{plan.model}"
    return Staged(keras.Model(faces, flow, name=name), trunk, last)


def _head(flow: Any, plan: Plan, classes: int) -> Any:
    """Global average pooling, dense, batch normalisation, dropout, softmax (sigmoid)."""
    l2 = keras.regularizers.L2(plan.l2) if plan.l2 else None
    flow = layers.GlobalAveragePooling2D(name="average")(flow)
    flow = layers.Dense(plan.dense, activation="relu", kernel_regularizer=l2, name="dense")(flow)
    flow = layers.BatchNormalization(momentum=MOMENTUM, name="dense_bn")(flow)
    flow = layers.Dropout(plan.dropout, name="dropout")(flow)
    binary = plan.model == "cnn-binary"
    return layers.Dense(
        1 if binary else classes,
        activation="sigmoid" if binary else "softmax",
        kernel_regularizer=l2,
        dtype="float32",  # probabilities of half precision would round to 1
        name="probabilities",
    )(flow)


def _face_vgg16(flow: Any, face: FoldedVGG16) -> tuple[Any, list[Any], list[Any]]:
    """Our 13 convolutions, their normalisations folded in. The pooling after the last one is left
    out, whatever the size: the head averages anyhow."""
    made = []
    for name, kernel in zip(NAMES, face.kernels, strict=True):
        width = kernel.shape[-1]
        layer = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)
        flow = layer(flow)
        made.append(layer)
        if name in ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3"):
            flow = layers.MaxPooling2D(name=f"{name[:6]}_pool")(flow)
    load_trunk(_Layers(made), face)
    return flow, made, [layer for layer in made if layer.name.startswith("block5")]


class _Layers:
    """Layers by their names, as a model has them."""

    def __init__(self, made: Sequence[Any]) -> None:
        self._made = {layer.name: layer for layer in made}

    def get_layer(self, name: str) -> Any:
        return self._made[name]


def _application(faces: Any, px: int, plan: Plan) -> tuple[Any, list[Any], list[Any]]:
    weights = "imagenet" if plan.weights == "imagenet" else None
    trunk = application(plan.model, px, weights)
    if weights is None:
        for layer in trunk.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = MOMENTUM
        return trunk(faces), [], []
    flow = trunk(faces, training=False)
    if plan.model == "vgg16":
        last = [layer for layer in trunk.layers if layer.name.startswith("block5")]
    else:
        names = [layer.name for layer in trunk.layers]
        last = trunk.layers[names.index(LAST_BLOCK[plan.model]) + 1 :]
    return flow, list(trunk.layers), list(last)


def _blocks(flow: Any, plan: Plan) -> Any:
    """Convolutions and poolings from scratch."""
    l2 = keras.regularizers.L2(plan.l2) if plan.l2 else None
    for number, filters in enumerate(FILTERS, 1):
        for part in "ab":
            name = f"block{number}{part}"
            flow = layers.Conv2D(
                filters, 3, padding="same", use_bias=False, kernel_regularizer=l2, name=name
            )(flow)
            flow = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(flow)
            flow = layers.ReLU(name=f"{name}_relu")(flow)
        flow = layers.MaxPooling2D(name=f"block{number}_pool")(flow)
    return flow


AUGMENTATIONS = {
    "light": {"turn": 8, "zoom": 0.08, "shift": 0.05, "brightness": 0.12, "contrast": 0.15},
    "strong": {"turn": 15, "zoom": 0.15, "shift": 0.08, "brightness": 0.25, "contrast": 0.35},
}
"""Degrees and shares to both sides."""


def augmenting(kind: str, seed: int) -> list[Any]:
    """Keras layers that change faces of 0..255 at random while training: mirror, turn, zoom, shift,
    light, contrast."""
    if kind == "none":
        return []
    how = AUGMENTATIONS[kind]
    options: dict[str, Any] = {"fill_mode": "nearest", "dtype": "float32"}
    light: dict[str, Any] = {"value_range": (0, 255), "dtype": "float32"}
    return [
        layers.RandomFlip("horizontal", seed=seed, dtype="float32"),
        layers.RandomRotation(how["turn"] / 360, seed=seed + 1, **options),
        layers.RandomZoom(how["zoom"], seed=seed + 2, **options),
        layers.RandomTranslation(how["shift"], how["shift"], seed=seed + 3, **options),
        layers.RandomBrightness(how["brightness"], seed=seed + 4, **light),
        layers.RandomContrast(how["contrast"], seed=seed + 5, **light),
    ]


def trainable(made: Staged, seen: Input, augmentation: str, seed: int) -> Any:
    """The network behind what it is trained with: augmentation, then the input's own scaling. It
    takes faces of 0..255."""
    variance = [value**2 for value in seen.scale]
    prepared = layers.Normalization(mean=list(seen.mean), variance=variance, dtype="float32")
    return keras.Sequential(
        [
            keras.Input((seen.size, seen.size, 3)),
            *augmenting(augmentation, seed),
            prepared,
            made.network,
        ]
    )
