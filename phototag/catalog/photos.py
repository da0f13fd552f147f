"""Roots, paths and photos: what is where, what is known of it, and what a scan has to do.

A *photo* is content (its key); a *path* is where a file of it lies. A photo is *live* while at
least one of its paths is not missing.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from phototag.catalog.store import Library, restored, storable
from phototag.core.types import Box, FaceRecord, Landmarks, PhotoRecord, Vectors


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalogue knows of one file."""

    id: int
    size: int
    mtime_ns: int
    photo: int | None
    failed: bool
    missing: bool


@dataclass(frozen=True, slots=True)
class Todo:
    """One file that a scan has to open."""

    number: int
    root: int
    dir: str
    name: str
    path: str
    size: int
    mtime_ns: int
    kind: str
    """`new`, `changed`, `retry`, `force` or `embed`."""


@dataclass(frozen=True, slots=True)
class PathRow:
    """A file of a photo."""

    id: int
    path: str
    """Absolute, with surrogate escapes where it is not UTF-8."""
    size: int
    mtime_ns: int
    photo: int | None
    missing_since: str | None


# ---- roots


def adopt_root(lib: Library, path: str, *, is_file: bool = False) -> tuple[int, str]:
    """The root that holds `path` and the folder of it there, made where there is none.

    A folder inside a known root is scanned as a part of that root; a folder that holds known roots
    takes them over, so that no file is ever known twice.
    """
    folder = os.path.dirname(path) if is_file else path  # noqa: PTH120 (not UTF-8 safe as Path)
    folder = folder.rstrip("/") or "/"
    rows = lib.db.execute("SELECT id, path FROM roots").fetchall()
    known = {restored(row["path"]): int(row["id"]) for row in rows}
    for root, number in known.items():
        inside = _inside(root, folder)
        if inside is not None:
            return number, inside
    cursor = lib.db.execute("INSERT INTO roots (path) VALUES (?)", (storable(folder),))
    number = int(cursor.lastrowid or 0)
    for root, old in known.items():
        inside = _inside(folder, root)
        if inside:
            _move_root_into(lib, old, number, inside)
    return number, ""


def _inside(root: str, path: str) -> str | None:
    """`path` relative to `root`, '' for the root itself, None when it lies elsewhere."""
    if path == root:
        return ""
    base = root if root.endswith("/") else root + "/"
    return path[len(base) :] if path.startswith(base) else None


def _move_root_into(lib: Library, old: int, new: int, inside: str) -> None:
    rows = lib.db.execute("SELECT DISTINCT dir FROM paths WHERE root_id = ?", (old,)).fetchall()
    for row in rows:
        below = restored(row["dir"])
        target = storable(f"{inside}/{below}" if below else inside)
        lib.db.execute(
            "UPDATE paths SET root_id = ?, dir = ? WHERE root_id = ? AND dir = ?",
            (new, target, old, row["dir"]),
        )
    lib.db.execute("DELETE FROM roots WHERE id = ?", (old,))


def roots(lib: Library) -> dict[int, str]:
    return {
        int(row["id"]): restored(row["path"]) for row in lib.db.execute("SELECT * FROM roots")
    }


def relocate_root(lib: Library, old: str, new: str) -> int:
    """Say that the folder `old` is now at `new`; the number of files that this moves."""
    count = 0
    for number, path in roots(lib).items():
        inside = _inside(old, path)
        if inside is None:
            continue
        target = f"{new.rstrip('/')}/{inside}" if inside else new
        lib.db.execute("UPDATE roots SET path = ? WHERE id = ?", (storable(target), number))
        row = lib.db.execute("SELECT COUNT(*) FROM paths WHERE root_id = ?", (number,)).fetchone()
        count += int(row[0])
    return count


# ---- files


