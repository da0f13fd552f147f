"""PNG, WebP and BMP headers without a decoder: stated size, EXIF and colour profile.

Only for the second decoder, which must not see a file before its size is known; the first one has
its own way to all of this.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from phototag.images.colour import MOST_PROFILE_BYTES

MOST_CHUNKS = 10_000


def stated_size(data: bytes, name: str) -> tuple[int, int] | None:
    """(width, height) in the header of a PNG, BMP or WebP; None for others and for damage."""
    try:
        if name == "PNG" and data[12:16] == b"IHDR":
            return struct.unpack_from(">II", data, 16)
        if name == "BMP" and data[14] >= 40:
            width, height = struct.unpack_from("<ii", data, 18)
            return (abs(width), abs(height))
        if name == "WEBP" and data[12:16] == b"VP8X":
            return _three_bytes(data, 24) + 1, _three_bytes(data, 27) + 1
        if name == "WEBP" and data[12:16] == b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return (width & 0x3FFF, height & 0x3FFF)
        if name == "WEBP" and data[12:16] == b"VP8L":
            bits = struct.unpack_from("<I", data, 21)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    except (struct.error, IndexError):
        return None
    return None


def exif_and_profile(data: bytes, name: str) -> tuple[bytes | None, bytes | None]:
    """The EXIF block and the ICC profile of a PNG or WebP, each None where there is none."""
    found: dict[bytes, bytes] = {}
    for kind, start, length in _chunks(data, name):
        if kind in (b"eXIf", b"iCCP", b"EXIF", b"ICCP"):
            found.setdefault(kind, data[start : start + length])
    profile = found.get(b"ICCP") or _inflated(found.get(b"iCCP", b""))
    return found.get(b"eXIf") or found.get(b"EXIF"), profile


def _chunks(data: bytes, name: str) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, length) of each chunk: length before kind in PNG, behind it in WebP."""
    place = {"PNG": 8, "WEBP": 12}.get(name, len(data))
    for _ in range(MOST_CHUNKS):
        if place + 8 > len(data):
            return
        if name == "PNG":
            length, kind = struct.unpack_from(">I4s", data, place)
            following = place + 12 + length
        else:
            kind, length = struct.unpack_from("<4sI", data, place)
            following = place + 8 + length + (length & 1)
        yield kind, place + 8, length
        place = following


def _inflated(chunk: bytes) -> bytes | None:
    """The profile in a PNG's iCCP chunk: a name, NUL, the method, and the packed bytes."""
    _, _, packed = chunk.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], MOST_PROFILE_BYTES) or None
    except zlib.error:
        return None


def _three_bytes(data: bytes, place: int) -> int:
    return int.from_bytes(data[place : place + 3], "little")
