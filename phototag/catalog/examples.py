"""Examples: the decided faces that stand for each person, by model. A cache."""

from __future__ import annotations

from collections.abc import Sequence

from phototag.catalog.store import Library


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
