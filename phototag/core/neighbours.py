"""Exact nearest neighbours among embeddings: the graph that clustering runs on.

The graph is over all faces, decided ones too, so that it depends on the photos and the model alone. Similarities are exact
(see `core.types.on_grid`), ties go to the lower rank in the caller's order, and so the graph is the same whatever the
order of the rows, the size of the blocks, or the number of steps it was grown in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phototag.core.types import GRID, Vectors

Ids = NDArray[np.int32]
Keys = NDArray[np.uint64]

# A hit is one sortable 64-bit number: its row within the stripe, how far its similarity lies below 2, and the rank of its
# column. Similarities are multiples of 2**-22, so 24 bits hold what lies between -2 and 2.
_ROW_BITS, _SIM_BITS, _RANK_BITS = 12, 24, 28
_SIM_STEPS = 1 / (GRID * GRID)
_SIM_TOP = 2 << 22


def neighbours(
    vectors: Vectors,
    k: int,
    threshold: float,
    *,
    order: Sequence[Any] | NDArray[Any] | None = None,
    block: int = 2048,
) -> tuple[Ids, Vectors]:
    """The up to `k` most similar other faces of each face, of similarity `threshold` or more.

    `vectors` is [n, d] on the grid. `order` gives each row a distinct sort key that settles ties (default: the row number);
    keys that come from the photos make the outcome independent of the order of the rows. Returns ids int32 [n, k], most
    similar first, padded with -1, and their similarities float32 [n, k], padded with 0. Each pair is multiplied once;
    memory beyond the outcome is about `block`**2 * 10 bytes.
    """
    count = len(vectors)
    ids, sims = _empty(count, k)
    extend_into(ids, sims, 0, vectors, _Ranks(count, order), k, threshold, block)
    return ids, sims


def extend_neighbours(
    ids: Ids,
    sims: Vectors,
    old: Vectors,
    new: Vectors,
    k: int,
    threshold: float,
    *,
    order: Sequence[Any] | NDArray[Any] | None = None,
    block: int = 2048,
) -> tuple[Ids, Vectors, NDArray[np.intp]]:
    """What `neighbours` would return for the rows of `old` followed by those of `new`, at the cost of the new rows only.

    `ids` and `sims` are the outcome for `old` with the same `k` and `threshold`; they are not changed. `order` is for all
    rows. The third value holds the old rows whose list is another one now.
    """
    before = len(old)
    if ids.shape != (before, k) or sims.shape != (before, k):
        raise ValueError(f"the old lists are {ids.shape}, not [{before}, {k}]")
    count = before + len(new)
    grown_ids, grown_sims = _empty(count, k)
    grown_ids[:before], grown_sims[:before] = ids, sims
    vectors = np.concatenate([old, new]) if before else new
    extend_into(
        grown_ids, grown_sims, before, vectors, _Ranks(count, order), k, threshold, block
    )
    changed = np.flatnonzero((grown_ids[:before] != ids).any(axis=1))
    return grown_ids, grown_sims, changed


def extend_into(
    ids: Ids,
    sims: Vectors,
    before: int,
    vectors: Vectors,
    ranks: _Ranks,
    k: int,
    threshold: float,
    block: int,
) -> None:
    """Bring `ids` and `sims` up to date in place, their first `before` rows being complete among themselves."""
    _check(vectors, k, block)
    count = len(vectors)
    new = [_Stripe(a, min(a + block, count), k, ranks) for a in range(before, count, block)]
    room = np.empty(block * block, dtype=np.float32)
    for start in range(0, before, block):
        stripe = _Stripe(start, min(start + block, before), k, ranks)
        stripe.seed(ids, sims)
        for other in new:
            _cross(vectors, stripe, other, threshold, room)
        stripe.write(ids, sims)
    for number, stripe in enumerate(new):
        for other in new[number:]:
            _cross(vectors, stripe, other, threshold, room)
        stripe.write(ids, sims)


def _empty(count: int, k: int) -> tuple[Ids, Vectors]:
    return np.full((count, k), -1, dtype=np.int32), np.zeros((count, k), dtype=np.float32)


def _check(vectors: Vectors, k: int, block: int) -> None:
    if k < 1 or not 1 <= block <= 1 << _ROW_BITS or len(vectors) >= 1 << _RANK_BITS:
        raise ValueError(f"k={k}, block={block}, {len(vectors)} faces: out of range")
    for start in range(0, len(vectors), 65536):
        steps = vectors[start : start + 65536] * np.float32(1 / GRID)
        if (steps != np.rint(steps)).any():
            raise ValueError("the vectors are not on the grid: use core.types.on_grid")


class _Ranks:
    """Where each row stands in the caller's order, and back."""

    def __init__(self, count: int, order: Sequence[Any] | NDArray[Any] | None) -> None:
        self.of_row = ranks(count, order)
        self.row = np.empty(count, dtype=np.int32)
        self.row[self.of_row] = np.arange(count, dtype=np.int32)


