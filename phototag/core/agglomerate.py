"""Faces → groups: average linkage on the graph of neighbours, with pairs that cannot be linked.

The mean similarity of two groups of unit vectors is dot(sum A, sum B) / (|A| |B|), so no matrix of
pairs is needed; on the grid the sums and products are exact in float64 up to |A| |B| = 2**31.

Best pair first, cut at the model card's `cluster` threshold. Groups are compared when an edge
between them comes up, edges going from the most similar down. A pair of faces is an edge if each is
in the other's list, or one is the other's nearest. On the graph of all pairs that is
plain average linkage: when two groups merge, what they have in common with a third never rises
above the better of the two, so an older value is a bound that is looked at again only when it
leads. Faces that no chain of edges joins have no influence on one another.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core.neighbours import Ids, Order, ranks
from phototag.core.pieces import Steps
from phototag.core.types import GRID, Vectors

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]
Spans = NDArray[np.int64]
Pair = tuple[float, int, int, int]
"""(-mean similarity, group, later group, how many merges there had been): best first if sorted."""

Tag = tuple[int, int]
"""A photo, and a moment in it: 0 but in videos."""

LINKS = "mutual"
"""Names the rule by which lists of neighbours make edges: what was grouped by another is grouped
again."""

ALONE = -1
"""The label of a face that belongs to no group."""


def agglomerate(
    vectors: Vectors | Steps,
    ids: Ids,
    sims: Vectors,
    photos: NDArray[Any],
    good: Mask,
    order: Order | None,
    threshold: float,
    free_photos: Collection[int] = (),
    *,
    among: Mask | None = None,
    spans: Spans | None = None,
) -> Labels:
    """Group the faces that look alike. Two faces of one photo never come together, and of a video
    no two that are seen at one moment.

    `vectors` [n, d] on the grid, or their steps, with their graph as `neighbours` makes it;
    `photos` int [n], the photo of each; `good` bool [n], whether its quality lets it start groups;
    `order`, a distinct sort key for each face; `among` bool [n], the faces to group (default: all).
    The photos in `free_photos` (mirrors, collages) may show somebody twice.

    `spans` [n, 2] says when each face is seen, from its first moment to its last; those of photos
    are all alike (default: all are).

    Faces that are not `good` link no groups: in the end each joins the group (or the good face)
    that it fits best, if at `threshold` or above, judged against its good faces. Returns int [n]:
    groups numbered from 0 by their first face in `order`; -1 for a face that is alone.
    """
    keep = np.ones(len(vectors), dtype=np.bool_) if among is None else among
    place = ranks(len(vectors), order)
    edges = _Edges.of(ids, sims, place, keep)
    edges = edges.where(edges.sims >= threshold)
    tags = _tags(photos, set(free_photos), keep, place, spans)
    row = np.empty(len(vectors), dtype=np.int64)
    row[place] = np.arange(len(vectors))
    groups = _Groups(vectors, row, tags, threshold)
    strong = edges.where(good[row[edges.one]] & good[row[edges.other]])
    groups.grow(strong)
    weak = edges.where(good[row[edges.one]] != good[row[edges.other]])
    groups.attach(weak, low=~good[row])
    return groups.labels(place)


class _Edges:
    """Pairs of faces by their places in the caller's order, `one` before `other`, best first: those
    that are in each other's list, and each face with its nearest."""

    def __init__(
        self, one: NDArray[np.int64], other: NDArray[np.int64], sims: NDArray[np.float64]
    ) -> None:
        self.one, self.other, self.sims = one, other, sims

    @classmethod
    def of(cls, ids: Ids, sims: Vectors, place: NDArray[np.int64], keep: Mask) -> _Edges:
        codes, values = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for rows, columns, others, mutual in linked(ids, np.flatnonzero(keep)):
            a, b = place[rows], place[others]
            once = keep[others] & ((a < b) | ~mutual)
            codes.append((np.minimum(a, b) * len(ids) + np.maximum(a, b))[once])
            values.append(sims[rows, columns][once])
        pairs, alike = np.concatenate(codes), np.concatenate(values)
        rising = np.argsort(pairs)
        best_first = rising[np.argsort(-alike[rising], kind="stable")]
        one, other = np.divmod(pairs[best_first], max(1, len(ids)))
        return cls(one, other, alike[best_first].astype(np.float64))

    def where(self, those: Mask) -> _Edges:
        return _Edges(self.one[those], self.other[those], self.sims[those])

    def __iter__(self) -> Iterator[Pair]:
        for start in range(0, len(self.sims), 65536):
            part = slice(start, start + 65536)
            columns = (-self.sims[part], self.one[part], self.other[part])
            yield from zip(*(c.tolist() for c in columns), repeat(-1), strict=False)


