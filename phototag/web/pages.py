"""The pages that are read: review, people, clusters, photos, the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from math import ceil
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from phototag.catalog import grids, journal, views
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.grids import Page
from phototag.catalog.store import Library
from phototag.core.types import first_line, number
from phototag.errors import NotFound
from phototag.output import dates
from phototag.output.sidecar import shown
from phototag.web.desk import Desk
from phototag.web.render import page
from phototag.web.shown import PhotoTile, Turn, mark, person_card, photo_tile, tile
from phototag.work import tag
from phototag.work.consent import held
from phototag.work.deciding import describe
from phototag.work.film import picture_of
from phototag.work.names import heir_of
from phototag.work.review import Backlog, backlog

PEOPLE, CLUSTERS, FACES, PHOTOS = 60, 24, 120, 60
"""On one page of each grid: two screens or three, so that the first is there at once."""

CROPS = 6
"""Faces that a cluster shows of itself in the grid."""

DECISIONS = 100
"""Of the journal on its page."""

Render = Callable[[Desk, Library, Request], Response]


def shows(render: Render) -> Callable[[Request], Response]:
    """An endpoint that opens the library for one look."""

    def endpoint(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        with desk.reading() as lib:
            return render(desk, lib, request)

    return endpoint


def html(lib: Library, template: str, here: str, *, title: str, **values: Any) -> HTMLResponse:
    """A page with its frame. `here` is the part of the house that it belongs to."""
    waiting: Backlog = values.pop("waiting", None) or backlog(lib)
    values.setdefault("held", held(lib))
    return HTMLResponse(page(template, here=here, title=title, waiting=waiting, **values))


@shows
def home(desk: Desk, lib: Library, request: Request) -> Response:
    waiting = backlog(lib)
    if not grids.years(lib):
        return RedirectResponse("/scan", 303)
    return RedirectResponse("/review" if waiting.questions else "/people", 303)


@shows
def review(desk: Desk, lib: Library, request: Request) -> Response:
    return html(lib, "review.html", "review", title="Review")


# ---- people


@shows
def people(desk: Desk, lib: Library, request: Request) -> Response:
    total = grids.count_people(lib)
    turn = _turn(request, total, PEOPLE)
    rows = grids.people(lib, Page(PEOPLE, turn.number))
    cards = []
    for who in rows:
        best = views.best_face(lib, "person_id", who.id)
        cards.append(person_card(who, best[1] if best else None))
    return html(lib, "people.html", "people", title="People", cards=cards, total=total, turn=turn)


@shows
def person(desk: Desk, lib: Library, request: Request) -> Response:
    who = grids.person(lib, request.path_params["number"])
    if who is None:
        raise NotFound("There is no such person any more. Two may have become one: see the log.")
    maybe = request.query_params.get("show") == "maybe"
    doubt = request.query_params.get("order") == "doubt"
    total = who.suggested if maybe else who.faces
    query = {"show": "maybe"} if maybe else {"order": "doubt"} if doubt else {}
    turn = _turn(request, total, FACES, query)
    column = "suggestion_id" if maybe else "person_id"
    order = grids.BY_SUGGESTION if maybe else grids.BY_DOUBT if doubt else grids.BY_DATE
    found = grids.faces(lib, column, who.id, Page(FACES, turn.number), order)
    (row,) = views.people_rows(lib, only=who.id)
    best = views.best_face(lib, "person_id", who.id)
    names = verdict_table.people(lib)
    return html(
        lib,
        "person.html",
        "people",
        title=who.name,
        who=person_card(who, best[1] if best else None),
        count=f"{number(row.faces, 'face')} in {number(row.photos, 'photo')}",
        span=dates.span(row.first, row.last),
        confirmed=row.confirmed,
        maybe=maybe,
        doubt=doubt,
        tiles=[tile(face, names) for face in found],
        turn=turn,
    )


# ---- clusters


@shows
def clusters(desk: Desk, lib: Library, request: Request) -> Response:
    waiting = backlog(lib)
    turn = _turn(request, waiting.clusters, CLUSTERS)
    names = verdict_table.people(lib)
    cards = []
    for cluster, count in grids.clusters(lib, Page(CLUSTERS, turn.number)):
        found = grids.faces(lib, "cluster_id", cluster, Page(CROPS))
        cards.append(
            {
                "id": f"cluster-{cluster}",
                "href": f"/clusters/{cluster}",
                "tiles": [tile(face, names) for face in found],
                "more": count - len(found),
                "count": number(count, "face"),
            }
        )
    return html(
        lib,
        "clusters.html",
        "clusters",
        title="Faces without a name",
        cards=cards,
        turn=turn,
        waiting=waiting,
    )


@shows
def cluster(desk: Desk, lib: Library, request: Request) -> Response:
    wanted = request.path_params["number"]
    total = grids.count_faces(lib, "cluster_id", wanted)
    if not total:
        heir = heir_of(lib, wanted)
        said = f"cluster-{wanted} is now {heir}." if heir else f"There is no cluster-{wanted}."
        raise NotFound(said)
    turn = _turn(request, total, FACES)
    names = verdict_table.people(lib)
    found = grids.faces(lib, "cluster_id", wanted, Page(FACES, turn.number))
    (row,) = views.cluster_rows(lib, only=wanted)
    return html(
        lib,
        "cluster.html",
        "clusters",
        title=f"cluster-{wanted}",
        count=f"{number(row.faces, 'face')} in {number(row.photos, 'photo')}",
        span=dates.span(row.first, row.last),
        guess=names.get(row.guess or 0),
        likeness=row.guess_score,
        tiles=[tile(face, names) for face in found],
        turn=turn,
    )


# ---- photos


@shows
def photos(desk: Desk, lib: Library, request: Request) -> Response:
    years = grids.years(lib)
    year = request.query_params.get("year")
    if year is not None and year not in dict(years):
        raise NotFound(f"There is no photo of {year!r}.")
    total = sum(count for _, count in years) if year is None else dict(years)[year]
    turn = _turn(request, total, PHOTOS, {} if year is None else {"year": year})
    rows = grids.photos(lib, Page(PHOTOS, turn.number), year)
    return html(
        lib,
        "photos.html",
        "photos",
        title="Photos" if year is None else year or dates.UNDATED,
        tiles=[_tile(lib, row) for row in rows],
        total=total,
        years=years,
        year=year,
        turn=turn,
    )


@shows
def photo(desk: Desk, lib: Library, request: Request) -> Response:
    row = _photo_row(lib, request.path_params["number"])
    names = verdict_table.people(lib)
    faces = views.faces_in_photo(lib, row.id)
    picture = picture_of(lib, row.id, faces)
    marks = [mark(face, names, picture.boxes.get(face.id)) for face in faces]
    later, earlier = grids.beside(lib, row.id)
    paths = [shown(place.path) for place in photo_table.paths_of(lib, row.id)]
    return html(
        lib,
        "photo.html",
        "photos",
        title=paths[0].rpartition("/")[2],
        photo=_tile(lib, row),
        film=any(face.span for face in faces),
        number=row.id,
        when=dates.day(row.taken, time=True),
        paths=paths,
        size=f"{row.width:,} × {row.height:,} · {row.format}",
        marks=marks,
        data=[asdict(m) for m in marks],
        who=first_line([m.person for m in marks if m.person and m.status != "suggested"], 4),
        later=later,
        earlier=earlier,
    )


def _tile(lib: Library, row: views.PhotoRow) -> PhotoTile:
    """A photo in a grid; of a video its strip."""
    picture = picture_of(lib, row.id, ())
    return replace(photo_tile(row), width=picture.width, height=picture.height)


def _photo_row(lib: Library, wanted: int) -> views.PhotoRow:
    row = views.photo(lib, wanted)
    if row is None:
        raise NotFound("There is no such photo, or no file of it is there any more.")
    return row


# ---- the journal


@shows
def log(desk: Desk, lib: Library, request: Request) -> Response:
    undo, redo = tag.undone_next(lib), tag.redone_next(lib)
    rows = [
        {
            "id": d.id,
            "when": d.time,
            "day": dates.day(d.time, time=True),
            "actor": d.actor,
            "text": describe(d),
            "undone": d.undone_by is not None,
        }
        for d in journal.newest(lib, DECISIONS)
    ]
    return html(
        lib,
        "log.html",
        "log",
        title="Decisions",
        rows=rows,
        undo=undo and {"id": undo.id, "text": describe(undo)},
        redo=redo and {"id": redo.id, "text": describe(redo)},
        total=journal.count(lib),
    )


def names(request: Request) -> dict[str, Any]:
    """Everybody, for the fields that complete names: most faces first."""
    desk: Desk = request.app.state.desk
    with desk.reading() as lib:
        everybody = grids.people(lib, Page(100_000))
        faces = {p.id: views.best_face(lib, "person_id", p.id) for p in everybody[:500]}
    rows = []
    for who in everybody:
        best = faces.get(who.id)
        rows.append([who.name, who.id, who.faces, best[1] if best else None])
    return {"people": rows}


def _turn(request: Request, total: int, size: int, query: dict[str, str] | None = None) -> Turn:
    """Which page of a grid is asked for: the nearest that there is."""
    pages = max(1, ceil(total / size))
    said = request.query_params.get("page", "1")
    wanted = int(said) if said.isascii() and said.isdigit() and len(said) < 9 else 1
    return Turn(min(max(1, wanted), pages), pages, request.url.path, query or {})
