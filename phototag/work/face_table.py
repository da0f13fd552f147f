"""All live faces as arrays: their vectors and the graph of nearest neighbours, kept beside the
catalogue and brought up to date with what changed there.

A function of the live photos and the model alone, whatever the history: only the order of the rows
tells it, and nothing depends on that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import faces as table
from phototag.catalog.arrays import add_arrays, let_go, made_for, read_arrays, write_arrays
from phototag.catalog.checks import seen_faces
from phototag.catalog.faces import VectorTable
from phototag.catalog.store import Library
from phototag.catalog.tracks import spans_of
from phototag.core.meeting import Edges
from phototag.core.neighbours import (
    NEIGHBOURS,
    extend_neighbours,
    lengthened,
    lost_edges,
    neighbours,
    shrink_neighbours,
)
from phototag.core.pieces import Pieces, in_steps
from phototag.core.quality import GOOD
from phototag.core.regrouping import NO_EDGES, Faces, History
from phototag.core.types import Thresholds
from phototag.work.threads import by_threads


@dataclass(frozen=True, slots=True)
class FaceTable:
    """Live faces that the model has seen; arrays of one length."""

    ids: NDArray[np.int64]
    photos: NDArray[np.int64]
    qualities: NDArray[np.float32]
    keys: NDArray[np.bytes_]
    """Anchors as bytes: sort keys that do not depend on when a face was scanned."""
    ranks: NDArray[np.int64]
    """The place of each face by its key."""
    spans: NDArray[np.int64]
    """[n, 2]: in a video, from when to when it is seen; else zeros."""
    steps: Pieces
    """[n, d]: the vectors."""
    near: NDArray[np.int32]
    """[n, k]: rows of the neighbours, -1 for none."""
    sims: NDArray[np.float32]
    """[n, k]: their similarities."""
    marks: NDArray[np.uint64]
    places: NDArray[np.int32]
    gaps: NDArray[np.float64]
    """How the groups grew (`core.regrouping.History`), as far as it is known."""

    def rows(self, faces: Iterable[int]) -> NDArray[np.intp]:
        """Rows of faces, rising; those that are not in the table are left out."""
        return self.rows_of(np.fromiter(faces, dtype=np.int64))

    def rows_of(self, faces: NDArray[np.int64]) -> NDArray[np.intp]:
        """The same."""
        if not len(faces) or not len(self.ids):
            return np.empty(0, dtype=np.intp)
        if not (self.ids[1:] > self.ids[:-1]).all():  # some left and came back
            return np.flatnonzero(np.isin(self.ids, faces))
        wanted = np.sort(faces)  # np.unique takes some times as long, by a hash
        wanted = wanted[np.append(True, wanted[1:] != wanted[:-1])]
        found = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        rows: NDArray[np.intp] = found[self.ids[found] == wanted]
        return rows

    def graph(self) -> Faces:
        """What groups are made from."""
        return Faces(
            self.steps, self.near, self.sims, self.photos, self.qualities >= GOOD, self.ranks,
            self.spans, self.ids, History(self.marks, self.places, self.gaps),
        )  # fmt: skip

    def order(self, rows: NDArray[np.intp]) -> dict[int, int]:
        """Sort key of each of these faces, by id."""
        return dict(zip(self.ids[rows].tolist(), self.ranks[rows].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A table and what changed in it."""

    table: FaceTable
    stirred: NDArray[np.bool_]
    """Rows that are new, or that were beside a face that left."""
    new: NDArray[np.bool_]
    lost: Edges = NO_EDGES
    """Edges that are none any more because of new faces."""
    fresh: bool = True
    """Whether it was written just now."""


def purpose(model: str, thresholds: Thresholds) -> str:
    """What the arrays depend on besides the photos."""
    return f"{model} {thresholds.cluster} {NEIGHBOURS}"


