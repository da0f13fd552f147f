"""How large activations get: the static ranges of the int8 model, from a few hundred training
faces."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.folded import NAMES, Floats, FoldedVGG16
from phototag.bench.onnx_vgg import MEAN, SCALE, WEIGHT_LIMIT, Ranges

SAMPLES = 200_000
"""Activations of each layer that its range is chosen on."""

CLIPS = np.linspace(0.4, 1.0, 31)
"""Shares of the largest activation that are tried as a range."""


def measure_ranges(
    network: FoldedVGG16, faces: NDArray[np.uint8], *, weight_limit: int = WEIGHT_LIMIT
) -> Ranges:
    """Ranges that lose least (mean squared error of the rounded activations) on `faces` [n, px, px,
    3], RGB.

    The float network runs in Keras; nothing of the quantised runtime is involved.
    """
    from phototag.bench.networks import plain_vgg16

    model = plain_vgg16(network, outputs=NAMES)
    samples: list[list[Floats]] = [[] for _ in NAMES]
    largest = np.zeros(len(NAMES))
    batches = max(1, -(-len(faces) // 16))
    for part in np.array_split(faces, batches):
        *activations, _ = model.predict_on_batch((part.astype(np.float32) - MEAN) / SCALE)
        for i, values in enumerate(activations):
            largest[i] = max(largest[i], float(values.max()))
            samples[i].append(_thinned(values, SAMPLES // batches, seed=i))
    chosen = [best_range(np.concatenate(s), top) for s, top in zip(samples, largest, strict=True)]
    return Ranges(activations=tuple(chosen), weight_limit=weight_limit)


def _thinned(values: Any, count: int, seed: int) -> Floats:
    flat: Floats = np.asarray(values, dtype=np.float32).ravel()
    if len(flat) <= count:
        return flat
    return flat[np.random.default_rng(seed).integers(0, len(flat), count)]


def best_range(values: Floats, largest: float) -> float:
    """The top of the 8-bit range, at most `largest`, that rounds `values` (>= 0) with the least
    squared error."""
    if largest <= 0:
        return 1.0  # a layer that never fires
    errors = []
    for clip in CLIPS:
        step = largest * clip / 255
        rounded = np.clip(np.rint(values / step), 0, 255) * step
        errors.append(float(np.square(rounded - values).mean()))
    return float(largest * CLIPS[int(np.argmin(errors))])
