"""The faces that a user named, photo by photo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phototag.catalog.photos import absolute, box_of, landmarks_of
from phototag.catalog.store import Library, restored
from phototag.core.types import Detection


@dataclass(frozen=True, slots=True)
class DecidedFace:
    """A face that a user named, where it can be cut out."""

    face: int
    person: str
    detection: Detection
    quality: float
    photo: str
    """The photo's key."""
    width: int
    """Of the whole upright photo, in pixels."""
    height: int
    path: str
    """A file of the photo that is there."""


def decided_faces(lib: Library) -> Iterator[DecidedFace]:
    """All of them whose photo is there, by photo and face."""
    rows = lib.db.execute(
        "SELECT f.*, pe.name AS person, ph.key, ph.width AS wide, ph.height AS high,"
        " r.path AS root, p.dir, p.name AS file, MIN(p.id) FROM verdicts v"
        " JOIN people pe ON pe.id = v.person_id JOIN faces f ON f.id = v.face_id"
        " JOIN photos ph ON ph.id = f.photo_id AND ph.live = 1"
        " JOIN paths p ON p.photo_id = ph.id AND p.missing_since IS NULL"
        " JOIN roots r ON r.id = p.root_id GROUP BY f.id ORDER BY ph.key, f.id"
    )
    for row in rows:
        where = (restored(row["root"]), restored(row["dir"]), restored(row["file"]))
        yield DecidedFace(
            face=int(row["id"]),
            person=str(row["person"]),
            detection=Detection(box_of(row), landmarks_of(row["landmarks"]), float(row["score"])),
            quality=float(row["quality"]),
            photo=str(row["key"]),
            width=int(row["wide"]),
            height=int(row["high"]),
            path=absolute(*where),
        )
