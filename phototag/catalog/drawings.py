"""Drawn faces: brought in and taken away as their decisions stand or are undone.

A face that is taken away is set aside with its id and its vectors, so that `redo` brings back the
same face. A drawing follows its photo into versions that differ in their metadata alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from phototag.catalog.faces import add_successor
from phototag.catalog.photos import box_of, photo_with_key, unsettle
from phototag.catalog.store import Library
from phototag.core.decisions import best_meeting
from phototag.core.drawings import Drawing
from phototag.core.types import Box

DETECTED, WAITING, LOOKED_AT = 0, 1, 2
"""`faces.drawn`: found by a detector; drawn, and nobody has looked at its pixels yet; drawn, and
its pictures and its vector (where it can have one) were made."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A drawn face whose pixels have to be looked at."""

    face: int
    photo: int
    key: str
    box: Box
    landmarks: str


def bring(lib: Library, wanted: Iterable[Drawing]) -> None:
    """Make every drawing a face, where its photo is known and has none there. Call inside a
    transaction."""
    changed: set[int] = set()
    for drawing in wanted:
        photo = photo_with_key(lib, drawing.photo)
        if photo is None:
            continue
        face = _bring(lib, photo, drawing, changed)
        for heir in same_pixels(lib, photo):
            later = _bring(lib, heir, drawing, changed)
            add_successor(lib, face, later)
            face = later
    unsettle(lib, sorted(changed))


def take_away(lib: Library, wanted: Collection[Drawing]) -> None:
    """Set aside every drawn face that no drawing brings any more. Call inside a transaction."""
    boxes: dict[int, list[Box]] = {}
    for drawing in wanted:
        photo = photo_with_key(lib, drawing.photo)
        for place in [] if photo is None else [photo, *same_pixels(lib, photo)]:
            boxes.setdefault(place, []).append(drawing.box)
    changed = set()
    for row in lib.db.execute("SELECT * FROM faces WHERE drawn != 0").fetchall():
        kept = dict(enumerate(boxes.get(row["photo_id"], ())))
        if best_meeting(box_of(row), kept) is None:
            _move(lib, row["id"], "faces", "past_faces", "embeddings", "past_embeddings")
            changed.add(row["photo_id"])
    unsettle(lib, sorted(changed))


def _bring(lib: Library, photo: int, drawing: Drawing, changed: set[int]) -> int:
    """The face of that place: one that is there, one that was set aside, or a new one."""
    rows = lib.db.execute("SELECT * FROM faces WHERE photo_id = ?", (photo,))
    here = best_meeting(drawing.box, {row["id"]: box_of(row) for row in rows})
    if here is not None:
        return here
    changed.add(photo)
    box = drawing.box.rounded()
    place = (photo, box.x, box.y, box.width, box.height)
    past = lib.db.execute(
        "SELECT id FROM past_faces WHERE (photo_id, x, y, width, height) = (?, ?, ?, ?, ?)", place
    ).fetchone()
    if past is not None:
        _move(lib, past[0], "past_faces", "faces", "past_embeddings", "embeddings")
        return int(past[0])
    points = json.dumps([list(point) for point in drawing.landmarks])
    cursor = lib.db.execute(
        "INSERT INTO faces (photo_id, x, y, width, height, landmarks, score, quality, drawn)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, points, drawing.score, drawing.quality, WAITING),
    )
    return int(cursor.lastrowid or 0)


_COLUMNS = "id, photo_id, x, y, width, height, landmarks, score, quality, drawn"


def _move(lib: Library, face: int, source: str, to: str, vectors: str, to_vectors: str) -> None:
    """A face and its vectors from one pair of tables to another; the id stays."""
    lib.db.execute(
        f"INSERT INTO {to} ({_COLUMNS}) SELECT {_COLUMNS} FROM {source} WHERE id = ?", (face,)
    )
    lib.db.execute(f"INSERT INTO {to_vectors} SELECT * FROM {vectors} WHERE face_id = ?", (face,))
    lib.db.execute(f"DELETE FROM {source} WHERE id = ?", (face,))


def waiting(lib: Library) -> list[Waiting]:
    """Drawn faces of live photos that nobody has looked at, by photo."""
    rows = lib.db.execute(
        "SELECT f.*, ph.key FROM faces f JOIN photos ph ON ph.id = f.photo_id"
        f" WHERE f.drawn = {WAITING} AND ph.live = 1 ORDER BY f.photo_id, f.id"
    )
    return [
        Waiting(row["id"], row["photo_id"], row["key"], box_of(row), row["landmarks"])
        for row in rows
    ]


def set_looked_at(lib: Library, faces: Sequence[int]) -> None:
    lib.db.executemany(
        f"UPDATE faces SET drawn = {LOOKED_AT} WHERE id = ? AND drawn = {WAITING}",
        ((face,) for face in faces),
    )


def set_same_pixels(lib: Library, old: int, new: int) -> None:
    """Photo `new` took the place of `old`, or of what `old` was before, and differs from it in its
    metadata alone."""
    lib.db.execute(
        "INSERT OR IGNORE INTO rewritten SELECT photo_id, :new FROM rewritten"
        " WHERE heir_id = :old AND photo_id != :new UNION SELECT :old, :new",
        {"old": old, "new": new},
    )


def same_pixels(lib: Library, photo: int) -> list[int]:
    """What a photo became when its metadata was rewritten, again and again."""
    rows = lib.db.execute(
        "SELECT heir_id FROM rewritten WHERE photo_id = ? ORDER BY heir_id", (photo,)
    )
    return [int(row[0]) for row in rows]


def past_faces(lib: Library, prefix: str) -> set[int]:
    """Faces set aside, of photos whose key begins so: their pictures still belong to somebody."""
    rows = lib.db.execute(
        "SELECT f.id FROM past_faces f JOIN photos ph ON ph.id = f.photo_id"
        " WHERE ph.key >= ? AND ph.key < ?",
        (prefix, prefix + "g"),
    )
    return {int(row[0]) for row in rows}
