"""From a photo's bytes and the faces found in it to what is stored of each: its aligned crop, its
quality, its numbers to the decimals that the catalogue keeps."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from phototag.core.quality import quality, sharpness
from phototag.core.types import Detection, FaceRecord, Landmarks, Pixels
from phototag.errors import UnreadableImage

CROP = 112
"""Side of the aligned crops that embedders see, in pixels."""

THUMB = 512
"""Longest side of a thumbnail, in pixels."""

LARGEST_FILE = 1 << 30
"""Bytes of the largest file that is read: no camera writes a larger photo, and a worker's memory is
bounded."""


def aligned_crops(
    data: bytes, path: str, pixels: Pixels, found: Sequence[Detection]
) -> list[Pixels]:
    """Aligned crops; a face that is small in `pixels` is cut from the full decode, which has
    more of it."""
    from phototag.images.read import read
    from phototag.vision.align import align

    height, width = pixels.shape[:2]
    smallest = min((min(d.box.width * width, d.box.height * height) for d in found), default=CROP)
    large = pixels
    if smallest < CROP:
        wanted = int(max(width, height) * min(CROP / max(smallest, 8.0), 4.0))
        large = read(data, path, longest=wanted).pixels
    crops = []
    for detection in found:
        small = min(detection.box.width * width, detection.box.height * height) < CROP
        source = large if small else pixels
        tall, wide = source.shape[:2]
        crops.append(align(source, detection.landmarks.array(wide, tall), CROP))
    return crops


def as_stored(detection: Detection) -> Detection:
    """A detection to the decimals that the catalogue keeps, so that embedding a stored face again
    gives the same vector."""
    points = tuple((round(x, 5), round(y, 5)) for x, y in detection.landmarks.points)
    return Detection(detection.box.rounded(), Landmarks(points), detection.score)


def bytes_of(path: str) -> tuple[bytes, int, int]:
    with open(path, "rb") as file:  # noqa: PTH123 (names that are not UTF-8)
        status = os.fstat(file.fileno())
        if status.st_size > LARGEST_FILE:
            raise UnreadableImage(path, "too-large", f"the file has {status.st_size:,} bytes")
        return file.read(), status.st_size, status.st_mtime_ns


def signature(path: str) -> tuple[int, int]:
    """(bytes, mtime_ns) of a file. Raises OSError."""
    status = os.stat(path)  # noqa: PTH116 (names that are not UTF-8)
    return status.st_size, status.st_mtime_ns


def quality_of(detection: Detection, crop: Pixels, width: int, height: int) -> float:
    """Of a face in a picture of that size, by its aligned crop."""
    side = min(detection.box.width * width, detection.box.height * height)
    points = detection.landmarks.array(width, height)
    return quality(face_px=side, score=detection.score, sharp=sharpness(crop), points=points)


def face_record(
    detection: Detection, crop: Pixels, pixels: Pixels, width: int, height: int
) -> FaceRecord:
    from phototag.images.thumbs import face_crop

    return FaceRecord(
        box=detection.box,
        landmarks=detection.landmarks,
        score=detection.score,
        quality=quality_of(detection, crop, width, height),
        embedding=np.zeros(0, np.float32),
        crop=face_crop(pixels, detection.box),
    )
