"""What a user is asked next: the questions whose answers settle most, first.

Large unnamed clusters come first (one answer names many faces), then suggestions, clearest first,
then faces that were named but look like somebody else, then good faces that are like nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count

from phototag.catalog import grids, views
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.grids import Page
from phototag.catalog.store import Library
from phototag.catalog.views import SeenFace
from phototag.core.quality import GOOD
from phototag.core.types import Box, Thresholds
from phototag.work.evidence import compare, score_of, vector_of
from phototag.work.film import picture_of
from phototag.work.why import Rival

MEMBERS = 12
"""Faces that a question about a cluster shows."""

DOUBTS = 200
"""Named faces that are looked at again at most."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody that the faces may be."""

    person: str
    number: int
    similarity: float
    face: int | None
    """The person's best face, to be shown."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to answer."""

    target: str
    """`cluster-3` or `face-17`: what a decision about it names."""
    kind: str
    """`cluster`, `suggestion`, `doubt` or `alone`."""
    faces: int
    members: tuple[int, ...]
    """Faces to show, best first."""
    photo: int
    """Of the first of them."""
    box: Box
    choices: tuple[Choice, ...]
    """Best first; without those that were refused."""
    person: str | None = None
    """Who it is said to be, where that is in doubt."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much there is to answer."""

    clusters: int
    clustered: int
    """Faces in them."""
    suggestions: int
    alone: int

    @property
    def questions(self) -> int:
        return self.clusters + self.suggestions + self.alone


def backlog(lib: Library) -> Backlog:
    clusters, clustered = grids.count_clusters(lib)
    return Backlog(clusters, clustered, grids.count_suggestions(lib), grids.count_alone(lib, GOOD))


def questions(
    lib: Library, model: str, thresholds: Thresholds, skip: Collection[str] = ()
) -> Iterator[Question]:
    """Every question that is not in `skip` (by target), most valuable first, made as it is asked
    for."""
    for number, faces in _clusters(lib):
        if f"cluster-{number}" not in skip:
            yield _about_cluster(lib, model, number, faces)
    for face in grids.suggestions(lib, thresholds.suggest):
        if f"face-{face}" not in skip:
            yield _about_face(lib, model, face, "suggestion")
    for face, person in doubtful(lib, model, thresholds):
        if f"face-{face}" not in skip:
            yield _about_face(lib, model, face, "doubt", person)
    for face in grids.alone(lib, GOOD):
        if f"face-{face}" not in skip:
            yield _about_face(lib, model, face, "alone")


def _clusters(lib: Library) -> Iterator[tuple[int, int]]:
    for number in count(1):
        found = grids.clusters(lib, Page(200, number))
        yield from found
        if len(found) < 200:
            return


def doubtful(lib: Library, model: str, thresholds: Thresholds) -> Iterator[tuple[int, str]]:
    """(face, its person) of named faces that fit somebody else better than their own person, whose
    other faces alone count."""
    names = verdict_table.people(lib)
    seen: set[int] = set()
    for face, person, _, score in grids.look_like_others(lib, thresholds.accept, DOUBTS):
        if face not in seen and score > _own_score(lib, model, face, person):
            seen.add(face)
            yield face, names[person]


def _own_score(lib: Library, model: str, face: int, person: int) -> float:
    """How well a face fits its person's other faces; -1 where there are none."""
    vector = vector_of(lib, model, face)
    if vector is None:
        return -1.0
    return score_of(lib, model, person, face, vector, verdict_table.lives(lib).get(person))[0]


def _about_cluster(lib: Library, model: str, number: int, faces: int) -> Question:
    members = grids.faces(lib, "cluster_id", number, Page(MEMBERS))
    lead = members[0]
    return Question(
        target=f"cluster-{number}",
        kind="cluster",
        faces=faces,
        members=tuple(face.id for face in members),
        photo=lead.photo,
        box=_place(lib, lead),
        choices=choices(lib, model, lead),
    )


def _about_face(
    lib: Library, model: str, number: int, kind: str, person: str | None = None
) -> Question:
    face = views.seen_face(lib, number)
    assert face is not None
    found = [choice for choice in choices(lib, model, face) if choice.person != person]
    # The law may suggest somebody who is not the likest: that one is asked about.
    found.sort(key=lambda choice: choice.number != face.suggestion)
    return Question(
        target=f"face-{number}",
        kind=kind,
        faces=1,
        members=(number,),
        photo=face.photo,
        box=_place(lib, face),
        choices=tuple(found),
        person=person,
    )


def _place(lib: Library, face: SeenFace) -> Box:
    """Where it is on its photo, or on the strip of its video."""
    return picture_of(lib, face.photo, [face]).boxes.get(face.id, face.box)


def choices(lib: Library, model: str, face: SeenFace) -> tuple[Choice, ...]:
    """The people that a face fits best and may be, best first."""
    vector = vector_of(lib, model, face.id)
    if vector is None:
        return ()
    _, rivals = compare(lib, model, face.id, vector)
    numbers = {name: number for number, name in verdict_table.people(lib).items()}
    return tuple(
        _choice(lib, rival, numbers[rival.person]) for rival in rivals if not rival.rejected
    )


def _choice(lib: Library, rival: Rival, number: int) -> Choice:
    best = views.best_face(lib, "person_id", number)
    return Choice(rival.person, number, rival.score, best[1] if best else None)
