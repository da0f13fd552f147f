"""What exchange with other programs reads and writes: files below a place, people of a photo
without a face, and what was written into XMP last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from phototag.catalog.faces import THESE
from phototag.catalog.roots import absolute, inside, roots
from phototag.catalog.store import Library, restored, storable


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


def xmp_written(lib: Library, path: str) -> str | None:
    """What phototag wrote into the XMP of or beside a photo last (`output.xmp` knows its form)."""
    row = lib.db.execute(
        "SELECT content FROM xmp_written WHERE path = ?", (storable(path),)
    ).fetchone()
    return None if row is None else str(row[0])


def set_xmp_written(lib: Library, path: str, content: str | None) -> None:
    if content is None:
        lib.db.execute("DELETE FROM xmp_written WHERE path = ?", (storable(path),))
    else:
        lib.db.execute(
            "INSERT OR REPLACE INTO xmp_written VALUES (?, ?)", (storable(path), content)
        )
