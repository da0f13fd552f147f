"""What a scan has to do, in temporary tables: memory stays flat whatever the size of the tree.

A *place* is one of the paths that the scan was given. Nothing here changes the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phototag.catalog.recognizer import seen_mark
from phototag.catalog.roots import absolute
from phototag.catalog.store import Library, restored, storable

_TABLES = (
    "DROP TABLE IF EXISTS temp.todo",
    "DROP TABLE IF EXISTS temp.gone",
    "DROP TABLE IF EXISTS temp.back",
    "CREATE TEMP TABLE todo (number INTEGER PRIMARY KEY, place INTEGER, root INTEGER, dir, name,"
    " size INTEGER, mtime_ns INTEGER, kind TEXT, UNIQUE (root, dir, name))",
    "CREATE TEMP TABLE gone (path_id INTEGER PRIMARY KEY, place INTEGER, photo_id INTEGER)",
    "CREATE INDEX temp.gone_photo ON gone (photo_id)",
    "CREATE TEMP TABLE back (path_id INTEGER PRIMARY KEY, place INTEGER, photo_id INTEGER)",
)


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


File = tuple[str, str, int, int, str]
"""(folder in its root, name, size, mtime_ns, kind)."""

Lost = tuple[int, int | None]
"""(path, photo)."""


def begin_plan(lib: Library) -> None:
    for statement in _TABLES:
        lib.db.execute(statement)


def plan_files(lib: Library, place: int, root: int, files: Iterable[File]) -> None:
    """Add files to open; one that is on the list already stays as it is."""
    lib.db.executemany(
        "INSERT OR IGNORE INTO temp.todo (place, root, dir, name, size, mtime_ns, kind)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((place, root, storable(d), storable(n), *rest) for d, n, *rest in files),
    )


def plan_gone(lib: Library, place: int, paths: Iterable[Lost]) -> None:
    """Files that are not there any more."""
    _plan_paths(lib, "gone", place, paths)


def plan_back(lib: Library, place: int, paths: Iterable[Lost]) -> None:
    """Files that were missing and are there again, unchanged."""
    _plan_paths(lib, "back", place, paths)


def _plan_paths(lib: Library, table: str, place: int, paths: Iterable[Lost]) -> None:
    lib.db.executemany(
        f"INSERT OR IGNORE INTO temp.{table} VALUES (?, ?, ?)",
        ((path, place, photo) for path, photo in paths),
    )


def plan_embedding(lib: Library, root: int, model: str, *, retry: bool) -> None:
    """Add a file of each photo of a root whose faces the model, or the classifier in use, has not
    seen (it was changed)."""
    lib.db.execute(
        "INSERT OR IGNORE INTO temp.todo (place, root, dir, name, size, mtime_ns, kind)"
        " SELECT -1, p.root_id, p.dir, p.name, p.size, p.mtime_ns, 'embed' FROM photos ph"
        " JOIN paths p ON p.id = (SELECT MIN(o.id) FROM paths o WHERE o.photo_id = ph.id"
        "  AND o.root_id = :root AND o.missing_since IS NULL"
        "  AND NOT EXISTS (SELECT 1 FROM temp.gone g WHERE g.path_id = o.id)"
        "  AND (:retry OR NOT EXISTS (SELECT 1 FROM failures f WHERE f.path_id = o.id)))"
        " WHERE ph.live = 1 AND (ph.embedded < :seen OR ph.embedded > :seen)"
        " AND NOT EXISTS (SELECT 1 FROM temp.todo t WHERE t.root = p.root_id AND t.dir = p.dir"
        "  AND t.name = p.name)",
        {"root": root, "seen": seen_mark(lib, model), "retry": retry},
    )


def drop_place(lib: Library, place: int) -> None:
    """Forget all that was planned for a place (its guard said stop)."""
    for table in ("todo", "gone", "back"):
        lib.db.execute(f"DELETE FROM temp.{table} WHERE place = ?", (place,))


def count_gone(lib: Library, place: int) -> int:
    """Files of a place that held a photo and are gone."""
    row = lib.db.execute(
        "SELECT COUNT(*) FROM temp.gone WHERE place = ? AND photo_id IS NOT NULL", (place,)
    ).fetchone()
    return int(row[0])


def count_moved(lib: Library, place: int) -> int:
    """How many of a place's lost files have a new file of their size, one to one: a folder that was
    sorted anew is not a lost one."""
    row = lib.db.execute(
        "SELECT COALESCE(SUM(MIN(g.count, t.count)), 0) FROM"
        " (SELECT ph.bytes AS size, COUNT(*) AS count FROM temp.gone"
        "  JOIN photos ph ON ph.id = photo_id WHERE place = ? GROUP BY ph.bytes) g"
        " JOIN (SELECT size, COUNT(*) AS count FROM temp.todo WHERE kind = 'new' GROUP BY size) t"
        " ON t.size = g.size",
        (place,),
    ).fetchone()
    return int(row[0])


def planned(lib: Library) -> dict[str, int]:
    """Number of files to open, by kind."""
    rows = lib.db.execute("SELECT kind, COUNT(*) FROM temp.todo GROUP BY kind")
    return {str(row[0]): int(row[1]) for row in rows}


def todo(lib: Library, block: int = 1000) -> Iterator[Todo]:
    """The files to open, in the order of the walk, read in blocks."""
    last = 0
    while True:
        rows = lib.db.execute(
            "SELECT t.*, r.path AS top FROM temp.todo t JOIN roots r ON r.id = t.root"
            " WHERE t.number > ? ORDER BY t.number LIMIT ?",
            (last, block),
        ).fetchall()
        if not rows:
            return
        for row in rows:
            folder, name = restored(row["dir"]), restored(row["name"])
            yield Todo(
                number=row["number"],
                root=row["root"],
                dir=folder,
                name=name,
                path=absolute(restored(row["top"]), folder, name),
                size=row["size"],
                mtime_ns=row["mtime_ns"],
                kind=row["kind"],
            )
        last = int(rows[-1]["number"])


def back(lib: Library) -> list[Lost]:
    """Files that are there again: (path, photo)."""
    rows = lib.db.execute("SELECT path_id, photo_id FROM temp.back ORDER BY path_id")
    return [(int(row[0]), row[1]) for row in rows]


def gone(lib: Library, place: int | None = None) -> Iterator[Lost]:
    """What is still planned as gone: (path, photo)."""
    rows = lib.db.execute(
        "SELECT path_id, photo_id FROM temp.gone WHERE :place IS NULL OR place = :place"
        " ORDER BY path_id",
        {"place": place},
    )
    return ((int(row[0]), row[1]) for row in rows)


def take_gone(lib: Library, photo: int) -> int | None:
    """A path of that photo that is gone, taken off the list: the file moved from there."""
    row = lib.db.execute(
        "DELETE FROM temp.gone WHERE path_id = (SELECT path_id FROM temp.gone WHERE photo_id = ?"
        " ORDER BY path_id LIMIT 1) RETURNING path_id",
        (photo,),
    ).fetchone()
    return None if row is None else int(row[0])
