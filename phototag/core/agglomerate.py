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

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core.growth import State, clash, hand_on, product, way
from phototag.core.neighbours import Ids, Order, ranks
from phototag.core.pieces import Steps
from phototag.core.types import GRID, Vectors

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]
Spans = NDArray[np.int64]

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
    return grown(
        vectors, ids, sims, photos, good, order, threshold, free_photos, among=among, spans=spans
    ).labels


@dataclass(frozen=True, slots=True)
class Grown:
    """Groups, and how they came to be; arrays of one length."""

    labels: Labels
    """The group of each face, as `agglomerate` tells."""
    places: NDArray[np.int32]
    """The place of each good face in its group: the faces of a smaller group that it came from
    stand next to one another. -1 for others."""
    gaps: NDArray[np.float64]
    """When each came together with the next one: how alike the worst pair was that had been looked
    at by then. 0 for the last one."""


def grown(
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
) -> Grown:
    """The same, and how the groups grew."""
    keep = np.ones(len(vectors), dtype=np.bool_) if among is None else among
    place = ranks(len(vectors), order)
    edges = _Edges.of(ids, sims, place, keep)
    edges = edges.where(edges.sims >= threshold)
    tags = _Tags.of(photos, free_photos, keep, place, spans)
    row = np.empty(len(vectors), dtype=np.int64)
    row[place] = np.arange(len(vectors))
    groups = _Groups(vectors, row, tags, threshold)
    strong = edges.where(good[row[edges.one]] & good[row[edges.other]])
    groups.grow(strong)
    weak = edges.where(good[row[edges.one]] != good[row[edges.other]])
    groups.attach(weak, low=~good[row])
    places, gaps = groups.lines()
    return Grown(groups.labels(place), np.where(good, places[place], -1), gaps[place])


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


Entries = tuple[NDArray[np.intp], NDArray[np.intp], Ids, Mask]
"""Rows, places in their lists, the rows named there, and whether those name them, too."""


def linked(
    ids: Ids, rows: NDArray[np.intp], parts: Labels | None = None, block: int = 8192
) -> Iterator[Entries]:
    """The entries of some rows' lists that make edges, a block at a time: a mutual pair comes up
    from both ends, and another is somebody's nearest. With `parts`, only those from one part to
    another."""
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        lists = ids[part]
        there = lists >= 0
        if parts is not None:
            there &= parts[lists] != parts[part][:, None]
        at, columns = np.nonzero(there)
        mine, others = part[at], lists[at, columns]
        mutual = (ids[others] == mine.astype(np.int32)[:, None]).any(axis=1)
        those = mutual | (columns == 0)
        yield mine[those], columns[those], others[those], mutual[those]


@dataclass(frozen=True, slots=True)
class _Tags:
    """What keeps faces apart: a tag, in numbers, is given to faces of which no two may share a
    group. Entries in the order of their faces."""

    faces: NDArray[np.int64]
    """By place; one that has several tags comes up several times."""
    tags: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        photos: NDArray[Any],
        free: Collection[int],
        keep: Mask,
        place: NDArray[np.int64],
        spans: Spans | None,
    ) -> _Tags:
        """The photo, where others of the faces are in it too. In a video, each moment at which a
        face comes into view is a photo of its own."""
        rows = np.flatnonzero(keep)
        _, number, count = np.unique(photos[rows], return_inverse=True, return_counts=True)
        crowd = count[number] > 1
        rows, number = rows[crowd], number[crowd]
        apart = ~np.isin(photos[rows], np.array(sorted(free), dtype=np.int64))
        faces, tags = [place[rows]], [number]
        if spans is not None:
            films = np.unique(number[spans[rows, 1] > 0])
            for film in films.tolist():
                here = number == film
                at, moments = _moments(spans[rows[here]])
                some = apart[here][at]
                faces.append(place[rows[here]][at[some]])
                tags.append(moments[some] + sum(len(t) for t in tags) + len(count))
            apart &= ~np.isin(number, films)
        faces[0], tags[0] = faces[0][apart], tags[0][apart]
        found, names = np.concatenate(faces), np.concatenate(tags)
        rising = np.argsort(found, kind="stable")
        return cls(found[rising], names[rising])


