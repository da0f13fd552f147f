"""When photos move as a whole: sample files to look for, and the records of what lies beside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from phototag.catalog.photos import PathRow, absolute
from phototag.catalog.store import Library, restored, storable


def sample(lib: Library, roots: Sequence[int], count: int) -> Iterator[PathRow]:
    """Up to `count` present files of these roots, spread evenly over each, each time the same."""
    for root in roots:
        share = max(1, count // len(roots))
        (there,) = lib.db.execute(
            "SELECT COUNT(*) FROM paths WHERE root_id = ? AND missing_since IS NULL", (root,)
        ).fetchone()
        step = max(1, there // share)
        rows = lib.db.execute(
            "SELECT p.*, r.path AS root FROM"
            " (SELECT *, ROW_NUMBER() OVER (ORDER BY id) AS place FROM paths"
            "  WHERE root_id = ? AND missing_since IS NULL) p"
            " JOIN roots r ON r.id = p.root_id WHERE p.place % ? = 0 LIMIT ?",
            (root, step, share),
        )
        for row in rows.fetchall():
            path = absolute(restored(row["root"]), restored(row["dir"]), restored(row["name"]))
            yield PathRow(row["id"], path, row["size"], row["mtime_ns"], row["photo_id"], None)


def move_outputs(lib: Library, old: str, new: str) -> int:
    """Say of the recorded outputs below `old` that they are below `new`; how many."""
    old, new = old.rstrip("/"), new.rstrip("/")
    first, last = storable(old + "/"), storable(old + "0")  # 0 is the character behind /
    count = 0
    if isinstance(first, str):
        count = lib.db.execute(
            "UPDATE OR REPLACE outputs SET path = ? || substr(path, ?)"
            " WHERE path >= ? AND path < ?",
            (new, len(old) + 1, first, last),
        ).rowcount
    # Names that are not UTF-8 are stored as bytes, which sort apart from text.
    rows = lib.db.execute(
        "SELECT path FROM outputs WHERE path >= ? AND path < ?",
        (os.fsencode(old + "/"), os.fsencode(old + "0")),
    )
    for row in rows.fetchall():  # all before the first change: the new place may lie in the old
        target = storable(new + restored(row[0])[len(old) :])
        lib.db.execute("UPDATE OR REPLACE outputs SET path = ? WHERE path = ?", (target, row[0]))
        count += 1
    return count
