"""All that stands for people, side by side: one face is held against everybody at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.core.examples import BEST
from phototag.core.types import Vectors

Ranking = list[tuple[int, float]]
"""(person, score), best first."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """The examples of people, ready to be searched.

    The vectors lie in columns, since a product with rows of a hundred thousand columns runs along
    the memory: 2.3 times as fast as one with their transpose (`benchmarks/matching.py --search`).
    """

    people: NDArray[np.int64]
    """[p], rising."""
    starts: NDArray[np.intp]
    """[p + 1]: where each person's columns begin; the last is the end."""
    columns: Vectors
    """[d, n]"""

    @staticmethod
    def of(people: NDArray[np.int64], vectors: Vectors) -> Gallery:
        """`vectors` [n, d] on the grid, each an example of the person in `people` [n]."""
        order = np.argsort(people, kind="stable")
        known, first = np.unique(people[order], return_index=True)
        starts = np.append(first, len(people)).astype(np.intp)
        return Gallery(known.astype(np.int64), starts, np.ascontiguousarray(vectors[order].T))

    @property
    def size(self) -> int:
        """How many examples it holds."""
        return int(self.columns.shape[1])

    def search(self, faces: Vectors, *, least: float, count: int = 1) -> list[Ranking]:
        """For each face [m, d] the people whom it fits with `least` or more, and in any case the
        best `count`; the scores are those of `examples.person_scores`, exactly."""
        if not self.size or not len(faces):
            return [[] for _ in faces]
        sims = faces @ self.columns
        return [self._ranked(row, least, count) for row in sims]

    def _ranked(self, sims: Vectors, least: float, count: int) -> Ranking:
        """A score is a mean of similarities, so it never exceeds the person's best one: only people
        whose best is high enough are scored."""
        best = np.maximum.reduceat(sims, self.starts[:-1])
        count = min(count, len(best))
        first = np.argpartition(-best, count - 1)[:count]
        floor = min(least, float(self._scores(sims, first).min()))
        likely = np.flatnonzero(best >= np.float32(floor))
        scores = self._scores(sims, likely)
        order = np.lexsort((likely, -scores))
        kept = order[: max(count, int((scores >= least).sum()))]
        return list(
            zip(self.people[likely[kept]].tolist(), scores[kept].tolist(), strict=True)
        )

    def _scores(self, sims: Vectors, places: NDArray[np.intp]) -> Vectors:
        """Of these people [k]: the mean of the best similarities, summed from the highest on, as
        `examples.person_scores` does."""
        lengths = self.starts[places + 1] - self.starts[places]
        owner = np.repeat(np.arange(len(places)), lengths)
        begins = np.cumsum(lengths) - lengths
        rank = np.arange(len(owner)) - begins[owner]
        own = sims[self.starts[places][owner] + rank]
        own = own[np.lexsort((-own, owner))]
        total = np.zeros(len(places), dtype=np.float32)
        for place in range(BEST):
            there = lengths > place
            total[there] += own[begins[there] + place]
        scores: Vectors = total / np.minimum(lengths, BEST).astype(np.float32)
        return scores


def nobody(dim: int = 0) -> Gallery:
    """A gallery without people."""
    return Gallery.of(np.empty(0, np.int64), np.empty((0, dim), np.float32))


__all__ = ["Gallery", "Ranking", "nobody"]
