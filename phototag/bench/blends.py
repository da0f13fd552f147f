"""People who do not exist, to learn from: two training faces blended, with the teacher's answer.

The supply of them never ends, so a network can be shown a face set a hundred times over without
learning it by heart (Zhang et al., "mixup", arXiv 1710.09412; with a teacher's answer instead of
mixed labels, Beyer et al., "A good teacher is patient and consistent", arXiv 2106.05237).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

POOL = 65_536
"""Blends that are kept; the oldest make room for new ones."""

FIRST = 1024
"""Blends before the first batch."""

LEAST = 0.075
"""Share of the fainter face, at the least."""


class Answers(Protocol):
    """Who says how a blend looks to the teacher."""

    def embed(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[n, dim] unit vectors of `faces` [n, 112, 112, 3]."""


class Blends:
    """A pool of blends; each is asked about once and drawn about `reuse` times."""

    def __init__(
        self, faces: NDArray[np.uint8], teacher: Answers, *, reuse: int, seed: tuple[int, ...]
    ) -> None:
        """`faces` [n, 112, 112, 3], aligned."""
        self._faces, self._teacher, self._reuse = faces, teacher, reuse
        self._random = np.random.default_rng(seed)
        self._rows = np.empty((0, 2), dtype=np.int64)
        self._shares = np.empty(0, dtype=np.float32)
        self._mirrored = np.empty(0, dtype=bool)
        self._targets: NDArray[np.float32] | None = None
        self._owed = float(FIRST)

    def draw(self, count: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """(faces [count, 112, 112, 3], the teacher's unit vectors of them)."""
        self._owed += count / self._reuse
        if self._targets is None or self._owed >= FIRST:
            self._add(int(self._owed))
            self._owed = 0.0
        assert self._targets is not None
        rows = self._random.integers(len(self._rows), size=count)
        return self._pictures(rows), self._targets[rows]

    def _add(self, count: int) -> None:
        random, old = self._random, max(0, len(self._rows) + count - POOL)
        some = random.integers(len(self._faces), size=(count, 2))
        shares = random.uniform(LEAST, 1 - LEAST, count).astype(np.float32)
        before = len(self._rows) - old
        self._rows = np.concatenate([self._rows[old:], some])
        self._shares = np.concatenate([self._shares[old:], shares])
        self._mirrored = np.concatenate([self._mirrored[old:], random.random(count) < 0.5])
        new = self._teacher.embed(self._pictures(np.arange(before, before + count)))
        kept = new[:0] if self._targets is None else self._targets[old:]
        self._targets = np.concatenate([kept, new])

    def _pictures(self, rows: NDArray[np.integer]) -> NDArray[np.uint8]:
        one, other = (self._faces[self._rows[rows, side]] for side in (0, 1))
        turned = self._mirrored[rows][:, None, None, None]
        share = self._shares[rows][:, None, None, None]
        other = np.where(turned, other[:, :, ::-1], other)
        blended: NDArray[np.uint8] = np.rint(one * (1 - share) + other * share).astype(np.uint8)
        return blended
