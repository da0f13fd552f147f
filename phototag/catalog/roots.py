"""Roots: the folders that were scanned. All else is stored relative to them, so that an archive can
move.

No file is known twice: a folder inside a root belongs to it, and a folder around roots takes them
over.
"""

from __future__ import annotations

import os

from phototag.catalog.store import Library, restored, storable


def roots(lib: Library) -> dict[int, str]:
    """Absolute folder of each root, by its id."""
    return {int(row["id"]): restored(row["path"]) for row in lib.db.execute("SELECT * FROM roots")}


def adopt_root(lib: Library, path: str, *, is_file: bool = False) -> tuple[int, str]:
    """The root that holds `path`, and the folder of it there; made where there is none.

    A folder inside a known root is scanned as a part of that root; a folder that holds known roots
    takes them over.
    """
    folder = os.path.dirname(path) if is_file else path  # noqa: PTH120 (not UTF-8 safe as Path)
    folder = folder.rstrip("/") or "/"
    known = roots(lib)
    for number, root in known.items():
        below = inside(root, folder)
        if below is not None:
            return number, below
    cursor = lib.db.execute("INSERT INTO roots (path) VALUES (?)", (storable(folder),))
    number = int(cursor.lastrowid or 0)
    for old, root in known.items():
        below = inside(folder, root)
        if below:
            _take_over(lib, old, number, below)
    return number, ""


def inside(root: str, path: str) -> str | None:
    """`path` relative to `root`, '' for the root itself, None when it lies elsewhere."""
    if path == root:
        return ""
    base = root if root.endswith("/") else root + "/"
    return path[len(base) :] if path.startswith(base) else None


def _take_over(lib: Library, old: int, new: int, below: str) -> None:
    """Make the files of root `old` files of root `new`, in its folder `below`."""
    rows = lib.db.execute("SELECT DISTINCT dir FROM paths WHERE root_id = ?", (old,)).fetchall()
    for row in rows:
        target = storable(joined(below, restored(row["dir"])))
        lib.db.execute(
            "UPDATE paths SET root_id = ?, dir = ? WHERE root_id = ? AND dir = ?",
            (new, target, old, row["dir"]),
        )
    lib.db.execute("DELETE FROM roots WHERE id = ?", (old,))


def relocate_root(lib: Library, old: str, new: str) -> int:
    """Say that the folder `old` is now at `new`; the number of files that this moves."""
    count = 0
    for number, path in roots(lib).items():
        below = inside(old, path)
        if below is None:
            continue
        target = storable(joined(new, below))
        lib.db.execute("UPDATE roots SET path = ? WHERE id = ?", (target, number))
        row = lib.db.execute("SELECT COUNT(*) FROM paths WHERE root_id = ?", (number,)).fetchone()
        count += int(row[0])
    return count


def joined(folder: str, below: str) -> str:
    """A folder's path and one below it; either may be ''."""
    if not folder or not below:
        return folder or below
    return f"{folder.rstrip('/')}/{below}"


def absolute(root: str, folder: str, name: str) -> str:
    """Path of a file from its root's folder, its folder there, and its name."""
    base = root.rstrip("/")
    return f"{base}/{folder}/{name}" if folder else f"{base}/{name}"
