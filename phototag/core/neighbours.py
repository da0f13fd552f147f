"""Exact nearest neighbours among embeddings: the graph that clustering runs on.

The graph is over all faces, decided ones too, so that it depends on the photos and the model alone.
Similarities are exact (see `core.types.on_grid`) and ties go to the caller's order, so the graph is
the same whatever the order of the rows, the size of the blocks, or the steps it was grown in.

A face's list holds its nearest faces and, in a third of the places, faces drawn from all others
above the threshold. Lists of the nearest alone fall apart where someone was photographed in bursts:
a face's 48 nearest are then all of the same minute. On 12,000 made-up faces in bursts of 40 on
average, BCubed recall was 0.57 with the 16 nearest, 0.74 with 48, 0.85 with 96, and 0.868 with 16
nearest and 8 drawn, which is what lists of 1,536 give (`benchmarks/clustering.py --lists`). The
draw goes by a hash of the two vectors, so it is as repeatable as the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core.pieces import PIECE, Pieces, in_steps
from phototag.core.types import GRID, Vectors

Ids = NDArray[np.int32]
Order = Sequence[Any] | NDArray[Any]
Whole = NDArray[np.uint64]
Each = Callable[..., Iterable[Any]]
Hits = tuple[NDArray[np.intp], NDArray[np.intp], Vectors]
"""Rows of one stripe, rows of the other, similarities."""

NEIGHBOURS = 24
"""Length of the lists: 16 nearest and 8 drawn. More places changed BCubed F by less than 0.0001 on
the calibration people and on made-up faces with and without bursts; 12 would nearly do."""

# A hit is one sortable 64-bit number: its row within the stripe, how far its similarity lies below
# 2, and the rank of its column. Similarities are multiples of 2**-22: 24 bits hold -2 to 2.
_ROW, _SIM, _RANK = 12, 24, 28
_STEPS = 1 / (GRID * GRID)
_TOP = 2 << 22
_AMPLE = 4.0
_SPAN = 1 << 19
"""Hits that a stripe gathers before it drops what is not among the best."""


def neighbours(
    vectors: Vectors | Pieces,
    k: int,
    threshold: float,
    *,
    order: Order | None = None,
    block: int = 2048,
) -> tuple[Ids, Vectors]:
    """Up to `k` other faces of similarity `threshold` or more for each face.

    `vectors` is [n, d] on the grid, or read by pieces. The first k - k // 3 places hold the most
    similar ones, best first, the rest faces drawn from all others. A face with at most `k` such
    neighbours has them all. `order` gives each row a distinct sort key for ties (default: the row
    number); keys that come from the photos make the outcome independent of the order of the rows.

    Returns ids int32 [n, k], padded with -1, and similarities float32 [n, k], padded with 0. Each
    pair is multiplied once. Beyond the outcome the memory is about 200 bytes a face.
    """
    ids, sims = _empty(len(vectors), k)
    _Search(vectors, order, k, threshold, block).bring_up(ids, sims, 0)
    return ids, sims


def extend_neighbours(
    ids: Ids,
    sims: Vectors,
    old: Vectors | Pieces,
    new: Vectors,
    k: int,
    threshold: float,
    *,
    order: Order | None = None,
    block: int = 2048,
    each: Each = map,
    into: tuple[Ids, Vectors] | None = None,
) -> tuple[Ids, Vectors, NDArray[np.intp]]:
    """What `neighbours` says of `old` followed by `new`, at the cost of the new rows only.

    `ids` and `sims` are its outcome for `old` with the same `k` and `threshold`; they stay as they
    are. `order` is for all rows; `each` maps as `map` does, by threads maybe; `into` are lists as
    `lengthened` makes them (default: made here). The third value is the old rows whose list is
    another one now.
    """
    before = len(old)
    if ids.shape != (before, k) or sims.shape != (before, k):
        raise ValueError(f"the old lists are {ids.shape} and {sims.shape}, not {(before, k)}")
    if into is None:
        into = lengthened(ids, len(new), -1), lengthened(sims, len(new), 0)
    grown_ids, grown_sims = into
    if isinstance(old, Pieces):
        every = old.and_then(in_steps(new))
    else:
        every = Pieces.of(np.concatenate([old, new]))
    search = _Search(every, order, k, threshold, block, each)
    some = search.bring_up(grown_ids, grown_sims, before, each)
    return grown_ids, grown_sims, some[(grown_ids[some] != ids[some]).any(axis=1)]


def lengthened(lists: NDArray[Any], more: int, empty: int) -> NDArray[Any]:
    """A copy of some lists, with empty ones for more rows."""
    found = np.full((len(lists) + more, lists.shape[1]), empty, dtype=lists.dtype)
    found[: len(lists)] = lists
    return found


def lost_edges(
    old: tuple[Ids, Vectors], ids: Ids, changed: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """The edges that are none any more, `old` being the lists (ids and similarities) before some
    rows `changed`: (rows, rows of the other ends, similarities).

    Two faces are an edge if each is in the other's list, or one is the other's nearest.
    """
    former, now = old[0][changed], ids[changed]
    gone = (former >= 0) & ~(former[:, :, None] == now[:, None, :]).any(axis=2)
    gone[:, 0] |= former[:, 0] != now[:, 0]
    at, columns = np.nonzero(gone & (former >= 0))
    one, other = changed[at], former[at, columns].astype(np.intp)

    def linked(lists: Ids) -> NDArray[np.bool_]:
        here, there = lists[one], lists[other]
        mutual = (here == other[:, None]).any(axis=1) & (there == one[:, None]).any(axis=1)
        found: NDArray[np.bool_] = mutual | (here[:, 0] == other) | (there[:, 0] == one)
        return found

    lost = linked(old[0]) & ~linked(ids)
    return one[lost], other[lost], old[1][one[lost], columns[lost]].astype(np.float64)


def shrink_neighbours(
    ids: Ids,
    sims: Vectors,
    vectors: Vectors | Pieces,
    gone: NDArray[np.bool_],
    k: int,
    threshold: float,
    *,
    order: Order | None = None,
    block: int = 2048,
) -> tuple[Ids, Vectors, NDArray[np.intp]]:
    """What `neighbours` says of the rows that are not `gone` (bool [n]).

    Only lists that were full and held a face that is gone are made anew. `ids` and `sims` are the
    outcome for all of `vectors` with the same `k` and `threshold`; `order` is for all rows too.
    Returns the lists of the rows that stay, numbered anew, and which of them have another list
    now, by their new number.
    """
    stay = np.flatnonzero(~gone)
    number = np.full(len(vectors) + 1, -1, dtype=np.int32)  # the last is where -1 lands
    number[stay] = np.arange(len(stay), dtype=np.int32)
    left = number[ids[stay]]
    lost = (left < 0) & (ids[stay] >= 0)
    packed = np.argsort(left < 0, axis=1, kind="stable")
    left = np.take_along_axis(left, packed, axis=1)
    alike = np.take_along_axis(np.where(lost, np.float32(0), sims[stay]), packed, axis=1)
    changed = np.flatnonzero(lost.any(axis=1))
    again = changed[ids[stay[changed], -1] >= 0]
    keys = ranks(len(vectors), order)[stay]
    _Search(_pieces(vectors).chosen(stay), keys, k, threshold, block).renew(left, alike, again)
    return left, alike, changed


def ranks(count: int, order: Order | None) -> NDArray[np.int64]:
    """The place 0..count-1 of each row by its sort key; without keys, the row number."""
    if order is None:
        return np.arange(count)
    if len(order) != count:
        raise ValueError(f"{len(order)} order keys for {count} faces")
    if isinstance(order, np.ndarray):
        rows = np.argsort(order, kind="stable")
    else:
        rows = np.asarray(sorted(range(count), key=order.__getitem__), dtype=np.intp)
    places = np.empty(count, dtype=np.int64)
    places[rows] = np.arange(count)
    return places


def _pieces(vectors: Vectors | Pieces) -> Pieces:
    return vectors if isinstance(vectors, Pieces) else Pieces.of(vectors)


def _empty(count: int, k: int) -> tuple[Ids, Vectors]:
    return np.full((count, k), -1, dtype=np.int32), np.zeros((count, k), dtype=np.float32)


class _Search:
    """All that stays the same while the lists are made."""

    def __init__(
        self,
        vectors: Vectors | Pieces,
        order: Order | None,
        k: int,
        threshold: float,
        block: int,
        each: Each = map,
    ) -> None:
        count = len(vectors)
        if k < 1 or not 1 <= block <= 1 << _ROW or count >= 1 << _RANK:
            raise ValueError(f"out of range: k {k}, block {block}, {count} faces")
        self.vectors, self.threshold, self.block = _pieces(vectors), np.float32(threshold), block
        self.near, self.drawn = k - k // 3, k // 3
        self.rank = ranks(count, order)
        self.row = np.empty(count, dtype=np.int32)
        self.row[self.rank] = np.arange(count, dtype=np.int32)
        self.mark = _marks(self.vectors, each)
        self.room = np.empty(min(block, count) ** 2, dtype=np.float32)

    def bring_up(self, ids: Ids, sims: Vectors, before: int, each: Each = map) -> NDArray[np.intp]:
        """Complete the lists in place, the first `before` rows' being right among themselves;
        those of these rows that were written again."""
        new = list(self._stripes(np.arange(before, len(ids))))
        written = np.empty(0, dtype=np.intp)
        if before and new:
            written = self._meet_old(ids, sims, before, new, each)
        for number, stripe in enumerate(new):
            stripe.held = stripe.vectors()
            for other in new[number:]:
                self._cross(stripe, other, both=other is not stripe)
            stripe.write(ids, sims)
            stripe.held = None
        return written

    def _meet_old(
        self, ids: Ids, sims: Vectors, before: int, new: list[_Stripe], each: Each
    ) -> NDArray[np.intp]:
        """Hold the first `before` rows against new ones, and put into their lists what changes
        them; which rows those are, and maybe others."""
        for stripe in new:
            stripe.held = stripe.vectors()

        def meet(stripe: _Stripe) -> tuple[_Stripe, list[Hits]]:
            stripe.bar(ids, sims)
            stripe.held = stripe.vectors()
            room = np.empty(len(stripe.rows) * len(new[0].rows), dtype=np.float32)
            found = [self._product(stripe, other, room) for other in new]
            stripe.held = None
            return stripe, found

        written = []
        for stripe, found in each(meet, self._stripes(np.arange(before))):
            for other, (rows, columns, alike) in zip(new, found, strict=True):
                stripe.add(rows, other.rows[columns], alike)
                other.add(columns, stripe.rows[rows], alike)
            written.append(stripe.renew(ids, sims))
        return np.concatenate(written)

    def renew(self, ids: Ids, sims: Vectors, rows: NDArray[np.intp]) -> None:
        """Make the lists of some rows anew, in place."""
        for stripe in self._stripes(rows):
            stripe.held = stripe.vectors()
            for other in self._stripes(np.arange(len(ids))):
                self._cross(stripe, other, both=False)
            stripe.write(ids, sims)

    def _stripes(self, rows: NDArray[np.intp]) -> Iterator[_Stripe]:
        return (
            _Stripe(self, rows[start : start + self.block])
            for start in range(0, len(rows), self.block)
        )

    def _cross(self, one: _Stripe, other: _Stripe, *, both: bool) -> None:
        """Multiply two stripes and give the first, or both, their hits."""
        rows, columns, alike = self._product(one, other, self.room)
        one.add(rows, other.rows[columns], alike)
        if both:
            other.add(columns, one.rows[rows], alike)

    def _product(self, one: _Stripe, other: _Stripe, room: Vectors) -> Hits:
        """Which faces of two stripes (by their place there) are alike, and how much."""
        high, wide = len(one.rows), len(other.rows)
        flat = room[: high * wide]
        np.matmul(one.vectors(), other.vectors().T, out=flat.reshape(high, wide))
        hits = np.flatnonzero(flat >= self.threshold)
        rows, columns = np.divmod(hits, wide)
        if one.rows[0] <= other.rows[-1] and other.rows[0] <= one.rows[-1]:
            away = one.rows[rows] != other.rows[columns]
            hits, rows, columns = hits[away], rows[away], columns[away]
        return rows, columns, flat[hits]


def _marks(vectors: Pieces, each: Each) -> Whole:
    """A 64-bit hash of each vector [n, d], by whole arithmetic: the same everywhere."""
    odd = mixed(np.arange(1, vectors.width + 1, dtype=np.uint64)) | np.uint64(1)

    def marks(part: slice) -> Whole:
        steps = vectors.read(part)
        if steps.dtype != np.int16:
            steps = in_steps(steps)
        found: Whole = steps.astype(np.int64).view(np.uint64) @ odd
        return found

    return mixed(np.concatenate([*each(marks, vectors.runs(PIECE)), np.empty(0, np.uint64)]))


def mixed(values: Whole) -> Whole:
    """MurmurHash3's 64-bit finaliser: every bit of the input stirs every bit of the output."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values = (values ^ (values >> np.uint64(33))) * np.uint64(factor)
    return values ^ (values >> np.uint64(33))


