"""Formats that Pillow decodes, within the bound on memory; OpenCV where Pillow refuses."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from phototag.core.types import Pixels
from phototag.images import chunks
from phototag.images.metadata import ORIENTATION, Metadata, parse
from phototag.images.raster import BUDGET, MOST_FULL, Raster, Undecodable, check_size
from phototag.images.shrink import shrunk

PLUGINS = {
    "JPEG": (JpegImagePlugin.JpegImageFile.format,),
    "PNG": (PngImagePlugin.PngImageFile.format,),
    "WEBP": (WebPImagePlugin.WebPImageFile.format,),
    "TIFF": (TiffImagePlugin.TiffImageFile.format,),
    "BMP": (BmpImagePlugin.BmpImageFile.format,),
    "GIF": (GifImagePlugin.GifImageFile.format,),
    "AVIF": (AvifImagePlugin.AvifImageFile.format,),
    "JPEG2000": (Jpeg2KImagePlugin.Jpeg2KImageFile.format,),
}
"""Pillow's plug-ins for each format: no other sees the file, whatever it looks like."""

_DECODER_BYTES = {"WEBP": 12, "AVIF": 5, "JPEG2000": 16, "JPEG": 4}
"""For each pixel, beside the picture itself (peak resident memory, Pillow 13, 24 megapixels)."""

_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "PA": 4, "I;16": 2, "I": 9, "F": 9}
"""The picture in Pillow's memory, and the copies for the two that are made 8 bits at once."""
_COLOUR_BYTES = 4

_OPENCV_BYTES = 6

_BITS_PER_SAMPLE = 0x0102
_PLAIN = ("L", "RGB", "CMYK", "LAB")

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # workers are processes, one for each core
logging.getLogger("PIL").addHandler(logging.NullHandler())  # what it says is in our own errors


def decode(data: bytes, name: str, longest: int | None) -> Raster:
    """Decode a file of the format `name`, shrunk to `longest`. Raises Undecodable."""
    try:
        return _with_pillow(data, name, longest)
    except Undecodable as refusal:
        second = None if refusal.reason == "truncated" else _with_opencv(data, name, longest)
        if second is None:
            raise
        return second


def _with_pillow(data: bytes, name: str, longest: int | None) -> Raster:
    try:
        with _bombs_refused():
            image = Image.open(io.BytesIO(data), formats=PLUGINS[name])
            width, height = image.size
            _prepare(image, data, name, longest)
            image.load()
            exif = image.info.get("exif")
            metadata = parse(exif if isinstance(exif, bytes) else None)
            metadata = Metadata(_orientation(image, name), metadata.taken)
            profile = image.info.get("icc_profile")
            pixels, mode = flattened(image, longest)
    except Undecodable:
        raise
    except Exception as error:  # plug-ins raise anything at all on damaged files
        raise _refusal(error) from error
    return Raster(name, pixels, mode, width, height, metadata, profile or None)


