"""What the pages of the contact sheet show: plain values for the templates, every link and every
word made here.

A page lies in the sheet's folder or one below it; `Place` knows the way from there to the other
pages and to the images.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from phototag.core.types import Box, number
from phototag.output import dates
from phototag.output.sheet_types import (
    SheetCluster,
    SheetFace,
    SheetMark,
    SheetPerson,
    SheetPhoto,
)
from phototag.output.sidecar import shown

HERE = Path(__file__).parent

CROPS = 6
"""Faces that a cluster shows of itself."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page lies: the way from it to the sheet's folder, and from there to the library's."""

    root: str
    """Empty, or `../`."""
    images: str
    targets: Container[str] = frozenset()
    """Ids of the people and clusters that have pages."""

    def page(self, path: str) -> str:
        return self.root + path

    def target(self, id: str | None) -> str | None:
        """The page of a person or cluster; None where there is none."""
        return self.page(page_name(id)) if id is not None and id in self.targets else None

    def image(self, path: str) -> str:
        return self.root + self.images + quote(os.fsencode(path))

    def original(self, link: str) -> str | None:
        """A link of the caller: a file URL as it is, a relative one from the library's folder;
        nothing else."""
        if link.startswith("file:"):
            return link
        return None if re.match(r"[a-zA-Z][\w+.-]*:|//", link) else self.root + self.images + link


def chunks(values: Iterable[T], size: int) -> Iterator[tuple[list[T], bool]]:
    """Lists of `size` and, for each, whether another follows. At least one list, if empty."""
    source = iter(values)
    now = list(islice(source, size))
    while True:
        peeked = list(islice(source, 1))
        yield now, bool(peeked)
        if not peeked:
            return
        now = [*peeked, *islice(source, size - 1)]


def sections(
    tiles: Iterable[tuple[str, str, dict[str, Any]]], start: int = 0
) -> list[dict[str, Any]]:
    """Tiles (key, title, tile) under headings.

    Each tile learns its number on the page, from `start`; of the pictures of a day, only the first
    keeps the date.
    """
    found: list[dict[str, Any]] = []
    count = start
    for (key, title), group in groupby(tiles, key=lambda tile: tile[:2]):
        views = []
        day = ""
        for _, _, view in group:
            views.append(view | {"at": count, "day": "" if view["day"] == day else view["day"]})
            day = view["day"] if view["thumb"] else day
            count += 1
        found.append({"key": key or "undated", "title": title, "tiles": views})
    return found


