"""Videos as people see them: who is in one from when to when, and where on its strip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from phototag.catalog import photos as photo_table
from phototag.catalog import tracks as table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog import views
from phototag.catalog.store import Library
from phototag.catalog.views import SeenFace
from phototag.core.strip import Strip, on_strip
from phototag.core.tracks import clocks
from phototag.core.types import Box, Moment, Span
from phototag.work.shown import who_is

PAUSE: Moment = 1200
"""Milliseconds between two tracks of a person that are told as one: a cut from one shot of them to
another is not told (frames are looked at a second apart), a shot of somebody else between is."""


@dataclass(frozen=True, slots=True)
class Reel:
    """The strip of a video, and where its faces are on it."""

    strip: Strip
    boxes: Mapping[int, Box]
    """By face, in fractions of the strip; a face that no frame of it shows is left out."""


def reel_of(lib: Library, photo: int) -> Reel | None:
    """None for a photo, and for a video without faces."""
    film = table.film_of(lib, photo)
    if film is None or not film.tiles:
        return None
    row = photo_table.photo_row(lib, photo)
    strip = Strip.of(len(film.tiles), row["width"], row["height"])
    places = {face: on_strip(strip, film, t) for face, t in table.tracks_of(lib, photo).items()}
    return Reel(strip, {face: box for face, box in places.items() if box is not None})


@dataclass(frozen=True, slots=True)
class Picture:
    """What stands for a photo on pages: itself, or the strip of a video."""

    width: int
    height: int
    boxes: Mapping[int, Box]
    """Where its faces are, in fractions of the picture."""


def picture_of(lib: Library, photo: int, faces: Iterable[SeenFace]) -> Picture:
    reel = reel_of(lib, photo)
    if reel is not None:
        return Picture(*reel.strip.size, reel.boxes)
    row = photo_table.photo_row(lib, photo)
    return Picture(row["width"], row["height"], {face.id: face.box for face in faces})


def timeline(seen: Iterable[tuple[Span, str]]) -> list[tuple[Span, str]]:
    """When somebody is seen: the spans of each person, run together where they meet or nearly do,
    in order."""
    runs: dict[str, list[Span]] = {}
    for span, person in sorted(seen):
        known = runs.setdefault(person, [])
        if known and span[0] <= known[-1][1] + PAUSE:
            known[-1] = (known[-1][0], max(known[-1][1], span[1]))
        else:
            known.append(span)
    return sorted((span, person) for person, spans in runs.items() for span in spans)


def timeline_of(lib: Library, photo: int) -> tuple[str, ...]:
    """Who with a name is seen when in a video: `00:01:12-00:01:20 Alice`."""
    names = verdict_table.people(lib)
    return lines_of(views.faces_in_photo(lib, photo), names)


def lines_of(faces: Iterable[SeenFace], names: Mapping[int, str]) -> tuple[str, ...]:
    """The same for faces of a video."""
    seen = [(f.span, names.get(f.person or 0)) for f in faces if f.span is not None]
    named = ((span, name) for span, name in seen if name is not None)
    return tuple(f"{clocks(span)} {name}" for span, name in timeline(named))


@dataclass(frozen=True, slots=True)
class Appearance:
    """A face of a video."""

    face: str
    """`face-17`."""
    who: str
    """`Alice`, `Alice?`, `cluster-3`, `unknown`, `ignored`."""
    state: str
    similarity: float | None
    first: float
    last: float
    """Seconds from the beginning."""
    times: str
    """`00:01:12-00:01:20`."""


@dataclass(frozen=True, slots=True)
class VideoView:
    """What is known of a video file."""

    path: str
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    appearances: Sequence[Appearance] = field(default=())
    problem: str | None = None
    """Why it could not be read."""


def look_up(lib: Library, path: str) -> VideoView:
    """A video of the library by its absolute path."""
    from phototag.catalog.evidence import failure_at

    place = photo_table.path_at(lib, path)
    if place is None or place.photo is None:
        failed = None if place is None else failure_at(lib, place.id)
        reason, message = failed or ("unknown", "it was not looked at")
        return VideoView(path, problem=f"{message} ({reason})")
    row, film = photo_table.photo_row(lib, place.photo), table.film_of(lib, place.photo)
    if film is None:
        return VideoView(path, problem="this is a photo (not-a-video)")
    names = verdict_table.people(lib)
    faces = views.faces_in_photo(lib, place.photo)
    return VideoView(
        path,
        film.duration / 1000,
        row["width"],
        row["height"],
        [_appearance(face, names) for face in faces],
    )


def _appearance(face: SeenFace, names: Mapping[int, str]) -> Appearance:
    span = face.span or (0, 0)
    similarity = face.similarity if face.person is not None else face.suggestion_score
    return Appearance(
        face=f"face-{face.id}",
        who=who_is(face, names),
        state=face.state,
        similarity=None if similarity is None else round(similarity, 4),
        first=span[0] / 1000,
        last=span[1] / 1000,
        times=clocks(span),
    )
