"""The directories of a TIFF structure, as EXIF blocks and RAW files have them, read with bounds.

Hostile files point outside themselves, in circles, or claim millions of entries; what does not fit
is left out without an error. BigTIFF is not read here (neither EXIF nor a RAW format uses it).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SUB_DIRECTORIES = 0x014A
EXIF_DIRECTORY = 0x8769
MOST_DIRECTORIES = 40
MOST_ENTRIES = 1000
MOST_VALUES = 4096
"""Bounds on what is followed: real files have at most a dozen directories of about 80 entries."""

_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4}
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I"}


@dataclass(frozen=True, slots=True)
class Directory:
    """One image file directory: its tags, each with type, number of values and where they are."""

    data: bytes
    order: str
    """'<' or '>', as in `struct`."""
    entries: dict[int, tuple[int, int, int]]

    def ints(self, tag: int) -> tuple[int, ...]:
        """The whole numbers of `tag`; empty where it is absent, of another type or outside."""
        kind, count, start = self.entries.get(tag, (0, 0, 0))
        if kind not in _CODES or not 0 < count <= MOST_VALUES:
            return ()
        if start + count * _WIDTHS[kind] > len(self.data):
            return ()
        return struct.unpack_from(f"{self.order}{count}{_CODES[kind]}", self.data, start)

    def number(self, tag: int, default: int = 0) -> int:
        """The first whole number of `tag`."""
        values = self.ints(tag)
        return values[0] if values else default

    def text(self, tag: int) -> str:
        """The ASCII of `tag` up to its first NUL, without blanks around it; '' if there is none."""
        kind, count, start = self.entries.get(tag, (0, 0, 0))
        if kind not in (1, 2, 7) or not 0 < count <= MOST_VALUES:
            return ""
        raw = self.data[start : start + count]
        return raw.split(b"\0", 1)[0].decode("ascii", "replace").strip()

    def blob(self, tag: int) -> tuple[int, int]:
        """(start, length) in `data` of the bytes of `tag`; (0, 0) where there are none."""
        kind, count, start = self.entries.get(tag, (0, 0, 0))
        length = count * _WIDTHS.get(kind, 0)
        return (start, length) if length and start + length <= len(self.data) else (0, 0)


def directories(data: bytes) -> list[Directory]:
    """All directories that can be reached from the TIFF header at the start of `data`.

    The first comes first; then, breadth first, those that follow in the chain, sub-directories and
    the EXIF directory. Empty where `data` is no TIFF. The magic number is not looked at beyond the
    byte order: Panasonic's and Olympus's RAW files have their own.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return []
    waiting = [struct.unpack_from(order + "I", data, 4)[0]]
    seen: set[int] = set()
    found: list[Directory] = []
    while waiting and len(found) < MOST_DIRECTORIES:
        start = waiting.pop(0)
        if start in seen:
            continue
        seen.add(start)
        directory, following = _directory(data, order, start)
        if directory is None:
            continue
        found.append(directory)
        waiting.extend(directory.ints(EXIF_DIRECTORY)[:1])
        waiting.extend(directory.ints(SUB_DIRECTORIES)[:MOST_DIRECTORIES])
        if following:
            waiting.append(following)
    return found


def _directory(data: bytes, order: str, start: int) -> tuple[Directory | None, int]:
    """The directory at `start` and the place of the next in the chain (0: the last)."""
    if start < 8 or start + 2 > len(data):
        return None, 0
    claimed = struct.unpack_from(order + "H", data, start)[0]
    count = min(claimed, MOST_ENTRIES, (len(data) - start - 2) // 12)
    entries: dict[int, tuple[int, int, int]] = {}
    for index in range(count):
        place = start + 2 + 12 * index
        tag, kind, values = struct.unpack_from(order + "HHI", data, place)
        inside = values * _WIDTHS.get(kind, 8) <= 4
        where = place + 8 if inside else struct.unpack_from(order + "I", data, place + 8)[0]
        entries.setdefault(tag, (kind, values, where))
    end = start + 2 + 12 * claimed
    if count < claimed or end + 4 > len(data):
        return Directory(data, order, entries), 0
    return Directory(data, order, entries), struct.unpack_from(order + "I", data, end)[0]
