"""Photo files made on the spot, of a picture that shows which side is up."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

Value = int | str | bytes | Sequence[int]


def scene(width: int = 96, height: int = 64) -> np.ndarray:
    """[h, w, 3] smooth RGB, different at each corner: red left, green at the bottom, blue spot."""
    down, across = np.mgrid[0:height, 0:width]
    pixels = np.stack(
        [
            255 - 200 * across / width,
            40 + 180 * down / height,
            220.0 * (np.hypot(across - 0.75 * width, down - 0.25 * height) < height / 6),
        ],
        axis=-1,
    )
    return pixels.round().astype(np.uint8)


def turned_away(upright: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels that a camera stores with `orientation` when it sees `upright`."""
    ways = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }
    return np.ascontiguousarray(ways[orientation](upright))


def saved(pixels: np.ndarray, format: str, **options: object) -> bytes:
    """A file of that format by Pillow."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format, **options)
    return out.getvalue()


def exif(
    orientation: int | None = None,
    *,
    date_time: str | None = None,
    sub: Mapping[int, str] | None = None,
) -> bytes:
    """An EXIF block (`Exif\\0\\0`, then a TIFF); `sub` holds tags of the EXIF directory."""
    block = Image.Exif()
    if orientation is not None:
        block[0x0112] = orientation
    if date_time is not None:
        block[0x0132] = date_time
    if sub:
        block.get_ifd(0x8769).update(sub)
    return block.tobytes()


def tiff(ifds: Sequence[Mapping[int, Value]], *, order: str = "<", magic: bytes = b"*\0") -> bytes:
    """A TIFF structure of chained directories; a value of bytes is put in and its place is stored.

    `order` is '<' or '>' as in struct. Tag 0x0202 (or 0x0117) beside a value of bytes at 0x0201 (or
    0x0111) has to be given by the caller.
    """
    mark = b"II" if order == "<" else b"MM"
    body = bytearray(mark + (magic if order == "<" else magic[::-1]) + struct.pack(order + "I", 8))
    for number, tags in enumerate(ifds):
        start = len(body)
        directory_end = start + 2 + 12 * len(tags) + 4
        heap = bytearray()
        entries = b""
        for tag, value in sorted(tags.items()):
            if isinstance(value, bytes):
                place = directory_end + len(heap)
                heap += value
                entries += struct.pack(order + "HHII", tag, 4, 1, place)
            elif isinstance(value, str):
                text = value.encode() + b"\0"
                place = directory_end + len(heap)
                heap += text
                if len(text) <= 4:
                    entries += struct.pack(order + "HHI", tag, 2, len(text)) + text.ljust(4, b"\0")
                else:
                    entries += struct.pack(order + "HHII", tag, 2, len(text), place)
            elif isinstance(value, int):
                entries += struct.pack(order + "HHII", tag, 4, 1, value)
            else:
                place = directory_end + len(heap)
                heap += struct.pack(f"{order}{len(value)}I", *value)
                entries += struct.pack(order + "HHII", tag, 4, len(value), place)
        last = number == len(ifds) - 1
        following = 0 if last else directory_end + len(heap)
        body += struct.pack(order + "H", len(tags)) + entries
        body += struct.pack(order + "I", following) + heap
    return bytes(body)


def matrix_profile(primaries: Sequence[Sequence[float]], gamma: float) -> bytes:
    """An ICC profile of RGB with these D50 XYZ primaries and one gamma."""

    def fixed(values: Sequence[float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    words = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = [(b"desc", words + bytes(-len(words) % 4)), (b"wtpt", fixed((0.9642, 1.0, 0.8249)))]
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags += [(name, fixed(xyz)) for name, xyz in zip(names, primaries, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(b"RGB ", tags)


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of grey with that gamma."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + b"".join(
        struct.pack(">i", round(v * 65536)) for v in (0.9642, 1.0, 0.8249)
    )
    return _profile(b"GRAY", [(b"wtpt", white), (b"kTRC", curve)])


def _profile(space: bytes, tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    start = 128 + 4 + 12 * len(tags)
    table, heap = struct.pack(">I", len(tags)), b""
    for name, value in tags:
        table += struct.pack(">4sII", name, start + len(heap), len(value))
        heap += value
    head = bytearray(128)
    struct.pack_into(">I", head, 0, start + len(heap))
    head[8:12] = b"\x02\x40\0\0"
    head[12:24] = b"mntr" + space + b"XYZ "
    head[36:40] = b"acsp"
    struct.pack_into(">iii", head, 68, 63190, 65536, 54061)
    return bytes(head) + table + heap


ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
