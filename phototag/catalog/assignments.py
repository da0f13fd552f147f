"""Assignments: what follows for each face from the decisions, the vectors and the model. A cache,
with the scores that it comes from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.faces import THESE, listed
from phototag.catalog.store import Library


class Assignment(NamedTuple):
    """What follows for one face.

    `state`: `manual`, `imported`, `automatic`, `cluster`, `unknown`, `ignored` or `not_a_face`.

    (A tuple and no dataclass: a decision in a large library makes and compares tens of thousands,
    in a fifth of the time.)
    """

    face: int
    state: str
    person: int | None = None
    cluster: int | None = None
    score: float | None = None
    runner_up: int | None = None
    runner_up_score: float | None = None
    suggestion: int | None = None
    suggestion_score: float | None = None
    law: str = ""


_COLUMNS = (
    "face_id, state, person_id, cluster_id, score, runner_up_id, runner_up_score,"
    " suggestion_id, suggestion_score, law"
)

_SAVE = (
    f"INSERT INTO assignments ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (face_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[1:])
)
"""(`INSERT OR REPLACE` takes a row and its places in the indexes away first: twice the time.)"""


# ---- scores


def people_scored(lib: Library) -> list[int]:
    """People for whom there are scores."""
    rows = lib.db.execute(
        "WITH RECURSIVE person (id) AS (SELECT MIN(person_id) FROM scores UNION ALL"
        " SELECT (SELECT MIN(person_id) FROM scores WHERE person_id > person.id) FROM person"
        " WHERE person.id IS NOT NULL) SELECT id FROM person WHERE id IS NOT NULL"
    )
    return [int(row[0]) for row in rows]


def replace_scores(lib: Library, person: int, pairs: Iterable[tuple[int, float]]) -> set[int]:
    """Write all scores of a person at or above `suggest`; the faces whose score changed."""
    rows = lib.db.execute("SELECT face_id, score FROM scores WHERE person_id = ?", (person,))
    rows.row_factory = None
    old = dict(rows)
    new = dict(pairs)
    changed = {f for f in old.keys() | new.keys() if old.get(f) != new.get(f)}
    lib.db.executemany(
        "DELETE FROM scores WHERE person_id = ? AND face_id = ?",
        ((person, f) for f in changed if f not in new),
    )
    add_scores(lib, ((f, person, new[f]) for f in changed if f in new))
    return changed


def add_scores(lib: Library, rows: Iterable[tuple[int, int, float]]) -> None:
    """(face, person, score) of faces that are new."""
    lib.db.executemany(
        "INSERT OR REPLACE INTO scores (face_id, person_id, score) VALUES (?, ?, ?)", rows
    )


def drop_scores(lib: Library, person: int) -> set[int]:
    """Forget all scores of a person; the faces that had one."""
    rows = lib.db.execute(
        "DELETE FROM scores WHERE person_id = ? RETURNING face_id", (person,)
    ).fetchall()
    return {int(row[0]) for row in rows}


def drop_scores_of_faces(lib: Library, faces: Iterable[int]) -> None:
    lib.db.execute(f"DELETE FROM scores WHERE face_id IN {THESE}", (listed(faces),))


def scores_of_photos(lib: Library, photos: Iterable[int]) -> list[tuple[int, int, int, float]]:
    """(face, photo, person, score) of all faces in these photos."""
    rows = lib.db.execute(
        "SELECT s.face_id, f.photo_id, s.person_id, s.score FROM faces f"
        f" JOIN scores s ON s.face_id = f.id WHERE f.photo_id IN {THESE}",
        (listed(photos),),
    )
    rows.row_factory = None
    return list(rows)


def scores_of_face(lib: Library, number: int) -> list[tuple[int, float]]:
    """(person, score), best first."""
    rows = lib.db.execute(
        "SELECT person_id, score FROM scores WHERE face_id = ? ORDER BY score DESC, person_id",
        (number,),
    )
    return [(int(r[0]), float(r[1])) for r in rows]


def faces_scored(lib: Library, people: Iterable[int]) -> set[int]:
    """Faces that have a score for one of these people."""
    rows = lib.db.execute(
        f"SELECT DISTINCT face_id FROM scores WHERE person_id IN {THESE}", (listed(people),)
    )
    return {int(row[0]) for row in rows}


# ---- assignments


def assignment(lib: Library, number: int) -> Assignment | None:
    return assignments(lib, [number]).get(number)


def assignments(lib: Library, faces: Iterable[int] | None = None) -> dict[int, Assignment]:
    """Assignments of some faces, or of all."""
    if faces is None:
        return _by_face(lib.db.execute(f"SELECT {_COLUMNS} FROM assignments"))
    return _by_face(
        lib.db.execute(
            f"SELECT {_COLUMNS} FROM assignments WHERE face_id IN {THESE}", (listed(faces),)
        )
    )


def assignments_in(lib: Library, photos: Iterable[int]) -> dict[int, Assignment]:
    """Assignments of all faces of some photos."""
    return _by_face(
        lib.db.execute(
            f"SELECT {_COLUMNS} FROM assignments WHERE face_id IN"
            f" (SELECT id FROM faces WHERE photo_id IN {THESE})",
            (listed(photos),),
        )
    )


def count_automatic(lib: Library) -> int:
    """Faces that were given a name by recognition."""
    row = lib.db.execute("SELECT COUNT(*) FROM assignments WHERE state = 'automatic'").fetchone()
    return int(row[0])


def automatic_of_nobody(lib: Library) -> set[int]:
    """Faces with an automatic name whose person is no more."""
    rows = lib.db.execute(
        "SELECT face_id FROM assignments WHERE state = 'automatic'"
        " AND person_id NOT IN (SELECT id FROM people)"
    )
    return {int(row[0]) for row in rows}


def automatic_of(lib: Library, people: Iterable[int]) -> set[int]:
    """Faces with an automatic name of one of these people."""
    rows = lib.db.execute(
        f"SELECT face_id FROM assignments WHERE state = 'automatic' AND person_id IN {THESE}",
        (listed(people),),
    )
    return {int(row[0]) for row in rows}


def people_of_automatic(lib: Library) -> set[int]:
    """Everybody who has an automatic name, people who are no more included."""
    rows = lib.db.execute("SELECT DISTINCT person_id FROM assignments WHERE state = 'automatic'")
    return {int(row[0]) for row in rows}


def rivals(lib: Library, faces: Iterable[int]) -> set[int]:
    """Faces with an automatic name that a user gave to one of these faces of the same photo."""
    rows = lib.db.execute(
        "SELECT a.face_id FROM faces f JOIN verdicts v ON v.face_id = f.id"
        " JOIN faces o ON o.photo_id = f.photo_id AND o.id != f.id"
        " JOIN assignments a ON a.face_id = o.id JOIN photos ph ON ph.id = f.photo_id"
        " WHERE a.state = 'automatic' AND a.person_id = v.person_id"
        f" AND ph.key NOT IN (SELECT photo FROM twice) AND f.id IN {THESE}",
        (listed(faces),),
    )
    return {int(row[0]) for row in rows}


def give_to(lib: Library, faces: Iterable[int], person: int) -> None:
    """Let automatic names be another person's."""
    lib.db.execute(
        f"UPDATE assignments SET person_id = ? WHERE face_id IN {THESE}", (person, listed(faces))
    )


