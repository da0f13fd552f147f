"""Taking a person out of the catalogue for good, and looking whether anything is left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from phototag.catalog.faces import THESE, listed
from phototag.catalog.photos import unsettle
from phototag.catalog.store import Library
from phototag.core.decisions import entries_of
from phototag.core.drawings import Drawing

_PATHS = ("paths", "roots", "outputs", "failures", "edits")
"""Tables that hold the names of files: they are the user's own, not what phototag learnt."""


def rewrite_rows(lib: Library, rows: Mapping[int, tuple[str, Mapping[str, Any]]]) -> None:
    """Let rows of the journal say something else. Call inside a transaction."""
    lib.db.execute("PRAGMA secure_delete = ON")  # what is overwritten leaves no trace in the file
    for number, (kind, payload) in rows.items():
        text = json.dumps(payload, ensure_ascii=False, sort_keys=True)
        lib.db.execute(
            "UPDATE decisions SET kind = ?, payload = ? WHERE id = ?", (kind, text, number)
        )
        lib.db.execute("DELETE FROM named WHERE decision_id = ?", (number,))
        said = entries_of(payload)
        lib.db.executemany(
            "INSERT OR IGNORE INTO named VALUES (?, ?)", ((e["photo"], number) for e in said)
        )


def drop_faces(lib: Library, faces: Iterable[int]) -> list[tuple[str, int]]:
    """Remove faces with their vectors; (photo key, face) of each. Call inside a transaction."""
    rows = lib.db.execute(
        "SELECT ph.key, f.id, ph.id FROM faces f JOIN photos ph ON ph.id = f.photo_id"
        f" WHERE f.id IN {THESE}",
        (listed(faces),),
    ).fetchall()
    for row in rows:
        lib.db.execute("DELETE FROM retired WHERE face_id = ?", (row[1],))
        lib.db.execute("DELETE FROM faces WHERE id = ?", (row[1],))
    unsettle(lib, sorted({int(row[2]) for row in rows}))
    return [(str(row[0]), int(row[1])) for row in rows]


def drop_past_drawings(lib: Library, drawings: Iterable[Drawing]) -> list[tuple[str, int]]:
    """Remove drawn faces that were set aside; (photo key, face) of each."""
    found = []
    for drawing in drawings:
        box = drawing.box.rounded()
        rows = lib.db.execute(
            "SELECT f.id FROM past_faces f JOIN photos ph ON ph.id = f.photo_id"
            " WHERE (ph.key, f.x, f.y, f.width, f.height) = (?, ?, ?, ?, ?)",
            (drawing.photo, box.x, box.y, box.width, box.height),
        ).fetchall()
        for row in rows:
            lib.db.execute("DELETE FROM past_faces WHERE id = ?", (row[0],))
            found.append((drawing.photo, int(row[0])))
    return found


def hide_in_runs(lib: Library, word: str) -> None:
    """Notes of former scans that hold a word in their command line say only that there was one."""
    lib.db.execute(
        "UPDATE runs SET command = 'phototag scan' WHERE instr(lower(command), lower(?)) > 0",
        (word,),
    )


def compact(lib: Library) -> None:
    """Write the catalogue anew, without the remains of what was deleted."""
    lib.db.execute("VACUUM")
    lib.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def mentions(lib: Library, word: str) -> dict[str, int]:
    """Table → rows that hold a word in any text (but for names of files)."""
    tables = lib.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    found = {}
    for (table,) in tables:
        if table in _PATHS or table.startswith("sqlite_"):
            continue
        columns = [row["name"] for row in lib.db.execute(f"PRAGMA table_info({table})")]
        where = " OR ".join(
            f"(typeof({c}) = 'text' AND instr(lower({c}), lower(:word)) > 0)" for c in columns
        )
        count = lib.db.execute(
            f"SELECT COUNT(*) FROM {table} WHERE {where}", {"word": word}
        ).fetchone()[0]
        if count:
            found[str(table)] = int(count)
    return found


def is_in_paths(lib: Library, word: str) -> bool:
    """Whether a photo's own path holds the word: then files that name photos hold it, too."""
    row = lib.db.execute(
        "SELECT EXISTS"
        " (SELECT 1 FROM paths WHERE instr(lower(dir || '/' || name), lower(:word)) > 0)"
        " OR EXISTS (SELECT 1 FROM roots WHERE instr(lower(path), lower(:word)) > 0)",
        {"word": word},
    ).fetchone()
    return bool(row[0])
