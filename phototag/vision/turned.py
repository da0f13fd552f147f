"""Photos that lie on their side: tried turned when no face stands upright."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from phototag.core.types import Box, Detection, Landmarks, Pixels

Detect = Callable[[Pixels], list[Detection]]

GLANCE = 480
"""Longest side of the picture in which a turned face is looked for first."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Scores of a detector that settle which way up a photo is."""

    upright: float
    """Turns are not tried where an upright face has at least this score."""
    turned: float
    """A turn is taken where its best face has at least this score."""
    alone: float
    """The same, where nothing at all was found upright."""


def upright_or_turned(pixels: Pixels, detect: Detect, levels: Levels) -> list[Detection]:
    """What `detect` finds upright; or what it finds in the picture turned by a quarter, a half or
    three quarters, in the frame of `pixels`.

    Turns are tried when no upright face has a good score: a face that lies on its side is often
    found as a poor upright one. A turn is only tried in full where a small picture, turned so,
    shows a good face; of several turns the one with the best score is taken.
    """
    found = detect(pixels)
    if _best(found) >= levels.upright:
        return found
    small = _shrunk(pixels)
    glances = {turns: _best(detect(_turned(small, turns))) for turns in (1, 3, 2)}
    turns = max(glances, key=lambda quarter: glances[quarter])
    if glances[turns] < (levels.turned if found else levels.alone):
        return found
    faces = [_back(face, turns) for face in detect(_turned(pixels, turns))]
    return sorted(faces, key=lambda face: (face.box.y, face.box.x))


def _best(found: list[Detection]) -> float:
    return max((face.score for face in found), default=0.0)


def _shrunk(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = GLANCE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _turned(pixels: Pixels, quarters: int) -> Pixels:
    """Turned counter-clockwise."""
    return np.ascontiguousarray(np.rot90(pixels, quarters))


def _back(face: Detection, quarters: int) -> Detection:
    """A face found in a picture turned counter-clockwise, in the picture before."""
    corners = (
        (face.box.x, face.box.y),
        (face.box.x + face.box.width, face.box.y + face.box.height),
    )
    (x1, y1), (x2, y2) = (_point_back(point, quarters) for point in corners)
    box = Box(min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1)).rounded()
    points = tuple(_point_back(point, quarters) for point in face.landmarks.points)
    return Detection(box, Landmarks(points), face.score)


def _point_back(point: tuple[float, float], quarters: int) -> tuple[float, float]:
    x, y = point
    for _ in range(quarters % 4):
        x, y = 1 - y, x
    return x, y
