"""Small pictures for pages."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from phototag.core.types import Box, Pixels
from phototag.images.read import as_webp

MARGIN = 0.35
"""Of the longer side of the face, on each side: chin, hair and ears are in the picture."""


def face_crop(pixels: Pixels, box: Box, side: int = 160) -> bytes:
    """WebP, at most `side` px square: the face at `box` of `pixels` [h, w, 3] RGB, with a margin.

    The square is moved inward at the edges of the picture; nothing is enlarged.
    """
    left, top, size = _square(box, pixels.shape[1], pixels.shape[0])
    return as_webp(pixels[top : top + size, left : left + size], side)


def opened(data: bytes) -> Pixels:
    """[h, w, 3] RGB of a picture that phototag itself made.

    Unlike `read.read` it may run beside threads that write to the terminal.
    """
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def _square(box: Box, width: int, height: int) -> tuple[int, int, int]:
    face = max(box.width * width, box.height * height)
    size = max(1, min(round(face * (1 + 2 * MARGIN)), width, height))
    middle_x, middle_y = box.centre
    left = min(max(0, round(middle_x * width - size / 2)), width - size)
    top = min(max(0, round(middle_y * height - size / 2)), height - size)
    return left, top, size
