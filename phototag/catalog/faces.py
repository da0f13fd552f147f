"""Faces and what is known of them: anchors, vectors, neighbours, verdicts, scores, assignments,
clusters.

`verdicts`, `rejections`, `people` and `twice` are the journal's outcome; `scores`, `assignments`
and `clusters` follow from them and the vectors. All are caches: replaying the journal over `faces`
and `embeddings` rebuilds them.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.photos import box_of, vector_of
from phototag.catalog.store import Library
from phototag.core.decisions import (
    Anchor,
    Person,
    Resolve,
    State,
    Verdict,
    best_meeting,
    digest,
)
from phototag.core.types import Box, Vectors

IdArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FaceRow:
    """A face as it is stored."""

    id: int
    photo: int
    box: Box
    landmarks: str
    score: float
    quality: float


@dataclass(frozen=True, slots=True)
class Assignment:
    """What follows for one face.

    `state`: `manual`, `imported`, `automatic`, `cluster`, `unknown`, `ignored` or `not_a_face`.
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


_ASSIGNMENT_COLUMNS = (
    "face_id, state, person_id, cluster_id, score, runner_up_id, runner_up_score,"
    " suggestion_id, suggestion_score, law"
)


def in_blocks(ids: Sequence[int], size: int = 900) -> Iterator[Sequence[int]]:
    """Runs of at most `size`: SQLite takes a limited number of parameters."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _marks(values: Sequence[int]) -> str:
    return ",".join("?" * len(values))


# ---- faces


def faces_of(lib: Library, photo: int) -> list[FaceRow]:
    """The faces of a photo by id."""
    rows = lib.db.execute("SELECT * FROM faces WHERE photo_id = ? ORDER BY id", (photo,))
    return [_face_row(row) for row in rows]


def face(lib: Library, number: int) -> FaceRow | None:
    row = lib.db.execute("SELECT * FROM faces WHERE id = ?", (number,)).fetchone()
    return None if row is None else _face_row(row)


def _face_row(row: sqlite3.Row) -> FaceRow:
    return FaceRow(
        row["id"], row["photo_id"], box_of(row), row["landmarks"], row["score"], row["quality"]
    )


def photos_of(lib: Library, faces: Sequence[int]) -> dict[int, int]:
    """face → photo."""
    found: dict[int, int] = {}
    for block in in_blocks(list(faces)):
        rows = lib.db.execute(
            f"SELECT id, photo_id FROM faces WHERE id IN ({_marks(block)})", tuple(block)
        )
        found.update((int(row[0]), int(row[1])) for row in rows)
    return found


def anchors(lib: Library, faces: Sequence[int], model: str) -> list[Anchor]:
    """The names of faces in the journal, in the order given."""
    found: dict[int, Anchor] = {}
    for block in in_blocks(list(faces)):
        rows = lib.db.execute(
            "SELECT f.*, ph.key, e.vector FROM faces f JOIN photos ph ON ph.id = f.photo_id"
            " LEFT JOIN embeddings e ON e.face_id = f.id AND e.model = ?"
            f" WHERE f.id IN ({_marks(block)})",
            (model, *block),
        )
        for row in rows:
            seen = digest(vector_of(row["vector"])) if row["vector"] is not None else ""
            found[row["id"]] = Anchor(row["key"], box_of(row), seen)
    return [found[number] for number in faces]


def resolver(lib: Library) -> Resolve:
    """From anchors to faces: by photo and overlap, then on to what they became in edited photos."""
    boxes: dict[str, dict[int, Box]] = {}

    def resolve(anchor: Anchor) -> list[int]:
        if anchor.photo not in boxes:
            rows = lib.db.execute(
                "SELECT f.* FROM faces f JOIN photos ph ON ph.id = f.photo_id WHERE ph.key = ?",
                (anchor.photo,),
            )
            boxes[anchor.photo] = {int(row["id"]): box_of(row) for row in rows}
        here = best_meeting(anchor.box, boxes[anchor.photo])
        return [] if here is None else heirs(lib, here)

    return resolve


def heirs(lib: Library, face_id: int) -> list[int]:
    """A face and all that it became in edited photos."""
    found, todo = [face_id], [face_id]
    while todo:
        rows = lib.db.execute("SELECT heir_id FROM successors WHERE face_id = ?", (todo.pop(),))
        for row in rows.fetchall():
            if row[0] not in found:
                found.append(int(row[0]))
                todo.append(int(row[0]))
    return found


def add_successor(lib: Library, face_id: int, heir: int) -> None:
    lib.db.execute("INSERT OR IGNORE INTO successors VALUES (?, ?)", (face_id, heir))


def has_word(lib: Library, face_id: int) -> bool:
    """Whether a user ever decided something about this face that stands."""
    row = lib.db.execute(
        "SELECT EXISTS (SELECT 1 FROM verdicts WHERE face_id = ?1)"
        " OR EXISTS (SELECT 1 FROM rejections WHERE face_id = ?1)",
        (face_id,),
    ).fetchone()
    return bool(row[0])


# ---- vectors


def live_vectors(lib: Library, model: str) -> tuple[IdArray, IdArray, Vectors, NDArray[np.float32]]:
    """All live faces that the model has seen, by id: (ids [n], photos [n], vectors [n, d],
    qualities [n])."""
    rows = lib.db.execute(
        "SELECT f.id, f.photo_id, f.quality, e.vector FROM faces f"
        " JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
        " JOIN embeddings e ON e.face_id = f.id AND e.model = ? ORDER BY f.id",
        (model,),
    ).fetchall()
    return _vector_table(rows)


def vectors(
    lib: Library, model: str, faces: Sequence[int]
) -> tuple[IdArray, IdArray, Vectors, NDArray[np.float32]]:
    """The same for some faces, live or not, by id."""
    rows: list[sqlite3.Row] = []
    for block in in_blocks(sorted(faces)):
        rows += lib.db.execute(
            "SELECT f.id, f.photo_id, f.quality, e.vector FROM faces f"
            " JOIN embeddings e ON e.face_id = f.id AND e.model = ?"
            f" WHERE f.id IN ({_marks(block)}) ORDER BY f.id",
            (model, *block),
        ).fetchall()
    return _vector_table(rows)


def _vector_table(
    rows: Sequence[sqlite3.Row],
) -> tuple[IdArray, IdArray, Vectors, NDArray[np.float32]]:
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    photos = np.array([row[1] for row in rows], dtype=np.int64)
    quality = np.array([row[2] for row in rows], dtype=np.float32)
    if not rows:
        return ids, photos, np.zeros((0, 0), np.float32), quality
    flat = np.frombuffer(b"".join(row[3] for row in rows), dtype="<f2")
    return ids, photos, flat.reshape(len(rows), -1).astype(np.float32), quality


def anchor_order(lib: Library, faces: Sequence[int]) -> dict[int, tuple[str, float, float]]:
    """A sort key for each face that does not depend on when it was scanned: photo key, place."""
    found: dict[int, tuple[str, float, float]] = {}
    for block in in_blocks(list(faces)):
        rows = lib.db.execute(
            "SELECT f.id, ph.key, f.x, f.y FROM faces f JOIN photos ph ON ph.id = f.photo_id"
            f" WHERE f.id IN ({_marks(block)})",
            tuple(block),
        )
        found.update((int(r[0]), (str(r[1]), float(r[2]), float(r[3]))) for r in rows)
    return found


def live_order(lib: Library) -> dict[int, tuple[str, float, float]]:
    """`anchor_order` of all live faces."""
    rows = lib.db.execute(
        "SELECT f.id, ph.key, f.x, f.y FROM faces f JOIN photos ph ON ph.id = f.photo_id"
        " WHERE ph.live = 1"
    )
    return {int(r[0]): (str(r[1]), float(r[2]), float(r[3])) for r in rows}


# ---- the journal's outcome


def load_state(lib: Library) -> State:
    """What follows from the journal, as it was last written."""
    db = lib.db
    return State(
        people={int(r[0]): Person(int(r[0]), r[1]) for r in db.execute("SELECT * FROM people")},
        verdicts={
            int(r[0]): Verdict(r[1], r[2], r[3], r[4]) for r in db.execute("SELECT * FROM verdicts")
        },
        rejected={(int(r[0]), int(r[1])) for r in db.execute("SELECT * FROM rejections")},
        twice={str(r[0]) for r in db.execute("SELECT photo FROM twice")},
    )


def save_state(lib: Library, old: State, new: State) -> None:
    """Write the difference between two states."""
    db = lib.db
    gone = [(f,) for f in old.verdicts if f not in new.verdicts]
    db.executemany("DELETE FROM verdicts WHERE face_id = ?", gone)
    db.executemany(
        "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)",
        (
            (f, v.state, v.person, v.how, v.decision)
            for f, v in new.verdicts.items()
            if old.verdicts.get(f) != v
        ),
    )
    db.executemany(
        "DELETE FROM rejections WHERE face_id = ? AND person_id = ?", old.rejected - new.rejected
    )
    db.executemany("INSERT INTO rejections VALUES (?, ?)", new.rejected - old.rejected)
    db.executemany(
        "DELETE FROM people WHERE id = ?", [(p,) for p in old.people if p not in new.people]
    )
    db.executemany(
        "INSERT OR REPLACE INTO people VALUES (?, ?)",
        ((p.id, p.name) for p in new.people.values() if old.people.get(p.id) != p),
    )
    db.executemany("DELETE FROM twice WHERE photo = ?", [(k,) for k in old.twice - new.twice])
    db.executemany("INSERT INTO twice VALUES (?)", [(k,) for k in new.twice - old.twice])


def people(lib: Library) -> dict[int, str]:
    return {int(row[0]): str(row[1]) for row in lib.db.execute("SELECT id, name FROM people")}


def decided_faces(lib: Library, person: int) -> list[int]:
    """Faces that a user said are this person."""
    rows = lib.db.execute(
        "SELECT face_id FROM verdicts WHERE person_id = ? ORDER BY face_id", (person,)
    )
    return [int(row[0]) for row in rows]


# ---- scores


def replace_scores(
    lib: Library, person: int, pairs: Iterable[tuple[int, float]]
) -> set[int]:
    """Write all scores of a person at or above `suggest`; the faces whose score changed."""
    old = {
        int(r[0]): float(r[1])
        for r in lib.db.execute(
            "SELECT face_id, score FROM scores WHERE person_id = ?", (person,)
        )
    }
    new = dict(pairs)
    changed = {f for f in old.keys() | new.keys() if old.get(f) != new.get(f)}
    lib.db.executemany(
        "DELETE FROM scores WHERE person_id = ? AND face_id = ?",
        ((person, f) for f in changed if f not in new),
    )
    lib.db.executemany(
        "INSERT OR REPLACE INTO scores (face_id, person_id, score) VALUES (?, ?, ?)",
        ((f, person, new[f]) for f in changed if f in new),
    )
    return changed


def add_scores(lib: Library, rows: Iterable[tuple[int, int, float]]) -> None:
    """(face, person, score) of faces that are new."""
    lib.db.executemany(
        "INSERT OR REPLACE INTO scores (face_id, person_id, score) VALUES (?, ?, ?)", rows
    )


def drop_scores(lib: Library, person: int) -> set[int]:
    rows = lib.db.execute(
        "DELETE FROM scores WHERE person_id = ? RETURNING face_id", (person,)
    ).fetchall()
    return {int(row[0]) for row in rows}


def scores_of_photos(lib: Library, photos: Sequence[int]) -> list[tuple[int, int, int, float]]:
    """(face, photo, person, score) of all faces in these photos."""
    found: list[tuple[int, int, int, float]] = []
    for block in in_blocks(list(photos)):
        rows = lib.db.execute(
            "SELECT s.face_id, f.photo_id, s.person_id, s.score FROM faces f"
            f" JOIN scores s ON s.face_id = f.id WHERE f.photo_id IN ({_marks(block)})",
            tuple(block),
        )
        found += [(int(r[0]), int(r[1]), int(r[2]), float(r[3])) for r in rows]
    return found


def scores_of_face(lib: Library, number: int) -> list[tuple[int, float]]:
    """(person, score), best first."""
    rows = lib.db.execute(
        "SELECT person_id, score FROM scores WHERE face_id = ? ORDER BY score DESC, person_id",
        (number,),
    )
    return [(int(r[0]), float(r[1])) for r in rows]


# ---- neighbours


def load_neighbours(
    lib: Library, model: str, k: int
) -> tuple[IdArray, NDArray[np.int64], NDArray[np.float32]]:
    """(ids [n], neighbour face ids [n, k] with -1 for none, similarities [n, k]), by id."""
    rows = lib.db.execute(
        "SELECT face_id, ids, similarities FROM neighbours WHERE model = ? ORDER BY face_id",
        (model,),
    ).fetchall()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    near = np.frombuffer(b"".join(row[1] for row in rows), dtype="<i8").reshape(len(rows), k)
    sims = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f4").reshape(len(rows), k)
    return ids, near, sims


def save_neighbours(
    lib: Library,
    model: str,
    faces: Iterable[int],
    near: NDArray[np.int64],
    sims: NDArray[np.float32],
) -> None:
    lib.db.executemany(
        "INSERT OR REPLACE INTO neighbours VALUES (?, ?, ?, ?)",
        (
            (model, int(f), a.astype("<i8").tobytes(), s.astype("<f4").tobytes())
            for f, a, s in zip(faces, near, sims, strict=True)
        ),
    )


def drop_neighbours(lib: Library, model: str) -> None:
    lib.db.execute("DELETE FROM neighbours WHERE model = ?", (model,))


def drop_model(lib: Library, model: str) -> int:
    """Remove all vectors of a model; their number."""
    drop_neighbours(lib, model)
    return int(lib.db.execute("DELETE FROM embeddings WHERE model = ?", (model,)).rowcount)


# ---- assignments


def _assignment(row: sqlite3.Row) -> Assignment:
    return Assignment(*tuple(row))


def assignment(lib: Library, number: int) -> Assignment | None:
    row = lib.db.execute(
        f"SELECT {_ASSIGNMENT_COLUMNS} FROM assignments WHERE face_id = ?", (number,)
    ).fetchone()
    return None if row is None else _assignment(row)


def assignments(
    lib: Library,
    faces: Sequence[int] | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[int, Assignment]:
    """Assignments of some faces, or of all."""
    found: dict[int, Assignment] = {}
    if faces is None:
        for row in lib.db.execute(f"SELECT {_ASSIGNMENT_COLUMNS} FROM assignments"):
            found[int(row[0])] = _assignment(row)
        return found
    for block in in_blocks(list(faces)):
        rows = lib.db.execute(
            f"SELECT {_ASSIGNMENT_COLUMNS} FROM assignments WHERE face_id IN ({_marks(block)})",
            tuple(block),
        )
        found.update((int(row[0]), _assignment(row)) for row in rows)
    return found


def save_assignments(
    lib: Library, old: Mapping[int, Assignment], new: Mapping[int, Assignment]
) -> list[int]:
    """Write the difference; the faces that changed."""
    gone = [f for f in old if f not in new]
    changed = [f for f, a in new.items() if old.get(f) != a]
    lib.db.executemany("DELETE FROM assignments WHERE face_id = ?", [(f,) for f in gone])
    lib.db.executemany(
        f"INSERT OR REPLACE INTO assignments ({_ASSIGNMENT_COLUMNS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                a.face,
                a.state,
                a.person,
                a.cluster,
                a.score,
                a.runner_up,
                a.runner_up_score,
                a.suggestion,
                a.suggestion_score,
                a.law,
            )
            for a in (new[f] for f in changed)
        ),
    )
    return sorted(gone + changed)


def assigned(lib: Library, column: str, value: int) -> list[int]:
    """Live faces of a person (`person_id`), cluster (`cluster_id`) or suggestion (`suggestion_id`),
    by id."""
    if column not in ("person_id", "cluster_id", "suggestion_id"):
        raise ValueError(column)
    rows = lib.db.execute(
        f"SELECT a.face_id FROM assignments a WHERE a.{column} = ? ORDER BY a.face_id", (value,)
    )
    return [int(row[0]) for row in rows]


# ---- clusters


def cluster_members(lib: Library) -> dict[int, set[int]]:
    """Members of every cluster that is alive."""
    members: dict[int, set[int]] = {}
    for row in lib.db.execute(
        "SELECT cluster_id, face_id FROM assignments WHERE cluster_id IS NOT NULL"
    ):
        members.setdefault(int(row[0]), set()).add(int(row[1]))
    return members


def membership_digest(members: Iterable[int]) -> str:
    text = ",".join(str(m) for m in sorted(members))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def cluster_of_membership(lib: Library, members: Iterable[int]) -> int | None:
    """The cluster that had exactly these members once."""
    row = lib.db.execute(
        "SELECT cluster_id FROM memberships WHERE digest = ?", (membership_digest(members),)
    ).fetchone()
    return None if row is None else int(row[0])


def next_cluster(lib: Library) -> int:
    row = lib.db.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM clusters").fetchone()
    return int(row[0])


def write_cluster(lib: Library, number: int, members: Iterable[int]) -> None:
    """Say that a cluster is alive with these members."""
    lib.db.execute(
        "INSERT INTO clusters VALUES (?, 1)"
        " ON CONFLICT (id) DO UPDATE SET alive = 1 WHERE alive = 0",
        (number,),
    )
    lib.db.execute("DELETE FROM retired WHERE cluster_id = ?", (number,))
    lib.db.execute(
        "INSERT OR IGNORE INTO memberships VALUES (?, ?)", (membership_digest(members), number)
    )


def retire_cluster(lib: Library, number: int, last: Iterable[int]) -> None:
    """The cluster is no more; its last members tell what it became."""
    lib.db.execute("UPDATE clusters SET alive = 0 WHERE id = ?", (number,))
    lib.db.executemany(
        "INSERT OR IGNORE INTO retired VALUES (?, ?)", ((number, f) for f in last)
    )


def retired_members(lib: Library, number: int) -> list[int] | None:
    """Last members of a cluster that is no more; None for one that never was or is alive."""
    row = lib.db.execute("SELECT alive FROM clusters WHERE id = ?", (number,)).fetchone()
    if row is None or row[0]:
        return None
    rows = lib.db.execute(
        "SELECT face_id FROM retired WHERE cluster_id = ? ORDER BY face_id", (number,)
    )
    return [int(r[0]) for r in rows]
