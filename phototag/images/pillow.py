"""Formats that Pillow decodes, within the bound on memory; OpenCV where Pillow refuses."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from PIL import AvifImagePlugin, Image, UnidentifiedImageError

from phototag.core.types import Pixels
from phototag.images import formats
from phototag.images.metadata import ORIENTATION, Metadata, parse
from phototag.images.raster import BUDGET, MOST_FULL, Raster, Undecodable, check_size
from phototag.images.shrink import shrunk

PLUGINS = {
    "JPEG": ("JPEG", "MPO"),
    "PNG": ("PNG",),
    "WEBP": ("WEBP",),
    "TIFF": ("TIFF",),
    "BMP": ("BMP", "DIB"),
    "GIF": ("GIF",),
    "AVIF": ("AVIF",),
    "JPEG2000": ("JPEG2000",),
}
"""Pillow's plug-ins for each format: no other sees the file, whatever it looks like."""

_DECODER_BYTES = {"WEBP": 12, "AVIF": 5, "JPEG2000": 16, "JPEG": 6}
"""For each pixel, beside the picture itself (peak resident memory, Pillow 13, 24 megapixels)."""

_MODE_BYTES = {"1": 2, "L": 1, "P": 9, "I;16": 4, "RGB": 4, "CMYK": 4, "LAB": 4}
_OTHER_MODE_BYTES = 8
"""The picture, and the copy that it takes to make it grey, RGB, CMYK or Lab of 8 bits."""

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
    each = _DECODER_BYTES.get(name, 0.2) + _MODE_BYTES.get(image.mode, _OTHER_MODE_BYTES)
    if name == "JPEG2000":
        power = min(_halvings(width, height, longest), _levels(data))
        image.reduce = power  # type: ignore[method-assign, assignment]
        each = max(1.0, each / 4**power)
    elif name == "JPEG" and longest is not None:
        image.draft(None, (min(width, longest), min(height, longest)))
        each = each * image.width * image.height / (width * height)
    check_size(width, height, each)


def _halvings(width: int, height: int, longest: int | None) -> int:
    power = 0
    while width * height > MOST_FULL << 2 * power or (
        longest is not None and max(width, height) >> power + 1 >= longest
    ):
        power += 1
    return power


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

    What is transparent becomes white.
    """
    if image.mode.startswith(("I", "F")):
        return shrunk(_eight_bits(image), longest), "L"
    if image.has_transparency_data:
        image = _reduced(image.convert("RGBA"), longest)
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        image = paper
    elif image.mode not in _PLAIN:
        image = image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")
    return shrunk(_array(_reduced(image, longest)), longest), image.mode


def _reduced(image: Image.Image, longest: int | None) -> Image.Image:
    """By a whole factor, so that a large picture is not copied at full size."""
    factor = 1 if longest is None else max(1, max(image.size) // longest)
    if image.width * image.height > MOST_FULL * factor**2:
        factor = math.ceil(math.sqrt(image.width * image.height / MOST_FULL))
    return image.reduce(factor) if factor > 1 else image


def _array(image: Image.Image) -> Pixels:
    """The picture as an array, copied in strips: in one piece the copy would be made twice."""
    channels = len(image.getbands())
    pixels = np.empty((image.height, image.width, channels), np.uint8)
    for top in range(0, image.height, 256):
        bottom = min(top + 256, image.height)
        strip = np.asarray(image.crop((0, top, image.width, bottom)))
        pixels[top:bottom] = strip.reshape(bottom - top, image.width, channels)
    return pixels if channels > 1 else pixels[:, :, 0]


def _eight_bits(image: Image.Image) -> Pixels:
    """Grey of 12, 16 or 32 bits or floating point in 8 bits."""
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        tags = getattr(image, "tag_v2", {})
        depth = tags.get(_BITS_PER_SAMPLE, (16,))[0]
        grey: Pixels = (values >> max(0, depth - 8)).clip(0, 255).astype(np.uint8)
        return grey
    values = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    highest = values.max(initial=0)
    white = next((white for white in (1, 255, 65535) if highest <= white), highest)
    levels: Pixels = (values.clip(0) * (255 / white)).round().astype(np.uint8)
    return levels


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
    size = formats.stated_size(data, name)
    if size is None:
        return None
    check_size(*size, 6)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    if pixels is None or pixels.size == 0:
        return None
    small = shrunk(pixels.astype("uint8", copy=False), longest)
    rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype("uint8", copy=False)
    return Raster(name, rgb, "RGB", *size, Metadata(), None)
