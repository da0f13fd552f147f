"""Numbers of clusters that last: a new grouping takes over the ids of the old one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def keep_ids(
    old: Mapping[int, Collection[int]], new: Sequence[Sequence[int]], next_id: int
) -> tuple[list[int], dict[int, int | None], int]:
    """Give each new group (its faces) an id, so that as many faces as can be keep theirs.

    `old` maps each cluster's id to its faces. Ids go over by the greatest overlap in total (the
    Hungarian method). Groups that get none are numbered from `next_id` in their order; an id is
    never used again. Returns the ids of the new groups, the heir of each old id (itself where it
    goes on, else the group with most of its faces, or None), and the next free id.
    """
    home = {face: cluster for cluster, faces in old.items() for face in faces}
    shared: dict[tuple[int, int], int] = Counter()
    for number, faces in enumerate(new):
        for face in faces:
            if face in home:
                shared[home[face], number] += 1
    ids: list[int | None] = [None] * len(new)
    for cluster, number in _best(shared):
        ids[number] = cluster
    given: list[int] = []
    for cluster_or_none in ids:
        if cluster_or_none is None:
            cluster_or_none, next_id = next_id, next_id + 1
        given.append(cluster_or_none)
    return given, _heirs(old, shared, given), next_id


def _heirs(
    old: Mapping[int, Collection[int]], shared: Mapping[tuple[int, int], int], given: Sequence[int]
) -> dict[int, int | None]:
    heirs: dict[int, int | None] = dict.fromkeys(old)
    most: dict[int, tuple[int, bool, int]] = {}
    for (cluster, number), count in shared.items():
        claim = (count, given[number] == cluster, -number)
        if cluster not in most or claim > most[cluster]:
            most[cluster], heirs[cluster] = claim, given[number]
    for cluster in set(given) & set(old):
        heirs[cluster] = cluster
    return heirs


def _best(shared: Mapping[tuple[int, int], int]) -> list[tuple[int, int]]:
    """Pairs (old id, new group), one to one, that share most: part by connected part."""
    if not shared:
        return []
    clusters = sorted({cluster for cluster, _ in shared})
    groups = sorted({number for _, number in shared})
    row = {cluster: i for i, cluster in enumerate(clusters)}
    column = {number: i for i, number in enumerate(groups)}
    size = len(clusters) + len(groups)
    pairs = sorted(shared)
    one = [row[c] for c, _ in pairs]
    other = [len(clusters) + column[g] for _, g in pairs]
    graph = coo_matrix((np.ones(len(pairs)), (one, other)), shape=(size, size))
    part = connected_components(graph, directed=False)[1]
    parts: dict[int, list[tuple[int, int]]] = {}
    for (cluster, number), at in zip(pairs, one, strict=True):
        parts.setdefault(int(part[at]), []).append((cluster, number))
    found = []
    for inside in parts.values():
        found += _assign(inside, shared)
    return found


def _assign(
    pairs: Sequence[tuple[int, int]], shared: Mapping[tuple[int, int], int]
) -> list[tuple[int, int]]:
    if len(pairs) == 1:
        return list(pairs)
    clusters = sorted({cluster for cluster, _ in pairs})
    groups = sorted({number for _, number in pairs})
    table = np.zeros((len(clusters), len(groups)))
    for cluster, number in pairs:
        table[clusters.index(cluster), groups.index(number)] = shared[cluster, number]
    rows, columns = linear_sum_assignment(table, maximize=True)
    return [(clusters[r], groups[c]) for r, c in zip(rows, columns, strict=True) if table[r, c] > 0]