def drop_automatic_of_past(lib: Library) -> None:
    """Forget automatic names in photos that are gone."""
    lib.db.execute(
        "DELETE FROM assignments WHERE state = 'automatic' AND face_id IN (SELECT f.id FROM faces f"
        " JOIN photos ph ON ph.id = f.photo_id WHERE ph.grouped = 0 AND ph.live = 0)"
    )


def open_faces(lib: Library) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Faces that take part in clusters: (ids [n], their clusters [n], -1 for none)."""
    rows = lib.db.execute(
        "SELECT face_id, COALESCE(cluster_id, -1) FROM assignments"
        " WHERE state IN ('unknown', 'cluster')"
    )
    rows.row_factory = None
    pairs = np.array(rows.fetchall(), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def open_among(lib: Library, these: Iterable[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same, of some faces."""
    rows = lib.db.execute(
        "SELECT face_id, COALESCE(cluster_id, -1) FROM assignments"
        f" WHERE state IN ('unknown', 'cluster') AND face_id IN {THESE}",
        (listed(these),),
    )
    rows.row_factory = None
    pairs = np.array(rows.fetchall(), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def clustered(lib: Library, these: Iterable[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same, of some clusters. (Members as text, a cluster a row: for a million faces 0.5 s,
    and 1.3 s with a row for each.)"""
    rows = lib.db.execute(
        "SELECT cluster_id, COUNT(*), GROUP_CONCAT(face_id) FROM assignments"
        f" WHERE cluster_id IN {THESE} GROUP BY cluster_id",
        (listed(these),),
    )
    rows.row_factory = None
    clusters, counts, members = zip(*rows.fetchall() or [(0, 0, "")], strict=True)
    faces = np.fromstring(",".join(members), dtype=np.int64, sep=",")
    return faces, np.repeat(np.array(clusters, dtype=np.int64), counts)


def _by_face(rows: sqlite3.Cursor) -> dict[int, Assignment]:
    rows.row_factory = None
    return {row[0]: Assignment._make(row) for row in rows}


def save_assignments(
    lib: Library, old: Mapping[int, Assignment], new: Mapping[int, Assignment]
) -> list[int]:
    """Write the difference; the faces that changed."""
    gone = [f for f in old if f not in new]
    changed = [f for f, a in new.items() if old.get(f) != a]
    lib.db.executemany("DELETE FROM assignments WHERE face_id = ?", [(f,) for f in gone])
    lib.db.executemany(_SAVE, (new[f] for f in changed))
    return sorted(gone + changed)


def assigned(lib: Library, column: str, value: int) -> list[int]:
    """Live faces of a person (`person_id`), cluster (`cluster_id`) or suggestion
    (`suggestion_id`), by id."""
    if column not in ("person_id", "cluster_id", "suggestion_id"):
        raise ValueError(column)
    rows = lib.db.execute(
        f"SELECT a.face_id FROM assignments a WHERE a.{column} = ? ORDER BY a.face_id", (value,)
    )
    return [int(row[0]) for row in rows]


def named_people(lib: Library, faces: Iterable[int]) -> set[int]:
    """The people that some faces are (decided or automatic)."""
    rows = lib.db.execute(
        "SELECT DISTINCT person_id FROM assignments WHERE person_id IS NOT NULL"
        f" AND face_id IN {THESE}",
        (listed(faces),),
    )
    return {int(row[0]) for row in rows}
