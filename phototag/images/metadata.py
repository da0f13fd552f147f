"""What EXIF says that phototag needs: which side is up, and when the photo was taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from phototag.images.tiff import Directory, directories

ORIENTATION = 0x0112
DATE_TIME = 0x0132
EARLIEST = 1826
"""Year of the first photograph: an older date is a camera's mistake."""

# (date and time, offset from UTC, fraction of a second), best first: when the picture was taken,
# when it was digitised (a scan), when the file was written (all that early cameras have).
_DATES = ((0x9003, 0x9011, 0x9291), (0x9004, 0x9012, 0x9292), (DATE_TIME, 0x9010, 0x9290))
_DATE = re.compile(r"(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)[ T]+(\d\d?):(\d\d?):(\d\d?)")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a photo's EXIF block says; nothing where it has none or a broken one."""

    orientation: int = 1
    """1..8 as EXIF counts them."""
    taken: str | None = None
    """ISO 8601, with the offset from UTC where EXIF has it."""


def parse(exif: bytes | None) -> Metadata:
    """Read an EXIF block, with or without its `Exif\\0\\0` in front. Never raises."""
    if not exif:
        return Metadata()
    if exif[:6] in (b"Exif\0\0", b"Exif\0\xff"):
        exif = exif[6:]
    return of_directories(directories(exif))


def of_directories(found: list[Directory]) -> Metadata:
    """The same from directories that were read already: a TIFF's or a RAW file's own."""
    if not found:
        return Metadata()
    orientation = found[0].number(ORIENTATION, 1)
    return Metadata(orientation if 1 <= orientation <= 8 else 1, _taken(found))


def _taken(found: list[Directory]) -> str | None:
    for date_tag, offset_tag, fraction_tag in _DATES:
        for directory in found:
            moment = _moment(directory.text(date_tag))
            if moment is None:
                continue
            fraction = _first(found, fraction_tag)
            return moment + _fraction(fraction) + _offset(_first(found, offset_tag))
    return None


def _first(found: list[Directory], tag: int) -> str:
    return next((text for directory in found if (text := directory.text(tag))), "")


def _moment(text: str) -> str | None:
    """`2019:05:04 12:33:21` as ISO 8601; None for `0000:00:00 00:00:00` and whatever is no date."""
    parts = _DATE.match(text)
    if parts is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in parts.groups())
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    return moment.isoformat() if moment.year >= EARLIEST else None


def _fraction(text: str) -> str:
    digits = text[:3]
    return f".{digits:0<3}" if digits.isascii() and digits.isdigit() and int(digits) else ""


def _offset(text: str) -> str:
    if text == "Z":
        return "+00:00"
    parts = _OFFSET.fullmatch(text)
    if parts is None or int(parts[2]) > 14 or int(parts[3]) > 59:
        return ""
    return f"{parts[1]}{parts[2]}:{parts[3]}"
