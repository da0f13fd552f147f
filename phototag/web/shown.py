"""What pages show: plain values for the templates and the scripts, every link made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from phototag.catalog.grids import Somebody
from phototag.catalog.views import PhotoRow, SeenFace
from phototag.core.tracks import clocks
from phototag.core.types import Box
from phototag.output import dates
from phototag.output.sidecar import shown
from phototag.work.deciding import Said
from phototag.work.review import Question
from phototag.work.shown import who_is


def face_link(number: int, size: str = "") -> str:
    """A face's picture: small, or `large`."""
    return f"/pictures/face/{number}{'/' + size if size else ''}"


def photo_link(number: int, size: str = "") -> str:
    return f"/pictures/photo/{number}{'/' + size if size else ''}"


@dataclass(frozen=True, slots=True)
class Turn:
    """The way from one page of a grid to the others."""

    number: int
    pages: int
    address: str
    query: Mapping[str, str] = field(default_factory=dict)

    def link(self, number: int) -> str | None:
        """The address of a page; None for one that is not there."""
        if not 1 <= number <= self.pages:
            return None
        words = {**self.query, **({"page": str(number)} if number > 1 else {})}
        return f"{self.address}?{urlencode(words)}" if words else self.address


@dataclass(frozen=True, slots=True)
class Tile:
    """A face in a grid."""

    id: str
    picture: str
    href: str
    who: str
    """`Alice`, `Alice?`, `cluster-3`, `unknown`."""
    state: str
    similarity: float | None


def tile(face: SeenFace, names: Mapping[int, str]) -> Tile:
    similarity = face.similarity if face.person is not None else face.suggestion_score
    return Tile(
        id=f"face-{face.id}",
        picture=face_link(face.id),
        href=f"/photos/{face.photo}#face-{face.id}",
        who=who_is(face, names),
        state=face.state,
        similarity=similarity if face.state not in ("manual", "imported") else None,
    )


def changed_tile(face: SeenFace, now: str | None) -> Tile:
    """A face whose name would become another."""
    return replace(tile(face, {}), who=now or "without a name", similarity=None)


@dataclass(frozen=True, slots=True)
class PersonCard:
    """A person in a grid."""

    name: str
    href: str
    picture: str | None
    initial: str
    faces: int
    suggested: int


def person_card(who: Somebody, face: int | None) -> PersonCard:
    return PersonCard(
        name=who.name,
        href=f"/people/{who.id}",
        picture=face_link(face) if face is not None else None,
        initial=who.name[:1].upper() or "?",
        faces=who.faces,
        suggested=who.suggested,
    )


@dataclass(frozen=True, slots=True)
class PhotoTile:
    """A photo in a grid."""

    href: str
    picture: str
    width: int
    height: int
    name: str
    day: str
    faces: int


def photo_tile(row: PhotoRow) -> PhotoTile:
    return PhotoTile(
        href=f"/photos/{row.id}",
        picture=photo_link(row.id),
        width=row.width,
        height=row.height,
        name=shown(row.path.rpartition("/")[2]),
        day=dates.day(row.taken),
        faces=row.faces,
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A face in its photo."""

    tile: Tile
    box: list[float]
    """left, top, width, height in per cent of the photo."""
    status: str
    """`named`, `recognised`, `suggested`, `unknown` or `ignored`."""
    person: str | None
    """Who it is, or may be."""
    goal: str | None
    """The page of that person, or of its cluster."""
    times: str = ""
    """In a video: when it is seen."""


def mark(face: SeenFace, names: Mapping[int, str], box: Box | None) -> Mark:
    """`box`: where it is on the picture that is shown; None where that does not show it."""
    status, person, goal = "unknown", None, None
    if face.person is not None:
        status = "recognised" if face.state == "automatic" else "named"
        person, goal = names.get(face.person), f"/people/{face.person}"
    elif face.state == "ignored":
        status = "ignored"
    elif face.suggestion is not None and face.suggestion in names:
        status, person = "suggested", names[face.suggestion]
    if goal is None and face.cluster is not None:
        goal = f"/clusters/{face.cluster}"
    place = [0.0] * 4 if box is None else per_cent(box)
    times = "" if face.span is None else clocks(face.span)
    return Mark(tile(face, names), place, status, person, goal, times)


def per_cent(box: Box) -> list[float]:
    """The part of a box that is in the photo: left, top, width, height in per cent."""
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(1.0, box.x + box.width), min(1.0, box.y + box.height)
    return [round(100 * v, 2) for v in (left, top, max(0.0, right - left), max(0.0, bottom - top))]


# ---- for scripts


def question(found: Question, photo: PhotoRow | None, suggest: float) -> dict[str, Any]:
    """A question as `review.js` takes it. A choice is likely when its similarity is `suggest` or
    more, or when it is what the law of recognition suggests."""
    doubt, is_suggested = found.doubt, found.kind == "suggestion"
    return {
        "target": found.target,
        "kind": found.kind,
        "faces": found.faces,
        "person": doubt and doubt.person,
        "rival": doubt and doubt.rival,
        "why": list(doubt.why) if doubt else [],
        "large": face_link(found.members[0], "large"),
        "members": [{"id": f"face-{n}", "picture": face_link(n)} for n in found.members],
        "photo": {
            "href": f"/photos/{found.photo}",
            "picture": photo_link(found.photo, "large"),
            "box": per_cent(found.box),
            "name": shown(photo.path.rpartition("/")[2]) if photo else "",
            "day": dates.day(photo.taken) if photo else "",
        },
        "choices": [
            {
                "person": choice.person,
                "similarity": round(choice.similarity, 2),
                "likely": choice.similarity >= suggest or (place == 0 and is_suggested),
                "picture": face_link(choice.face) if choice.face is not None else None,
                "initial": choice.person[:1].upper(),
            }
            for place, choice in enumerate(found.choices)
        ],
    }


def said(found: Said) -> dict[str, Any]:
    """What a decision did, for the bar that offers to undo it."""
    more = effects(found)
    text = found.text + (f" {', '.join(more)}." if more else "")
    return asdict(found) | {"text": text}


def effects(found: Said) -> list[str]:
    """What followed for other faces, in words."""
    words: Iterable[tuple[int, str]] = (
        (found.recognised, "more recognised"),
        (found.suggested, f"new suggestion{'' if found.suggested == 1 else 's'}"),
        (found.withdrawn, f"automatic name{'' if found.withdrawn == 1 else 's'} withdrawn"),
    )
    return [f"{count:,} {text}" for count, text in words if count]
