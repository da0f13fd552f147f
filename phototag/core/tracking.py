"""Faces of one frame after the other → tracks: by place and by likeness.

Conservative on purpose: a track that is torn in two costs nothing but a second face to name, which
the same laws name; two people in one track would be a wrong name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from phototag.core.types import Box, Moment, Thresholds, Vectors, on_grid

NEAR = 0.3
"""Least IoU of a face with where the track was last, to be it by place. A seated person overlaps
herself by 0.6 and more a second later; two people side by side by less than 0.1."""

RECENT = 3
"""Vectors of a track that a new face is held against: the pose changes slowly."""


@dataclass(slots=True)
class Trail:
    """A track that grows."""

    number: int
    box: Box
    """Where it was last."""
    last: Moment
    recent: list[Vectors] = field(default_factory=list)

    def add(self, at: Moment, box: Box, vector: Vectors) -> None:
        self.box, self.last = box, at
        self.recent = [*self.recent[1 - RECENT :], vector] if self.recent else [vector]


class Tracker:
    """Gives each face of a frame the number of its track.

    A face continues a track of the same shot that was seen at most `gap` milliseconds ago, if it
    lies there (`NEAR`) and is not unlike it (similarity at `suggest`), or if it is as like it as a
    name demands (`accept`), wherever it lies. The best pairs win, one to one (Kuhn, Munkres).
    """

    def __init__(self, thresholds: Thresholds, gap: Moment) -> None:
        self._levels, self._gap = thresholds, gap
        self._count = 0
        self.open: list[Trail] = []
        """Tracks that may go on."""

    def cut(self) -> None:
        """A shot ends: what was somewhere is not there any more."""
        self.open = []

    def follow(self, at: Moment, boxes: Sequence[Box], vectors: Vectors) -> list[int]:
        """The tracks of the faces at `boxes` with `vectors` [n, d] in the frame at `at`."""
        self.open = [trail for trail in self.open if at - trail.last <= self._gap]
        fits = self._fits(boxes, vectors)
        rows, columns = linear_sum_assignment(-fits)
        mine = {int(c): self.open[r] for r, c in zip(rows, columns, strict=True) if fits[r, c] > 0}
        for place, box in enumerate(boxes):
            trail = mine.get(place)
            if trail is None:
                self._count += 1
                trail = mine[place] = Trail(self._count, box, at)
                self.open.append(trail)
            trail.add(at, box, vectors[place])
        return [mine[place].number for place in range(len(boxes))]

    def _fits(self, boxes: Sequence[Box], vectors: Vectors) -> NDArray[np.float64]:
        """[tracks, faces]: overlap and similarity together where they may be one, else 0."""
        fits = np.zeros((len(self.open), len(boxes)))
        for row, trail in enumerate(self.open if len(boxes) else ()):
            alike = np.max(np.stack(trail.recent) @ vectors.T, axis=0)
            for column, (box, like) in enumerate(zip(boxes, alike, strict=True)):
                overlap = trail.box.iou(box)
                here = overlap >= NEAR and like >= self._levels.suggest
                if here or like >= self._levels.accept:
                    fits[row, column] = 1e-6 + overlap + float(like)
        return fits


def mean_vector(vectors: Vectors, qualities: Sequence[float]) -> Vectors:
    """One vector [d] on the grid for the frames [n, d] of a track: their mean, weighted by
    quality, so that a blurred frame counts for little."""
    weights = np.maximum(np.asarray(qualities, dtype=np.float64), 1e-3)
    return on_grid(weights @ vectors.astype(np.float64))
