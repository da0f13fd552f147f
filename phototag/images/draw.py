"""Boxes and names, drawn on thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from phototag.core.types import Box, Pixels
from phototag.images.lettering import lettered

Style = Literal["person", "suggested", "unknown", "ignored"]
Colour = tuple[int, int, int, int]
Place = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom lie outside."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What to draw for one face."""

    box: Box
    label: str
    """The name; '' for a box without one."""
    style: Style


@dataclass(frozen=True, slots=True)
class _Look:
    line: Colour
    ground: Colour
    letters: tuple[int, int, int]
    dashed: bool = False
    thin: bool = False


# Okabe and Ito's colours, which colour-blind people tell apart, darkened until white text on them
# has a contrast of 4.5:1; a suggestion is dashed besides.
_LOOKS: dict[Style, _Look] = {
    "person": _Look((0, 158, 115, 255), (0, 110, 80, 235), (255, 255, 255)),
    "suggested": _Look((240, 170, 40, 255), (255, 240, 210, 240), (110, 60, 0), dashed=True),
    "unknown": _Look((86, 180, 233, 255), (25, 85, 130, 225), (255, 255, 255)),
    "ignored": _Look((200, 200, 200, 150), (70, 70, 70, 170), (235, 235, 235), thin=True),
}
_ORDER: tuple[Style, ...] = ("ignored", "unknown", "suggested", "person")
_HALO: Colour = (0, 0, 0, 90)

LETTERS = 0.027
"""Size of the letters for each pixel of the longest side: 14 px on a thumbnail of 512 px."""


def annotate(pixels: Pixels, marks: Sequence[Mark], scale: int | None = None) -> Pixels:
    """A copy of `pixels` [h, w, 3] RGB with a box round each face and its name beside it.

    Lines and letters are sized for a picture whose longest side is `scale` px (default: this one).

    Names are laid below their faces, or above or inside where that covers less of other faces and
    names; a person's box and name lie above a stranger's.
    """
    image = Image.fromarray(pixels)
    scale = scale or max(image.size)
    drawn = sorted(marks, key=lambda mark: _ORDER.index(mark.style))
    boxes = [_place(mark.box, image.size) for mark in drawn]
    for mark, box in zip(drawn, boxes, strict=True):
        _frame(image, box, _LOOKS[mark.style], scale)
    for look, place, letters in _labels(drawn, boxes, image.size, scale):
        glass = _Glass(image, place)
        radius = (place[3] - place[1]) * glass.fine * 0.3
        glass.pen.rounded_rectangle(glass.at(place), radius, fill=look.ground)
        glass.lay()
        corner = (place[0] + _padding(letters), place[1])
        image.paste(look.letters, corner, Image.fromarray(letters))
    return np.array(image)


class _Glass:
    """A sheet to draw on, finer than the image, over that part of it which a mark needs: shrinking
    and laying it over costs what the marks cover, and not what the photo does."""

    def __init__(self, image: Image.Image, part: Place) -> None:
        self.image = image
        self.fine = 3 if max(image.size) <= 1024 else 1
        self.left, self.top = (min(max(0, part[i]), image.size[i] - 1) for i in (0, 1))
        wide = max(1, min(part[2], image.width) - self.left)
        high = max(1, min(part[3], image.height) - self.top)
        self.layer = Image.new("RGBA", (wide * self.fine, high * self.fine))
        self.pen = ImageDraw.Draw(self.layer)

    def at(self, place: Place) -> tuple[int, int, int, int]:
        """First and last column and row of a place of the image, on the sheet."""
        x, y, fine = self.left, self.top, self.fine
        return (
            (place[0] - x) * fine,
            (place[1] - y) * fine,
            (place[2] - x) * fine - 1,
            (place[3] - y) * fine - 1,
        )

    def lay(self) -> None:
        """Lay the sheet over the image."""
        smooth = self.layer.reduce(self.fine) if self.fine > 1 else self.layer
        self.image.paste(smooth, (self.left, self.top), smooth)


def _place(box: Box, size: tuple[int, int]) -> Place:
    """The box in whole pixels, at least 4 px large."""
    x, y, width, height = box.pixels(*size)
    return (x, y, x + max(4, width), y + max(4, height))


