"""The segments of a JPEG, as places in its bytes: for what reads metadata and what writes it."""

from __future__ import annotations

from collections.abc import Iterator

XMP = b"http://ns.adobe.com/xap/1.0/\0"
"""How an APP1 segment with an XMP packet begins."""
XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
"""How one with a part of what did not fit begins: GUID (32), length (4), offset (4), bytes."""

MOST = 3000
"""Segments before the picture: real files have under a hundred."""

_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(marker, its start, start and end of its body) of every segment before the first scan, and
    the scan's own at last; stops at what is no segment."""
    place = 2
    for _ in range(MOST):
        while data[place : place + 2] == b"\xff\xff":
            place += 1
        if place + 4 > len(data) or data[place] != 0xFF:
            return
        marker = data[place + 1]
        if marker in _ALONE:
            place += 2
            continue
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + length
        if length < 2 or end > len(data) or marker in (0x00, 0xD9):
            return
        yield marker, place, place + 4, end
        if marker == 0xDA:
            return
        place = end
