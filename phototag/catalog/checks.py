"""Does the catalogue hold together? Each question is one statement: how many rows do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phototag.catalog.photos import absolute
from phototag.catalog.store import Library, restored, storable
from phototag.catalog.tracks import TOGETHER

SHOWN = 3
"""Examples that a finding names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit."""

    said: str
    """`verdict that its face does not follow`, to be read after a number."""
    count: int
    examples: tuple[str, ...]


_LIVE = "JOIN faces f ON f.id = a.face_id JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
_OTHERS = (
    "SELECT 1 FROM faces o JOIN assignments b ON b.face_id = o.id"
    f" WHERE o.photo_id = f.photo_id AND o.id != f.id AND {TOGETHER}"
)
_NOT_TWICE = "ph.key NOT IN (SELECT photo FROM twice)"

_ASSIGNMENTS = (
    (
        "assignments of faces whose photo is not there",
        "SELECT 'face-' || a.face_id FROM assignments a JOIN faces f ON f.id = a.face_id"
        " JOIN photos ph ON ph.id = f.photo_id WHERE ph.live = 0",
    ),
    (
        "decided faces that do not follow their decision",
        "SELECT 'face-' || v.face_id FROM verdicts v JOIN assignments a ON a.face_id = v.face_id"
        " WHERE a.person_id IS NOT v.person_id"
        " OR a.state != CASE v.state WHEN 'person' THEN v.how ELSE v.state END",
    ),
    (
        "faces that say they are decided and are not",
        "SELECT 'face-' || a.face_id FROM assignments a"
        " WHERE a.state IN ('manual', 'imported', 'ignored', 'not_a_face')"
        " AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.face_id = a.face_id)",
    ),
    (
        "faces with a state that does not fit the rest",
        "SELECT 'face-' || face_id FROM assignments WHERE"
        " (person_id IS NOT NULL) != (state IN ('manual', 'imported', 'automatic'))"
        " OR (cluster_id IS NOT NULL) != (state = 'cluster')"
        " OR (suggestion_id IS NOT NULL AND state NOT IN ('cluster', 'unknown'))",
    ),
    (
        "faces of people that there are not",
        "SELECT 'face-' || face_id FROM assignments"
        " WHERE (person_id IS NOT NULL AND person_id NOT IN (SELECT id FROM people))"
        " OR (suggestion_id IS NOT NULL AND suggestion_id NOT IN (SELECT id FROM people))",
    ),
    (
        "faces given or suggested to somebody that a user refused",
        "SELECT 'face-' || a.face_id FROM rejections r JOIN assignments a ON a.face_id = r.face_id"
        " WHERE a.suggestion_id = r.person_id"
        " OR (a.state = 'automatic' AND a.person_id = r.person_id)",
    ),
    (
        "faces recognised as somebody who is in their photo already",
        f"SELECT 'face-' || a.face_id FROM assignments a {_LIVE} WHERE a.state = 'automatic'"
        f" AND {_NOT_TWICE} AND EXISTS ({_OTHERS} AND b.person_id = a.person_id)",
    ),
)

_CLUSTERS = (
    (
        "clusters that are alive and have no face",
        "SELECT 'cluster-' || c.id FROM clusters c WHERE c.alive = 1"
        " AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.cluster_id = c.id)",
    ),
    (
        "faces in clusters that are not alive",
        "SELECT 'face-' || a.face_id FROM assignments a WHERE a.cluster_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM clusters c WHERE c.id = a.cluster_id AND c.alive = 1)",
    ),
    (
        "faces whose photo shows their cluster twice",
        f"SELECT 'face-' || a.face_id FROM assignments a {_LIVE} WHERE a.cluster_id IS NOT NULL"
        f" AND {_NOT_TWICE} AND EXISTS ({_OTHERS} AND b.cluster_id = a.cluster_id)",
    ),
)


def assignments(lib: Library) -> list[Finding]:
    """Where assignments contradict the decisions, the photos or the laws."""
    return _ask(lib, _ASSIGNMENTS)


def clusters(lib: Library) -> list[Finding]:
    """Where clusters and their faces contradict each other."""
    return _ask(lib, _CLUSTERS)


def _ask(lib: Library, questions: tuple[tuple[str, str], ...]) -> list[Finding]:
    found = []
    for said, sql in questions:
        (count,) = lib.db.execute(f"SELECT COUNT(*) FROM ({sql})").fetchone()
        if count:
            rows = lib.db.execute(f"{sql} LIMIT {SHOWN}").fetchall()
            found.append(Finding(said, count, tuple(str(row[0]) for row in rows)))
    return found


def mend_clusters(lib: Library) -> None:
    """Let the clusters' table say of each cluster whether a face is in it."""
    with lib.transaction():
        lib.db.execute(
            "UPDATE clusters SET alive = 0 WHERE alive = 1 AND NOT EXISTS"
            " (SELECT 1 FROM assignments a WHERE a.cluster_id = clusters.id)"
        )
        lib.db.execute(
            "INSERT INTO clusters (id, alive) SELECT DISTINCT cluster_id, 1 FROM assignments"
            " WHERE cluster_id IS NOT NULL ON CONFLICT (id) DO UPDATE SET alive = 1"
        )


