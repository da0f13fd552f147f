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

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core.agglomerate import ALONE, Labels, Mask, Spans, agglomerate
from phototag.core.neighbours import Ids
from phototag.core.types import Vectors


def regroup_around(
    vectors: Vectors,
    ids: Ids,
    sims: Vectors,
    photos: NDArray[Any],
    good: Mask,
    order: NDArray[np.int64],
    threshold: float,
    free_photos: Collection[int] = (),
    *,
    among: Mask,
    before: Labels,
    seeds: Mask,
    spans: Spans | None = None,
) -> tuple[Mask, Labels]:
    """The groups among the faces of `among` after a change, told from the groups before it.

    Arguments as for `agglomerate`; in addition: `before` int [n], the group of each face in the
    grouping before the change (-1: alone or not among those grouped then); `seeds` bool [n], faces
    that came, went, or whose list, photo, quality or neighbourhood by the old lists changed.

    Returns which faces were grouped again, bool [n], and their groups, int [n] (-1: alone; what was
    not grouped again has no meaning there and keeps its old group).
    """
    core = seeds | _together(before, seeds)
    while True:
        inside = core & among
        rim = _beside(ids, inside) & among & ~core
        rim |= _together(before, rim) & among & ~core
        region = inside | rim
        found = _grouped(
            vectors, ids, sims, photos, good, order, threshold, free_photos, region, spans
        )
        broken = rim & _differs(before, found, region)
        if not broken.any():
            return core | rim, found
        core |= broken | _together(before, broken)


def _together(groups: Labels, those: Mask) -> Mask:
    """All faces in a group with one of those."""
    numbers = groups[those]
    return np.isin(groups, np.unique(numbers[numbers != ALONE]))


def _beside(ids: Ids, those: Mask) -> Mask:
    """Faces with an edge to one of those, by either's list."""
    flags = np.append(those, False)  # the last is where -1 lands
    found: Mask = np.any(flags[ids], axis=1)
    lists = ids[those]
    found[lists[lists >= 0]] = True
    return found


def _grouped(
    vectors: Vectors,
    ids: Ids,
    sims: Vectors,
    photos: NDArray[Any],
    good: Mask,
    order: NDArray[np.int64],
    threshold: float,
    free_photos: Collection[int],
    region: Mask,
    spans: Spans | None,
) -> Labels:
    """Groups among the faces of a region, -1 elsewhere."""
    rows = np.flatnonzero(region)
    labels = np.full(len(ids), ALONE, dtype=np.int64)
    if len(rows):
        number = np.full(len(ids) + 1, -1, dtype=np.int32)
        number[rows] = np.arange(len(rows), dtype=np.int32)
        labels[rows] = agglomerate(
            vectors[rows],
            number[ids[rows]],
            sims[rows],
            photos[rows],
            good[rows],
            order[rows],
            threshold,
            free_photos,
            spans=None if spans is None else spans[rows],
        )
    return labels


def _differs(before: Labels, found: Labels, region: Mask) -> Mask:
    """Faces of the region whose group is not the same set of faces as before."""
    rows = np.flatnonzero(region)
    old, new = before[rows], found[rows]
    count = np.bincount(before[before != ALONE], minlength=1)
    pairs = np.stack([old, new])
    _, index, size = np.unique(pairs, axis=1, return_inverse=True, return_counts=True)
    met = size[index.ravel()]
    _, at, sizes = np.unique(new, return_inverse=True, return_counts=True)
    same = np.where(
        (old == ALONE) | (new == ALONE),
        old == new,
        (met == sizes[at]) & (met == count[np.maximum(old, 0)]),
    )
    differs = np.zeros(len(before), dtype=np.bool_)
    differs[rows[~same]] = True
    return differs
