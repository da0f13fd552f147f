"""The evidence for who a face is: what `show` reads, in blocks, never a whole table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import journal
from phototag.catalog.faces import THESE, in_blocks, listed
from phototag.catalog.photos import absolute
from phototag.catalog.store import Library, restored
from phototag.catalog.tracks import TOGETHER
from phototag.core.decisions import Decision
from phototag.core.types import Vectors


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What a user decided about one face."""

    state: str
    """`person`, `ignored` or `not_a_face`."""
    person: int | None
    how: str
    decision: int


def decided_vectors(
    lib: Library, model: str, block: int = 8192
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Vectors]]:
    """All faces that a user named, in blocks: (faces [n], persons [n], vectors [n, d])."""
    cursor = lib.db.execute(
        "SELECT v.face_id, v.person_id, e.vector FROM verdicts v"
        " JOIN embeddings e ON e.face_id = v.face_id AND e.model = ?"
        " WHERE v.person_id IS NOT NULL ORDER BY v.face_id",
        (model,),
    )
    while rows := cursor.fetchmany(block):
        flat = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f2")
        yield (
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int64),
            flat.reshape(len(rows), -1).astype(np.float32),
        )


def verdict(lib: Library, face: int) -> VerdictRow | None:
    row = lib.db.execute(
        "SELECT state, person_id, how, decision_id FROM verdicts WHERE face_id = ?", (face,)
    ).fetchone()
    return None if row is None else VerdictRow(*row)


def refused(lib: Library, face: int) -> list[int]:
    """Persons that a user said this face is not."""
    rows = lib.db.execute(
        "SELECT person_id FROM rejections WHERE face_id = ? ORDER BY person_id", (face,)
    )
    return [int(row[0]) for row in rows]


def not_asked(lib: Library, faces: Sequence[int]) -> set[int]:
    """Persons whom one of these faces cannot be, so that nobody is asked: a user said that it is
    not them, or another face of its photo, seen at once with it, has their name. A photo that may
    show somebody twice has room for all."""
    those = listed(faces)
    rows = lib.db.execute(
        f"SELECT person_id FROM rejections WHERE face_id IN {THESE}"
        " UNION SELECT a.person_id FROM faces f JOIN photos ph ON ph.id = f.photo_id"
        " JOIN faces o ON o.photo_id = f.photo_id AND o.id != f.id"
        " JOIN assignments a ON a.face_id = o.id"
        f" WHERE f.id IN {THESE} AND a.person_id IS NOT NULL"
        f" AND ph.key NOT IN (SELECT photo FROM twice) AND {TOGETHER}",
        (those, those),
    )
    return {int(row[0]) for row in rows}


def count_refused(lib: Library, person: int) -> int:
    """Faces that a user said are not this person."""
    row = lib.db.execute("SELECT COUNT(*) FROM rejections WHERE person_id = ?", (person,))
    return int(row.fetchone()[0])


def with_forebears(lib: Library, face: int) -> list[int]:
    """A face and those that it was in earlier versions of its photo."""
    found, todo = [face], [face]
    while todo:
        rows = lib.db.execute(
            "SELECT face_id FROM successors WHERE heir_id = ? ORDER BY face_id", (todo.pop(),)
        )
        for row in rows.fetchall():
            if row[0] not in found:
                found.append(int(row[0]))
                todo.append(int(row[0]))
    return found


def keys_of(lib: Library, faces: Sequence[int]) -> list[str]:
    """Keys of the photos that hold these faces."""
    found: set[str] = set()
    for block in in_blocks(list(faces)):
        marks = ",".join("?" * len(block))
        rows = lib.db.execute(
            "SELECT DISTINCT ph.key FROM faces f JOIN photos ph ON ph.id = f.photo_id"
            f" WHERE f.id IN ({marks})",
            tuple(block),
        )
        found.update(str(row[0]) for row in rows)
    return sorted(found)


def decisions_naming(lib: Library, key: str) -> list[Decision]:
    """All decisions, undone ones too, that name a face of the photo with that key; oldest first."""
    rows = lib.db.execute(
        "SELECT id FROM decisions WHERE instr(payload, ?) > 0 ORDER BY id", (key,)
    ).fetchall()
    found = (journal.decision(lib, int(row[0])) for row in rows)
    return [decision for decision in found if decision is not None]


def decisions_of_person(lib: Library, person: int) -> list[Decision]:
    """The decisions that named this person's faces, oldest first."""
    rows = lib.db.execute(
        "SELECT DISTINCT decision_id FROM verdicts WHERE person_id = ? ORDER BY decision_id",
        (person,),
    ).fetchall()
    found = (journal.decision(lib, int(row[0])) for row in rows)
    return [decision for decision in found if decision is not None]


def first_paths(lib: Library, faces: Sequence[int]) -> dict[int, str]:
    """For each face, a file of its photo: one that is there, else one that was."""
    found: dict[int, str] = {}
    for block in in_blocks(list(faces)):
        marks = ",".join("?" * len(block))
        rows = lib.db.execute(
            "SELECT f.id, r.path AS root, p.dir, p.name FROM faces f"
            " JOIN paths p ON p.photo_id = f.photo_id JOIN roots r ON r.id = p.root_id"
            f" WHERE f.id IN ({marks}) ORDER BY f.id, p.missing_since IS NOT NULL, p.id",
            tuple(block),
        )
        for row in rows:
            path = absolute(restored(row["root"]), restored(row["dir"]), restored(row["name"]))
            found.setdefault(int(row[0]), path)
    return found


def holders(lib: Library, photo: int, person: int, leave_out: int) -> list[int]:
    """Other faces of a photo, seen at once with this one, that are or may be a person."""
    rows = lib.db.execute(
        "SELECT o.id FROM faces o JOIN assignments a ON a.face_id = o.id"
        " JOIN faces f ON f.id = :face WHERE o.photo_id = :photo"
        " AND o.id != :face AND :person IN (a.person_id, a.suggestion_id)"
        f" AND {TOGETHER}"
        " ORDER BY a.person_id IS NULL, o.id",
        {"photo": photo, "face": leave_out, "person": person},
    )
    return [int(row[0]) for row in rows]


def clusters_of(lib: Library, faces: Iterable[int], cluster: int) -> list[tuple[int, int]]:
    """(face, cluster) of those of these faces that are in another cluster."""
    rows = lib.db.execute(
        "SELECT face_id, cluster_id FROM assignments WHERE cluster_id IS NOT NULL"
        f" AND cluster_id != ? AND face_id IN {THESE}",
        (cluster, listed(faces)),
    )
    return [(int(row[0]), int(row[1])) for row in rows]


def cluster_exists(lib: Library, number: int) -> bool:
    """Whether a cluster of that number is, or ever was."""
    row = lib.db.execute("SELECT 1 FROM clusters WHERE id = ?", (number,)).fetchone()
    return row is not None


def failure_at(lib: Library, path: int) -> tuple[str, str] | None:
    """(reason, message) of a file that could not be read."""
    row = lib.db.execute(
        "SELECT reason, message FROM failures WHERE path_id = ?", (path,)
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]))
