"""Dates of photos in words, and photos divided into pages by date."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import ceil
from typing import Protocol

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

UNDATED = "Without a date"

_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}:\d{2}))?)?")


class MonthCount(Protocol):
    """A month (`2019-07`, or the empty text) and how many photos it has."""

    @property
    def month(self) -> str: ...
    @property
    def photos(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Period:
    """Photos that share pages: a year, a month, or those without a date."""

    key: str
    """`2019`, `2019-07` or `undated`: the name of its first page."""
    months: tuple[str, ...]
    """In the order of time."""
    photos: int

    @property
    def year(self) -> str:
        return self.key[:4] if self.key != "undated" else ""

    @property
    def title(self) -> str:
        if self.key == "undated":
            return UNDATED
        return month(self.key) or self.key


def day(taken: str | None, *, time: bool = False) -> str:
    """`4 July 2019`, or `4 July 2019, 15:20`. Empty where the date is missing or makes no sense."""
    parts = _parts(taken)
    if parts is None:
        return ""
    year, month_number, day_number, clock = parts
    words = f"{MONTHS[month_number - 1]} {year}"
    if day_number:
        words = f"{day_number} {words}"
    return f"{words}, {clock}" if time and clock else words


def month(key: str) -> str:
    """`2019-07` → `July 2019`; empty for what is no month."""
    parts = _parts(key)
    return f"{MONTHS[parts[1] - 1]} {parts[0]}" if parts else ""


def span(first: str | None, last: str | None) -> str:
    """From the first date to the last, as short as it can be said: `2009 – 2021`, `May – July
    2019`, `4 May 2019`."""
    a, b = _parts(first), _parts(last)
    if a is None or b is None:
        return day(first) or day(last)
    if a[0] != b[0]:
        return f"{a[0]} – {b[0]}"
    if a[1] != b[1]:
        return f"{MONTHS[a[1] - 1]} – {MONTHS[b[1] - 1]} {a[0]}"
    return day(first) if a[2] == b[2] else f"{MONTHS[a[1] - 1]} {a[0]}"


def divide(months: Sequence[MonthCount], size: int) -> list[Period]:
    """Periods of at most `size` photos where that can be: a year, or else its months. Latest year
    first, within a year in the order of time, photos without a date last. A month with more photos
    is still one period: it gets several pages.

    Pages by calendar change little: a new photo touches the page of its month, and not all later
    ones.
    """
    known = sorted((m for m in months if m.photos and _parts(m.month)), key=lambda m: m.month)
    periods: list[Period] = []
    for year, found in groupby(known, key=lambda m: m.month[:4]):
        inside = list(found)
        total = sum(m.photos for m in inside)
        if total <= size:
            periods.append(Period(year, tuple(m.month for m in inside), total))
        else:
            periods.extend(Period(m.month, (m.month,), m.photos) for m in inside)
    periods.sort(key=lambda p: (-int(p.year), p.key))
    rest = [m for m in months if m.photos and not _parts(m.month)]
    if rest:
        periods.append(Period("undated", tuple(m.month for m in rest), sum(m.photos for m in rest)))
    return periods


def pages_of(photos: int, size: int) -> int:
    return max(1, ceil(photos / size))


@lru_cache(maxsize=4096)
def _parts(text: str | None) -> tuple[str, int, int, str] | None:
    found = _DATE.match(text or "")
    if not found or not 1 <= int(found[2]) <= 12 or found[1] == "0000":
        return None
    day_number = int(found[3] or 0)
    return (found[1], int(found[2]), day_number if day_number <= 31 else 0, found[4] or "")
