"""Faces to vectors: a card's network on aligned crops."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Pixels, Vectors, on_grid
from phototag.errors import ModelError
from phototag.vision.models import Color, ModelCard, Session, channels, digest_of, session

BATCH = 8
"""Faces in one run of the network, always: for another batch size ONNX Runtime's kernels may sum in
another order."""


class Embedder:
    """Vectors by the network of a card."""

    def __init__(self, card: ModelCard, *, threads: int = 1) -> None:
        """Raises ModelError when the model's file is missing or not the card's."""
        if card.kind != "embedder":
            raise ModelError(f"{card.path}: {card.name} is a {card.kind}, not an embedder.")
        self.card = card
        self._session = session(card, threads=threads)
        self._mean = np.asarray(card.mean, np.float32)
        self._scale = np.asarray(card.scale, np.float32)

    def embed(self, crops: NDArray[np.uint8]) -> Vectors:
        """[n, dim] unit vectors on the grid, for aligned RGB crops [n, 112, 112, 3].

        A face's vector is the same, bit for bit, whatever other faces are in the batch.
        """
        if not len(crops):
            return np.empty((0, self.card.dim), np.float32)
        inputs = self._inputs(crops)
        found = self._run(inputs)
        if self.card.mirror:
            across = 3 if self.card.layout == "nchw" else 2
            found = unit(found) + unit(self._run(np.flip(inputs, axis=across)))
        return on_grid(found)

    def _inputs(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        small = np.stack([shrink(crop, self.card.size) for crop in crops])
        if self.card.color == "bgr":
            small = small[..., ::-1]
        values = (small.astype(np.float32) - self._mean) / self._scale
        return values if self.card.layout == "nhwc" else values.transpose(0, 3, 1, 2)

    def _run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        found = []
        for start in range(0, len(inputs), BATCH):
            part = inputs[start : start + BATCH]
            full = np.zeros((BATCH, *part.shape[1:]), np.float32)
            full[: len(part)] = part
            found.append(self._session.run(full).reshape(BATCH, -1)[: len(part)])
        return np.concatenate(found)


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
    mean: float | tuple[float, float, float],
    scale: float | tuple[float, float, float],
) -> ModelCard:
    """A card for a user's own ONNX embedder, found out by looking at the file and running it.

    Raises ModelError when it is not a network of one picture input [n, 3, size, size] (or
    [n, size, size, 3]) with a vector for each face.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file.")
    probe = Session(path)
    layout = "nchw"
    shape = (1, 3, size, size)
    if len(probe.inputs) == 1 and len(probe.inputs[0][1]) == 4 and probe.inputs[0][1][3] == 3:
        layout, shape = "nhwc", (1, size, size, 3)
    out = probe.run(np.zeros(shape, np.float32))
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
        layout=layout,  # type: ignore[arg-type]
        mean=channels(mean),
        scale=channels(scale),
        dim=out.reshape(1, -1).shape[1],
    )
