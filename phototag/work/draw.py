"""Draw a face that no detector found, and say who it is."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

from phototag.catalog import faces as table
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.store import Library
from phototag.catalog.tracks import film_of
from phototag.core.drawings import Drawing
from phototag.core.regions import meets
from phototag.core.types import Box
from phototag.errors import NotFound, TwiceInPhoto, UnreadableImage, UsageError
from phototag.work.deciding import Ground, Said, decide
from phototag.work.eye import Eye, Sight, keep_sights
from phototag.work.names import find_target, person_named
from phototag.work.tag import name_wanted


def draw(
    lib: Library,
    ground: Ground,
    word: str,
    box: Box,
    name: str,
    eye: Eye,
    *,
    allow_twice: bool = False,
) -> Said:
    """There is a face in `box` (fractions of the upright photo), and it is `name`'s.

    `word` names the photo. The face takes part in everything as any other does; it can be
    recognised in other photos by it only where the detector, shown the box, finds a face to align.
    Raises NotFound, UsageError (a face is there already, nothing is left of the box inside the
    photo, the person is in the photo), UnreadableImage (no file of the photo can be read),
    ModelError, CannotWrite.
    """
    clean, photo, inside = name_wanted(name), photo_meant(lib, word), clipped(box)
    if film_of(lib, photo) is not None:
        raise UsageError(f"{word} is a video: a face can be drawn in a photo only.")
    _refuse_known(lib, photo, inside, clean)
    if not allow_twice:
        _refuse_twice(lib, photo, clean)
    key = str(photo_table.photo_row(lib, photo)["key"])
    sight = _sight(lib, eye, photo, Drawing(key, inside.rounded()), word)
    payload: dict[str, Any] = {"person": clean, "faces": [sight.looks[0].drawing.payload()]}
    if allow_twice:
        payload["allow_twice"] = True
    said = decide(
        lib,
        ground,
        "draw",
        payload,
        (),
        f"A face was drawn in {word}, and it is {clean}.",
        then=lambda: keep_sights(lib, ground.model, {key: sight}),
    )
    return replace(said, faces=1, photos=1)


def photo_meant(lib: Library, word: str) -> int:
    """The photo that a word names. Raises NotFound, UsageError."""
    target = find_target(lib, word)
    if target.kind != "photo":
        raise UsageError(f"{word!r} is no photo: a face is drawn in a photo, named by its path.")
    return target.number


def box_said(lib: Library, word: str, text: str) -> Box:
    """`x,y,width,height` as a user says it of a photo: in pixels of the upright photo, or in
    fractions of it where none is above 1. Raises NotFound, UsageError."""
    row = photo_table.photo_row(lib, photo_meant(lib, word))
    try:
        x, y, width, height = (float(part) for part in text.split(","))
        if not all(isfinite(value) for value in (x, y, width, height)):
            raise ValueError
    except ValueError as error:
        raise UsageError(f"--box {text!r}: say four numbers, like 320,180,96,120.") from error
    if max(x, y, width, height) <= 1:
        return Box(x, y, width, height)
    wide, high = row["width"], row["height"]
    return Box(x / wide, y / high, width / wide, height / high)


def clipped(box: Box) -> Box:
    """The part of a box that lies in the photo. Raises UsageError where there is none."""
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(1.0, box.x + box.width), min(1.0, box.y + box.height)
    if not (right - left > 0 and bottom - top > 0):
        raise UsageError(
            "Nothing of that box lies in the photo. Say it as x,y,width,height from the top left, "
            "in pixels of the upright photo or in fractions of it."
        )
    return Box(left, top, right - left, bottom - top)


def _refuse_known(lib: Library, photo: int, box: Box, name: str) -> None:
    for face in table.faces_of(lib, photo):
        if meets(box, face.box):
            raise UsageError(
                f"face-{face.id} is there already. To name it: "
                f'phototag label face-{face.id} "{name}" (if it was called no face, '
                f"phototag restore face-{face.id} first)."
            )


def _refuse_twice(lib: Library, photo: int, name: str) -> None:
    person = person_named(lib, name)
    if person is None or photo in photo_table.photos_with_keys(lib, verdict_table.twice_keys(lib)):
        return
    here = {face.id for face in table.faces_of(lib, photo)}
    known = here & set(verdict_table.decided_faces(lib, person))
    if known:
        raise TwiceInPhoto(
            f"{name} is in this photo already: face-{min(known)}. "
            "If it is a mirror or a collage, say --allow-twice."
        )


def _sight(lib: Library, eye: Eye, photo: int, drawing: Drawing, word: str) -> Sight:
    """Look at the box in the first file of the photo that can be read."""
    trouble: UnreadableImage | None = None
    for place in photo_table.paths_of(lib, photo):
        try:
            sight = eye.look(place.path, drawing.photo, [drawing])
        except UnreadableImage as error:
            trouble = error
            continue
        if sight is not None:
            return sight
    if trouble is not None:
        raise trouble
    raise NotFound(f"{word} changed since the last scan, or is gone. Scan it again, then draw.")
