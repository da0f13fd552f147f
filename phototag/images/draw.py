"""Boxes and names, drawn on thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from phototag.core.types import Box, Pixels

Style = Literal["person", "suggested", "unknown", "ignored"]

COLOURS: dict[Style, tuple[int, int, int]] = {
    "person": (22, 121, 84),
    "suggested": (176, 94, 8),
    "unknown": (45, 92, 165),
    "ignored": (95, 99, 104),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What to draw for one face."""

    box: Box
    label: str
    style: Style


def annotate(pixels: Pixels, marks: Sequence[Mark]) -> Pixels:
    """A copy of `pixels` [h, w, 3] RGB with the box and the name of each face."""
    image = Image.fromarray(pixels)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(14)
    for mark in marks:
        x, y, w, h = mark.box.pixels(image.width, image.height)
        pen.rectangle((x, y, x + w, y + h), outline=COLOURS[mark.style], width=2)
        pen.text((x, y + h + 2), mark.label, fill="white", stroke_fill="black", stroke_width=1, font=font)
    return np.array(image)
