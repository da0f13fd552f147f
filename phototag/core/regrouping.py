"""Group again only what a change reaches, with the outcome of grouping everything.

In a large library nearly all faces hang together in one part of the graph, by chance pairs above
the threshold. So parts cannot be the unit of work when somebody is named. Groups can, because:

(1) The grouping of a union of final groups is those groups. Merges within a final group depend on
    its own faces only: a pair of groups that never merge does nothing to either but be compared.
    So edges between different final groups can be left out, or never have been there.
(2) Take the groups in which a face came, went or changed (the core), and their neighbours: groups
    with an edge to a face of the core (the rim). Group core and rim alone, without the edges from
    one group of the rim to another. If every group of the rim comes out as it was, grouping
    everything gives the same: the first merge that crossed from here to the rest, or from one group
    of the rim to another, would have to join parts of two old groups, both with the history they
    had before, when they did not merge.

Where groups of the rim come out changed, what came out is the grouping of a graph that lacks their
edges to all but the core. So the groups that hold their faces now are the next core, and the step
is repeated, until a rim stands. Faces that join groups in the end (`agglomerate`'s low ones) count
as parts of their group; a face alone is a group.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core.agglomerate import ALONE, Labels, Mask, Spans, agglomerate, linked
from phototag.core.neighbours import Ids
from phototag.core.pieces import Pieces
from phototag.core.types import Vectors

Some = NDArray[np.intp]
"""Rows, rising."""


@dataclass(frozen=True, slots=True)
class Faces:
    """All faces, with their graph as `neighbours` makes it: arrays of one length, of which only the
    rows that a change reaches are read."""

    vectors: Pieces
    ids: Ids
    sims: Vectors
    photos: NDArray[Any]
    good: Mask
    """Whether its quality lets a face start groups."""
    order: NDArray[np.int64]
    """A distinct sort key for each face."""
    spans: Spans | None = None

    def beside(self, those: Some) -> Some:
        """Other faces with an edge to one of those."""
        inside = np.zeros(len(self.ids), dtype=np.bool_)
        inside[those] = True
        nearest = self.ids[:, 0]
        found = (nearest >= 0) & inside[nearest]
        for _, _, others, _ in linked(self.ids, those):
            found[others] = True
        return np.flatnonzero(found & ~inside)


def distinct(labels: Labels) -> Labels:
    """The groups among some labels, rising."""
    return np.flatnonzero(np.bincount(labels[labels > ALONE]))


def belong(labels: Labels, groups: Labels) -> Mask:
    """Which labels are of some groups."""
    wanted = np.zeros(labels.max(initial=ALONE) + 2, dtype=np.bool_)  # the last: of those below 0
    wanted[groups[groups < len(wanted) - 1]] = True
    return wanted[np.maximum(labels, ALONE)]


@dataclass(slots=True)
class Standing:
    """What is known of the faces before and after a change, read when it is asked for."""

    look: Callable[[Some], tuple[Mask, Labels]]
    """For some rows: whether each is among those to be grouped now, and its group in the grouping
    before the change (-1: alone, or not among those grouped then)."""
    members: Callable[[Labels], Some]
    """The rows that were in some groups before."""

    def together(self, rows: Some) -> Some:
        """These and all faces that were in a group with one of them."""
        groups = distinct(self.look(rows)[1])
        return np.union1d(rows, self.members(groups)) if len(groups) else rows

    def among(self, rows: Some) -> Some:
        """Those of these that are to be grouped now."""
        return rows[self.look(rows)[0]]


def regroup_around(
    faces: Faces,
    threshold: float,
    free_photos: Collection[int] = (),
    *,
    standing: Standing,
    seeds: Some,
) -> tuple[Some, Labels]:
    """The groups among some faces after a change, told from the groups before it.

    `threshold` and `free_photos` as for `agglomerate`; `seeds`: the rows of faces that came, went,
    or whose list, photo, quality or neighbourhood by the old lists changed.

    Returns the rows that were looked at again and their groups (-1: alone, or not among those to be
    grouped); all other faces keep their old group.
    """
    found = _Found(faces, standing)
    core = standing.together(np.unique(seeds))
    while True:
        inside = standing.among(core)
        rim = np.setdiff1d(standing.among(faces.beside(inside)), core, assume_unique=True)
        rim = np.setdiff1d(standing.among(found.together(rim)), core, assume_unique=True)
        region = np.union1d(inside, rim)
        outside = np.isin(region, rim, assume_unique=True)
        before = found.groups(region)
        groups = _grouped(faces, threshold, free_photos, region, np.where(outside, before, CORE))
        found.put(core, region, groups)
        broken = region[outside & _differs(before, groups)]
        if not len(broken):
            return found.outcome()
        core = found.together(broken)


CORE = -2
"""In place of a group: a face all of whose edges count."""
UNTOUCHED = -2


class _Found:
    """The grouping as far as it is known: what came out, and elsewhere what stood before."""

    def __init__(self, faces: Faces, standing: Standing) -> None:
        self.faces, self.standing = faces, standing
        self.labels = np.full(len(faces.ids), UNTOUCHED, dtype=np.int64)
        self.next = 0

    def together(self, rows: Some) -> Some:
        """These and all faces that are in a group with one of them."""
        labels = self.labels[rows]
        groups = distinct(labels)
        found = belong(self.labels, groups) if len(groups) else np.zeros(len(self.labels), bool)
        found[rows] = True
        found[self.standing.together(rows[labels == UNTOUCHED])] = True
        return np.flatnonzero(found)

    def groups(self, rows: Some) -> Labels:
        """A number for the group of each of these faces; `ALONE` for those without."""
        labels = self.labels[rows]
        _, before = self.standing.look(rows)
        here = np.where(labels > ALONE, before.max(initial=0) + 1 + labels, labels)
        return np.where(labels == UNTOUCHED, before, here)

    def put(self, looked_at: Some, rows: Some, labels: Labels) -> None:
        """Note what came out for some rows; others that were looked at are in no group."""
        self.labels[looked_at] = ALONE
        self.labels[rows] = np.where(labels > ALONE, labels + self.next, ALONE)
        self.next += int(labels.max(initial=ALONE)) + 1

    def outcome(self) -> tuple[Some, Labels]:
        """(rows that were looked at, their groups), numbered by their first face in order."""
        done = np.flatnonzero(self.labels != UNTOUCHED)
        labels = self.labels[done]
        there = np.flatnonzero(labels > ALONE)
        rising = there[np.argsort(self.faces.order[done[there]])]
        _, first, number = np.unique(labels[rising], return_index=True, return_inverse=True)
        place = np.empty(len(first), dtype=np.int64)
        place[np.argsort(first)] = np.arange(len(first))
        labels[rising] = place[number]
        return done, labels


def _grouped(
    faces: Faces, threshold: float, free_photos: Collection[int], region: Some, apart: Labels
) -> Labels:
    """Groups among the faces of a region, without the edges from one group of `apart` to another
    (`CORE` is none; each face that is `ALONE` is one)."""
    if not len(region):
        return np.empty(0, dtype=np.int64)
    number = np.full(len(faces.ids) + 1, -1, dtype=np.int32)
    number[region] = np.arange(len(region), dtype=np.int32)
    near = np.empty((len(region), faces.ids.shape[1]), dtype=np.int32)
    for start in range(0, len(region), 8192):
        part = slice(start, start + 8192)
        near[part] = number[faces.ids[region[part]]]
        mine, theirs = apart[part, None], apart[near[part]]
        across = (mine != theirs) | (mine == ALONE)
        near[part][(mine != CORE) & (theirs != CORE) & across] = -1
    return agglomerate(
        faces.vectors.read(region),
        near,
        faces.sims[region],
        faces.photos[region],
        faces.good[region],
        faces.order[region],
        threshold,
        free_photos,
        spans=None if faces.spans is None else faces.spans[region],
    )


def _differs(old: Labels, new: Labels) -> Mask:
    """Faces whose group is not the same set of faces as before; groups are here as a whole."""
    _, index, size = np.unique(
        np.stack([old, new]), axis=1, return_inverse=True, return_counts=True
    )
    met = size[index.ravel()]
    same = np.where((old == ALONE) | (new == ALONE), old == new, met == _sizes(old))
    same &= (new == ALONE) | (met == _sizes(new))
    differs: Mask = ~same
    return differs


def _sizes(groups: Labels) -> NDArray[np.int64]:
    """How many faces there are in the group of each."""
    _, number, count = np.unique(groups, return_inverse=True, return_counts=True)
    sizes: NDArray[np.int64] = count[number]
    return sizes
