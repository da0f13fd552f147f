"""Clusters of the faces that nobody named: grouped again where something changed, with numbers that
last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import assignments as assignment_table
from phototag.catalog import clusters as table
from phototag.catalog.assignments import Assignment
from phototag.catalog.clusters import AFTER, BEFORE
from phototag.catalog.store import Library
from phototag.core.clustering import keep_ids
from phototag.core.quality import GOOD
from phototag.core.types import Thresholds
from phototag.work.face_table import FaceTable, Refreshed
from phototag.work.recognise import Settled
from phototag.work.remembered import Again, Remembered, as_mapping

ALONE = -1
ABSENT = -2
"""A face that did not take part in clusters before."""


def is_open(assignment: Assignment | None) -> bool:
    """Whether a face takes part in clusters."""
    return assignment is not None and assignment.state in ("unknown", "cluster")


def cluster(
    lib: Library,
    thresholds: Thresholds,
    refreshed: Refreshed,
    settled: Settled,
    free_photos: Collection[int],
    stirred_photos: Collection[int] = (),
    *,
    everything: bool = False,
    decision: int | None = None,
    again: Again | None = None,
    memory: Remembered | None = None,
) -> Settled:
    """Group the open faces around all that changed; what came out is written and told.

    `stirred_photos`: those that came to `free_photos`, or left them. `memory` is what comes out
    where it fits.
    """
    faces = refreshed.table
    now, before = _open_rows(lib, faces, settled)
    if memory is not None and not refreshed.stirred.any():
        free = set(faces.ids[now].tolist())
        stood = as_mapping(faces.ids, before)
        if memory.fits(lib, stood, free):
            return _put_back(lib, memory, stood, free, settled, decision)
    lost = _lost(faces, settled)
    seeds = refreshed.stirred | (now != (before != ABSENT)) | everything
    seeds |= np.isin(faces.photos, np.array(sorted(stirred_photos), dtype=np.int64))
    seeds |= np.isin(before, np.array(sorted(lost), dtype=np.int64))
    if not seeds.any() and not lost:
        return Settled()
    done, labels = _regrouped(faces, thresholds, now, before, seeds, free_photos)
    old = _members(faces, before, done, lost)
    groups = _groups(faces, labels, done & now)
    numbers = given_numbers(lib, old, groups, again)
    _write_numbers(lib, old, groups, numbers, decision)
    by_face = {f: n for n, those in zip(numbers, groups, strict=True) for f in those}
    return _assign(lib, faces.ids[done & now].tolist(), by_face)


def _put_back(
    lib: Library,
    memory: Remembered,
    stood: Mapping[int, int],
    free: Collection[int],
    settled: Settled,
    decision: int | None,
) -> Settled:
    """Write the clusters as they were. `stood`: the cluster of each face until now, which it keeps
    unless the decision changed that one; `free`: the faces that take part in clusters now."""
    _write_numbers(lib, memory.now, list(memory.then.values()), list(memory.then), decision)
    kept = {face: number for face, number in stood.items() if number not in memory.now}
    noted = {face: number for number, faces in memory.then.items() for face in faces}
    by_face = kept | noted
    those = {face for faces in memory.now.values() for face in faces} | noted.keys()
    those |= settled.before.keys() | settled.after.keys()
    return _assign(lib, sorted(those & set(free)), by_face)


def _open_rows(
    lib: Library, faces: FaceTable, settled: Settled
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(which rows are open now, the cluster of each row before: -1 alone, -2 not open then)."""
    now = np.zeros(len(faces.ids), dtype=np.bool_)
    before = np.full(len(faces.ids), ABSENT, dtype=np.int64)
    ids, clusters = assignment_table.open_faces(lib)
    _, rows, at = np.intersect1d(faces.ids, ids, assume_unique=True, return_indices=True)
    now[rows], before[rows] = True, clusters[at]
    for row in faces.rows(settled.before.keys() | settled.after.keys()).tolist():
        was = settled.before.get(int(faces.ids[row]))
        before[row] = ABSENT
        if was is not None and is_open(was):
            before[row] = ALONE if was.cluster is None else was.cluster
    return now, before


def _lost(faces: FaceTable, settled: Settled) -> dict[int, set[int]]:
    """Clusters that lost faces which are not in the table any more, with those faces."""
    clusters = {f: a.cluster for f, a in settled.before.items() if a.cluster is not None}
    here = set(faces.ids[faces.rows(clusters)].tolist())
    lost: dict[int, set[int]] = defaultdict(set)
    for face, number in clusters.items():
        if face not in here:
            lost[number].add(face)
    return lost


