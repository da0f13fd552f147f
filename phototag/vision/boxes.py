"""Arithmetic on the cascade's boxes: rows of (x1, y1, x2, y2, score, …) in pixels, float64."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
Numbers = NDArray[np.intp]

PAIRS = 1 << 20
"""Pairs of boxes compared at once: bounds the memory that noise can cost (80 MB)."""


def best_first(rows: Rows) -> Rows:
    """Sorted by score; of equal scores the later row comes first, as in the `mtcnn` package."""
    return rows[np.argsort(rows[:, 4], kind="stable")[::-1]]


def overlapping_removed(
    rows: Rows, threshold: float, over: Literal["union", "smaller"] = "union"
) -> Rows:
    """The rows that no row before them covers (non-maximum suppression).

    Covered: shared area over union (or over the smaller area) above `threshold`. `rows` come best
    first. As in the `mtcnn` package a row also falls to one that has fallen itself, so the answer
    needs no loop. Only pairs whose columns overlap are looked at: near linear for small faces.
    """
    if len(rows) < 2:
        return rows
    left = np.argsort(rows[:, 0], kind="stable")
    boxes = rows[left, :4]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = np.ones(len(rows), dtype=bool)
    for first, second in _pairs(boxes):
        a, b = boxes[first], boxes[second]
        wide = np.minimum(a[:, 2], b[:, 2]) - b[:, 0]
        high = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
        shared = np.maximum(0, wide) * np.maximum(0, high)
        if over == "union":
            whole = areas[first] + areas[second] - shared
        else:
            whole = np.minimum(areas[first], areas[second])
        covered = shared > threshold * whole
        kept[np.maximum(left[first[covered]], left[second[covered]])] = False
    return rows[kept]


def _pairs(boxes: Rows) -> Iterator[tuple[Numbers, Numbers]]:
    """All pairs (earlier, later) of boxes, sorted by x1, whose columns overlap; in blocks."""
    count = len(boxes)
    ends = np.searchsorted(boxes[:, 0], boxes[:, 2], side="left")
    partners = np.maximum(ends - np.arange(count) - 1, 0)
    total = np.cumsum(partners)
    start = 0
    while start < count:
        before = total[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(total, before + PAIRS, side="right")))
        first = np.repeat(np.arange(start, end), partners[start:end])
        offset = total[start:end] - partners[start:end] - before
        second = np.arange(len(first)) - np.repeat(offset, partners[start:end]) + first + 1
        yield first, second
        start = end


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
    """The score of a logit."""
    one = np.float32(1)
    return one / (one + np.exp(-logits))


def logit(score: float) -> float:
    """The logit of a score."""
    return math.log(score / (1 - score))
