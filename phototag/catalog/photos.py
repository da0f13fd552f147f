"""Photos: content, known by its key, with its faces, its liveness and what was written for it.

A photo is *live* while at least one of its paths is not missing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from phototag.catalog.paths import PathRow as PathRow
from phototag.catalog.paths import failures as failures
from phototag.catalog.paths import path_at as path_at
from phototag.catalog.paths import paths_named as paths_named
from phototag.catalog.paths import paths_of as paths_of
from phototag.catalog.paths import set_failure as set_failure
from phototag.catalog.paths import set_missing as set_missing
from phototag.catalog.paths import set_path as set_path
from phototag.catalog.recognizer import recognizer, seen_mark
from phototag.catalog.roots import absolute as absolute
from phototag.catalog.roots import adopt_root as adopt_root
from phototag.catalog.roots import relocate_root as relocate_root
from phototag.catalog.roots import roots as roots
from phototag.catalog.store import Library, restored, storable
from phototag.catalog.tracks import set_film, set_track
from phototag.core.types import Box, FaceRecord, Landmarks, PhotoRecord, Vectors


def photo_with_key(lib: Library, key: str) -> int | None:
    row = lib.db.execute("SELECT id FROM photos WHERE key = ?", (key,)).fetchone()
    return None if row is None else int(row[0])


MANY_KEYS = 256
"""Known photos of one file size beyond which a new file of it is simply read (uncompressed
ones)."""


def keys_of_size(lib: Library, size: int) -> tuple[str, ...]:
    """Keys of known photos of so many bytes: a new file of this size may be one of them."""
    rows = lib.db.execute(
        "SELECT key FROM photos WHERE bytes = ? LIMIT ?", (size, MANY_KEYS + 1)
    ).fetchall()
    return tuple(str(row[0]) for row in rows) if len(rows) <= MANY_KEYS else ()


def photo_row(lib: Library, photo: int) -> sqlite3.Row:
    row: sqlite3.Row = lib.db.execute("SELECT * FROM photos WHERE id = ?", (photo,)).fetchone()
    return row


def gone_twin(lib: Library, pixel_key: str, photo: int) -> int | None:
    """Another photo of the same pixels all of whose files are gone. During a scan: uses its
    plan."""
    row = lib.db.execute(
        "SELECT ph.id FROM photos ph WHERE pixel_key = ? AND ph.id != ? AND NOT EXISTS ("
        " SELECT 1 FROM paths p LEFT JOIN temp.gone g ON g.path_id = p.id"
        " WHERE p.photo_id = ph.id AND p.missing_since IS NULL AND g.path_id IS NULL)"
        " ORDER BY ph.id LIMIT 1",
        (pixel_key, photo),
    ).fetchone()
    return None if row is None else int(row[0])


def add_photo(
    lib: Library, record: PhotoRecord, size: int, detector: str, model: str
) -> tuple[int, list[int]]:
    """Store a photo and its faces; (photo id, face ids in the record's order)."""
    mark = _mark(lib, record, model)
    cursor = lib.db.execute(
        "INSERT INTO photos (key, pixel_key, width, height, format, taken, bytes, detector,"
        " embedded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.key,
            record.pixel_key,
            record.width,
            record.height,
            record.format,
            record.taken,
            size,
            detector,
            mark,
        ),
    )
    photo = int(cursor.lastrowid or 0)
    set_film(lib, photo, record.film)
    return photo, [add_face(lib, photo, face, model) for face in record.faces]


def renew_photo(lib: Library, photo: int, record: PhotoRecord, detector: str, model: str) -> None:
    """Write what a second look at the same bytes says of a photo (without its faces)."""
    lib.db.execute(
        "UPDATE photos SET pixel_key = ?, width = ?, height = ?, format = ?, taken = ?,"
        " detector = ?, embedded = ?, grouped = 0, published = 0, version = version + 1"
        " WHERE id = ?",
        (
            record.pixel_key,
            record.width,
            record.height,
            record.format,
            record.taken,
            detector,
            _mark(lib, record, model),
            photo,
        ),
    )
    set_film(lib, photo, record.film)


def _mark(lib: Library, record: PhotoRecord, model: str) -> str:
    """Who has seen the faces of a photo: all that recognise, or the embedder alone."""
    whole = all(face.classified is not None for face in record.faces)
    return seen_mark(lib, model) if whole else model


def add_face(lib: Library, photo: int, face: FaceRecord, model: str) -> int:
    """Store a face with its vector; its id, never used again."""
    cursor = lib.db.execute(
        "INSERT INTO faces (x, y, width, height, landmarks, score, quality, photo_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*_place(face), *_looks(face), photo),
    )
    number = int(cursor.lastrowid or 0)
    set_track(lib, number, face.track)
    _set_vectors(lib, model, number, face)
    return number


