"""Where a film is cut: the first frame of a shot is unlike the one before."""

from __future__ import annotations

from collections import deque
from itertools import product

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Pixels

Levels = NDArray[np.int16]

LEAST = 12.0
"""Mean difference of two frames in grey levels at which a shot begins, wherever the camera moved
meanwhile. On made films with a cut between any two photos of the gallery or the album it is 20 to
80 at cuts, and at most 8 where the camera pans over half the picture in a second."""

ACROSS, DOWN = 8, 4
"""By how much of the small picture a camera may have moved between two looks, in pixels."""

LEAD = 3.0
"""How many times the usual difference of the last frames it must be besides."""

USUAL = 12
"""Frames that say what is usual."""


class Scenes:
    """Looks at the frames of one film in order, each as a small grey picture [h, w]."""

    def __init__(self) -> None:
        self._before: Pixels | None = None
        self._usual: deque[float] = deque(maxlen=USUAL)

    def begins(self, small: Pixels) -> bool:
        """Whether a shot begins with this frame; the first frame of a film begins one."""
        before, self._before = self._before, small
        if before is None:
            return True
        change = difference(before, small)
        usual = float(np.median(self._usual)) if self._usual else 0.0
        if change >= LEAST and change >= LEAD * usual:
            self._usual.clear()
            return True
        self._usual.append(change)
        return False


def difference(one: Pixels, other: Pixels) -> float:
    """Mean difference of two small grey pictures [h, w], in levels: where they differ much, that of
    the best of all small shifts of one against the other."""
    first, second = one.astype(np.int16), other.astype(np.int16)
    plain = _mean(first, second, 0, 0)
    if plain < LEAST:
        return plain
    shifts = product(range(-DOWN, DOWN + 1), range(-ACROSS, ACROSS + 1))
    return min(_mean(first, second, down, across) for down, across in shifts)


def _mean(one: Levels, other: Levels, down: int, across: int) -> float:
    """The mean difference over what both show when `other` is shifted."""
    high, wide = one.shape
    mine = one[max(0, down) : high + min(0, down), max(0, across) : wide + min(0, across)]
    theirs = other[max(0, -down) : high + min(0, -down), max(0, -across) : wide + min(0, -across)]
    return float(np.abs(mine - theirs).mean())
