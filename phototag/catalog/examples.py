"""Examples: the decided faces that stand for each person, by model. A cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.store import Library
from phototag.core.types import Vectors


@dataclass(frozen=True, slots=True)
class Decided:
    """Faces that a user named; arrays of one length, the people rising."""

    people: NDArray[np.int64]
    faces: NDArray[np.int64]
    photos: NDArray[np.int64]
    qualities: NDArray[np.float32]
    taken: tuple[str | None, ...]
    """ISO 8601, from the photo's metadata only."""
    is_example: NDArray[np.bool_]
    """Whether it stands for its person."""
    vectors: Vectors
    """[n, d]"""


def examples(lib: Library, model: str, person: int) -> list[int] | None:
    """Faces that stand for a person, as they were chosen last; None when none were."""
    rows = lib.db.execute(
        "SELECT face_id FROM examples WHERE model = ? AND person_id = ? ORDER BY face_id",
        (model, person),
    ).fetchall()
    return [int(row[0]) for row in rows] or None


def set_examples(lib: Library, model: str, person: int, faces: Sequence[int]) -> None:
    lib.db.execute("DELETE FROM examples WHERE model = ? AND person_id = ?", (model, person))
    lib.db.executemany(
        "INSERT INTO examples VALUES (?, ?, ?)", ((model, person, face) for face in faces)
    )


def drop_strangers(lib: Library) -> None:
    """Forget the examples of people that there are not any more."""
    lib.db.execute("DELETE FROM examples WHERE person_id NOT IN (SELECT id FROM people)")


def all_examples(lib: Library, model: str) -> tuple[NDArray[np.int64], NDArray[np.int64], Vectors]:
    """Everybody's examples as they were chosen last: (people [n], faces [n], vectors [n, d])."""
    rows = lib.db.execute(
        "SELECT x.person_id, x.face_id, e.vector FROM examples x"
        " JOIN embeddings e ON e.face_id = x.face_id AND e.model = x.model"
        " WHERE x.model = ? ORDER BY x.person_id, x.face_id",
        (model,),
    )
    rows.row_factory = None
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    people, faces = (np.array(column, dtype=np.int64) for column in columns[:2])
    if not len(people):
        return people, faces, np.zeros((0, 0), np.float32)
    flat = np.frombuffer(b"".join(columns[2]), dtype="<f2")
    return people, faces, flat.reshape(len(people), -1).astype(np.float32)


def decided_faces(lib: Library, model: str) -> Decided:
    """Every face that a user named and that the model has seen, person by person, in an order that
    the photos give. One that lives on in an edited photo counts there only."""
    rows = lib.db.execute(
        "SELECT v.person_id, v.face_id, f.photo_id, f.quality, ph.taken, x.face_id IS NOT NULL,"
        " e.vector FROM verdicts v JOIN faces f ON f.id = v.face_id"
        " JOIN photos ph ON ph.id = f.photo_id"
        " JOIN embeddings e ON e.face_id = v.face_id AND e.model = :model"
        " LEFT JOIN examples x ON x.person_id = v.person_id AND x.model = :model"
        "  AND x.face_id = v.face_id WHERE v.person_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM successors s WHERE s.face_id = v.face_id)"
        " ORDER BY v.person_id, ph.key, f.x, f.y, f.id",
        {"model": model},
    )
    rows.row_factory = None
    columns = list(zip(*rows, strict=True)) or [()] * 7
    people, faces, photos = (np.array(column, dtype=np.int64) for column in columns[:3])
    flat = np.frombuffer(b"".join(columns[6]), dtype="<f2").astype(np.float32)
    return Decided(
        people=people,
        faces=faces,
        photos=photos,
        qualities=np.array(columns[3], dtype=np.float32),
        taken=tuple(columns[4]),
        is_example=np.array(columns[5], dtype=np.bool_),
        vectors=flat.reshape(len(people), -1) if len(people) else np.zeros((0, 0), np.float32),
    )
