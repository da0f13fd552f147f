"""How much a face can be trusted, 0..1: from its size, its detection score, its sharpness and its pose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Pixels

GOOD = 0.4
"""At or above this a face may start clusters and serve as an example of a person."""


def sharpness(crop: Pixels) -> float:
    """Variance of the Laplacian of an aligned crop (grey [h, w] or RGB [h, w, 3], 0..255), over its contrast's variance."""
    grey = np.asarray(crop, dtype=np.float64)
    if grey.ndim == 3:
        grey = grey @ (0.299, 0.587, 0.114)
    middle = grey[1:-1, 1:-1]
    edges = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    return float(edges.var())


def yaw(points: NDArray[np.floating]) -> float:
    """How far the nose lies off the middle of the eyes, in eye distances: 0 frontal, about 0.5 in half profile.

    `points` [5, 2] in pixels: left eye, right eye, nose, corners of the mouth.
    """
    along = points[1] - points[0]
    length = float(along @ along)
    if length <= 0:
        return 1.0
    return abs(float((points[2] - points[0]) @ along) / length - 0.5)


def quality(*, face_px: float, score: float, sharp: float, points: NDArray[np.floating]) -> float:
    """0..1: the worst of four.

    `face_px` is the shorter side of the face's box in pixels of the photo as it was decoded, `score` the detector's, `sharp` what
    `sharpness` says of the aligned crop, `points` the landmarks [5, 2] in pixels.
    """
    size = _ramp(face_px, 16, 64)
    sure = _ramp(score, 0.6, 0.95)
    clear = _ramp(np.sqrt(max(sharp, 0.0)), 2.0, 12.0)
    facing = 1 - _ramp(yaw(np.asarray(points, dtype=np.float64)), 0.2, 0.7)
    return round(min(size, sure, clear, facing), 4)


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
