"""Which photos: by who is in them, who is not, and when they were taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

from phototag.catalog import search as table
from phototag.catalog.search import FoundFile, Query
from phototag.catalog.store import Library
from phototag.errors import UsageError
from phototag.images.find import is_video
from phototag.work.film import timeline_of
from phototag.work.names import person_wanted

BLOCK = 500
"""Files whose names of people are looked up together."""

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search as a user says it: all conditions hold."""

    people: tuple[str, ...] = ()
    """All of them are in the photo; with `any_of`, at least one is."""
    together_with: tuple[str, ...] = ()
    """All of them are, in any case."""
    without: tuple[str, ...] = ()
    any_of: bool = False
    only: bool = False
    unknown: bool = False
    since: str | None = None
    until: str | None = None
    suggested: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A file that fits."""

    file: FoundFile
    people: tuple[str, ...]
    """Everybody with a name in it."""
    timeline: tuple[str, ...] = ()
    """Of a video: when each of them is seen, `00:01:12-00:01:20 Alice`."""


def search(lib: Library, wanted: Wanted) -> Iterator[Hit]:
    """Every present file of every photo that fits, by date. Raises UsageError and NotFound."""
    files = table.find(lib, _query(lib, wanted))
    while block := list(islice(files, BLOCK)):
        names = table.names_in(lib, sorted({file.photo for file in block}))
        for file in block:
            when = timeline_of(lib, file.photo) if is_video(file.path) else ()
            yield Hit(file, tuple(names.get(file.photo, ())), when)


def _query(lib: Library, wanted: Wanted) -> Query:
    first, also, without = (
        {person_wanted(lib, name): name for name in names}
        for names in (wanted.people, wanted.together_with, wanted.without)
    )
    for person, name in without.items():
        if person in first or person in also:
            raise UsageError(f"{name!r} cannot be both in a photo and not in it.")
    since, until = _day("--since", wanted.since), _day("--until", wanted.until)
    if not (first or also or without or wanted.unknown or since or until):
        raise UsageError('Say who or when: phototag find "Alice", phototag find --since 2019-07.')
    if wanted.only and not (first or also):
        raise UsageError('--only needs a name: phototag find "Alice" --only.')
    if wanted.only and wanted.unknown:
        raise UsageError("--only leaves out photos with unknown faces; --unknown asks for them.")
    if since and until and since[: len(until)] > until:
        raise UsageError(f"--since {since} is later than --until {until}.")
    return Query(
        people=tuple(also if wanted.any_of else first | also),
        any_of=tuple(first) if wanted.any_of else (),
        without=tuple(without),
        only=wanted.only,
        unknown=wanted.unknown,
        since=since,
        until=until,
        suggested=wanted.suggested,
    )


def _day(option: str, text: str | None) -> str | None:
    """A year, month or day as it stands in ISO 8601. Raises UsageError."""
    if text is None:
        return None
    said = _DATE.match(text)
    try:
        if said is None:
            raise ValueError
        date(int(said[1]), int(said[2] or 1), int(said[3] or 1))
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: say it like 2019, 2019-07 or 2019-07-14.") from error
    return text