def ranks(count: int, order: Sequence[Any] | NDArray[Any] | None) -> NDArray[np.int64]:
    """The place 0..count-1 of each row by its sort key; without keys, the row number."""
    if order is None:
        return np.arange(count)
    if len(order) != count:
        raise ValueError(f"{len(order)} order keys for {count} faces")
    if isinstance(order, np.ndarray):
        places: ArrayLike = np.argsort(order, kind="stable")
    else:
        places = sorted(range(count), key=order.__getitem__)
    found = np.empty(count, dtype=np.int64)
    found[np.asarray(places, dtype=np.intp)] = np.arange(count)
    return found


class _Stripe:
    """The hits of some consecutive rows, of which the `k` best of each row are kept."""

    def __init__(self, start: int, stop: int, k: int, ranks: _Ranks) -> None:
        self.start, self.stop, self.k, self.ranks = start, stop, k, ranks
        self.hits: list[Keys] = []
        self.loose = 0

    def seed(self, ids: Ids, sims: Vectors) -> None:
        """Take over the rows' lists as they are."""
        rows, places = np.nonzero(ids[self.start : self.stop] >= 0)
        self.add(rows, ids[self.start + rows, places], sims[self.start + rows, places])

    def add(self, rows: NDArray[np.intp], columns: NDArray[Any], sims: Vectors) -> None:
        """`rows` counts from the stripe's start, `columns` are faces."""
        below = _SIM_TOP - (sims * np.float32(_SIM_STEPS)).astype(np.int64)
        key = (rows.astype(np.int64) << (_SIM_BITS + _RANK_BITS)) | (below << _RANK_BITS)
        self.hits.append((key | self.ranks.of_row[columns]).view(np.uint64))
        self.loose += len(key)
        if self.loose > max(1 << 20, 4 * self.k * (self.stop - self.start)):
            self._settle()

    def _settle(self) -> Keys:
        """Sort the hits and drop those beyond the `k` best of their row."""
        keys = np.sort(np.concatenate(self.hits)) if self.hits else np.empty(0, np.uint64)
        rows = _rows(keys)
        first = np.searchsorted(rows, np.arange(self.stop - self.start))
        keys = keys[np.arange(len(keys)) - first[rows] < self.k]
        self.hits, self.loose = [keys], 0
        return keys

    def write(self, ids: Ids, sims: Vectors) -> None:
        """Put the lists into their places and let go of the hits."""
        keys = self._settle()
        rows = _rows(keys)
        first = np.searchsorted(rows, np.arange(self.stop - self.start))
        places = np.arange(len(keys)) - first[rows]
        values = keys.view(np.int64)
        below = (values >> _RANK_BITS) & ((1 << _SIM_BITS) - 1)
        ids[self.start + rows, places] = self.ranks.row[values & ((1 << _RANK_BITS) - 1)]
        sims[self.start + rows, places] = (_SIM_TOP - below) / _SIM_STEPS
        self.hits = []


def _rows(keys: Keys) -> NDArray[np.intp]:
    return (keys >> np.uint64(_SIM_BITS + _RANK_BITS)).astype(np.intp)


def _cross(
    vectors: Vectors, one: _Stripe, other: _Stripe, threshold: float, room: Vectors
) -> None:
    """Multiply two stripes once and give each its hits."""
    high, wide = one.stop - one.start, other.stop - other.start
    sims = room[: high * wide].reshape(high, wide)
    np.matmul(vectors[one.start : one.stop], vectors[other.start : other.stop].T, out=sims)
    flat = np.flatnonzero(sims.ravel() >= np.float32(threshold))
    rows, columns = np.divmod(flat, wide)
    found = sims.ravel()[flat]
    if one is other:
        away = rows != columns
        one.add(rows[away], columns[away] + one.start, found[away])
        return
    one.add(rows, columns + other.start, found)
    other.add(columns, rows + one.start, found)


def edges(ids: Ids) -> Iterator[tuple[int, int]]:
    """Every pair (face, neighbour) of the lists."""
    for row, places in zip(*np.nonzero(ids >= 0), strict=True):
        yield int(row), int(ids[row, places])
