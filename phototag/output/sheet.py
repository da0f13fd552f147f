"""The contact sheet: static pages of the people, the unnamed clusters and the photos of a library.

They need no network and no server: `index.html` opens by double click. Pages are made one at a time
from what `SheetContent` streams, only those that changed are written, and those that nothing needs
any more are removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from phototag.core.types import number
from phototag.output import dates, sheet_views
from phototag.output.sheet_by_date import page_of, write_period
from phototag.output.sheet_by_person import write_cluster, write_person
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
from phototag.output.sheet_views import Place
from phototag.output.sheet_writing import Learnt, Writing, made_by

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
PEOPLE_ON_LIST = 300
CLUSTERS_ON_LIST = 100


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
    fresh: bool = False,
    most: int | None = None,
) -> SheetReport:
    """Bring the sheet in `folder` up to date with `content`. The same content again writes nothing.

    `images` is the way from `folder` to the library folder, from where the paths of images count.
    Where `content.stamp` is given, pages whose stamps did not change are passed over, if they are
    still there; `fresh` makes and compares them all. With `most`, the index and the pages of people
    are brought up to date, and those of that many clusters, lists and months at most; the rest
    stay as they are for now (`SheetReport.waiting`).

    Raises:
        CannotWrite: a page cannot be written. Pages written until then are whole; the index comes
            last.
        ValueError: an id of a person or cluster is not made of lower-case letters, digits, dashes.
    """
    sheet = SheetFolder(Path(folder), made_by())
    sheet.open(fresh=fresh)
    writing = Writing(sheet, content, images, photos_on_page, faces_on_page, most)
    periods = dates.divide(content.months, photos_on_page)
    covers = [write_period(writing, periods, at) for at in range(len(periods))]
    for who in writing.people:
        write_person(writing, who)
    for group in writing.clusters:
        write_cluster(writing, group)
    _write_lists(writing)
    _write_static(writing)
    _write_index(writing, periods, covers)
    removed = sheet.close(remove=not writing.waiting)
    unchanged = len(sheet.kept) - sheet.written
    return SheetReport(
        Path(folder) / "index.html", sheet.written, unchanged, removed, writing.waiting
    )


def _write_lists(writing: Writing) -> None:
    """All people and all clusters, where the index has no room for them."""
    place = writing.place(below=True)
    if len(writing.people) > PEOPLE_ON_INDEX:
        parts = sheet_views.chunks(writing.people, PEOPLE_ON_LIST)
        for part, (people, more) in enumerate(parts, 1):
            rows = [sheet_views.person(place, who) for who in people]
            _write_list(writing, "people", part, more, rows, len(writing.people))
    if len(writing.clusters) > CLUSTERS_ON_INDEX:
        groups = sheet_views.chunks(writing.clusters, CLUSTERS_ON_LIST)
        for part, (clusters, more) in enumerate(groups, 1):
            rows = [sheet_views.cluster(place, group) for group in clusters]
            _write_list(writing, "clusters", part, more, rows, len(writing.clusters))


def _write_list(
    writing: Writing, kind: str, part: int, more: bool, rows: Sequence[dict[str, Any]], total: int
) -> None:
    def make() -> Learnt:
        writing.put(
            _list_page(kind, part),
            f"{kind}.html",
            "Everyone" if kind == "people" else "Faces without a name",
            part=part,
            rows=rows,
            total=total,
            before=f"../{_list_page(kind, part - 1)}" if part > 1 else None,
            after=f"../{_list_page(kind, part + 1)}" if more else None,
        )
        return {}

    writing.once(f"list/{kind}/{part}", "", lambda _: (rows, total, more), make, may_wait=True)


def _list_page(kind: str, part: int = 1) -> str:
    return f"{kind}/index{'' if part == 1 else f'-{part}'}.html"


def _write_static(writing: Writing) -> None:
    for source in sorted((sheet_views.HERE / "static").iterdir()):
        writing.folder.put(f"static/{source.name}", source.read_bytes())
    names = sheet_views.names_script(writing.people, writing.clusters, writing.images)
    writing.folder.put("static/names.js", names)


def _write_index(
    writing: Writing, periods: Sequence[dates.Period], covers: Sequence[str | None]
) -> None:
    place = writing.place(below=False)
    pairs = zip(periods, covers, strict=True)
    years = [_year(place, list(found)) for _, found in groupby(pairs, key=lambda p: p[0].year)]
    dated = [m.month for m in writing.content.months if m.photos and dates.month(m.month)]
    people = writing.people[:PEOPLE_ON_INDEX]
    clusters = writing.clusters[:CLUSTERS_ON_INDEX]
    writing.put(
        "index.html",
        "index.html",
        writing.content.title,
        people=[sheet_views.person(place, who) for who in people],
        people_total=len(writing.people),
        clusters=[sheet_views.cluster(place, group) for group in clusters],
        clusters_total=len(writing.clusters),
        years=years,
        photos=number(sum(m.photos for m in writing.content.months), "photo"),
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
        page = place.page(page_of(period))
        for key in period.months:
            if name := dates.month(key):
                inside = f"{page}#{key}" if len(period.key) == 4 else page
                months.append((name.split()[0], inside))
    return {
        "title": periods[0].year or dates.UNDATED,
        "href": place.page(page_of(periods[0])),
        "count": number(sum(p.photos for p in periods), "photo"),
        "cover": cover and place.image(cover),
        "months": months,
    }
