"""Which person is this face? The laws of recognition, pure and in one place.

A face's score for a person comes from some of the person's *decided* faces (`core.examples`). Names
are given above the model card's thresholds only, and never against a person's word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from phototag.core.examples import EXAMPLES, choose_examples, likely, person_scores
from phototag.core.tracks import ALWAYS, meet
from phototag.core.types import Span, Thresholds

__all__ = [
    "EXAMPLES",
    "Candidate",
    "Law",
    "Match",
    "choose_examples",
    "likely",
    "match",
    "person_scores",
]

Law = Literal[
    "accepted",
    "below-accept",
    "margin",
    "twice-in-photo",
    "rejected",
    "no-candidate",
    "outside-life",
]
"""What settled a face: it was named, or what stood between it and its best-scoring person."""


class Candidate(NamedTuple):
    """An undecided face that might be a person: its score is at least `Thresholds.suggest`."""

    face: int
    photo: int
    person: int
    score: float
    alive: bool = True
    """Whether the person lived on the day of the photo, as far as both are known."""
    more_margin: float = 0.0
    """What the lead over the runner-up has to be more."""


class Match(NamedTuple):
    """What follows for one face."""

    face: int
    person: int | None
    """The person it is given."""
    score: float | None
    """Its score for that person."""
    suggestion: int | None
    """The person it may be, where it is given none."""
    suggestion_score: float | None
    runner_up: int | None
    """The best other person it could be by the laws, beside the one given or suggested."""
    runner_up_score: float | None
    law: Law


def match(
    candidates: Iterable[Candidate],
    *,
    thresholds: Thresholds,
    taken: Mapping[int, Collection[int]],
    rejected: Collection[tuple[int, int]],
    twice_persons: Collection[int] = (),
    twice_photos: Collection[int] = (),
    order: Mapping[int, Any] | None = None,
    spans: Mapping[int, Span] | None = None,
    taken_in: Mapping[int, Sequence[tuple[int, Span]]] | None = None,
) -> dict[int, Match]:
    """Give each undecided face a person, a suggestion or nothing, within the laws.

    `candidates` are all pairs of an undecided face and a person that score `thresholds.suggest` or
    more, each pair once. `taken` names the persons that decided faces show in each photo,
    `rejected` the (face, person) pairs that a user refused. The laws:

    - A refused pair is neither given nor suggested.
    - No person is given or suggested twice in a photo, or where a decided face shows them, unless
      the person is in `twice_persons` or the photo in `twice_photos`. The best score wins, the
      other face goes to its next best; nobody gets a person whom a better face may yet be.
    - A person is given at `accept` or more, ahead of every other person the face could be by
      `margin`. Whom another face of the photo was given, a face could not be any more.
    - A person who did not live on the day of the photo is not given, and is nobody's runner-up: a
      child is not its grandmother. It may be suggested: the date may be a scanner's, or wrong.
    - What is left is suggested, best score first.

    In a video a face is there for a while: `spans` tells when, by face, and `taken_in` when a
    decided face shows somebody, by video. "Twice in a photo" is then "twice at one moment": two
    faces that are never seen together may be one person. Faces without a span are always there.

    Ties go to the lower sort key of the face in `order` (default: its number), then to the lower
    person: the order of the candidates changes nothing. Faces without candidates are not in the
    answer (their law is `no-candidate`); those with refused or taken ones only are.
    """
    key: Callable[[int], Any] = int if order is None else order.__getitem__
    refused = rejected if isinstance(rejected, Mapping | set | frozenset) else set(rejected)
    by_photo: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if candidate.score >= thresholds.suggest:
            by_photo[candidate.photo].append(candidate)
    found: dict[int, Match] = {}
    for photo, inside in by_photo.items():
        inside.sort(key=lambda c: (-c.score, key(c.face), c.person))
        room = _Room(inside, refused, spans or {})
        room.shareable = {c.person for c in inside} if photo in twice_photos else twice_persons
        for person in taken.get(photo, ()):
            room.away.add(person, ALWAYS)
        for person, span in (taken_in or {}).get(photo, ()):
            room.away.add(person, span)
        found |= room.settle(thresholds)
    return found


class _When:
    """When people are shown by a face, or may be."""

    def __init__(self) -> None:
        self._spans: dict[int, list[Span]] = defaultdict(list)

    def add(self, person: int, span: Span) -> None:
        self._spans[person].append(span)

    def has(self, person: int, span: Span) -> bool:
        """Whether the person is shown at a moment of that span."""
        spans = self._spans.get(person)
        return spans is not None and any(meet(span, other) for other in spans)


class _Room:
    """One photo's candidates, best first, while they are settled."""

    def __init__(
        self,
        ranked: list[Candidate],
        refused: Collection[tuple[int, int]],
        spans: Mapping[int, Span],
    ) -> None:
        self.ranked, self.refused, self.spans = ranked, refused, spans
        self.away = _When()
        self.shareable: Collection[int] = ()
        self.of_face: dict[int, list[Candidate]] = defaultdict(list)
        for candidate in ranked:
            self.of_face[candidate.face].append(candidate)

    def settle(self, thresholds: Thresholds) -> dict[int, Match]:
        """Every face that has a candidate, in order of its best score."""
        named = self._accept(thresholds)
        hinted = self._suggest(named, thresholds)
        return {
            face: named.get(face) or hinted.get(face) or _nobody(face, self._law(face, thresholds))
            for face in self.of_face
        }

    def _open(self, candidate: Candidate) -> bool:
        """Whether the face could be the person, by the laws."""
        pair = (candidate.face, candidate.person)
        return not self._is_away(candidate) and pair not in self.refused

    def _is_away(self, candidate: Candidate) -> bool:
        """Whether another face shows the person while this one is there."""
        if candidate.person in self.shareable:
            return False
        return self.away.has(candidate.person, self._span(candidate))

    def _span(self, candidate: Candidate) -> Span:
        return self.spans.get(candidate.face, ALWAYS)

    def _take(self, candidate: Candidate) -> None:
        if candidate.person not in self.shareable:
            self.away.add(candidate.person, self._span(candidate))

    def _runner_up(self, candidate: Candidate) -> Candidate | None:
        others = (o for o in self.of_face[candidate.face] if o.alive or not candidate.alive)
        return next((o for o in others if o.person != candidate.person and self._open(o)), None)

    def _accept(self, thresholds: Thresholds) -> dict[int, Match]:
        """Best pair first; over again, since a person given away may clear another's margin."""
        named: dict[int, Match] = {}
        waiting = [c for c in self.ranked if c.alive and c.score >= thresholds.accept]
        before = -1
        while before != len(named):
            before = len(named)
            unclear = _When()
            for candidate in waiting:
                face, person = candidate.face, candidate.person
                if face in named or not self._open(candidate):
                    continue
                if unclear.has(person, self._span(candidate)):
                    continue
                second = self._runner_up(candidate)
                margin = thresholds.margin + candidate.more_margin
                if second is None or candidate.score - second.score >= margin:
                    named[face] = _named(candidate, second)
                    self._take(candidate)
                elif person not in self.shareable:
                    unclear.add(person, self._span(candidate))
        return named

    def _suggest(self, named: Mapping[int, Match], thresholds: Thresholds) -> dict[int, Match]:
        """What is left, best pair first."""
        hinted: dict[int, Match] = {}
        for candidate in self.ranked:
            face = candidate.face
            if face not in named and face not in hinted and self._open(candidate):
                second, law = self._runner_up(candidate), self._law(face, thresholds)
                hinted[face] = _hinted(candidate, second, law)
                self._take(candidate)
        return hinted

    def _law(self, face: int, thresholds: Thresholds) -> Law:
        best = self.of_face[face][0]
        if (best.face, best.person) in self.refused:
            return "rejected"
        if self._is_away(best):
            return "twice-in-photo"
        if best.score < thresholds.accept:
            return "below-accept"
        return "margin" if best.alive else "outside-life"


def _named(best: Candidate, second: Candidate | None) -> Match:
    return Match(
        face=best.face,
        person=best.person,
        score=best.score,
        suggestion=None,
        suggestion_score=None,
        runner_up=second.person if second else None,
        runner_up_score=second.score if second else None,
        law="accepted",
    )


def _hinted(best: Candidate, second: Candidate | None, law: Law) -> Match:
    return Match(
        face=best.face,
        person=None,
        score=None,
        suggestion=best.person,
        suggestion_score=best.score,
        runner_up=second.person if second else None,
        runner_up_score=second.score if second else None,
        law=law,
    )


def _nobody(face: int, law: Law) -> Match:
    return Match(face, None, None, None, None, None, None, law)
