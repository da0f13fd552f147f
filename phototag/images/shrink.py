"""Smaller pictures by area: every pixel counts, so nothing is aliased."""

from __future__ import annotations

import cv2

from phototag.core.types import Pixels


def shrunk(pixels: Pixels, longest: int | None) -> Pixels:
    """[h, w] or [h, w, c] with its longest side at `longest` px; the same array if that is no less.

    The shorter side is rounded, and is at least 1 px.
    """
    height, width = pixels.shape[:2]
    if longest is None or max(height, width) <= longest:
        return pixels
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype("uint8", copy=False)
