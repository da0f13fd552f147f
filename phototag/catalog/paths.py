"""Paths: which files there are, what a scan saw of each, and which photo each one holds.

A file that could not be read keeps the photo that it held before (`former_id`), so that a repaired
file is known as an edit of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from phototag.catalog.roots import absolute, inside, roots
from phototag.catalog.store import Library, restored, storable


class Known(NamedTuple):
    """What the catalogue knows of one file (a tuple: there are many)."""

    id: int
    size: int
    mtime_ns: int
    photo: int | None
    failed: bool
    missing: bool


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


# ---- what a scan compares


def known_files(lib: Library, root: int, folder: str) -> dict[str, Known]:
    """The files that the catalogue knows in one folder, by name."""
    rows = lib.db.execute(
        "SELECT name, p.id, size, mtime_ns, photo_id, f.path_id IS NOT NULL,"
        " missing_since IS NOT NULL"
        " FROM paths p LEFT JOIN failures f ON f.path_id = p.id WHERE root_id = ? AND dir = ?",
        (root, storable(folder)),
    )
    rows.row_factory = None
    return {
        name if isinstance(name, str) else restored(name): Known._make(rest) for name, *rest in rows
    }


def known_folders(lib: Library, root: int, scope: str) -> Iterator[str]:
    """All folders of a root at or below `scope` that hold known files."""
    rows = lib.db.execute("SELECT DISTINCT dir FROM paths WHERE root_id = ?", (root,)).fetchall()
    for row in rows:
        folder = restored(row[0])
        if scope == "" or inside(scope, folder) is not None:
            yield folder


def photo_at(lib: Library, root: int, folder: str, name: str) -> int | None:
    """The photo that a file held when it was last read."""
    row = lib.db.execute(
        "SELECT COALESCE(photo_id, former_id) FROM paths"
        " WHERE root_id = ? AND dir = ? AND name = ?",
        (root, storable(folder), storable(name)),
    ).fetchone()
    return None if row is None else row[0]


# ---- reading


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


def path_of(lib: Library, number: int) -> PathRow:
    """The file of that id."""
    return _path_row(lib.db.execute(_PATH + "WHERE p.id = ?", (number,)).fetchone())


def path_at(lib: Library, path: str) -> PathRow | None:
    """The known file at an absolute path."""
    for number, root in roots(lib).items():
        below = inside(root, path)
        if below:
            folder, _, name = below.rpartition("/")
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
    rows = lib.db.execute(_PATH + "WHERE p.name = ? AND p.missing_since IS NULL", (storable(base),))
    found = [_path_row(row) for row in rows]
    return sorted((p for p in found if ("/" + p.path).endswith("/" + name)), key=lambda p: p.path)


def failures(lib: Library) -> list[tuple[str, str, str]]:
    """(path, reason, message) of every file that could not be read, sorted by path."""
    rows = lib.db.execute(
        _PATH.replace(" FROM", ", f.reason, f.message FROM")
        + "JOIN failures f ON f.path_id = p.id WHERE p.missing_since IS NULL"
    )
    return sorted((_path_row(row).path, row["reason"], row["message"]) for row in rows)


# ---- writing


def set_path(
    lib: Library, root: int, folder: str, name: str, size: int, mtime_ns: int, photo: int | None
) -> int:
    """Write which photo a file holds now; the path's id. It is neither missing nor failed any
    more."""
    row = lib.db.execute(
        "INSERT INTO paths (root_id, dir, name, size, mtime_ns, photo_id) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (root_id, dir, name) DO UPDATE SET size = excluded.size,"
        " mtime_ns = excluded.mtime_ns, photo_id = excluded.photo_id, former_id = NULL,"
        " missing_since = NULL RETURNING id",
        (root, storable(folder), storable(name), size, mtime_ns, photo),
    ).fetchone()
    lib.db.execute("DELETE FROM failures WHERE path_id = ?", (row[0],))
    return int(row[0])


def set_failed(
    lib: Library,
    root: int,
    folder: str,
    name: str,
    size: int,
    mtime_ns: int,
    reason: str,
    message: str,
) -> None:
    """Write that a file cannot be read as it is now.

    A file that did not change since its photo was read keeps it (a disk with a fault, a wish to
    look
    again); one that changed only remembers it.
    """
    row = lib.db.execute(
        "INSERT INTO paths (root_id, dir, name, size, mtime_ns) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (root_id, dir, name) DO UPDATE SET missing_since = NULL,"
        " former_id = CASE WHEN size = excluded.size AND mtime_ns = excluded.mtime_ns"
        "  THEN former_id ELSE COALESCE(photo_id, former_id) END,"
        " photo_id = CASE WHEN size = excluded.size AND mtime_ns = excluded.mtime_ns"
        "  THEN photo_id END,"
        " size = excluded.size, mtime_ns = excluded.mtime_ns RETURNING id",
        (root, storable(folder), storable(name), size, mtime_ns),
    ).fetchone()
    set_failure(lib, int(row[0]), reason, message)


def set_failure(lib: Library, path: int, reason: str, message: str) -> None:
    lib.db.execute(
        "INSERT OR REPLACE INTO failures VALUES (?, ?, ?)",
        (path, reason, message.encode("utf-8", "replace").decode()),
    )


def forget_path(lib: Library, path: int) -> None:
    """The file moved: this place of it is no more."""
    lib.db.execute("DELETE FROM paths WHERE id = ?", (path,))


def set_missing(lib: Library, path: int, since: str | None) -> None:
    """Since when a file is missing (ISO 8601); None: it is there."""
    lib.db.execute("UPDATE paths SET missing_since = ? WHERE id = ?", (since, path))


def missing_of(lib: Library, photo: int) -> list[int]:
    """Ids of the missing paths of a photo."""
    rows = lib.db.execute(
        "SELECT id FROM paths WHERE photo_id = ? AND missing_since IS NOT NULL ORDER BY id",
        (photo,),
    )
    return [int(row[0]) for row in rows]


def forget_long_missing(lib: Library, before: str) -> int:
    """Drop files that have been missing since before `before` (ISO 8601); their number."""
    rows = lib.db.execute(
        "DELETE FROM paths WHERE missing_since IS NOT NULL AND missing_since < ? RETURNING id",
        (before,),
    )
    return len(rows.fetchall())
