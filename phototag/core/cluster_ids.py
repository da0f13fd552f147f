"""Numbers of clusters that last: a new grouping takes over the ids of the old one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np


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
    """Pairs (old id, new group), one to one, that share the most faces in total."""
    groups_of = Counter(cluster for cluster, _ in shared)
    clusters_of = Counter(number for _, number in shared)
    clear = {(c, n) for c, n in shared if groups_of[c] == 1 and clusters_of[n] == 1}
    contested = {pair: count for pair, count in shared.items() if pair not in clear}
    return sorted(clear) + (_matched(contested) if contested else [])


def _matched(shared: Mapping[tuple[int, int], int]) -> list[tuple[int, int]]:
    """The same by the Hungarian method, for what is not clear at sight."""
    from scipy.sparse import coo_matrix  # a fifth of a second that most decisions do not need
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    pairs = sorted(shared)
    clusters, row = np.unique([cluster for cluster, _ in pairs], return_inverse=True)
    groups, column = np.unique([number for _, number in pairs], return_inverse=True)
    count = len(clusters)
    # A column of its own lets each cluster go without a group; all weights are one higher for it.
    own = np.arange(count)
    weights = np.array([shared[pair] for pair in pairs] + [0] * count) + 1
    table = coo_matrix(
        (weights, (np.append(row, own), np.append(column, len(groups) + own))),
        shape=(count, len(groups) + count),
    )
    rows, columns = min_weight_full_bipartite_matching(table.tocsr(), maximize=True)
    taken = columns < len(groups)
    return list(zip(clusters[rows[taken]].tolist(), groups[columns[taken]].tolist(), strict=True))
