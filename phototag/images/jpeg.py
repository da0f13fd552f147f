"""JPEG: the header without decoding, and the decode at the smallest DCT scale that will do.

OpenCV and Pillow both decode with libjpeg-turbo: at half size, a 12-megapixel JPEG takes 28 ms of
one core with either. As an array of 1280 px it takes 48 ms with OpenCV and 52 with Pillow, in full
104 and 143: Pillow keeps four bytes for each pixel and has to copy them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np

from phototag.core.types import Pixels
from phototag.images.raster import MOST_FULL, Undecodable, check_size
from phototag.images.shrink import shrunk

MOST_MARKERS = 3000
"""Segments looked at before the scan: real files have under a hundred."""

DECODER_BYTES = 6
"""For each decoded pixel, as measured with OpenCV 5.0 (peak resident memory, 24 megapixels)."""

MOST_SCANNED = 4_000_000_000
"""Pixels times scans of a progressive JPEG: hostile files have 500 scans and would take minutes,
while 200 megapixels in the usual ten scans are half of this."""

_COLOUR_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_GREY_FLAGS = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_END = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a JPEG's first scan."""

    width: int
    """As stored, before any EXIF orientation."""
    height: int
    components: int
    precision: int
    process: int
    """Low four bits of the frame marker: 0, 1 baseline, 2 progressive, 3 lossless, …"""
    coefficients: float
    """Bytes of DCT coefficients for each pixel, which a progressive decoder keeps in memory."""
    scan: int
    """Offset of the first scan's marker."""
    exif: bytes | None
    icc: bytes | None

    @property
    def is_photo(self) -> bool:
        """Whether it is of the common kind: 8 bits, baseline or progressive, 1 or 3 components."""
        return self.process <= 2 and self.precision == 8 and self.components in (1, 3)


def header(data: bytes, start: int = 0) -> Header | None:
    """The header of the JPEG at `start`; None where there is none, or none with a size."""
    if data[start : start + 2] != b"\xff\xd8":
        return None
    frame: tuple[int, int, int, int, int, float] | None = None
    exif: bytes | None = None
    profile: dict[int, bytes] = {}
    place = start + 2
    for _ in range(MOST_MARKERS):
        place = data.find(b"\xff", place)
        if place < 0 or place + 4 > len(data):
            return None
        marker = data[place + 1]
        if marker == 0xFF or marker == 0 or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            return None
        length = struct.unpack_from(">H", data, place + 2)[0]
        body = data[place + 4 : place + 2 + max(2, length)]
        if marker in _SIZES:
            frame = frame or _frame(marker, body)
        elif marker == 0xE1 and exif is None and body[:5] == b"Exif\0":
            exif = body[6:] or None
        elif marker == 0xE2 and body[:12] == b"ICC_PROFILE\0" and len(body) > 14:
            profile.setdefault(body[12], body[14:])
        elif marker == 0xDA:
            icc = b"".join(profile[number] for number in sorted(profile)) or None
            return Header(*frame, place, exif, icc) if frame else None
        place += 2 + max(2, length)
    return None


def _frame(marker: int, body: bytes) -> tuple[int, int, int, int, int, float] | None:
    """Width, height, components, precision, process and coefficient bytes of a frame header."""
    if len(body) < 6:
        return None
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    if not width or not height or len(body) < 6 + 3 * components or not components:
        return None
    samplings = [body[7 + 3 * index] for index in range(components)]
    across = max(sampling >> 4 for sampling in samplings) or 1
    down = max(sampling & 15 for sampling in samplings) or 1
    blocks = sum((s >> 4) * (s & 15) for s in samplings) / (across * down)
    return width, height, components, precision, marker & 15, 2 * blocks


def decode(data: bytes, start: int, found: Header, longest: int | None) -> Pixels | None:
    """[h, w, 3] RGB, or [h, w] for one component; None if OpenCV refuses the JPEG at `start`.

    Decoded at the smallest DCT scale that will do, then shrunk to `longest`. The stored orientation
    is left as it is, and colours are those of the file's own profile. A file without its end marker
    is given one: what there is of it comes out, and `empty_share` tells how much is missing.
    """
    scale = scale_for(found, longest)
    kept = found.coefficients if found.process == 2 else 0
    check_size(found.width, found.height, DECODER_BYTES / scale**2 + kept)
    if found.process == 2:
        _check_scans(data, found)
    if not is_whole(data, found):
        data, start = data[start:] + _END, 0
    flags = _GREY_FLAGS if found.components == 1 else _COLOUR_FLAGS
    source = np.frombuffer(data, np.uint8, offset=start)
    try:
        pixels = cv2.imdecode(source, flags[scale] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if pixels is None or pixels.size == 0:
        return None
    small = shrunk(pixels.astype("uint8", copy=False), longest)
    if found.components == 1:
        return small
    return cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype("uint8", copy=False)


def is_whole(data: bytes, found: Header) -> bool:
    """Whether an end marker follows the start of the scans (a thumbnail's own does not count)."""
    return data.rfind(_END, found.scan) >= 0


def scale_for(found: Header, longest: int | None) -> int:
    """The DCT scale (1, 2, 4 or 8) whose longest side is still at least `longest`.

    Larger where more than MOST_FULL px would come out.
    """
    side = max(found.width, found.height)
    fitting = (scale for scale in (8, 4, 2) if longest is not None and -(-side // scale) >= longest)
    scale = next(fitting, 1)
    while scale < 8 and found.width * found.height > MOST_FULL * scale**2:
        scale *= 2
    return scale


def _check_scans(data: bytes, found: Header) -> None:
    scans = data.count(b"\xff\xda", found.scan)
    if scans * found.width * found.height > MOST_SCANNED:
        message = f"it has {scans} scans of {found.width} x {found.height} px: no photo has."
        raise Undecodable("too-large", message)


def empty_share(pixels: Pixels) -> float:
    """Share of the rows at the bottom, 0..1, that are one flat colour.

    A decoder that runs out of data fills the rest of a JPEG with it. Meant for files whose decoder
    complained: a whole photo may well end in a black bar.
    """
    rows = pixels.reshape(len(pixels), -1, pixels.shape[2] if pixels.ndim == 3 else 1)
    flat = (rows == rows[-1, -1]).all(axis=(1, 2))
    filled = len(flat) if flat.all() else int(np.argmin(flat[::-1]))
    return filled / len(flat)
