"""Faces → groups: constrained average linkage on the graph of nearest neighbours.

The mean similarity of two groups of unit vectors is dot(sum A, sum B) / (|A| |B|), so no matrix of pairs is needed; on the
grid the sums are exact in float64. Best pair first, cut at the model card's `cluster` threshold.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from phototag.core.neighbours import Ids, ranks
from phototag.core.types import Vectors

Labels = NDArray[np.int64]

ALONE = -1
"""The label of a face that belongs to no group."""


def components(ids: Ids, keep: NDArray[np.bool_] | None = None) -> Labels:
    """The connected part of the graph that each face lies in, int [n], numbered from 0 in order of the rows.

    With `keep` (bool [n]) only those faces and the edges among them count; the others get -1.
    """
    count = len(ids)
    one, other = _pairs(ids, keep)
    graph = coo_matrix((np.ones(len(one), dtype=np.bool_), (one, other)), shape=(count, count))
    found: Labels = connected_components(graph, directed=False)[1].astype(np.int64)
    if keep is None:
        return found
    found[~keep] = ALONE
    seen, numbers = np.unique(found[keep], return_inverse=True)
    del seen
    found[keep] = numbers
    return found


def agglomerate(
    vectors: Vectors,
    ids: Ids,
    sims: Vectors,
    photos: NDArray[Any],
    good: NDArray[np.bool_],
    order: Sequence[Any] | NDArray[Any] | None,
    threshold: float,
    free_photos: Collection[int] = (),
    among: NDArray[np.bool_] | None = None,
) -> Labels:
    """Group the faces that look alike; two faces of one photo never share a group.

    `vectors` [n, d] on the grid with their graph (`ids`, `sims` as `neighbours` returns them); `photos` int [n], the photo of
    each face, `good` bool [n], whether its quality lets it start groups; `order` a distinct sort key for each face;
    `among` bool [n], the undecided faces (default: all). In `free_photos` (mirrors, collages) a person may be twice.
    Low-quality faces join the best group in the end, if one is at or above `threshold`, and link no two.
    Returns int [n]: groups numbered from 0 by their first face in `order`, -1 for a face alone.
    """
    work = _Groups(vectors, photos, ranks(len(vectors), order), threshold, free_photos)
    keep = np.ones(len(vectors), dtype=np.bool_) if among is None else among
    one, other = _pairs(ids, keep & good)
    work.grow(one, other)
    work.attach(*_pairs(ids, keep), low=keep & ~good)
    return work.labels(keep)


def _pairs(ids: Ids, keep: NDArray[np.bool_] | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each edge once, as (lower row, higher row), among the rows of `keep`."""
    rows, places = np.nonzero(ids >= 0)
    columns = ids[rows, places].astype(np.int64)
    if keep is not None:
        inside = keep[rows] & keep[columns]
        rows, columns = rows[inside], columns[inside]
    low, high = np.minimum(rows, columns), np.maximum(rows, columns)
    codes = np.unique(low * len(ids) + high)
    return np.divmod(codes, max(1, len(ids)))


class _Groups:
    """Groups while they grow. A group is named by its first face in order."""

    def __init__(
        self,
        vectors: Vectors,
        photos: NDArray[Any],
        places: NDArray[np.int64],
        threshold: float,
        free_photos: Collection[int],
    ) -> None:
        self.sums = vectors.astype(np.float64)
        self.places, self.threshold = places, threshold
        free = set(free_photos)
        self.photo: list[int | None] = [None if p in free else int(p) for p in photos]
        self.members: dict[int, list[int]] = {}
        self.photos: dict[int, set[int]] = {}
        self.near: dict[int, set[int]] = {}

    def _open(self, face: int) -> None:
        if face not in self.members:
            photo = self.photo[face]
            self.members[face] = [face]
            self.photos[face] = set() if photo is None else {photo}
            self.near[face] = set()

    def _mean(self, one: int, other: int) -> float:
        size = len(self.members[one]) * len(self.members[other])
        return float(self.sums[one] @ self.sums[other]) / size

    def _entry(self, one: int, other: int) -> tuple[float, int, int, int, int, int, int] | None:
        if not self.photos[one].isdisjoint(self.photos[other]):
            return None
        mean = self._mean(one, other)
        if mean < self.threshold:
            return None
        if self.places[one] > self.places[other]:
            one, other = other, one
        sizes = (len(self.members[one]), len(self.members[other]))
        return (-mean, int(self.places[one]), int(self.places[other]), one, other, *sizes)

    def grow(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        heap = []
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            self._open(a)
            self._open(b)
            self.near[a].add(b)
            self.near[b].add(a)
            entry = self._entry(a, b)
            if entry is not None:
                heap.append(entry)
        heapq.heapify(heap)
        while heap:
            _, _, _, a, b, size_a, size_b = heapq.heappop(heap)
            if len(self.members.get(a, ())) != size_a or len(self.members.get(b, ())) != size_b:
                continue
            self._merge(a, b)
            for c in self.near[a]:
                entry = self._entry(a, c)
                if entry is not None:
                    heapq.heappush(heap, entry)

    def _merge(self, a: int, b: int) -> None:
        self.sums[a] += self.sums[b]
        self.members[a] += self.members.pop(b)
        self.photos[a] |= self.photos.pop(b)
        beyond = self.near.pop(b)
        for c in beyond:
            self.near[c].discard(b)
            if c != a:
                self.near[c].add(a)
        self.near[a] |= beyond
        self.near[a] -= {a, b}

    def attach(
        self, one: NDArray[np.int64], other: NDArray[np.int64], low: NDArray[np.bool_]
    ) -> None:
        """Let low-quality faces join: best first, judged against the group as it is without them."""
        group = {face: name for name, faces in self.members.items() for face in faces}
        wishes = set()
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            for face, beside in ((a, b), (b, a)):
                if low[face] and not low[beside]:
                    wishes.add((face, group.get(beside, beside)))
        ranked = []
        for face, name in wishes:
            self._open(name)
            mean = float(self.sums[face] @ self.sums[name]) / len(self.members[name])
            if mean >= self.threshold:
                ranked.append((-mean, int(self.places[face]), int(self.places[name]), face, name))
        joined: set[int] = set()
        for _, _, _, face, name in sorted(ranked):
            photo = self.photo[face]
            if face in joined or photo in self.photos[name]:
                continue
            self.members[name].append(face)
            if photo is not None:
                self.photos[name].add(photo)
            joined.add(face)

    def labels(self, keep: NDArray[np.bool_]) -> Labels:
        found = np.full(len(keep), ALONE, dtype=np.int64)
        groups = [sorted(m, key=self.places.__getitem__) for m in self.members.values()]
        groups = [m for m in groups if len(m) > 1]
        groups.sort(key=lambda m: self.places[m[0]])
        for number, faces in enumerate(groups):
            found[faces] = number
        return found
