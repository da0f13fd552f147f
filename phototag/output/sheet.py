"""The contact sheet: static pages of the people, the unnamed clusters and the photos of a library.

They need no network and no server: `index.html` opens by double click. Pages are made one at a time from what
`SheetContent` streams, only those that changed are written, and those that nothing needs any more are removed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from phototag.output import dates, sheet_views
from phototag.output.sheet_folder import SheetFolder
from phototag.output.sheet_types import (
    SheetCluster,
    SheetCommand,
    SheetContent,
    SheetFace,
    SheetGuess,
    SheetMark,
    SheetMonth,
    SheetPerson,
    SheetPhoto,
    SheetReport,
)
from phototag.output.sheet_views import Place, number, page_name

__all__ = [
    "SheetCluster",
    "SheetCommand",
    "SheetContent",
    "SheetFace",
    "SheetGuess",
    "SheetMark",
    "SheetMonth",
    "SheetPerson",
    "SheetPhoto",
    "SheetReport",
    "link_to",
    "write_sheet",
]

PHOTOS_ON_PAGE = 500
FACES_ON_PAGE = 300
PEOPLE_ON_INDEX = 60
CLUSTERS_ON_INDEX = 24
ROWS_ON_LIST = 300
"""People or clusters on a page of the full list."""
GUESSES_ON_PERSON = 24
"""Faces that may be a person, on that person's own page; the rest have pages of their own."""
COMPANY = 12
"""People most often seen together with a person, on that person's page."""


def link_to(photo: str | Path) -> str:
    """A file URL for a photo's absolute path, whatever bytes are in its name."""
    return Path(photo).as_uri()


def write_sheet(
    folder: Path,
    content: SheetContent,
    *,
    images: str = "../",
    photos_on_page: int = PHOTOS_ON_PAGE,
    faces_on_page: int = FACES_ON_PAGE,
) -> SheetReport:
    """Bring the sheet in `folder` up to date with `content`. Writing the same content again writes nothing.

    `images` is the way from `folder` to the library folder, from where the paths of images count.

    Raises:
        CannotWrite: a page cannot be written. The pages written until then are whole; the index comes last.
        ValueError: an id of a person or cluster is not made of lower-case letters, digits and dashes.
    """
    sheet = _Sheet(SheetFolder(Path(folder)), content, images, photos_on_page, faces_on_page)
    sheet.folder.open()
    periods = dates.divide(content.months, photos_on_page)
    covers = [_write_period(sheet, periods, at) for at in range(len(periods))]
    for who in sheet.people:
        _write_person(sheet, who)
    for group in sheet.clusters:
        _write_cluster(sheet, group)
    _write_lists(sheet)
    _write_static(sheet)
    _write_index(sheet, periods, covers)
    removed = sheet.folder.close()
    written = sheet.folder.written
    return SheetReport(
        Path(folder) / "index.html", written, len(sheet.folder.kept) - written, removed
    )


@dataclass(slots=True)
class _Sheet:
    """One writing of the sheet: what every page needs to know."""

    folder: SheetFolder
    content: SheetContent
    images: str
    photos_on_page: int
    faces_on_page: int
    people: list[SheetPerson] = field(init=False)
    clusters: list[SheetCluster] = field(init=False)
    known: dict[str, SheetPerson] = field(init=False)

    def __post_init__(self) -> None:
        people, clusters = self.content.people, self.content.clusters
        self.people = sorted(people, key=lambda p: (-p.photos, p.name.casefold(), p.id))
        self.clusters = sorted(clusters, key=lambda c: (-c.faces, len(c.id), c.id))
        self.known = {p.id: p for p in self.people}

    def place(self, page: str) -> Place:
        return Place("../" * page.count("/"), self.images)

    def put(self, page: str, template: str, title: str, **values: Any) -> None:
        data = sheet_views.render(
            template, place=self.place(page), title=title, site=self.content.title, **values
        )
        self.folder.put(page, data)


# -- photos by date ----------------------------------------------------------------------------------------------------


def _write_period(sheet: _Sheet, periods: Sequence[dates.Period], at: int) -> str | None:
    """The pages of a period. Returns the thumbnail that stands for it on the index."""
    period = periods[at]
    place = Place("../", sheet.images)
    dated = ((m, photo) for m in period.months for photo in sheet.content.photos_in(m))
    cover: tuple[int, str | None] = (-1, None)
    for part, (photos, more) in enumerate(sheet_views.chunks(dated, sheet.photos_on_page), 1):
        cover = max([cover, *map(_worth_as_cover, photos)], key=lambda c: c[0])
        sections = _sections(
            (m, dates.month(m), sheet_views.photo(place, photo)) for m, photo in photos
        )
        sheet.put(
            _period_page(period, part),
            "photos.html",
            period.title,
            part=part,
            count=number(period.photos, "photo"),
            sections=sections,
            data=_data(sections),
            before=place.page(_period_page(period, part - 1)) if part > 1 else None,
            after=place.page(_period_page(period, part + 1)) if more else None,
            siblings=[
                (p.title, place.page(_period_page(p)), p is period)
                for p in periods
                if p.year == period.year
            ],
            newer=_neighbour(place, periods, at - 1),
            older=_neighbour(place, periods, at + 1),
        )
    return cover[1]


