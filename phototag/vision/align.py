"""A face turned, sized and cut so that its five landmarks lie where the embedder expects them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Pixels
from phototag.vision.models import ARCFACE

TEMPLATE: NDArray[np.float64] = np.array(ARCFACE)
"""[5, 2]: the landmarks in a crop of 112x112 pixels, counted from the centre of the first pixel."""


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
    ratio = size / 112
    matrix = similarity(landmarks - 0.5, (TEMPLATE + 0.5) * ratio - 0.5)
    finer = max(1, int(np.ceil(1 / np.hypot(matrix[0, 0], matrix[1, 0]) - 1e-6)))
    finer = min(finer, 32)
    big = matrix * finer
    big[:, 2] += (finer - 1) / 2
    side = size * finer
    warped = cv2.warpAffine(
        pixels, big, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if finer > 1:
        warped = cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
    return warped.astype(np.uint8, copy=False)