def refreshed(
    lib: Library, model: str, thresholds: Thresholds, changed: Iterable[int]
) -> Refreshed:
    """The table as the catalogue is now, `changed` being all photos in which a face or its vector
    may have come, gone or changed since it was last written. Call inside a transaction."""
    known = _read(lib, model, thresholds)
    if known is None:
        fresh = _written(lib, model, thresholds, _built(lib, model, thresholds))
        everything = np.ones(len(fresh.ids), dtype=np.bool_)
        return Refreshed(fresh, everything, everything)
    photos = sorted(changed)
    now = table.live_vectors(lib, model, photos)
    gone, new = _difference(lib, known, now, np.array(photos, dtype=np.int64))
    if not gone.any() and not new.any():
        nothing = np.zeros(len(known.ids), dtype=np.bool_)
        return Refreshed(known, nothing, nothing, fresh=False)
    stirred = np.zeros(len(known.ids), dtype=np.bool_)
    lost = NO_EDGES
    if gone.any():
        known, stirred = _without(known, gone, thresholds)
    if new.any():
        known, stirred, lost = _with(lib, known, now, new, stirred, thresholds)
    known = _written(lib, model, thresholds, known)
    added = np.zeros(len(known.ids), dtype=np.bool_)
    added[len(known.ids) - int(new.sum()) :] = True
    return Refreshed(known, stirred, added, lost)


def keep_history(lib: Library, faces: FaceTable, rows: NDArray[np.intp], grown: History) -> None:
    """Write how all groups grew, as far as it is known, and how those of some rows did. Call in
    the transaction that wrote the table."""
    kept = {}
    for name in History.__slots__:
        kept[name] = np.array(getattr(faces, name))
        kept[name][rows] = getattr(grown, name)
    add_arrays(lib, kept)


