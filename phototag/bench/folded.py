"""The face VGG16 as it ships: 13 plain convolutions and one dense layer, every batch normalisation
folded in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.checkpoint import Checkpoint
from phototag.errors import ModelError

Floats = NDArray[np.float32]

WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of VGG16's convolutions, block by block (Simonyan and Zisserman, arXiv 1409.1556, table
1, D)."""

NAMES = tuple(f"block{b}_conv{c}" for b, w in enumerate(WIDTHS, 1) for c in range(1, len(w) + 1))
"""As keras.applications names them."""

BLOCK_ENDS = (2, 4, 7, 10, 13)
"""A pooling follows after so many convolutions."""

HEAD_SIDE = 3
"""The head sees a 3x3x512 map: what 112 px gives after five poolings, and 48 px after four."""

BN_EPSILON = 1e-5
"""PyTorch's; `networks` uses the same."""


def has_fifth_pool(px: int) -> bool:
    """At 64 px and below the network runs without its fifth pooling: else its map would be 2x2 or
    1x1."""
    return px > 64


def map_side(px: int) -> int:
    """Side of the last map, in cells, for a face of `px` x `px` pixels."""
    return px // (32 if has_fifth_pool(px) else 16)


@dataclass(frozen=True, slots=True)
class FoldedVGG16:
    """Input: RGB, (x - 127.5) / 127.5. Output: the embedding, not yet of unit length."""

    px: int
    kernels: tuple[Floats, ...]
    """13 of [3, 3, in, out]."""
    biases: tuple[Floats, ...]
    dense: Floats
    """[side, side, 512, dim] for the last map of `map_side(px)`; Keras flattens in that order."""
    dense_bias: Floats

    @property
    def dim(self) -> int:
        return int(self.dense.shape[-1])

    def arrays(self) -> dict[str, Floats]:
        """By name: `block1_conv1/kernel` … `embedding/bias`."""
        out: dict[str, Floats] = {}
        for name, kernel, bias in zip(NAMES, self.kernels, self.biases, strict=True):
            out[f"{name}/kernel"] = kernel
            out[f"{name}/bias"] = bias
        out["embedding/kernel"] = self.dense
        out["embedding/bias"] = self.dense_bias
        return out


def fold_checkpoint(checkpoint: Checkpoint) -> FoldedVGG16:
    """Fold a `train_torch.FaceVGG16` (convolutions without bias, each followed by batch
    normalisation and ReLU; flatten in channel, row, column order; dense; batch normalisation).
    Raises ModelError if names are missing."""
    state = checkpoint.state
    try:
        pairs = [_fold_conv(state, i) for i in torch_positions()]
        dense, dense_bias = _fold_dense(state)
    except KeyError as error:
        raise ModelError(f"The checkpoint lacks {error}: it is no FaceVGG16.") from error
    side = map_side(checkpoint.px)
    grown = np.einsum("ochw,hi,wj->ijco", dense, *[_resize_matrix(side)] * 2)
    return FoldedVGG16(
        px=checkpoint.px,
        kernels=tuple(k for k, _ in pairs),
        biases=tuple(b for _, b in pairs),
        dense=grown.astype(np.float32),
        dense_bias=dense_bias,
    )


def torch_positions() -> list[int]:
    """Index of each convolution in the reference's nn.Sequential: three entries each, one for each
    pooling."""
    return [3 * i + sum(i >= end for end in BLOCK_ENDS) for i in range(len(NAMES))]


def _scale_shift(state: Mapping[str, Any], name: str) -> tuple[NDArray[np.float64], ...]:
    """Batch normalisation at rest as y = scale * x + shift."""
    weight, bias, mean, var = (
        np.asarray(state[f"{name}.{part}"], dtype=np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(var + BN_EPSILON)
    return scale, bias - mean * scale


def _fold_conv(state: Mapping[str, Any], position: int) -> tuple[Floats, Floats]:
    kernel = np.asarray(state[f"trunk.{position}.weight"], dtype=np.float64)  # out, in, 3, 3
    scale, shift = _scale_shift(state, f"trunk.{position + 1}")
    folded = (kernel * scale[:, None, None, None]).transpose(2, 3, 1, 0)
    return folded.astype(np.float32), shift.astype(np.float32)


def _fold_dense(state: Mapping[str, Any]) -> tuple[NDArray[np.float64], Floats]:
    weight = np.asarray(state["head.1.weight"], dtype=np.float64)
    bias = np.asarray(state["head.1.bias"], dtype=np.float64)
    scale, shift = _scale_shift(state, "head.2")
    folded = (weight * scale[:, None]).reshape(len(bias), -1, HEAD_SIDE, HEAD_SIDE)
    return folded, (bias * scale + shift).astype(np.float32)


def _resize_matrix(side: int) -> NDArray[np.float64]:
    """[3, side]: bilinear resizing of a line of `side` cells to 3 (PyTorch's, corners not aligned).

    While training, a map of another size is resized for the head; the resizing is linear, so it
    folds into the dense layer.
    """
    matrix = np.zeros((HEAD_SIDE, side))
    for row in range(HEAD_SIDE):
        at = max(0.0, (row + 0.5) * side / HEAD_SIDE - 0.5)
        low = min(int(at), side - 1)
        high = min(low + 1, side - 1)
        matrix[row, low] += 1 - (at - low)
        matrix[row, high] += at - low
    return matrix


def save_float16(network: FoldedVGG16, path: Path) -> None:
    """The weights for fine-tuning: float16, 30 MB."""
    with np.errstate(over="ignore"):  # what does not fit is found below
        arrays: dict[str, Any] = {k: v.astype(np.float16) for k, v in network.arrays().items()}
    for name, values in arrays.items():
        if not np.isfinite(values).all():
            raise ModelError(f"{name} does not fit into float16: the run has diverged.")
    np.savez(path, px=np.int64(network.px), **arrays)


def load_float16(path: Path) -> FoldedVGG16:
    """Read back what `save_float16` wrote, as float32. Raises ModelError."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return FoldedVGG16(
                px=int(stored["px"]),
                kernels=tuple(stored[f"{n}/kernel"].astype(np.float32) for n in NAMES),
                biases=tuple(stored[f"{n}/bias"].astype(np.float32) for n in NAMES),
                dense=stored["embedding/kernel"].astype(np.float32),
                dense_bias=stored["embedding/bias"].astype(np.float32),
            )
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: not the face VGG16's weights ({error}).") from error
