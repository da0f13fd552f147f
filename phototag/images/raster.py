"""What a decoder hands over, before colours and orientation are put right."""

from __future__ import annotations

from dataclasses import dataclass

from phototag.core.types import Pixels
from phototag.images.metadata import Metadata

BUDGET = 360_000_000
"""Bytes that decoding one photo may take, so that a worker with its models stays under 600 MB."""

MOST_FULL = BUDGET // 8
"""Pixels of a picture asked for in full: decoder's copy and ours. 48-megapixel phones are below."""


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels as the file has them, shrunk already, and what is needed to put them right."""

    format: str
    pixels: Pixels
    """[h, w] for mode L, else [h, w, 3 or 4]."""
    mode: str
    """Pillow's name of the colour space: L, RGB, CMYK or LAB."""
    width: int
    """Of the whole photo as stored, in pixels."""
    height: int
    metadata: Metadata
    """Its orientation is the one still to be applied."""
    profile: bytes | None
    """ICC profile of the pixels."""


class Undecodable(Exception):
    """A decoder's refusal: a stable `reason` and a sentence without the file's name."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def check_size(width: int, height: int, bytes_each: float) -> None:
    """Refuse what would take more than the budget. Raises Undecodable (`too-large`)."""
    if width * height * bytes_each > BUDGET:
        megapixels = width * height / 1e6
        most = BUDGET / bytes_each / 1e6
        raise Undecodable(
            "too-large",
            f"its header states {width} x {height} px ({megapixels:,.0f} megapixels);"
            f" phototag reads up to {most:,.0f} megapixels of this kind. If it is a photo, save a"
            " smaller copy.",
        )
