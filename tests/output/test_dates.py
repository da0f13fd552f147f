from __future__ import annotations

import pytest

from phototag.output import dates
from phototag.output.sheet import SheetMonth


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ("2019-07-04T15:20:00+02:00", "4 July 2019, 15:20"),
        ("2019-07-04 15:20:00", "4 July 2019, 15:20"),
        ("2019-07-04", "4 July 2019"),
        ("2019-07", "July 2019"),
        ("2019-07-00", "July 2019"),
        ("2019-13-01", ""),
        ("0000-00-00T00:00:00", ""),
        ("yesterday", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_date_is_said_as_far_as_it_makes_sense(taken: str | None, words: str) -> None:
    assert dates.day(taken, time=True) == words


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2009-01-01", "2021-12-31", "2009 – 2021"),
        ("2019-05-01", "2019-07-31", "May – July 2019"),
        ("2019-05-01", "2019-05-09", "May 2019"),
        ("2019-05-04T01:00:00", "2019-05-04T23:00:00", "4 May 2019"),
        ("2019-05-04", None, "4 May 2019"),
        (None, None, ""),
    ],
)
def test_a_span_is_as_short_as_it_can_be_said(
    first: str | None, last: str | None, words: str
) -> None:
    assert dates.span(first, last) == words


def test_a_year_is_one_page_until_it_has_too_many_photos() -> None:
    months = [
        SheetMonth("2020-02", 3),
        SheetMonth("2019-11", 4),
        SheetMonth("2019-03", 6),
        SheetMonth("", 2),
        SheetMonth("2020-01", 7),
        SheetMonth("2018-01", 0),
    ]
    periods = dates.divide(months, 10)
    assert [(p.key, p.title, p.months, p.photos) for p in periods] == [
        ("2020", "2020", ("2020-01", "2020-02"), 10),
        ("2019", "2019", ("2019-03", "2019-11"), 10),
        ("undated", "Without a date", ("",), 2),
    ]
    periods = dates.divide(months, 9)
    assert [(p.key, p.title) for p in periods] == [
        ("2020-01", "January 2020"),
        ("2020-02", "February 2020"),
        ("2019-03", "March 2019"),
        ("2019-11", "November 2019"),
        ("undated", "Without a date"),
    ]


def test_no_photo_is_lost_or_counted_twice_in_dividing() -> None:
    months = [
        SheetMonth(f"{year}-{month:02d}", year % 7 * month)
        for year in range(1990, 2020)
        for month in range(1, 13)
    ]
    for size in (1, 50, 400, 10_000):
        periods = dates.divide(months, size)
        assert sum(p.photos for p in periods) == sum(m.photos for m in months)
        assert all(p.photos <= size or len(p.months) == 1 for p in periods)
