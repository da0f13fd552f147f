"""Pictures made when somebody looks at them: a face large, a photo as large as a screen.

Only files that the catalogue knows are opened, and only where they lie inside a folder that was
scanned; what leaves is a picture made here, never the bytes of the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from phototag.catalog import photos as photo_table
from phototag.catalog import views
from phototag.catalog.store import Library
from phototag.catalog.tracks import film_of, tracks_of
from phototag.catalog.views import SeenFace
from phototag.core.types import Moment, Pixels
from phototag.errors import NotFound, UnreadableImage
from phototag.images.find import is_video
from phototag.images.read import Picture, as_webp, read
from phototag.images.thumbs import MARGIN, face_crop
from phototag.work.crops import LARGEST_FILE
from phototag.work.pictures import crop_path, thumb_path

FACE = 480
"""Side of a large face, in pixels."""

SMALL, LARGE = 512, 2048
"""Longest sides of a photo's two pictures, in pixels."""


def kept_face(lib: Library, number: int) -> bytes:
    """The small picture of a face that the library keeps, else one from its photo. Raises
    NotFound."""
    face = _face(lib, number)
    try:
        return (lib.folder / crop_path(face.key, face.id)).read_bytes()
    except OSError:
        return large_face(lib, number)


def large_face(lib: Library, number: int) -> bytes:
    """WebP, `FACE` px square or what the photo gives. Raises NotFound."""
    face = _face(lib, number)
    track = tracks_of(lib, face.photo).get(number)
    if track is not None:
        return face_crop(_frame(lib, face.photo, track.best[0].at), face.box, FACE)
    row = photo_table.photo_row(lib, face.photo)
    side = max(face.box.width * row["width"], face.box.height * row["height"]) * (1 + 2 * MARGIN)
    whole = max(row["width"], row["height"])
    picture = _read(lib, face.photo, min(whole, round(whole * FACE / max(side, 1.0))))
    return face_crop(picture.pixels, face.box, FACE)


def kept_photo(lib: Library, number: int) -> bytes:
    """The thumbnail that the library keeps, else one from the photo. Raises NotFound."""
    row = photo_table.photo_row(lib, number)
    if row is None:
        raise NotFound("There is no such photo.")
    try:
        return (lib.folder / thumb_path(row["key"])).read_bytes()
    except OSError:
        return photo(lib, number, SMALL)


def photo(lib: Library, number: int, longest: int) -> bytes:
    """WebP of a photo, upright, without its metadata; of a video in which nobody was found its
    first frame (others have a strip: `kept_photo`). Raises NotFound."""
    film = film_of(lib, number)
    if film is not None and not film.tiles:
        return as_webp(_frame(lib, number, 0), longest)
    return as_webp(_read(lib, number, longest).pixels, longest)


def _face(lib: Library, number: int) -> SeenFace:
    found = views.seen_face(lib, number)
    if found is None:
        raise NotFound(f"There is no face-{number}.")
    return found


def _read(lib: Library, number: int, longest: int) -> Picture:
    for place, name in _files(lib, number):
        try:
            if not is_video(name):
                return read(_bytes(place), name, longest=longest)
        except (OSError, UnreadableImage):
            continue
    raise NotFound("No file of this photo can be read now.")


def _frame(lib: Library, number: int, at: Moment) -> Pixels:
    """One frame of a video."""
    from phototag.images.video import frame_at

    for place, _ in _files(lib, number):
        try:
            return frame_at(place, at)
        except (OSError, UnreadableImage):
            continue
    raise NotFound("No file of this video can be read now.")


def _files(lib: Library, number: int) -> Iterator[tuple[str, str]]:
    """(place, all links followed; name) of each file of a photo that lies in a scanned folder."""
    roots = [os.path.realpath(root) for root in photo_table.roots(lib).values()]
    for row in photo_table.paths_of(lib, number):
        place = os.path.realpath(row.path)
        if _is_inside(place, roots):
            yield place, row.path


def _bytes(path: str) -> bytes:
    if os.path.getsize(path) > LARGEST_FILE:  # noqa: PTH202 (not UTF-8 safe)
        raise OSError(path)
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read()


def _is_inside(place: str, roots: Sequence[str]) -> bool:
    """Whether a file lies in a scanned folder, all links followed: a link out of it, put there
    after the scan, leads nowhere."""
    return any(Path(place).is_relative_to(root) for root in roots)