def edges_from(lib: Library, model: str, faces: Iterable[int]) -> dict[int, int]:
    """The faces that some faces' lists of neighbours name: face → how many times. Nothing where the
    table is not made yet."""
    known = _there(lib) if made_for(lib).startswith(f"{model} ") else None
    if known is None:
        return {}
    near = known.near[known.rows(faces)]
    ids, counts = np.unique(known.ids[near[near >= 0]], return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def misfit(lib: Library, model: str, thresholds: Thresholds) -> tuple[int, int]:
    """The table against the catalogue: (faces that it lacks, faces that it has too many). Where
    there is none, it is made at need, and nothing is wrong."""
    known = _read(lib, model, thresholds)
    if known is None:
        return 0, 0
    there, wanted = set(known.ids.tolist()), seen_faces(lib, model)
    return len(wanted - there), len(there - wanted)


def _read(lib: Library, model: str, thresholds: Thresholds) -> FaceTable | None:
    return _there(lib) if made_for(lib) == purpose(model, thresholds) else None


def _there(lib: Library) -> FaceTable | None:
    arrays = read_arrays(lib)
    if arrays is None or set(FaceTable.__slots__) - set(arrays) - set(History.__slots__):
        return None
    unknown = History.empty(len(arrays["ids"]))
    arrays = {name: getattr(unknown, name) for name in History.__slots__} | arrays
    if set(arrays) != set(FaceTable.__slots__):
        return None
    if len({len(values) for values in arrays.values()}) != 1:
        return None
    return FaceTable(**arrays)


def _written(lib: Library, model: str, thresholds: Thresholds, faces: FaceTable) -> FaceTable:
    """The same, once it is on the disk, from where it is read at need; all but how groups grew,
    which is written when they have grown again."""
    arrays = {name: getattr(faces, name) for name in FaceTable.__slots__}
    grown = {name: arrays.pop(name) for name in History.__slots__}
    write_arrays(lib, purpose(model, thresholds), arrays)
    there = _there(lib)
    return faces if there is None else replace(there, **grown)


def _built(lib: Library, model: str, thresholds: Thresholds) -> FaceTable:
    """From nothing."""
    ids, photos, vectors, qualities = table.live_vectors(lib, model)
    keys = _keys(lib, ids)
    ranks = _ranks(keys)
    near, sims = neighbours(vectors, NEIGHBOURS, thresholds.cluster, order=ranks)
    spans = spans_of(lib, ids)
    steps = Pieces.of(in_steps(vectors))
    unknown = History.empty(len(ids))
    return FaceTable(
        ids, photos, qualities, keys, ranks, spans, steps, near, sims,
        unknown.marks, unknown.places, unknown.gaps,
    )  # fmt: skip


def _difference(
    lib: Library, known: FaceTable, now: VectorTable, photos: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(rows of the table that are gone, rows of `now` that are new); a face whose vector, quality
    or span is another one is both."""
    ids, _, vectors, qualities = now
    here = np.flatnonzero(np.isin(known.photos, photos))
    gone = np.zeros(len(known.ids), dtype=np.bool_)
    gone[here] = True
    new = np.ones(len(ids), dtype=np.bool_)
    _, mine, theirs = np.intersect1d(known.ids[here], ids, return_indices=True)
    if len(mine):
        rows = here[mine]
        same = (known.steps.read(rows) == in_steps(vectors[theirs])).all(axis=1)
        same &= known.qualities[rows] == qualities[theirs]
        same &= (known.spans[rows] == spans_of(lib, ids[theirs])).all(axis=1)
        gone[rows[same]] = False
        new[theirs[same]] = False
    return gone, new


def _without(
    known: FaceTable, gone: NDArray[np.bool_], thresholds: Thresholds
) -> tuple[FaceTable, NDArray[np.bool_]]:
    near, sims, changed = shrink_neighbours(
        known.near, known.sims, known.steps, gone, NEIGHBOURS, thresholds.cluster,
        order=known.ranks,
    )  # fmt: skip
    beside = np.zeros(len(gone) + 1, dtype=np.bool_)  # the last is where -1 lands
    beside[known.near[gone]] = True
    stay = ~gone
    stirred = beside[:-1][stay]
    stirred[changed] = True
    return (
        FaceTable(
            known.ids[stay],
            known.photos[stay],
            known.qualities[stay],
            known.keys[stay],
            _ranks_left(known.ranks, stay),
            known.spans[stay],
            known.steps.chosen(np.flatnonzero(stay)),
            near,
            sims,
            np.where(stirred, np.uint64(0), known.marks[stay]),
            known.places[stay],
            known.gaps[stay],
        ),
        stirred,
    )


def _with(
    lib: Library,
    known: FaceTable,
    now: VectorTable,
    new: NDArray[np.bool_],
    stirred: NDArray[np.bool_],
    thresholds: Thresholds,
) -> tuple[FaceTable, NDArray[np.bool_], Edges]:
    ids, photos, vectors, qualities = now
    fresh, before = _keys(lib, ids[new]), len(known.ids)
    ranks = _ranks_grown(known, fresh)
    keys = _longer(known.keys, fresh)
    into = lengthened(known.near, len(fresh), -1), lengthened(known.sims, len(fresh), 0)
    for lists in (known.near, known.sims):
        let_go(lists)
    near, sims, changed = extend_neighbours(
        known.near, known.sims, known.steps, vectors[new], NEIGHBOURS,
        thresholds.cluster, order=ranks, each=by_threads, into=into,
    )  # fmt: skip
    lost = Edges(*lost_edges((known.near, known.sims), near[:before], changed))
    unknown = History.empty(len(fresh))
    marks = _longer(known.marks, unknown.marks)
    marks[lost.one] = marks[lost.other] = 0
    return (
        FaceTable(
            _longer(known.ids, ids[new]),
            _longer(known.photos, photos[new]),
            _longer(known.qualities, qualities[new]),
            keys,
            ranks,
            _longer(known.spans, spans_of(lib, ids[new])),
            known.steps.and_then(in_steps(vectors[new])),
            near,
            sims,
            marks,
            _longer(known.places, unknown.places),
            _longer(known.gaps, unknown.gaps),
        ),
        _longer(stirred, np.ones(len(fresh), dtype=np.bool_)),
        lost,
    )


def _longer(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
    """Both, one after the other; the first is not needed any more."""
    found = np.concatenate([old, new])
    let_go(old)
    return found


def _keys(lib: Library, ids: NDArray[np.int64]) -> NDArray[np.bytes_]:
    found = table.anchor_keys(lib, ids.tolist())
    return np.array([found[number] for number in ids.tolist()], dtype="S56")


def _ranks(keys: NDArray[np.bytes_]) -> NDArray[np.int64]:
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return ranks


def _ranks_left(ranks: NDArray[np.int64], stay: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The places of those that stay among themselves."""
    there = np.zeros(len(ranks), dtype=np.int64)
    there[ranks[stay]] = 1
    left: NDArray[np.int64] = (np.cumsum(there) - 1)[ranks[stay]]
    return left


def _ranks_grown(known: FaceTable, fresh: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """The places of the known faces followed by the fresh ones: `_ranks` of all keys, without
    sorting the known ones again."""
    order = np.empty(len(known.ranks), dtype=np.int64)
    order[known.ranks] = np.arange(len(order))
    rising = np.argsort(fresh, kind="stable")
    at = np.searchsorted(known.keys, fresh[rising], side="right", sorter=order)
    before = np.cumsum(np.bincount(at, minlength=len(order) + 1))
    ranks = np.empty(len(order) + len(fresh), dtype=np.int64)
    ranks[: len(order)] = known.ranks + before[known.ranks]
    ranks[len(order) + rising] = at + np.arange(len(fresh))
    return ranks
