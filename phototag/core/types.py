"""The nouns: frozen values that every room shares.

Frame of reference: all boxes and landmarks are fractions (0..1) of the *upright* photo, measured
from its top left corner. `images.read` turns photos upright; nobody else knows that EXIF
orientation exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Pixels = NDArray[np.uint8]

GRID = 2.0**-11
"""Step of the grid that embeddings lie on: see `on_grid`."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the upright photo, from its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x + self.width / 2, self.y + self.height / 2)

    def iou(self, other: Box) -> float:
        """Intersection over union with `other`, 0..1."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if wide <= 0 or high <= 0:
            return 0.0
        shared = wide * high
        return shared / (self.area + other.area - shared)

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """(x, y, w, h) in whole pixels of the upright photo of that size."""
        left, top = round(self.x * width), round(self.y * height)
        right = round((self.x + self.width) * width)
        bottom = round((self.y + self.height) * height)
        return (left, top, right - left, bottom - top)

    def rounded(self) -> Box:
        """The box as it is stored and written: five decimals (a hundredth of a pixel in 1,000)."""
        return Box(*(round(v, 5) for v in (self.x, self.y, self.width, self.height)))


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five points (x, y) in fractions of the upright photo, as the viewer sees them:
    left eye, right eye, nose, left corner of the mouth, right corner of the mouth."""

    points: tuple[tuple[float, float], ...]

    def array(self, width: float = 1.0, height: float = 1.0) -> NDArray[np.float64]:
        """[5, 2] in pixels of an upright photo of that size."""
        return np.asarray(self.points, dtype=np.float64) * (width, height)


@dataclass(frozen=True, slots=True)
class Detection:
    """A face as a detector sees it."""

    box: Box
    landmarks: Landmarks
    score: float


@dataclass(frozen=True, slots=True)
class Classified:
    """What a classifier makes of a face."""

    classifier: str
    """Id of its card."""
    probabilities: Vectors
    """[classes]"""


Moment = int
"""A time in a video: milliseconds from its first frame."""

Span = tuple[Moment, Moment]
"""From the first to the last frame in which something was seen, both included."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A face in one frame of a video."""

    at: Moment
    box: Box
    landmarks: Landmarks
    score: float
    quality: float


@dataclass(frozen=True, slots=True)
class Track:
    """One face of a video while it is in view."""

    path: tuple[tuple[Moment, Box], ...]
    """Where it was in each frame that was looked at, in order."""
    best: tuple[Glimpse, ...]
    """The frames that its vector comes from, best first; the face's box is that of the first."""

    @property
    def span(self) -> Span:
        return (self.path[0][0], self.path[-1][0])


@dataclass(frozen=True, slots=True)
class Film:
    """What a video has that a photo has not."""

    duration: Moment
    tiles: tuple[Moment, ...]
    """The frames of its thumbnail strip, in order."""


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """A face as a worker hands it over: embedded, with a small picture of it."""

    box: Box
    landmarks: Landmarks
    score: float
    quality: float
    """0..1, see `core.quality`."""
    embedding: Vectors
    """[d], unit length, on the grid."""
    crop: bytes
    """WebP, square, for pages (not aligned)."""
    classified: Classified | None = None
    """Where a classifier looked at it, too."""
    track: Track | None = None
    """In a video; box, landmarks, score and quality are then those of its best frame."""


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """A photo's content as a worker hands it over."""

    key: str
    """BLAKE2b-128 of the file's bytes, 32 hexadecimal digits."""
    pixel_key: str
    """The same of the upright picture at a small fixed size: survives a rewrite of the metadata."""
    width: int
    """Pixels of the upright photo at full size."""
    height: int
    format: str
    taken: str | None
    """ISO 8601; with an offset where EXIF has one."""
    faces: tuple[FaceRecord, ...]
    thumb: bytes | None
    """WebP of the upright photo, longest side 512 px, nothing drawn; None without faces. Of a
    video: its strip (`core.strip`)."""
    film: Film | None = None
    """What makes it a video."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Cosine similarities from a model card, each with the measurement that it came from."""

    accept: float
    """A name is given at or above this (false match rate 1e-4)."""
    suggest: float
    """A name is suggested at or above this (false match rate 1e-2)."""
    cluster: float
    """Average-link cut of clusters (best F on the calibration people)."""
    margin: float
    """Least lead of the best person over the runner-up."""


def on_grid(vectors: NDArray[np.floating]) -> Vectors:
    """Unit vectors [..., d] rounded to multiples of 2**-11.

    On that grid a float32 dot product of two unit vectors is exact whatever the order of summation:
    each product is a multiple of 2**-22 and no partial sum reaches 2, so 24 bits of mantissa hold
    it. Similarities are therefore the same on every machine, in every block size and thread count,
    and float16 stores the values without loss. The rounding moves a similarity by about 1e-4.
    """
    values = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(values, axis=-1, keepdims=True)
    unit = values / np.where(norms > 0, norms, 1.0)
    return (np.rint(unit / GRID) * GRID).astype(np.float32)


def number(count: int, one: str, many: str = "") -> str:
    """`1 photo`, `2,300 photos`: for messages."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def first_line(names: Sequence[str], limit: int = 3) -> str:
    """`a, b, c and 4 more`: for messages."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
