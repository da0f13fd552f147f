"""Faces carried from one frame to the next by what moves in them: the cheap half of tracking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Box, Pixels

GRID = 6
"""Points across and down a face whose way is followed: 36 take 0.4 ms at 640x480."""

LEAST = 9
"""Points that must be found again: a quarter. A face that is lost is looked for by the detector."""

ASTRAY = 1.5
"""Pixels within which a point must come back to when followed backwards (Kalal, Mikolajczyk and
Matas, "Forward-backward error", 2010)."""

Points = NDArray[np.float32]

_FLOW: Any = cv2.calcOpticalFlowPyrLK


def grey_of(pixels: Pixels) -> Pixels:
    """[h, w] of an RGB frame."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)


def carried(before: Pixels, now: Pixels, boxes: Sequence[Box]) -> list[Box | None]:
    """Where the faces of one grey frame are in the next, by pyramidal Lucas and Kanade: moved by
    the median of their points, and scaled by how these spread; None for a face that is lost."""
    if not boxes:
        return []
    high, wide = before.shape
    start = np.concatenate([_points(box, wide, high) for box in boxes])
    there, found, _ = _FLOW(before, now, start, None)
    back, again, _ = _FLOW(now, before, there, None)
    off = np.abs(start - back).reshape(-1, 2).max(axis=1)
    good = (found.ravel() == 1) & (again.ravel() == 1) & (off <= ASTRAY)
    size = GRID * GRID
    parts = range(0, len(start), size)
    return [
        _moved(box, start[at : at + size], there[at : at + size], good[at : at + size], wide, high)
        for box, at in zip(boxes, parts, strict=True)
    ]


def _points(box: Box, wide: int, high: int) -> Points:
    """[GRID², 1, 2]: a grid over the inner face, in pixels."""
    across = np.linspace(box.x + 0.15 * box.width, box.x + 0.85 * box.width, GRID) * wide
    down = np.linspace(box.y + 0.15 * box.height, box.y + 0.85 * box.height, GRID) * high
    grid = np.stack(np.meshgrid(across, down), axis=-1)
    return grid.reshape(-1, 1, 2).astype(np.float32)


def _moved(
    box: Box, start: Points, there: Points, good: NDArray[np.bool_], wide: int, high: int
) -> Box | None:
    if good.sum() < LEAST:
        return None
    one, other = start[good].reshape(-1, 2), there[good].reshape(-1, 2)
    shift = np.median(other - one, axis=0)
    spread = np.linalg.norm(one - np.median(one, axis=0), axis=1)
    later = np.linalg.norm(other - np.median(other, axis=0), axis=1)
    scale = float(np.clip(np.median(later / np.maximum(spread, 1.0)), 0.9, 1.1))
    middle_x, middle_y = box.centre
    x, y = middle_x + float(shift[0]) / wide, middle_y + float(shift[1]) / high
    width, height = box.width * scale, box.height * scale
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return None
    return Box(x - width / 2, y - height / 2, width, height)