def known_files(lib: Library, root: int, folder: str) -> dict[str, Known]:
    """The files that the catalogue knows in one folder, by name."""
    rows = lib.db.execute(
        "SELECT p.id, name, size, mtime_ns, photo_id, missing_since,"
        " f.path_id IS NOT NULL AS failed"
        " FROM paths p LEFT JOIN failures f ON f.path_id = p.id WHERE root_id = ? AND dir = ?",
        (root, storable(folder)),
    )
    return {
        restored(row[1]): Known(
            row[0], row[2], row[3], row[4], bool(row[6]), row[5] is not None
        )
        for row in rows
    }


def known_folders(lib: Library, root: int, scope: str) -> Iterator[str]:
    """All folders of a root at or below `scope` that hold known files."""
    for row in lib.db.execute("SELECT DISTINCT dir FROM paths WHERE root_id = ?", (root,)):
        folder = restored(row[0])
        if _inside(scope, folder) is not None or scope == "":
            yield folder


def count_present(lib: Library, root: int, scope: str) -> int:
    """Files at or below `scope` that are not missing and hold a photo."""
    row = lib.db.execute(
        "SELECT COUNT(*) FROM paths WHERE root_id = ? AND missing_since IS NULL"
        " AND photo_id IS NOT NULL AND (? = '' OR dir = ? OR substr(dir, 1, ?) = ?)",
        (root, scope, storable(scope), len(scope) + 1, storable(scope + "/")),
    ).fetchone()
    return int(row[0])


def absolute(root: str, folder: str, name: str) -> str:
    base = root.rstrip("/")
    return f"{base}/{folder}/{name}" if folder else f"{base}/{name}"


_PATH = (
    "SELECT p.id, r.path AS root, p.dir, p.name, p.size, p.mtime_ns, p.photo_id, p.missing_since"
    " FROM paths p JOIN roots r ON r.id = p.root_id "
)


def _path_row(row: sqlite3.Row) -> PathRow:
    path = absolute(restored(row["root"]), restored(row["dir"]), restored(row["name"]))
    return PathRow(
        row["id"], path, row["size"], row["mtime_ns"], row["photo_id"], row["missing_since"]
    )


def paths_of(lib: Library, photo: int, *, missing: bool = False) -> list[PathRow]:
    """The files of a photo, sorted by path; missing ones only on request."""
    rows = lib.db.execute(_PATH + "WHERE p.photo_id = ?", (photo,))
    found = [_path_row(row) for row in rows]
    return sorted((p for p in found if missing or p.missing_since is None), key=lambda p: p.path)


def path_at(lib: Library, path: str) -> PathRow | None:
    """The known file at an absolute path."""
    for number, root in roots(lib).items():
        inside = _inside(root, path)
        if inside:
            folder, _, name = inside.rpartition("/")
            row = lib.db.execute(
                _PATH + "WHERE p.root_id = ? AND p.dir = ? AND p.name = ?",
                (number, storable(folder), storable(name)),
            ).fetchone()
            if row is not None:
                return _path_row(row)
    return None


def paths_named(lib: Library, name: str) -> list[PathRow]:
    """Present files whose name, or end of path, is `name`."""
    base = name.rpartition("/")[2]
    rows = lib.db.execute(
        _PATH + "WHERE p.name = ? AND p.missing_since IS NULL", (storable(base),)
    )
    found = [_path_row(row) for row in rows]
    return sorted((p for p in found if ("/" + p.path).endswith("/" + name)), key=lambda p: p.path)


def failures(lib: Library) -> list[tuple[str, str, str]]:
    """(path, reason, message) of every file that could not be read, sorted by path."""
    rows = lib.db.execute(
        _PATH.replace(" FROM", ", f.reason, f.message FROM")
        + "JOIN failures f ON f.path_id = p.id WHERE p.missing_since IS NULL"
    )
    return sorted((_path_row(row).path, row["reason"], row["message"]) for row in rows)


