"""What reports, sheets and searches read: joined rows, never whole tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from phototag.catalog.faces import THESE, listed
from phototag.catalog.photos import absolute, box_of
from phototag.catalog.store import Library, restored
from phototag.core.types import Box, Span

WHEN = (
    "COALESCE(ph.taken, (SELECT strftime('%Y-%m-%dT%H:%M:%S', MIN(w.mtime_ns) / 1000000000,"
    " 'unixepoch') FROM paths w WHERE w.photo_id = ph.id AND w.missing_since IS NULL))"
)
"""Capture time of a photo as ISO 8601: from EXIF, else the file's."""


@dataclass(frozen=True, slots=True)
class PersonRow:
    id: int
    name: str
    faces: int
    photos: int
    confirmed: int
    """Faces that a user named."""
    suggested: int
    first: str | None
    last: str | None
    enrolled: int
    """Faces that stand for the person by `enroll`, in the collection or outside of it."""
    born: str | None = None
    """As a user said it: ISO 8601, a year or a month at least."""
    died: str | None = None


@dataclass(frozen=True, slots=True)
class ClusterRow:
    id: int
    faces: int
    photos: int
    first: str | None
    last: str | None
    guess: int | None
    """The person that most of its faces may be."""
    guess_score: float | None


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face with its photo and its assignment."""

    id: int
    photo: int
    key: str
    box: Box
    landmarks: str
    score: float
    quality: float
    state: str
    person: int | None
    cluster: int | None
    similarity: float | None
    runner_up: int | None
    runner_up_score: float | None
    suggestion: int | None
    suggestion_score: float | None
    law: str
    drawn: bool = False
    """Whether a user drew it and no detector has found it."""
    span: Span | None = None
    """In a video: from when to when it is seen."""


_FACE = (
    "SELECT f.*, t.first, t.last, ph.key, COALESCE(a.state, 'unknown') AS state, a.person_id,"
    " a.cluster_id,"
    " a.score AS similarity, a.runner_up_id, a.runner_up_score, a.suggestion_id,"
    " a.suggestion_score, COALESCE(a.law, '') AS law"
    " FROM faces f JOIN photos ph ON ph.id = f.photo_id"
    " LEFT JOIN assignments a ON a.face_id = f.id LEFT JOIN tracks t ON t.face_id = f.id "
)


def _seen(row: sqlite3.Row) -> SeenFace:
    return SeenFace(
        id=row["id"],
        photo=row["photo_id"],
        key=row["key"],
        box=box_of(row),
        landmarks=row["landmarks"],
        score=row["score"],
        quality=row["quality"],
        state=row["state"],
        person=row["person_id"],
        cluster=row["cluster_id"],
        similarity=row["similarity"],
        runner_up=row["runner_up_id"],
        runner_up_score=row["runner_up_score"],
        suggestion=row["suggestion_id"],
        suggestion_score=row["suggestion_score"],
        law=row["law"],
        drawn=row["drawn"] != 0,
        span=None if row["first"] is None else (row["first"], row["last"]),
    )


def faces_in_photo(lib: Library, photo: int) -> list[SeenFace]:
    """The faces of a photo from left to right (`#1`, `#2`, …), of a video in the order in which
    they come into view; without those that are none."""
    rows = lib.db.execute(_FACE + "WHERE f.photo_id = ?", (photo,))
    found = [_seen(row) for row in rows]
    return sorted(
        (f for f in found if f.state != "not_a_face"),
        key=lambda f: (f.span[0] if f.span else 0, f.box.centre[0], f.id),
    )


def seen_face(lib: Library, face: int) -> SeenFace | None:
    row = lib.db.execute(_FACE + "WHERE f.id = ?", (face,)).fetchone()
    return None if row is None else _seen(row)


def faces_of_person(lib: Library, person: int) -> Iterator[SeenFace]:
    """Latest photo first."""
    rows = lib.db.execute(
        _FACE + f"WHERE a.person_id = ? AND ph.live = 1 ORDER BY {WHEN} DESC, f.id",
        (person,),
    ).fetchall()
    return (_seen(row) for row in rows)


def weakest_of_person(lib: Library, person: int, limit: int) -> list[SeenFace]:
    """The recognised faces of a person with the lowest scores, lowest first."""
    rows = lib.db.execute(
        _FACE + "WHERE a.person_id = ? AND a.state = 'automatic' AND ph.live = 1"
        " ORDER BY a.score, f.id LIMIT ?",
        (person, limit),
    )
    return [_seen(row) for row in rows]


def faces_of_cluster(lib: Library, cluster: int) -> Iterator[SeenFace]:
    """Best quality first."""
    rows = lib.db.execute(
        _FACE + "WHERE a.cluster_id = ? AND ph.live = 1 ORDER BY f.quality DESC, f.id",
        (cluster,),
    ).fetchall()
    return (_seen(row) for row in rows)


def faces_suggested(lib: Library, person: int) -> Iterator[SeenFace]:
    """Faces that may be a person, most similar first."""
    rows = lib.db.execute(
        _FACE + "WHERE a.suggestion_id = ? AND ph.live = 1 ORDER BY a.suggestion_score DESC, f.id",
        (person,),
    ).fetchall()
    return (_seen(row) for row in rows)


def best_face(lib: Library, column: str, number: int) -> tuple[str, int] | None:
    """(photo key, face) of the best face of a person or cluster."""
    if column not in ("person_id", "cluster_id"):
        raise ValueError(column)
    row = lib.db.execute(
        "SELECT ph.key, f.id FROM assignments a JOIN faces f ON f.id = a.face_id"
        f" JOIN photos ph ON ph.id = f.photo_id WHERE a.{column} = ? AND ph.live = 1"
        " ORDER BY a.state = 'automatic', f.quality DESC, f.id LIMIT 1",
        (number,),
    ).fetchone()
    return None if row is None else (str(row[0]), int(row[1]))


def people_rows(lib: Library, only: int | None = None) -> list[PersonRow]:
    """Everybody with a name, or only one of them, most faces first."""
    rows = lib.db.execute(
        "SELECT p.id, p.name, COUNT(f.id) AS faces, COUNT(DISTINCT f.photo_id) AS photos,"
        " SUM(f.id IS NOT NULL AND a.state IN ('manual', 'imported')) AS confirmed,"
        " (SELECT COUNT(*) FROM assignments s WHERE s.suggestion_id = p.id) AS suggested,"
        f" MIN({WHEN}) AS first, MAX({WHEN}) AS last,"
        " (SELECT COUNT(*) FROM verdicts v JOIN decisions d ON d.id = v.decision_id"
        "  AND d.kind = 'enroll' WHERE v.person_id = p.id) AS enrolled, l.born, l.died"
        " FROM people p LEFT JOIN lives l ON l.person_id = p.id"
        " LEFT JOIN assignments a ON a.person_id = p.id"
        " LEFT JOIN faces f ON f.id = a.face_id"
        " LEFT JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
        " WHERE :only IS NULL OR p.id = :only GROUP BY p.id ORDER BY faces DESC, p.name",
        {"only": only},
    )
    return [
        PersonRow(
            row["id"],
            row["name"],
            row["faces"],
            row["photos"],
            row["confirmed"] or 0,
            row["suggested"],
            row["first"],
            row["last"],
            row["enrolled"],
            row["born"],
            row["died"],
        )
        for row in rows
    ]


def cluster_rows(
    lib: Library, limit: int | None = None, least: int = 1, only: int | None = None
) -> list[ClusterRow]:
    """Unnamed clusters of at least that many faces, or only one of them, largest first."""
    wanted = "a.cluster_id IS NOT NULL" if only is None else f"a.cluster_id = {int(only)}"
    rows = lib.db.execute(
        "SELECT a.cluster_id AS id, COUNT(*) AS faces, COUNT(DISTINCT f.photo_id) AS photos,"
        f" MIN({WHEN}) AS first, MAX({WHEN}) AS last"
        " FROM assignments a JOIN faces f ON f.id = a.face_id JOIN photos ph ON ph.id = f.photo_id"
        f" WHERE {wanted} GROUP BY a.cluster_id HAVING COUNT(*) >= ?"
        " ORDER BY faces DESC, a.cluster_id LIMIT ?",
        (least, -1 if limit is None else limit),
    ).fetchall()
    guesses = _guesses(lib, None if only is None and limit is None else [r["id"] for r in rows])
    return [
        ClusterRow(
            row["id"],
            row["faces"],
            row["photos"],
            row["first"],
            row["last"],
            *guesses.get(row["id"], (None, None)),
        )
        for row in rows
    ]


def _guesses(lib: Library, clusters: Collection[int] | None) -> dict[int, tuple[int, float]]:
    """The person that most faces of a cluster may be, and the best score; of all clusters, or of
    some."""
    wanted = "cluster_id IS NOT NULL" if clusters is None else f"cluster_id IN {THESE}"
    rows = lib.db.execute(
        "SELECT cluster_id, suggestion_id, COUNT(*), MAX(suggestion_score) FROM assignments"
        f" WHERE {wanted} AND suggestion_id IS NOT NULL GROUP BY cluster_id, suggestion_id",
        () if clusters is None else (listed(clusters),),
    )
    best: dict[int, tuple[int, float, int]] = {}
    for cluster, person, count, score in rows:
        found = (int(count), float(score), -int(person))
        best[int(cluster)] = max(found, best.get(int(cluster), found))
    return {cluster: (-person, score) for cluster, (_, score, person) in best.items()}


def first_faces(lib: Library, count: int) -> dict[int, list[tuple[str, int]]]:
    """(photo key, face) of the best faces of every cluster, in the order of `faces_of_cluster`."""
    rows = lib.db.execute(
        "SELECT cluster_id, key, id FROM (SELECT a.cluster_id, ph.key, f.id, ROW_NUMBER() OVER"
        " (PARTITION BY a.cluster_id ORDER BY f.quality DESC, f.id) AS place FROM assignments a"
        " JOIN faces f ON f.id = a.face_id JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
        " WHERE a.cluster_id IS NOT NULL) WHERE place <= ? ORDER BY cluster_id, place",
        (count,),
    )
    found: dict[int, list[tuple[str, int]]] = {}
    for cluster, key, face in rows:
        found.setdefault(int(cluster), []).append((str(key), int(face)))
    return found


def months(lib: Library) -> list[tuple[str, int]]:
    """(`2019-07` or '', photos) of all live photos with a face, earliest first."""
    rows = lib.db.execute(
        f"SELECT COALESCE(substr({WHEN}, 1, 7), '') AS month, COUNT(*) FROM photos ph"
        " WHERE ph.live = 1 GROUP BY month ORDER BY month"
    )
    return [(str(row[0]), int(row[1])) for row in rows]


def stamps(lib: Library) -> dict[str, str]:
    """For each month, `person-N` and `cluster-N`: a text that differs when a page of it would.

    A photo's version grows with every change of its faces, its names or its files.
    """
    found: dict[str, str] = {}
    sums = "COUNT(*), SUM(ph.version), MAX(ph.id), SUM(ph.id)"
    months_sql = (
        f"SELECT COALESCE(substr({WHEN}, 1, 7), ''), {sums} FROM photos ph"
        " WHERE ph.live = 1 GROUP BY 1"
    )
    for row in lib.db.execute(months_sql):
        found[str(row[0])] = "-".join(str(v) for v in row[1:])
    for column, kind in (
        ("person_id", "person"),
        ("cluster_id", "cluster"),
        ("suggestion_id", "person"),
    ):
        rows = lib.db.execute(
            f"SELECT a.{column}, {sums} FROM assignments a JOIN faces f ON f.id = a.face_id"
            f" JOIN photos ph ON ph.id = f.photo_id WHERE a.{column} IS NOT NULL GROUP BY 1"
        )
        for row in rows:
            page = f"{kind}-{row[0]}"
            found[page] = found.get(page, "") + "/" + "-".join(str(v) for v in row[1:])
    return found


@dataclass(frozen=True, slots=True)
class PhotoRow:
    id: int
    key: str
    path: str
    """Absolute, of its first file."""
    width: int
    height: int
    format: str
    taken: str | None
    """From EXIF, else the file's time."""
    faces: int


