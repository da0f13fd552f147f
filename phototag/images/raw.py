"""RAW photos through the JPEG that the camera put beside the sensor's data."""

from __future__ import annotations

from phototag.images import jpeg
from phototag.images.metadata import Metadata, of_directories, parse
from phototag.images.tiff import Directory, directories

MOST_CANDIDATES = 500
"""JPEG starts that are looked at: a RAW file of 50 MB holds about three by chance."""

SENSOR = frozenset({32803, 34892})
"""PhotometricInterpretation of sensor data: colour filter array, linear raw (TIFF/EP, DNG)."""
SENSOR_COMPRESSIONS = frozenset({32767, 32769, 34713, 65000, 65535})
"""Sony ARW, packed, Nikon NEF, Kodak, Pentax."""

_DNG_VERSION = 0xC612
_COMPRESSION = 0x0103
_PHOTOMETRIC = 0x0106
_STRIP = (0x0111, 0x0117)
_TILE = (0x0144, 0x0145)
_JPEG = (0x0201, 0x0202)
_PANASONIC_JPEG = 0x002E
_MAKE = 0x010F
_MAKERS = {
    "nikon": "NEF",
    "sony": "ARW",
    "pentax": "PEF",
    "ricoh": "PEF",
    "samsung": "SRW",
    "hasselblad": "3FR",
    "phase one": "IIQ",
    "leaf": "MOS",
    "mamiya": "MEF",
    "epson": "ERF",
    "kodak": "DCR",
    "eastman kodak": "DCR",
    "canon": "CR2",
}


def kind(data: bytes, found: list[Directory]) -> str | None:
    """DNG, CR2, NEF, ARW … for a RAW file built as a TIFF; None for other TIFFs."""
    if not found:
        return None
    if _DNG_VERSION in found[0].entries:
        return "DNG"
    if data[8:10] == b"CR" and data[:2] == b"II":
        return "CR2"
    holds_sensor_data = any(
        directory.number(_PHOTOMETRIC) in SENSOR
        or directory.number(_COMPRESSION) in SENSOR_COMPRESSIONS
        for directory in found
    )
    if not holds_sensor_data:
        return None
    make = found[0].text(_MAKE).lower()
    return next((name for maker, name in _MAKERS.items() if make.startswith(maker)), "RAW")


def previews(data: bytes, found: list[Directory], *, enough: int) -> list[tuple[int, jpeg.Header]]:
    """(offset, header) of the embedded JPEGs that can be decoded, the one with most pixels first.

    The directories are followed first; only where they lead to none of `enough` px are the bytes
    searched for JPEGs, which finds those that makers hide in notes of their own.
    """
    known = {start: header for start in _pointed_at(found) if (header := _photo(data, start))}
    if not any(max(header.width, header.height) >= enough for header in known.values()):
        known.update({start: header for start in _starts(data) if (header := _photo(data, start))})
    return sorted(known.items(), key=lambda item: (-item[1].width * item[1].height, item[0]))


def metadata(data: bytes, found: list[Directory], preview: jpeg.Header) -> Metadata:
    """Orientation and date of the RAW file itself; of its preview where the file has no directory.

    Canon's CR3 keeps its directories in boxes of their own (`CMT1`, `CMT2`).
    """
    if found:
        return of_directories(found)
    places = [place for name in (b"CMT1", b"CMT2") if (place := data.find(name)) >= 0]
    boxed = [found for place in places for found in directories(data[place + 4 :])]
    return of_directories(boxed) if boxed else parse(preview.exif)


def _photo(data: bytes, start: int) -> jpeg.Header | None:
    header = jpeg.header(data, start)
    return header if header is not None and header.is_photo else None


def _pointed_at(found: list[Directory]) -> list[int]:
    starts: list[int] = []
    for directory in found:
        starts.extend(directory.ints(_JPEG[0])[:1])
        starts.extend(place for place in directory.blob(_PANASONIC_JPEG)[:1] if place)
        for places, _ in (_STRIP, _TILE):
            if directory.number(_COMPRESSION) in (6, 7) and len(directory.ints(places)) == 1:
                starts.extend(directory.ints(places))
    return starts


def _starts(data: bytes) -> list[int]:
    starts: list[int] = []
    place = data.find(b"\xff\xd8\xff")
    while place >= 0 and len(starts) < MOST_CANDIDATES:
        starts.append(place)
        place = data.find(b"\xff\xd8\xff", place + 3)
    return starts
