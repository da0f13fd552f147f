"""Faces to vectors: a card's network on aligned crops."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Pixels, Vectors, on_grid
from phototag.errors import ModelError
from phototag.vision.models import Color, Layout, ModelCard, Session, channels, digest_of, session

BATCH = 1
"""Faces in one run of the network, always. A matrix product of one row may sum in another order
than one of eight, so only a constant keeps a face's vector the same, bit for bit, whoever is beside
it; and one wastes nothing on filling up. It costs little: the networks work on one picture after
the other anyhow. The int8 VGG16 at 112 px takes 19.6 ms a face alone and 18.8 to 19.7 in lots of 2
to 8; at 48 px 4.4 and 3.7 to 4.1 (one core with VNNI, ONNX Runtime 1.31)."""


class Embedder:
    """Vectors by the network of a card."""

    def __init__(self, card: ModelCard, *, threads: int = 1) -> None:
        """Raises ModelError when the model's file is missing or not the card's."""
        if card.kind != "embedder":
            raise ModelError(f"{card.path}: {card.name} is a {card.kind}, not an embedder.")
        self.card = card
        self._session = session(card, threads=threads)

    def embed(self, crops: NDArray[np.uint8]) -> Vectors:
        """[n, dim] unit vectors on the grid, for aligned RGB crops [n, 112, 112, 3].

        A face's vector is the same, bit for bit, whatever other faces come with it. Raises
        ModelError when the network gives no numbers.
        """
        if not len(crops):
            return np.empty((0, self.card.dim), np.float32)
        inputs = prepared(crops, self.card)
        found = self._run(inputs)
        if self.card.mirror:
            across = 3 if self.card.layout == "nchw" else 2
            found = unit(found) + unit(self._run(np.flip(inputs, axis=across)))
        if not np.isfinite(found).all():
            raise ModelError(f"{self.card.path}: this model gives values that are no numbers.")
        return on_grid(found)

    def _run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        starts = range(0, len(inputs), BATCH)
        found = [self._session.run(inputs[start : start + BATCH]) for start in starts]
        return np.concatenate(found).reshape(len(inputs), self.card.dim)


def prepared(crops: NDArray[np.uint8], card: ModelCard) -> NDArray[np.float32]:
    """What the card's network sees of square RGB crops [n, s, s, 3]: [n, 3, size, size] or [n,
    size, size, 3], as its layout says."""
    small = np.stack([shrink(crop, card.size) for crop in crops])
    if card.color == "bgr":
        small = small[..., ::-1]
    mean, scale = np.asarray(card.mean, np.float32), np.asarray(card.scale, np.float32)
    values = (small.astype(np.float32) - mean) / scale
    return values if card.layout == "nhwc" else values.transpose(0, 3, 1, 2)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors [n, d] at length 1 (a zero vector stays)."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    norms[norms == 0] = 1
    result: NDArray[np.float32] = vectors / norms
    return result


def shrink(crop: Pixels, size: int) -> Pixels:
    """A square crop at `size` pixels: by area when smaller, bilinear when larger."""
    side = crop.shape[0]
    if side == size:
        return crop
    how = cv2.INTER_AREA if size < side else cv2.INTER_LINEAR
    return cv2.resize(crop, (size, size), interpolation=how).astype(np.uint8, copy=False)


def make_card(
    path: Path,
    name: str,
    size: int,
    color: Color,
    mean: float | Sequence[float],
    scale: float | Sequence[float],
) -> ModelCard:
    """A card for a user's own ONNX embedder, found out by looking at the file and running it.

    `size`: side of its square input in pixels; `mean`, `scale`: of values 0..255, one for all
    channels or one for each. Raises ModelError when the file is not a network that takes one
    picture [n, 3, size, size] or [n, size, size, 3] and gives one vector for each face.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file.")
    try:
        taken, divided = channels(mean), channels(scale)
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: mean and scale are one number or three ({error}).") from error
    if min(divided) <= 0:
        raise ModelError(f"{path}: scale is {scale}, but values are divided by it: above 0.")
    network = Session(path)
    layout = _layout(network, size)
    dim = _dim(network, layout, size)
    digest = digest_of(path)
    return ModelCard(
        id=f"{name}-{digest[:12]}",
        name=name,
        kind="embedder",
        file=path.name,
        digest=digest,
        folder=path.parent,
        size=size,
        color=color,
        layout=layout,
        mean=taken,
        scale=divided,
        dim=dim,
    )


def _layout(network: Session, size: int) -> Layout:
    """Where the network's picture has its channels. Raises ModelError unless it takes one picture
    of that size."""
    described = ", ".join(f"{name} {shape} {kind}" for name, shape, kind in network.inputs)
    if len(network.inputs) != 1 or len(network.inputs[0][1]) != 4:
        raise ModelError(
            f"{network.path}: an embedder takes one picture [n, 3, {size}, {size}]; this network "
            f"takes {described}."
        )
    if network.input_type is None:
        raise ModelError(
            f"{network.path}: an embedder takes floating-point numbers; this takes {described}."
        )
    count, *picture = network.inputs[0][1]
    if isinstance(count, int) and count != 1:
        raise ModelError(
            f"{network.path}: this network takes {count} pictures at a time. Export it with a free "
            "first dimension, or with 1."
        )
    expected: dict[Layout, tuple[int, int, int]] = {
        "nchw": (3, size, size),
        "nhwc": (size, size, 3),
    }
    for layout, shape in expected.items():
        if all(not isinstance(s, int) or s == e for s, e in zip(picture, shape, strict=True)):
            return layout
    raise ModelError(
        f"{network.path}: this network takes {described}, which is no colour picture of "
        f"{size}x{size} pixels. Is --size right?"
    )


def _dim(network: Session, layout: Layout, size: int) -> int:
    """The length of the network's vectors, by running it on two pictures of noise. Raises
    ModelError unless each gives a vector of its own."""
    shape = (1, 3, size, size) if layout == "nchw" else (1, size, size, 3)
    random = np.random.default_rng(0)
    pictures = [random.uniform(-1, 1, shape).astype(np.float32) for _ in range(2)]
    first, second = (network.run(picture) for picture in pictures)
    values = first.size
    if values != max(first.shape) or not 8 <= values <= 4096:
        raise ModelError(
            f"{network.path}: an embedder gives one vector of 8 to 4096 values for a face; this "
            f"network gives {list(first.shape)}."
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ModelError(f"{network.path}: this network gives values that are no numbers.")
    if np.allclose(first, second):
        raise ModelError(f"{network.path}: this network gives every picture the same vector.")
    return int(values)
