"""Who is on a photo? Its faces against everybody whom the library knows; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phototag.catalog import verdicts as verdict_table
from phototag.catalog.store import Library
from phototag.core.gallery import Gallery, Ranking
from phototag.core.lives import Life, day_of, more_margin
from phototag.core.matching import Candidate, Match, match
from phototag.core.types import Box, Thresholds
from phototag.work.looking import Look, Looked, gallery_of, look_at, not_faces, refused_of

NEAREST = 3
"""People that are named for each face, whether they are like it or not."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A person, and how well a face fits them (the mean of the three best similarities)."""

    person: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Identified:
    """One face of a photo, and who it is."""

    index: int
    """From left to right, 1 first."""
    box: tuple[int, int, int, int]
    """x, y, width, height in pixels of the upright photo."""
    place: Box
    """The same in fractions."""
    quality: float
    person: str | None
    """None: not recognised."""
    similarity: float | None
    """To `person`, or to the one suggested."""
    suggestion: str | None
    """Who it may be: like enough for that, not for a name."""
    law: str
    """What settled it: `accepted`, `below-accept`, `margin`, `twice-in-photo`, `no-candidate`."""
    nearest: tuple[Likeness, ...]
    """Best first."""


@dataclass(frozen=True, slots=True)
class PhotoIdentified:
    """What came out for one photo."""

    path: str
    width: int
    height: int
    faces: tuple[Identified, ...]
    problem: str | None = None
    """Why it could not be looked at."""

    @property
    def recognised(self) -> int:
        return sum(face.person is not None for face in self.faces)


@dataclass(frozen=True, slots=True)
class Searched:
    """All photos, and whom they were compared with."""

    photos: tuple[PhotoIdentified, ...]
    people: int
    examples: int


def identify(
    lib: Library, model: str, thresholds: Thresholds, look: Look, words: Sequence[str]
) -> Searched:
    """Look at photos and say who is there, by the laws of a scan: above `accept` and ahead by
    `margin`, nobody twice in a photo, and never against a user's no. `photo.jpg#2` asks for one
    face of it."""
    gallery = gallery_of(lib, model)
    names = verdict_table.people(lib)
    leave_out = not_faces(lib)
    photos = tuple(
        _photo(lib, look_at(word, look, leave_out), gallery, names, thresholds) for word in words
    )
    return Searched(photos, len(gallery.people), gallery.size)


def _photo(
    lib: Library, seen: Looked, gallery: Gallery, names: dict[int, str], thresholds: Thresholds
) -> PhotoIdentified:
    record = seen.record
    if record is None:
        return PhotoIdentified(seen.path, 0, 0, (), f"{seen.message} ({seen.reason})")
    size = (record.width, record.height)
    if not seen.faces:
        return PhotoIdentified(seen.path, *size, ())
    if seen.reason is not None:
        return PhotoIdentified(seen.path, *size, (), f"{seen.message} ({seen.reason})")
    vectors = np.stack([face.embedding for face in seen.faces])
    lives = verdict_table.lives(lib)
    rankings = gallery.search(vectors, least=thresholds.suggest, count=NEAREST)
    matches = match(
        [
            _candidate(face, person, score, lives.get(person), day_of(record.taken))
            for face, ranking in enumerate(rankings)
            for person, score in ranking
        ],
        thresholds=thresholds,
        taken={},
        rejected=refused_of(lib, seen),
    )
    wanted = range(len(seen.faces)) if seen.index is None else [seen.index - 1]
    faces = tuple(
        _face(seen, number, rankings[number], matches.get(number), names) for number in wanted
    )
    return PhotoIdentified(seen.path, *size, faces)


def _candidate(face: int, person: int, score: float, life: Life | None, day: float) -> Candidate:
    if life is None:
        return Candidate(face, 0, person, score)
    age = float(life.ages(np.array([day]))[0])
    return Candidate(face, 0, person, score, life.holds(day), more_margin(age))


def _face(
    seen: Looked, number: int, ranking: Ranking, found: Match | None, names: dict[int, str]
) -> Identified:
    face, record = seen.faces[number], seen.record
    assert record is not None
    person = None if found is None or found.person is None else names[found.person]
    maybe = None if found is None or found.suggestion is None else names[found.suggestion]
    score = None if found is None else found.score if person else found.suggestion_score
    return Identified(
        index=number + 1,
        box=face.box.pixels(record.width, record.height),
        place=face.box,
        quality=face.quality,
        person=person,
        similarity=None if score is None else round(score, 4),
        suggestion=maybe,
        law="no-candidate" if found is None else found.law,
        nearest=tuple(Likeness(names[who], round(score, 4)) for who, score in ranking[:NEAREST]),
    )
