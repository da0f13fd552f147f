"""Videos among the photos: how long each is, and when and where each of its faces is seen."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.store import Library
from phototag.core.tracks import ALWAYS
from phototag.core.types import Box, Film, Glimpse, Landmarks, Span, Track

TOGETHER = (
    "NOT EXISTS (SELECT 1 FROM tracks t JOIN tracks u ON u.face_id = o.id"
    " WHERE t.face_id = f.id AND (t.last < u.first OR u.last < t.first))"
)
"""Whether two faces `f` and `o` of one photo are seen at one moment; in a photo all are."""


def set_film(lib: Library, photo: int, film: Film | None) -> None:
    """Say that a photo is a video; None: it is none."""
    lib.db.execute("DELETE FROM videos WHERE photo_id = ?", (photo,))
    if film is not None:
        row = (photo, film.duration, json.dumps(film.tiles))
        lib.db.execute("INSERT INTO videos (photo_id, duration, tiles) VALUES (?, ?, ?)", row)


def film_of(lib: Library, photo: int) -> Film | None:
    row = lib.db.execute(
        "SELECT duration, tiles FROM videos WHERE photo_id = ?", (photo,)
    ).fetchone()
    return None if row is None else Film(int(row[0]), tuple(json.loads(row[1])))


def set_track(lib: Library, face: int, track: Track | None) -> None:
    if track is not None:
        lib.db.execute(
            "INSERT OR REPLACE INTO tracks (face_id, first, last, path, best)"
            " VALUES (?, ?, ?, ?, ?)",
            (face, *track.span, _path_text(track), _best_text(track)),
        )


def tracks_of(lib: Library, photo: int) -> dict[int, Track]:
    """The tracks of a video by face."""
    rows = lib.db.execute(
        "SELECT t.* FROM faces f JOIN tracks t ON t.face_id = f.id WHERE f.photo_id = ?", (photo,)
    )
    found = ((int(row["face_id"]), track_of_row(row)) for row in rows)
    return {face: track for face, track in found if track is not None}


def track_of_row(row: sqlite3.Row) -> Track | None:
    """From the columns `path` and `best`; None where they are empty: a face of a photo."""
    if row["path"] is None:
        return None
    path = tuple((int(at), Box(*place)) for at, *place in json.loads(row["path"]))
    return Track(path, tuple(_glimpse(*values) for values in json.loads(row["best"])))


def spans(lib: Library, faces: Iterable[int]) -> dict[int, Span]:
    """When each of these faces is seen; those of photos are left out."""
    rows = lib.db.execute(
        "SELECT face_id, first, last FROM tracks WHERE face_id IN (SELECT value FROM json_each(?))",
        (json.dumps([int(face) for face in faces]),),
    )
    return {int(row[0]): (int(row[1]), int(row[2])) for row in rows}


def spans_of(lib: Library, faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n, 2]: the same for an array of faces, `ALWAYS` for those of photos."""
    ids = faces.tolist()
    found = spans(lib, ids)
    return np.array([found.get(face, ALWAYS) for face in ids], dtype=np.int64).reshape(-1, 2)


def _path_text(track: Track) -> str:
    return json.dumps([[at, *_sides(box)] for at, box in track.path], separators=(",", ":"))


def _best_text(track: Track) -> str:
    return json.dumps(
        [
            [g.at, *_sides(g.box), [list(p) for p in g.landmarks.points], g.score, g.quality]
            for g in track.best
        ],
        separators=(",", ":"),
    )


def _sides(box: Box) -> tuple[float, float, float, float]:
    kept = box.rounded()
    return (kept.x, kept.y, kept.width, kept.height)


def _glimpse(
    at: int, x: float, y: float, width: float, height: float, points: Sequence[Sequence[float]],
    score: float, quality: float,
) -> Glimpse:  # fmt: skip
    marks = Landmarks(tuple((float(a), float(b)) for a, b in points))
    return Glimpse(int(at), Box(x, y, width, height), marks, score, quality)