def set_path(
    lib: Library, root: int, folder: str, name: str, size: int, mtime_ns: int, photo: int | None
) -> int:
    """Write what a file is now; the path's id. Clears `missing` and an old failure."""
    row = lib.db.execute(
        "INSERT INTO paths (root_id, dir, name, size, mtime_ns, photo_id) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (root_id, dir, name) DO UPDATE SET size = excluded.size,"
        " mtime_ns = excluded.mtime_ns, photo_id = excluded.photo_id, missing_since = NULL"
        " RETURNING id",
        (root, storable(folder), storable(name), size, mtime_ns, photo),
    ).fetchone()
    lib.db.execute("DELETE FROM failures WHERE path_id = ?", (row[0],))
    return int(row[0])


def set_failure(lib: Library, path: int, reason: str, message: str) -> None:
    lib.db.execute(
        "INSERT INTO failures VALUES (?, ?, ?)",
        (path, reason, message.encode("utf-8", "replace").decode()),
    )


def forget_path(lib: Library, path: int) -> None:
    """The file moved: this place of it is no more."""
    lib.db.execute("DELETE FROM paths WHERE id = ?", (path,))


def set_missing(lib: Library, path: int, since: str | None) -> None:
    lib.db.execute("UPDATE paths SET missing_since = ? WHERE id = ?", (since, path))


def missing_of(lib: Library, photo: int) -> list[int]:
    """Ids of the missing paths of a photo."""
    rows = lib.db.execute(
        "SELECT id FROM paths WHERE photo_id = ? AND missing_since IS NOT NULL ORDER BY id",
        (photo,),
    )
    return [int(row[0]) for row in rows]


def forget_long_missing(lib: Library, before: str) -> int:
    """Drop files that have been missing since before `before` (ISO 8601), and photos that no file
    or decision holds."""
    rows = lib.db.execute(
        "DELETE FROM paths WHERE missing_since IS NOT NULL AND missing_since < ? RETURNING id",
        (before,),
    ).fetchall()
    if rows:
        drop_unheld_photos(lib)
    return len(rows)


def drop_unheld_photos(lib: Library) -> int:
    """Remove photos without a path whose faces no decision names; the number removed."""
    ids = [
        int(row[0])
        for row in lib.db.execute(
            "SELECT id FROM photos ph WHERE NOT EXISTS (SELECT 1 FROM paths WHERE photo_id = ph.id)"
            " AND NOT EXISTS (SELECT 1 FROM faces f JOIN verdicts v ON v.face_id = f.id"
            "  WHERE f.photo_id = ph.id)"
            " AND NOT EXISTS (SELECT 1 FROM faces f JOIN rejections v ON v.face_id = f.id"
            "  WHERE f.photo_id = ph.id)"
        )
    ]
    for photo in ids:
        lib.db.execute("DELETE FROM faces WHERE photo_id = ?", (photo,))
        lib.db.execute("DELETE FROM outputs WHERE photo_id = ?", (photo,))
        lib.db.execute("DELETE FROM photos WHERE id = ?", (photo,))
    return len(ids)


# ---- what a scan has to do (temporary tables: memory stays flat whatever the tree)


def begin_plan(lib: Library) -> None:
    lib.db.execute("DROP TABLE IF EXISTS temp.todo")
    lib.db.execute("DROP TABLE IF EXISTS temp.gone")
    lib.db.execute(
        "CREATE TEMP TABLE todo (number INTEGER PRIMARY KEY, root INTEGER, dir, name, path,"
        " size INTEGER, mtime_ns INTEGER, kind TEXT)"
    )
    lib.db.execute("CREATE TEMP TABLE gone (path_id INTEGER PRIMARY KEY, photo_id INTEGER)")
    lib.db.execute("CREATE INDEX temp.gone_photo ON gone (photo_id)")


def plan(lib: Library, entries: Iterable[tuple[int, str, str, str, int, int, str]]) -> None:
    """Add files to the list: (root, dir, name, path, size, mtime_ns, kind)."""
    lib.db.executemany(
        "INSERT INTO temp.todo (root, dir, name, path, size, mtime_ns, kind)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (root, storable(d), storable(n), storable(p), size, mtime, kind)
            for root, d, n, p, size, mtime, kind in entries
        ),
    )


