"""An archive too large for the intake: rows are written as a scan would have left them.

People have looks, and only faces of one look are alike enough to be neighbours: so the graph of
nearest neighbours, which costs the square of the faces, is made look by look. All that
follows (examples, scores, names, clusters) is worked out by the program's own functions, look by
look where that is the same: `phototag doctor` finds nothing to say against it but that there are no
pictures.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from crowd import DIM
from made_library import FIRST, IN_FOLDER, Looker, Made, path_of
from memory import peak_mb
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from phototag.catalog import assignments, clusters, faces, journal, photos, store
from phototag.catalog.store import Library, set_meta
from phototag.core.agglomerate import agglomerate
from phototag.core.neighbours import NEIGHBOURS, neighbours
from phototag.core.pieces import Pieces, of_steps
from phototag.core.regrouping import History, Standing, _Work, belong
from phototag.core.types import GRID, Box, Thresholds, Vectors, on_grid
from phototag.settings import Settings
from phototag.work import face_table, group, recognise
from phototag.work.extract import Kit
from phototag.work.group import signature
from phototag.work.models import embedder_card, thresholds_of
from phototag.work.publish import Publisher
from phototag.work.reports import ScanOptions
from phototag.work.scan import Scan
from phototag.work.verdicts import apply

LARGEST = 10_000
LOOK = 12_000
"""Faces of a look, about."""
SHARED, ALIKE = 0.055, 0.30
"""How much of a person is everybody's, and how much the look's: similarity 0.03 +- 0.07 between
people, 0.2 +- 0.08 within a look, where some hundred strangers are then above the threshold of the
graph. Among 3,000,000 faces of `crowd` it would be some thousands."""
NAMED = 150
"""People whom the user named, the largest, each in a third of their faces, 200 at most."""
BLOCK = 8192
AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Archive:
    """Faces in the order of their numbers."""

    steps: NDArray[np.int16]
    """[n, d]: vectors in steps of the grid."""
    people: NDArray[np.int64]
    looks: NDArray[np.int64]

    def vectors(self, rows: slice | NDArray[np.intp]) -> Vectors:
        return of_steps(self.steps[rows])


def archive(count: int, seed: int = 0, new: int = 0) -> Archive:
    """People of 1 to 10,000 faces, as `crowd` has them, and their looks; or `new` more faces of the
    same people."""
    chance = np.random.default_rng(seed)
    sizes: list[int] = []
    total = 0
    while total < count:
        sizes.append(min(LARGEST, count // 20, int(chance.pareto(0.95)) + 1))
        total += sizes[-1]
    look = chance.integers(0, max(1, count // LOOK), len(sizes))
    rows = chance.permutation(count)
    people = np.repeat(np.arange(len(sizes)), sizes)[:count][rows]
    common, kinds = _unit(1, chance), _unit(int(look.max()) + 1, chance)
    own = np.sqrt(np.float32(1 - SHARED - ALIKE))
    centres = np.empty((len(sizes), DIM), np.float32)
    for start in range(0, len(sizes), BLOCK):
        part = slice(start, start + BLOCK)
        centres[part] = own * _unit(len(look[part]), chance) + np.sqrt(SHARED) * common
        centres[part] += np.sqrt(np.float32(ALIKE)) * kinds[look[part]]
    if new:
        chance = np.random.default_rng(seed + 1)
        people = chance.choice(people, new)
    steps = np.empty((len(people), DIM), np.int16)
    for start in range(0, len(people), BLOCK):
        part = slice(start, start + BLOCK)
        share = np.clip(chance.normal(0.745, 0.12, len(people[part])), 0.3, 0.95)[:, None]
        moment = np.sqrt(1 - share**2) * _unit(len(share), chance)
        steps[part] = on_grid(share * centres[people[part]] + moment) / np.float32(GRID)
    return Archive(steps, people, look[people])


def _unit(count: int, chance: np.random.Generator) -> Vectors:
    found = chance.standard_normal((count, DIM), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def make_archive(top: Path, count: int, files: int) -> Made:
    """A library over `files` empty photos with `count` faces in them, three in each where there are
    three times as many; without pictures or sidecars."""
    made = Made.at(top, files)
    people = archive(count)
    settings = Settings(sidecars="none", thumbnails=False)
    with store.open_to_write(made.library, "benchmark", FIRST.isoformat(), create=True) as lib:
        card = embedder_card(lib.folder, settings)
        thresholds = thresholds_of(card)
        lib.db.execute("PRAGMA synchronous = OFF")
        with lib.transaction():
            _write_photos(lib, made, card.id)
            _write_faces(lib, people, files, card.id)
        with lib.transaction():
            table = _graph(lib, people, card.id, thresholds)
            _name(lib, people, card.id)
            _recognise(lib, table, people, thresholds, card.id)
            _cluster(lib, table, people, thresholds)
            photos.set_grouped(lib)
            set_meta(lib, "grouped", signature(lib, card.id, thresholds))
            set_meta(lib, "outputs", "none False 1")
            lib.db.execute("UPDATE photos SET published = 1, version = 2")
        journal.mirror(lib)
    return made


def _write_photos(lib: Library, made: Made, model: str) -> None:
    where = str(made.photos)
    lib.db.execute("INSERT INTO roots VALUES (1, ?)", (where,))
    for number in range(made.count):
        path = path_of(made.photos, number)
        if number % IN_FOLDER == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))

    def rows() -> Iterator[tuple[object, ...]]:
        for number in range(made.count):
            yield number + 1, key_of(number), key_of(number), taken_at(number), model

    lib.db.executemany(
        "INSERT INTO photos (id, key, pixel_key, taken, embedded, width, height, format, bytes,"
        " detector) VALUES (?, ?, ?, ?, ?, 4000, 3000, 'JPEG', 0, 'mtcnn')",
        rows(),
    )

    def files() -> Iterator[tuple[object, ...]]:
        for number in range(made.count):
            path = path_of(made.photos, number)
            stamp = path.stat().st_mtime_ns
            yield number + 1, path.parent.name, path.name, stamp, number + 1

    lib.db.executemany(
        "INSERT INTO paths (id, root_id, dir, name, size, mtime_ns, photo_id)"
        " VALUES (?, 1, ?, ?, 0, ?, ?)",
        files(),
    )


def key_of(number: int) -> str:
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def taken_at(number: int) -> str:
    return (FIRST + timedelta(minutes=11 * number)).isoformat(timespec="seconds")


def _write_faces(lib: Library, people: Archive, files: int, model: str) -> None:
    count = len(people.steps)
    marks = str([[round(0.2 + 0.05 * i, 5), 0.3] for i in range(5)])
    photo = photo_of(count, files)
    places = np.arange(count) - np.searchsorted(photo, photo)
    lib.db.executemany(
        "INSERT INTO faces (id, photo_id, x, y, width, height, landmarks, score, quality)"
        " VALUES (?, ?, ?, 0.2, 0.2, 0.3, ?, 0.99, 0.9)",
        (
            (row + 1, at + 1, round(0.05 + 0.25 * place, 5), marks)
            for row, (at, place) in enumerate(zip(photo.tolist(), places.tolist(), strict=True))
        ),
    )

    def vectors() -> Iterator[tuple[str, int, bytes]]:
        for start in range(0, count, BLOCK):
            half = people.vectors(slice(start, start + BLOCK)).astype("<f2")
            yield from ((model, start + i + 1, row.tobytes()) for i, row in enumerate(half))

    lib.db.executemany(
        "INSERT INTO embeddings (model, face_id, vector) VALUES (?, ?, ?)", vectors()
    )


def photo_of(count: int, files: int) -> NDArray[np.int64]:
    """The photo of each face, from 0, rising."""
    return np.arange(count) * files // count


# ---- what follows


_shared: tuple[Archive, NDArray[np.int64], NDArray[np.int64], float] | None = None
"""What forked processes read."""


def _of_look(look: int) -> tuple[NDArray[np.intp], NDArray[np.int32], Vectors]:
    """(rows of a look, their neighbours as rows of the archive, similarities)."""
    assert _shared is not None
    people, ranks, _, cut = _shared
    rows = np.flatnonzero(people.looks == look)
    near, sims = neighbours(people.vectors(rows), NEIGHBOURS, cut, order=ranks[rows])
    return rows, np.append(rows, -1).astype(np.int32)[near], sims


def _graph(
    lib: Library, people: Archive, model: str, thresholds: Thresholds
) -> face_table.FaceTable:
    global _shared
    count = len(people.steps)
    ids = np.arange(1, count + 1)
    files = int(lib.db.execute("SELECT COUNT(*) FROM photos").fetchone()[0])
    parts = (ids[at : at + AT_ONCE] for at in range(0, count, AT_ONCE))
    keys = np.concatenate([face_table._keys(lib, part) for part in parts])
    ranks = face_table._ranks(keys)
    near = np.full((count, NEIGHBOURS), -1, np.int32)
    sims = np.zeros((count, NEIGHBOURS), np.float32)
    _shared = (people, ranks, ids, thresholds.cluster)
    with get_context("fork").Pool(2, threadpool_limits, (1,)) as pool:
        for rows, those, alike in pool.imap_unordered(_of_look, range(int(people.looks.max()) + 1)):
            near[rows], sims[rows] = those, alike
    table = face_table.FaceTable(
        ids,
        photo_of(count, files) + 1,
        np.full(count, 0.9, np.float32),
        keys,
        ranks,
        np.zeros((count, 2), np.int64),
        Pieces.of(people.steps),
        near,
        sims,
        *(getattr(History.empty(count), name) for name in History.__slots__),
    )
    return face_table._written(lib, model, thresholds, table)


def _name(lib: Library, people: Archive, model: str) -> None:
    """The user's decisions: the largest people, in a third of their faces."""
    sizes = np.bincount(people.people)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    photo = photo_of(
        len(people.people), int(lib.db.execute("SELECT MAX(id) FROM photos").fetchone()[0])
    )
    for number, person in enumerate(np.argsort(-sizes, kind="stable")[:NAMED].tolist()):
        rows = np.flatnonzero(people.people == person)
        rows = rows[np.unique(photo[rows], return_index=True)[1]]  # nobody twice in a photo
        told = (rows[: max(3, min(200, len(rows) // 3))] + 1).tolist()
        said = [anchor.payload() for anchor in faces.anchors(lib, told, model)]
        payload = {"person": f"Person {number:03}", "faces": said}
        apply(lib, journal.append(lib, time=now, actor="user", kind="label", payload=payload))


def _recognise(
    lib: Library,
    table: face_table.FaceTable,
    people: Archive,
    thresholds: Thresholds,
    model: str,
) -> None:
    known = [int(row[0]) for row in lib.db.execute("SELECT id FROM people ORDER BY id")]
    stand = []
    for person in known:
        recognise._choose(lib, model, person)
        stand.append(recognise._Stand(person, None, *recognise.examples_of(lib, model, person)))
    touched: set[int] = set()
    for start in range(0, len(table.ids), BLOCK):
        part = slice(start, start + BLOCK)
        vectors = people.vectors(part)
        for person, those in zip(known, stand, strict=True):
            pairs = those.scores(lib, table.ids[part], vectors, thresholds.suggest)
            assignments.add_scores(lib, ((face, person, score) for face, score in pairs))
            touched.update(face for face, _ in pairs)
    touched.update(int(row[0]) for row in lib.db.execute("SELECT face_id FROM verdicts"))
    lib.db.execute(
        "INSERT INTO assignments (face_id, state, law)"
        " SELECT id, 'unknown', 'no-candidate' FROM faces"
    )
    told = sorted(set(faces.photos_of(lib, touched).values()))
    for start in range(0, len(told), AT_ONCE):
        recognise.settle(lib, table, thresholds, told[start : start + AT_ONCE])


def _grouped(look: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """(open rows of a look, their groups)."""
    assert _open is not None
    table, people, is_open, cut = _open
    rows = np.flatnonzero((people.looks == look) & is_open)
    number = np.full(len(is_open) + 1, -1, np.int32)
    number[rows] = np.arange(len(rows), dtype=np.int32)
    labels = agglomerate(
        people.vectors(rows), number[table.near[rows]], table.sims[rows], table.photos[rows],
        np.ones(len(rows), bool), table.ranks[rows], cut,
    )  # fmt: skip
    return rows, labels


_open: tuple[face_table.FaceTable, Archive, NDArray[np.bool_], float] | None = None


def _cluster(
    lib: Library, table: face_table.FaceTable, people: Archive, thresholds: Thresholds
) -> None:
    global _open
    is_open = np.zeros(len(table.ids), bool)
    for (face,) in lib.db.execute("SELECT face_id FROM assignments WHERE state = 'unknown'"):
        is_open[face - 1] = True
    _open = (table, people, is_open, thresholds.cluster)
    last, numbers = 0, np.full(len(table.ids), -1, np.int64)
    with get_context("fork").Pool(2) as pool:
        for rows, labels in pool.imap(_grouped, range(int(people.looks.max()) + 1)):
            order = np.argsort(labels, kind="stable")
            begins = np.searchsorted(labels[order], np.arange(labels.max(initial=-1) + 2))
            for start, end in pairwise(begins.tolist()):
                last += 1
                members = table.ids[rows[order[start:end]]].tolist()
                numbers[rows[order[start:end]]] = last
                clusters.write_cluster(lib, last, members)
                lib.db.executemany(
                    "UPDATE assignments SET state = 'cluster', cluster_id = ? WHERE face_id = ?",
                    ((last, face) for face in members),
                )
    standing = Standing(
        lambda some: (is_open[some], numbers[some]),
        lambda some: np.flatnonzero(belong(numbers, some)),
    )
    learnt = _Work(table.graph(), thresholds.cluster, (), standing)
    learnt._recall(np.flatnonzero(numbers >= 0))
    found = learnt.outcome()
    face_table.keep_history(lib, table, found.known, found.history)


# ---- a night


def night(made: Made, count: int, new: int) -> dict[str, float]:
    """Put `new` photos with three faces each of the same people into the folder of an archive of
    `count` faces, and scan: seconds of all, of it the walk, the regrouping (and of that the
    clustering, without the search for neighbours) and the outputs, and the most memory. Only the
    looking is made up."""
    faces = archive(count, new=3 * new)
    first = sum(1 for _ in made.photos.iterdir()) * IN_FOLDER
    for number in range(new):
        path = path_of(made.photos, first + number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    boxes = tuple(Box(0.05 + 0.25 * place, 0.2, 0.2, 0.3) for place in range(3))
    looker = Looker(faces.vectors(slice(None)), b"", boxes, first)
    settings = Settings(sidecars="none", thumbnails=False, sheet=False)
    started = time.perf_counter()
    marks: dict[str, float] = {}
    clustering = group.cluster

    def timed(*args: Any, **named: Any) -> recognise.Settled:
        marks["cluster"] = time.perf_counter()
        found = clustering(*args, **named)
        marks["clustered"] = time.perf_counter()
        return found

    with (
        patch.object(group, "cluster", timed),
        store.open_to_write(made.library, "benchmark", FIRST.isoformat()) as lib,
    ):
        card = embedder_card(lib.folder, settings)
        scan = Scan(
            lib=lib,
            settings=settings,
            kit=Kit(),
            model=card.id,
            thresholds=thresholds_of(card),
            options=ScanOptions(accept_changes=True),
            tell=lambda said: marks.setdefault(said.stage, time.perf_counter()) and None,
            now=datetime.now(UTC),
            workers=lambda kit, jobs: looker,
        )
        scan.run([str(made.photos)])
        grouped = time.perf_counter()
        Publisher(lib, settings, card.id).run()
        done = time.perf_counter()
    return {
        "photos": new,
        "seconds": round(done - started, 1),
        "walk_seconds": round(marks["extract"] - started, 1),
        "regroup_seconds": round(grouped - marks["group"], 1),
        "cluster_seconds": round(marks["clustered"] - marks["cluster"], 1),
        "outputs_seconds": round(done - grouped, 1),
        "peak_mb": round(peak_mb(os.getpid())),
    }


if __name__ == "__main__":
    where, faces_there, photos_new = sys.argv[1:]
    print(json.dumps(night(Made.at(Path(where), 0), int(faces_there), int(photos_new))))
