"""How much a face can be trusted: the share of its likeness that the picture keeps, 0..1.

Each part is the similarity to expect between the face's vector and that of a good picture of it, so
that 0.8 means: a fifth is lost. The tables come from 110 aligned faces of the calibration people,
degraded by shrinking, Gaussian blur and motion, with the teacher's vectors; between their points
they are straight lines. The weakest part decides: that came nearest to what was measured
(root mean square error 0.117; the product of the parts 0.120; with the variance of the Laplacian in
place of `sharpness` 0.137). Noise and darkness are not seen: noise of 30 grey levels or a twelfth
of the light leaves 0.63 and 0.70.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Pixels

GOOD = 0.7
"""At or above this a face may start clusters and stand for a person. There it keeps 0.5 of the 0.65
that good pictures of a person have in common on the calibration people: above any `cluster` cut.
Worse faces were no more like strangers (99.9th percentile 0.50 against 0.53), so what they risk is
to be missed, and this line lies low."""

_Table = tuple[tuple[float, ...], tuple[float, ...]]

# Shorter side of the face's box in pixels: shrunk and enlarged again.
_SIZE: _Table = ((6.0, 9.6, 14.4, 20.0, 28.0, 40.0), (0.2, 0.40, 0.63, 0.80, 0.93, 1.0))
# `sharpness`, over blurs of 1.2 to 4 pixels and motion of 11 in a crop of 112.
_SHARP: _Table = ((0.03, 0.06, 0.10, 0.15, 0.25), (0.4, 0.58, 0.75, 0.90, 1.0))
# `yaw`: the score of 2,810 faces for their person by MTCNN's landmarks, 0.69 up to 0.45 and 0.60
# between 0.5 and 0.7; further out there are too few, the end is a guess.
_YAW: _Table = ((0.45, 0.6, 1.0), (1.0, 0.87, 0.6))
# `pitch`: 0.60 below 0.36, 0.64 at 0.44, 0.70 from 0.56 to 0.75, 0.66 above 0.8; likewise.
_PITCH: _Table = ((0.25, 0.35, 0.44, 0.49, 0.75, 0.85, 1), (0.7, 0.87, 0.93, 1, 1, 0.93, 0.7))
# The detector's score says nothing about the likeness of a face (0.70 at 0.85, 0.68 at 0.999), but
# whether it is one: of MTCNN's 350 in the album 346 of 347 true and 1 of 3 false are above 0.9.
_SCORE: _Table = ((0.5, 0.7, 0.9), (0.3, 0.7, 1.0))


def sharpness(crop: Pixels) -> float:
    """How fine the detail of an aligned crop is, 0 to about 1; grey [h, w] or RGB [h, w, 3].

    The spread of the second differences in the inner face at half size, across or down, whichever
    is weaker, over the spread of its greys: a blur of motion shows in one direction only, noise
    shows less at half size, and contrast cancels out. Half of good crops of 112x112 lie between
    0.30 and 0.45; a Gaussian blur of 2 pixels gives 0.14, of 4 pixels 0.06.
    """
    grey = np.asarray(crop, dtype=np.float64)
    if grey.ndim == 3:
        grey = grey @ (0.299, 0.587, 0.114)  # ITU-R BT.601
    high, wide = grey.shape
    inner = grey[high * 3 // 14 : high * 13 // 14, wide // 7 : wide * 6 // 7]
    rows, columns = inner.shape[0] // 2, inner.shape[1] // 2
    if rows < 3 or columns < 3:
        return 0.0
    half = inner[: rows * 2, : columns * 2].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
    if half.std() < 1e-9:
        return 0.0
    middle = 2 * half[1:-1, 1:-1]
    across = half[1:-1, :-2] + half[1:-1, 2:] - middle
    down = half[:-2, 1:-1] + half[2:, 1:-1] - middle
    return float(min(across.std(), down.std()) / half.std())


def yaw(points: NDArray[np.floating]) -> float:
    """How far the nose lies off the middle of the eyes, in eye distances: 0 from the front.

    `points` [5, 2] in pixels: left eye, right eye, nose, corners of the mouth. 9 where the eyes
    fall together.
    """
    along = points[1] - points[0]
    length = float(along @ along)
    return abs(float((points[2] - points[0]) @ along) / length - 0.5) if length > 0 else 9.0


def pitch(points: NDArray[np.floating]) -> float:
    """Where the nose lies between the eyes (0) and the mouth (1): about 0.6 on a level face.

    `points` as for `yaw`. 9 where eyes and mouth fall together.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down = mouth - eyes
    length = float(down @ down)
    return float((points[2] - eyes) @ down) / length if length > 0 else 9.0


def quality(*, face_px: float, score: float, sharp: float, points: NDArray[np.floating]) -> float:
    """The weakest of size, sharpness, pose and detection, 0..1, to four decimals.

    `face_px` is the shorter side of the face's box in pixels of the picture that the crop was cut
    from, `score` the detector's, `sharp` the `sharpness` of the aligned crop, `points` the
    landmarks [5, 2] in pixels of any upright picture of the photo.
    """
    marks = np.asarray(points, dtype=np.float64)
    parts = (
        np.interp(face_px, *_SIZE),
        np.interp(sharp, *_SHARP),
        np.interp(yaw(marks), *_YAW),
        np.interp(pitch(marks), *_PITCH),
        np.interp(score, *_SCORE),
    )
    return round(float(min(parts)), 4)