def plan_gone(lib: Library, paths: Iterable[tuple[int, int | None]]) -> None:
    lib.db.executemany("INSERT OR IGNORE INTO temp.gone VALUES (?, ?)", paths)


def drop_gone(lib: Library, root: int) -> None:
    """Forget what was planned as gone under a root (its guard said stop)."""
    lib.db.execute(
        "DELETE FROM temp.gone WHERE path_id IN (SELECT id FROM paths WHERE root_id = ?)", (root,)
    )


def drop_todo(lib: Library, root: int) -> None:
    lib.db.execute("DELETE FROM temp.todo WHERE root = ?", (root,))


def planned(lib: Library) -> dict[str, int]:
    """Number of files to open, by kind."""
    rows = lib.db.execute("SELECT kind, COUNT(*) FROM temp.todo GROUP BY kind")
    return {str(row[0]): int(row[1]) for row in rows}


def todo(lib: Library, block: int = 1000) -> Iterator[Todo]:
    """The files to open, in the order of the walk, read in blocks."""
    last = 0
    while True:
        rows = lib.db.execute(
            "SELECT * FROM temp.todo WHERE number > ? ORDER BY number LIMIT ?", (last, block)
        ).fetchall()
        if not rows:
            return
        for row in rows:
            yield Todo(
                row["number"],
                row["root"],
                restored(row["dir"]),
                restored(row["name"]),
                restored(row["path"]),
                row["size"],
                row["mtime_ns"],
                row["kind"],
            )
        last = int(rows[-1]["number"])


def gone(lib: Library) -> list[tuple[int, int | None]]:
    """What is still planned as gone: (path, photo)."""
    return [(int(r[0]), r[1]) for r in lib.db.execute("SELECT * FROM temp.gone ORDER BY path_id")]


def take_gone(lib: Library, photo: int) -> int | None:
    """A path of that photo which is gone (this scan) or missing (since earlier), taken off the
    list: the file moved."""
    row = lib.db.execute(
        "SELECT path_id FROM temp.gone WHERE photo_id = ? ORDER BY path_id LIMIT 1", (photo,)
    ).fetchone()
    if row is not None:
        lib.db.execute("DELETE FROM temp.gone WHERE path_id = ?", (row[0],))
        return int(row[0])
    earlier = missing_of(lib, photo)
    return earlier[0] if earlier else None


# ---- photos


def photo_with_key(lib: Library, key: str) -> int | None:
    row = lib.db.execute("SELECT id FROM photos WHERE key = ?", (key,)).fetchone()
    return None if row is None else int(row[0])


def keys_of_size(lib: Library, size: int) -> tuple[str, ...]:
    """Keys of known photos whose file has that many bytes: a new file of this size may be one of
    them."""
    rows = lib.db.execute("SELECT key FROM photos WHERE bytes = ?", (size,))
    return tuple(str(row[0]) for row in rows)


def photo_row(lib: Library, photo: int) -> sqlite3.Row:
    row: sqlite3.Row = lib.db.execute("SELECT * FROM photos WHERE id = ?", (photo,)).fetchone()
    return row


def gone_twin(lib: Library, pixel_key: str) -> int | None:
    """A photo of the same pixels all of whose files are gone: its metadata was rewritten and it was
    renamed."""
    row = lib.db.execute(
        "SELECT ph.id FROM photos ph WHERE pixel_key = ? AND NOT EXISTS ("
        " SELECT 1 FROM paths p LEFT JOIN temp.gone g ON g.path_id = p.id"
        " WHERE p.photo_id = ph.id AND p.missing_since IS NULL AND g.path_id IS NULL)"
        " ORDER BY ph.id LIMIT 1",
        (pixel_key,),
    ).fetchone()
    return None if row is None else int(row[0])


def add_photo(
    lib: Library, record: PhotoRecord, size: int, detector: str, model: str
) -> tuple[int, list[int]]:
    """Store a photo and its faces; (photo id, face ids in the record's order)."""
    cursor = lib.db.execute(
        "INSERT INTO photos (key, pixel_key, width, height, format, taken, bytes, detector)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.key,
            record.pixel_key,
            record.width,
            record.height,
            record.format,
            record.taken,
            size,
            detector,
        ),
    )
    photo = int(cursor.lastrowid or 0)
    return photo, [add_face(lib, photo, face, model) for face in record.faces]


