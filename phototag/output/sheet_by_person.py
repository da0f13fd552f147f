"""Pages of the faces of a person or a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from phototag.core.types import number
from phototag.output import sheet_views
from phototag.output.sheet_types import SheetCluster, SheetFace, SheetPerson
from phototag.output.sheet_views import Place, page_name
from phototag.output.sheet_writing import Learnt, Writing

GUESSES = 24
"""Faces that may be a person, on that person's own page; more than these have pages of their own.
"""

COMPANY = 12
"""People most often seen together with a person, on that person's page."""


def write_person(writing: Writing, who: SheetPerson) -> None:
    """The pages of a person, and of the faces that may be them."""

    def made_from(learnt: Learnt) -> Any:
        friends = (writing.known.get(id) for id, _ in learnt.get("company", ()))
        return (who, [p and (p.id, p.name, p.crop) for p in friends])

    key = f"people/{who.id}"
    writing.once(key, writing.stamp(who.id), made_from, lambda: _make_person(writing, who))


def write_cluster(writing: Writing, group: SheetCluster) -> None:
    """The pages of a cluster."""
    known = bool(group.guess and group.guess.person in writing.known)
    key = f"clusters/{group.id}"
    writing.once(
        key,
        writing.stamp(group.id),
        lambda _: (group, known),
        lambda: _make_cluster(writing, group),
        may_wait=True,
    )


def _make_person(writing: Writing, who: SheetPerson) -> Learnt:
    company: Counter[str] = Counter()
    first: tuple[list[SheetFace], bool] = ([], False)
    parts = sheet_views.chunks(writing.content.faces_of(who.id), writing.faces_on_page)
    for part, (faces, more) in enumerate(parts, 1):
        company.update(_seen_with(writing, who, faces))
        if part == 1:
            first = (faces, more)  # it shows the company, which the last page completes
        else:
            _put_person(writing, who, part, faces, more)
    friends = sorted(company.items(), key=lambda pair: (-pair[1], pair[0]))[:COMPANY]
    guesses, all_guesses = _make_guesses(writing, who)
    _put_person(writing, who, 1, *first, company=friends, guesses=guesses, all_guesses=all_guesses)
    return {"company": [list(pair) for pair in friends]}


def _make_guesses(writing: Writing, who: SheetPerson) -> tuple[list[SheetFace], str | None]:
    """Faces that may be a person, for their own page, and a link to the pages of them all."""
    shown: list[SheetFace] = []
    link = None
    parts = sheet_views.chunks(writing.content.suggested_for(who.id), writing.faces_on_page)
    for part, (faces, more) in enumerate(parts, 1):
        shown = shown or faces[:GUESSES]
        if part > 1 or more or len(faces) > GUESSES:
            _put_guesses(writing, who, part, faces, more)
            link = writing.place(below=True).page(page_name(who.id, kind="maybe"))
    return shown, link


def _make_cluster(writing: Writing, group: SheetCluster) -> Learnt:
    place = writing.place(below=True)
    parts = sheet_views.chunks(writing.content.faces_of(group.id), writing.faces_on_page)
    for part, (faces, more) in enumerate(parts, 1):
        sections = sheet_views.sections(("", "", sheet_views.face(place, f)) for f in faces)
        writing.put(
            page_name(group.id, part),
            "cluster.html",
            group.id,
            subject=sheet_views.cluster(place, group),
            actions=group.actions,
            **_tiles(sections),
            **_turn(place, group.id, part, more),
        )
    return {}


def _put_person(
    writing: Writing,
    who: SheetPerson,
    part: int,
    faces: Sequence[SheetFace],
    more: bool,
    *,
    company: Sequence[tuple[str, int]] = (),
    guesses: Sequence[SheetFace] = (),
    all_guesses: str | None = None,
) -> None:
    place = writing.place(below=True)
    views = (sheet_views.face(place, found) for found in faces)
    sections = sheet_views.sections((view["year"], view["year"], view) for view in views)
    asked = sheet_views.sections(
        (("", "", sheet_views.face(place, found)) for found in guesses), start=len(faces)
    )
    writing.put(
        page_name(who.id, part),
        "person.html",
        who.name,
        subject=sheet_views.person(place, who),
        company=[
            (sheet_views.person(place, writing.known[id]), number(count, "photo"))
            for id, count in company
        ],
        guesses=asked[0]["tiles"] if asked else [],
        all_guesses=all_guesses,
        actions=who.actions,
        guess_actions=who.suggested_actions,
        **_tiles(sections, asked),
        **_turn(place, who.id, part, more),
    )


def _put_guesses(
    writing: Writing, who: SheetPerson, part: int, faces: Sequence[SheetFace], more: bool
) -> None:
    place = writing.place(below=True)
    sections = sheet_views.sections(("", "", sheet_views.face(place, found)) for found in faces)
    writing.put(
        page_name(who.id, part, "maybe"),
        "maybe.html",
        who.name,
        subject=sheet_views.person(place, who),
        guess_actions=who.suggested_actions,
        **_tiles(sections),
        **_turn(place, who.id, part, more, "maybe"),
    )


def _seen_with(writing: Writing, who: SheetPerson, faces: Iterable[SheetFace]) -> Iterator[str]:
    for found in faces:
        yield from {
            target
            for mark in found.photo.marks
            if (target := mark.target) is not None
            and target != who.id
            and target in writing.known
            and mark.status in ("named", "recognised")
        }


def _tiles(*sections: list[dict[str, Any]]) -> dict[str, Any]:
    data = [photo for some in sections for photo in sheet_views.data(some)]
    return {"sections": sections[0], "data": data}


def _turn(place: Place, id: str, part: int, more: bool, kind: str = "") -> dict[str, Any]:
    """Links to the page before and the page after."""
    return {
        "part": part,
        "before": place.page(page_name(id, part - 1, kind)) if part > 1 else None,
        "after": place.page(page_name(id, part + 1, kind)) if more else None,
    }