def renew_face(lib: Library, number: int, face: FaceRecord, model: str, *, place: bool) -> None:
    """Write what a second look says of a face; `place`: where it lies, too (not for a face that a
    decision names by its place)."""
    if place:
        lib.db.execute(
            "UPDATE faces SET x = ?, y = ?, width = ?, height = ? WHERE id = ?",
            (*_place(face), number),
        )
    set_track(lib, number, face.track)
    lib.db.execute(
        "UPDATE faces SET landmarks = ?, score = ?, quality = ?, drawn = 0 WHERE id = ?",
        (*_looks(face), number),
    )
    _set_vectors(lib, model, number, face)


def _set_vectors(lib: Library, model: str, number: int, face: FaceRecord) -> None:
    set_embedding(lib, model, number, face.embedding)
    if face.classified is not None:
        set_embedding(lib, face.classified.classifier, number, face.classified.probabilities)


def _place(face: FaceRecord) -> tuple[float, float, float, float]:
    box = face.box.rounded()
    return (box.x, box.y, box.width, box.height)


def _looks(face: FaceRecord) -> tuple[str, float, float]:
    points = [[round(x, 5), round(y, 5)] for x, y in face.landmarks.points]
    return (json.dumps(points), round(face.score, 4), round(face.quality, 4))


def set_embedding(lib: Library, model: str, face: int, vector: Vectors) -> None:
    lib.db.execute(
        "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
        (model, face, vector.astype("<f2").tobytes()),
    )


def set_embedded(lib: Library, photo: int, model: str) -> None:
    """All faces of a photo have been seen by this model now, and by the classifier in use."""
    lib.db.execute(
        "UPDATE photos SET embedded = ?, grouped = 0, published = 0, version = version + 1"
        " WHERE id = ?",
        (seen_mark(lib, model), photo),
    )


def settle_embedded(lib: Library, model: str) -> None:
    """Mark the photos that this model, and the classifier in use, have seen already (they were in
    use before), or that hold no face that they can see."""
    used = recognizer(lib)
    lib.db.execute(
        "UPDATE photos SET embedded = :seen, grouped = 0 WHERE live = 1"
        " AND (embedded < :seen OR embedded > :seen) AND NOT EXISTS"
        " (SELECT 1 FROM faces f LEFT JOIN embeddings e ON e.face_id = f.id AND e.model = :model"
        "  LEFT JOIN embeddings c ON c.face_id = f.id AND c.model = :used"
        "  WHERE f.photo_id = photos.id AND f.landmarks != '[]'"
        "  AND (e.face_id IS NULL OR c.face_id IS NULL))",
        {
            "seen": seen_mark(lib, model),
            "model": model,
            "used": model if used.is_gallery else used.id,
        },
    )


def drop_face(lib: Library, face: int) -> None:
    lib.db.execute("DELETE FROM faces WHERE id = ?", (face,))


def landmarks_of(text: str) -> Landmarks:
    return Landmarks(tuple((float(x), float(y)) for x, y in json.loads(text)))


def box_of(row: sqlite3.Row) -> Box:
    return Box(row["x"], row["y"], row["width"], row["height"])


def vector_of(blob: bytes) -> Vectors:
    return np.frombuffer(blob, dtype="<f2").astype(np.float32)


def refresh_live(lib: Library, photos: Iterable[int]) -> list[int]:
    """Set `live` from the paths of these photos; those whose liveness changed."""
    changed: list[int] = []
    for photo in sorted(set(photos)):
        row = lib.db.execute(
            "UPDATE photos SET live = 1 - live, published = 0, grouped = 0,"
            " version = version + 1 WHERE id = ? AND live !="
            " EXISTS (SELECT 1 FROM paths WHERE photo_id = photos.id AND missing_since IS NULL)"
            " RETURNING id",
            (photo,),
        ).fetchone()
        if row is not None:
            changed.append(photo)
    return changed


def ungrouped(lib: Library) -> list[int]:
    """Photos in which a face, a vector or the photo itself came, went or changed since the faces
    were last settled."""
    return [int(row[0]) for row in lib.db.execute("SELECT id FROM photos WHERE grouped = 0")]


def ungrouped_versions(lib: Library) -> list[tuple[int, int]]:
    """The same with the version of each photo."""
    rows = lib.db.execute("SELECT id, version FROM photos WHERE grouped = 0 ORDER BY id")
    return [(int(row[0]), int(row[1])) for row in rows]


def set_grouped(lib: Library) -> None:
    lib.db.execute("UPDATE photos SET grouped = 1 WHERE grouped = 0")


def unsettle(lib: Library, photos: Sequence[int]) -> None:
    """Have these photos settled and written again."""
    lib.db.executemany(
        "UPDATE photos SET grouped = 0, published = 0, version = version + 1 WHERE id = ?",
        ((photo,) for photo in photos),
    )


def any_unseen(lib: Library, model: str) -> bool:
    """Whether a live photo holds faces that this model, or the classifier in use, has not seen:
    another was used before."""
    for before_or_after in "<>":  # each a range of the index; both in one would read all of it
        row = lib.db.execute(
            f"SELECT 1 FROM photos ph WHERE live = 1 AND embedded {before_or_after} ?"
            " AND EXISTS (SELECT 1 FROM faces WHERE photo_id = ph.id) LIMIT 1",
            (seen_mark(lib, model),),
        ).fetchone()
        if row is not None:
            return True
    return False


