"""Regions that other programs or a user drew, against the faces that a detector found.

Both draw boxes of their own: a detector tightly, people and programs as they like. Overlap alone
misses a small face in a large box and the other way round, so a box also meets a face when each
holds the other's centre and they are of comparable size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phototag.core.types import Box

OVERLAP = 0.3
"""Least IoU at which two boxes are of one face. Boxes of one face by two programs (the regions of
`photos/formats/face_regions` against MTCNN) have 0.35 and more; boxes of neighbours under 0.1."""

LARGER = 9.0
"""Most by which one box may be larger than the other (by area) where only the centres tell: a
region around head and shoulders is up to eight times a tight face."""


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
