"""Where a film is cut: the first frame of a shot is unlike the one before."""

from __future__ import annotations

from collections import deque

import numpy as np

from phototag.core.types import Pixels

LEAST = 14.0
"""Mean difference of two frames in grey levels, at which there may be a cut."""

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
        difference = float(np.abs(small.astype(np.int16) - before.astype(np.int16)).mean())
        usual = float(np.median(self._usual)) if self._usual else 0.0
        if difference >= LEAST and difference >= LEAD * usual:
            self._usual.clear()
            return True
        self._usual.append(difference)
        return False