class _Stripe:
    """The hits of some rows (rising); now and then only what stays in the lists is kept."""

    def __init__(self, search: _Search, rows: NDArray[np.intp]) -> None:
        self.search, self.rows = search, rows
        self.hits: list[Whole] = []
        self.loose = 0
        self.full = False
        self.held: Vectors | None = None
        # What a hit must beat once its row is full: one of the nearest, or one of the drawn.
        self.least_near = np.full(len(rows), 1 << _SIM, dtype=np.int64)
        anything = np.iinfo(np.uint64).max if search.drawn else 0
        self.last_drawn = np.full(len(rows), anything, dtype=np.uint64)

    def vectors(self) -> Vectors:
        """[rows, d]: a view where the rows follow one another and are not in steps."""
        if self.held is not None:
            return self.held
        first, last = self.rows[0], self.rows[-1]
        if last - first + 1 == len(self.rows):
            return self.search.vectors.vectors(slice(first, last + 1))
        return self.search.vectors.vectors(self.rows)

    def bar(self, ids: Ids, sims: Vectors) -> None:
        """Let in only what changes the rows' lists as they are."""
        lists, near, drawn = ids[self.rows], self.search.near, self.search.drawn
        full = np.flatnonzero(lists[:, -1] >= 0)
        lowest = (sims[self.rows[full], near - 1] * np.float32(_STEPS)).astype(np.int64)
        self.least_near[full] = _TOP - lowest
        if drawn:
            lots = self._draw(np.repeat(full, drawn), lists[full, near:].ravel())
            self.last_drawn[full] = lots.reshape(-1, drawn).max(axis=1)
        self.full = True

    def renew(self, ids: Ids, sims: Vectors) -> NDArray[np.intp]:
        """Put the hits into the rows' lists, those that have any; after `bar`. Which those are."""
        hits = np.concatenate(self.hits) if self.hits else np.empty(0, np.uint64)
        rows, at = np.unique(hits >> np.uint64(_SIM + _RANK), return_inverse=True)
        self.hits = []
        if not len(rows):
            return np.empty(0, dtype=np.intp)
        some = _Stripe(self.search, self.rows[rows.astype(np.intp)])
        below = np.uint64((1 << (_SIM + _RANK)) - 1)
        some.hits = [(at.astype(np.uint64) << np.uint64(_SIM + _RANK)) | (hits & below)]
        lists = ids[some.rows]
        here, places = np.nonzero(lists >= 0)
        some.add(here, lists[here, places], sims[some.rows][here, places])
        some.write(ids, sims)
        return some.rows

    def add(self, rows: NDArray[np.intp], columns: NDArray[Any], sims: Vectors) -> None:
        """`rows` counts within the stripe, `columns` are faces."""
        below = _TOP - (sims * np.float32(_STEPS)).astype(np.int64)
        if self.full:
            stay = below <= self.least_near[rows]
            stay |= self._draw(rows, columns) <= self.last_drawn[rows]
            rows, columns, below = rows[stay], columns[stay], below[stay]
        key = (rows.astype(np.int64) << (_SIM + _RANK)) | (below << _RANK)
        self.hits.append((key | self.search.rank[columns]).view(np.uint64))
        self.loose += len(key)
        if self.loose > _SPAN:
            self._settle()

    def write(self, ids: Ids, sims: Vectors) -> None:
        """Put the lists into their places and let go of the hits."""
        rows, below, columns = self._open(self._settle())
        places = np.arange(len(rows)) - _first(rows, len(self.rows))[rows]
        ids[self.rows], sims[self.rows] = -1, 0
        ids[self.rows[rows], places] = columns
        sims[self.rows[rows], places] = (_TOP - below) / _STEPS
        self.hits = []

    def _draw(self, rows: NDArray[np.intp], columns: NDArray[Any]) -> Whole:
        """The lot of each pair: the same from both ends."""
        mark = self.search.mark
        lots: Whole = mark[self.rows[rows]] + mark[columns]
        return mixed(lots)

    def _open(self, keys: Whole) -> tuple[NDArray[np.intp], NDArray[np.int64], Ids]:
        """(row, steps below 2, column) of each hit."""
        values = keys.view(np.int64)
        rows = (keys >> np.uint64(_SIM + _RANK)).astype(np.intp)
        below = (values >> _RANK) & ((1 << _SIM) - 1)
        return rows, below, self.search.row[values & ((1 << _RANK) - 1)]

    def _settle(self) -> Whole:
        """Keep of each row the nearest and the drawn, in this order, and drop the others."""
        keys = np.sort(np.concatenate(self.hits)) if self.hits else np.empty(0, np.uint64)
        rows, below, columns = self._open(keys)
        place = np.arange(len(keys)) - _first(rows, len(self.rows))[rows]
        near, last = place < self.search.near, place == self.search.near - 1
        self.least_near[rows[last]] = below[last]
        rest = np.flatnonzero(~near)
        drawn = rest[self._drawn(rows[rest], columns[rest])]
        kept = np.sort(np.concatenate([np.flatnonzero(near), drawn]))
        best: Whole = keys[kept]
        self.hits, self.loose, self.full = [best], 0, True
        return best

    def _drawn(self, rows: NDArray[np.intp], columns: NDArray[Any]) -> NDArray[np.intp]:
        """Which of these hits (sorted by row) have the lowest lots of their row."""
        lots, count = self._draw(rows, columns), self.search.drawn
        sizes = np.bincount(rows, minlength=len(self.rows))
        # Lots are uniform, so a cut with room to spare leaves nearly all hits out of the sort.
        cut = np.minimum(1.0, _AMPLE * (count + 2) / np.maximum(1, sizes)) * (2.0**64 - 2.0**12)
        low = lots <= cut.astype(np.uint64)[rows]
        short = np.bincount(rows[low], minlength=len(sizes)) < np.minimum(count, sizes)
        some = np.flatnonzero(low | short[rows])
        some = some[np.lexsort((lots[some], rows[some]))]
        place = np.arange(len(some)) - _first(rows[some], len(sizes))[rows[some]]
        if count:
            last = some[place == count - 1]
            self.last_drawn[rows[last]] = lots[last]
        return some[place < count]


def _first(rows: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Where each row begins in the sorted `rows`."""
    return np.searchsorted(rows, np.arange(count))
