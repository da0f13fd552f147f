"""Faces: what was found in photos, their names in the journal, their vectors."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.photos import box_of, vector_of
from phototag.catalog.store import Library
from phototag.catalog.tracks import track_of_row
from phototag.core.decisions import Anchor, Resolve, best_meeting, digest
from phototag.core.lives import day_of
from phototag.core.tracks import track_meeting
from phototag.core.types import Box, Track, Vectors

IdArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FaceRow:
    """A face as it is stored."""

    id: int
    photo: int
    box: Box
    landmarks: str
    score: float
    quality: float
    drawn: bool = False
    """Whether a user drew it and no detector has found it."""


@dataclass(frozen=True, slots=True)
class Tied:
    """A face that a known photo has in common with another version of it."""

    face: int
    heir: int


def in_blocks(ids: Sequence[int], size: int = 900) -> Iterator[Sequence[int]]:
    """Runs of at most `size`: SQLite takes a limited number of parameters."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def listed(ids: Iterable[int]) -> str:
    """Ids as one parameter, for `IN (SELECT value FROM json_each(?))`."""
    return json.dumps([int(i) for i in ids])


THESE = "(SELECT value FROM json_each(?))"
"""The other half of `listed`."""


# ---- faces


def faces_of(lib: Library, photo: int) -> list[FaceRow]:
    """The faces of a photo by id."""
    rows = lib.db.execute("SELECT * FROM faces WHERE photo_id = ? ORDER BY id", (photo,))
    return [_face_row(row) for row in rows]


def face(lib: Library, number: int) -> FaceRow | None:
    row = lib.db.execute("SELECT * FROM faces WHERE id = ?", (number,)).fetchone()
    return None if row is None else _face_row(row)


def _face_row(row: sqlite3.Row) -> FaceRow:
    looks = (row["landmarks"], row["score"], row["quality"], row["drawn"] != 0)
    return FaceRow(row["id"], row["photo_id"], box_of(row), *looks)


def photos_of(lib: Library, faces: Iterable[int]) -> dict[int, int]:
    """face → photo."""
    rows = lib.db.execute(f"SELECT id, photo_id FROM faces WHERE id IN {THESE}", (listed(faces),))
    return {int(row[0]): int(row[1]) for row in rows}


def live_faces(lib: Library, photos: Iterable[int]) -> dict[int, int]:
    """face → photo of all faces of those of these photos that are live."""
    rows = lib.db.execute(
        "SELECT f.id, f.photo_id FROM faces f JOIN photos ph ON ph.id = f.photo_id"
        f" WHERE ph.live = 1 AND f.photo_id IN {THESE} ORDER BY f.id",
        (listed(photos),),
    )
    return {int(row[0]): int(row[1]) for row in rows}


# ---- names in the journal


def anchors(lib: Library, faces: Sequence[int], model: str) -> list[Anchor]:
    """The names of faces in the journal, in the order given."""
    rows = lib.db.execute(
        "SELECT f.*, ph.key, e.vector, t.path, t.best FROM faces f"
        " JOIN photos ph ON ph.id = f.photo_id LEFT JOIN tracks t ON t.face_id = f.id"
        " LEFT JOIN embeddings e ON e.face_id = f.id AND e.model = ?"
        f" WHERE f.id IN {THESE}",
        (model, listed(faces)),
    )
    found: dict[int, Anchor] = {}
    for row in rows:
        seen = digest(vector_of(row["vector"])) if row["vector"] is not None else ""
        track = track_of_row(row)
        at = None if track is None else track.best[0].at
        found[row["id"]] = Anchor(row["key"], box_of(row), seen, at)
    return [found[number] for number in faces]


def resolver(lib: Library, photos: Iterable[str] = ()) -> Resolve:
    """From anchors to faces: by photo and overlap, then on to what they became in edited photos.

    `photos`: keys that will be asked for, to be read at once.
    """
    places: dict[str, _Places] = {key: _Places() for key in photos}
    _read_places(lib, places)
    tied = any_successors(lib)

    def resolve(anchor: Anchor) -> list[int]:
        if anchor.photo not in places:
            places[anchor.photo] = _Places()
            _read_places(lib, {anchor.photo: places[anchor.photo]})
        here = places[anchor.photo].meeting(anchor)
        if here is None:
            return []
        return heirs(lib, here) if tied else [here]

    return resolve


@dataclass(slots=True)
class _Places:
    """Where the faces of a photo, or the tracks of a video, are."""

    boxes: dict[int, Box] = field(default_factory=dict)
    tracks: dict[int, Track] = field(default_factory=dict)

    def meeting(self, anchor: Anchor) -> int | None:
        if anchor.at is None:
            return best_meeting(anchor.box, self.boxes)
        return track_meeting(anchor.at, anchor.box, self.tracks)


def _read_places(lib: Library, places: dict[str, _Places]) -> None:
    rows = lib.db.execute(
        "SELECT ph.key, f.*, t.path, t.best FROM photos ph JOIN faces f ON f.photo_id = ph.id"
        f" LEFT JOIN tracks t ON t.face_id = f.id WHERE ph.key IN {THESE}",
        (json.dumps(list(places)),),
    )
    for row in rows:
        track, there = track_of_row(row), places[row["key"]]
        if track is None:
            there.boxes[row["id"]] = box_of(row)
        else:
            there.tracks[row["id"]] = track


def any_successors(lib: Library) -> bool:
    return lib.db.execute("SELECT 1 FROM successors LIMIT 1").fetchone() is not None


def heirs(lib: Library, face_id: int) -> list[int]:
    """A face and all that it became in edited photos."""
    found, todo = [face_id], [face_id]
    while todo:
        rows = lib.db.execute(
            "SELECT heir_id FROM successors WHERE face_id = ? ORDER BY heir_id", (todo.pop(),)
        )
        for row in rows.fetchall():
            if row[0] not in found:
                found.append(int(row[0]))
                todo.append(int(row[0]))
    return found