@contextmanager
def _bombs_refused() -> Iterator[None]:
    """Our own bound takes the place of Pillow's, which stays for frames larger than their file."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = BUDGET
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _prepare(image: Image.Image, data: bytes, name: str, longest: int | None) -> None:
    """Ask for a smaller decode where the format has one, and refuse what is too large."""
    width, height = image.size
    each = _DECODER_BYTES.get(name, 0.2) + _MODE_BYTES.get(image.mode, _COLOUR_BYTES)
    if name == "JPEG2000":
        power = min(_halvings(width, height, longest, each), _levels(data))
        while power and not all(_halves(side, power) for side in image.size):
            power -= 1
        image.reduce = power  # type: ignore[method-assign, assignment]
        each /= 4**power
    elif name == "JPEG" and longest is not None:
        image.draft(None, (min(width, longest), min(height, longest)))
        each *= image.width * image.height / (width * height)
    check_size(width, height, each)


def _halvings(width: int, height: int, longest: int | None, each: float) -> int:
    """How often a picture may be halved and still be as large as asked for, or has to be."""
    power = 0
    while width * height * each > BUDGET * 4**power or (
        longest is not None and max(width, height) >> (power + 1) >= longest
    ):
        power += 1
    return power


def _halves(side: int, power: int) -> bool:
    """Whether Pillow, which rounds, and OpenJPEG, which rounds up, agree on the reduced side."""
    return (side + (1 << power >> 1)) >> power == -(-side >> power)


def _levels(data: bytes) -> int:
    """How often a JPEG 2000 can be halved: from its coding style, 0 where that is not found."""
    place = data.find(b"\xff\x52", 0, 100_000)
    return min(data[place + 9], 32) if 0 <= place < len(data) - 9 else 0


def _orientation(image: Image.Image, name: str) -> int:
    """The orientation still to be applied; from XMP too where there is no EXIF."""
    if name == "TIFF":
        return 1  # Pillow turned it while loading
    value = image.getexif().get(ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def flattened(image: Image.Image, longest: int | None) -> tuple[Pixels, str]:
    """(pixels, mode) of a loaded picture in 8 bits, without palette or alpha, shrunk to `longest`.

    What is transparent becomes white. Done in strips, each reduced by a whole factor, so that no
    second copy of a large picture is made.
    """
    if image.mode in ("I", "F"):
        image = Image.fromarray(_stretched(np.asarray(image)))
    factor = _factor(image, longest)
    depth = _depth(image)
    high = max(factor, 256 // factor * factor)
    shape = (-(-image.height // factor), -(-image.width // factor))
    pixels, mode = np.empty(shape, np.uint8), "L"
    for top in range(0, image.height, high):
        plain = _plain(image.crop((0, top, image.width, min(top + high, image.height))), depth)
        if plain.mode != mode:
            pixels, mode = np.empty((*shape, len(plain.getbands())), np.uint8), plain.mode
        strip = np.asarray(plain.reduce(factor) if factor > 1 else plain)
        pixels[top // factor : top // factor + len(strip)] = strip
    return shrunk(pixels, longest), mode


def _factor(image: Image.Image, longest: int | None) -> int:
    """By how much the picture may be reduced so that it is still larger than asked for."""
    pixels = image.width * image.height
    factor = 1 if longest is None else max(1, max(image.size) // longest)
    return factor if pixels <= MOST_FULL * factor**2 else math.ceil(math.sqrt(pixels / MOST_FULL))


def _plain(strip: Image.Image, depth: int) -> Image.Image:
    """The strip in mode L, RGB, CMYK or LAB, over white where it is transparent."""
    if strip.mode.startswith("I;16"):
        values = np.asarray(strip) >> max(0, depth - 8)
        return Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        paper = Image.new("RGB", strip.size, "white")
        paper.paste(strip, mask=strip.getchannel("A"))
        return paper
    if strip.mode in _PLAIN:
        return strip
    return strip.convert("L" if strip.mode in ("1", "LA", "La") else "RGB")


def _depth(image: Image.Image) -> int:
    """Bits for each sample of a picture in 16-bit words: a TIFF may use 12 of them."""
    depths = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    return depths[0] if depths and isinstance(depths[0], int) else 16


def _stretched(values: NDArray[np.generic]) -> Pixels:
    """Grey of 32 bits or floating point in 8 bits."""
    levels = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    if values.dtype.kind == "f" and levels.max(initial=0) < 16:
        levels = levels.clip(0, 1)  # a photo in floating point is 0..1, highlights apart
    highest = levels.max(initial=0)
    white = next((white for white in (1, 255, 65535) if highest <= white), highest)
    return (levels.clip(0) * (255 / white)).round().astype(np.uint8)


def _refusal(error: Exception) -> Undecodable:
    said = str(error).rstrip(".") or type(error).__name__
    if isinstance(error, MemoryError | Image.DecompressionBombError):
        return Undecodable("too-large", f"it would take too much memory ({said}).")
    if "truncated" in said.lower() or isinstance(error, EOFError):
        return Undecodable("truncated", "the file ends early. Copy it again from where it came.")
    if isinstance(error, UnidentifiedImageError):
        return Undecodable("damaged", "its header is damaged.")
    return Undecodable("damaged", f"it is damaged: {said}.")


def _with_opencv(data: bytes, name: str, longest: int | None) -> Raster | None:
    """The second opinion, for formats whose header states a size that can be checked first."""
    size = chunks.stated_size(data, name)
    if size is None:
        return None
    check_size(*size, _OPENCV_BYTES)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    if pixels is None or pixels.size == 0:
        return None
    small = shrunk(pixels.astype("uint8", copy=False), longest)
    rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype("uint8", copy=False)
    exif, profile = chunks.exif_and_profile(data, name)
    return Raster(name, rgb, "RGB", *size, parse(exif), profile)
