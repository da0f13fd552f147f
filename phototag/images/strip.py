"""The strip of a video, drawn: frames on film, each with its time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from phototag.core.strip import EDGE, GAP, Strip
from phototag.core.tracks import clock
from phototag.core.types import Moment, Pixels
from phototag.images.lettering import lettered
from phototag.images.shrink import shrunk

FILM, HOLE = (22, 22, 26), (205, 205, 200)
LETTERS = 15
"""Size of the letters of a time, in pixels."""


def drawn(strip: Strip, frames: Sequence[tuple[Moment, Pixels]]) -> Pixels:
    """[h, w, 3] RGB: the frames, each at the size that the strip has for it."""
    image = Image.new("RGB", strip.size, FILM)
    pen = ImageDraw.Draw(image)
    for row in range(strip.rows):
        _holes(pen, strip, row)
    for place, (at, pixels) in enumerate(frames):
        corner = strip.corner(place)
        image.paste(Image.fromarray(_fitted(pixels, strip.tile)), corner)
        _time(image, clock(at), corner, strip.tile)
    return np.array(image)


def _fitted(pixels: Pixels, tile: tuple[int, int]) -> Pixels:
    small = shrunk(pixels, max(tile))
    if small.shape[1::-1] == tile:
        return small
    return np.asarray(Image.fromarray(small).resize(tile, Image.Resampling.LANCZOS))


def _holes(pen: ImageDraw.ImageDraw, strip: Strip, row: int) -> None:
    """The holes of the film, above and below a row."""
    wide = strip.size[0]
    top = row * (strip.tile[1] + 2 * EDGE)
    count = max(1, round((wide - GAP) / (EDGE * 1.6)))
    step = wide / count
    for edge in (top, top + strip.tile[1] + EDGE):
        for number in range(count):
            left = (number + 0.5) * step - EDGE * 0.3
            place = (left, edge + EDGE * 0.28, left + EDGE * 0.6, edge + EDGE * 0.72)
            pen.rounded_rectangle(tuple(map(round, place)), 2, fill=HOLE)


def _time(image: Image.Image, text: str, corner: tuple[int, int], tile: tuple[int, int]) -> None:
    """The time in the upper left corner of a frame, on a dark ground."""
    letters = lettered(text.removeprefix("00:"), LETTERS, tile[0])
    high, wide = letters.shape[:2]
    left, top = corner[0] + 6, corner[1] + 6
    ground = Image.new("RGBA", (wide + 10, high), (0, 0, 0, 150))
    image.paste(ground, (left, top), ground)
    image.paste((255, 255, 255), (left + 5, top), Image.fromarray(letters))
