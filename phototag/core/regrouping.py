"""Group again only what a change reaches, with the outcome of grouping everything.

In a large library nearly all faces hang together in one part of the graph, by chance pairs above
the threshold. So parts cannot be the unit of work when somebody is named. Groups can, because:

(1) The grouping of a union of final groups is those groups. Merges within a final group depend on
    its own faces only: a pair of groups that never merge does nothing to either but be compared.
(2) Take the groups in which a face came, went or changed (the core), and their neighbours: groups
    with an edge to a face of the core (the rim). Group core and rim alone. If every group of the
    rim comes out as it was, grouping everything gives the same: the first merge that crossed from
    here to the rest would have to join a part of a rim group and a part of an old group outside,
    both with the history they had before, when they did not merge.

Where a group of the rim comes out changed it joins the core, and the step is repeated, until the
rim stands (or has nothing outside). Faces that join groups in the end (`agglomerate`'s low ones)
count as parts of their group; a face alone is a group.
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
        count = len(self.ids)
        flags = np.zeros(count + 1, dtype=np.bool_)  # the last is where -1 lands
        flags[those] = True
        mine = self.ids[those]
        at, column = np.nonzero((mine >= 0) & ~flags[mine])
        pairs = [those[at] * count + mine[at, column]]
        nearest = [column == 0]
        for start in range(0, count, 65536):
            part = self.ids[start : start + 65536]
            at, column = np.nonzero(flags[part] & ~flags[start : start + len(part), None])
            pairs.append(part[at, column].astype(np.int64) * count + start + at)
            nearest.append(column == 0)
        edges, _ = linked(np.concatenate(pairs), np.concatenate(nearest))
        return np.unique(edges % max(1, count))


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
        groups = np.unique(self.look(rows)[1])
        groups = groups[groups != ALONE]
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
    core = standing.together(np.unique(seeds))
    former, found = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int64)
    while True:
        inside = standing.among(core)
        rim = np.setdiff1d(standing.among(faces.beside(inside)), core, assume_unique=True)
        rim = np.setdiff1d(standing.among(standing.together(rim)), core, assume_unique=True)
        region = np.union1d(inside, rim)
        if not np.array_equal(region, former):
            former, found = region, _grouped(faces, threshold, free_photos, region)
        broken = np.intersect1d(rim, region[_differs(standing, found, region)], assume_unique=True)
        if not len(broken):
            done = np.union1d(core, rim)
            labels = np.full(len(done), ALONE, dtype=np.int64)
            labels[np.searchsorted(done, region)] = found
            return done, labels
        core = np.union1d(core, standing.together(broken))


def _grouped(faces: Faces, threshold: float, free_photos: Collection[int], region: Some) -> Labels:
    """Groups among the faces of a region."""
    if not len(region):
        return np.empty(0, dtype=np.int64)
    number = np.full(len(faces.ids) + 1, -1, dtype=np.int32)
    number[region] = np.arange(len(region), dtype=np.int32)
    return agglomerate(
        faces.vectors.read(region),
        number[faces.ids[region]],
        faces.sims[region],
        faces.photos[region],
        faces.good[region],
        faces.order[region],
        threshold,
        free_photos,
        spans=None if faces.spans is None else faces.spans[region],
    )


def _differs(standing: Standing, found: Labels, region: Some) -> Mask:
    """Faces of the region whose group is not the same set of faces as before."""
    _, old = standing.look(region)
    _, index, size = np.unique(
        np.stack([old, found]), axis=1, return_inverse=True, return_counts=True
    )
    met = size[index.ravel()]
    _, at, sizes = np.unique(found, return_inverse=True, return_counts=True)
    former, which, here = np.unique(old, return_inverse=True, return_counts=True)
    whole = _sizes(standing, former, here)
    same = np.where(
        (old == ALONE) | (found == ALONE),
        old == found,
        (met == sizes[at]) & (met == whole[which]),
    )
    differs: Mask = ~same
    return differs


def _sizes(standing: Standing, groups: Labels, here: Labels) -> Labels:
    """How many faces there were in each of these groups."""
    rows = standing.members(groups[groups != ALONE])
    _, number = standing.look(rows)
    sizes = here.copy()
    known, count = np.unique(number, return_counts=True)
    sizes[np.searchsorted(groups, known)] = count
    return sizes