Entries = tuple[NDArray[np.intp], NDArray[np.intp], Ids, Mask]
"""Rows, places in their lists, the rows named there, and whether those name them, too."""


def linked(ids: Ids, rows: NDArray[np.intp], block: int = 8192) -> Iterator[Entries]:
    """The entries of some rows' lists that make edges, a block at a time: a mutual pair comes up
    from both ends, and another is somebody's nearest."""
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        lists = ids[part]
        at, columns = np.nonzero(lists >= 0)
        mine, others = part[at], lists[at, columns]
        mutual = (ids[others] == mine.astype(np.int32)[:, None]).any(axis=1)
        those = mutual | (columns == 0)
        yield mine[those], columns[those], others[those], mutual[those]


def _tags(
    photos: NDArray[Any],
    free: Collection[int],
    keep: Mask,
    place: NDArray[np.int64],
    spans: Spans | None,
) -> dict[int, set[Tag]]:
    """The photo, where others of the faces are in it too: no two of a photo may share a group. In a
    video, each moment at which a face comes into view is a photo of its own."""
    tags: dict[int, set[Tag]] = {}
    rows = np.flatnonzero(keep)
    _, number, count = np.unique(photos[rows], return_inverse=True, return_counts=True)
    crowd = np.flatnonzero(count[number] > 1)
    for at in crowd.tolist():
        if int(photos[rows[at]]) not in free:
            tags[int(place[rows[at]])] = {(int(number[at]), 0)}
    if spans is not None:
        _split_by_time(tags, spans[rows[crowd]], number[crowd], place[rows[crowd]])
    return tags


def _split_by_time(
    tags: dict[int, set[Tag]], spans: Spans, number: NDArray[np.int64], place: NDArray[np.int64]
) -> None:
    """For the faces of videos: a tag for each moment of their span at which some face begins. Two
    spans meet just where the later one begins."""
    for film in np.unique(number[spans[:, 1] > 0]).tolist():
        here = np.flatnonzero(number == film)
        begins = np.unique(spans[here, 0])
        for at in here.tolist():
            if int(place[at]) in tags:
                first, last = spans[at].tolist()
                shown = begins[(begins >= first) & (begins <= last)].tolist()
                tags[int(place[at])] = {(film, moment) for moment in shown}


