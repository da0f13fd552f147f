"""Examples: the decided faces that stand for each person, by model. A cache."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.store import Library
from phototag.core.types import Vectors


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


def all_examples(
    lib: Library, model: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], Vectors]:
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