def _worth_as_cover(dated: tuple[str, SheetPhoto]) -> tuple[int, str | None]:
    """A photo stands for its period if it shows many people with names, and is wider than high."""
    photo = dated[1]
    if photo.thumb is None:
        return (-1, None)
    named = sum(mark.status in ("named", "recognised") for mark in photo.marks)
    return (2 * min(named, 4) + (photo.width > photo.height), photo.thumb)


def _period_page(period: dates.Period, part: int = 1) -> str:
    return f"photos/{period.key}{'' if part == 1 else f'-{part}'}.html"


def _neighbour(place: Place, periods: Sequence[dates.Period], at: int) -> tuple[str, str] | None:
    if not 0 <= at < len(periods):
        return None
    return (periods[at].title, place.page(_period_page(periods[at])))


def _sections(tiles: Iterable[tuple[str, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Tiles (key, title, tile) under headings; each tile learns its number on the page, each first of a day its date."""
    sections: list[dict[str, Any]] = []
    count = 0
    for (key, title), found in groupby(tiles, key=lambda t: (t[0], t[1])):
        views = []
        day = ""
        for _, _, view in found:
            views.append(view | {"at": count, "day": view["day"] if view["day"] != day else ""})
            day = view["day"]
            count += 1
        sections.append({"key": key or "undated", "title": title, "tiles": views})
    return sections


def _data(sections: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [tile["data"] for section in sections for tile in section["tiles"]]


# -- people and clusters -----------------------------------------------------------------------------------------------


def _write_person(sheet: _Sheet, who: SheetPerson) -> None:
    company: Counter[str] = Counter()
    first: tuple[list[SheetFace], bool] = ([], False)
    parts = sheet_views.chunks(sheet.content.faces_of(who.id), sheet.faces_on_page)
    for part, (faces, more) in enumerate(parts, 1):
        company.update(_seen_with(sheet, who, faces))
        if part == 1:
            first = (faces, more)
        else:
            _write_faces(sheet, who, "person.html", part, faces, more, **_FIRST_PAGE_ONLY)
    place = Place("../", sheet.images)
    friends = sorted(company, key=lambda id: (-company[id], sheet.known[id].name, id))
    _write_faces(
        sheet,
        who,
        "person.html",
        1,
        *first,
        company=[
            (sheet_views.person(place, sheet.known[id]), number(company[id], "photo"))
            for id in friends[:COMPANY]
        ],
        **_write_guesses(sheet, who),
    )


_FIRST_PAGE_ONLY: dict[str, Any] = {"company": [], "guesses": [], "all_guesses": None}


def _seen_with(sheet: _Sheet, who: SheetPerson, faces: Iterable[SheetFace]) -> Iterator[str]:
    for found in faces:
        yield from {
            mark.target
            for mark in found.photo.marks
            if mark.target in sheet.known
            and mark.target != who.id
            and mark.status in ("named", "recognised")
        }


def _write_guesses(sheet: _Sheet, who: SheetPerson) -> dict[str, Any]:
    """Pages of the faces that may be a person, if their own page has no room for them all."""
    place = Place("../", sheet.images)
    parts = sheet_views.chunks(sheet.content.suggested_for(who.id), sheet.faces_on_page)
    shown: list[dict[str, Any]] = []
    link = None
    for part, (faces, more) in enumerate(parts, 1):
        if part == 1:
            shown = [sheet_views.face(place, found) for found in faces[:GUESSES_ON_PERSON]]
        if part > 1 or more or len(faces) > GUESSES_ON_PERSON:
            _write_faces(sheet, who, "maybe.html", part, faces, more, kind="maybe")
            link = place.page(page_name(who.id, kind="maybe"))
    return {"guesses": shown, "all_guesses": link}


def _write_cluster(sheet: _Sheet, group: SheetCluster) -> None:
    parts = sheet_views.chunks(sheet.content.faces_of(group.id), sheet.faces_on_page)
    for part, (faces, more) in enumerate(parts, 1):
        _write_faces(sheet, group, "cluster.html", part, faces, more)


def _write_faces(
    sheet: _Sheet,
    subject: SheetPerson | SheetCluster,
    template: str,
    part: int,
    faces: Sequence[SheetFace],
    more: bool,
    *,
    kind: str = "",
    **values: Any,
) -> None:
    """One page of faces of a person or cluster."""
    place = Place("../", sheet.images)
    views = [sheet_views.face(place, found) for found in faces]
    by_year = isinstance(subject, SheetPerson) and not kind
    sections = _sections(
        (v["year"] if by_year else "", v["year"] if by_year else "", v) for v in views
    )
    guesses = values.get("guesses", [])
    for at, view in enumerate(guesses, len(views)):
        view["at"] = at
    sheet.put(
        page_name(subject.id, part, kind),
        template,
        subject.name if isinstance(subject, SheetPerson) else subject.id,
        part=part,
        subject=sheet_views.person(place, subject)
        if isinstance(subject, SheetPerson)
        else sheet_views.cluster(place, subject, sheet.known),
        sections=sections,
        data=_data(sections) + [view["data"] for view in guesses],
        before=place.page(page_name(subject.id, part - 1, kind)) if part > 1 else None,
        after=place.page(page_name(subject.id, part + 1, kind)) if more else None,
        actions=subject.actions,
        guess_actions=subject.suggested_actions if isinstance(subject, SheetPerson) else (),
        **values,
    )


# -- overviews ---------------------------------------------------------------------------------------------------------


def _write_lists(sheet: _Sheet) -> None:
    """All people and all clusters, where the index has no room for them."""
    if len(sheet.people) > PEOPLE_ON_INDEX:
        place = Place("../", sheet.images)
        _write_list(sheet, "people", [sheet_views.person(place, p) for p in sheet.people])
    if len(sheet.clusters) > CLUSTERS_ON_INDEX:
        place = Place("../", sheet.images)
        views = [sheet_views.cluster(place, c, sheet.known) for c in sheet.clusters]
        _write_list(sheet, "clusters", views)


def _write_list(sheet: _Sheet, kind: str, views: Sequence[dict[str, Any]]) -> None:
    title = "Everyone" if kind == "people" else "Faces without a name"
    for part, (rows, more) in enumerate(sheet_views.chunks(views, ROWS_ON_LIST), 1):
        sheet.put(
            _list_page(kind, part),
            f"{kind}.html",
            title,
            part=part,
            rows=rows,
            total=len(views),
            before=f"../{_list_page(kind, part - 1)}" if part > 1 else None,
            after=f"../{_list_page(kind, part + 1)}" if more else None,
        )


def _list_page(kind: str, part: int = 1) -> str:
    return f"{kind}/index{'' if part == 1 else f'-{part}'}.html"


def _write_static(sheet: _Sheet) -> None:
    for source in sorted((sheet_views.HERE / "static").iterdir()):
        sheet.folder.put(f"static/{source.name}", source.read_bytes())
    names = sheet_views.names_script(sheet.people, sheet.clusters, sheet.images)
    sheet.folder.put("static/names.js", names)


def _write_index(
    sheet: _Sheet, periods: Sequence[dates.Period], covers: Sequence[str | None]
) -> None:
    place = Place("", sheet.images)
    years = []
    for _, found in groupby(zip(periods, covers, strict=True), key=lambda pair: pair[0].year):
        years.append(_year(place, list(found)))
    dated = [m.month for m in sheet.content.months if dates.month(m.month)]
    sheet.put(
        "index.html",
        "index.html",
        sheet.content.title,
        people=[sheet_views.person(place, p) for p in sheet.people[:PEOPLE_ON_INDEX]],
        people_total=len(sheet.people),
        clusters=[
            sheet_views.cluster(place, c, sheet.known) for c in sheet.clusters[:CLUSTERS_ON_INDEX]
        ],
        clusters_total=len(sheet.clusters),
        years=years,
        photos=number(sum(m.photos for m in sheet.content.months), "photo"),
        span=dates.span(min(dated), max(dated)) if dated else "",
        all_people=_list_page("people"),
        all_clusters=_list_page("clusters"),
    )


def _year(place: Place, found: Sequence[tuple[dates.Period, str | None]]) -> dict[str, Any]:
    """A year on the index: its cover, and a link for each month."""
    periods = [period for period, _ in found]
    cover = next((cover for _, cover in found if cover), None)
    months = []
    for period in periods:
        page = place.page(_period_page(period))
        whole_year = len(period.key) == 4
        for m in period.months:
            if dates.month(m):
                months.append((dates.month(m).split()[0], f"{page}#{m}" if whole_year else page))
    return {
        "title": periods[0].year or dates.UNDATED,
        "href": place.page(_period_page(periods[0])),
        "count": number(sum(p.photos for p in periods), "photo"),
        "cover": cover and place.image(cover),
        "months": months,
    }