def _frame(image: Image.Image, box: Place, look: _Look, longest: int) -> None:
    """A rounded rectangle with a dark halo, so that it stands out from light and dark skin."""
    stroke = max(1 if look.thin else 2, round(longest / (512 if look.thin else 256)))
    around = (box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1)
    glass = _Glass(image, around)
    pen, fine, inner, outer = glass.pen, glass.fine, glass.at(box), glass.at(around)
    radius = min(10 * fine, 0.12 * min(outer[2] - outer[0], outer[3] - outer[1]))
    if not look.thin:
        pen.rounded_rectangle(outer, radius + fine, outline=_HALO, width=(stroke + 2) * fine)
    if look.dashed:
        _dashes(pen, inner, radius, look.line, stroke * fine)
    else:
        pen.rounded_rectangle(inner, radius, outline=look.line, width=stroke * fine)
    glass.lay()


def _dashes(
    pen: ImageDraw.ImageDraw,
    place: tuple[int, int, int, int],
    radius: float,
    colour: Colour,
    width: int,
) -> None:
    """A rounded rectangle of dashes, with whole corners."""
    left, top, right, bottom = map(float, place)
    turn = 2 * radius
    corners = ((left, top, 180), (right - turn, top, 270), (right - turn, bottom - turn, 0))
    for x, y, degrees in (*corners, (left, bottom - turn, 90)):
        pen.arc((x, y, x + turn, y + turn), degrees, degrees + 90, fill=colour, width=width)
    for start, end in _dash_ends(left + radius, right - radius, 4 * width):
        pen.rectangle((start, top, end, top + width - 1), fill=colour)
        pen.rectangle((start, bottom - width + 1, end, bottom), fill=colour)
    for start, end in _dash_ends(top + radius, bottom - radius, 4 * width):
        pen.rectangle((left, start, left + width - 1, end), fill=colour)
        pen.rectangle((right - width + 1, start, right, end), fill=colour)


def _dash_ends(start: float, end: float, dash: float) -> list[tuple[float, float]]:
    """Dashes about `dash` long and as far apart, with a gap at both ends."""
    count = max(1, round((end - start) / dash) // 2)
    step = (end - start) / (2 * count + 1)
    return [(start + step * (2 * n + 1), start + step * (2 * n + 2)) for n in range(count)]


def _labels(
    marks: Sequence[Mark], boxes: Sequence[Place], size: tuple[int, int], scale: int
) -> list[tuple[_Look, Place, Pixels]]:
    """(look, place of the ground, letters) of each name; those that matter most choose first."""
    letters_size = max(11, round(scale * LETTERS))
    placed: list[tuple[_Look, Place, Pixels]] = []
    for number in reversed(range(len(marks))):
        if not marks[number].label.strip():
            continue
        letters = lettered(marks[number].label, letters_size, round(size[0] * 0.8))
        others = [box for index, box in enumerate(boxes) if index != number]
        taken = [place for _, place, _ in placed]
        place = _best_place(boxes[number], letters, size, others, taken)
        placed.append((_LOOKS[marks[number].style], place, letters))
    return placed[::-1]


def _padding(letters: Pixels) -> int:
    return round(len(letters) * 0.3)


def _best_place(
    box: Place,
    letters: Pixels,
    size: tuple[int, int],
    faces: Sequence[Place],
    names: Sequence[Place],
) -> Place:
    """Below, above or inside the box: where least is covered; names weigh more than faces."""
    high = letters.shape[0]
    wide = letters.shape[1] + 2 * _padding(letters)
    middle = (box[0] + box[2]) // 2
    left = min(max(2, middle - wide // 2), max(0, size[0] - wide - 2))
    tops = (box[3] + 3, box[1] - high - 3, box[3] - high - 3)
    places = [(left, top, left + wide, top + high) for top in tops]

    def harm(choice: int) -> tuple[float, int]:
        place = places[choice]
        outside = max(0, -place[1]) + max(0, place[3] - size[1])
        on_faces = sum(_shared(place, face) for face in faces) + 0.3 * _shared(place, box)
        on_names = sum(_shared(place, name) for name in names)
        return on_faces + 3 * on_names + 10 * wide * outside, choice

    best = places[min(range(len(places)), key=harm)]
    top = min(max(0, best[1]), max(0, size[1] - high))
    return (best[0], top, best[2], top + high)


def _shared(one: Place, other: Place) -> int:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0
