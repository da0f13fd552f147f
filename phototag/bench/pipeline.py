"""From a photo to the vector of the one face it is about, by the same steps as a scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phototag.core.portrait import nearest_the_centre
from phototag.core.types import Detection, Pixels, Vectors
from phototag.errors import UnreadableImage, UsageError
from phototag.images.read import read

Detect = Callable[[Pixels], list[Detection]]
Embed = Callable[[NDArray[np.uint8]], Vectors]

CROP = 112
SIZE = 1280
"""Longest side that detection sees, in pixels: a scan's default."""

BATCH = 64


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of some photos' main faces."""

    vectors: Vectors
    """[n, d]; a row of zeros where no face was found."""
    found: NDArray[np.bool_]
    """[n]"""
    not_detected: tuple[str, ...]
    """Photos without a face."""
    unreadable: tuple[str, ...]
    """Photos that cannot be read."""


def embed_photos(
    paths: Sequence[Path],
    embed: Embed,
    detect: Detect | None,
    *,
    on_photo: Callable[[], None] = lambda: None,
) -> Embedded:
    """The main face of each photo: detected, aligned, embedded; without `detect`, the photos are
    aligned crops already.

    An unreadable photo is named in the answer and stops nothing.
    """
    crops: list[Pixels | None] = []
    unreadable = []
    for path in paths:
        try:
            crops.append(aligned_crop(path) if detect is None else main_face(path, detect))
        except UnreadableImage:
            unreadable.append(str(path))
            crops.append(None)
        on_photo()
    rows = [i for i, crop in enumerate(crops) if crop is not None]
    if not rows:
        raise UsageError("No face was found in any of the photos.")
    stacked = np.stack([crop for crop in crops if crop is not None])
    parts = [embed(stacked[i : i + BATCH]) for i in range(0, len(stacked), BATCH)]
    known = np.concatenate(parts)
    vectors = np.zeros((len(paths), known.shape[1]), dtype=np.float32)
    vectors[rows] = known
    found = np.zeros(len(paths), dtype=bool)
    found[rows] = True
    missed = [str(p) for p, ok in zip(paths, found, strict=True) if not ok]
    without = tuple(p for p in missed if p not in set(unreadable))
    return Embedded(vectors, found, without, tuple(unreadable))


def aligned_crop(path: Path) -> Pixels:
    """A photo that is a crop of 112x112 already (another size is brought to that). Raises
    UnreadableImage."""
    from phototag.vision.embed import shrink

    pixels = read(_bytes(path), str(path)).pixels
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    return shrink(pixels[top : top + side, left : left + side], CROP)


def main_face(path: Path, detect: Detect) -> Pixels | None:
    """The aligned crop of the face that the photo is about; None where no face is found. Raises
    UnreadableImage."""
    from phototag.vision.align import align

    data = _bytes(path)
    picture = read(data, str(path), longest=SIZE)
    height, width = picture.pixels.shape[:2]
    found = detect(picture.pixels)
    if not found:
        return None
    face = nearest_the_centre(found, width, height)
    side = min(face.box.width * width, face.box.height * height)
    pixels = picture.pixels
    if side < CROP and max(picture.width, picture.height) > max(width, height):
        wanted = int(max(width, height) * min(CROP / max(side, 8.0), 4.0))
        pixels = read(data, str(path), longest=wanted).pixels
    tall, wide = pixels.shape[:2]
    return align(pixels, face.landmarks.array(wide, tall), CROP)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        said = error.strerror or str(error)
        raise UnreadableImage(path, "unreadable-file", said) from error