def with_faces(lib: Library) -> set[int]:
    """All photos that hold faces."""
    return {int(row[0]) for row in lib.db.execute("SELECT DISTINCT photo_id FROM faces")}


def photos_with_keys(lib: Library, keys: Iterable[str]) -> set[int]:
    found = (photo_with_key(lib, key) for key in keys)
    return {photo for photo in found if photo is not None}


def drop_past_photos(lib: Library) -> list[tuple[str, list[int]]]:
    """Remove photos without a file whose outputs are gone and that no decision ever named: (key,
    faces) of each. Photos that the journal names stay for ever, for `undo` and `redo`."""
    rows = lib.db.execute(
        "SELECT id, key FROM photos ph WHERE live = 0 AND published = 1 AND grouped = 1"
        " AND NOT EXISTS (SELECT 1 FROM paths WHERE photo_id = ph.id)"
        " AND NOT EXISTS (SELECT 1 FROM paths WHERE former_id = ph.id)"
        " AND NOT EXISTS (SELECT 1 FROM outputs WHERE photo_id = ph.id)"
        " AND NOT EXISTS (SELECT 1 FROM edits WHERE old_id = ph.id OR new_id = ph.id)"
        " AND NOT EXISTS (SELECT 1 FROM named WHERE photo = ph.key)"
        " AND NOT EXISTS (SELECT 1 FROM faces f JOIN successors s"
        "  ON s.heir_id = f.id WHERE f.photo_id = ph.id) ORDER BY id"
    ).fetchall()
    dropped = []
    for photo, key in rows:
        faces = lib.db.execute("DELETE FROM faces WHERE photo_id = ? RETURNING id", (photo,))
        dropped.append((str(key), [int(row[0]) for row in faces.fetchall()]))
        lib.db.execute("DELETE FROM photos WHERE id = ?", (photo,))
    return dropped


# ---- outputs


def unpublish(lib: Library, photos: Sequence[int]) -> None:
    """Mark photos whose outputs have to be written (or taken away)."""
    lib.db.executemany(
        "UPDATE photos SET published = 0, version = version + 1 WHERE id = ?",
        ((photo,) for photo in photos),
    )


def unpublished(lib: Library) -> list[int]:
    rows = lib.db.execute("SELECT id FROM photos WHERE published = 0 ORDER BY id")
    return [int(row[0]) for row in rows]


def unpublish_all(lib: Library) -> None:
    """Have everything written anew where it differs."""
    lib.db.execute("UPDATE photos SET published = 0 WHERE published = 1")


def set_published(lib: Library, photo: int) -> None:
    lib.db.execute("UPDATE photos SET published = 1 WHERE id = ?", (photo,))


def outputs_of(lib: Library, photo: int) -> dict[str, tuple[str, str]]:
    """What was written for a photo: path → (kind, digest of the bytes)."""
    rows = lib.db.execute("SELECT path, kind, digest FROM outputs WHERE photo_id = ?", (photo,))
    return {restored(row[0]): (str(row[1]), str(row[2])) for row in rows}


def set_output(lib: Library, photo: int, kind: str, path: str, digest: str) -> None:
    lib.db.execute(
        "INSERT OR REPLACE INTO outputs (path, photo_id, kind, digest) VALUES (?, ?, ?, ?)",
        (storable(path), photo, kind, digest),
    )


def drop_output(lib: Library, path: str) -> None:
    lib.db.execute("DELETE FROM outputs WHERE path = ?", (storable(path),))


def counts(lib: Library) -> dict[str, int]:
    """How much there is: for `status`. Counts along indexes where there are any.

    (SQLite does not know how few files are missing or failed: it is told where to begin.)
    """

    def one(sql: str) -> int:
        return int(lib.db.execute(sql).fetchone()[0])

    gone = one("SELECT COUNT(*) FROM photos WHERE live = 0")
    faces_gone = one(
        "SELECT COUNT(*) FROM photos ph JOIN faces f ON f.photo_id = ph.id WHERE ph.live = 0"
    )
    return {
        "photos": one("SELECT COUNT(*) FROM photos") - gone,
        "files": one("SELECT COUNT(*) FROM paths WHERE photo_id IS NOT NULL")
        - one(
            "SELECT COUNT(*) FROM paths INDEXED BY paths_missing"
            " WHERE missing_since IS NOT NULL AND photo_id IS NOT NULL"
        ),
        "missing": one("SELECT COUNT(*) FROM paths WHERE missing_since IS NOT NULL"),
        "failed": one(
            "SELECT COUNT(*) FROM failures f CROSS JOIN paths p ON p.id = f.path_id"
            " WHERE p.missing_since IS NULL"
        ),
        "unpublished": one("SELECT COUNT(*) FROM photos WHERE published = 0"),
        "faces": one("SELECT COUNT(*) FROM faces") - faces_gone,
        "decisions": one("SELECT COUNT(*) FROM decisions"),
    }
