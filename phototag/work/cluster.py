"""Clusters of the faces that nobody named: grouped again where something changed, with numbers that
last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import assignments as assignment_table
from phototag.catalog import clusters as table
from phototag.catalog.assignments import Assignment
from phototag.catalog.clusters import AFTER, BEFORE
from phototag.catalog.store import Library
from phototag.core.clustering import keep_ids
from phototag.core.regrouping import Standing, belong, regroup_around
from phototag.core.types import Thresholds
from phototag.work.face_table import FaceTable, Refreshed, keep_history
from phototag.work.recognise import Settled
from phototag.work.remembered import Again, Remembered, as_mapping
from phototag.work.threads import by_threads

ALONE = -1
ABSENT = -2
"""A face that did not take part in clusters before."""


def stood_before(settled: Settled) -> dict[int, int]:
    """Where each face that was settled anew stood: its cluster, `ALONE` or `ABSENT`."""
    return {face: _stood(settled.before.get(face)) for face in settled.faces}


def _stood(assignment: Assignment | None) -> int:
    if assignment is None or assignment.state not in ("unknown", "cluster"):
        return ABSENT
    return ALONE if assignment.cluster is None else assignment.cluster


def cluster(
    lib: Library,
    thresholds: Thresholds,
    refreshed: Refreshed,
    stirred: Mapping[int, int],
    free_photos: Collection[int],
    stirred_photos: Collection[int] = (),
    *,
    everything: bool = False,
    decision: int | None = None,
    again: Again | None = None,
    memory: Remembered | None = None,
) -> Settled:
    """Group the open faces around all that changed; what came out is written and told.

    `stirred`: the faces that were settled anew, as `stood_before` tells. `stirred_photos`: those
    that came to `free_photos`, or left them. `memory` is what comes out where it fits.
    """
    faces = refreshed.table
    open_rows = OpenRows(lib, faces, stirred, everything=everything)
    if memory is not None and not refreshed.stirred.any():
        as_it_was = _remembered(lib, memory, open_rows, stirred, decision)
        if as_it_was is not None:
            return as_it_was
    lost = _lost(faces, stirred)
    seeds = open_rows.turned | refreshed.stirred | everything
    seeds |= np.isin(faces.photos, np.array(sorted(stirred_photos), dtype=np.int64))
    seeds[open_rows.members(np.array(sorted(lost), dtype=np.int64))] = True
    if not (seeds.any() or lost or len(refreshed.lost) or refreshed.fresh):
        return Settled()
    found = regroup_around(
        faces.graph(),
        thresholds.cluster,
        free_photos,
        standing=Standing(open_rows.look, open_rows.members),
        seeds=np.flatnonzero(seeds),
        lost=refreshed.lost,
        each=by_threads,
    )
    if refreshed.fresh:
        keep_history(lib, faces, found.known, found.history)
    done, labels = found.rows, found.labels
    now, before = open_rows.look(done)
    old = _members(faces.ids[done], before, lost)
    groups = _groups(faces.ids[done[now]], labels[now])
    numbers = given_numbers(lib, old, groups, again)
    _write_numbers(lib, old, groups, numbers, decision)
    by_face = {f: n for n, those in zip(numbers, groups, strict=True) for f in those}
    given = np.array(
        [by_face.get(face, ALONE) for face in faces.ids[done].tolist()], dtype=np.int64
    )
    others = now & ((given != before) | open_rows.touched[done])
    return _assign(lib, faces.ids[done[others]].tolist(), by_face)


def _remembered(
    lib: Library,
    memory: Remembered,
    rows: OpenRows,
    stirred: Mapping[int, int],
    decision: int | None,
) -> Settled | None:
    """Write the clusters as they were, each face of no other cluster keeping its own; None where
    the catalogue is not as it was noted."""
    numbers = np.array(sorted(memory.now), dtype=np.int64)
    noted = {face: number for number, faces in memory.then.items() for face in faces}
    those = {face for faces in memory.now.values() for face in faces} | noted.keys()
    those |= stirred.keys()
    here = np.union1d(rows.members(numbers), rows.faces.rows(those))
    now, before = rows.look(here)
    stood = as_mapping(rows.faces.ids[here], before)
    free = set(rows.faces.ids[here[now]].tolist())
    if not memory.fits(lib, stood, free):
        return None
    _write_numbers(lib, memory.now, list(memory.then.values()), list(memory.then), decision)
    kept = {face: number for face, number in stood.items() if number not in memory.now}
    return _assign(lib, sorted(those & free), kept | noted)


class OpenRows:
    """Which faces take part in clusters now, and in which cluster each was before: read for the
    rows that are asked for."""

    def __init__(
        self, lib: Library, faces: FaceTable, stirred: Mapping[int, int], *, everything: bool
    ) -> None:
        self.lib, self.faces = lib, faces
        count = len(faces.ids)
        self._known = np.zeros(count, dtype=np.bool_)
        self._now = np.zeros(count, dtype=np.bool_)
        self._before = np.full(count, ABSENT, dtype=np.int64)
        self._whole: set[int] = set()
        self.touched = np.zeros(count, dtype=np.bool_)
        """Faces whose assignment was settled anew."""
        touched = faces.rows(stirred)
        if everything:
            self._take(*assignment_table.open_faces(lib))
            self._known[:] = True
        else:
            self._read(touched)
        self.touched[touched] = True
        written = self._before[touched]
        stood = [stirred[face] for face in faces.ids[touched].tolist()]
        self._before[touched] = np.array(stood, dtype=np.int64)
        self.turned = self._known & (self._now != (self._before != ABSENT))
        """Faces that take part now and did not before, or the other way round, or that left their
        cluster meanwhile."""
        self.turned[touched] |= written != self._before[touched]

    def look(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """(which take part now, their clusters before: -1 for those without)."""
        self._read(rows[~self._known[rows]])
        return self._now[rows], np.maximum(self._before[rows], ALONE)

    def members(self, clusters: NDArray[np.int64]) -> NDArray[np.intp]:
        """The rows that were in some clusters."""
        asked = set(clusters.tolist()) - self._whole
        if asked:
            self._take(*assignment_table.clustered(self.lib, sorted(asked)))
            self._whole |= asked
        return np.flatnonzero(belong(self._before, clusters))

    def _read(self, rows: NDArray[np.intp]) -> None:
        if len(rows):
            ids = self.faces.ids[rows].tolist()
            self._take(*assignment_table.open_among(self.lib, ids))
            self._known[rows] = True

    def _take(self, ids: NDArray[np.int64], clusters: NDArray[np.int64]) -> None:
        """Note what the catalogue says of open faces that were not known yet."""
        order = np.argsort(ids)
        ids, clusters = ids[order], clusters[order]
        rows = self.faces.rows_of(ids)
        at = np.searchsorted(ids, self.faces.ids[rows])
        new = ~self._known[rows]
        rows, at = rows[new], at[new]
        self._now[rows], self._before[rows] = True, clusters[at]
        self._known[rows] = True


def _lost(faces: FaceTable, stirred: Mapping[int, int]) -> dict[int, set[int]]:
    """Clusters that lost faces which are not in the table any more, with those faces."""
    clusters = {face: stood for face, stood in stirred.items() if stood > ALONE}
    here = set(faces.ids[faces.rows(clusters)].tolist())
    lost: dict[int, set[int]] = defaultdict(set)
    for face, number in clusters.items():
        if face not in here:
            lost[number].add(face)
    return lost


def _members(
    ids: NDArray[np.int64], before: NDArray[np.int64], lost: Mapping[int, set[int]]
) -> dict[int, set[int]]:
    """The clusters that were looked at again, with their members before."""
    members: dict[int, set[int]] = defaultdict(set, {n: set(those) for n, those in lost.items()})
    there = before > ALONE
    for number, face in zip(before[there].tolist(), ids[there].tolist(), strict=True):
        members[number].add(face)
    return members


def _groups(ids: NDArray[np.int64], labels: NDArray[np.int64]) -> list[list[int]]:
    """The new groups as faces: largest first, then by their first face in order."""
    groups: dict[int, list[int]] = defaultdict(list)
    together = labels != ALONE
    for label, face in zip(labels[together].tolist(), ids[together].tolist(), strict=True):
        groups[label].append(face)
    return [group for _, group in sorted(groups.items(), key=lambda kv: (-len(kv[1]), kv[0]))]


def _assign(lib: Library, faces: Iterable[int], numbers: Mapping[int, int]) -> Settled:
    """Write the numbers into the assignments of these open faces; None for those without."""
    old = assignment_table.assignments(lib, faces)
    new = {}
    for face, assignment in old.items():
        number = numbers.get(face)
        state = "unknown" if number is None else "cluster"
        new[face] = assignment._replace(cluster=number, state=state)
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
    taken = set(given.values())
    left = {number: those for number, those in old.items() if number not in taken}
    next_id = max(table.next_cluster(lib), max(taken, default=0) + 1)
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