def _moments(spans: Spans) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(faces of a video, each with a number for a moment of its span at which some face begins).
    Two spans meet just where the later one begins."""
    begins = np.unique(spans[:, 0])
    at, moments = np.nonzero((begins >= spans[:, :1]) & (begins <= spans[:, 1:]))
    return at, moments


class _Groups:
    """Groups while they grow; each goes by its first face's place in the order."""

    def __init__(
        self,
        vectors: Vectors | Steps,
        row: NDArray[np.int64],
        tags: _Tags,
        threshold: float,
    ) -> None:
        count = len(row)
        self.way = way(count)
        self.vectors, self.threshold = vectors, threshold
        self.scale = GRID * GRID if vectors.dtype == np.int16 else 1.0
        self.held = self.way.table()

        def filled(size: int, value: int) -> Any:
            return self.way.numbers(np.full(size, value, dtype=np.int32))

        self.row = self.way.numbers(row.astype(np.int32))
        self.state = State(
            parent=self.way.numbers(np.arange(count, dtype=np.int32)),
            size=filled(count, 1),
            joined=filled(count, 0),
            grown=filled(count, 0),
            slot=filled(count, -1),
            sums=np.empty((count // 2 + 1, vectors.shape[1])),
            free=filled(count // 2 + 1, 0),
            counts=self.way.numbers(np.zeros(3, dtype=np.int64)),
            after=filled(count, -1),
            tail=self.way.numbers(np.arange(count, dtype=np.int32)),
            gaps=np.zeros(count),
            now=np.full(1, 2.0),
            **self._tagged(count, tags),
        )
        self.late: dict[int, int] = {}

    def _tagged(self, count: int, tags: _Tags) -> dict[str, Any]:
        """The sets of tags of the faces, in numbers."""
        first, last, sets = (np.full(count, -1) for _ in range(3))
        follows = np.append(tags.faces[1:] == tags.faces[:-1], False)[: len(tags.faces)]
        following = np.where(follows, np.arange(1, len(follows) + 1), -1)
        last[tags.faces] = np.arange(len(tags.faces))
        first[tags.faces[::-1]] = np.arange(len(tags.faces))[::-1]
        sets[tags.faces] = tags.faces
        _, names = np.unique(tags.tags, return_inverse=True)
        many = np.bincount(tags.faces, minlength=count)
        arrays = {"sets": sets, "tags": many, "first": first, "last": last}
        arrays |= {"follows": following, "tag": names}
        found = {n: self.way.numbers(values.astype(np.int32)) for n, values in arrays.items()}
        self.way.hold(self.held, self.way.numbers(tags.faces.astype(np.int64)), found["tag"])
        return found

    def _mean(self, one: int, other: int) -> float:
        """The mean similarity between the faces of two groups."""
        state, size = self.state, self.state.size
        both = product(self.vectors, self.row, state.slot, state.sums, one, other) * self.scale
        return both / (int(size[one]) * int(size[other]))

    def _clash(self, one: int, other: int) -> bool:
        s = self.state
        return clash(s.sets, s.tags, s.first, s.follows, s.tag, self.held, one, other)

    def grow(self, edges: _Edges) -> None:
        """Merge the best pair until none is left at the threshold."""
        self.way.grow(
            edges.one, edges.other, edges.sims, self.state, self.held, self.vectors, self.row,
            self.threshold, self.scale,
        )  # fmt: skip

    def groups(self) -> NDArray[np.int64]:
        """The group of each face."""
        found = np.empty(len(self.row), dtype=np.int64)
        self.way.roots(self.state.parent, self.state.joined, found)
        return found

    def lines(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """(the place of each face in its group, when it came together with the next one)."""
        places = np.zeros(len(self.row), dtype=np.int32)
        self.way.lines(self.groups(), self.state.after, places)
        return places, self.state.gaps

    def attach(self, edges: _Edges, low: Mask) -> None:
        """Let the faces that are `low` (by place) join groups, best first."""
        group_of = self.groups()
        faces = np.where(low[edges.one], edges.one, edges.other).tolist()
        groups = group_of[np.where(low[edges.one], edges.other, edges.one)].tolist()
        ranked = []
        for face, group in set(zip(faces, groups, strict=True)):
            mean = self._mean(face, group)
            if mean >= self.threshold:
                ranked.append((-mean, face, group))
        for _, face, group in sorted(ranked):
            if face not in self.late and not self._clash(face, group):
                self.late[face] = group
                hand_on(self.state, self.held, group, face)

    def labels(self, place: NDArray[np.int64]) -> Labels:
        """The group of each row, numbered."""
        group = self.groups()
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
