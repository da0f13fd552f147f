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

BORDER = 0.5
"""Where no face is found, once more with this border: of 300 aligned crops, which are all face,
MTCNN finds 253, and 295 with it."""

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


@dataclass(frozen=True, slots=True)
class MainFace:
    """The face that a photo is about."""

    crop: Pixels
    """[112, 112, 3], aligned."""
    quality: float
    """0..1, see `core.quality`."""
    faces: int
    """How many the photo shows."""


def main_face(path: Path, detect: Detect) -> Pixels | None:
    """The aligned crop of the face that the photo is about; None where no face is found. Raises
    UnreadableImage."""
    found = _main_face(_bytes(path), str(path), detect, 0.0)
    return None if found is None else found.crop


def face_of_portrait(data: bytes, path: str, detect: Detect) -> MainFace | None:
    """The same of a file's bytes, also where it is a crop that the face fills. Raises
    UnreadableImage."""
    return _main_face(data, path, detect, 0.0) or _main_face(data, path, detect, BORDER)


def _main_face(data: bytes, path: str, detect: Detect, border: float) -> MainFace | None:
    """`border`: the photo's edge is repeated around it, by that share of its longer side."""
    picture = read(data, path, longest=SIZE)
    pixels = _bordered(picture.pixels, border)
    found = detect(pixels)
    if not found:
        return None
    height, width = pixels.shape[:2]
    face = nearest_the_centre(found, width, height)
    side = min(face.box.width * width, face.box.height * height)
    longest = max(picture.pixels.shape[:2])
    if side < CROP and max(picture.width, picture.height) > longest:
        wanted = int(longest * min(CROP / max(side, 8.0), 4.0))
        pixels = _bordered(read(data, path, longest=wanted).pixels, border)
    return MainFace(*cut(pixels, face, side), len(found))


def cut(pixels: Pixels, face: Detection, side: float) -> tuple[Pixels, float]:
    """The aligned crop of a face in `pixels`, and its quality; `side` is the face's shorter one
    where it was found, in pixels."""
    from phototag.core.quality import quality, sharpness
    from phototag.vision.align import align

    tall, wide = pixels.shape[:2]
    points = face.landmarks.array(wide, tall)
    crop = align(pixels, points, CROP)
    worth = quality(face_px=side, score=face.score, sharp=sharpness(crop), points=points)
    return crop, worth


def _bordered(pixels: Pixels, share: float) -> Pixels:
    if not share:
        return pixels
    by = int(share * max(pixels.shape[:2]))
    return np.pad(pixels, ((by, by), (by, by), (0, 0)), mode="edge")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        said = error.strerror or str(error)
        raise UnreadableImage(path, "unreadable-file", said) from error
