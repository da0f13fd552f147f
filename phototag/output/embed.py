"""XMP into the photo itself, without touching its picture: JPEG and PNG.

Only the XMP segment is put in, replaced or taken out; every other byte stays, and `picture` proves
it.
"""

from __future__ import annotations

import zlib

from phototag.core.segments import XMP, XMP_MORE, segments

PNG = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"XML:com.adobe.xmp\0"

MOST_JPEG = 65535 - 2 - len(XMP)
"""Bytes of a packet that one segment holds."""


class CannotEmbed(Exception):
    """This file takes no XMP; the message says why."""


def can_embed(data: bytes) -> bool:
    return data[:2] == b"\xff\xd8" or data[:8] == PNG


def with_packet(data: bytes, packet: bytes | None) -> bytes:
    """The photo's bytes with that packet in the place of the one it has; None: without any. Raises
    CannotEmbed."""
    if data[:2] == b"\xff\xd8":
        new = _jpeg(data, packet)
    elif data[:8] == PNG:
        new = _png(data, packet)
    else:
        raise CannotEmbed("XMP is embedded in JPEG and PNG only")
    if picture(new) != picture(data):
        raise CannotEmbed("its segments are not in order")
    return new


def picture(data: bytes) -> bytes:
    """Everything in a file but its XMP."""
    kept, at = b"", 0
    for start, end in _places(data):
        kept += data[at:start]
        at = end
    return kept + data[at:]


def _places(data: bytes) -> list[tuple[int, int]]:
    """Where the XMP is: the segments or chunks with it, of a JPEG only the first."""
    if data[:8] == PNG:
        return [
            (start, end)
            for kind, start, end in _chunks(data)
            if kind == b"iTXt" and data[start + 8 :].startswith(KEYWORD)
        ][:1]
    return [
        (start, end)
        for marker, start, body, end in segments(data)
        if marker == 0xE1 and data[body:end].startswith(XMP)
    ][:1]


def _jpeg(data: bytes, packet: bytes | None) -> bytes:
    parts = list(segments(data))
    if not parts or parts[-1][0] != 0xDA:
        raise CannotEmbed("its segments are not in order")
    if any(m == 0xE1 and data[body:end].startswith(XMP_MORE) for m, _, body, end in parts):
        raise CannotEmbed("its XMP is split over several segments")
    if packet is not None and len(packet) > MOST_JPEG:
        raise CannotEmbed(f"its XMP would have {len(packet):,} bytes, and a JPEG takes 65,502")
    new = b""
    if packet is not None:
        new = b"\xff\xe1" + (len(packet) + len(XMP) + 2).to_bytes(2, "big") + XMP + packet
    known = _places(data)
    if known:
        start, end = known[0]
        return data[:start] + new + data[end:]
    place = 2
    for marker, _, body, end in parts:  # behind JFIF and Exif, where readers expect those first
        if marker == 0xE0 or (marker == 0xE1 and data[body : body + 4] == b"Exif"):
            place = end
        else:
            break
    return data[:place] + new + data[place:]


def _png(data: bytes, packet: bytes | None) -> bytes:
    chunks = list(_chunks(data))
    if not chunks or chunks[0][0] != b"IHDR":
        raise CannotEmbed("its chunks are not in order")
    new = b""
    if packet is not None:
        body = b"iTXt" + KEYWORD + b"\0\0\0\0" + packet
        new = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    known = _places(data)
    start, end = known[0] if known else (chunks[0][2], chunks[0][2])
    return data[:start] + new + data[end:]


def _chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk that is whole."""
    found, at = [], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            break
        found.append((data[at + 4 : at + 8], at, end))
        at = end
    return found