class _Groups:
    """Groups while they grow; each goes by its first face's place in the order."""

    def __init__(
        self,
        vectors: Vectors | Steps,
        row: NDArray[np.int64],
        tags: dict[int, set[Tag]],
        threshold: float,
    ) -> None:
        self.vectors, self.row, self.tags, self.threshold = vectors, row, tags, threshold
        self.scale = GRID * GRID if vectors.dtype == np.int16 else 1.0
        self.parent = list(range(len(row)))
        self.size = [1] * len(row)
        self.merges = 0
        self.joined = [0] * len(row)  # after how many merges a face came under its parent
        self.grown = [0] * len(row)  # after how many merges a group was last made larger
        self.sums: dict[int, NDArray[np.float64]] = {}
        self.late: dict[int, int] = {}

    def find(self, face: int) -> int:
        """The group of a face."""
        parent, joined = self.parent, self.joined
        root, since = face, 0
        while parent[root] != root:
            since = joined[root]
            root = parent[root]
        while parent[face] != root:
            above = parent[face]
            parent[face], joined[face] = root, since
            face = above
        return root

    def sum(self, group: int) -> NDArray[np.float64]:
        found = self.sums.get(group)
        # Of a face alone it is not kept: it would be 2 kB for each of the faces.
        return self.vectors[self.row[group]].astype(np.float64) if found is None else found

    def _mean(self, one: int, other: int) -> float:
        """The mean similarity between the faces of two groups."""
        total = float(self.sum(one).dot(self.sum(other))) * self.scale
        return total / (self.size[one] * self.size[other])

    def clash(self, one: int, other: int) -> bool:
        """Whether a tag keeps the two groups apart."""
        ours, theirs = self.tags.get(one), self.tags.get(other)
        return ours is not None and theirs is not None and not ours.isdisjoint(theirs)

    def grow(self, edges: Iterable[Pair]) -> None:
        """Merge the best pair until none is left at the threshold.

        The next pair comes from the edges or from the heap of groups that were compared, whichever
        is better. A pair that is not up to date is compared anew and put back, unless the two
        groups were compared since both its faces are in them: that covers it.
        """
        heap: list[Pair] = []
        compared: dict[int, int] = {}
        width, coming = len(self.parent), iter(edges)
        fresh = next(coming, None)
        while fresh or heap:
            if fresh and (not heap or fresh < heap[0]):
                pair, fresh = fresh, next(coming, None)
            else:
                pair = heapq.heappop(heap)
            a, b, when = pair[1:]
            one, other = self.find(a), self.find(b)
            if one == other:
                continue
            together = max(self.joined[a], self.joined[b])
            if one > other:
                one, other = other, one
            key = one * width + other
            last = compared.get(key, -1)
            if self._is_current(pair, one, other):
                if not self.clash(one, other):
                    self._merge(one, other)
            elif last < together or last <= when:
                compared[key] = self.merges
                mean = self._mean(one, other)
                if mean >= self.threshold and not self.clash(one, other):
                    heapq.heappush(heap, (-mean, one, other, self.merges))

    def _is_current(self, pair: Pair, one: int, other: int) -> bool:
        """Whether the pair is of these groups and neither has grown since it was compared."""
        _, a, b, when = pair
        return (a, b) == (one, other) and max(self.grown[a], self.grown[b]) <= max(when, 0)

    def _merge(self, a: int, b: int) -> None:
        self.sums[a] = self.sum(a) + self.sum(b)
        self.sums.pop(b, None)
        self.merges += 1
        self.parent[b], self.size[a] = a, self.size[a] + self.size[b]
        self.joined[b] = self.grown[a] = self.merges
        theirs = self.tags.pop(b, None)
        if theirs is not None:
            ours = self.tags.get(a, set())
            small, large = sorted((ours, theirs), key=len)
            large |= small
            self.tags[a] = large

    def attach(self, edges: _Edges, low: Mask) -> None:
        """Let the faces that are `low` (by place) join groups, best first."""
        faces = np.where(low[edges.one], edges.one, edges.other).tolist()
        beside = np.where(low[edges.one], edges.other, edges.one).tolist()
        wishes = {(face, self.find(good)) for face, good in zip(faces, beside, strict=True)}
        ranked = []
        for face, group in wishes:
            mean = self._mean(face, group)
            if mean >= self.threshold:
                ranked.append((-mean, face, group))
        for _, face, group in sorted(ranked):
            if face not in self.late and not self.clash(face, group):
                self.late[face] = group
                if face in self.tags:
                    self.tags.setdefault(group, set()).update(self.tags[face])

    def labels(self, place: NDArray[np.int64]) -> Labels:
        """The group of each row, numbered."""
        group = np.array([self.find(face) for face in range(len(self.row))], dtype=np.int64)
        for face, joined in self.late.items():
            group[face] = joined
        names, first, number, count = np.unique(
            group, return_index=True, return_inverse=True, return_counts=True
        )
        together = count > 1
        new = np.full(len(names), ALONE, dtype=np.int64)
        new[np.flatnonzero(together)[np.argsort(first[together])]] = np.arange(together.sum())
        found: Labels = new[number][place]
        return found
