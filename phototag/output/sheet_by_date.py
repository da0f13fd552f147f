"""Pages of photos by date: a year each, or a month where the year has too many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from phototag.core.types import number
from phototag.output import dates, sheet_views
from phototag.output.sheet_types import SheetPhoto
from phototag.output.sheet_views import Place
from phototag.output.sheet_writing import Learnt, Writing


def write_period(writing: Writing, periods: Sequence[dates.Period], at: int) -> str | None:
    """The pages of a period. Returns the thumbnail that stands for it on the index."""
    period = periods[at]
    siblings = [p for p in periods if p.year == period.year]
    stamps = [writing.stamp(month) for month in period.months]
    learnt = writing.once(
        f"photos/{period.key}",
        None if None in stamps else repr(stamps),
        lambda _: (period, siblings, _neighbours(periods, at)),
        lambda: _make(writing, periods, at),
        may_wait=True,
    )
    cover: str | None = learnt["cover"]
    return cover


def page_of(period: dates.Period, part: int = 1) -> str:
    return f"photos/{period.key}{'' if part == 1 else f'-{part}'}.html"


def _make(writing: Writing, periods: Sequence[dates.Period], at: int) -> Learnt:
    period = periods[at]
    place = writing.place(below=True)
    around = _around(place, periods, at)
    dated = ((m, photo) for m in period.months for photo in writing.content.photos_in(m))
    cover: tuple[int, str | None] = (-1, None)
    for part, (photos, more) in enumerate(sheet_views.chunks(dated, writing.photos_on_page), 1):
        cover = max([cover, *(_as_cover(photo) for _, photo in photos)], key=lambda c: c[0])
        sections = sheet_views.sections(
            (m, dates.month(m), sheet_views.photo(place, photo)) for m, photo in photos
        )
        writing.put(
            page_of(period, part),
            "photos.html",
            period.title,
            part=part,
            count=number(period.photos, "photo"),
            sections=sections,
            data=sheet_views.data(sections),
            before=place.page(page_of(period, part - 1)) if part > 1 else None,
            after=place.page(page_of(period, part + 1)) if more else None,
            **around,
        )
    return {"cover": cover[1]}


def _as_cover(photo: SheetPhoto) -> tuple[int, str | None]:
    """A photo stands for its period if it shows many people with names, and is wider than high."""
    if photo.thumb is None:
        return (-1, None)
    named = sum(mark.status in ("named", "recognised") for mark in photo.marks)
    return (2 * min(named, 4) + (photo.width > photo.height), photo.thumb)


def _around(place: Place, periods: Sequence[dates.Period], at: int) -> dict[str, Any]:
    """Links to the other months of the year, and to the periods before and after."""
    here = periods[at]
    newer, older = (p and (p.title, place.page(page_of(p))) for p in _neighbours(periods, at))
    siblings: Iterable[dates.Period] = (p for p in periods if p.year == here.year)
    return {
        "siblings": [(p.title, place.page(page_of(p)), p is here) for p in siblings],
        "newer": newer,
        "older": older,
    }


def _neighbours(
    periods: Sequence[dates.Period], at: int
) -> tuple[dates.Period | None, dates.Period | None]:
    """The period that comes later in time, and the one that comes earlier: months go forwards
    within a year."""
    ordered = sorted(periods, key=lambda p: "" if p.key == "undated" else p.key, reverse=True)
    here = ordered.index(periods[at])
    return (
        ordered[here - 1] if here else None,
        ordered[here + 1] if here + 1 < len(ordered) else None,
    )
