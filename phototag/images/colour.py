"""Every colour space becomes sRGB: ICC profiles, grey, CMYK and Lab."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image, ImageCms

from phototag.core.types import Pixels

MOST_PROFILE_BYTES = 16_000_000
"""Printers' CMYK profiles have up to 9 MB; what is larger is no profile."""

STRIP = 256
"""Rows that are converted at a time: no second copy of a large picture is made."""

SAME = 3
"""Levels of 255: a profile that moves no test colour further is sRGB under another name."""

_SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK", "LAB": b"Lab "}


def to_srgb(pixels: Pixels, mode: str, profile: bytes | None) -> Pixels:
    """[h, w, 3] sRGB of `pixels` in Pillow's `mode` (L, RGB, CMYK or LAB), converted by `profile`.

    Without a profile, or with a broken one or one of another colour space, L and RGB count as sRGB.
    Relative colorimetric with black point compensation, as browsers do.
    """
    transform = _transform(profile, mode) if profile or mode == "LAB" else None
    if transform is None and mode == "RGB":
        return pixels
    if transform is None and mode == "L":
        return np.repeat(pixels[:, :, None], 3, axis=2)
    shown = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), STRIP):
        strip = _image(pixels[top : top + STRIP], mode)
        done = ImageCms.applyTransform(strip, transform) if transform else strip.convert("RGB")
        shown[top : top + STRIP] = np.asarray(done)
    return shown


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From `profile` to sRGB; None where nothing has to be done, or nothing can."""
    if profile is not None and (
        len(profile) > MOST_PROFILE_BYTES or profile[16:20] != _SPACES.get(mode)
    ):
        return None
    try:
        source = ImageCms.createProfile("LAB") if profile is None else io.BytesIO(profile)
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if mode in ("RGB", "L") and _changes_nothing(transform, mode) else transform
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    levels = np.linspace(0, 255, 6).round().astype(np.uint8)
    if mode == "L":
        test, same = levels[None], np.repeat(levels[None, :, None], 3, axis=2)
    else:
        test = same = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    shown = np.asarray(ImageCms.applyTransform(_image(test, mode), transform))
    return bool(np.abs(shown.astype(int) - same).max() <= SAME)


def _image(pixels: Pixels, mode: str) -> Image.Image:
    return Image.frombytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
