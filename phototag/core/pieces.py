"""Vectors that are too many to be held: half the bytes, and read a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import GRID, Vectors

Steps = NDArray[np.int16]
"""Vectors on the grid, in whole steps of it."""

Rows = slice | NDArray[Any]

PIECE = 8192
"""Rows that are read at once: 8 MB of vectors."""

DENSE = 16
"""From one row in so many on, reading all is faster than reading these: 20,000 bytes are brought in
for each that is read by itself."""


def in_steps(vectors: Vectors) -> Steps:
    """Vectors on the grid [..., d] as whole steps: nothing is lost. (Not as float16: turning int16
    into float32 is six times as fast.) Raises ValueError for others."""
    steps = vectors * np.float32(1 / GRID)
    if (steps != np.rint(steps)).any():
        raise ValueError("the vectors are not on the grid: use core.types.on_grid")
    return steps.astype(np.int16)


def of_steps(steps: Steps) -> Vectors:
    """The vectors again."""
    vectors = steps.astype(np.float32)
    vectors *= np.float32(GRID)
    return vectors


@dataclass(frozen=True, slots=True)
class Pieces:
    """A table of vectors [count, width], wherever it lies: in steps, or as they are where it is
    small."""

    count: int
    width: int
    read: Callable[[Rows], NDArray[Any]]
    """Some of its rows: a run of them, or any by number."""

    @classmethod
    def of(cls, values: Vectors | Steps) -> Pieces:
        return cls(len(values), values.shape[1], values.__getitem__)

    def __len__(self) -> int:
        return self.count

    def vectors(self, rows: Rows) -> Vectors:
        """Some rows as vectors [k, width]."""
        found = self.read(rows)
        return of_steps(found) if found.dtype == np.int16 else found

    def runs(self, size: int = PIECE) -> Iterator[slice]:
        """Runs of at most `size` rows that make up the table."""
        return (slice(at, min(at + size, self.count)) for at in range(0, self.count, size))

    def some(self, rows: NDArray[Any]) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Some rows (rising, each maybe more than once), a piece at a time: (which of them, their
        values). Where they are many, the whole table is passed through, which is faster."""
        if len(rows) * DENSE < self.count:
            for at in range(0, len(rows), PIECE):
                part = slice(at, at + PIECE)
                yield part, self.read(rows[part])
            return
        for run in self.runs():
            first, last = np.searchsorted(rows, [run.start, run.stop])
            if first < last:
                yield slice(first, last), self.read(run)[rows[first:last] - run.start]

    def gathered(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Some rows (rising)."""
        parts = self.some(rows)
        first = next(parts, None)
        if first is None:
            return self.read(slice(0, 0))
        found = np.empty((len(rows), self.width), dtype=first[1].dtype)
        for part, values in chain([first], parts):
            found[part] = values
        return found

    def chosen(self, rows: NDArray[Any]) -> Pieces:
        """Only these rows."""
        return Pieces(len(rows), self.width, lambda these: self.read(rows[these]))

    def and_then(self, more: Steps) -> Pieces:
        """A table of steps followed by more rows."""

        def read(these: Rows) -> Steps:
            if isinstance(these, slice):
                start, stop, _ = these.indices(self.count + len(more))
                here = self.read(slice(min(start, self.count), min(stop, self.count)))
                there = more[max(0, start - self.count) : max(0, stop - self.count)]
                return there if not len(here) else np.concatenate([here, there])
            found = np.empty((len(these), more.shape[1]), dtype=np.int16)
            old = these < self.count
            if old.any():
                found[old] = self.read(these[old])
            found[~old] = more[these[~old] - self.count]
            return found

        return Pieces(self.count + len(more), more.shape[1], read)
