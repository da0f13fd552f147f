"""Regions that other programs or a user drew, against the faces that a detector found.

Both draw boxes of their own: a detector tightly, people and programs as they like. Overlap alone
misses a small face in a large box and the other way round, so a box also meets a face when each
holds the other's centre and they are of comparable size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phototag.core.types import Box

OVERLAP = 0.3
"""Least IoU at which two boxes are of one face. People's boxes of 302 faces (dlib's and Kaggle's
masked faces, `photos/people`) and MTCNN's of the same have 0.38 and more, median 0.70; with the
face of a neighbour at most 0.15. The regions of `photos/formats/face_regions` have 0.50 to 0.72."""

LARGER = 4.0
"""Most by which one box may be larger than the other (by area) where only the centres tell: twice
the sides. In the same photos people's boxes are 0.4 to 2.0 times as large."""


def meets(region: Box, face: Box) -> bool:
    """Whether two boxes are of one face."""
    return nearness(region, face) > 0


def nearness(region: Box, face: Box) -> float:
    """How surely two boxes are of one face: 0 for not, else by overlap, centres after it."""
    overlap = region.iou(face)
    if overlap >= OVERLAP:
        return 1.0 + overlap
    small, large = sorted((region.area, face.area))
    if small <= 0 or large > LARGER * small:
        return 0.0
    if _holds(region, face.centre) and _holds(face, region.centre):
        return overlap
    return 0.0


def _holds(box: Box, point: tuple[float, float]) -> bool:
    x, y = point
    return box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height


def pairs(regions: Sequence[Box], faces: Mapping[int, Box]) -> dict[int, int]:
    """Index of a region → the face that it is. One to one, surest first; ties by place, so that the
    order of neither matters."""
    near = sorted(
        (-nearness(region, face), (region.x, region.y), (face.x, face.y), index, number)
        for index, region in enumerate(regions)
        for number, face in faces.items()
        if meets(region, face)
    )
    found: dict[int, int] = {}
    for *_, index, number in near:
        if index not in found and number not in found.values():
            found[index] = number
    return found


# ---- what other programs say


@dataclass(frozen=True, slots=True)
class Region:
    """A name in a photo, with a place or without one."""

    name: str
    box: Box | None
    """In fractions; in which frame is said by who hands it over."""


def usable(box: Box) -> Box | None:
    """The part of a region that lies in the photo; None where it is no box at all: nothing of it,
    or more than twice the photo."""
    values = (box.x, box.y, box.width, box.height)
    if not all(-2 <= value <= 2 for value in values):  # also what is no number
        return None
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(1.0, box.x + box.width), min(1.0, box.y + box.height)
    if right - left <= 0 or bottom - top <= 0:
        return None
    return Box(left, top, right - left, bottom - top)


def upright(box: Box, orientation: int) -> Box:
    """A box of the stored photo in the frame of the upright one; EXIF's orientation 1..8.

    MWG 2.0, 5.9: regions are of the stored photo. Drawn on photos of all eight orientations in the
    tests.
    """
    x, y, w, h = box.x, box.y, box.width, box.height
    if orientation > 4:
        x, y, w, h = y, x, h, w
    if orientation in (2, 3, 6, 7):
        x = 1 - x - w
    if orientation in (3, 4, 7, 8):
        y = 1 - y - h
    return Box(x, y, w, h)


def stored(box: Box, orientation: int) -> Box:
    """The inverse of `upright`."""
    return upright(box, {6: 8, 8: 6}.get(orientation, orientation))


def fits(applied_to: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether regions were drawn in a picture of this shape: 2 % of either side, for programs that
    round. Writers swap the sides of turned photos as often as not."""
    wide, high = applied_to
    shape = wide / high
    return any(abs(shape / other - 1) <= ASPECT for other in (size[0] / size[1], size[1] / size[0]))


ASPECT = 0.02
