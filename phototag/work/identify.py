"""Who is on a photo? Its faces against everybody whom the library knows, or before a trained
classifier; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phototag.catalog import verdicts as verdict_table
from phototag.catalog.store import Library
from phototag.core.gallery import Ranking
from phototag.core.lives import Life, day_of, more_margin
from phototag.core.matching import Candidate, Match, match
from phototag.core.types import Box, FaceRecord, Thresholds
from phototag.vision.classify import ClassifierCard
from phototag.work.looking import Look, Looked, gallery_of, look_at, not_faces, refused_of

Rank = Callable[[Sequence[FaceRecord]], list[Ranking]]
"""Who some faces may be, and how well each fits."""

NEAREST = 3
"""People that are named for each face, whether they are like it or not."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A person, and how well a face fits them: the mean of the three best similarities, or a
    classifier's probability."""

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
    classifier: str | None = None
    """The id of the one that was asked; None: the library's examples were."""


def identify(
    lib: Library, model: str, thresholds: Thresholds, look: Look, words: Sequence[str]
) -> Searched:
    """Look at photos and say who is there, by the laws of a scan: above `accept` and ahead by
    `margin`, nobody twice in a photo, and never against a user's no. `photo.jpg#2` asks for one
    face of it."""
    gallery = gallery_of(lib, model)
    names = verdict_table.people(lib)
    leave_out = not_faces(lib)

    def rank(faces: Sequence[FaceRecord]) -> list[Ranking]:
        vectors = np.stack([face.embedding for face in faces])
        return gallery.search(vectors, least=thresholds.suggest, count=NEAREST)

    lives = verdict_table.lives(lib)
    photos = []
    for word in words:
        seen = look_at(word, look, leave_out)
        photos.append(_photo(seen, rank, names, thresholds, refused_of(lib, seen), lives))
    return Searched(tuple(photos), len(gallery.people), gallery.size)


def predict(card: ClassifierCard, look: Look, words: Sequence[str]) -> Searched:
    """The same by a trained classifier, which `look` asks about every face: no library is needed,
    and the decisions of none count."""
    names = dict(enumerate(card.classes))
    levels = Thresholds(card.not_recognised, card.not_recognised, card.not_recognised, 0.0)

    def rank(faces: Sequence[FaceRecord]) -> list[Ranking]:
        said = [face.classified.probabilities for face in faces if face.classified is not None]
        return [sorted(enumerate(row.tolist()), key=lambda one: -one[1]) for row in said]

    photos = tuple(_photo(look_at(word, look), rank, names, levels, set(), {}) for word in words)
    return Searched(photos, len(card.classes), 0, card.id)


def _photo(
    seen: Looked,
    rank: Rank,
    names: Mapping[int, str],
    thresholds: Thresholds,
    refused: set[tuple[int, int]],
    lives: Mapping[int, Life],
) -> PhotoIdentified:
    record = seen.record
    if record is None:
        return PhotoIdentified(seen.path, 0, 0, (), f"{seen.message} ({seen.reason})")
    size = (record.width, record.height)
    if not seen.faces:
        return PhotoIdentified(seen.path, *size, ())
    if seen.reason is not None:
        return PhotoIdentified(seen.path, *size, (), f"{seen.message} ({seen.reason})")
    rankings = rank(seen.faces)
    matches = match(
        [
            _candidate(face, person, score, lives.get(person), day_of(record.taken))
            for face, ranking in enumerate(rankings)
            for person, score in ranking
        ],
        thresholds=thresholds,
        taken={},
        rejected=refused,
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
    seen: Looked, number: int, ranking: Ranking, found: Match | None, names: Mapping[int, str]
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
