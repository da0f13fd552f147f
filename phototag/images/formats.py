"""Which format a file has, by its first bytes and never by its name."""

from __future__ import annotations

import struct

RAW_MAKERS = {
    b"FUJIFILMCCD-RAW": "RAF",
    b"FOVb": "X3F",
    b"\0MRM": "MRW",
    b"IIU\0": "RW2",
    b"IIRO": "ORF",
    b"IIRS": "ORF",
    b"MMOR": "ORF",
    b"II\x1a\0\0\0HEAPCCDR": "CRW",
}
"""First bytes of RAW files that are no plain TIFF."""

_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    **RAW_MAKERS,
}
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm"), "HEIF"),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf", b"heif"), "HEIF"),
    b"crx ": "CR3",
}
VIDEO = "a video"
_UNREAD = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"%PDF": "PDF",
    b"8BPS": "Photoshop",
    b"<svg": "SVG",
    b"<?xml": "XML",
    b"\x1f\x8b": "gzip",
    b"\0\0\x01\0": "icon",
    b"\x1aE\xdf\xa3": VIDEO,
    b"PK\x03\x04": "zip",
    b"\x76\x2f\x31\x01": "OpenEXR",
}


def recognise(data: bytes) -> str | None:
    """JPEG, PNG, WEBP, TIFF, BMP, GIF, HEIF, AVIF, JPEG2000 or a RAW format; None for all else.

    A RAW file that is built as a TIFF is TIFF here; `raw.kind` tells them apart.
    """
    for start, name in _STARTS.items():
        if data.startswith(start):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    # Junk before the first segment: decoders cope, so a JPEG it is.
    return "JPEG" if data[:2] == b"\xff\xd8" else None


def _of_brands(data: bytes) -> str | None:
    """The format of a file in boxes: its major brand, else the first known compatible one."""
    length = min(struct.unpack_from(">I", data)[0], 256, len(data))
    brands = [data[8:12], *(data[place : place + 4] for place in range(16, length - 3, 4))]
    if brands[0] in (b"mif1", b"msf1", b"miaf") and b"avif" in brands:
        return "AVIF"
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)


def unread(data: bytes) -> str | None:
    """The name of a known format that phototag does not read; None where the bytes say nothing."""
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] == b"AVI "):
        return VIDEO
    return next((name for start, name in _UNREAD.items() if data.startswith(start)), None)
