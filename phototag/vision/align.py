"""A face turned, sized and cut so that its five landmarks lie where the embedder expects them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Pixels
from phototag.vision.models import ARCFACE

TEMPLATE: NDArray[np.float64] = np.array(ARCFACE)
"""[5, 2]: the landmarks in a crop of 112x112 pixels, counted from the centre of the first pixel."""

FINEST = 32
"""A face of 3,500 px is still cut whole; bounds the memory of a larger one (40 MB)."""


def similarity(
    points: NDArray[np.float64], template: NDArray[np.float64] = TEMPLATE
) -> NDArray[np.float64]:
    """[2, 3]: turn, size and shift that bring `points` [5, 2] nearest to `template`.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    1991. Never mirrors. Points that all coincide have no size: the result is then a mere shift.
    """
    middle, aim = points.mean(axis=0), template.mean(axis=0)
    centred = points - middle
    spread = (centred**2).mean(axis=0).sum()
    u, stretch, vt = np.linalg.svd((template - aim).T @ centred / len(points))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = (u * signs) @ vt
    scale = float(stretch @ signs / spread) if spread > 0 else 1.0
    linear = rotation * scale
    return np.column_stack([linear, aim - linear @ middle])


def align(pixels: Pixels, landmarks: NDArray[np.float64], size: int = 112) -> Pixels:
    """The face at `landmarks` [5, 2] (pixels, from the top left corner) as [size, size, 3].

    Shrunk by area: where several pixels of the photo fall on one of the crop, all of them count.
    What lies outside the photo repeats its edge.
    """
    matrix = similarity(landmarks - 0.5, (TEMPLATE + 0.5) * (size / 112) - 0.5)
    # Cut at a whole multiple of the size, no coarser than the photo, then take means of squares.
    finer = int(np.ceil(1 / np.hypot(matrix[0, 0], matrix[1, 0]) - 1e-6))
    finer = min(max(finer, 1), FINEST)
    matrix *= finer
    matrix[:, 2] += (finer - 1) / 2  # pixels are counted from the centre of the first
    cut = cv2.warpAffine(
        np.ascontiguousarray(pixels),
        matrix,
        (size * finer, size * finer),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    crop = cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA) if finer > 1 else cut
    return crop.astype(np.uint8, copy=False)
