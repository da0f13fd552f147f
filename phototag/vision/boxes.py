"""Arithmetic on the cascade's boxes: rows of (x1, y1, x2, y2, score, …) in pixels, float64."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


def best_first(rows: Rows) -> Rows:
    """Sorted by score; of equal scores the later row comes first, as in the `mtcnn` package."""
    return rows[np.argsort(rows[:, 4], kind="stable")[::-1]]


def suppress(rows: Rows, threshold: float, over: Literal["union", "min"] = "union") -> Rows:
    """The rows that no row before them covers.

    Covered: shared area over union (or over the smaller area) above `threshold`. `rows` come best
    first. As in the `mtcnn` package a row also falls to one that has fallen itself, so the answer
    needs no loop. Only pairs whose columns overlap are looked at: near linear for small faces.
    """
    if len(rows) < 2:
        return rows
    left = np.argsort(rows[:, 0], kind="stable")
    by_left = rows[left]
    ends = np.searchsorted(by_left[:, 0], by_left[:, 2], side="left")
    counts = np.maximum(ends - np.arange(len(rows)) - 1, 0)
    first = np.repeat(np.arange(len(rows)), counts)
    starts = np.cumsum(counts) - counts
    second = np.arange(counts.sum()) - np.repeat(starts, counts) + first + 1
    a, b = by_left[first], by_left[second]
    wide = np.minimum(a[:, 2], b[:, 2]) - b[:, 0]
    high = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    shared = np.maximum(0, wide) * np.maximum(0, high)
    areas = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
    area_a, area_b = areas[left][first], areas[left][second]
    whole = area_a + area_b - shared if over == "union" else np.minimum(area_a, area_b)
    covered = shared > threshold * whole
    kept = np.ones(len(rows), dtype=bool)
    kept[np.maximum(left[first[covered]], left[second[covered]])] = False
    return rows[kept]


def square(rows: Rows) -> Rows:
    """Each box grown to a square about its centre."""
    result = rows.copy()
    wide, high = rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1]
    side = np.maximum(wide, high)
    result[:, 0] += wide * 0.5 - side * 0.5
    result[:, 1] += high * 0.5 - side * 0.5
    result[:, 2:4] = result[:, 0:2] + side[:, None]
    return result


def adjust(rows: Rows, offsets: NDArray[np.float32]) -> Rows:
    """Boxes moved by a network's offsets [n, 4]: fractions of their size, both ends counted."""
    result = rows.copy()
    size = np.tile(rows[:, 2:4] - rows[:, 0:2] + 1, (1, 2))
    result[:, :4] += offsets * size
    return result


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    one = np.float32(1)
    return one / (one + np.exp(-logits))
