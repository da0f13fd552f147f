"""The teacher itself, where a run asks it about faces that no file has vectors of: `teacher.npz`, a
list of plain operations with float16 weights, run by Keras.

The network is face-reidentification-retail-0095 of Open Model Zoo (Apache-2.0). It takes 128x128
BGR in 0..255, aligned on its own five points.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from phototag.errors import UsageError
from phototag.vision.align import TEMPLATE, similarity

SIDE = 128

OWN = np.array(
    [
        (0.31556875, 0.4615741071),
        (0.68262291, 0.4615741071),
        (0.50026249, 0.64050548),
        (0.34947187, 0.8246919643),
        (0.65343645, 0.8246919643),
    ]
)
"""Its landmarks, as shares of the crop's side (Open Model Zoo's description of the model)."""

AT_ONCE = 128
"""Faces of one call: beyond, only memory grows."""

_LAST = "channels_last"


class Teacher:
    """Embeddings of aligned faces by the teacher: mean of a face and its mirror image."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError when `path` is not a teacher's file."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                program = json.loads(str(stored["program"]))
                weights = {n: stored[n].astype(np.float32) for n in stored.files if n != "program"}
            self._network = _built(program, weights)
        except (OSError, KeyError, ValueError) as error:
            raise UsageError(
                f"{path}: not a teacher that this phototag knows ({error})."
            ) from error
        # Pixels whose middles lie at whole numbers.
        self._from_own = similarity(OWN * SIDE - 0.5, TEMPLATE - 0.5)

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[n, dim] unit vectors of `faces` [n, 112, 112, 3], RGB, aligned on the template."""
        out = []
        for start in range(0, len(faces), AT_ONCE):
            crops = self._aligned(faces[start : start + AT_ONCE])
            pair = np.concatenate([crops, crops[:, :, ::-1]])
            found = _unit(np.asarray(self._network.predict_on_batch(pair), dtype=np.float32))
            out.append(_unit(found[: len(crops)] + found[len(crops) :]))
        return np.concatenate(out)

    def _aligned(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[n, SIDE, SIDE, 3] BGR on its own points, bilinear; beyond the crop its edge goes on."""
        last = faces.shape[1] - 1
        x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
        across, down = np.einsum("ij,jhw->ihw", self._from_own, np.stack([x, y, np.ones_like(x)]))
        across, down = np.clip(across, 0, last), np.clip(down, 0, last)
        left, top = across.astype(int), down.astype(int)
        right, low = np.minimum(left + 1, last), np.minimum(top + 1, last)
        u, v = ((w % 1).astype(np.float32)[..., None] for w in (across, down))
        upper = faces[:, top, left] * (1 - u) + faces[:, top, right] * u
        lower = faces[:, low, left] * (1 - u) + faces[:, low, right] * u
        found: NDArray[np.float32] = upper * (1 - v) + lower * v
        return found[..., ::-1]


def _built(program: list[list[Any]], weights: dict[str, NDArray[np.float32]]) -> Any:
    start = keras.Input((SIDE, SIDE, 3))
    values: dict[str, Any] = {"x": start}
    for step in program:
        if step[0] == "out":
            return keras.Model(start, ops.reshape(values[step[1]], (-1, _width(values[step[1]]))))
        kind, name, inputs, how = step
        given = [values[k] if k in values else weights[k] for k in inputs]
        values[name] = _done(kind, given, how)
    raise ValueError("its program has no end")


def _done(kind: str, given: list[Any], how: dict[str, Any]) -> Any:
    first = given[0]
    if kind in ("Convolution", "GroupConvolution"):
        kernel, (pad, _), (stride, _) = given[1], how["pad"], how["stride"]
        if pad:
            first = ops.pad(first, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
        if kind == "Convolution":
            return ops.conv(first, kernel.transpose(2, 3, 1, 0), stride, "valid", _LAST)
        deep = kernel[:, 0, 0].transpose(1, 2, 0)[..., None]  # one filter for each channel
        return ops.depthwise_conv(first, deep, stride, "valid", _LAST)
    if kind in ("Add", "Multiply"):
        other = given[1]
        if isinstance(other, np.ndarray):
            other = other.transpose(0, 2, 3, 1)
        return first + other if kind == "Add" else first * other
    if kind == "PRelu":
        return ops.relu(first) - ops.relu(-first) * given[1]
    if kind == "Sigmoid":
        return ops.sigmoid(first)
    if kind == "AvgPool":
        return ops.mean(first, axis=(1, 2), keepdims=True)
    raise ValueError(f"it holds a {kind}")


def _width(value: Any) -> int:
    return int(value.shape[-1])


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    whole: NDArray[np.float32] = values / np.maximum(
        np.linalg.norm(values, axis=1, keepdims=True), 1e-12
    )
    return whole
