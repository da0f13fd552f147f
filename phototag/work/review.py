"""What a user is asked next: the questions whose answers settle most, first.

Large unnamed clusters come first (one answer names many faces), then suggestions, clearest first,
then named faces that the audit finds suspicious, then good faces that are like nobody.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from phototag.catalog import evidence, grids, journal, views
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.assignments import assigned
from phototag.catalog.grids import Page
from phototag.catalog.store import Library
from phototag.catalog.views import SeenFace
from phototag.core.gallery import Gallery
from phototag.core.quality import GOOD
from phototag.core.types import Box, Thresholds
from phototag.work.audit import Doubt, audit
from phototag.work.evidence import vector_of
from phototag.work.film import picture_of
from phototag.work.looking import gallery_of

MEMBERS = 12
"""Faces that a question about a cluster shows."""

CHOICES = 9
"""People that a question proposes: each has a key, 1 to 9."""

ALIKE = 1.0
"""No face fits better: nobody is proposed beyond `CHOICES`."""

DOUBTS = 200
"""Suspicious faces that one audit hands over at most; the next one the next."""


PAUSE = 20
"""An audit is not made again before that many times as long as it took: while every answer is about
a face without doubts, audits cost 5 % of the time."""


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
    """Best first; without those that were refused, and without those who have their face in the
    photo already."""
    doubt: Doubt | None = None
    """What speaks against its name, where it has one."""


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


@dataclass(slots=True)
class Doubts:
    """Suspicious faces, kept from one question to the next: an audit looks at every named face.

    They are gathered anew when all were answered and something was decided since.
    """

    _found: tuple[Doubt, ...] = ()
    _as_of: tuple[object, ...] | None = None
    _not_before: float = 0.0

    def standing(
        self, lib: Library, model: str, thresholds: Thresholds, today: str
    ) -> Iterator[Doubt]:
        """The most suspicious first, without those that were answered."""
        numbers = {name: number for number, name in verdict_table.people(lib).items()}
        found = [doubt for doubt in self._found if _stands(lib, doubt, numbers)]
        as_of = (lib.folder, model, thresholds, journal.newest_id(lib))
        started = time.monotonic()
        if not found and as_of != self._as_of and started >= self._not_before:
            self._found = audit(lib, model, thresholds, today, None, DOUBTS).doubts
            found = [doubt for doubt in self._found if _stands(lib, doubt, numbers)]
            self._as_of = as_of
            self._not_before = time.monotonic() + PAUSE * (time.monotonic() - started)
        yield from found


def _stands(lib: Library, doubt: Doubt, numbers: Mapping[str, int]) -> bool:
    """Whether it is suspicious and unanswered: the face has its name still, and nobody said that it
    is not the other."""
    if doubt.suspicion <= 0:
        return False
    face = _number(doubt.face)
    verdict, rival = evidence.verdict(lib, face), numbers.get(doubt.rival or "")
    return (
        rival is not None
        and verdict is not None
        and verdict.person == numbers.get(doubt.person)
        and rival not in evidence.refused(lib, face)
    )


def _number(face: str) -> int:
    return int(face.partition("-")[2])


@dataclass(frozen=True, slots=True)
class Queue:
    """What the questions are made of."""

    lib: Library
    model: str
    thresholds: Thresholds
    """The model's own."""
    today: str
    """ISO 8601."""
    doubts: Doubts = field(default_factory=Doubts)

    def questions(self, skip: Collection[str] = ()) -> Iterator[Question]:
        """Every question that is not in `skip` (by target), most valuable first, made as it is
        asked for."""
        lib, those = self.lib, _Candidates.of(self.lib, self.model)
        for number, faces in _clusters(lib):
            if f"cluster-{number}" not in skip:
                yield those.about_cluster(number, faces)
        for face in grids.suggestions(lib, self.thresholds.suggest):
            if f"face-{face}" not in skip:
                yield those.about_face(face, "suggestion")
        for doubt in self.doubts.standing(lib, self.model, self.thresholds, self.today):
            if doubt.face not in skip:
                yield those.about_face(_number(doubt.face), "doubt", doubt)
        for face in grids.alone(lib, GOOD):
            if f"face-{face}" not in skip:
                yield those.about_face(face, "alone")


def _clusters(lib: Library) -> Iterator[tuple[int, int]]:
    for number in count(1):
        found = grids.clusters(lib, Page(200, number))
        yield from found
        if len(found) < 200:
            return


@dataclass(slots=True)
class _Candidates:
    """Who faces may be: everybody's examples and best faces, looked up once for all questions."""

    lib: Library
    model: str
    gallery: Gallery
    names: Mapping[int, str]
    best: dict[int, int | None] = field(default_factory=dict)
    """The face that is shown of a person."""

    @staticmethod
    def of(lib: Library, model: str) -> _Candidates:
        return _Candidates(lib, model, gallery_of(lib, model), verdict_table.people(lib))

    def about_cluster(self, number: int, faces: int) -> Question:
        members = grids.faces(self.lib, "cluster_id", number, Page(MEMBERS))
        lead = members[0]
        return Question(
            target=f"cluster-{number}",
            kind="cluster",
            faces=faces,
            members=tuple(face.id for face in members),
            photo=lead.photo,
            box=_place(self.lib, lead),
            choices=self.choices(lead.id, assigned(self.lib, "cluster_id", number)),
        )

    def about_face(self, number: int, kind: str, doubt: Doubt | None = None) -> Question:
        face = views.seen_face(self.lib, number)
        assert face is not None
        said, rival = (None, None) if doubt is None else (doubt.person, doubt.rival)
        found = list(self.choices(number, [number], but=said))
        # The law may suggest somebody who is not the likest: that one is asked about.
        found.sort(key=lambda choice: choice.number != face.suggestion and choice.person != rival)
        return Question(
            target=f"face-{number}",
            kind=kind,
            faces=1,
            members=(number,),
            photo=face.photo,
            box=_place(self.lib, face),
            choices=tuple(found),
            doubt=doubt,
        )

    def choices(
        self, face: int, faces: Sequence[int], but: str | None = None
    ) -> tuple[Choice, ...]:
        """The people that a face fits best, best first, `but` one, and without those whom one of
        `faces` cannot be: what is answered holds for all of them."""
        vector = vector_of(self.lib, self.model, face)
        if vector is None or not self.gallery.size:
            return ()
        others = evidence.not_asked(self.lib, faces)
        count = CHOICES + len(others) + (but is not None)
        (ranking,) = self.gallery.search(vector[None], least=ALIKE, count=count)
        kept = [
            (person, score)
            for person, score in ranking
            if person not in others and self.names[person] != but
        ][:CHOICES]
        return tuple(
            Choice(self.names[person], person, round(score, 4), self._best(person))
            for person, score in kept
        )

    def _best(self, person: int) -> int | None:
        if person not in self.best:
            found = views.best_face(self.lib, "person_id", person)
            self.best[person] = found[1] if found else None
        return self.best[person]


def _place(lib: Library, face: SeenFace) -> Box:
    """Where it is on its photo, or on the strip of its video."""
    return picture_of(lib, face.photo, [face]).boxes.get(face.id, face.box)