def data(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the overlay needs to know of each tile of these sections, in order."""
    return [tile["data"] for section in found for tile in section["tiles"]]


def render(template: str, **values: Any) -> bytes:
    """A page's bytes. All text is escaped; bytes of names that are no UTF-8 show as U+FFFD."""
    return shown(_templates().get_template(template).render(**values)).encode("utf-8")


def names_script(
    people: Iterable[SheetPerson], clusters: Iterable[SheetCluster], images: str
) -> bytes:
    """`names.js`: what the search looks through. A script, for a page opened by double click may
    fetch no JSON."""
    place = Place("", images)
    rows = [
        [shown(p.name), page_name(p.id), number(p.photos, "photo"), p.crop and place.image(p.crop)]
        for p in people
    ]
    rows += [
        [
            c.id,
            page_name(c.id),
            number(c.faces, "face"),
            place.image(c.crops[0]) if c.crops else None,
        ]
        for c in clusters
    ]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f"window.phototagNames = {text};\n".encode()


@lru_cache(maxsize=4096)
def page_name(target: str, part: int = 1, kind: str = "") -> str:
    """`people/person-12.html`, `clusters/cluster-3-2.html`, `people/person-12-maybe.html`.

    Raises:
        ValueError: if the id could not be a file name everywhere.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", target):
        raise ValueError(f"an id of letters, digits and dashes is needed, not {target!r}")
    folder = "clusters" if target.startswith("cluster-") else "people"
    return f"{folder}/{target}{kind and '-' + kind}{'' if part == 1 else f'-{part}'}.html"


def person(place: Place, who: SheetPerson) -> dict[str, Any]:
    return {
        "name": who.name,
        "href": place.page(page_name(who.id)),
        "crop": who.crop and place.image(who.crop),
        "initial": who.name.strip()[:1].upper() or "?",
        "count": number(who.photos, "photo"),
        "span": dates.span(who.first, who.last),
        "suggested": who.suggested,
    }


def cluster(place: Place, group: SheetCluster) -> dict[str, Any]:
    guess = group.guess
    return {
        "id": group.id,
        "href": place.page(page_name(group.id)),
        "crops": [place.image(crop) for crop in group.crops[:CROPS]],
        "more": max(0, group.faces - min(len(group.crops), CROPS)),
        "count": number(group.faces, "face"),
        "span": dates.span(group.first, group.last),
        "command": group.command,
        "guess": guess
        and {
            "name": guess.name,
            "similarity": f"{guess.similarity:.2f}",
            "href": place.target(guess.person),
        },
    }


def photo(place: Place, picture: SheetPhoto) -> dict[str, Any]:
    """One photo: for its tile, and in `data` for its overlay."""
    thumb = picture.thumb and place.image(picture.thumb)
    drawn = place.image(picture.annotated) if picture.annotated else thumb
    original = place.original(picture.original) if picture.original else None
    when = dates.day(picture.taken, time=True)
    return {
        "href": drawn or original,
        "thumb": thumb,
        "width": picture.width,
        "height": picture.height,
        "name": picture.name,
        "alt": _alt(picture),
        "day": dates.day(picture.taken).removesuffix(f" {(picture.taken or '')[:4]}"),
        "length": picture.length,
        "data": {
            "name": shown(picture.name),
            "date": when,
            "thumb": thumb,
            "original": original,
            "width": picture.width,
            "height": picture.height,
            "faces": [_mark(place, mark) for mark in picture.marks],
            **({"length": picture.length} if picture.length else {}),
        },
    }


def face(place: Place, found: SheetFace) -> dict[str, Any]:
    """One face of a person or cluster, with its photo."""
    tile = photo(place, found.photo)
    tile["data"]["of"] = found.id
    return tile | {
        "face": found.id,
        "crop": place.image(found.crop),
        "similarity": None if found.similarity is None else f"{found.similarity:.2f}",
        "how": found.how,
        "year": (found.photo.taken or "")[:4] if dates.day(found.photo.taken) else "",
    }


def _mark(place: Place, mark: SheetMark) -> dict[str, Any]:
    return {
        "id": mark.face,
        "box": _inside(mark.box),
        "status": mark.status,
        "name": mark.name and shown(mark.name),
        "href": place.target(mark.target),
        "target": mark.target,
        "similarity": None if mark.similarity is None else round(mark.similarity, 2),
        **({"times": mark.times} if mark.times else {}),
    }


def _inside(box: Box) -> list[float]:
    """The part of a box that is in the photo, in per cent."""
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(1.0, box.x + box.width), min(1.0, box.y + box.height)
    return [round(100 * v, 2) for v in (left, top, max(0.0, right - left), max(0.0, bottom - top))]


def _alt(picture: SheetPhoto) -> str:
    named = [m.name for m in picture.marks if m.name and m.status in ("named", "recognised")]
    others = len(picture.marks) - len(named)
    words = named + ([number(others, "unnamed face")] if others else [])
    who = " and ".join([*[", ".join(words[:-1])][: len(words) > 1], *words[-1:]]) or "Photo"
    return ", ".join(filter(None, [who, dates.day(picture.taken)]))


@cache
def _templates() -> Environment:
    return environment(HERE / "templates", keep_trailing_newline=True)


def environment(templates: Path, *, keep_trailing_newline: bool = False) -> Environment:
    """How pages are made of templates, of the sheet and of the served page: all text is escaped, a
    value that is missing is an error."""
    made = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=keep_trailing_newline,
    )
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return made
