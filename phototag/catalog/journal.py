"""The journal: append-only rows, each mirrored as a line of `journal.jsonl` that users may keep
under version control."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from phototag.catalog.store import JOURNAL, Library
from phototag.core.decisions import Decision, entries_of
from phototag.errors import CannotWrite, DamagedLibrary


def decisions(lib: Library) -> list[Decision]:
    """The whole journal, oldest first, undone ones included."""
    return [_decision(row) for row in lib.db.execute("SELECT * FROM decisions ORDER BY id")]


def outline(lib: Library) -> list[Decision]:
    """The whole journal like `decisions`, but without the faces: only the payload of an undo or
    redo is read. What can be undone is found in it in no time, however many faces were named."""
    rows = lib.db.execute(
        "SELECT id, time, actor, kind, undone_by,"
        " CASE WHEN kind IN ('undo', 'redo') THEN payload ELSE '{}' END AS payload"
        " FROM decisions ORDER BY id"
    )
    return [_decision(row) for row in rows]


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


def newest_id(lib: Library) -> int:
    """Id of the newest row; 0 for an empty journal."""
    row = lib.db.execute("SELECT COALESCE(MAX(id), 0) FROM decisions").fetchone()
    return int(row[0])


def count(lib: Library) -> int:
    """Rows, undone ones included."""
    return int(lib.db.execute("SELECT COUNT(*) FROM decisions").fetchone()[0])


def names(lib: Library, photo: str) -> bool:
    """Whether a decision, standing or not, names a face of this photo (by its key)."""
    row = lib.db.execute("SELECT 1 FROM named WHERE photo = ? LIMIT 1", (photo,)).fetchone()
    return row is not None


def photos_named(lib: Library) -> list[str]:
    """Keys of all photos that the journal names."""
    return [str(row[0]) for row in lib.db.execute("SELECT DISTINCT photo FROM named")]


def append(
    lib: Library, *, time: str, actor: str, kind: str, payload: Mapping[str, Any]
) -> Decision:
    """Write one decision. Call inside a transaction; `mirror` after its commit."""
    cursor = lib.db.execute(
        "INSERT INTO decisions (time, actor, kind, payload) VALUES (?, ?, ?, ?)",
        (time, actor, kind, _text(payload)),
    )
    number = int(cursor.lastrowid or 0)
    _note(lib, number, kind, payload)
    return Decision(number, time, actor, kind, payload)


def _note(lib: Library, number: int, kind: str, payload: Mapping[str, Any]) -> None:
    """What follows from a row within the journal: what it undoes, and the photos that it names."""
    if kind in ("undo", "redo"):
        undone_by = number if kind == "undo" else None
        lib.db.execute(
            "UPDATE decisions SET undone_by = ? WHERE id = ?", (undone_by, payload["decision"])
        )
    said = entries_of(payload)
    lib.db.executemany(
        "INSERT OR IGNORE INTO named VALUES (?, ?)", ((entry["photo"], number) for entry in said)
    )


def _text(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, ensure_ascii=False, sort_keys=True)


def mirror(lib: Library) -> int:
    """Append to `journal.jsonl` the rows that it lacks, fsynced; the number of lines written.

    Runs after each commit and at each opening for writing, so that a crash between the two loses
    nothing. Raises CannotWrite: the decision itself is safe in the catalogue.
    """
    path = lib.folder / JOURNAL
    try:
        last = _last_number(lib)
        rows = lib.db.execute(
            "SELECT * FROM decisions WHERE id > ? ORDER BY id", (last,)
        ).fetchall()
        if rows:
            _write_lines(path, [_line(row) for row in rows])
    except OSError as error:
        raise CannotWrite(
            f"{path} cannot be written: {error.strerror}. Your decision is kept in the catalogue; "
            "the next command that writes tries again."
        ) from error
    return len(rows)


def _line(row: sqlite3.Row) -> str:
    content = {
        "id": row["id"],
        "time": row["time"],
        "actor": row["actor"],
        "kind": row["kind"],
        "payload": json.loads(row["payload"]),
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True) + "\n"


def _write_lines(path: Path, lines: list[str]) -> None:
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(_end_of_whole_lines(file, size))
        rest = file.read()
        if rest and not _is_decision(rest):
            file.truncate(size - len(rest))  # torn by a crash, and written again below
        elif rest:
            file.write(b"\n")
        file.write("".join(lines).encode())
        file.flush()
        os.fsync(file.fileno())


def _end_of_whole_lines(file: IO[bytes], size: int) -> int:
    """Where the last line that has no end begins; the size when there is none."""
    at, step = size, 65536
    while at > 0:
        at = max(0, at - step)
        file.seek(at)
        found = file.read(min(step, size - at)).rfind(b"\n")
        if found >= 0:
            return at + found + 1
    return 0


def _is_decision(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line)["id"], int)
    except (ValueError, KeyError, TypeError):
        return False


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
                if _is_decision(line):
                    return int(json.loads(line)["id"])
            if start == 0:
                return 0
            step *= 4


def restore_from_mirror(lib: Library) -> int:
    """Read from `journal.jsonl` the rows that the catalogue lacks: it was lost, or is a copy of
    older days. The number of rows read. Raises DamagedLibrary for a line that is no decision."""
    path = lib.folder / JOURNAL
    known = newest_id(lib)
    if not path.exists() or _last_number(lib) <= known:
        return 0
    count = 0
    with lib.transaction(), path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            row = _parsed(path, number, line)
            if row is not None and row["id"] > known:
                lib.db.execute(
                    "INSERT INTO decisions (id, time, actor, kind, payload) VALUES (?, ?, ?, ?, ?)",
                    (row["id"], row["time"], row["actor"], row["kind"], _text(row["payload"])),
                )
                _note(lib, row["id"], row["kind"], row["payload"])
                count += 1
    return count


def _parsed(path: Path, number: int, line: bytes) -> dict[str, Any] | None:
    """A line of the mirror; None for an empty one and for one that a crash tore: it was never
    confirmed."""
    if not line.strip():
        return None
    try:
        row: dict[str, Any] = json.loads(line)
        if not isinstance(row["payload"], dict) or not isinstance(row["id"], int):
            raise TypeError("a decision has a number and a payload")
        for name in ("time", "actor", "kind"):
            row[name] = str(row[name])
    except (ValueError, KeyError, TypeError) as error:
        if not line.endswith(b"\n"):
            return None
        raise DamagedLibrary(
            f"{path}, line {number} is not a decision ({error}). Repair or remove that line."
        ) from error
    return row
