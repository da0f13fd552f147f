"""Photo files become pixels: upright, 8-bit, sRGB, no larger than needed."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from hashlib import blake2b

import cv2
import numpy as np
import pillow_heif
from PIL import Image, ImageOps

from phototag.core.types import Pixels
from phototag.errors import UnreadableImage

pillow_heif.register_heif_opener()


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as the rest of phototag sees it."""

    pixels: Pixels
    """[h, w, 3] RGB, 8-bit sRGB, upright; possibly smaller than the photo."""
    width: int
    """Of the whole upright photo, in pixels."""
    height: int
    format: str
    taken: str | None
    """When it was taken, ISO 8601, as far as EXIF says; None where it says nothing."""


def read(data: bytes, path: str, *, longest: int | None = None) -> Picture:
    """Decode the bytes of the file `path` so that the longest side is `longest` px (None: all there is); never enlarged.

    Raises UnreadableImage.
    """
    if not data:
        raise UnreadableImage(path, "empty", "the file is empty.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
            name, (width, height) = image.format or "?", image.size
            orientation = image.getexif().get(0x0112, 1)
            if width * height > 250_000_000:
                raise UnreadableImage(path, "too-large", f"{width} x {height} px are too many.")
            if longest and image.format == "JPEG":
                image.draft("RGB", (min(width, longest), min(height, longest)))
            if orientation in (5, 6, 7, 8):
                width, height = height, width
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except UnreadableImage:
        raise
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError) as error:
        raise UnreadableImage(path, "not-an-image", f"cannot be read as a photo: {error}.") from error
    return Picture(shrunk(pixels, longest), width, height, name, None)


def shrunk(pixels: Pixels, longest: int | None) -> Pixels:
    """The picture with its longest side at `longest` px, shrunk by area; as it is where it is not larger."""
    height, width = pixels.shape[:2]
    if longest is None or max(height, width) <= longest:
        return pixels
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small


def photo_key(data: bytes) -> str:
    """The identity of a photo: BLAKE2b-128 of its file's bytes, in 32 hexadecimal digits."""
    return blake2b(data, digest_size=16).hexdigest()


def pixel_key(picture: Picture) -> str:
    """The identity of what is to be seen: equal for two files that differ in their metadata only."""
    small = cv2.resize(picture.pixels, (32, 32), interpolation=cv2.INTER_AREA)
    size = f"{picture.width}x{picture.height}:".encode()
    return blake2b(size + small.tobytes(), digest_size=16).hexdigest()


def as_webp(pixels: Pixels, longest: int, quality: int = 80) -> bytes:
    """WebP file of the picture with its longest side at most `longest` px."""
    out = io.BytesIO()
    Image.fromarray(shrunk(pixels, longest)).save(out, "WEBP", quality=quality)
    return out.getvalue()
