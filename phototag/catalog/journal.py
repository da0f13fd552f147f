"""The journal: append-only rows, each mirrored as a line of `journal.jsonl` that users may keep
under version control."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from typing import Any

from phototag.catalog.store import JOURNAL, Library
from phototag.core.decisions import Decision
from phototag.errors import DamagedLibrary


def decisions(lib: Library) -> list[Decision]:
    """The whole journal, oldest first, undone ones included."""
    return [_decision(row) for row in lib.db.execute("SELECT * FROM decisions ORDER BY id")]


def decision(lib: Library, number: int) -> Decision | None:
    row = lib.db.execute("SELECT * FROM decisions WHERE id = ?", (number,)).fetchone()
    return None if row is None else _decision(row)


def newest(lib: Library, limit: int) -> list[Decision]:
    """The last rows, newest first."""
    rows = lib.db.execute("SELECT * FROM decisions ORDER BY id DESC LIMIT ?", (limit,))
    return [_decision(row) for row in rows]


def _decision(row: sqlite3.Row) -> Decision:
    return Decision(
        id=row["id"],
        time=row["time"],
        actor=row["actor"],
        kind=row["kind"],
        payload=json.loads(row["payload"]),
        undone_by=row["undone_by"],
    )


def append(
    lib: Library, *, time: str, actor: str, kind: str, payload: Mapping[str, Any]
) -> Decision:
    """Write one decision. Call inside a transaction; `mirror` after its commit."""
    text = json.dumps(payload, ensure_ascii=False, sort_keys=True)
    cursor = lib.db.execute(
        "INSERT INTO decisions (time, actor, kind, payload) VALUES (?, ?, ?, ?)",
        (time, actor, kind, text),
    )
    number = int(cursor.lastrowid or 0)
    if kind in ("undo", "redo"):
        undone_by = number if kind == "undo" else None
        lib.db.execute(
            "UPDATE decisions SET undone_by = ? WHERE id = ?", (undone_by, payload["decision"])
        )
    return Decision(number, time, actor, kind, payload)


def mirror(lib: Library) -> int:
    """Append to `journal.jsonl` the rows that it lacks, fsynced; the number of lines written.

    Runs after each commit and at each opening for writing, so that a crash between the two loses
    nothing.
    """
    path = lib.folder / JOURNAL
    last = _last_number(lib)
    rows = lib.db.execute("SELECT * FROM decisions WHERE id > ? ORDER BY id", (last,)).fetchall()
    if not rows:
        return 0
    torn = path.exists() and path.stat().st_size > 0 and not _ends_with_newline(lib)
    with path.open("a", encoding="utf-8") as lines:
        if torn:
            lines.write("\n")
        for row in rows:
            line = {
                "id": row["id"],
                "time": row["time"],
                "actor": row["actor"],
                "kind": row["kind"],
                "payload": json.loads(row["payload"]),
            }
            lines.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
    return len(rows)


def _ends_with_newline(lib: Library) -> bool:
    with (lib.folder / JOURNAL).open("rb") as lines:
        lines.seek(-1, os.SEEK_END)
        return lines.read(1) == b"\n"


def _last_number(lib: Library) -> int:
    """Id of the last whole line of the mirror."""
    path = lib.folder / JOURNAL
    if not path.exists():
        return 0
    with path.open("rb") as lines:
        lines.seek(0, os.SEEK_END)
        size = lines.tell()
        step = 65536
        while True:
            start = max(0, size - step)
            lines.seek(start)
            tail = lines.read().splitlines()
            for line in reversed(tail if start == 0 else tail[1:]):
                try:
                    return int(json.loads(line)["id"])
                except (ValueError, KeyError, TypeError):
                    continue
            if start == 0:
                return 0
            step *= 4


def restore_from_mirror(lib: Library) -> int:
    """Take in the lines of `journal.jsonl` that are newer than the newest row: all where the
    catalogue was lost, the last ones where it was put back from an older copy. The number of rows
    taken in; where there are any, the journal is to be replayed. Raises DamagedLibrary."""
    path = lib.folder / JOURNAL
    newest = int(lib.db.execute("SELECT COALESCE(MAX(id), 0) FROM decisions").fetchone()[0])
    if _last_number(lib) <= newest:
        return 0
    count = 0
    with lib.transaction(), path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                values = (
                    row["id"],
                    row["time"],
                    row["actor"],
                    row["kind"],
                    json.dumps(row["payload"], ensure_ascii=False, sort_keys=True),
                )
            except (ValueError, KeyError, TypeError) as error:
                if not line.endswith(b"\n"):
                    break  # torn by a crash: its decision was never confirmed
                raise DamagedLibrary(
                    f"{path}, line {number} is not a decision ({error}). "
                    "Repair or remove that line."
                ) from error
            if row["id"] <= newest:
                continue
            lib.db.execute(
                "INSERT INTO decisions (id, time, actor, kind, payload) VALUES (?, ?, ?, ?, ?)",
                values,
            )
            if row["kind"] in ("undo", "redo"):
                undone_by = row["id"] if row["kind"] == "undo" else None
                lib.db.execute(
                    "UPDATE decisions SET undone_by = ? WHERE id = ?",
                    (undone_by, row["payload"]["decision"]),
                )
            count += 1
    return count