def waiting(lib: Library, model: str) -> tuple[int, int]:
    """Live faces that a scan has still to settle: (not seen by the model, without assignment)."""
    unseen = lib.db.execute(
        "SELECT COUNT(*) FROM faces f JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
        " WHERE f.landmarks != '[]' AND NOT EXISTS"
        " (SELECT 1 FROM embeddings e WHERE e.model = ? AND e.face_id = f.id)",
        (model,),
    ).fetchone()[0]
    unsettled = lib.db.execute(
        "SELECT COUNT(*) FROM faces f JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
        " WHERE EXISTS (SELECT 1 FROM embeddings e WHERE e.model = ? AND e.face_id = f.id)"
        " AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.face_id = f.id)",
        (model,),
    ).fetchone()[0]
    return int(unseen), int(unsettled)


def seen_faces(lib: Library, model: str) -> set[int]:
    """Live faces that the model has seen."""
    rows = lib.db.execute(
        "SELECT f.id FROM faces f JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
        " JOIN embeddings e ON e.model = ? AND e.face_id = f.id",
        (model,),
    )
    return {int(row[0]) for row in rows}


def keys_with_faces(lib: Library, prefix: str) -> dict[str, tuple[bool, set[int]]]:
    """Photos whose key begins so: key → (whether it is live and has a face, its faces)."""
    rows = lib.db.execute(
        "SELECT ph.key, ph.live, f.id FROM photos ph LEFT JOIN faces f ON f.photo_id = ph.id"
        " WHERE ph.key >= ? AND ph.key < ?",
        (prefix, prefix + "g"),  # the digits end with f
    )
    found: dict[str, tuple[bool, set[int]]] = {}
    for key, live, face in rows:
        faces = found.setdefault(str(key), (bool(live) and face is not None, set()))[1]
        if face is not None:
            faces.add(int(face))
    return found


def outputs(lib: Library) -> Iterator[tuple[int, str]]:
    """(photo, path) of all that was written for photos; relative paths lie in the library."""
    for row in lib.db.execute("SELECT photo_id, path FROM outputs"):
        yield int(row[0]), restored(row[1])


def is_output(lib: Library, path: str) -> bool:
    """Whether that file was written for a photo that is known."""
    row = lib.db.execute("SELECT 1 FROM outputs WHERE path = ?", (storable(path),)).fetchone()
    return row is not None


def photo_folders(lib: Library) -> Iterator[str]:
    """Every folder that holds, or held, a known file."""
    rows = lib.db.execute(
        "SELECT DISTINCT r.path AS root, p.dir FROM paths p JOIN roots r ON r.id = p.root_id"
    )
    for row in rows:
        yield absolute(restored(row["root"]), restored(row["dir"]), "").rstrip("/") or "/"


def count_live_faces(lib: Library) -> int:
    row = lib.db.execute(
        "SELECT COUNT(*) FROM faces f JOIN photos ph ON ph.id = f.photo_id WHERE ph.live = 1"
    ).fetchone()
    return int(row[0])