_PHOTO = (
    f"SELECT ph.*, {WHEN} AS at, r.path AS root, p.dir, p.name,"
    " (SELECT COUNT(*) FROM faces f WHERE f.photo_id = ph.id) AS faces"
    " FROM photos ph JOIN paths p ON p.id = (SELECT MIN(o.id) FROM paths o"
    "  WHERE o.photo_id = ph.id AND o.missing_since IS NULL)"
    " JOIN roots r ON r.id = p.root_id "
)


def _photo(row: sqlite3.Row) -> PhotoRow:
    path = absolute(restored(row["root"]), restored(row["dir"]), restored(row["name"]))
    return PhotoRow(
        row["id"],
        row["key"],
        path,
        row["width"],
        row["height"],
        row["format"],
        row["at"],
        row["faces"],
    )


def photos_of_month(lib: Library, month: str) -> Iterator[PhotoRow]:
    """Live photos of a month, earliest first."""
    rows = lib.db.execute(
        _PHOTO + f"WHERE ph.live = 1 AND COALESCE(substr({WHEN}, 1, 7), '') = ?"
        " ORDER BY at, ph.key",
        (month,),
    ).fetchall()
    return (_photo(row) for row in rows)


def photo(lib: Library, number: int) -> PhotoRow | None:
    """A live photo."""
    row = lib.db.execute(_PHOTO + "WHERE ph.id = ?", (number,)).fetchone()
    return None if row is None else _photo(row)


