"""A picture of what was recognised: boxes, names, scores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from phototag.errors import UnreadableImage, UsageError
from phototag.images.draw import Mark, annotate
from phototag.output import atomic
from phototag.work.identify import Identified, PhotoIdentified

LONGEST = 2048
"""Longest side of the picture, in pixels: names can be read and it is still sent by mail."""

FORMATS = (".jpg", ".jpeg", ".png", ".webp")


def targets(words: Sequence[str], out: Path | None) -> list[Path | None]:
    """Where the picture of each photo goes: `out` itself, or in that folder under the photo's name.

    Raises UsageError where that is no picture's name, or something is there already: no photo is
    ever written over.
    """
    if out is None:
        return [None] * len(words)
    if len(words) == 1 and not out.is_dir():
        found = [out]
    else:
        names = [Path(word.partition("#")[0]).stem for word in words]
        found = [out / f"{names[i]}{_twin(names, i)}.jpg" for i in range(len(words))]
    for path in found:
        if path.suffix.lower() not in FORMATS:
            raise UsageError(f"--show {path}: a picture ends in {', '.join(FORMATS)}.")
        if os.path.lexists(path):
            raise UsageError(f"--show {path}: there is a file already. Name another.")
    return list(found)


def _twin(names: Sequence[str], place: int) -> str:
    """What tells photos of one name apart."""
    before = names[:place].count(names[place])
    return f"-{before + 1}" if before else ""


def draw(photo: PhotoIdentified, target: Path) -> None:
    """Write the picture. Raises CannotWrite, UnreadableImage."""
    from phototag.images.read import encoded, read

    try:
        data = Path(photo.path).read_bytes()
    except OSError as error:
        raise UnreadableImage(photo.path, "unreadable-file", str(error)) from error
    pixels = read(data, photo.path, longest=LONGEST).pixels
    drawn = annotate(pixels, [_mark(face) for face in photo.faces])
    atomic.make_folder(target.parent)
    atomic.write(target, encoded(drawn, target.suffix, LONGEST))


def _mark(face: Identified) -> Mark:
    if face.person is not None:
        return Mark(face.place, f"{face.person} {face.similarity:.2f}", "person")
    if face.suggestion is not None:
        return Mark(face.place, f"{face.suggestion}? {face.similarity:.2f}", "suggested")
    best = f" {face.nearest[0].similarity:.2f}" if face.nearest else ""
    return Mark(face.place, f"not recognised{best}", "unknown")