def _regrouped(
    faces: FaceTable,
    thresholds: Thresholds,
    now: NDArray[np.bool_],
    before: NDArray[np.int64],
    seeds: NDArray[np.bool_],
    free_photos: Collection[int],
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    from phototag.core.regrouping import regroup_around

    return regroup_around(
        faces.vectors,
        faces.near,
        faces.sims,
        faces.photos,
        faces.qualities >= GOOD,
        faces.ranks,
        thresholds.cluster,
        free_photos,
        among=now,
        before=np.maximum(before, ALONE),
        seeds=seeds,
        spans=faces.spans,
    )


def _members(
    faces: FaceTable,
    before: NDArray[np.int64],
    done: NDArray[np.bool_],
    lost: Mapping[int, set[int]],
) -> dict[int, set[int]]:
    """The clusters that were looked at again, with their members before."""
    members: dict[int, set[int]] = defaultdict(set, {n: set(those) for n, those in lost.items()})
    rows = np.flatnonzero(done & (before > ALONE))
    for number, face in zip(before[rows].tolist(), faces.ids[rows].tolist(), strict=True):
        members[number].add(face)
    return members


def _groups(
    faces: FaceTable, labels: NDArray[np.int64], those: NDArray[np.bool_]
) -> list[list[int]]:
    """The new groups as faces: largest first, then by their first face in order."""
    groups: dict[int, list[int]] = defaultdict(list)
    rows = np.flatnonzero(those & (labels != ALONE))
    for label, face in zip(labels[rows].tolist(), faces.ids[rows].tolist(), strict=True):
        groups[label].append(face)
    return [group for _, group in sorted(groups.items(), key=lambda kv: (-len(kv[1]), kv[0]))]


def _assign(lib: Library, faces: Iterable[int], numbers: Mapping[int, int]) -> Settled:
    """Write the numbers into the assignments of these open faces; None for those without."""
    old = assignment_table.assignments(lib, faces)
    new = {}
    for face, assignment in old.items():
        number = numbers.get(face)
        state = "unknown" if number is None else "cluster"
        new[face] = replace(assignment, cluster=number, state=state)
    assignment_table.save_assignments(lib, old, new)
    settled = Settled()
    settled.add(old, new)
    return settled


# ---- numbers


def given_numbers(
    lib: Library,
    old: Mapping[int, Collection[int]],
    groups: Sequence[Collection[int]],
    again: Again | None = None,
) -> list[int]:
    """A number for each new group.

    A group that stayed the same keeps its number. An undo gives those back that its decision took.
    A group of the same faces as one that ended has its number again. The others take over by
    overlap, or are new.
    """
    logged = {} if again is None else table.logged_numbers(lib, again.decision, again.side)
    by_faces = {frozenset(those): number for number, those in old.items()}

    def kept(those: Collection[int]) -> list[int]:
        number = by_faces.get(frozenset(those))
        return [] if number is None else [number]

    def taken_back(those: Collection[int]) -> list[int]:
        number = logged.get(table.membership_digest(those))
        return [] if number is None else [number]

    def had_before(those: Collection[int]) -> list[int]:
        return table.clusters_of_membership(lib, those)

    given: dict[int, int] = {}
    for wish in (kept, taken_back, had_before):
        taken = set(given.values())
        for place, those in enumerate(groups):
            for number in wish(those) if place not in given else ():
                if number not in taken and (number in old or not table.is_alive(lib, number)):
                    given[place] = number
                    taken.add(number)
                    break
    rest = [place for place in range(len(groups)) if place not in given]
    left = {number: those for number, those in old.items() if number not in given.values()}
    next_id = max([table.next_cluster(lib), *(number + 1 for number in given.values())])
    others, _, _ = keep_ids(left, [list(groups[p]) for p in rest], next_id)
    given.update(zip(rest, others, strict=True))
    return [given[place] for place in range(len(groups))]


def _write_numbers(
    lib: Library,
    old: Mapping[int, Collection[int]],
    groups: Sequence[Collection[int]],
    numbers: Sequence[int],
    decision: int | None,
) -> None:
    new = dict(zip(numbers, groups, strict=True))
    began = {n: those for n, those in new.items() if set(those) != old.get(n)}
    ended = {n: those for n, those in old.items() if set(those) != set(new.get(n, ()))}
    for number, those in sorted(began.items()):
        table.write_cluster(lib, number, those)
    for number, those in sorted(ended.items()):
        if number not in new:
            table.retire_cluster(lib, number, those)
    if decision is not None:
        table.log_numbers(lib, decision, BEFORE, ended)
        table.log_numbers(lib, decision, AFTER, began)
