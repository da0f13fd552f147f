"""Edits: photos that took another's place in a file, until their faces are tied to the old ones."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.catalog.store import Library, restored, storable


@dataclass(frozen=True, slots=True)
class Edit:
    """One photo took another's place."""

    id: int
    old: int
    new: int
    fresh: bool
    """Whether the new one had never been seen before."""
    path: str


def add_edit(lib: Library, old: int, new: int, *, fresh: bool, path: str) -> None:
    lib.db.execute(
        "INSERT INTO edits (old_id, new_id, fresh, path) VALUES (?, ?, ?, ?)",
        (old, new, fresh, storable(path)),
    )


def edits(lib: Library) -> list[Edit]:
    """Those that wait, oldest first."""
    rows = lib.db.execute("SELECT id, old_id, new_id, fresh, path FROM edits ORDER BY id")
    return [Edit(row[0], row[1], row[2], bool(row[3]), restored(row[4])) for row in rows]


def drop_edits(lib: Library) -> None:
    lib.db.execute("DELETE FROM edits")