def photos_behind(lib: Library, faces: Iterable[int]) -> set[str]:
    """Keys of the photos of faces, and of what these were before the photos were edited: a word
    about a face names one of these."""
    rows = lib.db.execute(
        "WITH RECURSIVE line (id) AS (SELECT value FROM json_each(?)"
        " UNION SELECT s.face_id FROM line JOIN successors s ON s.heir_id = line.id)"
        " SELECT DISTINCT ph.key FROM line JOIN faces f ON f.id = line.id"
        " JOIN photos ph ON ph.id = f.photo_id",
        (listed(faces),),
    )
    return {str(row[0]) for row in rows}


def add_successor(lib: Library, face_id: int, heir: int) -> None:
    lib.db.execute("INSERT OR IGNORE INTO successors VALUES (?, ?)", (face_id, heir))


def ties(lib: Library, old: int, new: int) -> list[Tied]:
    """Faces of photo `old` that live on in photo `new`."""
    rows = lib.db.execute(
        "SELECT s.face_id, s.heir_id FROM successors s JOIN faces a ON a.id = s.face_id"
        " JOIN faces b ON b.id = s.heir_id WHERE a.photo_id = ? AND b.photo_id = ?",
        (old, new),
    )
    return [Tied(int(row[0]), int(row[1])) for row in rows]


def has_word(lib: Library, face_id: int) -> bool:
    """Whether something that a user decided about this face stands."""
    row = lib.db.execute(
        "SELECT EXISTS (SELECT 1 FROM verdicts WHERE face_id = :face)"
        " OR EXISTS (SELECT 1 FROM rejections WHERE face_id = :face)",
        {"face": face_id},
    ).fetchone()
    return bool(row[0])


# ---- vectors


VectorTable = tuple[IdArray, IdArray, Vectors, NDArray[np.float32]]
"""(ids [n], photos [n], vectors [n, d], qualities [n])."""


def live_vectors(lib: Library, model: str, photos: Iterable[int] | None = None) -> VectorTable:
    """All live faces that the model has seen (or those of some photos), by id."""
    some = "" if photos is None else f" WHERE f.photo_id IN {THESE}"
    rows = lib.db.execute(
        "SELECT f.id, f.photo_id, f.quality, e.vector FROM faces f"
        " JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
        f" JOIN embeddings e ON e.face_id = f.id AND e.model = ?{some} ORDER BY f.id",
        (model,) if photos is None else (model, listed(photos)),
    )
    return _vector_table(rows)


def vectors(lib: Library, model: str, faces: Iterable[int]) -> VectorTable:
    """The same for some faces, live or not, by id."""
    rows = lib.db.execute(
        "SELECT f.id, f.photo_id, f.quality, e.vector FROM faces f"
        " JOIN embeddings e ON e.face_id = f.id AND e.model = ?"
        f" WHERE f.id IN {THESE} ORDER BY f.id",
        (model, listed(faces)),
    )
    return _vector_table(rows)


def _vector_table(rows: sqlite3.Cursor) -> VectorTable:
    rows.row_factory = None
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    ids = np.array(columns[0], dtype=np.int64)
    photos = np.array(columns[1], dtype=np.int64)
    quality = np.array(columns[2], dtype=np.float32)
    if not len(ids):
        return ids, photos, np.zeros((0, 0), np.float32), quality
    flat = np.frombuffer(b"".join(columns[3]), dtype="<f2")
    return ids, photos, flat.reshape(len(ids), -1).astype(np.float32), quality


def anchor_order(lib: Library, faces: Iterable[int]) -> dict[int, tuple[str, float, float, int]]:
    """A sort key for each face that does not depend on when it was scanned: photo key, place, and
    in a video the moment at which it comes into view."""
    rows = lib.db.execute(
        "SELECT f.id, ph.key, f.x, f.y, COALESCE(t.first, 0) FROM faces f"
        " JOIN photos ph ON ph.id = f.photo_id LEFT JOIN tracks t ON t.face_id = f.id"
        f" WHERE f.id IN {THESE}",
        (listed(faces),),
    )
    return {int(r[0]): (str(r[1]), float(r[2]), float(r[3]), int(r[4])) for r in rows}


def anchor_keys(lib: Library, faces: Iterable[int]) -> dict[int, bytes]:
    """The same as 56 bytes that sort alike."""
    return {
        number: key.encode().ljust(32)[:32] + _steps(x) + _steps(y) + first.to_bytes(8, "big")
        for number, (key, x, y, first) in anchor_order(lib, faces).items()
    }


def _steps(value: float) -> bytes:
    """A place as it is stored (five decimals), so that bytes sort as numbers do."""
    return (round(value * 100_000) + (1 << 62)).to_bytes(8, "big")


def drop_model(lib: Library, model: str) -> int:
    """Remove all vectors of a model; their number."""
    return int(lib.db.execute("DELETE FROM embeddings WHERE model = ?", (model,)).rowcount)


def days(lib: Library, faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """The days [n] of the photos of faces [n] by their EXIF, never by a file's time: days since
    1970-01-01, NaN where it says none."""
    rows = lib.db.execute(
        "SELECT f.id, ph.taken FROM faces f JOIN photos ph ON ph.id = f.photo_id"
        f" WHERE ph.taken IS NOT NULL AND f.id IN {THESE}",
        (listed(faces.tolist()),),
    )
    known = {int(face): day_of(str(taken)[:10]) for face, taken in rows}
    return np.array([known.get(face, np.nan) for face in faces.tolist()], dtype=np.float64)