def add_face(lib: Library, photo: int, face: FaceRecord, model: str) -> int:
    box = face.box.rounded()
    points = [[round(x, 5), round(y, 5)] for x, y in face.landmarks.points]
    cursor = lib.db.execute(
        "INSERT INTO faces (photo_id, x, y, width, height, landmarks, score, quality)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            photo,
            box.x,
            box.y,
            box.width,
            box.height,
            json.dumps(points),
            round(face.score, 4),
            round(face.quality, 4),
        ),
    )
    number = int(cursor.lastrowid or 0)
    set_embedding(lib, model, number, face.embedding)
    return number


def set_embedding(lib: Library, model: str, face: int, vector: Vectors) -> None:
    lib.db.execute(
        "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
        (model, face, vector.astype("<f2").tobytes()),
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
    for photo in set(photos):
        row = lib.db.execute(
            "UPDATE photos SET live = 1 - live, published = 0, version = version + 1 WHERE id = ? AND live !="
            " EXISTS (SELECT 1 FROM paths WHERE photo_id = photos.id AND missing_since IS NULL)"
            " RETURNING id",
            (photo,),
        ).fetchone()
        if row is not None:
            changed.append(photo)
    return sorted(changed)


def unpublish(lib: Library, photos: Sequence[int]) -> None:
    """Mark photos whose outputs have to be written (or taken away)."""
    lib.db.executemany(
        "UPDATE photos SET published = 0, version = version + 1 WHERE id = ?",
        ((photo,) for photo in photos),
    )


def unpublish_all(lib: Library) -> None:
    """Have all outputs looked at again; the photos themselves are as they were."""
    lib.db.execute("UPDATE photos SET published = 0")


def unpublished(lib: Library) -> list[int]:
    rows = lib.db.execute("SELECT id FROM photos WHERE published = 0 ORDER BY id")
    return [int(row[0]) for row in rows]


def set_published(lib: Library, photo: int) -> None:
    lib.db.execute("UPDATE photos SET published = 1 WHERE id = ?", (photo,))


def lacking_embeddings(lib: Library, model: str) -> Iterator[int]:
    """Live photos with a face that this model has not seen."""
    rows = lib.db.execute(
        "SELECT DISTINCT f.photo_id FROM faces f JOIN photos ph ON ph.id = f.photo_id"
        " WHERE ph.live = 1 AND NOT EXISTS"
        " (SELECT 1 FROM embeddings e WHERE e.model = ? AND e.face_id = f.id) ORDER BY 1",
        (model,),
    )
    return (int(row[0]) for row in rows.fetchall())


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
    """How much there is: for `status`. Counts along indexes where there are any."""

    def one(sql: str) -> int:
        return int(lib.db.execute(sql).fetchone()[0])

    gone = one("SELECT COUNT(*) FROM photos WHERE live = 0")
    faces_gone = one(
        "SELECT COUNT(*) FROM photos ph JOIN faces f ON f.photo_id = ph.id WHERE ph.live = 0"
    )
    return {
        "photos": one("SELECT COUNT(*) FROM photos") - gone,
        "files": one(
            "SELECT COUNT(*) FROM paths WHERE missing_since IS NULL AND photo_id IS NOT NULL"
        ),
        "missing": one("SELECT COUNT(*) FROM paths WHERE missing_since IS NOT NULL"),
        "failed": one(
            "SELECT COUNT(*) FROM failures f JOIN paths p ON p.id = f.path_id"
            " WHERE p.missing_since IS NULL"
        ),
        "unpublished": one("SELECT COUNT(*) FROM photos WHERE published = 0"),
        "faces": one("SELECT COUNT(*) FROM faces") - faces_gone,
        "decisions": one("SELECT COUNT(*) FROM decisions"),
    }
