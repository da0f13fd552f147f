"""What exchange with other programs reads and writes: files below a place, people who are in a
photo without a face, and what was written into XMP last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phototag.catalog.faces import THESE
from phototag.catalog.roots import absolute, inside, roots
from phototag.catalog.store import Library, restored
from phototag.core.types import Box


@dataclass(frozen=True, slots=True)
class PresentFile:
    """A file that is there, and the photo that it holds."""

    path: str
    photo: int
    key: str
    width: int
    """Of the upright photo."""
    height: int
    format: str


def files_below(lib: Library, place: str | None = None) -> Iterator[PresentFile]:
    """The present files at or below an absolute path (or all), sorted."""
    for number, root in sorted(roots(lib).items(), key=lambda kv: kv[1]):
        below = "" if place is None or inside(place, root) is not None else inside(root, place)
        if below is None:
            continue
        rows = lib.db.execute(
            "SELECT p.dir, p.name, ph.id, ph.key, ph.width, ph.height, ph.format FROM paths p"
            " JOIN photos ph ON ph.id = p.photo_id"
            " WHERE p.root_id = ? AND p.missing_since IS NULL ORDER BY p.dir, p.name",
            (number,),
        )
        for row in rows:
            inner = absolute("", restored(row[0]), restored(row[1]))[1:]
            if below == "" or inside(below, inner) is not None:
                yield PresentFile(f"{root.rstrip('/')}/{inner}", *row[2:])


def present_in(lib: Library, keys: Iterable[str]) -> dict[str, list[str]]:
    """For photos by key, the names of people who are in them without a face."""
    found: dict[str, list[str]] = {}
    rows = lib.db.execute(
        "SELECT DISTINCT ph.key, n.name FROM photos ph"
        " JOIN present_photos v ON v.photo_id = ph.id JOIN people n ON n.id = v.person_id"
        f" WHERE ph.key IN {THESE} ORDER BY n.name",
        (json.dumps(list(keys)),),
    )
    for key, name in rows:
        found.setdefault(str(key), []).append(str(name))
    return found


# ---- what another library knows


@dataclass(frozen=True, slots=True)
class Word:
    """What was decided about one face of a library."""

    key: str
    """Of its photo."""
    pixel_key: str
    box: Box
    state: str
    """`person`, `ignored`, `not_a_face`, or `refused`: it is not the person."""
    person: str | None


def words(lib: Library) -> Iterator[Word]:
    """All that was decided about faces, by photo."""
    rows = lib.db.execute(
        "SELECT ph.key, ph.pixel_key, f.x, f.y, f.width, f.height, w.state, n.name FROM"
        " (SELECT face_id, state, person_id FROM verdicts"
        "  UNION ALL SELECT face_id, 'refused', person_id FROM rejections) w"
        " JOIN faces f ON f.id = w.face_id JOIN photos ph ON ph.id = f.photo_id"
        " LEFT JOIN people n ON n.id = w.person_id ORDER BY ph.key, f.x, f.y, w.state, n.name"
    )
    for key, pixels, *box, state, name in rows:
        yield Word(str(key), str(pixels), Box(*box), str(state), name)


def present_words(lib: Library) -> list[tuple[str, str, str]]:
    """(photo's key, pixel key, person) of everybody who is in a photo without a face."""
    rows = lib.db.execute(
        "SELECT ph.key, ph.pixel_key, n.name FROM present_photos v"
        " JOIN photos ph ON ph.id = v.photo_id JOIN people n ON n.id = v.person_id"
        " ORDER BY ph.key, n.name"
    )
    return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


def file_of(lib: Library, key: str, pixel_key: str) -> PresentFile | None:
    """A present file of a photo: of those bytes, else of that picture."""
    row = lib.db.execute(
        "SELECT r.path, p.dir, p.name, ph.id, ph.key, ph.width, ph.height, ph.format FROM photos ph"
        " JOIN paths p ON p.photo_id = ph.id AND p.missing_since IS NULL"
        " JOIN roots r ON r.id = p.root_id WHERE ph.key = :key OR ph.pixel_key = :pixels"
        " ORDER BY ph.key != :key, p.id LIMIT 1",
        {"key": key, "pixels": pixel_key},
    ).fetchone()
    if row is None:
        return None
    path = absolute(restored(row[0]), restored(row[1]), restored(row[2]))
    return PresentFile(path, *row[3:])


# ---- what was written into XMP


@dataclass(frozen=True, slots=True)
class XmpFile:
    """A file whose XMP may have to be written."""

    path_id: int
    photo: int
    version: int
    """Of the photo: grows with every change of its faces and names."""
    content: str | None
    """What phototag wrote there last, in the form of `output.xmp`."""


def xmp_files(lib: Library, place: str, *, changed_only: bool = False) -> Iterator[XmpFile]:
    """Present files with somebody in them, or into whose XMP phototag wrote; `place`: `beside` or
    `embedded`. `changed_only`: whose photo changed since."""
    rows = lib.db.execute(
        "SELECT p.id, ph.id, ph.version, x.content FROM paths p"
        " JOIN photos ph ON ph.id = p.photo_id"
        " LEFT JOIN xmp_written x ON x.path_id = p.id AND x.place = :place"
        " WHERE p.missing_since IS NULL"
        " AND (NOT :changed OR x.version IS NULL OR x.version != ph.version)"
        " AND (x.path_id IS NOT NULL"
        "  OR EXISTS (SELECT 1 FROM faces f JOIN assignments a ON a.face_id = f.id"
        "   WHERE f.photo_id = ph.id AND a.person_id IS NOT NULL)"
        "  OR EXISTS (SELECT 1 FROM present_photos v WHERE v.photo_id = ph.id)) ORDER BY p.id",
        {"place": place, "changed": changed_only},
    ).fetchall()
    return (XmpFile(int(row[0]), int(row[1]), int(row[2]), row[3]) for row in rows)


def written_into(lib: Library, place: str) -> list[str]:
    """Absolute paths of present files into whose XMP phototag wrote."""
    rows = lib.db.execute(
        "SELECT r.path, p.dir, p.name FROM xmp_written x JOIN paths p ON p.id = x.path_id"
        " JOIN roots r ON r.id = p.root_id WHERE x.place = ? AND p.missing_since IS NULL",
        (place,),
    )
    return sorted(absolute(restored(row[0]), restored(row[1]), restored(row[2])) for row in rows)


def set_xmp_written(lib: Library, file: XmpFile, place: str, content: str) -> None:
    lib.db.execute(
        "INSERT OR REPLACE INTO xmp_written VALUES (?, ?, ?, ?)",
        (file.path_id, place, file.version, content),
    )