def tally(lib: Library) -> dict[str, int]:
    """Faces by state, suggestions, people and clusters. Only states that occur are named.

    Decided faces are few and have their table, people and clusters their indexes: nothing reads all
    assignments.
    """

    def one(sql: str) -> int:
        return int(lib.db.execute(sql).fetchone()[0])

    rows = lib.db.execute(
        "SELECT a.state, COUNT(*) FROM verdicts v JOIN assignments a ON a.face_id = v.face_id"
        " WHERE a.state IN ('manual', 'imported', 'ignored', 'not_a_face') GROUP BY a.state"
    )
    found = {str(row[0]): int(row[1]) for row in rows}
    decided = sum(found.values())
    named = found.get("manual", 0) + found.get("imported", 0)
    people = one("SELECT COUNT(*) FROM assignments WHERE person_id IS NOT NULL")
    found["automatic"] = people - named
    found["cluster"] = one("SELECT COUNT(*) FROM assignments WHERE cluster_id IS NOT NULL")
    found["unknown"] = (
        one("SELECT COUNT(*) FROM assignments") - decided - found["automatic"] - found["cluster"]
    )
    found = {state: count for state, count in sorted(found.items()) if count}
    found["suggested"] = one("SELECT COUNT(*) FROM assignments WHERE suggestion_id IS NOT NULL")
    found["people"] = one("SELECT COUNT(*) FROM people")
    found["clusters"] = one(
        "SELECT COUNT(DISTINCT cluster_id) FROM assignments WHERE cluster_id IS NOT NULL"
    )
    return found
